//! Messages brought back from a backup into the mailboxes of a running server.
//!
//! Two [`core_mailbox::Mail`]s: one over the backup, one over the store. What the account still has,
//! wherever it is now, is not brought again, unless that is wished. Messages come back with the flags
//! they had (but `\Deleted`, or they would soon be gone again), the keywords and the date, under new
//! UIDs, as RFC 9051 §2.3.1.1 demands. One that cannot be read is told of, and the others come.

mod bring;
mod choice;
mod known;
mod report;

pub use bring::{Restore, restore};
pub use choice::{Choice, Elsewhere, Wanted};
pub use report::{MailboxReport, Report, Unread};
