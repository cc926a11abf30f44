//! The next job.

use crate::board::{Pick, READ_MAX, Read};
use crate::lease::Lease;
use crate::queue::Inner;
use crate::record::{self, Row};
use crate::{Destination, Job, JobRecipient, Queue, QueuedMessage, key};
use core_store::{Key, Page, Scan, StoreError, Value};
use std::sync::Arc;
use words_base::Timestamp;

impl Queue {
    /// The next job that is due, fairly: round and round over destinations, interactive mail first,
    /// and no more at once to a destination than it bears. `None`: [`Queue::wait`].
    pub async fn take(&self, now: Timestamp) -> Result<Option<Job>, StoreError> {
        let now = key::time(now);
        // Whoever cannot write down what happened must not let more happen.
        if !self.inner.unwritten().is_empty() {
            return Ok(None);
        }
        loop {
            let pick = self.inner.board().pick(now, self.inner.options.recipients_max);
            match pick {
                Pick::Nothing => return Ok(None),
                Pick::Read(read) => self.inner.read(read, now).await?,
                Pick::Job { destination, rows } => {
                    let lease = Lease::new(self.inner.clone(), destination, rows);
                    self.inner.ring(&self.inner.board());
                    return self.inner.job(lease).await.map(Some);
                }
            }
        }
    }
}

/// Gives the reading up if it is dropped half done.
struct Reading<'a> {
    inner: &'a Inner,
    read: Read,
    page: Option<Page>,
    now: u64,
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.inner.board().fill(&self.read, self.page.take(), self.now);
    }
}

impl Inner {
    async fn read(&self, read: Read, now: u64) -> Result<(), StoreError> {
        let mut reading = Reading { inner: self, read, page: None, now };
        let snapshot = self.store.snapshot().await?;
        let scan = Scan::rising(reading.read.range.clone()).at_most(READ_MAX);
        reading.page = Some(snapshot.scan(scan).await?);
        Ok(())
    }

    async fn job(&self, mut lease: Lease) -> Result<Job, StoreError> {
        let made = match job_parts(&lease.rows) {
            None => Err(unreadable(&lease.rows)),
            Some((destination, id, recipients)) => match self.message(&id).await {
                Ok(Some(message)) => Ok((message, destination, recipients)),
                Ok(None) => Err(unreadable(&lease.rows)),
                Err(error) => Err(error),
            },
        };
        match made {
            Ok((message, destination, recipients)) => {
                let tried = recipients.iter().map(|r| r.attempts).max().unwrap_or(0);
                let message = Arc::new(message);
                Ok(Job { message, destination, recipients, attempt: tried + 1, lease })
            }
            Err(error) => {
                if matches!(error, StoreError::Corrupt(_)) {
                    // Others must not wait behind it. It is tried again after the next start.
                    lease.set_aside();
                }
                Err(error)
            }
        }
    }

    /// The message of that id.
    pub async fn message(&self, id: &str) -> Result<Option<QueuedMessage>, StoreError> {
        let key = key::message(id);
        let Some(value) = self.store.snapshot().await?.get(&key).await? else { return Ok(None) };
        record::decode_message(id, &value).map(Some).ok_or_else(|| corrupt(&key))
    }
}

fn job_parts(rows: &[(Key, Value)]) -> Option<(Destination, String, Vec<JobRecipient>)> {
    let first = key::parse_row(&rows.first()?.0)?;
    let destination = Destination::parse(first.destination)?;
    let recipients: Option<Vec<JobRecipient>> = rows
        .iter()
        .map(|(key, value)| {
            let row = Row::decode(value)?;
            Some(JobRecipient {
                number: key::parse_row(key)?.number,
                address: row.recipient.address,
                notify: row.recipient.notify,
                orcpt: row.recipient.orcpt,
                attempts: row.attempts,
                queued_at: row.queued_at,
            })
        })
        .collect();
    Some((destination, first.id.to_string(), recipients?))
}

fn unreadable(rows: &[(Key, Value)]) -> StoreError {
    rows.first().map_or_else(|| corrupt(&Key::new()), |(key, _)| corrupt(key))
}

/// What is at `key` is not what was written.
pub(crate) fn corrupt(key: &Key) -> StoreError {
    StoreError::Corrupt(format!("queue record at {}", key.escape_ascii()))
}
