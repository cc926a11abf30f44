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
/// Rows that one call of [`Trace::write_refused`] writes. It is called once a second, so that whoever
/// is refused all day fills no more than that of the disk.
const WRITTEN_MAX: usize = 20;

/// Rows that wait.
#[derive(Default)]
pub(crate) struct Pending {
    rows: VecDeque<(Vec<u8>, Vec<u8>)>,
    octets: usize,
    dropped: u64,
}

impl Pending {
    fn push(&mut self, row: (Vec<u8>, Vec<u8>)) {
        let octets = row.0.len() + row.1.len();
        if self.rows.len() >= ROWS_MAX || self.octets + octets > OCTETS_MAX {
            self.dropped += 1;
            return;
        }
        self.octets += octets;
        self.rows.push_back(row);
    }

    fn pop(&mut self) -> Option<(Vec<u8>, Vec<u8>)> {
        let row = self.rows.pop_front()?;
        self.octets -= row.0.len() + row.1.len();
        Some(row)
    }
}

impl Trace {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.inner.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a message, or the attempt to bring one, that nobody got. Costs no commit: it is written
    /// with others a little later, or never if too much is refused or the process ends.
    pub fn refused(&self, id: &str, came: &Came<'_>, lines: impl FnOnce(&mut Writing)) {
        let mut writing = Writing::begin(came);
        lines(&mut writing);
        if let Some((key, row)) = writing.finish(id, 0) {
            self.pending().push((key, row.bytes));
        }
    }

    /// Writes some of what was refused; call it once a second. Errors: `Unavailable`; those rows are
    /// lost and counted.
    pub async fn write_refused(&self) -> Result<(), Refusal> {
        let mut batch = Batch::new();
        let mut keys = Vec::new();
        {
            let mut pending = self.pending();
            while let Some((key, row)) = (keys.len() < WRITTEN_MAX).then(|| pending.pop()).flatten()
            {
                batch.put(key.clone(), row);
                keys.push(key);
            }
        }
        if keys.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.store().commit(batch).await {
            self.pending().dropped += keys.len() as u64;
            return Err(unavailable(error));
        }
        keys.into_iter().for_each(|key| self.written(key.into()));
        Ok(())
    }

    /// How many rows of what was refused were dropped since the process began.
    pub fn dropped(&self) -> u64 {
        self.pending().dropped
    }
}
