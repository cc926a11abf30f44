//! RFC 5322 and MIME: bytes to parts; lenient in, strict out.
//!
//! Whatever a stranger sends is read: there is no message that is an error, only one that tells
//! little. Everything that may be large comes in chunks cut anywhere, and every limit has a name.
//! Does no I/O, reads no clock, recurses on no input.
//!
//! | To learn | use |
//! | --- | --- |
//! | where the header ends, what its fields are | [`HeaderCollector`], [`Header`] |
//! | what ENVELOPE, SORT, THREAD need | [`Summary`], stored; [`SummaryRef`], read where it lies |
//! | what BODYSTRUCTURE and `BODY[1.2]` need | [`StructureScanner`], [`Structure`] |
//! | what a header field shows, what a part's octets mean | [`decode_header`], [`TransferDecoder`], [`CharsetDecoder`] |
//! | whether a text is in a message | [`TextSearcher`], [`header_contains`] |
//! | what time a date means | [`DateTime`], [`parse_date`] |
//! | how to write a trace field | [`compose`] |
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
mod address_token;
mod charset;
mod civil;
pub mod compose;
mod date;
mod encode;
mod encoded_word;
mod header;
mod message_id;
mod mime_cursor;
mod mime_field;
mod part;
mod record;
mod scanner;
mod search;
mod subject;
mod summary;
mod summary_ref;
mod transfer;

pub use address::{ADDRESS_TEXT_MAX, Mailbox, addresses, parse_addresses};
pub use charset::{CharsetDecoder, casefold};
pub use civil::Date;
pub use date::{DATE_TEXT_MAX, DateTime, parse_date};
pub use encode::encode_words;
pub use encoded_word::{decode_header, header_contains};
pub use header::{Field, Fields, HEADER_MAX, Header, HeaderCollector, HeaderTooLarge};
pub use message_id::{MessageIds, message_ids, normalize_message_id};
pub use mime_field::{
    BOUNDARY_MAX, ContentType, Disposition, LANGUAGES_MAX, MimeFields, PARAMS_MAX, PART_TEXT_MAX,
    Param,
};
pub use part::{Content, Part, Structure};
pub use scanner::{DEPTH_MAX, PART_HEADER_MAX, PARTS_MAX, STRUCTURE_TEXT_MAX, StructureScanner};
pub use search::{Scope, TextSearcher};
pub use subject::{BaseSubject, base_subject};
pub use summary::{
    LIST_FIELDS_MAX, MESSAGE_ID_MAX, REFERENCES_MAX, SUBJECT_MAX, SUMMARY_MAX, SUMMARY_WHOLE_MAX,
    Summary,
};
pub use summary_ref::{MailboxRef, Mailboxes, References, SummaryRef};
pub use transfer::{TransferDecoder, TransferEncoding};
