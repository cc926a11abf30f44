//! What a backup came to, and why there is none.

use crate::Finding;
use core_store::StoreError;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Files and their octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Files.
    pub files: u64,
    /// Octets.
    pub bytes: u64,
}

impl Tally {
    /// One more.
    pub fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }
}

/// What was done with the files of a backup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copies {
    /// Copied octet by octet, the metadata among them.
    pub copied: Tally,
    /// Shared with the store: a link, or a file that shares its blocks.
    pub linked: Tally,
    /// In the directory already.
    pub kept: Tally,
}

/// A backup that is complete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackupReport {
    /// Which one it is.
    pub number: u64,
    /// Keys that have a value.
    pub records: u64,
    /// Bodies,
    pub bodies: u64,
    /// and their octets.
    pub body_bytes: u64,
    /// Octets of the metadata.
    pub metadata_bytes: u64,
    /// What was done with the files.
    pub copies: Copies,
    /// What of the store is damaged, and therefore of the backup.
    pub damage: Vec<Finding>,
    /// Older backups that were removed, as was asked.
    pub removed: Vec<u64>,
    /// Files that no backup needs any more, removed.
    pub swept: Tally,
    /// How long it took.
    pub took: Duration,
}

impl BackupReport {
    /// Is all of it as it should be?
    pub fn is_good(&self) -> bool {
        self.damage.is_empty()
    }
}

/// Why there is no backup, or why it cannot be used. Each text ends with what to do.
#[derive(Debug)]
pub enum BackupError {
    /// The directory holds something else.
    NotABackup(PathBuf),
    /// Another backup is under way there.
    Busy(PathBuf),
    /// It may not be read or written.
    Permission(PathBuf),
    /// No such backup, or none at all.
    NoSuchBackup {
        /// The directory.
        directory: PathBuf,
        /// The one asked for.
        number: Option<u64>,
    },
    /// A backup of it is damaged.
    Damaged {
        /// The file.
        file: String,
        /// What is wrong.
        what: String,
    },
    /// The place to restore to holds something.
    NotEmpty(PathBuf),
    /// No more room.
    Full(PathBuf),
    /// It was told to stop.
    Stopped,
    /// The store cannot be read.
    Store(StoreError),
    /// A disk failed.
    Io {
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        error: io::Error,
    },
}

impl BackupError {
    /// An error of the disk that `directory` is on, told apart by what one can do about it.
    pub fn of(directory: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> BackupError {
        move |error| match error.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                BackupError::Permission(directory.to_owned())
            }
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                BackupError::Full(directory.to_owned())
            }
            ErrorKind::Interrupted => BackupError::Stopped,
            _ => BackupError::Io { doing, error },
        }
    }
}

impl fmt::Display for BackupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BackupError::NotABackup(directory) => write!(
                f,
                "{} holds no backups of estafeta; name their directory, or an empty one to begin",
                directory.display()
            ),
            BackupError::Busy(directory) => write!(
                f,
                "another backup to {} is under way; wait until it has ended",
                directory.display()
            ),
            BackupError::Permission(directory) => write!(
                f,
                "{} may not be written or read by the server; change its owner, name it in the \
                 configuration's reach and the unit's ReadWritePaths, or choose a directory inside \
                 the data directory",
                directory.display()
            ),
            BackupError::NoSuchBackup { directory, number: Some(number) } => write!(
                f,
                "{} holds no complete backup {number}; see \"estafeta backup list\"",
                directory.display()
            ),
            BackupError::NoSuchBackup { directory, number: None } => write!(
                f,
                "{} holds no complete backup; take one with \"estafeta backup\"",
                directory.display()
            ),
            BackupError::Damaged { file, what } => write!(
                f,
                "{file} is damaged: {what}; choose another backup, see \"estafeta backup verify\""
            ),
            BackupError::NotEmpty(directory) => {
                write!(f, "{} is not empty; name a directory that is", directory.display())
            }
            BackupError::Full(directory) => write!(
                f,
                "no more room at {}; make some and start again: what was copied is used",
                directory.display()
            ),
            BackupError::Stopped => {
                f.write_str("stopped before the end; start again: what was copied is used")
            }
            BackupError::Store(error) => {
                write!(f, "the store cannot be read: {error}; run \"estafeta store check\"")
            }
            BackupError::Io { doing, error } => {
                write!(f, "{doing}: {error}; see to the disk and start again")
            }
        }
    }
}

impl std::error::Error for BackupError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            BackupError::Io { error, .. } => Some(error),
            BackupError::Store(error) => Some(error),
            _ => None,
        }
    }
}
