//! The queue's one door.

use crate::{Contact, Homeward, Job, NewMessage, NextHop, Options, RecipientOutcome, Tracer};
use core_store::{Batch, Blobs, Key, Store, StoreError};
use core_world::World;
use std::sync::Arc;
use words_base::Timestamp;
use words_mail::Refusal;

/// The process's one door to the queue. Cheap to clone.
#[derive(Clone)]
pub struct Queue {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub store: Arc<dyn Store>,
    pub blobs: Arc<dyn Blobs>,
    pub world: World,
    pub options: Options,
    pub next_hop: Arc<dyn NextHop>,
    pub tracer: Arc<dyn Tracer>,
}

/// What was put into a batch: to be handed to [`Queue::added`] once that is committed.
#[derive(Debug)]
#[must_use = "nobody is woken unless it is given to Queue::added after the commit"]
pub struct Added {
    pub(crate) rows: Vec<Key>,
    pub(crate) bounces: Option<String>,
}

/// What a unit of background work came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// There is more to do at once.
    Again,
    /// Nothing to do before this, unless something happens.
    IdleUntil(Timestamp),
}

impl Queue {
    /// The queue kept in `store` and `blobs`.
    pub fn new(
        store: Arc<dyn Store>,
        blobs: Arc<dyn Blobs>,
        world: World,
        next_hop: Arc<dyn NextHop>,
        tracer: Arc<dyn Tracer>,
        options: Options,
    ) -> Queue {
        Queue { inner: Arc::new(Inner { store, blobs, world, options, next_hop, tracer }) }
    }

    /// Puts `message` into the batch that keeps its body: nothing is read, nothing expected, so
    /// nobody waits for it. Errors: `Limit`.
    pub fn add(&self, _message: &NewMessage, _batch: &mut Batch) -> Result<Added, Refusal> {
        todo!()
    }

    /// Wakes who waits for work, after the commit; also when its outcome is not known.
    pub fn added(&self, _added: Added) {
        todo!()
    }

    /// The next job that is due, fairly: round and round over destinations, interactive mail first.
    pub async fn take(&self, _now: Timestamp) -> Result<Option<Job>, StoreError> {
        todo!()
    }

    /// Ends when there may be something to take. Several may wait; each piece of work wakes one.
    pub async fn wait(&self) {
        todo!()
    }

    /// Writes down what became of `job`, in one commit: who is delivered, who is tried again when,
    /// of whom the sender is to be told. A recipient without an outcome is due again. If the store
    /// does not work, the report is kept and written when it does; until then nothing is taken.
    pub async fn report(
        &self,
        _job: Job,
        _outcomes: Vec<RecipientOutcome>,
        _contact: Contact,
        _at: Timestamp,
    ) -> Result<(), StoreError> {
        todo!()
    }

    /// One small unit of what must be done beside: finding what is queued after a start, telling
    /// senders (by `home`), giving up what waits for dead destinations, waking lanes in time.
    pub async fn work(&self, _home: &dyn Homeward, _now: Timestamp) -> Result<Work, StoreError> {
        todo!()
    }
}
