//! Lanes: each takes a job, does it, reports.

use crate::attempt::Attempt;
use crate::line::Line;
use crate::pool::{Pool, PoolKey};
use crate::{Options, Policy};
use core_queue::{Contact, Job, Queue};
use core_store::{Blobs, StoreError};
use core_world::{Clock, Dialer, Random, Resolver};
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// The doors that the relay goes through.
#[derive(Clone)]
pub struct Doors {
    /// Bodies.
    pub blobs: Arc<dyn Blobs>,
    /// Names.
    pub resolver: Arc<dyn Resolver>,
    /// Connections.
    pub dialer: Arc<dyn Dialer>,
    /// What other domains demand.
    pub policy: Arc<dyn Policy>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub random: Arc<dyn Random>,
    /// Any moment: spans are measured from it.
    pub origin: Instant,
}

/// Takes mail to other servers.
pub struct Relay {
    queue: Queue,
    pub(crate) doors: Doors,
    pub(crate) options: Options,
    pool: Mutex<Pool>,
    counters: Counters,
}

#[derive(Default)]
struct Counters {
    connections: AtomicU64,
    reused: AtomicU64,
    delivered: AtomicU64,
    deferred: AtomicU64,
    failed: AtomicU64,
}

/// What was done since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Connections that came to a session.
    pub connections: u64,
    /// Jobs that found a connection waiting.
    pub reused: u64,
    /// Recipients whose server has taken the message,
    pub delivered: u64,
    /// is to be asked again,
    pub deferred: u64,
    /// will never take it.
    pub failed: u64,
}

/// Was there something to do?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// A job was done.
    Done,
    /// None is due.
    Idle,
}

impl Relay {
    /// Takes what is due in `queue`.
    pub fn new(queue: Queue, doors: Doors, options: Options) -> Relay {
        Relay { queue, doors, options, pool: Mutex::default(), counters: Counters::default() }
    }

    /// Works until it is dropped, which is safe at any moment: what was not reported is due again.
    pub async fn lane(&self) -> Infallible {
        loop {
            match self.turn().await {
                Ok(Turn::Done) => {}
                Ok(Turn::Idle) => self.queue.wait().await,
                Err(error) => {
                    tracing::error!(%error, "the queue cannot be read or written");
                    self.queue.wait().await;
                }
            }
        }
    }

    /// Does one job, if one is due. An error: the store does not work; what happened is kept, and
    /// written down by [`Queue::work`] when it does again.
    pub async fn turn(&self) -> Result<Turn, StoreError> {
        let Some(job) = self.queue.take(self.doors.clock.now()).await? else {
            return Ok(Turn::Idle);
        };
        let (outcomes, contact) = Attempt::new(self, &job).run().await;
        self.tell(&job, &outcomes, contact);
        self.queue.report(job, outcomes, contact, self.doors.clock.now()).await?;
        Ok(Turn::Done)
    }

    /// Parts from servers that were kept for nothing. To be called every second or so.
    pub async fn tidy(&self) {
        let now = self.doors.clock.now();
        let expired = self.pool().expired(now, self.options.idle_max);
        for line in expired {
            line.quit().await;
        }
    }

    /// Connections that wait for the next message.
    pub fn idle(&self) -> usize {
        self.pool().len()
    }

    /// What was done since the start.
    pub fn tally(&self) -> Tally {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Tally {
            connections: count(&self.counters.connections),
            reused: count(&self.counters.reused),
            delivered: count(&self.counters.delivered),
            deferred: count(&self.counters.deferred),
            failed: count(&self.counters.failed),
        }
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that waits.
    pub(crate) fn waiting(&self, key: &PoolKey) -> Option<Line> {
        let line = self.pool().take(key)?;
        self.counters.reused.fetch_add(1, Ordering::Relaxed);
        Some(line)
    }

    pub(crate) fn connected(&self) {
        self.counters.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// Keeps a connection for the next message, or parts from its server.
    pub(crate) async fn keep(&self, key: &PoolKey, mut line: Line) {
        let messages_max = self.options.messages_max.min(line.limits().1);
        if !line.is_ready() {
            return;
        }
        let mut left = Some(line);
        if left.as_ref().is_some_and(|line| line.messages < messages_max)
            && let Some(mut line) = left.take()
        {
            line.idle_since = self.doors.clock.now();
            left = self.pool().put(key.clone(), line, self.options.idle_count_max);
        }
        if let Some(line) = left {
            line.quit().await;
        }
    }

    fn tell(&self, job: &Job, outcomes: &[core_queue::RecipientOutcome], contact: Contact) {
        use core_queue::Outcome;
        let mut counts = [0_u64; 3];
        for each in outcomes {
            let (place, word) = match each.outcome {
                Outcome::Delivered { .. } => (0, "left"),
                Outcome::Deferred { .. } => (1, "not yet"),
                Outcome::Failed { .. } => (2, "given up"),
            };
            counts[place] += 1;
            let to = job.recipients.iter().find(|to| to.number == each.number);
            let said = each.outcome.said();
            tracing::info!(
                id = job.message.id,
                to = to.map(|to| to.address.to_string()),
                destination = %job.destination,
                attempt = job.attempt,
                by = said.by,
                code = said.code,
                status = %said.status,
                said = said.text,
                ?contact,
                "{word}"
            );
        }
        let counters = &self.counters;
        for (counter, count) in
            [&counters.delivered, &counters.deferred, &counters.failed].into_iter().zip(counts)
        {
            counter.fetch_add(count, Ordering::Relaxed);
        }
    }
}
