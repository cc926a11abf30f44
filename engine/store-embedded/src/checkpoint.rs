//! Checkpoints: a frozen memtable goes into the metadata file, on a thread of its own, so that the
//! committer never waits for it.

use crate::base::{self, Base, Mark};
use crate::blob::Entry;
use crate::committer::Request;
use crate::files::Name;
use crate::memtable::Memtable;
use crate::shared::Shared;
use crate::twin;
use crate::usage::Usage;
use core_store::BlobId;
use redb::Database;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// What the checkpoint thread is told.
pub enum Job {
    /// Something was committed; a checkpoint is due before long.
    Dirty,
    /// Write this down.
    Write {
        /// What was committed.
        frozen: Arc<Memtable>,
        /// How much of each segment was in use then.
        usage: Usage,
        /// Where the log stood then.
        mark: Mark,
        /// Segments that nothing needs once this is written.
        dropped: Vec<u64>,
        /// Octets of log that this makes unnecessary.
        covered: u64,
    },
}

/// The checkpoint thread's own.
pub struct Checkpointer {
    shared: Arc<Shared>,
    database: Database,
    queue: mpsc::Sender<Request>,
    jobs: Receiver<Job>,
    /// Files that no new reader can find, but an old one may still be about to open.
    doomed: Vec<Name>,
    /// Told of each checkpoint: segments before this one can be collected.
    collector: SyncSender<u64>,
    /// Told when a second copy of the metadata is due.
    copier: SyncSender<()>,
}

impl Checkpointer {
    /// For an open store.
    pub fn new(
        shared: Arc<Shared>,
        database: Database,
        queue: mpsc::Sender<Request>,
        jobs: Receiver<Job>,
        collector: SyncSender<u64>,
        copier: SyncSender<()>,
    ) -> Checkpointer {
        Checkpointer { shared, database, queue, jobs, doomed: Vec::new(), collector, copier }
    }

    /// Works until the committer is gone. Sleeps without a timer when nothing has changed.
    pub fn run(mut self) {
        let mut due: Option<Instant> = None;
        loop {
            match self.next_job(due) {
                Ok(Job::Dirty) => {
                    due.get_or_insert_with(|| self.due());
                }
                Ok(job) => {
                    self.write(job);
                    due = self.has_leftovers().then(|| self.due());
                }
                Err(RecvTimeoutError::Timeout) => {
                    due = None;
                    self.clear();
                    // Refused only by a store that closes, which makes its last checkpoint anyway.
                    let _ = self.queue.blocking_send(Request::Freeze);
                }
                Err(RecvTimeoutError::Disconnected) => return self.end(),
            }
        }
    }

    /// What [`Checkpointer::run`] does at a time, without waiting. `false` if there is nothing to do.
    pub fn step(&mut self) -> bool {
        match self.jobs.try_recv() {
            Ok(job) => self.write(job),
            Err(_) => return false,
        }
        true
    }

    /// What [`Checkpointer::run`] does when the time for a checkpoint has come.
    pub fn step_due(&mut self) {
        self.clear();
        let _ = self.queue.try_send(Request::Freeze);
    }

    fn due(&self) -> Instant {
        Instant::now() + self.shared.options.checkpoint_interval
    }

    fn next_job(&self, due: Option<Instant>) -> Result<Job, RecvTimeoutError> {
        match due {
            None => self.jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(due) => {
                let wait = due.saturating_duration_since(Instant::now());
                self.jobs.recv_timeout(wait.max(Duration::from_millis(1)))
            }
        }
    }

    fn write(&mut self, job: Job) {
        let Job::Write { frozen, usage, mark, dropped, covered } = job else { return };
        let begun = Instant::now();
        let written = base::write(&self.database, &frozen, &usage, &mark);
        let base = match written.and_then(|()| Base::now(&self.database)) {
            Ok(base) => Arc::new(base),
            Err(error) => return self.shared.fail("writing a checkpoint failed", error),
        };
        self.clear();
        let departed = departed(&frozen);
        let large = departed.iter().filter(|(_, entry)| entry.locator.large);
        self.doomed.extend(large.map(|(blob, _)| Name::Large(*blob)));
        self.doomed.extend(dropped.into_iter().map(Name::Segment));
        drop(frozen);
        self.shared.published.update(|view| {
            view.frozen = None;
            view.base = base;
            view.departed = Arc::new(departed);
        });
        let counters = &self.shared.counters;
        counters.checkpoint_micros.store(begun.elapsed().as_micros() as u64, Relaxed);
        counters.checkpoints.fetch_add(1, Relaxed);
        counters.backlog.fetch_sub(covered, Relaxed);
        self.shared.frozen_is_gone();
        self.shared.files.room.replenish();
        // While it is busy it need not know; the next checkpoint tells it again.
        let _ = self.collector.try_send(mark.position.segment);
        if twin::is_due(&self.shared, covered) {
            let _ = self.copier.try_send(());
        }
    }

    fn has_leftovers(&self) -> bool {
        !self.doomed.is_empty() || !self.shared.published.current().departed.is_empty()
    }

    /// What was given up before the last checkpoint goes now: whoever read it has had time enough.
    fn clear(&mut self) {
        if !self.shared.published.current().departed.is_empty() {
            self.shared.published.update(|view| view.departed = Arc::default());
        }
        if self.shared.is_pinned() {
            return;
        }
        for name in self.doomed.drain(..) {
            // One that stays takes room until the store is opened next; nothing refers to it.
            let _ = self.shared.files.remove(name);
        }
    }

    /// The store is closing.
    pub fn end(mut self) {
        self.clear();
    }
}

/// The blobs that were given up.
fn departed(frozen: &Memtable) -> HashMap<BlobId, Entry> {
    let mut departed = HashMap::new();
    let _ = frozen.for_each_blob(|blob, entry| {
        if entry.holders == 0 {
            departed.insert(blob, *entry);
        }
        Ok::<(), Infallible>(())
    });
    departed
}
