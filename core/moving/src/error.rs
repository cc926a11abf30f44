//! What can go wrong on either side.

use core_world::{FileError, FileErrorKind};
use std::fmt;
use words_mail::Refusal;

/// What a source cannot give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceError {
    /// The message is no longer there.
    Gone,
    /// This message cannot be read; others can.
    Message(String),
    /// It may pass: a connection broke. Ask again later; what was brought stays.
    Temporary(String),
    /// It will not pass by itself.
    Failed(String),
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SourceError::Gone => f.write_str("no longer there"),
            SourceError::Message(why) | SourceError::Temporary(why) | SourceError::Failed(why) => {
                f.write_str(why)
            }
        }
    }
}

impl std::error::Error for SourceError {}

impl From<FileError> for SourceError {
    fn from(error: FileError) -> SourceError {
        SourceError::Failed(next_step(&error))
    }
}

/// What an operator reads of a file, with the next step where there is one.
fn next_step(error: &FileError) -> String {
    match error.kind {
        FileErrorKind::NotPermitted => format!(
            "{error}; the user that has the store open cannot read it: stop the server and run this \
             as root, or copy the mail to where that user can read it"
        ),
        FileErrorKind::Full => format!("{error}; make room and run this again: it goes on"),
        _ => error.to_string(),
    }
}

/// Why moving ended early. What was moved stays, and running it again goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MoveError {
    /// The other side.
    Source(SourceError),
    /// A file of ours or of a target.
    File(FileError),
    /// Our side.
    Refused(Refusal),
}

impl From<SourceError> for MoveError {
    fn from(error: SourceError) -> MoveError {
        MoveError::Source(error)
    }
}

impl From<FileError> for MoveError {
    fn from(error: FileError) -> MoveError {
        MoveError::File(error)
    }
}

impl From<Refusal> for MoveError {
    fn from(refusal: Refusal) -> MoveError {
        MoveError::Refused(refusal)
    }
}

impl fmt::Display for MoveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MoveError::Source(error) => error.fmt(f),
            MoveError::File(error) => f.write_str(&next_step(error)),
            MoveError::Refused(Refusal::MailboxFull) => f.write_str(
                "the account's quota is used up; raise it with \"estafeta account set ADDRESS --quota \
                 none\" and run this again: it goes on",
            ),
            MoveError::Refused(refusal) => write!(f, "{refusal}; run this again: it goes on"),
        }
    }
}

impl std::error::Error for MoveError {}
