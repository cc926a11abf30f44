//! Bodies on their way in: small ones in memory, large ones in a file of their own.

use crate::disk::{DiskFile, Mode};
use crate::files::{Files, LARGE, Name};
use crate::frame::Checksums;
use crate::room::is_full;
use crate::shared::Shared;
use crate::thread::off_thread;
use bytes::{Bytes, BytesMut};
use core_store::{BlobId, BlobWriter, Body, BodyBytes, Later, StoreError};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Bodies up to this many octets travel in memory and are written with their batch; longer ones go
/// to a file of their own.
pub const INLINE_MAX: usize = 256 * 1024;
/// Octets of a body held in memory once it has a file: one part, filled and written again and
/// again, so that two hundred large bodies at once stay small and free nothing on another thread.
const PIECE: usize = PART_MAX;
/// Octets that a part of a body in memory has room for, at least and at most.
const PART_MIN: usize = 4 * 1024;
const PART_MAX: usize = 64 * 1024;

/// A body ready for its frame.
#[derive(Debug)]
pub struct Prepared {
    /// What it will be called.
    pub id: BlobId,
    /// Octets of the body.
    pub len: u64,
    /// CRC32C for the frame's header.
    pub crc: u32,
    /// The frame's payload.
    pub payload: Vec<Bytes>,
    /// Are the octets in a file of their own?
    pub large: bool,
    /// Guards that file until the body is committed.
    pub file: Option<LargeFile>,
}

impl Prepared {
    /// Computes the checksums of a body; of a large one its writer did.
    pub fn new(body: Body) -> Result<Prepared, StoreError> {
        let parts = match body.bytes {
            BodyBytes::Spilled(spilled) => {
                let foreign = || StoreError::Unavailable("a body of another store".into());
                return spilled.downcast::<Prepared>().map(|body| *body).map_err(|_| foreign());
            }
            BodyBytes::Inline(parts) => parts,
        };
        let mut checksums = Checksums::default();
        parts.iter().for_each(|part| checksums.update(part));
        let len = checksums.len();
        if len != body.len || len > INLINE_MAX as u64 {
            return Err(StoreError::TooLarge("body in memory"));
        }
        let (table, crc) = checksums.finish();
        let table = (!table.is_empty()).then(|| table.into());
        let payload = table.into_iter().chain(parts).collect();
        Ok(Prepared { id: body.id, len, crc, payload, large: false, file: None })
    }
}

impl Prepared {
    /// Was it made while the store's files were these? A body in a file of its own does not outlive a
    /// reopening of the store, which removes the files that nothing names.
    pub fn is_of(&self, files: &Arc<Files>) -> bool {
        self.file.as_ref().is_none_or(|file| Arc::ptr_eq(&file.files, files))
    }
}

/// A large body's file; removed when dropped before [`LargeFile::keep`].
#[derive(Debug)]
pub struct LargeFile {
    files: Arc<Files>,
    id: BlobId,
    kept: bool,
}

impl LargeFile {
    /// It may be named in the log by now: never remove it from here.
    pub fn keep(&mut self) {
        self.kept = true;
    }

    /// For reading.
    pub fn open(&self) -> io::Result<Arc<dyn DiskFile>> {
        self.files.get(Name::Large(self.id))
    }
}

impl Drop for LargeFile {
    fn drop(&mut self) {
        if !self.kept {
            // One that stays is an orphan and goes when the store is opened next.
            let _ = self.files.remove(Name::Large(self.id));
        }
    }
}

impl Spill {
    /// Writes `parts`; gives back the one to fill next.
    fn append(mut self, mut parts: Vec<BytesMut>) -> io::Result<(Spill, Vec<BytesMut>)> {
        for part in &parts {
            self.file.write_at(part, self.written)?;
            self.written += part.len() as u64;
        }
        parts.retain(|part| part.capacity() == PIECE);
        parts.truncate(1);
        parts.iter_mut().for_each(BytesMut::clear);
        Ok((self, parts))
    }
}

/// The engine's [`BlobWriter`].
pub struct Writer {
    shared: Arc<Shared>,
    id: BlobId,
    checksums: Checksums,
    parts: Vec<BytesMut>,
    /// Octets in `parts`.
    held: usize,
    spill: Option<Spill>,
    /// Counts among those that arrive, until it is here or known to be large.
    arriving: Option<Arriving>,
    /// A write failed or was given up halfway: octets are missing.
    broken: bool,
}

struct Spill {
    file: Arc<dyn DiskFile>,
    guard: LargeFile,
    written: u64,
}

/// One of [`crate::shared::Counters::arriving`].
struct Arriving(Arc<Shared>);

impl Arriving {
    fn new(shared: Arc<Shared>) -> Arriving {
        shared.counters.arriving.fetch_add(1, Relaxed);
        Arriving(shared)
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        self.0.counters.arriving.fetch_sub(1, Relaxed);
    }
}

impl Writer {
    /// A body called `id`.
    pub fn new(shared: Arc<Shared>, id: BlobId) -> Writer {
        let arriving = Some(Arriving::new(shared.clone()));
        Writer {
            shared,
            arriving,
            id,
            checksums: Checksums::default(),
            parts: Vec::new(),
            held: 0,
            spill: None,
            broken: false,
        }
    }

    /// Octets that may be held.
    fn room(&self) -> usize {
        if self.spill.is_some() { PIECE } else { INLINE_MAX }
    }

    /// Copies as much of `chunk` as there is room for; how much.
    fn take(&mut self, chunk: &[u8]) -> usize {
        let most = self.room();
        let now = chunk.len().min(most - self.held);
        let mut rest = &chunk[..now];
        while !rest.is_empty() {
            if self.parts.last().is_none_or(|part| part.len() == part.capacity()) {
                let room = rest.len().max(self.held).clamp(PART_MIN, PART_MAX);
                self.parts.push(BytesMut::with_capacity(room.min(most - self.held)));
            }
            let Some(part) = self.parts.last_mut() else { break };
            let (fits, later) = rest.split_at(rest.len().min(part.capacity() - part.len()));
            part.extend_from_slice(fits);
            self.held += fits.len();
            rest = later;
        }
        self.checksums.update(&chunk[..now]);
        now
    }

    async fn add(&mut self, mut chunk: &[u8]) -> io::Result<()> {
        loop {
            let taken = self.take(chunk);
            chunk = &chunk[taken..];
            if chunk.is_empty() {
                return Ok(());
            }
            self.flush().await?;
        }
    }

    /// Moves what is in memory to the body's file.
    async fn flush(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.broken, true) {
            return Err(io::Error::other("an earlier write of this body was not finished"));
        }
        self.arriving = None;
        let spill = match self.spill.take() {
            Some(spill) => spill,
            None => self.begin_file().await?,
        };
        let parts = std::mem::take(&mut self.parts);
        self.held = 0;
        // The file's guard goes along: if this future is dropped, it is removed after the write.
        let (spill, parts) = off_thread(move || spill.append(parts)).await?;
        (self.spill, self.parts) = (Some(spill), parts);
        self.broken = false;
        Ok(())
    }

    async fn begin_file(&self) -> io::Result<Spill> {
        let (files, id, reserve) =
            (self.shared.files.clone(), self.id, self.shared.options.reserve);
        off_thread(move || {
            if files.room.free() < reserve {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let file = files.disk.open(&Name::Large(id).path(), Mode::Create)?;
            Ok(Spill { file, guard: LargeFile { files, id, kept: false }, written: 0 })
        })
        .await
    }

    async fn end(mut self) -> io::Result<Body> {
        let (id, len) = (self.id, self.checksums.len());
        if self.spill.is_some() || self.broken {
            self.flush().await?;
        }
        let Some(Spill { file, guard, .. }) = self.spill else {
            let parts = self.parts.into_iter().map(BytesMut::freeze).collect();
            return Ok(Body { id, len, bytes: BodyBytes::Inline(parts) });
        };
        // Durable before the batch is queued, so that nobody else waits for it.
        let shared = self.shared.clone();
        let guard = off_thread(move || {
            let synced = file.sync_data().and_then(|()| guard.files.disk.sync_dir(LARGE));
            // This body is given up, but the directory's names are everybody's.
            if let Err(error) = &synced
                && !is_full(error)
            {
                shared.fail("syncing a large body failed", error);
            }
            synced.map(|()| guard)
        })
        .await?;
        let (table, crc) = self.checksums.finish();
        let payload = vec![table.into()];
        let prepared = Prepared { id, len, crc, payload, large: true, file: Some(guard) };
        Ok(Body { id, len, bytes: BodyBytes::Spilled(Box::new(prepared)) })
    }
}

impl BlobWriter for Writer {
    fn write<'a>(&'a mut self, chunk: &'a [u8]) -> Later<'a, ()> {
        Box::pin(async move { self.add(chunk).await.map_err(write_error) })
    }

    fn len(&self) -> u64 {
        self.checksums.len()
    }

    fn finish(self: Box<Self>) -> Later<'static, Body> {
        Box::pin(async move { self.end().await.map_err(write_error) })
    }
}

fn write_error(error: io::Error) -> StoreError {
    match is_full(&error) {
        true => StoreError::Full,
        false => StoreError::Unavailable(format!("writing a body: {error}")),
    }
}
