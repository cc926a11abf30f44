//! How to open a store, and why it could not be opened.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Sizes and times. The defaults suit a small machine and a large one.
#[derive(Clone, Debug)]
pub struct Options {
    /// Octets of a segment of the log.
    pub segment_size: u64,
    /// Octets of the metadata file kept in memory, beside what the system keeps.
    pub cache_size: usize,
    /// A checkpoint begins when the log has grown by this many octets,
    pub checkpoint_log: u64,
    /// or what was committed takes this many octets of memory,
    pub checkpoint_memory: usize,
    /// or this long after the first change.
    pub checkpoint_interval: Duration,
    /// Bodies are refused when the disk has fewer octets left than this.
    pub reserve: u64,
    /// A second copy of the metadata is made when the log has grown by so many octets, or by twice
    /// the octets of the last copy if that is more.
    pub copy_after: u64,
    /// Everything that is kept is read this often.
    pub scrub_every: Duration,
    /// So long after the disk has failed, the store tries to open itself again; then after twice as
    /// long each time, but not more than a minute.
    pub reopen_after: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            segment_size: 64 << 20,
            cache_size: 16 << 20,
            checkpoint_log: 64 << 20,
            checkpoint_memory: 24 << 20,
            checkpoint_interval: Duration::from_secs(5),
            reserve: 32 << 20,
            copy_after: 64 << 20,
            scrub_every: Duration::from_secs(30 * 24 * 3600),
            reopen_after: Duration::from_secs(1),
        }
    }
}

/// Why a store could not be opened. Each text ends with what to do.
#[derive(Debug)]
pub enum OpenError {
    /// Another process has it open.
    Locked(PathBuf),
    /// It was written by another version.
    Version {
        /// The directory.
        directory: PathBuf,
        /// What its `VERSION` file says.
        found: String,
        /// What this build reads.
        expected: String,
    },
    /// The directory holds something else.
    NotAStore(PathBuf),
    /// It may not be read or written.
    Permission(PathBuf),
    /// What is there is not what was written.
    Corrupt {
        /// The file, relative to the directory.
        file: String,
        /// Octets before the mistake.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// The disk failed.
    Io {
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        error: std::io::Error,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Locked(directory) => write!(
                f,
                "{} is open in another process; stop that one first, or choose another data directory",
                directory.display()
            ),
            OpenError::Version { directory, found, expected } => write!(
                f,
                "{} has format {found:?}, this build reads {expected:?}; use the version of \
                 estafeta that wrote it, or choose another data directory",
                directory.display()
            ),
            OpenError::NotAStore(directory) => write!(
                f,
                "{} holds files but no store; choose an empty data directory",
                directory.display()
            ),
            OpenError::Permission(directory) => write!(
                f,
                "{} may not be read and written by this user; change its owner or choose another \
                 data directory",
                directory.display()
            ),
            OpenError::Corrupt { file, offset, what } => {
                write!(f, "{file} is damaged at octet {offset}: {what}; run `estafeta store check`")
            }
            OpenError::Io { doing, error } => {
                write!(f, "{doing}: {error}; see to the disk and start again")
            }
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            OpenError::Io { error, .. } => Some(error),
            _ => None,
        }
    }
}
