//! The committer: one thread that takes what waits, makes one batch of it, syncs once and answers all.

use crate::base::Mark;
use crate::blob::Locator;
use crate::checkpoint::Job;
use crate::frame::{self, HEADER_SIZE, Header, Kind};
use crate::group::{Group, payload_len};
use crate::log::{Log, LogError, Position};
use crate::record::{self, Change};
use crate::room::Level;
use crate::shared::{Shared, closed, full};
use crate::writer::{LargeFile, Prepared};
use core_store::{Batch, Committed, StoreError};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc as jobs;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Entries that one batch takes at most; as many can wait.
pub const GROUP_MAX: usize = 512;
/// Octets after which a batch takes no further entry.
const GROUP_BYTES_MAX: usize = 16 << 20;
/// So many bodies must be on their way in for a batch to wait for their batches,
const COMPANY_MIN: u64 = 5;
/// until it holds so many entries,
const COMPANY_ENOUGH: usize = 32;
/// or nothing came for so long,
const COMPANY_PAUSE: Duration = Duration::from_micros(500);
/// or it has waited so long.
const COMPANY_WAIT_MAX: Duration = Duration::from_millis(3);
/// Octets of the buffer that are kept between batches.
const BUFFER_IDLE: usize = 256 * 1024;
/// Backlogs in terms of [`crate::Options::checkpoint_log`]: from the first on commits are slowed
/// down, at the second they wait.
const BACKLOG_SLOW: u64 = 2;
const BACKLOG_MAX: u64 = 4;
/// Memory, in terms of [`crate::Options::checkpoint_memory`], at which commits wait.
const MEMORY_MAX: usize = 2;
/// How long a commit is held up at most while the backlog grows.
const SLOWDOWN_MAX: Duration = Duration::from_millis(20);

/// Where an answer goes.
pub type Reply = oneshot::Sender<Result<Committed, StoreError>>;

/// What the committer is asked to do.
pub enum Request {
    /// Commit a batch whose bodies are [`Prepared`].
    Commit {
        /// The batch, within the limits.
        batch: Batch,
        /// Octets, roughly.
        size: usize,
        /// Where the answer goes.
        reply: Reply,
    },
    /// Write bodies anew, unless they were given up or moved meanwhile.
    Move(Vec<(Locator, Prepared)>, oneshot::Sender<()>),
    /// Begin a checkpoint if anything has changed.
    Freeze,
    /// Take no more requests, do what was asked, write a last checkpoint.
    Close,
}

/// The committer's own.
pub struct Committer {
    shared: Arc<Shared>,
    queue: mpsc::Receiver<Request>,
    jobs: jobs::Sender<Job>,
    log: Log,
    buffer: Vec<u8>,
    sequence: u64,
    /// Where the log stood at the last freeze.
    frozen_at: u64,
    /// Octets ever appended since opening.
    appended: u64,
}

impl Committer {
    /// Goes on after batch `sequence` at the log's end. `backlog` octets of the log were replayed.
    pub fn new(
        shared: Arc<Shared>,
        queue: mpsc::Receiver<Request>,
        jobs: jobs::Sender<Job>,
        log: Log,
        sequence: u64,
        backlog: u64,
    ) -> Committer {
        shared.counters.backlog.store(backlog, Relaxed);
        let (buffer, frozen_at, appended) = (Vec::new(), 0, backlog);
        let committer =
            Committer { shared, queue, jobs, log, buffer, sequence, frozen_at, appended };
        if backlog > 0 {
            committer.tell(Job::Dirty);
        }
        committer
    }

    /// Works until the store is closed.
    pub fn run(mut self) {
        let mut requests = Vec::new();
        while let Some(first) = self.queue.blocking_recv() {
            self.gather(first, &mut requests);
            self.handle(requests.drain(..));
            self.checkpoint_if_due();
            self.slow_down();
        }
        self.shared.wait_for_checkpoint();
        self.freeze();
        self.shared.log_ended(self.log.end());
    }

    /// What [`Committer::run`] leaves behind when the store has failed: where the log ended.
    pub fn end_if_failed(&self) {
        if self.shared.failure().is_some() {
            self.shared.log_ended(self.log.end());
        }
    }

    /// What [`Committer::run`] does at a time, without waiting. `false` if there is nothing to do, or
    /// the checkpoint must catch up first.
    pub fn step(&mut self) -> bool {
        if self.is_far_ahead() && self.shared.published.current().frozen.is_some() {
            return false;
        }
        let (mut requests, mut size) = (Vec::new(), 0);
        self.take_waiting(&mut requests, &mut size);
        if requests.is_empty() {
            return false;
        }
        self.handle(requests.into_iter());
        self.checkpoint_if_due();
        true
    }

    /// Makes the log's next segment if it is wanted. `false` if it is not.
    pub fn step_spare(&self) -> bool {
        self.log.step_spare()
    }

    /// Takes what waits. Alone, an entry leaves at once; what comes while a sync runs forms the next
    /// batch by itself. But where a sync takes less time than a message, hardly anything would share
    /// one: so while many bodies are just coming in, a batch waits as long as company keeps coming.
    fn gather(&mut self, first: Request, requests: &mut Vec<Request>) {
        let mut size = first.size();
        requests.push(first);
        self.take_waiting(requests, &mut size);
        let begun = Instant::now();
        while self.shared.counters.arriving.load(Relaxed) >= COMPANY_MIN
            && requests.len() < COMPANY_ENOUGH
            && begun.elapsed() < COMPANY_WAIT_MAX
        {
            std::thread::sleep(COMPANY_PAUSE);
            let before = requests.len();
            self.take_waiting(requests, &mut size);
            if requests.len() == before {
                break;
            }
        }
    }

    fn take_waiting(&mut self, requests: &mut Vec<Request>, size: &mut usize) {
        while requests.len() < GROUP_MAX && *size < GROUP_BYTES_MAX {
            match self.queue.try_recv() {
                Ok(request) => {
                    *size += request.size();
                    requests.push(request);
                }
                Err(_) => break,
            }
        }
    }

    fn handle(&mut self, requests: impl Iterator<Item = Request>) {
        let mut group = Group::new(self.shared.published.current());
        let room = self.room();
        let mut freeze = false;
        for request in requests {
            match request {
                Request::Commit { batch, reply, .. } => self.admit(&mut group, room, batch, reply),
                Request::Move(moves, reply) => {
                    if self.shared.failure().is_none() {
                        group.relocate(moves);
                        group.moved.push(reply);
                    }
                }
                Request::Freeze => freeze = true,
                Request::Close => self.queue.close(),
            }
        }
        self.write(group);
        if freeze {
            self.freeze();
        }
    }

    /// What there is room for. While the metadata waits for room, so do those who are far ahead of it.
    fn room(&self) -> Level {
        let room = &self.shared.files.room;
        match room.level() {
            _ if room.is_waiting() && self.is_far_ahead() => Level::None,
            level => level,
        }
    }

    fn admit(&self, group: &mut Group, room: Level, batch: Batch, reply: Reply) {
        let refused = match room {
            Level::Enough => false,
            Level::Short => !batch.bodies.is_empty(),
            Level::None => true,
        };
        let done = match self.shared.failure() {
            Some(why) => Err(StoreError::Unavailable(why.to_owned())),
            None if refused => Err(StoreError::Full),
            None => group.add(batch),
        };
        match done {
            Ok(committed) => group.replies.push((reply, committed)),
            // Nobody may be waiting any more; then nobody need be told.
            Err(error) => drop(reply.send(Err(error))),
        }
    }

    fn write(&mut self, mut group: Group) {
        let done = match group.is_empty() {
            true => Ok(()),
            false => self.append(&mut group),
        };
        match done {
            Ok(()) => {
                self.shared.counters.commits.fetch_add(group.replies.len() as u64, Relaxed);
                group.answer();
            }
            Err(LogError::Full(error)) => group.refuse(&full(&error)),
            Err(LogError::Broken(error)) => {
                self.shared.fail("writing the log failed", &error);
                group.refuse(&StoreError::OutcomeUnknown);
            }
        }
    }

    fn append(&mut self, group: &mut Group) -> Result<(), LogError> {
        let size = group.size();
        if let Some(sealed) = self.log.make_room(size, self.sequence)? {
            self.shared.usage().wrote(sealed, crate::log::SEAL_SIZE);
        }
        let end = self.log.end();
        group.place(end);
        self.encode(group, end);
        debug_assert_eq!(self.buffer.len() as u64, size, "the size told is the size written");
        let was_clean = self.shared.published.current().active.is_empty();
        let appended = self.log.append(&self.buffer);
        if !matches!(appended, Err(LogError::Full(_))) {
            // The log may name them now, even if it could not be synced.
            group.bodies.iter_mut().filter_map(|body| body.file.as_mut()).for_each(LargeFile::keep);
        }
        appended?;
        self.sequence += 1;
        self.shared.counters.log_syncs.fetch_add(1, Relaxed);
        self.appended += self.buffer.len() as u64;
        self.shared.counters.backlog.fetch_add(self.buffer.len() as u64, Relaxed);
        self.publish(group, end.segment);
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_IDLE);
        if was_clean {
            self.tell(Job::Dirty);
        }
        Ok(())
    }

    /// A frame per body, then one for everything else.
    fn encode(&mut self, group: &Group, end: Position) {
        let header = Header {
            kind: Kind::Batch,
            payload_len: 0,
            payload_crc: 0,
            sequence: self.sequence + 1,
            segment: end.segment,
            blob: 0,
            body_len: 0,
            generation: self.log.generation(),
        };
        let buffer = &mut self.buffer;
        buffer.clear();
        for body in &group.bodies {
            let kind = if body.large { Kind::Large } else { Kind::Body };
            let payload_len = payload_len(body) as u32;
            let (blob, body_len, payload_crc) = (body.id.0, body.len, body.crc);
            let header = Header { kind, payload_len, payload_crc, blob, body_len, ..header };
            frame::push(buffer, &header, body.payload.iter().map(|part| &part[..]));
        }
        let start = buffer.len();
        buffer.resize(start + HEADER_SIZE, 0);
        record::begin(buffer, self.shared.next_blob.load(Relaxed));
        // In order, so that the same work gives the same log.
        let mut values: Vec<_> = group.values.iter().collect();
        values.sort_unstable_by_key(|(key, _)| *key);
        for (key, value) in values {
            record::push_value(buffer, key, value.as_deref());
        }
        let mut blobs: Vec<_> = group.blobs.iter().collect();
        blobs.sort_unstable_by_key(|(blob, _)| **blob);
        for (blob, pending) in blobs {
            record::push_blob(buffer, *blob, &pending.new);
        }
        let payload = &buffer[start + HEADER_SIZE..];
        let (payload_len, payload_crc) = (payload.len() as u32, crc32c::crc32c(payload));
        let header = Header { payload_len, payload_crc, ..header };
        buffer[start..start + HEADER_SIZE].copy_from_slice(&header.encode());
        buffer.resize(buffer.len().next_multiple_of(frame::ALIGNMENT), 0);
    }

    fn publish(&mut self, group: &mut Group, segment: u64) {
        {
            let mut usage = self.shared.usage();
            usage.wrote(segment, self.buffer.len() as u64);
            group
                .blobs
                .values()
                .for_each(|pending| usage.changed(pending.old.as_ref(), &pending.new));
        }
        let live = self.shared.published.live_sequences();
        let values = group.values.drain().map(|(key, value)| Change::Value(key, value));
        let blobs = group.blobs.drain().map(|(blob, pending)| Change::Blob(blob, pending.new));
        group.view.active.apply(self.sequence, values.chain(blobs), &live);
        self.shared.published.update(|view| view.sequence = self.sequence);
    }

    fn checkpoint_if_due(&mut self) {
        let options = &self.shared.options;
        let view = self.shared.published.current();
        if view.frozen.is_none()
            && (self.appended - self.frozen_at >= options.checkpoint_log
                || view.active.size() >= options.checkpoint_memory)
        {
            drop(view);
            self.freeze();
        }
    }

    /// Hands what was committed to the checkpoint thread, unless it is still busy with the last.
    pub fn freeze(&mut self) {
        let view = self.shared.published.current();
        if view.active.is_empty() || view.frozen.is_some() || self.shared.failure().is_some() {
            return;
        }
        let mark = Mark {
            position: self.log.end(),
            sequence: self.sequence,
            next_blob: self.shared.next_blob.load(Relaxed),
            generation: self.log.generation(),
        };
        let (usage, dropped) = {
            let mut usage = self.shared.usage();
            // What the second copy needs to be everything stays.
            let end = mark.position.segment.min(self.shared.twin.needs_from());
            let dropped = usage.drop_empty(end);
            (usage.clone(), dropped)
        };
        self.shared.published.update(|view| {
            view.frozen = Some(std::mem::take(&mut view.active));
        });
        let covered = self.appended - self.frozen_at;
        self.frozen_at = self.appended;
        self.tell(Job::Write { frozen: view.active.clone(), usage, mark, dropped, covered });
    }

    fn tell(&self, job: Job) {
        if self.jobs.send(job).is_err() {
            self.shared.fail("checkpoints", "their thread has ended");
        }
    }

    /// Must commits wait for the checkpoint?
    fn is_far_ahead(&self) -> bool {
        let options = &self.shared.options;
        let memory = self.shared.published.current().active.size();
        self.shared.counters.backlog.load(Relaxed) >= options.checkpoint_log.max(1) * BACKLOG_MAX
            || memory >= options.checkpoint_memory.saturating_mul(MEMORY_MAX)
    }

    /// Lets the checkpoint catch up: gently first, then for as long as it takes.
    fn slow_down(&self) {
        let unit = self.shared.options.checkpoint_log.max(1);
        let backlog = self.shared.counters.backlog.load(Relaxed);
        if self.is_far_ahead() {
            self.shared.wait_for_checkpoint();
        } else if backlog >= unit * BACKLOG_SLOW {
            let over = (backlog - unit * BACKLOG_SLOW) as f64 / unit as f64;
            let share = over / (BACKLOG_MAX - BACKLOG_SLOW) as f64;
            std::thread::sleep(SLOWDOWN_MAX.mul_f64(share.min(1.0)));
        }
    }
}

impl Request {
    fn size(&self) -> usize {
        match self {
            Request::Commit { size, .. } => *size,
            Request::Move(moves, _) => moves.iter().map(|(_, body)| payload_len(body)).sum(),
            Request::Freeze | Request::Close => 0,
        }
    }
}

/// The answer to a request that never reached the committer.
pub fn unsent<T>(_: mpsc::error::SendError<T>) -> StoreError {
    closed()
}
