//! Numbers, one type for each kind.

use std::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// One owner of mail. Never given twice.
    AccountId(u32)
);
number!(
    /// A mailbox of an account. Unique inside the account, never given twice.
    MailboxId(u32)
);
number!(
    /// A message's unique identifier in its mailbox, from 1, only rising (RFC 9051 §2.3.1.1).
    Uid(u32)
);
number!(
    /// Changes when a mailbox's UIDs no longer mean what they did (RFC 9051 §2.3.1.1). At least 1.
    UidValidity(u32)
);
number!(
    /// A message's place in its mailbox as one session sees it, from 1 (RFC 9051 §2.3.1.2).
    SeqNum(u32)
);
number!(
    /// Counts the changes of an account, from 1, below 2^53 (RFC 7162 §3.1).
    ModSeq(u64)
);
