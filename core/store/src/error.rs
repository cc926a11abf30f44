//! What can go wrong below the core.

use std::fmt;

/// Why the store did not do it. Only what a caller can treat differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// An expectation of the batch no longer held, nothing was done; read again and retry.
    Conflict {
        /// Which expectation, counted from 0.
        expectation: usize,
    },
    /// A key, value or batch is over [`crate::Limits`]. A fault of the caller.
    TooLarge(&'static str),
    /// It may or may not have been done, and may still be. Never treat it as done.
    OutcomeUnknown,
    /// No blob of that id.
    NoSuchBlob,
    /// What was read back is not what was written: checksum, format. Says what and where.
    Corrupt(String),
    /// There is no room on the disk. Nothing was done; it works again when there is.
    Full,
    /// The world failed: disk broken, engine stopped. Says why; the operator's log has it.
    Unavailable(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Conflict { expectation } => {
                write!(f, "expectation {expectation} did not hold")
            }
            StoreError::TooLarge(what) => write!(f, "too large: {what}"),
            StoreError::OutcomeUnknown => f.write_str("outcome unknown"),
            StoreError::NoSuchBlob => f.write_str("no such blob"),
            StoreError::Corrupt(what) => write!(f, "corrupt: {what}"),
            StoreError::Full => f.write_str("the disk is full"),
            StoreError::Unavailable(why) => write!(f, "unavailable: {why}"),
        }
    }
}

impl std::error::Error for StoreError {}
