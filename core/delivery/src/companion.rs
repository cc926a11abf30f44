//! What is written in the commit that files a message: rows of the queue, the trace, and whatever led
//! to it.

use crate::Recipient;
use crate::noted::{BareTo, Head};
use crate::plan::Placement;
use core_guard::{Greylist, SenderBook};
use core_mailbox::{Beside, Placing};
use core_queue::{Added, NewMessage, Queue};
use core_store::{Batch, Key};
use core_trace::{Trace, Writing};
use std::sync::{Mutex, MutexGuard, PoisonError};
use words_mail::Refusal;

/// Rows of a trace that one commit writes at most.
const PARTS_MAX: u16 = 6;

/// What goes with a message into its commit.
pub(crate) struct Companion<'a> {
    pub(crate) id: &'a str,
    pub(crate) head: &'a Head<'a>,
    pub(crate) trace: Option<&'a Trace>,
    /// Is it remembered to whom our people write?
    pub(crate) acquaints: bool,
    /// With what is to be queued.
    pub(crate) queue: Option<(&'a Queue, &'a [NewMessage])>,
    /// What led to the message, and is over with it.
    pub(crate) also: Option<&'a Batch>,
    /// The copies that are deposits, in their order.
    pub(crate) deposits: Vec<&'a Placement<'a>>,
    /// Those that go to Maildirs.
    pub(crate) maildirs: Vec<&'a Placement<'a>>,
    /// Those who lead elsewhere.
    pub(crate) beyond: Vec<&'a Recipient>,
    pub(crate) done: Mutex<Done>,
}

/// What is to be told when the commit has returned.
#[derive(Default)]
pub(crate) struct Done {
    added: Vec<Added>,
    rows: Vec<Key>,
}

impl Companion<'_> {
    fn done(&self) -> MutexGuard<'_, Done> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The commit has returned, or nobody knows.
    pub(crate) fn committed(&self) {
        let Done { added, rows } = std::mem::take(&mut *self.done());
        if let Some((queue, _)) = self.queue {
            added.into_iter().for_each(|added| queue.added(added));
        }
        if let Some(trace) = self.trace {
            rows.into_iter().for_each(|row| trace.written(row));
        }
    }

    /// Notes those that are in no deposit.
    pub(crate) fn note_others(&self, writing: &mut Writing) {
        for copy in &self.maildirs {
            writing.maildir(&BareTo(copy.named), &copy.to.address);
        }
        for recipient in &self.beyond {
            for address in &recipient.elsewhere {
                writing.queued(&BareTo(&recipient.forward_path), address);
            }
        }
    }

    fn note_placing(&self, placing: &Placing<'_>, writing: &mut Writing) {
        let Some(copy) = self.deposits.get(placing.nth) else { return };
        let named = BareTo(copy.named);
        match placing.place {
            Ok(slot) => {
                let place = (copy.to.account.id, slot.mailbox);
                writing.filed(&named, &copy.to.address, place, |row| slot.push(row));
            }
            Err(refusal) => writing.refused(&named, refusal),
        }
    }
}

/// Who sends how much is known: a stolen password is noticed by that.
fn count_sent(message: &NewMessage, batch: &mut Batch) {
    let Some(account) = message.submitter else { return };
    let recipients = message.recipients.len() as u64;
    if recipients > 0 {
        SenderBook::count(batch, account, recipients, message.queued_at);
    }
}

/// Those to whom one of us has written need not wait at the door with their answer.
fn acquaint(message: &NewMessage, batch: &mut Batch) {
    let (Some(ours), Some(_)) = (&message.reverse_path.0, message.submitter) else { return };
    for theirs in &message.recipients {
        Greylist::knows(batch, ours, &theirs.address, message.queued_at);
    }
}

impl Beside for Companion<'_> {
    fn holders(&self) -> u32 {
        let queued = self.queue.map_or(0, |(_, messages)| messages.len());
        u32::try_from(queued).unwrap_or(u32::MAX)
    }

    fn write(&self, batch: &mut Batch) -> Result<(), Refusal> {
        if let Some(also) = self.also {
            batch.expects.extend(also.expects.iter().cloned());
            batch.operations.extend(also.operations.iter().cloned());
        }
        if let Some((queue, messages)) = self.queue {
            for message in messages {
                count_sent(message, batch);
                if self.acquaints {
                    acquaint(message, batch);
                }
            }
            let added = messages.iter().map(|message| queue.add(message, batch));
            self.done().added = added.collect::<Result<_, _>>()?;
        }
        Ok(())
    }

    fn note(&self, placings: &[Placing<'_>], batch: &mut Batch) {
        if self.trace.is_none() {
            return;
        }
        // A commit that goes on with later deposits takes its number from the first of them.
        let first = placings.iter().map(|placing| placing.nth).min().unwrap_or(0);
        let mut part = u16::try_from(first).unwrap_or(u16::MAX);
        let last = part.saturating_add(PARTS_MAX - 1);
        let mut writing = match part {
            0 => {
                let mut writing = self.head.with(None, Writing::begin);
                self.note_others(&mut writing);
                writing
            }
            _ => Writing::more(),
        };
        let mut rows = Vec::with_capacity(1);
        for placing in placings {
            if writing.is_full() && part < last {
                rows.extend(writing.put(self.id, part, batch));
                part += 1;
                writing = Writing::more();
            }
            self.note_placing(placing, &mut writing);
        }
        rows.extend(writing.put(self.id, part, batch));
        self.done().rows = rows;
    }
}
