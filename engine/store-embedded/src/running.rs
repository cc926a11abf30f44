//! One opening of a store: from recovery until it is closed, or until the disk fails.

use crate::checkpoint::Checkpointer;
use crate::collect::Collector;
use crate::committer::{Committer, GROUP_MAX, Request};
use crate::disk::Disk;
use crate::files::Files;
use crate::keeper::Alarm;
use crate::log::{Log, LogError, Position};
use crate::options::{OpenError, Options};
use crate::recovery::{self, Recovered};
use crate::scrub::Scrubber;
use crate::settle::settle;
use crate::shared::Shared;
use crate::spare::Spare;
use crate::stepped::Steps;
use crate::store::Recovery;
use crate::thread::{self, Threads};
use crate::twin::Copier;
use crate::view::{Published, View};
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::mpsc;

/// A store at work.
#[derive(Debug)]
pub struct Running {
    /// What its threads have in common.
    pub shared: Arc<Shared>,
    /// To the committer.
    pub queue: mpsc::Sender<Request>,
    /// What opening had to do.
    pub recovery: Recovery,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Hung up when the store closes.
    scrubbing: Mutex<Option<std::sync::mpsc::Sender<()>>>,
}

/// How a store is opened.
pub struct Opening<'a> {
    /// Where.
    pub disk: Arc<dyn Disk>,
    /// For messages.
    pub directory: &'a Path,
    /// Sizes and times.
    pub options: &'a Options,
    /// Who does the work.
    pub threads: Threads,
    /// Rung when it fails.
    pub alarm: Arc<Alarm>,
}

impl Opening<'_> {
    /// For the first time.
    pub fn first(self) -> Result<(Running, Steps), OpenError> {
        let settling = |error| {
            recovery::io_error(
                self.directory,
                "making durable what an earlier process wrote",
                error,
            )
        };
        settle(&*self.disk).map_err(settling)?;
        let recovered = self.recover(None)?;
        self.start(recovered, |_, _| Ok(()))
    }

    /// Again, after the disk has failed: the log ended at `until` for all that was promised. It is
    /// sealed there, which cuts off what was not, and shows whether the disk can write and sync.
    pub fn again(self, until: Position) -> Result<(Running, Steps), OpenError> {
        let recovered = self.recover(Some(until))?;
        self.start(recovered, |log, sequence| {
            log.go_on(0, sequence).map(drop).map_err(|error| match error {
                LogError::Full(error) | LogError::Broken(error) => error,
            })
        })
    }

    fn recover(&self, until: Option<Position>) -> Result<(Arc<Files>, Recovered), OpenError> {
        let files = Arc::new(Files::with_reserve(self.disk.clone(), self.options.reserve));
        let recovered = recovery::recover(&files, self.options, until)?;
        Ok((files, recovered))
    }

    fn start(
        self,
        (files, recovered): (Arc<Files>, Recovered),
        prepare: impl FnOnce(&mut Log, u64) -> io::Result<()>,
    ) -> Result<(Running, Steps), OpenError> {
        let Opening { directory, options, threads, alarm, .. } = self;
        let starting = |error| recovery::io_error(directory, "starting the store", error);
        let size = options.segment_size;
        let spare = recovered.tidy(&files, size).map_err(starting)?;
        let spare = Spare::start(files.clone(), size, spare, threads).map_err(starting)?;
        let log = Log::open(files.clone(), spare, recovered.end, size);
        let mut log = log.map_err(starting)?;
        prepare(&mut log, recovered.sequence).map_err(starting)?;
        files.room.set_patient(threads == Threads::Own);
        Ok(assemble(files, options.clone(), recovered, log, alarm))
    }
}

fn assemble(
    files: Arc<Files>,
    options: Options,
    recovered: Recovered,
    log: Log,
    alarm: Arc<Alarm>,
) -> (Running, Steps) {
    let Recovered { database, base, memtable, usage, sequence, next_blob, replayed, cut, .. } =
        recovered;
    let published = Published::new(View {
        sequence,
        active: Arc::new(memtable),
        frozen: None,
        base: Arc::new(base),
        departed: Arc::default(),
    });
    let shared = Arc::new(Shared::new(files, options, published, usage, next_blob, alarm));
    let (queue, requests) = mpsc::channel(GROUP_MAX);
    let (tell, jobs) = std::sync::mpsc::channel();
    let committer = Committer::new(shared.clone(), requests, tell, log, sequence, replayed);
    let (told, checkpoints) = std::sync::mpsc::sync_channel(1);
    let (copy, copies) = std::sync::mpsc::sync_channel(1);
    let checkpointer = Checkpointer::new(shared.clone(), database, queue.clone(), jobs, told, copy);
    let copier = Copier::new(shared.clone(), copies);
    let collector = Collector::new(shared.clone(), queue.clone(), checkpoints);
    let recovery = Recovery { replayed, cut };
    let running =
        Running { shared, queue, recovery, threads: Mutex::default(), scrubbing: Mutex::default() };
    (running, Steps::new(committer, checkpointer, collector, copier))
}

impl Running {
    /// Its work is done by these, and it is read over now and then.
    pub fn set_threads(&mut self, mut threads: Vec<JoinHandle<()>>) -> io::Result<()> {
        let (scrubbing, closing) = std::sync::mpsc::channel();
        let scrubber = Scrubber::new(self.shared.clone(), closing);
        threads.push(thread::spawn("scrubber", move || scrubber.run())?);
        self.threads = Mutex::new(threads);
        self.scrubbing = Mutex::new(Some(scrubbing));
        Ok(())
    }

    /// Takes no more work, writes the last checkpoint unless it has failed, and ends the threads.
    pub fn stop(&self) {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.closing.store(true, Relaxed);
        self.shared.files.room.set_patient(false);
        self.scrubbing.lock().unwrap_or_else(PoisonError::into_inner).take();
        while let Err(mpsc::error::TrySendError::Full(_)) = self.queue.try_send(Request::Close) {
            std::thread::sleep(Duration::from_millis(1));
        }
        for thread in threads.drain(..) {
            let _ = thread.join();
        }
    }

    /// Was it stopped?
    pub fn is_stopped(&self) -> bool {
        self.shared.closing.load(Relaxed)
    }
}
