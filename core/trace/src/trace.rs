//! The door.

use crate::Attempt;
use crate::follow::{Followers, News};
use crate::pending::Pending;
use core_store::{Key, Store, StoreError};
use core_world::World;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use words_base::Timestamp;
use words_mail::Refusal;

/// The process's one door to traces. Cheap to clone.
#[derive(Clone)]
pub struct Trace {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    store: Arc<dyn Store>,
    world: World,
    options: Options,
    followers: Followers,
    pub(crate) pending: Mutex<Pending>,
}

/// What traces need to be told.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long rows are kept after their message came.
    pub keep: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options { keep: Duration::from_secs(30 * 24 * 3600) }
    }
}

impl Trace {
    /// The traces kept in `store`.
    pub fn new(store: Arc<dyn Store>, world: World, options: Options) -> Trace {
        let (followers, pending) = Default::default();
        Trace { inner: Arc::new(Inner { store, world, options, followers, pending }) }
    }

    /// A commit has returned that wrote this row: those who look on are told.
    pub fn written(&self, key: Key) {
        self.inner.followers.tell(|| News::Row(key.clone()));
    }

    /// This try is just being written, in a batch of others: those who look on are told at once.
    pub fn attempted(&self, attempt: Attempt) {
        self.inner.followers.tell(|| News::Attempt(attempt.clone()));
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &*self.inner.store
    }

    pub(crate) fn options(&self) -> &Options {
        &self.inner.options
    }

    pub(crate) fn followers(&self) -> &Followers {
        &self.inner.followers
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.world.clock.now()
    }
}

/// The answer when the store fails. Whoever runs the store logs why.
pub(crate) fn unavailable(error: StoreError) -> Refusal {
    match error {
        StoreError::Full => Refusal::StorageFull,
        _ => Refusal::Unavailable,
    }
}
