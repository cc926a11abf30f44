//! One mailbox, as lists show it.

use words_mail::{MailboxId, MailboxName, ModSeq, SpecialUse, Uid, UidValidity};

/// A mailbox of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// Its number, which renaming keeps (RFC 8474 MAILBOXID is made of it).
    pub id: MailboxId,
    /// Its name.
    pub name: MailboxName,
    /// What it is for, if anything special.
    pub special_use: Option<SpecialUse>,
    /// Does LSUB show it?
    pub subscribed: bool,
    /// Of its UIDs.
    pub uid_validity: UidValidity,
}

/// Counts of one mailbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Messages in it.
    pub messages: u64,
    /// Messages without `\Seen`.
    pub unseen: u64,
    /// Messages with `\Deleted`.
    pub deleted: u64,
    /// Octets of all messages.
    pub size: u64,
    /// Octets of the messages with `\Deleted`.
    pub deleted_size: u64,
    /// What the next message's UID will be at least.
    pub uid_next: Uid,
    /// Of its UIDs.
    pub uid_validity: UidValidity,
    /// The number of its last change, at least 1.
    pub highest_modseq: ModSeq,
}
