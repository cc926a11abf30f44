//! What has happened is written down: rows, what is to be reported, the message's count and the
//! destination's pause, all in one commit.

use crate::decide::After;
use crate::lease::Lease;
use crate::queue::Inner;
use crate::record;
use crate::site::PauseChange;
use crate::take::corrupt;
use crate::{Attempt, Destination, Fate, QueuedMessage, Said, key};
use core_store::{Batch, Expect, Key, StoreError, Value};
use std::collections::HashSet;
use std::sync::Arc;
use words_base::Timestamp;

/// How often a commit is made anew after a conflict.
const ATTEMPTS_MAX: usize = 10;

/// What has happened to rows of one message.
pub(crate) struct Settling {
    pub message: Arc<QueuedMessage>,
    pub destination: Destination,
    pub at: Timestamp,
    pub verdicts: Vec<Verdict>,
    pub pause: PauseChange,
    /// Whose rows they are; nobody else has them until this is dropped.
    pub lease: Option<Lease>,
}

/// What has happened to one row.
pub(crate) struct Verdict {
    /// Where it stands,
    pub key: Key,
    /// as it is stored.
    pub value: Value,
    pub number: u32,
    pub after: After,
    /// What a trace is to remember: which attempt, what was said, what follows.
    pub attempt: Option<(u32, Said, Fate)>,
    /// Where it stands afterwards, if that is elsewhere.
    pub moved_to: Option<Key>,
}

impl Verdict {
    /// How many more or fewer records of the message there are afterwards.
    fn difference(&self) -> i64 {
        match &self.after {
            After::Gone { bounce } => i64::from(bounce.is_some()) - 1,
            After::Stays { delayed, .. } => i64::from(delayed.is_some()),
        }
    }

    fn is_reported(&self) -> bool {
        match &self.after {
            After::Gone { bounce } => bounce.is_some(),
            After::Stays { delayed, .. } => delayed.is_some(),
        }
    }

    fn put(&self, id: &str, batch: &mut Batch) {
        match &self.after {
            After::Gone { bounce } => {
                batch.delete(self.key.clone());
                if let Some((kind, bounce)) = bounce {
                    let key = key::bounce(id, self.number, kind.to_octet());
                    batch.put(key, bounce.encode());
                }
            }
            After::Stays { row, delayed, .. } => {
                match &self.moved_to {
                    None => batch.put(self.key.clone(), row.encode()),
                    Some(key) => batch.delete(self.key.clone()).put(key.clone(), row.encode()),
                };
                if let Some(bounce) = delayed {
                    let kind = crate::bounce::Kind::Delayed.to_octet();
                    batch.put(key::bounce(id, self.number, kind), bounce.encode());
                }
            }
        }
    }
}

/// Adds to `batch` that a message has `difference` more or fewer records than before, `stored` being
/// its count as it is stored. With the last one it goes, and lets go of its body.
pub(crate) fn put_count(
    batch: &mut Batch,
    message: &QueuedMessage,
    stored: Option<&Value>,
    difference: i64,
) -> Result<(), StoreError> {
    if difference == 0 {
        return Ok(());
    }
    let key = key::count(&message.id);
    let before = match stored {
        None => message.recipients,
        Some(octets) => record::decode_count(octets).ok_or_else(|| corrupt(&key))?,
    };
    match stored {
        None => batch.expect_absent(key.clone()),
        Some(octets) => batch.expect(key.clone(), octets.clone()),
    };
    let after = i64::from(before) + difference;
    if after > 0 {
        batch.put(key, record::encode_count(u32::try_from(after).unwrap_or(u32::MAX)));
        return Ok(());
    }
    if stored.is_some() {
        batch.delete(key);
    }
    batch.delete(key::message(&message.id)).release(message.blob);
    Ok(())
}

impl Inner {
    /// Writes one settling down. If that fails it is kept, and written when the store works again.
    pub async fn write(&self, settling: Settling) -> Result<(), StoreError> {
        let mut writing = Writing { inner: self, settling: Some(settling) };
        if let Some(settling) = &mut writing.settling {
            self.settle(std::slice::from_mut(settling)).await?;
            if let Some(lease) = &mut settling.lease {
                lease.settled();
            }
        }
        writing.settling = None;
        Ok(())
    }

    /// Writes what could not be written before. Is there more of it?
    pub async fn write_unwritten(&self) -> Result<bool, StoreError> {
        let Some(settling) = self.unwritten().pop() else { return Ok(false) };
        self.write(settling).await?;
        self.ring(&self.board());
        Ok(true)
    }

    /// Writes all of it down in one commit, and makes it known. A row that is not as it was when it
    /// was read has been changed by others, or by this very commit when its outcome was not known:
    /// it is left out.
    pub async fn settle(&self, settlings: &mut [Settling]) -> Result<(), StoreError> {
        let mut again = false;
        for _ in 0..ATTEMPTS_MAX {
            let counts = self.counts(settlings, again).await?;
            let batch = self.batch(settlings, &counts)?;
            if batch.operations.is_empty() {
                return Ok(());
            }
            let committed = self.store.commit(batch).await;
            // Also where it is not known what was done: whoever looks finds what there is.
            self.made_known(settlings);
            match committed {
                Ok(_) => return Ok(()),
                Err(StoreError::Conflict { .. }) => self.refresh(settlings).await?,
                Err(error) => return Err(error),
            }
            again = true;
        }
        Err(StoreError::Unavailable("a queued message is changed all the time".to_string()))
    }

    /// The stored counts of the messages. A message with one recipient has none unless something
    /// rare has happened to it; only after a conflict it is looked up.
    async fn counts(
        &self,
        settlings: &[Settling],
        again: bool,
    ) -> Result<Vec<Option<Value>>, StoreError> {
        if !again && settlings.iter().all(|s| s.message.recipients == 1) {
            return Ok(vec![None; settlings.len()]);
        }
        let keys: Vec<Key> = settlings.iter().map(|s| key::count(&s.message.id)).collect();
        self.store.snapshot().await?.get_many(&keys).await
    }

    fn batch(&self, settlings: &[Settling], counts: &[Option<Value>]) -> Result<Batch, StoreError> {
        let mut batch = Batch::new();
        for (settling, count) in settlings.iter().zip(counts) {
            let mut difference = 0;
            for verdict in &settling.verdicts {
                batch.expects.push(Expect::Equals(verdict.key.clone(), verdict.value.clone()));
                verdict.put(&settling.message.id, &mut batch);
                difference += verdict.difference();
                self.trace(settling, verdict, &mut batch);
            }
            put_count(&mut batch, &settling.message, count.as_ref(), difference)?;
            let key = || key::destination(&settling.destination.to_string());
            match &settling.pause {
                PauseChange::Same => {}
                PauseChange::Begun(pause) => drop(batch.put(key(), pause.encode())),
                PauseChange::Over => drop(batch.delete(key())),
            }
        }
        Ok(batch)
    }

    fn trace(&self, settling: &Settling, verdict: &Verdict, batch: &mut Batch) {
        let Some((attempt, said, fate)) = &verdict.attempt else { return };
        let Some(row) = record::Row::decode(&verdict.value) else { return };
        let attempt = Attempt {
            id: &settling.message.id,
            at: settling.at,
            recipient: &row.recipient.address,
            destination: &settling.destination,
            class: settling.message.class,
            attempt: *attempt,
            said,
            fate: *fate,
        };
        self.tracer.attempt(&attempt, batch);
    }

    /// Leaves out the rows that are not as they were.
    async fn refresh(&self, settlings: &mut [Settling]) -> Result<(), StoreError> {
        let verdicts = settlings.iter().flat_map(|s| &s.verdicts);
        let keys: Vec<Key> = verdicts.map(|verdict| verdict.key.clone()).collect();
        let values = self.store.snapshot().await?.get_many(&keys).await?;
        let stored: HashSet<(Key, Value)> =
            keys.into_iter().zip(values).filter_map(|(key, value)| Some((key, value?))).collect();
        for settling in settlings {
            settling.verdicts.retain(|v| stored.contains(&(v.key.clone(), v.value.clone())));
        }
        Ok(())
    }

    /// Tells the board where rows stand now, and the reports what there is to report.
    fn made_known(&self, settlings: &[Settling]) {
        let verdicts = settlings.iter().flat_map(|s| &s.verdicts);
        let moved: Vec<Key> = verdicts.filter_map(|verdict| verdict.moved_to.clone()).collect();
        self.note(&moved);
        for settling in settlings {
            if settling.verdicts.iter().any(Verdict::is_reported) {
                self.reports().note(settling.message.id.clone(), settling.at);
            }
        }
    }
}

/// A settling that is kept when it could not be written, or its writer was dropped.
struct Writing<'a> {
    inner: &'a Inner,
    settling: Option<Settling>,
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        if let Some(settling) = self.settling.take() {
            self.inner.unwritten().push(settling);
        }
    }
}
