//! A batch in the making: what is done to messages, gathered by account and mailbox, so that counters,
//! UIDs, numbers and the change log are written in one place, the same for every kind of change.

use crate::beside::{Beside, NOTE_BYTES_MAX, Placing};
use crate::count::{Counts, usage_numbers};
use crate::expunged::{self, Keeping, Relic};
use crate::hot::{self, Record};
use crate::key;
use crate::log::Entry;
use crate::mail::Inner;
use crate::{ExpungedId, Row};
use bytes::Bytes;
use core_store::{
    Assigned, Batch, BlobId, Body, Expect, Key, Limits, Operation, StoreError, Template, Value,
};
use std::collections::HashMap;
use words_mail::{AccountId, Flags, MailboxId, ModSeq, NumberSet, Uid};

/// Room that is left for what closing a draft adds, for one more message and for what others note.
const BYTES_SPARE: usize = 200_000 + NOTE_BYTES_MAX;
/// Operations left for the same.
const OPERATIONS_SPARE: usize = 100;
/// What closing adds for each mailbox: log entry, modseq, counts, usage, and two assignments.
const OPERATIONS_MAILBOX: usize = 6;
/// Octets of the same, generously.
const BYTES_MAILBOX: usize = 300;
/// Octets that closing adds for each run of UIDs, and those of its counter.
const BYTES_RUN: usize = 40;

/// A batch in the making.
#[derive(Default)]
pub(crate) struct Draft {
    batch: Batch,
    bytes: usize,
    parts: Vec<Part>,
    places: HashMap<AccountId, usize>,
    mailboxes: usize,
    /// How what is kept of expunged messages changes: octets and messages of each account.
    relics: HashMap<AccountId, [i64; 2]>,
}

/// One account's share of a draft.
struct Part {
    account: AccountId,
    modseq: Assigned,
    boxes: Vec<Change>,
    /// Mailboxes that were made, renamed, subscribed or removed.
    altered: Vec<MailboxId>,
}

/// One mailbox's share.
struct Change {
    mailbox: MailboxId,
    arrived: Vec<Run>,
    flagged: NumberSet,
    expunged: NumberSet,
    counts: Counts,
}

/// New messages whose UIDs follow one another.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// Where the first one's UID comes from.
    uids: Assigned,
    count: u32,
    /// What the first one's is at least.
    least: u32,
}

/// Where a message was filed: in which account's part, and where its UID comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filed {
    part: usize,
    uids: Assigned,
    nth: u64,
}

/// What a committed draft tells.
pub(crate) struct Receipt {
    assigned: Vec<u64>,
    parts: Vec<Part>,
}

impl Draft {
    pub fn new() -> Draft {
        Draft::default()
    }

    /// Goes on with a batch that somebody else has begun.
    pub fn over(batch: Batch) -> Draft {
        Draft { bytes: measure(&batch), batch, ..Draft::default() }
    }

    /// Lets others note where messages are filed.
    pub fn note(&mut self, beside: &dyn Beside, placings: &[Placing<'_>]) {
        beside.note(placings, &mut self.batch);
    }

    /// Nothing to do?
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.batch.operations.is_empty() && self.batch.assigns.is_empty()
    }

    /// Would one more message, of the largest kind, perhaps not fit any more?
    pub fn is_full(&self) -> bool {
        let limits = Limits::FOUNDATION;
        let batch = &self.batch;
        let operations = batch.expects.len()
            + batch.assigns.len()
            + batch.operations.len()
            + self.mailboxes * OPERATIONS_MAILBOX;
        let bytes = self.bytes + self.mailboxes * BYTES_MAILBOX;
        operations + OPERATIONS_SPARE > limits.batch_operations
            || bytes + BYTES_SPARE > limits.batch_bytes
    }

    fn part(&mut self, account: AccountId) -> usize {
        if let Some(at) = self.places.get(&account) {
            return *at;
        }
        let modseq = self.batch.assign(key::modseq(account), 1);
        let at = self.parts.len();
        self.parts.push(Part { account, modseq, boxes: Vec::new(), altered: Vec::new() });
        self.places.insert(account, at);
        at
    }

    fn change(&mut self, account: AccountId, mailbox: MailboxId) -> (usize, usize) {
        let part = self.part(account);
        let boxes = &mut self.parts[part].boxes;
        if let Some(at) = boxes.iter().position(|c| c.mailbox == mailbox) {
            return (part, at);
        }
        boxes.push(Change {
            mailbox,
            arrived: Vec::new(),
            flagged: NumberSet::new(),
            expunged: NumberSet::new(),
            counts: Counts::default(),
        });
        self.mailboxes += 1;
        (part, boxes.len() - 1)
    }

    /// Do nothing unless `key` has just `value`.
    pub fn expect(&mut self, key: Key, value: Value) {
        self.bytes += key.len() + value.len();
        self.batch.expect(key, value);
    }

    /// Do nothing unless `key` is as it was read.
    pub fn expect_as(&mut self, key: Key, value: Option<Value>) {
        match value {
            Some(value) => self.expect(key, value),
            None => self.expect_absent(key),
        }
    }

    /// Do nothing unless `key` has no value.
    pub fn expect_absent(&mut self, key: Key) {
        self.bytes += key.len();
        self.batch.expect_absent(key);
    }

    /// `key` gets `value`.
    pub fn put(&mut self, key: Key, value: Vec<u8>) {
        self.bytes += key.len() + value.len();
        self.batch.put(key, value);
    }

    /// `key` loses its value.
    pub fn delete(&mut self, key: Key) {
        self.bytes += key.len();
        self.batch.delete(key);
    }

    /// A new body is kept for so many messages.
    pub fn keep(&mut self, body: Body, holders: u32) {
        self.batch.keep(body, holders);
    }

    /// One more message holds the blob.
    pub fn hold(&mut self, blob: BlobId) {
        self.batch.hold(blob);
    }

    /// One message fewer holds the blob.
    pub fn release(&mut self, blob: BlobId) {
        self.batch.release(blob);
    }

    /// Adds to what an account keeps, without a change of a mailbox that still exists.
    pub fn add_usage(&mut self, account: AccountId, counts: &Counts) {
        self.batch.add(key::usage(account), &usage_numbers(counts));
    }

    /// Notes that the mailbox itself changed.
    pub fn alter(&mut self, account: AccountId, mailbox: MailboxId) {
        let part = self.part(account);
        self.parts[part].altered.push(mailbox);
        self.bytes += 5;
    }

    /// The mailbox is new: its highest number is this commit's.
    pub fn begin_modseq(&mut self, account: AccountId, mailbox: MailboxId) {
        self.change(account, mailbox);
    }

    /// Files a message as `row` says; its UID and modseq only the commit knows. Whoever calls this
    /// sees to its blob.
    pub fn file(
        &mut self,
        account: AccountId,
        mailbox: MailboxId,
        row: &Row,
        cold: &[u8],
    ) -> Filed {
        self.file_from(account, mailbox, Uid(0), row, cold)
    }

    /// As [`Draft::file`]; the message gets UID `least` if that is above the last one given, else
    /// the next.
    pub fn file_from(
        &mut self,
        account: AccountId,
        mailbox: MailboxId,
        least: Uid,
        row: &Row,
        cold: &[u8],
    ) -> Filed {
        let (part, change) = self.change(account, mailbox);
        let modseq = self.parts[part].modseq;
        self.parts[part].boxes[change].counts.add(Counts::of(row));
        let (uids, nth) = self.take_uid(account, (part, change), least);
        let record = hot::encode(row, modseq);
        self.bytes += 36 + record.bytes.len() + cold.len();
        self.batch.put(key::hot_slot(account, mailbox, uids, nth), record);
        self.batch.put(key::cold_slot(account, mailbox, uids, nth), cold);
        Filed { part, uids, nth }
    }

    /// Where the UID of one more message comes from. While what is asked for is at most one above
    /// the last of a run, the next one is it.
    fn take_uid(
        &mut self,
        account: AccountId,
        (part, change): (usize, usize),
        least: Uid,
    ) -> (Assigned, u64) {
        let change = &mut self.parts[part].boxes[change];
        let follows = |run: &Run| least.0 <= run.least.saturating_add(run.count);
        if let Some(run) = change.arrived.last_mut().filter(|run| follows(run)) {
            run.count += 1;
            self.batch.assigns[run.uids.0].count += 1;
            return (run.uids, u64::from(run.count - 1));
        }
        let last_uid = key::last_uid(account, change.mailbox);
        let uids = self.batch.assign_from(last_uid, least.0.into(), 1);
        change.arrived.push(Run { uids, count: 1, least: least.0 });
        self.bytes += BYTES_RUN;
        (uids, 0)
    }

    /// Writes a record whose value holds the UID of a message filed in this draft.
    pub fn put_uid(&mut self, key: Key, filed: Filed, before: Vec<u8>) {
        let mut value = Template::from(before);
        value.push_slot(filed.uids, filed.nth);
        self.bytes += key.len() + value.bytes.len();
        self.batch.put(key, value);
    }

    /// Writes the unique id that POP3 shows of a message filed in this draft.
    pub fn put_unique_id(
        &mut self,
        account: AccountId,
        mailbox: MailboxId,
        filed: Filed,
        value: Vec<u8>,
    ) {
        self.bytes += 18 + value.len();
        let key = key::unique_id_slot(account, mailbox, filed.uids, filed.nth);
        self.batch.put(key, value);
    }

    /// No UID below `least` is given from now on.
    pub fn raise_uids(&mut self, account: AccountId, mailbox: MailboxId, least: Uid) {
        self.batch.assign_from(key::last_uid(account, mailbox), least.0.into(), 0);
    }

    /// Takes a message out of a mailbox, if its record is still as read. Whoever calls this sees to
    /// its records and its blob.
    pub fn expunge(&mut self, account: AccountId, mailbox: MailboxId, record: &Record) {
        let (part, change) = self.change(account, mailbox);
        let change = &mut self.parts[part].boxes[change];
        change.counts.subtract(Counts::of(&record.row));
        change.expunged.insert(record.row.uid.0);
        self.bytes += 8;
    }

    /// Deletes a message's records, if they are still as read; counts and log are not told. Whoever
    /// calls this sees to its blob.
    pub fn erase(&mut self, account: AccountId, mailbox: MailboxId, record: &Record) {
        self.erase_hot(account, mailbox, record);
        self.delete(key::cold(account, mailbox, record.row.uid));
    }

    /// Gives up a message that has been expunged, if its record is still as read: all of it, or all
    /// but what is kept for a while, which then holds its blob.
    pub fn let_go(
        &mut self,
        account: AccountId,
        mailbox: MailboxId,
        record: &Record,
        keeping: Option<&Keeping>,
    ) {
        let Some(keeping) = keeping else {
            self.erase(account, mailbox, record);
            return self.release(record.row.blob);
        };
        self.erase_hot(account, mailbox, record);
        let id = ExpungedId { expunged_at: keeping.at, mailbox, uid: record.row.uid };
        self.put(key::expunged(account, id), record.to_relic(keeping));
        let sums = self.relics.entry(account).or_default();
        expunged::numbers(&record.row).iter().zip(sums).for_each(|(n, sum)| *sum += n);
    }

    /// Deletes what is kept of an expunged message, if it is still as read. Whoever calls this sees
    /// to its blob.
    pub fn take_relic(&mut self, account: AccountId, relic: &Relic) {
        let key = key::expunged(account, relic.id);
        self.expect(key.clone(), relic.octets.clone());
        self.delete(key);
        self.delete(key::cold(account, relic.id.mailbox, relic.id.uid));
        let sums = self.relics.entry(account).or_default();
        expunged::numbers(&relic.row).iter().zip(sums).for_each(|(n, sum)| *sum -= n);
    }

    fn erase_hot(&mut self, account: AccountId, mailbox: MailboxId, record: &Record) {
        let uid = record.row.uid;
        let hot = key::hot(account, mailbox, uid);
        self.expect(hot.clone(), record.octets.clone());
        self.delete(hot);
        if record.row.has_unique_id {
            self.delete(key::unique_id(account, mailbox, uid));
        }
    }

    /// Gives a message other flags, if its record is still as read.
    pub fn reflag(
        &mut self,
        account: AccountId,
        mailbox: MailboxId,
        record: &Record,
        flags: Flags,
    ) {
        let (part, change) = self.change(account, mailbox);
        let modseq = self.parts[part].modseq;
        let row = Row { flags, ..record.row.clone() };
        let change = &mut self.parts[part].boxes[change];
        change.counts.subtract(Counts::of(&record.row));
        change.counts.add(Counts::of(&row));
        change.flagged.insert(row.uid.0);
        let hot = key::hot(account, mailbox, row.uid);
        self.expect(hot.clone(), record.octets.clone());
        let value = hot::encode(&row, modseq);
        self.bytes += hot.len() + value.bytes.len() + 8;
        self.batch.put(hot, value);
    }

    /// Writes what follows from the changes: log, numbers, counters.
    fn close(&mut self) {
        for (account, numbers) in self.relics.drain().filter(|(_, n)| *n != [0, 0]) {
            self.batch.add(key::expunged_sums(account), &numbers);
        }
        for part in &self.parts {
            let mut entry = Entry::new();
            let mut usage = Counts::default();
            for change in &part.boxes {
                describe(change, &mut entry);
                usage.add(change.counts);
                count(&mut self.batch, part, change);
            }
            part.altered.iter().for_each(|m| entry.mailbox(*m));
            if usage.size != 0 || usage.messages != 0 {
                self.batch.add(key::usage(part.account), &usage_numbers(&usage));
            }
            self.batch.put(key::log_slot(part.account, part.modseq), entry.into_template());
        }
    }

    /// The finished batch, for whoever commits it together with more.
    pub fn into_batch(mut self) -> Batch {
        self.close();
        self.batch
    }

    /// Commits, and rings for everybody who watches one of the accounts.
    pub async fn commit(mut self, inner: &Inner) -> Result<Receipt, StoreError> {
        self.close();
        let outcome = inner.store.commit(self.batch).await;
        let assigned = match outcome {
            Ok(committed) => committed.assigned,
            Err(error) => {
                // It may have been done: those who wait look for themselves.
                if error == StoreError::OutcomeUnknown {
                    self.parts.iter().for_each(|p| inner.bells.ring(p.account));
                }
                return Err(error);
            }
        };
        let receipt = Receipt { assigned, parts: self.parts };
        for part in &receipt.parts {
            inner.note(part.account, ModSeq(receipt.number(part.modseq)));
        }
        Ok(receipt)
    }
}

/// Octets of what a batch holds already.
fn measure(batch: &Batch) -> usize {
    let expects = batch.expects.iter().map(|expect| match expect {
        Expect::Absent(key) => key.len(),
        Expect::Equals(key, value) => key.len() + value.len(),
    });
    let operations = batch.operations.iter().map(|operation| match operation {
        Operation::Put(key, value) => key.bytes.len() + value.bytes.len(),
        Operation::Delete(key) => key.len(),
        Operation::Add(key, numbers) => key.len() + numbers.len() * 8,
        Operation::Hold(_) | Operation::Release(_) => 0,
    });
    expects.chain(operations).sum()
}

fn describe(change: &Change, entry: &mut Entry) {
    if !change.expunged.is_empty() {
        entry.expunged(change.mailbox, &change.expunged);
    }
    if !change.flagged.is_empty() {
        entry.flags(change.mailbox, &change.flagged);
    }
    for run in &change.arrived {
        entry.arrived(change.mailbox, run.uids, run.count);
    }
}

fn count(batch: &mut Batch, part: &Part, change: &Change) {
    let mut highest = Template::default();
    highest.push_slot(part.modseq, 0);
    batch.put(key::highest_modseq(part.account, change.mailbox), highest);
    if !change.counts.is_zero() {
        batch.add(key::counts(part.account, change.mailbox), &change.counts.numbers());
    }
}

impl Filed {
    /// Where its UID comes from, and how far behind the first.
    pub fn slot(self) -> (Assigned, u64) {
        (self.uids, self.nth)
    }
}

impl Receipt {
    fn number(&self, assigned: Assigned) -> u64 {
        self.assigned.get(assigned.0).copied().unwrap_or_default()
    }

    /// The UID of a filed message.
    pub fn uid(&self, filed: Filed) -> Uid {
        let number = self.number(filed.uids) + filed.nth;
        // A mailbox would have to see 2^32 messages.
        Uid(u32::try_from(number).unwrap_or(u32::MAX))
    }

    /// The number of the change in the account's log.
    pub fn modseq(&self, filed: Filed) -> ModSeq {
        ModSeq(self.number(self.parts[filed.part].modseq))
    }
}

/// A body that can be offered again after a conflict: one whose octets are in memory. One that an
/// engine has spilled cannot be copied.
pub(crate) fn spare(body: &Body) -> Option<Body> {
    match &body.bytes {
        core_store::BodyBytes::Inline(pieces) => {
            let pieces: Vec<Bytes> = pieces.clone();
            let bytes = core_store::BodyBytes::Inline(pieces);
            Some(Body { id: body.id, len: body.len, bytes })
        }
        core_store::BodyBytes::Spilled(_) => None,
    }
}
