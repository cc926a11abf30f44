//! Salvage: everything that can be read of a store goes into a new one.
//!
//! Metadata comes from `metadata.redb` if all of it is good; else from `metadata.copy`; and in either
//! case from the batches that the log has behind; if both are gone, from the log alone. Then every body
//! is copied, what is damaged of one being kept as far as it can be read, so that no message is left
//! out. Bodies that no record names any more, because the batch that named them is lost, are kept under
//! [`ORPHANS`] for whoever knows what a mailbox is. Nothing is changed in the source.

mod body;
mod metadata;
mod read_only;
mod replay;
mod report;
mod target;
pub mod walk;

pub use report::{Damaged, Origin, SalvageProgress, SalvageReport};
pub use target::ORPHANS;

use crate::disk::{Directory, Disk};
use crate::files::Files;
use crate::options::{OpenError, Options};
use crate::recovery;
use crate::store::{EmbeddedStore, take_lock};
use core_store::StoreError;
use read_only::ReadOnly;
use replay::Lost;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use target::Target;

/// Takes the progress of a salvage.
pub type Tell<'a> = &'a mut dyn FnMut(SalvageProgress);

/// Why nothing could be salvaged. Each text ends with what to do.
#[derive(Debug)]
pub enum SalvageError {
    /// The source cannot be used.
    Source(OpenError),
    /// Where the new store should be, something is.
    NotEmpty(PathBuf),
    /// The new store could not be written.
    Target(String),
}

impl fmt::Display for SalvageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SalvageError::Source(error) => error.fmt(f),
            SalvageError::NotEmpty(path) => {
                write!(f, "{} is there already; choose another directory", path.display())
            }
            SalvageError::Target(why) => {
                write!(
                    f,
                    "the new store could not be written: {why}; see to its disk and try again"
                )
            }
        }
    }
}

impl std::error::Error for SalvageError {}

impl From<StoreError> for SalvageError {
    fn from(error: StoreError) -> SalvageError {
        SalvageError::Target(error.to_string())
    }
}

impl From<OpenError> for SalvageError {
    fn from(error: OpenError) -> SalvageError {
        SalvageError::Target(error.to_string())
    }
}

/// Reads what can be read of the store in `source`, which nobody has open, and makes a store of it in
/// `target`, which is not there yet. It gets its name when it is complete.
pub fn salvage(
    source: &Path,
    target: &Path,
    tell: Tell<'_>,
) -> Result<SalvageReport, SalvageError> {
    let disk: Arc<dyn Disk> = Arc::new(Directory::new(source));
    let _lock = lock(&*disk, source)?;
    let new = target.with_extension("new");
    for path in [target, &new] {
        if path.exists() {
            return Err(SalvageError::NotEmpty(path.to_owned()));
        }
    }
    let store = EmbeddedStore::open(&new, Options::default())?;
    let report = salvage_into(disk, &store, tell)?;
    store.close();
    let named = std::fs::rename(&new, target);
    named.map_err(|error| SalvageError::Target(error.to_string()))?;
    Ok(report)
}

/// Of a medium that cannot be written, nobody can have the store open for writing either.
fn lock(
    disk: &dyn Disk,
    source: &Path,
) -> Result<Option<Box<dyn std::any::Any + Send + Sync>>, SalvageError> {
    match take_lock(disk, source) {
        Ok(lock) => Ok(Some(lock)),
        Err(OpenError::Io { error, .. }) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => {
            Ok(None)
        }
        Err(error) => Err(SalvageError::Source(error)),
    }
}

/// The same from a disk into a store that is open and empty.
pub fn salvage_into(
    disk: Arc<dyn Disk>,
    store: &Arc<EmbeddedStore>,
    tell: Tell<'_>,
) -> Result<SalvageReport, SalvageError> {
    let files = Arc::new(Files::new(Arc::new(ReadOnly::new(disk))));
    let mut report = SalvageReport::default();
    let mut target = Target::new(store)?;
    let start = metadata::find(&files, &mut report);
    let generations = walk::generations(&files, start.generation());
    let mut lost = Lost::default();
    metadata::bring(&files, start, &generations, &mut target, &mut report, &mut lost, tell)?;
    body::bring(&files, &mut target, &mut report, tell)?;
    if report.origin == Origin::Log || !lost.is_empty() {
        body::bring_orphans(&files, &generations, &lost, &mut target, &mut report, tell)?;
    }
    target.clear()?;
    report.missing_batches = lost.count();
    Ok(report)
}

/// What went wrong while the source was read, for a report.
fn reading(doing: &'static str) -> impl Fn(io::Error) -> SalvageError {
    move |error| SalvageError::Source(recovery::io_error(Path::new("."), doing, error))
}
