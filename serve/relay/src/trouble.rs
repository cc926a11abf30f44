//! Why a message did not get on, in our own words or the peer's.

use core_queue::{Outcome, Said};
use core_world::LookupError;
use words_mail::EnhancedStatus;

/// Why a message did not get on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Is there no use in trying again?
    pub permanent: bool,
    /// What was said.
    pub said: Said,
}

impl Trouble {
    /// Never, in our words.
    pub fn permanent(subject: u16, detail: u16, text: impl Into<String>) -> Trouble {
        Trouble { permanent: true, said: Said::ours(EnhancedStatus(5, subject, detail), text) }
    }

    /// Not now, in our words.
    pub fn temporary(subject: u16, detail: u16, text: impl Into<String>) -> Trouble {
        Trouble { permanent: false, said: Said::ours(EnhancedStatus(4, subject, detail), text) }
    }

    /// The DNS has not told what it was asked about `name`.
    pub fn lookup(name: &str, error: &LookupError) -> Trouble {
        let text = format!("{name}: {error}");
        match error.is_denial() {
            true => Trouble::permanent(1, 2, text),
            false => Trouble::temporary(4, 3, text),
        }
    }

    /// As the queue wants it.
    pub fn outcome(&self) -> Outcome {
        let said = self.said.clone();
        match self.permanent {
            true => Outcome::Failed { said },
            false => Outcome::Deferred { said, retry_at: None },
        }
    }

    /// Of two hosts' troubles the one that counts: as long as one of them may get over it, the message
    /// waits.
    pub fn or(self, later: Trouble) -> Trouble {
        if self.permanent || !later.permanent { later } else { self }
    }
}
