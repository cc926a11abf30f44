//! The door to files of other programs: mail kept in directories, read and written beside them.
//!
//! [`Files::root`] opens a directory; everything else is done inside of it, through [`Tree`], with
//! paths relative to it. **A tree never reaches out of its root**: no path may have `..` or begin at
//! `/`, and no symbolic link below the root is followed, wherever it leads — its owner may be a
//! stranger who points it at somebody else's mail. A link is listed as [`FileKind::Link`], and whoever
//! meets one says so. Links on the way to the root are the operator's own and are followed.

mod memory;

pub use memory::MemoryFiles;

use crate::Later;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use words_base::Timestamp;

/// What a file operation gives.
pub type FileLater<'a, T> = Later<'a, Result<T, FileError>>;

/// Opens directories.
pub trait Files: Send + Sync {
    /// The directory at `path`, which may be reached over symbolic links.
    /// Errors: `NotFound`, `NotADirectory`, `NotPermitted`.
    fn root<'a>(&'a self, path: &'a Path) -> FileLater<'a, Arc<dyn Tree>>;
}

/// A directory and what is below it. Paths are relative to it; the empty path is the directory.
pub trait Tree: Send + Sync {
    /// Begins to read the names in a directory.
    fn list<'a>(&'a self, directory: &'a Path) -> FileLater<'a, Box<dyn Listing>>;

    /// What is at `path`; of a link, the link.
    fn metadata<'a>(&'a self, path: &'a Path) -> FileLater<'a, Metadata>;

    /// Opens a regular file for reading; anything else is `NotAFile`.
    fn open<'a>(&'a self, path: &'a Path) -> FileLater<'a, Box<dyn OpenFile>>;

    /// Makes a file that was not there, for writing. Errors: `Exists`.
    fn create<'a>(&'a self, path: &'a Path, mode: u32) -> FileLater<'a, Box<dyn NewFile>>;

    /// Opens a file to write at its end, made if it is not there.
    fn append<'a>(&'a self, path: &'a Path, mode: u32) -> FileLater<'a, Box<dyn NewFile>>;

    /// Gives a file or directory another name, in place of what has that name.
    fn rename<'a>(&'a self, from: &'a Path, to: &'a Path) -> FileLater<'a, ()>;

    /// Gives a file one more name, which was free. Errors: `Exists`.
    fn link<'a>(&'a self, from: &'a Path, to: &'a Path) -> FileLater<'a, ()>;

    /// Removes a file.
    fn remove<'a>(&'a self, path: &'a Path) -> FileLater<'a, ()>;

    /// Makes a directory. Errors: `Exists`.
    fn make_directory<'a>(&'a self, path: &'a Path, mode: u32) -> FileLater<'a, ()>;

    /// Removes an empty directory.
    fn remove_directory<'a>(&'a self, path: &'a Path) -> FileLater<'a, ()>;

    /// Makes the names in a directory durable.
    fn sync_directory<'a>(&'a self, path: &'a Path) -> FileLater<'a, ()>;

    /// Makes everything durable that was written on this file system: for one who has written many
    /// files, and only then says so.
    fn sync_all(&self) -> FileLater<'_, ()>;
}

/// A directory being read.
pub trait Listing: Send {
    /// At most `count_max` more entries, in no order, `.` and `..` left out; none at the end.
    fn next(&mut self, count_max: usize) -> FileLater<'_, Vec<Entry>>;
}

/// A file open for reading.
pub trait OpenFile: Send + Sync {
    /// What it was when it was opened.
    fn metadata(&self) -> &Metadata;

    /// At most `len_max` octets from `offset`; fewer only at the end.
    fn read_at(&self, offset: u64, len_max: usize) -> FileLater<'_, Vec<u8>>;
}

/// A file open for writing at its end.
pub trait NewFile: Send {
    /// Adds octets.
    fn write<'a>(&'a mut self, octets: &'a [u8]) -> FileLater<'a, ()>;

    /// Says when it was last changed.
    fn set_modified(&mut self, at: Timestamp) -> FileLater<'_, ()>;

    /// Makes all that was written durable; the name needs [`Tree::sync_directory`].
    fn sync(&mut self) -> FileLater<'_, ()>;
}

/// A name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name alone.
    pub name: OsString,
    /// What it names.
    pub kind: FileKind,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, wherever it leads.
    Link,
    /// A socket, a pipe, a device.
    Other,
}

/// What is known of a file without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// What it is.
    pub kind: FileKind,
    /// Octets.
    pub len: u64,
    /// When it was last changed.
    pub modified: Timestamp,
}

/// What went wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    /// The whole path, as the operator would write it.
    pub path: PathBuf,
    /// What can be treated differently.
    pub kind: FileErrorKind,
}

/// Why a file operation failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileErrorKind {
    /// Nothing has that name.
    NotFound,
    /// Something has that name already.
    Exists,
    /// This process may not.
    NotPermitted,
    /// A name on the way is no directory, or the directory is none.
    NotADirectory,
    /// It is no regular file.
    NotAFile,
    /// The directory is not empty.
    NotEmpty,
    /// A link stands on the way, or the path leads out of the root.
    LeadsOut,
    /// No room, or over quota.
    Full,
    /// Something else, in the system's words.
    Other(String),
}

impl FileError {
    /// Of `path`.
    pub fn new(path: impl Into<PathBuf>, kind: FileErrorKind) -> FileError {
        FileError { path: path.into(), kind }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path.display())?;
        f.write_str(match &self.kind {
            FileErrorKind::NotFound => "there is no such file",
            FileErrorKind::Exists => "there is one already",
            FileErrorKind::NotPermitted => "not permitted",
            FileErrorKind::NotADirectory => "not a directory",
            FileErrorKind::NotAFile => "not a regular file",
            FileErrorKind::NotEmpty => "not empty",
            FileErrorKind::LeadsOut => "leads out of the directory, or over a symbolic link",
            FileErrorKind::Full => "no space left",
            FileErrorKind::Other(what) => what,
        })
    }
}

impl std::error::Error for FileError {}

/// The names that a relative path is made of. `None`: it is not relative, or climbs.
pub fn names_of(path: &Path) -> Option<Vec<&std::ffi::OsStr>> {
    use std::path::Component;
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => names.push(name),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(names)
}
