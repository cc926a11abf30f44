//! Why a server elsewhere did not give what was asked.

use core_world::{DialError, WireError};

/// Why a server elsewhere did not give what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// There is no connection.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The connection ended or stands still.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// It hung up; says what it said.
    #[error("the server hung up: {0}")]
    HungUp(String),
    /// It speaks no TLS where TLS is wanted.
    #[error(
        "the server offers no STARTTLS; use its port for TLS (993), or allow a connection in the clear"
    )]
    NoTls,
    /// Name or password are wrong; says what it said.
    #[error("login refused: {0}")]
    LoginRefused(String),
    /// It will not do it; what was asked, and what it said.
    #[error("{command}: the server says {said}")]
    Refused {
        /// The command's verb.
        command: &'static str,
        /// The server's words.
        said: String,
    },
    /// The mailbox of this name is another one than a moment ago.
    #[error("the mailbox was made anew meanwhile; run this again")]
    MadeAnew,
    /// It does not speak the protocol.
    #[error("not understood: expected {0}")]
    NotUnderstood(&'static str),
}

impl RemoteError {
    /// May the same succeed later, or on another connection?
    pub fn is_temporary(&self) -> bool {
        match self {
            RemoteError::Dial(error) => {
                matches!(error, DialError::Unreachable(_) | DialError::TimedOut)
            }
            RemoteError::Wire(_) | RemoteError::HungUp(_) => true,
            RemoteError::NoTls
            | RemoteError::LoginRefused(_)
            | RemoteError::Refused { .. }
            | RemoteError::MadeAnew
            | RemoteError::NotUnderstood(_) => false,
        }
    }
}
