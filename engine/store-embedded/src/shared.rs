//! What the threads of a store have in common.

use crate::files::Files;
use crate::keeper::Alarm;
use crate::log::Position;
use crate::options::Options;
use crate::room::is_full;
use crate::twin::Twin;
use crate::usage::Usage;
use crate::view::Published;
use core_store::StoreError;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// One per open store.
#[derive(Debug)]
pub struct Shared {
    /// The disk and its open files.
    pub files: Arc<Files>,
    /// As it was opened.
    pub options: Options,
    /// The second copy of the metadata.
    pub twin: Twin,
    /// What readers see.
    pub published: Published,
    /// The least blob id not given.
    pub next_blob: AtomicU64,
    /// No more work is taken.
    pub closing: AtomicBool,
    /// For the operator.
    pub counters: Counters,
    usage: Mutex<Usage>,
    failure: OnceLock<String>,
    /// Rung when the store fails.
    alarm: Arc<Alarm>,
    /// Where the last batch ended that is known to be durable, once nothing more is written.
    log_end: OnceLock<Position>,
    frozen_gone: Condvar,
    frozen_lock: Mutex<()>,
    /// How many [`Pin`]s there are.
    pins: AtomicU64,
}

/// As long as it lives, no file of bodies is removed. Those due wait for the checkpoint after.
#[derive(Debug)]
pub struct Pin(std::sync::Arc<Shared>);

impl Pin {
    /// From now on.
    pub fn new(shared: std::sync::Arc<Shared>) -> Pin {
        shared.pins.fetch_add(1, Ordering::SeqCst);
        Pin(shared)
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        self.0.pins.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Numbers for the operator, and for tests that count work.
#[derive(Debug, Default)]
pub struct Counters {
    /// Batches made durable, each with one sync.
    pub log_syncs: AtomicU64,
    /// Small bodies that are on their way in: their batches will be here in a moment.
    pub arriving: AtomicU64,
    /// Commits done.
    pub commits: AtomicU64,
    /// Octets of log since the last checkpoint.
    pub backlog: AtomicU64,
    /// Checkpoints written.
    pub checkpoints: AtomicU64,
    /// How long the last one took, in microseconds.
    pub checkpoint_micros: AtomicU64,
    /// Second copies of the metadata made.
    pub copies: AtomicU64,
    /// Octets read by the scrubber.
    pub scrubbed_bytes: AtomicU64,
    /// Damages that the scrubber has found.
    pub scrubbed_damaged: AtomicU64,
    /// Rounds that it has done.
    pub scrubs: AtomicU64,
    /// Segments emptied by copying.
    pub collected: AtomicU64,
    /// Segments that collection found damaged and left alone.
    pub damaged: AtomicU64,
}

impl Shared {
    /// At the beginning.
    pub fn new(
        files: Arc<Files>,
        options: Options,
        published: Published,
        usage: Usage,
        next_blob: u64,
        alarm: Arc<Alarm>,
    ) -> Shared {
        Shared {
            twin: Twin::find(&files),
            files,
            options,
            published,
            next_blob: AtomicU64::new(next_blob),
            closing: AtomicBool::new(false),
            counters: Counters::default(),
            usage: Mutex::new(usage),
            failure: OnceLock::new(),
            alarm,
            log_end: OnceLock::new(),
            frozen_gone: Condvar::new(),
            frozen_lock: Mutex::new(()),
            pins: AtomicU64::new(0),
        }
    }

    /// Does somebody need files that are due to be removed?
    pub fn is_pinned(&self) -> bool {
        self.pins.load(Ordering::SeqCst) > 0
    }

    /// How much of each segment is in use.
    pub fn usage(&self) -> MutexGuard<'_, Usage> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on nothing can be committed: what the disk holds is not known any more. A failed
    /// sync is never tried again, as the system may have forgotten what it could not write.
    pub fn fail(&self, doing: &str, error: impl std::fmt::Display) {
        let _ = self.failure.set(format!(
            "{doing}: {error}; the store opens itself again once the disk can be written"
        ));
        self.frozen_gone.notify_all();
        self.alarm.ring();
    }

    /// The committer has ended; the last durable batch ends here.
    pub fn log_ended(&self, end: Position) {
        let _ = self.log_end.set(end);
    }

    /// Where the last batch ended that is known to be durable, once the committer has ended.
    pub fn log_end(&self) -> Option<Position> {
        self.log_end.get().copied()
    }

    /// Why the store stopped, if it did.
    pub fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// `Err` if nothing can be committed any more.
    pub fn check(&self) -> Result<(), StoreError> {
        match self.failure() {
            Some(why) => Err(StoreError::Unavailable(why.to_owned())),
            None if self.closing.load(Ordering::Relaxed) => Err(closed()),
            None => Ok(()),
        }
    }

    /// A checkpoint was written: wakes who waits for it.
    pub fn frozen_is_gone(&self) {
        let _lock = self.frozen_lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.frozen_gone.notify_all();
    }

    /// Waits until no checkpoint is being written, or it waits for room, or the store has failed.
    pub fn wait_for_checkpoint(&self) {
        let mut lock = self.frozen_lock.lock().unwrap_or_else(PoisonError::into_inner);
        while self.failure().is_none()
            && !self.files.room.is_waiting()
            && self.published.current().frozen.is_some()
        {
            // A failure is told without the lock, so look again now and then.
            let waited = self.frozen_gone.wait_timeout(lock, Duration::from_millis(100));
            lock = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// The answer of a store that was closed.
pub fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".into())
}

/// The answer when there is no room.
pub fn full(error: &io::Error) -> StoreError {
    match is_full(error) {
        true => StoreError::Full,
        false => StoreError::Unavailable(format!("no room for the log: {error}")),
    }
}
