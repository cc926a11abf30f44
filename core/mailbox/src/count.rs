//! Counters of mailboxes and accounts. Changed by adding only, so that deliveries never conflict.

use crate::{Row, Usage};
use bytes::Bytes;
use words_mail::SystemFlag;

/// Counts of one mailbox, or how they change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub messages: i64,
    pub unseen: i64,
    pub deleted: i64,
    pub size: i64,
    /// Octets of messages with `\Deleted`.
    pub deleted_size: i64,
}

impl Counts {
    /// What one message counts.
    pub fn of(row: &Row) -> Counts {
        let deleted = row.flags.contains(SystemFlag::Deleted);
        Counts {
            messages: 1,
            unseen: (!row.flags.contains(SystemFlag::Seen)).into(),
            deleted: deleted.into(),
            size: row.size as i64,
            deleted_size: if deleted { row.size as i64 } else { 0 },
        }
    }

    pub fn add(&mut self, other: Counts) {
        self.messages += other.messages;
        self.unseen += other.unseen;
        self.deleted += other.deleted;
        self.size += other.size;
        self.deleted_size += other.deleted_size;
    }

    pub fn subtract(&mut self, other: Counts) {
        self.messages -= other.messages;
        self.unseen -= other.unseen;
        self.deleted -= other.deleted;
        self.size -= other.size;
        self.deleted_size -= other.deleted_size;
    }

    pub fn is_zero(&self) -> bool {
        *self == Counts::default()
    }

    /// In the order in which they stand in the store.
    pub fn numbers(&self) -> [i64; 5] {
        [self.messages, self.unseen, self.deleted, self.size, self.deleted_size]
    }

    pub fn decode(value: Option<&Bytes>) -> Counts {
        let [messages, unseen, deleted, size, deleted_size] = crate::octets::sums(value);
        Counts { messages, unseen, deleted, size, deleted_size }
    }
}

/// The account's part of a change of counts: octets, messages.
pub(crate) fn usage_numbers(counts: &Counts) -> [i64; 2] {
    [counts.size, counts.messages]
}

/// Reads what an account keeps.
pub(crate) fn decode_usage(value: Option<&Bytes>) -> Usage {
    let [bytes, messages] = crate::octets::sums(value);
    Usage { bytes: bytes.max(0) as u64, messages: messages.max(0) as u64 }
}
