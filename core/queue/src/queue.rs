//! The queue's one door.

use crate::board::Board;
use crate::reports::Reports;
use crate::settle::Settling;
use crate::walk::Walk;
use crate::{NewMessage, NewRecipient, NextHop, Options, Tracer, add, key};
use core_store::{Batch, Blobs, Key, Store};
use core_world::World;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
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
    board: Mutex<Board>,
    bell: Notify,
    /// What has happened and could not be written down yet.
    pub unwritten: Mutex<Vec<Settling>>,
    pub reports: Mutex<Reports>,
    /// Background work is done by one at a time.
    pub background: tokio::sync::Mutex<Background>,
}

/// Where background work stands.
#[derive(Default)]
pub(crate) struct Background {
    pub walk: Walk,
    /// A dead destination whose rows are being looked through, and the rest of them.
    pub aging: Option<(Arc<str>, std::ops::Range<Key>)>,
}

/// What was put into a batch: to be handed to [`Queue::added`] once that is committed.
#[derive(Debug)]
#[must_use = "nobody is woken unless it is given to Queue::added after the commit"]
pub struct Added {
    /// For each destination one row, the least.
    pub(crate) rows: Vec<Key>,
    /// The message, if there is something to report of it at once.
    pub(crate) report: Option<String>,
}

impl Queue {
    /// The queue kept in `store` and `blobs`. It is ready at once; what is there already is found
    /// by [`Queue::work`].
    pub fn new(
        store: Arc<dyn Store>,
        blobs: Arc<dyn Blobs>,
        world: World,
        next_hop: Arc<dyn NextHop>,
        tracer: Arc<dyn Tracer>,
        options: Options,
    ) -> Queue {
        let (board, bell, unwritten, reports, background) = Default::default();
        Queue {
            inner: Arc::new(Inner {
                store,
                blobs,
                world,
                options,
                next_hop,
                tracer,
                board,
                bell,
                unwritten,
                reports,
                background,
            }),
        }
    }

    /// Puts `message` into the batch that keeps its body: nothing is read and nothing expected, so
    /// nobody waits for it. A message that [`NewMessage::has_work`] denies must not be added: nobody
    /// would let go of its body. Errors: `Limit`; the batch is as it was.
    pub fn add(&self, message: &NewMessage, batch: &mut Batch) -> Result<Added, Refusal> {
        add::add(message, &*self.inner.next_hop, batch)
    }

    /// Wakes who waits for work, after the commit; also when its outcome is not known.
    pub fn added(&self, added: Added) {
        self.inner.note(&added.rows);
        if let Some(id) = added.report {
            self.inner.reports().note(id, self.inner.world.clock.now());
        }
    }

    /// Ends when there may be something to take. Several may wait; what is there wakes one, who wakes
    /// the next by taking.
    pub async fn wait(&self) {
        self.inner.bell.notified().await;
    }

    /// Jobs that are out at this moment.
    pub fn jobs(&self) -> usize {
        self.inner.board().sites.values().map(|site| usize::from(site.jobs)).sum()
    }
}

impl NewMessage {
    /// Is there anything for the queue to do?
    pub fn has_work(&self) -> bool {
        !self.recipients.is_empty() || self.reported().next().is_some()
    }

    /// Those who have it already, and of whom the sender is to be told.
    pub(crate) fn reported(&self) -> impl Iterator<Item = &NewRecipient> {
        let wanted = !self.reverse_path.is_null();
        self.delivered.iter().filter(move |recipient| wanted && recipient.notify.on_success())
    }
}

impl Inner {
    /// The picture of who may go next.
    pub fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn reports(&self) -> MutexGuard<'_, Reports> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn unwritten(&self) -> MutexGuard<'_, Vec<Settling>> {
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There are rows at these keys.
    pub fn note(&self, keys: &[Key]) {
        let now = key::time(self.world.clock.now());
        let mut board = self.board();
        for key in keys {
            board.note(key, now, &self.options);
        }
        self.ring(&board);
    }

    /// Wakes one who waits, if there is something to take.
    pub fn ring(&self, board: &Board) {
        if board.has_ready() {
            self.bell.notify_one();
        }
    }

    /// A number nobody can foretell.
    pub fn chance(&self) -> u64 {
        let mut octets = [0; 8];
        self.world.random.fill(&mut octets);
        u64::from_be_bytes(octets)
    }

    pub fn now(&self) -> Timestamp {
        self.world.clock.now()
    }
}
