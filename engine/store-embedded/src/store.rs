//! The open store.

use crate::blob;
use crate::check::{self, CheckReport};
use crate::checkpoint::Checkpointer;
use crate::collect::Collector;
use crate::committer::{Committer, GROUP_MAX, Request, unsent};
use crate::disk::{Directory, Disk};
use crate::files::Files;
use crate::log::Log;
use crate::options::{OpenError, Options};
use crate::recovery::{self, Recovered};
use crate::shared::{Shared, closed};
use crate::spare::Spare;
use crate::stats::Stats;
use crate::stepped::Steps;
use crate::thread::Threads;
use crate::view::{Published, View};
use crate::writer::{Prepared, Writer};
use bytes::Bytes;
use core_store::{
    Batch, BlobId, BlobWriter, Blobs, Body, BodyBytes, Committed, Expect, Later, Limits, Operation,
    Snapshot, Store, StoreError,
};
use std::any::Any;
use std::future::ready;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// [`Store`] and [`Blobs`] in a directory of this machine.
#[derive(Debug)]
pub struct EmbeddedStore {
    shared: Arc<Shared>,
    queue: mpsc::Sender<Request>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    recovery: Recovery,
    lock: Mutex<Option<Box<dyn Any + Send + Sync>>>,
}

/// What opening had to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// Octets of log that were not in the last checkpoint.
    pub replayed: u64,
    /// What the log ended with if a crash left a batch unfinished. Nothing of it was acknowledged.
    pub cut: Option<&'static str>,
}

impl EmbeddedStore {
    /// Opens the store in `directory`, or makes it.
    pub fn open(directory: &Path, options: Options) -> Result<Arc<EmbeddedStore>, OpenError> {
        EmbeddedStore::open_on(Arc::new(Directory::new(directory)), directory, options)
    }

    /// Opens the store on another disk; `directory` is for messages.
    pub fn open_on(
        disk: Arc<dyn Disk>,
        directory: &Path,
        options: Options,
    ) -> Result<Arc<EmbeddedStore>, OpenError> {
        let (mut store, steps) = open(disk, directory, options, Threads::Own)?;
        let threads = steps.spawn();
        let starting = |error| recovery::io_error(directory, "starting the store", error);
        store.threads = Mutex::new(threads.map_err(starting)?);
        Ok(Arc::new(store))
    }

    /// Opens a store without threads: whoever opens it has its work done with [`Steps`], in an order
    /// of their own, and so can have the same run twice. Futures end only when the steps that they
    /// wait for are done.
    pub fn open_stepped(
        disk: Arc<dyn Disk>,
        directory: &Path,
        options: Options,
    ) -> Result<(Arc<EmbeddedStore>, Steps), OpenError> {
        let (store, steps) = open(disk, directory, options, Threads::None)?;
        Ok((Arc::new(store), steps))
    }

    /// Writes the last checkpoint and lets go of the directory. What is committed afterwards is
    /// refused. Closing twice does no harm, nor does not closing at all: the log has everything.
    pub fn close(&self) {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.closing.store(true, Relaxed);
        while let Err(mpsc::error::TrySendError::Full(_)) = self.queue.try_send(Request::Close) {
            std::thread::sleep(Duration::from_millis(1));
        }
        for thread in threads.drain(..) {
            let _ = thread.join();
        }
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// What opening had to do.
    pub fn recovery(&self) -> Recovery {
        self.recovery
    }

    /// Numbers for the operator.
    pub fn stats(&self) -> Result<Stats, StoreError> {
        Stats::of(&self.shared)
    }

    /// Reads at most about `budget` octets and verifies them: frames, and what refers to them.
    /// Nothing is changed, and others go on working.
    pub fn check(&self, budget: u64) -> CheckReport {
        check::check(&self.shared.files, &self.shared.published, budget)
    }

    /// Verifies the store in `directory` while nobody has it open, its metadata file included.
    pub fn check_offline(directory: &Path) -> Result<CheckReport, OpenError> {
        check::check_offline(directory)
    }

    /// Begins a checkpoint soon, if anything has changed.
    pub fn checkpoint_soon(&self) {
        let _ = self.queue.try_send(Request::Freeze);
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        self.close();
    }
}

/// Keeps other processes out.
pub fn take_lock(
    disk: &dyn Disk,
    directory: &Path,
) -> Result<Box<dyn Any + Send + Sync>, OpenError> {
    let doing = |error| recovery::io_error(directory, "locking the store's directory", error);
    disk.create_dir("").map_err(doing)?;
    disk.lock().map_err(|error| match error.kind() {
        ErrorKind::WouldBlock => OpenError::Locked(directory.to_owned()),
        _ => doing(error),
    })
}

fn open(
    disk: Arc<dyn Disk>,
    directory: &Path,
    options: Options,
    threads: Threads,
) -> Result<(EmbeddedStore, Steps), OpenError> {
    let lock = take_lock(&*disk, directory)?;
    recovery::prepare(&*disk, directory)?;
    let files = Arc::new(Files::new(disk));
    let recovered = recovery::recover(&files, &options)?;
    let recovery = Recovery { replayed: recovered.replayed, cut: recovered.cut };
    let starting = |error| recovery::io_error(directory, "starting the store", error);
    let spare = recovered.tidy(&files, options.segment_size).map_err(starting)?;
    let spare =
        Spare::start(files.clone(), options.segment_size, spare, threads).map_err(starting)?;
    let log = Log::open(files.clone(), spare, recovered.end, options.segment_size);
    let log = log.map_err(starting)?;
    Ok(start(files, options, recovered, log, recovery, lock))
}

fn start(
    files: Arc<Files>,
    options: Options,
    recovered: Recovered,
    log: Log,
    recovery: Recovery,
    lock: Box<dyn Any + Send + Sync>,
) -> (EmbeddedStore, Steps) {
    let Recovered { database, base, memtable, usage, sequence, next_blob, replayed, .. } =
        recovered;
    let published = Published::new(View {
        sequence,
        active: Arc::new(memtable),
        frozen: None,
        base: Arc::new(base),
        departed: Arc::default(),
    });
    let shared = Arc::new(Shared::new(files, options, published, usage, next_blob));
    let (queue, requests) = mpsc::channel(GROUP_MAX);
    let (tell, jobs) = std::sync::mpsc::channel();
    let committer = Committer::new(shared.clone(), requests, tell, log, sequence, replayed);
    let (told, checkpoints) = std::sync::mpsc::sync_channel(1);
    let checkpointer = Checkpointer::new(shared.clone(), database, queue.clone(), jobs, told);
    let collector = Collector::new(shared.clone(), queue.clone(), checkpoints);
    let (threads, lock) = (Mutex::default(), Mutex::new(Some(lock)));
    let store = EmbeddedStore { shared, queue, threads, recovery, lock };
    (store, Steps::new(committer, checkpointer, collector))
}

impl Store for EmbeddedStore {
    fn snapshot(&self) -> Later<'_, Arc<dyn Snapshot>> {
        let view: Arc<dyn Snapshot> = self.shared.published.current();
        Box::pin(ready(Ok(view)))
    }

    fn commit(&self, batch: Batch) -> Later<'_, Committed> {
        Box::pin(self.submit(batch))
    }

    fn limits(&self) -> Limits {
        Limits::FOUNDATION
    }
}

impl EmbeddedStore {
    async fn submit(&self, mut batch: Batch) -> Result<Committed, StoreError> {
        batch.check_limits(&Limits::FOUNDATION)?;
        self.shared.check()?;
        // Checksums are the caller's work, so that the one committer has less.
        for (body, holders) in &mut batch.bodies {
            let taken = Body { bytes: BodyBytes::Inline(Vec::new()), ..*body };
            let prepared = Prepared::new(std::mem::replace(body, taken))?;
            body.bytes = BodyBytes::Spilled(Box::new(prepared));
            *holders = (*holders).max(1);
        }
        let size = size(&batch);
        let (reply, answer) = oneshot::channel();
        self.queue.send(Request::Commit { batch, size, reply }).await.map_err(unsent)?;
        answer.await.unwrap_or(Err(StoreError::OutcomeUnknown))
    }

    async fn read_body(&self, id: BlobId, range: Range<u64>) -> Result<Bytes, StoreError> {
        let mut last = None;
        loop {
            let entry = self.shared.published.current().blob(id)?.ok_or(StoreError::NoSuchBlob)?;
            match blob::read(&self.shared.files, id, entry.locator, range.clone()).await {
                Ok(octets) => return Ok(octets),
                // Moved by collection between the look and the read: look again.
                Err(error)
                    if error.kind() == ErrorKind::NotFound && last != Some(entry.locator) =>
                {
                    last = Some(entry.locator);
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    return Err(StoreError::Corrupt(format!(
                        "the file of blob {} is missing",
                        id.0
                    )));
                }
                Err(error) => return Err(blob::read_error(error)),
            }
        }
    }
}

/// Octets that the batch will take in the log, roughly.
fn size(batch: &Batch) -> usize {
    let bodies =
        batch.bodies.iter().map(|(body, _)| body.len.min(crate::INLINE_MAX as u64) as usize);
    let operations = batch.operations.iter().map(|operation| match operation {
        Operation::Put(key, value) => key.bytes.len() + value.bytes.len(),
        Operation::Delete(key) => key.len(),
        Operation::Add(key, numbers) => key.len() + numbers.len() * 8,
        Operation::Hold(_) | Operation::Release(_) => 0,
    });
    let expects = batch.expects.iter().map(|expect| match expect {
        Expect::Absent(key) | Expect::Equals(key, _) => key.len(),
    });
    bodies.chain(operations).chain(expects).sum()
}

impl Blobs for EmbeddedStore {
    fn begin(&self) -> Box<dyn BlobWriter> {
        let id = BlobId(self.shared.next_blob.fetch_add(1, Relaxed));
        Box::new(Writer::new(self.shared.clone(), id))
    }

    fn read(&self, blob: BlobId, range: Range<u64>) -> Later<'_, Bytes> {
        Box::pin(self.read_body(blob, range))
    }
}

impl EmbeddedStore {
    /// Why nothing can be committed any more, if so.
    pub fn failure(&self) -> Option<StoreError> {
        match self.shared.check() {
            Err(error) if error != closed() => Some(error),
            _ => None,
        }
    }
}
