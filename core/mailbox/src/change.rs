//! The change log, and the difference of two moments.

use words_mail::{MailboxId, ModSeq, NumberSet, Uid};

/// What one entry of an account's change log tells. One commit, one entry, one number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Messages came into a mailbox.
    Arrived(MailboxId, NumberSet),
    /// Flags of messages changed.
    Flags(MailboxId, NumberSet),
    /// Messages left a mailbox.
    Expunged(MailboxId, NumberSet),
    /// A mailbox was made, renamed, subscribed, removed …
    Mailbox(MailboxId),
}

/// From an older to a newer moment of one mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Places in the older rows that are gone, from 0, rising.
    pub expunged: Vec<usize>,
    /// UIDs that are gone, in the same order.
    pub vanished: Vec<Uid>,
    /// Places in the newer rows whose flags (or modseq) changed, rising; rows new there not named.
    pub changed: Vec<usize>,
    /// How many rows at the newer rows' end are new.
    pub arrived: usize,
    /// Highest modseq among the newer rows and this mailbox's expunges.
    pub highest_modseq: ModSeq,
}
