//! The disk, as far as this engine needs one: behind a trait, so that a simulated one can tear and
//! lose what was not synced.

use std::any::Any;
use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
#[cfg(unix)]
use std::sync::{Mutex, PoisonError};
#[cfg(unix)]
use std::time::{Duration, Instant};

/// A directory tree. Names are relative to its root, with `/` between parts.
pub trait Disk: Debug + Send + Sync {
    /// Makes a directory and those above it, if they are not there.
    fn create_dir(&self, name: &str) -> io::Result<()>;

    /// The names of the files in a directory.
    fn list(&self, dir: &str) -> io::Result<Vec<String>>;

    /// Opens a file.
    fn open(&self, name: &str, mode: Mode) -> io::Result<Arc<dyn DiskFile>>;

    /// Gives a file another name, replacing what had it.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Takes a file's name away; those who have it open may go on reading.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes durable which names a directory holds.
    fn sync_dir(&self, dir: &str) -> io::Result<()>;

    /// Where it is, if it is a directory of this machine.
    fn root(&self) -> Option<&Path> {
        None
    }

    /// Octets that can still be written, as of a few milliseconds ago at most.
    fn available(&self) -> io::Result<u64>;

    /// Keeps every other process out as long as the answer lives. `WouldBlock` if one is in.
    fn lock(&self) -> io::Result<Box<dyn Any + Send + Sync>>;
}

/// How to open a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is there, to be read.
    Read,
    /// It is there, to be read and written.
    Write,
    /// It is not there yet.
    Create,
    /// It may be there.
    Any,
}

/// An open file.
pub trait DiskFile: Debug + Send + Sync {
    /// Octets.
    fn len(&self) -> io::Result<u64>;

    /// Is it empty?
    fn is_empty(&self) -> io::Result<bool> {
        self.len().map(|len| len == 0)
    }

    /// Makes it this long; new octets are zero.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Reads from `offset` until `buffer` is full or the file ends; how many octets.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// As [`DiskFile::read_at`], but gives back fewer, or `WouldBlock`, rather than wait for the
    /// medium.
    fn read_cached(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `octets` at `offset`.
    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<()>;

    /// Returns when everything written is durable, and the length with it.
    fn sync_data(&self) -> io::Result<()>;

    /// After a sync has failed: what the system holds in memory is not what the medium holds; it is
    /// to be read anew.
    fn forget_cached(&self) {}
}

/// The real thing: a directory of this machine.
#[derive(Debug)]
pub struct Directory {
    root: PathBuf,
    /// What was left when it was last measured.
    #[cfg(unix)]
    measured: Mutex<Option<(Instant, u64)>>,
}

/// For so long a measured number of free octets is true enough: it is asked for several times a
/// message, and thousands of messages come in a second.
#[cfg(unix)]
const MEASURED_FOR: Duration = Duration::from_millis(5);

impl Directory {
    /// The directory `root`, which need not be there yet.
    pub fn new(root: &Path) -> Directory {
        Directory {
            root: root.to_owned(),
            #[cfg(unix)]
            measured: Mutex::new(None),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }
}

/// The file that is locked.
const LOCK: &str = "lock";

impl Disk for Directory {
    fn create_dir(&self, name: &str) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(self.path(name))
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.path(dir))? {
            let entry = entry?;
            if !entry.file_type()?.is_dir() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        Ok(names)
    }

    fn open(&self, name: &str, mode: Mode) -> io::Result<Arc<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true).write(mode != Mode::Read);
        options.create_new(mode == Mode::Create).create(mode == Mode::Any);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Arc::new(RealFile(options.open(self.path(name))?)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name))?;
        // There may be more room now, and that is why it was removed.
        #[cfg(unix)]
        self.measured.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(())
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        // Elsewhere a directory cannot be opened, and its entries are durable in their own way.
        #[cfg(unix)]
        File::open(self.path(dir))?.sync_all()?;
        #[cfg(not(unix))]
        let _ = dir;
        Ok(())
    }

    fn root(&self) -> Option<&Path> {
        Some(&self.root)
    }

    fn available(&self) -> io::Result<u64> {
        #[cfg(unix)]
        {
            let mut measured = self.measured.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((when, octets)) = *measured
                && when.elapsed() < MEASURED_FOR
            {
                return Ok(octets);
            }
            let stat = rustix::fs::statvfs(&self.root)?;
            let octets = stat.f_bavail.saturating_mul(stat.f_frsize);
            *measured = Some((Instant::now(), octets));
            Ok(octets)
        }
        #[cfg(not(unix))]
        Ok(u64::MAX)
    }

    fn lock(&self) -> io::Result<Box<dyn Any + Send + Sync>> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        let file = options.open(self.path(LOCK))?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(file)),
            Err(fs::TryLockError::WouldBlock) => Err(ErrorKind::WouldBlock.into()),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }
}

#[derive(Debug)]
struct RealFile(File);

impl DiskFile for RealFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < buffer.len() {
            match read_some(&self.0, &mut buffer[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    #[cfg(target_os = "linux")]
    fn read_cached(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        use rustix::io::{ReadWriteFlags, preadv2};
        let mut parts = [io::IoSliceMut::new(buffer)];
        Ok(preadv2(&self.0, &mut parts, offset, ReadWriteFlags::NOWAIT)?)
    }

    #[cfg(not(target_os = "linux"))]
    fn read_cached(&self, _: &mut [u8], _: u64) -> io::Result<usize> {
        Err(ErrorKind::WouldBlock.into())
    }

    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<()> {
        #[cfg(unix)]
        return std::os::unix::fs::FileExt::write_all_at(&self.0, octets, offset);
        #[cfg(windows)]
        {
            let mut done = 0;
            while done < octets.len() {
                let place = offset + done as u64;
                match std::os::windows::fs::FileExt::seek_write(&self.0, &octets[done..], place)? {
                    0 => return Err(ErrorKind::WriteZero.into()),
                    count => done += count,
                }
            }
            Ok(())
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    #[cfg(target_os = "linux")]
    fn forget_cached(&self) {
        // A hint that is not followed leaves things as they were.
        let _ = rustix::fs::fadvise(&self.0, 0, None, rustix::fs::Advice::DontNeed);
    }
}

fn read_some(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::read_at(file, buffer, offset);
    #[cfg(windows)]
    return std::os::windows::fs::FileExt::seek_read(file, buffer, offset);
}
