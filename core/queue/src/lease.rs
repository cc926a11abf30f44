//! Whose a row is for the moment.

use crate::key;
use crate::queue::Inner;
use core_store::{Key, Value};
use std::fmt;
use std::sync::Arc;

/// The rows of a job. Dropped without a report, they are due again.
pub(crate) struct Lease {
    pub inner: Arc<Inner>,
    pub destination: Arc<str>,
    /// As they are stored.
    pub rows: Vec<(Key, Value)>,
    /// Those of them that are there as they were even when the others are moved or gone.
    untried: Vec<Key>,
    end: End,
}

/// What becomes of the rows when the lease ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// They are there as they were: due again.
    Due,
    /// They are moved or gone.
    Settled,
    /// They are nobody's until the next start.
    Aside,
}

impl Lease {
    pub fn new(inner: Arc<Inner>, destination: Arc<str>, rows: Vec<(Key, Value)>) -> Lease {
        Lease { inner, destination, rows, untried: Vec::new(), end: End::Due }
    }

    /// Nothing has happened to the rows for which `untried` holds.
    pub fn keep_due(&mut self, untried: impl Fn(&Key) -> bool) {
        let keys = self.rows.iter().map(|(key, _)| key);
        self.untried = keys.filter(|key| untried(key)).cloned().collect();
    }

    /// The rows are moved or gone by now.
    pub fn settled(&mut self) {
        self.end = End::Settled;
    }

    /// The rows cannot be read.
    pub fn set_aside(&mut self) {
        self.end = End::Aside;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let now = key::time(self.inner.now());
        let mut board = self.inner.board();
        let rows: &[(Key, Value)] = if self.end == End::Aside { &[] } else { &self.rows };
        board.release(&self.destination, rows, now);
        let due: Vec<&Key> = match self.end {
            End::Due => self.rows.iter().map(|(key, _)| key).collect(),
            End::Settled => self.untried.iter().collect(),
            End::Aside => Vec::new(),
        };
        for key in due {
            board.note(key, now, &self.inner.options);
        }
        self.inner.ring(&board);
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lease({} of {})", self.rows.len(), self.destination)
    }
}
