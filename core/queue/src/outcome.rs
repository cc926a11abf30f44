//! What became of a job.

use crate::{Class, Destination};
use words_base::Timestamp;
use words_mail::{Address, EnhancedStatus};

/// What became of one recipient of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipientOutcome {
    /// Which: [`crate::JobRecipient::number`].
    pub number: u32,
    /// What.
    pub outcome: Outcome,
}

/// What became of a recipient in one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The peer has said yes to the whole message.
    Delivered {
        /// What it said.
        said: Said,
        /// Who reports a success, if the sender wants to hear of it.
        onward: Onward,
    },
    /// Not now: 4yz, no connection, no answer. Also when the connection was lost after the message's
    /// end, and nobody knows.
    Deferred {
        /// Why.
        said: Said,
        /// Not before this, if the peer or a limit says so; else as the schedule wants.
        retry_at: Option<Timestamp>,
    },
    /// Never: 5yz, or the attempt showed that it cannot be done.
    Failed {
        /// Why.
        said: Said,
    },
}

impl Outcome {
    /// What was said.
    pub fn said(&self) -> &Said {
        match self {
            Outcome::Delivered { said, .. } => said,
            Outcome::Deferred { said, .. } => said,
            Outcome::Failed { said } => said,
        }
    }
}

/// Who reports the success of a message that was handed on (RFC 3461 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Onward {
    /// The next hop offered DSN: it has taken over.
    Reports,
    /// It did not: we say that it was relayed, and no more.
    Silent,
    /// It was the final delivery (LMTP): we say so.
    Final,
}

/// What was said about a recipient: what a report quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The reply's code, if it was a peer's reply.
    pub code: Option<u16>,
    /// The peer's own, or what fits best.
    pub status: EnhancedStatus,
    /// The words, exactly; its lines are joined by a blank. Cut at [`Said::TEXT_MAX`] octets.
    pub text: String,
    /// The peer, by name and address as far as they are known: `mx.example [192.0.2.1]`. `None`: the
    /// words are ours.
    pub by: Option<String>,
}

impl Said {
    /// Octets of text that are kept.
    pub const TEXT_MAX: usize = 1_000;
    /// Octets of the peer's name that are kept.
    pub const BY_MAX: usize = 320;

    /// Words of ours.
    pub fn ours(status: EnhancedStatus, text: impl Into<String>) -> Said {
        Said { code: None, status, text: text.into(), by: None }
    }

    /// As they are kept: no longer than they may be.
    pub(crate) fn bounded(&self) -> Said {
        let cut = |text: &str, max: usize| text[..text.floor_char_boundary(max)].to_string();
        Said {
            text: cut(&self.text, Said::TEXT_MAX),
            by: self.by.as_deref().map(|by| cut(by, Said::BY_MAX)),
            ..*self
        }
    }
}

/// What an attempt says of the destination as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contact {
    /// One of its servers took part in a transaction, whatever it said of recipients.
    Reached,
    /// None could be reached, or none let us speak: connect, greeting, EHLO, TLS, login.
    Failed,
    /// Nothing was tried: the reason lies with us or with the name.
    Untried,
}

/// Writes down attempts, in the queue's own commits.
pub trait Tracer: Send + Sync {
    /// Adds to `batch` what is to be remembered of one recipient's attempt. May be called again for
    /// the same attempt when a commit has to be repeated.
    fn attempt(&self, attempt: &Attempt<'_>, batch: &mut core_store::Batch);
}

/// One recipient's attempt.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// The message's.
    pub id: &'a str,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub recipient: &'a Address,
    /// Whereto.
    pub destination: &'a Destination,
    /// How it is treated.
    pub class: Class,
    /// Which attempt of this recipient, from 1 on; 0: given up without one.
    pub attempt: u32,
    /// What was said.
    pub said: &'a Said,
    /// What follows from it.
    pub fate: Fate,
}

/// What follows from an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It has left.
    Delivered,
    /// It is tried again then.
    Deferred {
        /// When.
        next_at: Timestamp,
    },
    /// The peer does not want it.
    Refused,
    /// It has waited too long.
    Expired,
}

/// Remembers nothing.
pub struct NoTrace;

impl Tracer for NoTrace {
    fn attempt(&self, _: &Attempt<'_>, _: &mut core_store::Batch) {}
}
