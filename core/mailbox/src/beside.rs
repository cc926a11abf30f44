//! What others write in the commit that keeps a delivered body.

use core_store::{Assigned, Batch, Template};
use words_mail::{MailboxId, Refusal};

/// What is written in the very commit that keeps a delivered body, so that it is there just if the
/// body is: rows of a queue, a trace of where the message went, the end of what led to it. Asked anew
/// whenever a commit has to be tried again.
pub trait Beside: Send + Sync {
    /// How many others than messages hold the body from then on. With one at least, the body is kept
    /// even if no deposit is filed.
    fn holders(&self) -> u32 {
        0
    }

    /// Adds what does not depend on where the deposits are filed, to the commit that keeps the body.
    /// If an expectation of these does not hold, nothing is filed and that is told apart. Errors: any;
    /// nothing is filed then.
    fn write(&self, batch: &mut Batch) -> Result<(), Refusal> {
        let _ = batch;
        Ok(())
    }

    /// Adds what tells where deposits are filed, to each commit that files some: at most
    /// [`NOTE_BYTES_MAX`] octets in [`NOTE_OPERATIONS_MAX`] operations.
    fn note(&self, placings: &[Placing<'_>], batch: &mut Batch) {
        let _ = (placings, batch);
    }
}

/// Octets that [`Beside::note`] may add to a commit.
pub const NOTE_BYTES_MAX: usize = 300_000;
/// Operations that it may add.
pub const NOTE_OPERATIONS_MAX: usize = 16;

/// Nothing.
impl Beside for () {}

/// Where a commit files a deposit, or why it does not.
#[derive(Clone, Copy, Debug)]
pub struct Placing<'a> {
    /// Which of the deposits, counted from 0.
    pub nth: usize,
    /// Where, or why not.
    pub place: Result<UidSlot, &'a Refusal>,
}

/// A message's place, whose UID only the commit knows.
#[derive(Clone, Copy, Debug)]
pub struct UidSlot {
    /// In which mailbox.
    pub mailbox: MailboxId,
    pub(crate) uids: Assigned,
    pub(crate) nth: u64,
}

impl UidSlot {
    /// Adds the UID, 8 octets, big-endian, at the end of `template`.
    pub fn push(self, template: &mut Template) {
        template.push_slot(self.uids, self.nth);
    }
}

/// Why a message was not delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotDelivered {
    /// For this reason.
    Refused(Refusal),
    /// An expectation that [`Beside::write`] added did not hold.
    Overtaken,
}

impl From<Refusal> for NotDelivered {
    fn from(refusal: Refusal) -> NotDelivered {
        NotDelivered::Refused(refusal)
    }
}
