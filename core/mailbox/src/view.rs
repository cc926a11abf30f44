//! An open mailbox.

use crate::{Mailbox, Rows};
use words_mail::{ModSeq, NumberSet, Refusal, Uid};

/// An open mailbox, shared by all who have it open.
pub struct View {}

impl View {
    /// As it was when it was opened (its name may change meanwhile).
    pub fn mailbox(&self) -> &Mailbox {
        todo!()
    }

    /// What it held when last refreshed. Costs nothing.
    pub fn rows(&self) -> Rows {
        todo!()
    }

    /// Reads the change log on to its end and gives the mailbox as it is now.
    /// Errors: `NoSuchMailbox` if it was removed meanwhile; `Unavailable`.
    pub async fn refresh(&self) -> Result<Rows, Refusal> {
        todo!()
    }

    /// The next UID, as of the last refresh.
    pub fn uid_next(&self) -> Uid {
        todo!()
    }

    /// The number of the mailbox's last change as of the last refresh, at least 1.
    pub fn highest_modseq(&self) -> ModSeq {
        todo!()
    }

    /// The UIDs expunged after `since` (RFC 7162 §3.2.5.1). `None` if the log does not reach back
    /// so far: then every UID that is not there may have been.
    pub async fn vanished_since(&self, since: ModSeq) -> Result<Option<NumberSet>, Refusal> {
        let _ = since;
        todo!()
    }
}
