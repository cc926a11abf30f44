//! The road home: how a report reaches the sender of a message.

use core_store::Batch;
use core_world::Later;
use words_mail::{Address, Refusal};

/// Takes reports to those who have sent what is reported on, wherever they are: files them in
/// mailboxes here, or queues them. Whoever implements it writes the message with a null reverse-path.
pub trait Homeward: Send + Sync {
    /// Begins a report to `to`. Errors: `NoSuchRecipient` and other permanent ones: nobody is there,
    /// and the report is dropped. `MailboxFull`, `StorageFull`, `Unavailable`: later.
    fn begin<'a>(&'a self, to: &'a Address) -> Later<'a, Result<Box<dyn Homecoming>, Refusal>>;
}

/// A report on its way. Dropped, it leaves no trace.
pub trait Homecoming: Send {
    /// Takes octets, header first, CRLF line ends.
    fn write<'a>(&'a mut self, octets: &'a [u8]) -> Later<'a, Result<(), Refusal>>;

    /// Files or queues the report, and in the same commit does all that `beside` holds: no report
    /// without the deletion of what it reports, and no deletion without the report. An expectation in
    /// `beside` that does not hold is `Unavailable`: it is all composed anew.
    fn finish(self: Box<Self>, beside: Batch) -> Later<'static, Result<(), Refusal>>;
}
