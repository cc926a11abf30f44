//! Delivery status notifications: what a sender is told of a message's fate, in words for a person
//! and in fields for a program, and the same from others, read (RFC 3461, 3464, 6522, 6533).
//!
//! A report is written in pieces: [`Report::opening`], then the returned message, which whoever
//! writes it copies from where it is kept, then [`Report::closing`]. [`read_report`] reads one.
//!
//! It keeps nothing, sends nothing and decides nothing: not even whether a report is due.

mod cause;
mod human;
mod language;
mod quoted;
mod received;
mod report;
mod returned;
mod status_part;
mod text;

pub use cause::Cause;
pub use language::Language;
pub use received::{RECEIVED_MAX, ReceivedRecipient, ReceivedReport, read_report, read_status};
pub use report::{Action, Original, Recipient, Report, Returned};
pub use returned::{RETURNED_HEADER_MAX, returned_header};
