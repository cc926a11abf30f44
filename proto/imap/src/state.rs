//! Where a session stands (RFC 3501 §3).
//!
//! ```text
//! NotAuthenticated ─login─► Authenticated ◄─unselect─┐
//!        │                    │     └──select──► Selected ◄─select─┐
//!        └──────logout────────┴──────logout─────────┴──► Logout    │
//!                                                     └────────────┘
//! ```

use words_mail::{MailboxName, ModSeq};

/// The four states.
#[derive(Debug, Default)]
pub(crate) enum State {
    /// Nobody has logged in.
    #[default]
    NotAuthenticated,
    /// An account is known.
    Authenticated,
    /// A mailbox is open.
    Selected(Selected),
    /// Goodbye has been said.
    Logout,
}

/// What a session knows of its open mailbox. Its messages are the desk's to know.
#[derive(Debug)]
pub(crate) struct Selected {
    /// The name it was opened by.
    pub name: MailboxName,
    /// Was it opened by EXAMINE?
    pub read_only: bool,
    /// The HIGHESTMODSEQ that was last heard of.
    pub highest_modseq: ModSeq,
}

impl State {
    /// The open mailbox.
    pub fn selected(&self) -> Option<&Selected> {
        match self {
            State::Selected(selected) => Some(selected),
            State::NotAuthenticated | State::Authenticated | State::Logout => None,
        }
    }

    /// Has somebody logged in?
    pub fn is_authenticated(&self) -> bool {
        matches!(self, State::Authenticated | State::Selected(_))
    }

    /// No mailbox is open any more.
    pub fn unselect(&mut self) {
        if let State::Selected(_) = self {
            *self = State::Authenticated;
        }
    }
}

/// In which states a command may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// In all.
    Any,
    /// Before login only.
    NotAuthenticated,
    /// After login.
    Authenticated,
    /// With an open mailbox.
    Selected,
}

impl Stage {
    /// Does it allow this state? `Err` says what the client must do first.
    pub(crate) fn check(self, state: &State) -> Result<(), &'static str> {
        match (self, state) {
            (_, State::Logout) => Err("Goodbye was said"),
            (Stage::Any, _) => Ok(()),
            (Stage::NotAuthenticated, State::NotAuthenticated) => Ok(()),
            (Stage::NotAuthenticated, _) => Err("Logged in already"),
            (_, State::NotAuthenticated) => Err("Log in first"),
            (Stage::Authenticated, _) | (Stage::Selected, State::Selected(_)) => Ok(()),
            (Stage::Selected, State::Authenticated) => Err("Select a mailbox first"),
        }
    }
}
