//! The open store.

use crate::blob;
use crate::check::{self, CheckReport};
use crate::committer::{Request, unsent};
use crate::disk::{Directory, Disk};
use crate::keeper::{self, Alarm};
use crate::options::{OpenError, Options};
use crate::recovery;
use crate::running::{Opening, Running};
use crate::shared::{Shared, closed};
use crate::stats::Stats;
use crate::stepped::Steps;
use crate::thread::{self, Threads};
use crate::writer::{LargeFile, Prepared, Writer};
use bytes::Bytes;
use core_store::{
    Batch, BlobId, BlobWriter, Blobs, Body, BodyBytes, Committed, Expect, Later, Limits, Operation,
    Snapshot, Store, StoreError,
};
use std::any::Any;
use std::future::ready;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// [`Store`] and [`Blobs`] in a directory of this machine. When the disk fails, it is closed and opened
/// again behind this value; in between, whoever asks is told to come back.
#[derive(Debug)]
pub struct EmbeddedStore {
    inner: Arc<Inner>,
    keeper: Mutex<Option<JoinHandle<()>>>,
    lock: Mutex<Option<Box<dyn Any + Send + Sync>>>,
}

/// What outlives each opening.
#[derive(Debug)]
pub struct Inner {
    /// Where.
    pub disk: Arc<dyn Disk>,
    /// For messages.
    pub directory: PathBuf,
    /// Sizes and times.
    pub options: Options,
    /// Rung when the store fails.
    pub alarm: Arc<Alarm>,
    running: RwLock<Arc<Running>>,
}

impl Inner {
    /// The present opening, or the last one.
    pub fn running(&self) -> Arc<Running> {
        self.running.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on it is this one.
    pub fn replace(&self, running: Arc<Running>) {
        *self.running.write().unwrap_or_else(PoisonError::into_inner) = running;
    }
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
        let (running, lock) = open(disk.clone(), directory, &options, Threads::Own)?;
        let (mut running, steps, alarm) = running;
        let starting = |error| recovery::io_error(directory, "starting the store", error);
        running.set_threads(steps.spawn().map_err(starting)?).map_err(starting)?;
        let store = EmbeddedStore::new(disk, directory, options, alarm, running, lock);
        let inner = store.inner.clone();
        let keeper = thread::spawn("keeper", move || keeper::run(&inner)).map_err(starting)?;
        *store.keeper.lock().unwrap_or_else(PoisonError::into_inner) = Some(keeper);
        Ok(Arc::new(store))
    }

    /// Opens a store without threads: whoever opens it has its work done with [`Steps`], in an order
    /// of their own, and so can have the same run twice. Futures end only when the steps that they
    /// wait for are done. Once it has failed, it is theirs to open it again.
    pub fn open_stepped(
        disk: Arc<dyn Disk>,
        directory: &Path,
        options: Options,
    ) -> Result<(Arc<EmbeddedStore>, Steps), OpenError> {
        let (running, lock) = open(disk.clone(), directory, &options, Threads::None)?;
        let (running, steps, alarm) = running;
        let store = EmbeddedStore::new(disk, directory, options, alarm, running, lock);
        Ok((Arc::new(store), steps))
    }

    /// Tries to open a store without threads again after it has failed, as its keeper would; its new
    /// work.
    pub fn reopen_stepped(&self) -> Result<Steps, OpenError> {
        keeper::reopen_stepped(&self.inner)
    }

    fn new(
        disk: Arc<dyn Disk>,
        directory: &Path,
        options: Options,
        alarm: Arc<Alarm>,
        running: Running,
        lock: Box<dyn Any + Send + Sync>,
    ) -> EmbeddedStore {
        let directory = directory.to_owned();
        let running = RwLock::new(Arc::new(running));
        let inner = Arc::new(Inner { disk, directory, options, alarm, running });
        EmbeddedStore { inner, keeper: Mutex::default(), lock: Mutex::new(Some(lock)) }
    }

    /// Writes the last checkpoint and lets go of the directory. What is committed afterwards is
    /// refused. Closing twice does no harm, nor does not closing at all: the log has everything.
    pub fn close(&self) {
        self.inner.alarm.close();
        let keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(keeper) = keeper {
            let _ = keeper.join();
        }
        self.inner.running().stop();
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// What the threads of the present opening have in common.
    pub(crate) fn shared(&self) -> Arc<Shared> {
        self.inner.running().shared.clone()
    }

    /// What opening had to do.
    pub fn recovery(&self) -> Recovery {
        self.inner.running().recovery
    }

    /// Numbers for the operator.
    pub fn stats(&self) -> Result<Stats, StoreError> {
        let running = self.inner.running();
        match running.shared.failure() {
            // Its metadata is closed.
            Some(why) if running.is_stopped() => {
                Ok(Stats { failure: Some(why.to_owned()), ..Stats::default() })
            }
            _ => Stats::of(&running.shared),
        }
    }

    /// Reads at most about `budget` octets and verifies them: frames, and what refers to them.
    /// Nothing is changed, and others go on working.
    pub fn check(&self, budget: u64) -> CheckReport {
        let shared = self.shared();
        check::check(&shared.files, &shared.published, budget)
    }

    /// Verifies the store in `directory` while nobody has it open, its metadata file included.
    pub fn check_offline(directory: &Path) -> Result<CheckReport, OpenError> {
        check::check_offline(directory)
    }

    /// The present opening.
    pub(crate) fn running(&self) -> Arc<Running> {
        self.inner.running()
    }

    /// Begins a checkpoint soon, if anything has changed.
    pub fn checkpoint_soon(&self) {
        let _ = self.inner.running().queue.try_send(Request::Freeze);
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

/// An opening, its work, and what to ring when it fails.
type Opened = (Running, Steps, Arc<Alarm>);

fn open(
    disk: Arc<dyn Disk>,
    directory: &Path,
    options: &Options,
    threads: Threads,
) -> Result<(Opened, Box<dyn Any + Send + Sync>), OpenError> {
    let lock = take_lock(&*disk, directory)?;
    recovery::prepare(&*disk, directory)?;
    let alarm = Arc::new(Alarm::default());
    let opening = Opening { disk, directory, options, threads, alarm: alarm.clone() };
    let (running, steps) = opening.first()?;
    Ok(((running, steps, alarm), lock))
}

impl Store for EmbeddedStore {
    fn snapshot(&self) -> Later<'_, Arc<dyn Snapshot>> {
        let running = self.inner.running();
        if running.is_stopped() {
            return Box::pin(ready(Err(running.reopening())));
        }
        let view: Arc<dyn Snapshot> = running.shared.published.current();
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
        let running = self.inner.running();
        running.shared.check()?;
        // Checksums are the caller's work, so that the one committer has less.
        for (body, holders) in &mut batch.bodies {
            let taken = Body { bytes: BodyBytes::Inline(Vec::new()), ..*body };
            let prepared = Prepared::new(std::mem::replace(body, taken))?;
            if !prepared.is_of(&running.shared.files) {
                return Err(running.reopening());
            }
            body.bytes = BodyBytes::Spilled(Box::new(prepared));
            *holders = (*holders).max(1);
        }
        let size = size(&batch);
        let (reply, answer) = oneshot::channel();
        running.queue.send(Request::Commit { batch, size, reply }).await.map_err(unsent)?;
        answer.await.unwrap_or(Err(StoreError::OutcomeUnknown))
    }

    async fn read_body(&self, id: BlobId, range: Range<u64>) -> Result<Bytes, StoreError> {
        let mut last = None;
        loop {
            let shared = self.shared();
            let entry = shared.published.current().blob(id)?.ok_or(StoreError::NoSuchBlob)?;
            match blob::read(&shared.files, id, entry.locator, range.clone()).await {
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
        let shared = self.shared();
        let id = BlobId(shared.next_blob.fetch_add(1, Relaxed));
        Box::new(Writer::new(shared, id))
    }

    fn has_room(&self, len: u64) -> bool {
        self.shared().files.room.has_room(len)
    }

    fn read(&self, blob: BlobId, range: Range<u64>) -> Later<'_, Bytes> {
        Box::pin(self.read_body(blob, range))
    }

    fn read_unkept(&self, body: &Body, range: Range<u64>) -> Later<'_, Bytes> {
        let BodyBytes::Spilled(spilled) = &body.bytes else {
            return Box::pin(ready(body.read_inline(range).ok_or(StoreError::NoSuchBlob)));
        };
        let prepared = spilled.downcast_ref::<Prepared>();
        let file = prepared.and_then(|prepared| prepared.file.as_ref()).map(LargeFile::open);
        let (start, end) = (range.start.min(body.len), range.end.min(body.len));
        Box::pin(async move {
            let file = file.ok_or(StoreError::NoSuchBlob)?.map_err(blob::read_error)?;
            let len = end.saturating_sub(start) as usize;
            let octets = blob::read_range(file, start, len).await.map_err(blob::read_error)?;
            Ok(octets.into())
        })
    }
}

impl EmbeddedStore {
    /// Why nothing can be committed any more, if so.
    pub fn failure(&self) -> Option<StoreError> {
        match self.shared().check() {
            Err(error) if error != closed() => Some(error),
            _ => None,
        }
    }
}
