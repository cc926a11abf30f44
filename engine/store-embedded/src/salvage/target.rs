//! The store that is made: records as they come, bodies, and notes of what is still to be done, all by
//! ordinary commits.

use crate::blob::Entry;
use crate::record::{decode_entry, encode_entry};
use crate::shared::Shared;
use crate::store::EmbeddedStore;
use crate::writer::Writer;
use core_store::{
    Batch, BlobId, BlobWriter, Body, Key, Limits, Page, Scan, Snapshot, Store, StoreError, Value,
};
use std::future::Future;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tokio::runtime::Runtime;

/// Keys of bodies that were found without a record, each with the blob's id (8, big-endian). Whoever
/// finds a place for one releases the blob and deletes the key.
pub const ORPHANS: &[u8] = b"\xffo";
/// Keys of bodies still to be copied, or given up: blob id (8, big-endian) to entry.
const ENTRIES: &[u8] = b"\xffb";
/// Octets of bodies of one commit.
const BODIES: u64 = 4 << 20;
/// Operations of one commit.
const OPERATIONS: usize = 4_000;
/// Octets of keys and values of one commit.
const OCTETS: usize = 2 << 20;

/// The store that is made.
pub struct Target {
    store: Arc<EmbeddedStore>,
    shared: Arc<Shared>,
    runtime: Runtime,
    batch: Batch,
    operations: usize,
    octets: usize,
    bodies: u64,
}

/// Blobs and where they are.
type Entries = Vec<(BlobId, Entry)>;

fn key_of(prefix: &[u8], blob: BlobId) -> Key {
    [prefix, &blob.0.to_be_bytes()].concat().into()
}

/// The blob in a key of [`ORPHANS`].
pub fn blob_of(key: &[u8]) -> Option<BlobId> {
    key.last_chunk::<8>().map(|octets| BlobId(u64::from_be_bytes(*octets)))
}

impl Target {
    /// `store` is empty.
    pub fn new(store: &Arc<EmbeddedStore>) -> Result<Target, StoreError> {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let (store, shared) = (store.clone(), store.shared());
        let (batch, operations, octets, bodies) = (Batch::new(), 0, 0, 0);
        Ok(Target { store, shared, runtime, batch, operations, octets, bodies })
    }

    /// Waits for the store.
    fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    fn added(&mut self, octets: usize) -> Result<(), StoreError> {
        self.operations += 1;
        self.octets += octets;
        match self.operations >= OPERATIONS || self.octets >= OCTETS || self.bodies >= BODIES {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// Writes what has come together.
    pub fn flush(&mut self) -> Result<(), StoreError> {
        if self.operations > 0 {
            let batch = std::mem::replace(&mut self.batch, Batch::new());
            (self.operations, self.octets, self.bodies) = (0, 0, 0);
            self.wait(self.store.commit(batch))?;
        }
        Ok(())
    }

    /// A key has a value. One that no store takes is `Ok(false)`.
    pub fn put(&mut self, key: Key, value: Value) -> Result<bool, StoreError> {
        let limits = Limits::FOUNDATION;
        if key.len() > limits.key || value.len() > limits.value || key.is_empty() {
            return Ok(false);
        }
        let octets = key.len() + value.len();
        self.batch.put(key, value);
        self.added(octets).map(|()| true)
    }

    /// A key has no value any more.
    pub fn delete(&mut self, key: Key) -> Result<(), StoreError> {
        let octets = key.len();
        self.batch.delete(key);
        self.added(octets)
    }

    /// A blob is there, or given up.
    pub fn put_entry(&mut self, blob: BlobId, entry: &Entry) -> Result<(), StoreError> {
        self.shared.next_blob.fetch_max(blob.0.saturating_add(1), Relaxed);
        self.put(key_of(ENTRIES, blob), encode_entry(entry).to_vec().into()).map(drop)
    }

    /// A body called `blob`.
    pub fn begin(&self, blob: BlobId) -> Writer {
        self.shared.next_blob.fetch_max(blob.0.saturating_add(1), Relaxed);
        Writer::new(self.shared.clone(), blob)
    }

    /// Adds octets to a body.
    pub fn write(&self, writer: &mut Writer, octets: &[u8]) -> Result<(), StoreError> {
        self.wait(writer.write(octets))
    }

    /// A body is complete.
    pub fn finish(&self, writer: Writer) -> Result<Body, StoreError> {
        self.wait(Box::new(writer).finish())
    }

    /// Keeps a body of the source, which is done with.
    pub fn keep(&mut self, body: Body, holders: u32) -> Result<(), StoreError> {
        let key = key_of(ENTRIES, body.id);
        self.bodies += body.len;
        self.batch.keep(body, holders);
        self.batch.delete(key);
        self.added(0)
    }

    /// Keeps a body that no record names.
    pub fn keep_orphan(&mut self, body: Body) -> Result<(), StoreError> {
        let key = key_of(ORPHANS, body.id);
        self.bodies += body.len;
        self.batch.keep(body, 1);
        self.batch.put(key, &[1][..]);
        self.added(0)
    }

    fn snapshot(&self) -> Result<Arc<dyn Snapshot>, StoreError> {
        self.wait(self.store.snapshot())
    }

    /// Is the blob kept, or known to be given up?
    pub fn knows(&self, blob: BlobId) -> Result<bool, StoreError> {
        let entry = self.shared.published.current().blob(blob)?;
        if entry.is_some_and(|entry| entry.holders > 0) {
            return Ok(true);
        }
        let key = key_of(ENTRIES, blob);
        Ok(self.wait(self.snapshot()?.get(&key))?.is_some())
    }

    fn page(&self, range: Range<Key>) -> Result<Page, StoreError> {
        self.wait(self.snapshot()?.scan(Scan::rising(range)))
    }

    /// A page of the blobs that are noted, and what is left.
    pub fn entries(
        &mut self,
        range: Option<Range<Key>>,
    ) -> Result<(Entries, Option<Range<Key>>), StoreError> {
        self.flush()?;
        let page = self.page(range.unwrap_or_else(|| Scan::prefix(ENTRIES)))?;
        let noted = page.pairs.iter();
        let entries = noted.filter_map(|(key, value)| Some((blob_of(key)?, decode_entry(value)?)));
        Ok((entries.collect(), page.rest))
    }

    /// Takes the notes away.
    pub fn clear(&mut self) -> Result<(), StoreError> {
        let mut range = Some(Scan::prefix(ENTRIES));
        while let Some(keys) = range {
            self.flush()?;
            let page = self.page(keys)?;
            for (key, _) in page.pairs {
                self.delete(key)?;
            }
            range = page.rest;
        }
        self.flush()
    }
}
