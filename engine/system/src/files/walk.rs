//! Down from a root, one name at a time.

use core_world::{FileErrorKind, names_of};
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// Stands for a path that leads out, or over a link: what the system says of too many links.
pub const LEADS_OUT: Errno = Errno::LOOP;
/// Stands for what is there and is no regular file.
pub const NOT_A_FILE: Errno = Errno::ISDIR;

/// A name in an open directory; without a name, the directory itself.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The directory.
    pub parent: BorrowedFd<'a>,
    /// The name in it.
    pub name: Option<&'a OsStr>,
}

impl<'a> Place<'a> {
    /// The name, where the root itself will not do.
    pub fn name(self) -> Result<&'a OsStr, Errno> {
        self.name.ok_or(Errno::BUSY)
    }
}

/// Does `work` at the place that `path` names below `root`.
pub fn at<T>(
    root: &OwnedFd,
    path: &Path,
    work: impl FnOnce(Place<'_>) -> Result<T, Errno>,
) -> Result<T, Errno> {
    let names = names_of(path).ok_or(LEADS_OUT)?;
    let Some((last, above)) = names.split_last() else {
        return work(Place { parent: root.as_fd(), name: None });
    };
    let mut parent: Option<OwnedFd> = None;
    for name in above {
        let from = parent.as_ref().unwrap_or(root).as_fd();
        let place = Place { parent: from, name: Some(name) };
        let next = open_beneath(place, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())?;
        parent = Some(next);
    }
    work(Place { parent: parent.as_ref().unwrap_or(root).as_fd(), name: Some(last) })
}

/// Opens what is at a place, unless that is a link.
pub fn open_beneath(place: Place<'_>, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let name = place.name.unwrap_or(OsStr::new("."));
    match rustix::fs::openat(place.parent, name, flags, mode) {
        // Of a link where a directory should be, systems say one or the other.
        Err(Errno::NOTDIR) if is_link(place.parent, name) => Err(LEADS_OUT),
        // A pipe that nobody reads, opened for writing.
        Err(Errno::NXIO) => Err(NOT_A_FILE),
        other => other,
    }
}

fn is_link(parent: BorrowedFd<'_>, name: &OsStr) -> bool {
    let stat = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW);
    stat.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
}

/// What can be treated differently.
pub fn kind_of(errno: Errno) -> FileErrorKind {
    match errno {
        Errno::NOENT => FileErrorKind::NotFound,
        Errno::EXIST => FileErrorKind::Exists,
        Errno::ACCESS | Errno::PERM | Errno::ROFS => FileErrorKind::NotPermitted,
        Errno::NOTDIR => FileErrorKind::NotADirectory,
        NOT_A_FILE => FileErrorKind::NotAFile,
        Errno::NOTEMPTY => FileErrorKind::NotEmpty,
        LEADS_OUT => FileErrorKind::LeadsOut,
        Errno::NOSPC | Errno::DQUOT => FileErrorKind::Full,
        other => FileErrorKind::Other(std::io::Error::from(other).to_string()),
    }
}
