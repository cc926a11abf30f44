//! What was refused, until there is time to write it down.

use crate::Trace;
use crate::arrival::{Came, Writing};
use crate::trace::unavailable;
use core_store::Batch;
use std::collections::VecDeque;
use std::sync::{MutexGuard, PoisonError};
use words_mail::Refusal;

/// Rows that wait to be written; more are dropped.
const ROWS_MAX: usize = 500;
/// Octets of them.
const OCTETS_MAX: usize = 1 << 20;
/// Rows of what was refused that one call of [`Trace::write_pending`] writes. It is called once a
/// second, so that whoever is refused all day fills no more than that of the disk.
const REFUSED_MAX: usize = 20;

/// What waits to be written.
#[derive(Default)]
pub(crate) struct Pending {
    accepted: Waiting,
    refused: Waiting,
}

/// A row: key and value.
type Row = (Vec<u8>, Vec<u8>);

/// Rows that wait.
#[derive(Default)]
struct Waiting {
    rows: VecDeque<Row>,
    octets: usize,
    dropped: u64,
}

impl Waiting {
    fn push(&mut self, row: Row) {
        let octets = row.0.len() + row.1.len();
        if self.rows.len() >= ROWS_MAX || self.octets + octets > OCTETS_MAX {
            self.dropped += 1;
            return;
        }
        self.octets += octets;
        self.rows.push_back(row);
    }

    /// The first rows, at most so many.
    fn take(&mut self, count_max: usize) -> Vec<Row> {
        let count = self.rows.len().min(count_max);
        let taken: Vec<Row> = self.rows.drain(..count).collect();
        self.octets -= taken.iter().map(|row| row.0.len() + row.1.len()).sum::<usize>();
        taken
    }
}

impl Trace {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.inner.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a message, or the attempt to bring one, that nobody got. Costs no commit: it is written
    /// with others a little later, or never if too much is refused or the process ends.
    pub fn refused(&self, id: &str, came: &Came<'_>, lines: impl FnOnce(&mut Writing)) {
        if let Some(row) = row(id, came, lines) {
            self.pending().refused.push(row);
        }
    }

    /// The same of a message that somebody got without a commit, in a Maildir.
    pub fn noted(&self, id: &str, came: &Came<'_>, lines: impl FnOnce(&mut Writing)) {
        if let Some(row) = row(id, came, lines) {
            self.pending().accepted.push(row);
        }
    }

    /// Writes what waits, as much as a second may; call it once a second. Errors: `Unavailable`; those
    /// rows are lost and counted.
    pub async fn write_pending(&self) -> Result<(), Refusal> {
        let rows = {
            let mut pending = self.pending();
            let mut rows = pending.accepted.take(ROWS_MAX);
            rows.extend(pending.refused.take(REFUSED_MAX));
            rows
        };
        if rows.is_empty() {
            return Ok(());
        }
        let keys: Vec<Vec<u8>> = rows.iter().map(|(key, _)| key.clone()).collect();
        let mut batch = Batch::new();
        for (key, value) in rows {
            batch.put(key, value);
        }
        if let Err(error) = self.store().commit(batch).await {
            self.pending().refused.dropped += keys.len() as u64;
            return Err(unavailable(error));
        }
        keys.into_iter().for_each(|key| self.written(key.into()));
        Ok(())
    }

    /// How many rows of what was refused, or came without a commit, were dropped since the process
    /// began.
    pub fn dropped(&self) -> u64 {
        let pending = self.pending();
        pending.accepted.dropped + pending.refused.dropped
    }
}

fn row(id: &str, came: &Came<'_>, lines: impl FnOnce(&mut Writing)) -> Option<Row> {
    let mut writing = Writing::begin(came);
    lines(&mut writing);
    writing.finish(id, 0).map(|(key, row)| (key, row.bytes))
}
