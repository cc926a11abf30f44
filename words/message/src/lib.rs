//! RFC 5322 and MIME: bytes to parts; lenient in, strict out.
//!
//! Whatever a stranger sends is read: there is no message that is an error, only one that tells
//! little. Everything that may be large comes in chunks cut anywhere, and every limit has a name.
//! Does no I/O, reads no clock, recurses on no input.
//!
//! ```
//! use words_message::{HeaderCollector, Summary, SummaryRef};
//! let mut header = HeaderCollector::new();
//! header.feed(b"From: Ana <ana@mired.org>\r\nSubject: hi\r\n\r\nbody").unwrap();
//! let stored = Summary::of_header(header.bytes()).encode();
//! let from = SummaryRef::new(&stored).unwrap().from().next().unwrap();
//! assert_eq!(from.host, Some(&b"mired.org"[..]));
//! ```

mod address;
mod civil;
mod date;
mod header;
mod message_id;
mod record;
mod summary;
mod summary_ref;

pub use address::{ADDRESS_TEXT_MAX, Mailbox, addresses, parse_addresses};
pub use civil::Date;
pub use date::{DateTime, parse_date};
pub use header::{Field, Fields, HEADER_MAX, Header, HeaderCollector, HeaderTooLarge};
pub use message_id::{MessageIds, message_ids, normalize_message_id};
pub use summary::{
    LIST_FIELDS_MAX, MESSAGE_ID_MAX, REFERENCES_MAX, SUBJECT_MAX, SUMMARY_MAX, Summary,
};
pub use summary_ref::{MailboxRef, Mailboxes, References, SummaryRef};
