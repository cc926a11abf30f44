//! What came of it.

use serde::{Deserialize, Serialize};

/// What was restored of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Mailbox by mailbox, as the backup has them.
    pub mailboxes: Vec<MailboxReport>,
}

/// What was restored of a mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailboxReport {
    /// Its name in the backup.
    pub name: String,
    /// The mailbox that they came into.
    pub to: String,
    /// Was that made?
    pub made: bool,
    /// Messages of it that were wanted.
    pub wanted: u64,
    /// Those that were brought back,
    pub restored: u64,
    /// and their octets.
    pub bytes: u64,
    /// Those that are still in that mailbox.
    pub there: u64,
    /// Those that are still in another one of the account.
    pub elsewhere: u64,
    /// Those that cannot be read.
    pub unread: Vec<Unread>,
}

/// A message of a backup that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// Its UID in the backup.
    pub uid: u32,
    /// Why.
    pub why: String,
}

impl Report {
    /// Messages that were wanted.
    pub fn wanted(&self) -> u64 {
        self.mailboxes.iter().map(|mailbox| mailbox.wanted).sum()
    }

    /// Messages that were brought back.
    pub fn restored(&self) -> u64 {
        self.mailboxes.iter().map(|mailbox| mailbox.restored).sum()
    }

    /// Was every message either brought back or still there?
    pub fn is_good(&self) -> bool {
        self.mailboxes.iter().all(|mailbox| mailbox.unread.is_empty())
    }
}
