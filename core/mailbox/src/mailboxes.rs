//! One account's mailboxes.

use crate::{Content, Mailbox, Row, Rows, Status, View};
use bytes::Bytes;
use core_store::Body;
use std::sync::Arc;
use words_base::Timestamp;
use words_mail::{
    AccountId, Flags, MailboxId, MailboxName, ModSeq, NumberSet, Refusal, SpecialUse, Uid,
    UidValidity,
};

/// The mailboxes of one account: holding this is the authority to use them. Cheap to clone.
#[derive(Clone)]
pub struct Mailboxes {}

/// A message that is to be filed.
#[derive(Debug)]
pub struct Arrival {
    /// Its octets.
    pub body: Body,
    /// Its header section (what [`words_message`] collected of it), for the summary kept beside.
    pub header: Bytes,
    /// Flags it starts with.
    pub flags: Flags,
    /// INTERNALDATE.
    pub received_at: Timestamp,
}

/// What filing gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Of the UIDs.
    pub uid_validity: UidValidity,
    /// In the order of the arrivals; rising and without gaps.
    pub uids: Vec<Uid>,
    /// The number of the change.
    pub modseq: ModSeq,
}

/// What copying or moving gave (RFC 4315 COPYUID).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Of the target's UIDs.
    pub uid_validity: UidValidity,
    /// UIDs in the source, rising, and beside each the UID in the target.
    pub uids: Vec<(Uid, Uid)>,
}

/// How flags are to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlagChange {
    /// Just these from now on.
    Set(Flags),
    /// These too.
    Add(Flags),
    /// Not these.
    Remove(Flags),
}

/// What changing flags did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// UIDs whose flags are now as asked, changed or not.
    pub done: NumberSet,
    /// UIDs left alone, since they had changed after `unchanged_since`.
    pub modified: NumberSet,
}

impl Mailboxes {
    /// Whose.
    pub fn account(&self) -> AccountId {
        todo!()
    }

    /// Every mailbox, by name, INBOX first.
    pub async fn list(&self) -> Result<Vec<Mailbox>, Refusal> {
        todo!()
    }

    /// Names that are subscribed though no mailbox has them.
    pub async fn subscribed_without_mailbox(&self) -> Result<Vec<MailboxName>, Refusal> {
        todo!()
    }

    /// The mailbox of that name. Errors: `NoSuchMailbox`.
    pub async fn find(&self, name: &MailboxName) -> Result<Mailbox, Refusal> {
        let _ = name;
        todo!()
    }

    /// Its counts.
    pub async fn status(&self, mailbox: MailboxId) -> Result<Status, Refusal> {
        let _ = mailbox;
        todo!()
    }

    /// Makes a mailbox, and those above it that are missing; subscribes it. Errors:
    /// `MailboxExists`, `BadMailboxName` (below INBOX named INBOX), `Limit`.
    pub async fn create(
        &self,
        name: &MailboxName,
        special_use: Option<SpecialUse>,
    ) -> Result<Mailbox, Refusal> {
        let _ = (name, special_use);
        todo!()
    }

    /// Removes a mailbox and its messages; those below it stay. Errors: `NotPermitted` for INBOX.
    pub async fn delete(&self, name: &MailboxName) -> Result<(), Refusal> {
        let _ = name;
        todo!()
    }

    /// Renames a mailbox and all below it. Of INBOX it moves the messages into a new mailbox
    /// (RFC 9051 §6.3.6).
    pub async fn rename(&self, from: &MailboxName, to: &MailboxName) -> Result<(), Refusal> {
        let _ = (from, to);
        todo!()
    }

    /// Subscribes or unsubscribes a name, whether or not a mailbox has it.
    pub async fn subscribe(&self, name: &MailboxName, subscribed: bool) -> Result<(), Refusal> {
        let _ = (name, subscribed);
        todo!()
    }

    /// Opens a mailbox; shared if it is open already.
    pub async fn open(&self, name: &MailboxName) -> Result<Arc<View>, Refusal> {
        let _ = name;
        todo!()
    }

    /// Files messages, all or none, durably. `quota` is checked in the same step.
    pub async fn append(
        &self,
        mailbox: MailboxId,
        arrivals: Vec<Arrival>,
    ) -> Result<Appended, Refusal> {
        let _ = (mailbox, arrivals);
        todo!()
    }

    /// Changes the flags of `uids`; those that are gone are passed over. Flags that change nothing
    /// cost no commit.
    pub async fn store_flags(
        &self,
        view: &View,
        uids: &NumberSet,
        change: &FlagChange,
        unchanged_since: Option<ModSeq>,
    ) -> Result<Stored, Refusal> {
        let _ = (view, uids, change, unchanged_since);
        todo!()
    }

    /// Removes those of `uids` that have `\Deleted` (all that have it, if `None`); tells which.
    pub async fn expunge(&self, view: &View, uids: Option<&NumberSet>) -> Result<NumberSet, Refusal> {
        let _ = (view, uids);
        todo!()
    }

    /// Removes `uids` whatever their flags (POP3 QUIT), in one commit where limits allow.
    pub async fn remove(&self, view: &View, uids: &NumberSet) -> Result<NumberSet, Refusal> {
        let _ = (view, uids);
        todo!()
    }

    /// Copies messages; flags and dates go along, octets are shared.
    pub async fn copy(
        &self,
        from: &View,
        uids: &NumberSet,
        to: MailboxId,
    ) -> Result<Copied, Refusal> {
        let _ = (from, uids, to);
        todo!()
    }

    /// Moves messages (RFC 6851): each is in one place or the other, never in both or none.
    pub async fn move_to(
        &self,
        from: &View,
        uids: &NumberSet,
        to: MailboxId,
    ) -> Result<Copied, Refusal> {
        let _ = (from, uids, to);
        todo!()
    }

    /// The octets of a message.
    pub async fn content(&self, view: &View, row: &Row) -> Result<Content, Refusal> {
        let _ = (view, row);
        todo!()
    }

    /// The encoded [`words_message`] summaries (SummaryRef reads them) of the rows from `place` on,
    /// at most `count_max`, `None` where a message has just gone. One scan.
    pub async fn summaries(
        &self,
        view: &View,
        rows: &Rows,
        place: usize,
        count_max: usize,
    ) -> Result<Vec<Option<Bytes>>, Refusal> {
        let _ = (view, rows, place, count_max);
        todo!()
    }
}
