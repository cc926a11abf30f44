//! The machine's files, as [`core_world::Files`] asks for them. Every call waits for the disk on a
//! thread of its own.
//!
//! A tree keeps its root open and walks down from there one name at a time, following no symbolic
//! link, so that nobody who owns a part of it can lead this process elsewhere, also not by changing
//! names while it walks.

mod walk;

use core_world::{
    Entry, FileError, FileErrorKind, FileKind, FileLater, Files, Listing, Metadata, NewFile,
    OpenFile, Tree,
};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, Timespec, Timestamps};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use walk::{Place, kind_of, open_beneath};
use words_base::Timestamp;

/// The machine's files.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemFiles;

impl Files for SystemFiles {
    fn root<'a>(&'a self, path: &'a Path) -> FileLater<'a, Arc<dyn Tree>> {
        let path = path.to_owned();
        later(path.clone(), move || {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let root = rustix::fs::open(&path, flags, Mode::empty())?;
            Ok(Arc::new(SystemTree { root: Arc::new(root), path }) as Arc<dyn Tree>)
        })
    }
}

/// Does `work` where it holds up nobody else; its error is about `path`.
fn later<'a, T: Send + 'static>(
    path: PathBuf,
    work: impl FnOnce() -> Result<T, Errno> + Send + 'static,
) -> FileLater<'a, T> {
    // Begun at once; dropping the future leaves it to end by itself.
    let done = tokio::task::spawn_blocking(work);
    Box::pin(async move {
        match done.await {
            Ok(result) => result.map_err(|errno| FileError::new(path, kind_of(errno))),
            Err(error) => Err(FileError::new(path, FileErrorKind::Other(error.to_string()))),
        }
    })
}

/// An open directory.
struct SystemTree {
    root: Arc<OwnedFd>,
    path: PathBuf,
}

impl SystemTree {
    /// Does `work` at a place below the root.
    fn at<'a, T: Send + 'static>(
        &'a self,
        path: &Path,
        work: impl FnOnce(Place<'_>) -> Result<T, Errno> + Send + 'static,
    ) -> FileLater<'a, T> {
        let (root, path, whole) = (self.root.clone(), path.to_owned(), self.path.join(path));
        later(whole, move || walk::at(&root, &path, work))
    }

    /// Does `work` with two places.
    fn between<'a>(
        &'a self,
        from: &Path,
        to: &Path,
        work: impl FnOnce(Place<'_>, Place<'_>) -> Result<(), Errno> + Send + 'static,
    ) -> FileLater<'a, ()> {
        let (root, whole) = (self.root.clone(), self.path.join(to));
        let (from, to) = (from.to_owned(), to.to_owned());
        later(whole, move || {
            walk::at(&root, &from, |from| walk::at(&root, &to, |to| work(from, to)))
        })
    }

    fn write<'a>(
        &'a self,
        path: &'a Path,
        flags: OFlags,
        mode: u32,
    ) -> FileLater<'a, Box<dyn NewFile>> {
        let whole = self.path.join(path);
        self.at(path, move |place| {
            let flags = flags | OFlags::WRONLY | OFlags::CREATE | OFlags::NONBLOCK;
            let file = File::from(open_beneath(place, flags, Mode::from_raw_mode(mode))?);
            regular(&rustix::fs::fstat(&file)?)?;
            Ok(Box::new(SystemNewFile { file: Arc::new(file), path: whole }) as Box<dyn NewFile>)
        })
    }
}

/// Is it a regular file?
fn regular(stat: &Stat) -> Result<(), Errno> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(()),
        _ => Err(walk::NOT_A_FILE),
    }
}

fn kind(file_type: FileType) -> FileKind {
    match file_type {
        FileType::RegularFile => FileKind::File,
        FileType::Directory => FileKind::Directory,
        FileType::Symlink => FileKind::Link,
        _ => FileKind::Other,
    }
}

fn metadata(stat: &Stat) -> Metadata {
    let millis = stat.st_mtime.saturating_mul(1000) + stat.st_mtime_nsec as i64 / 1_000_000;
    Metadata {
        kind: kind(FileType::from_raw_mode(stat.st_mode)),
        len: u64::try_from(stat.st_size).unwrap_or(0),
        modified: Timestamp::from_millis(millis),
    }
}

impl Tree for SystemTree {
    fn list<'a>(&'a self, directory: &'a Path) -> FileLater<'a, Box<dyn Listing>> {
        let path = self.path.join(directory);
        self.at(directory, move |place| {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY;
            let reading = Dir::new(open_beneath(place, flags, Mode::empty())?)?;
            Ok(Box::new(SystemListing { reading: Some(reading), path }) as Box<dyn Listing>)
        })
    }

    fn metadata<'a>(&'a self, path: &'a Path) -> FileLater<'a, Metadata> {
        self.at(path, |place| {
            let stat = match place.name {
                Some(name) => rustix::fs::statat(place.parent, name, AtFlags::SYMLINK_NOFOLLOW),
                None => rustix::fs::fstat(place.parent),
            };
            Ok(metadata(&stat?))
        })
    }

    fn open<'a>(&'a self, path: &'a Path) -> FileLater<'a, Box<dyn OpenFile>> {
        let whole = self.path.join(path);
        self.at(path, move |place| {
            // A pipe without a writer would be waited for.
            let flags = OFlags::RDONLY | OFlags::NONBLOCK;
            let file = File::from(open_beneath(place, flags, Mode::empty())?);
            let stat = rustix::fs::fstat(&file)?;
            regular(&stat)?;
            let (file, metadata) = (Arc::new(file), metadata(&stat));
            Ok(Box::new(SystemOpenFile { file, metadata, path: whole }) as Box<dyn OpenFile>)
        })
    }

    fn create<'a>(&'a self, path: &'a Path, mode: u32) -> FileLater<'a, Box<dyn NewFile>> {
        self.write(path, OFlags::EXCL, mode)
    }

    fn append<'a>(&'a self, path: &'a Path, mode: u32) -> FileLater<'a, Box<dyn NewFile>> {
        self.write(path, OFlags::APPEND, mode)
    }

    fn rename<'a>(&'a self, from: &'a Path, to: &'a Path) -> FileLater<'a, ()> {
        self.between(from, to, |from, to| {
            rustix::fs::renameat(from.parent, from.name()?, to.parent, to.name()?)
        })
    }

    fn link<'a>(&'a self, from: &'a Path, to: &'a Path) -> FileLater<'a, ()> {
        self.between(from, to, |from, to| {
            let flags = AtFlags::empty();
            rustix::fs::linkat(from.parent, from.name()?, to.parent, to.name()?, flags)
        })
    }

    fn remove<'a>(&'a self, path: &'a Path) -> FileLater<'a, ()> {
        self.at(path, |place| rustix::fs::unlinkat(place.parent, place.name()?, AtFlags::empty()))
    }

    fn make_directory<'a>(&'a self, path: &'a Path, mode: u32) -> FileLater<'a, ()> {
        self.at(path, move |place| {
            rustix::fs::mkdirat(place.parent, place.name()?, Mode::from_raw_mode(mode))
        })
    }

    fn remove_directory<'a>(&'a self, path: &'a Path) -> FileLater<'a, ()> {
        self.at(path, |place| rustix::fs::unlinkat(place.parent, place.name()?, AtFlags::REMOVEDIR))
    }

    fn sync_directory<'a>(&'a self, path: &'a Path) -> FileLater<'a, ()> {
        self.at(path, |place| {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY;
            rustix::fs::fsync(open_beneath(place, flags, Mode::empty())?)
        })
    }

    fn sync_all(&self) -> FileLater<'_, ()> {
        self.at(Path::new(""), sync_file_system)
    }
}

#[cfg(target_os = "linux")]
fn sync_file_system(place: Place<'_>) -> Result<(), Errno> {
    rustix::fs::syncfs(place.parent)
}

#[cfg(not(target_os = "linux"))]
fn sync_file_system(_place: Place<'_>) -> Result<(), Errno> {
    rustix::fs::sync();
    Ok(())
}

struct SystemListing {
    /// `None` after an error.
    reading: Option<Dir>,
    path: PathBuf,
}

impl Listing for SystemListing {
    fn next(&mut self, count_max: usize) -> FileLater<'_, Vec<Entry>> {
        let reading = self.reading.take();
        let done = later(self.path.clone(), move || {
            let Some(mut reading) = reading else { return Ok((None, Vec::new())) };
            let page = read_page(&mut reading, count_max)?;
            Ok((Some(reading), page))
        });
        Box::pin(async move {
            let (reading, page) = done.await?;
            self.reading = reading;
            Ok(page)
        })
    }
}

fn read_page(reading: &mut Dir, count_max: usize) -> Result<Vec<Entry>, Errno> {
    let mut page = Vec::new();
    while page.len() < count_max {
        let Some(entry) = reading.read() else { break };
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        let file_type = match entry.file_type() {
            // Some file systems do not say.
            FileType::Unknown => {
                let flags = AtFlags::SYMLINK_NOFOLLOW;
                let stat = rustix::fs::statat(reading.fd()?, entry.file_name(), flags)?;
                FileType::from_raw_mode(stat.st_mode)
            }
            known => known,
        };
        page.push(Entry { name: OsStr::from_bytes(name).to_owned(), kind: kind(file_type) });
    }
    Ok(page)
}

struct SystemOpenFile {
    file: Arc<File>,
    metadata: Metadata,
    path: PathBuf,
}

impl OpenFile for SystemOpenFile {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn read_at(&self, offset: u64, len_max: usize) -> FileLater<'_, Vec<u8>> {
        let file = self.file.clone();
        later(self.path.clone(), move || {
            let mut octets = vec![0; len_max];
            let mut len = 0;
            while len < len_max {
                match file.read_at(&mut octets[len..], offset.saturating_add(len as u64)) {
                    Ok(0) => break,
                    Ok(count) => len += count,
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(errno(&error)),
                }
            }
            octets.truncate(len);
            Ok(octets)
        })
    }
}

fn errno(error: &std::io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error)
}

struct SystemNewFile {
    file: Arc<File>,
    path: PathBuf,
}

impl NewFile for SystemNewFile {
    fn write<'a>(&'a mut self, octets: &'a [u8]) -> FileLater<'a, ()> {
        let (file, octets) = (self.file.clone(), octets.to_vec());
        later(self.path.clone(), move || (&*file).write_all(&octets).map_err(|e| errno(&e)))
    }

    fn set_modified(&mut self, at: Timestamp) -> FileLater<'_, ()> {
        let file = self.file.clone();
        later(self.path.clone(), move || {
            let nanoseconds = at.millis().rem_euclid(1000) * 1_000_000;
            let time = Timespec { tv_sec: at.seconds(), tv_nsec: nanoseconds as _ };
            let times = Timestamps { last_access: time, last_modification: time };
            rustix::fs::futimens(file.as_fd(), &times)
        })
    }

    fn sync(&mut self) -> FileLater<'_, ()> {
        let file = self.file.clone();
        later(self.path.clone(), move || rustix::fs::fsync(file.as_fd()))
    }
}
