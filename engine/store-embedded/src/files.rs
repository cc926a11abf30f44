//! The engine's files by name, and a bounded number of them kept open for reading.

use crate::disk::{Disk, DiskFile, Mode};
use crate::room::Room;
use core_store::BlobId;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// The directory of the segments.
pub const SEGMENTS: &str = "seg";
/// The directory of large bodies.
pub const LARGE: &str = "large";
/// The metadata as of the last checkpoint.
pub const METADATA: &str = "metadata.redb";
/// Says which format the directory has.
pub const VERSION: &str = "VERSION";
/// Files kept open.
const OPEN_MAX: usize = 64;

/// A file that holds bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// A segment of the log.
    Segment(u64),
    /// A body of its own.
    Large(BlobId),
}

impl Name {
    /// Relative to the store's directory.
    pub fn path(self) -> String {
        match self {
            Name::Segment(number) => format!("{SEGMENTS}/{number:016x}"),
            Name::Large(blob) => format!("{LARGE}/{:016x}", blob.0),
        }
    }
}

/// The number in the name of a file in [`SEGMENTS`] or [`LARGE`].
pub fn number(name: &str) -> Option<u64> {
    (name.len() == 16).then(|| u64::from_str_radix(name, 16).ok()).flatten()
}

/// The disk, with files kept open for reading; the least recently used is closed first.
#[derive(Debug)]
pub struct Files {
    /// The disk itself.
    pub disk: Arc<dyn Disk>,
    /// How much room is on it.
    pub room: Arc<Room>,
    open: Mutex<Vec<(Name, Arc<dyn DiskFile>)>>,
}

impl Files {
    /// With nothing open.
    pub fn new(disk: Arc<dyn Disk>) -> Files {
        Files::with_reserve(disk, 0)
    }

    /// With nothing open, on a disk of which `reserve` octets are for what must go on.
    pub fn with_reserve(disk: Arc<dyn Disk>, reserve: u64) -> Files {
        let room = Arc::new(Room::new(disk.clone(), reserve));
        Files { disk, room, open: Mutex::default() }
    }

    /// The file, to be read.
    pub fn get(&self, name: Name) -> io::Result<Arc<dyn DiskFile>> {
        if let Some(file) = self.recall(name) {
            return Ok(file);
        }
        let file = self.disk.open(&name.path(), Mode::Read)?;
        self.keep(name, file.clone());
        Ok(file)
    }

    fn recall(&self, name: Name) -> Option<Arc<dyn DiskFile>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let at = open.iter().rposition(|(kept, _)| *kept == name)?;
        let last = open.len() - 1;
        if at < last {
            open[at..].rotate_left(1);
        }
        Some(open[last].1.clone())
    }

    /// Keeps a file open.
    pub fn keep(&self, name: Name, file: Arc<dyn DiskFile>) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|(kept, _)| *kept != name);
        if open.len() >= OPEN_MAX {
            open.remove(0);
        }
        open.push((name, file));
    }

    /// Removes a file. One that is gone already is no mistake.
    pub fn remove(&self, name: Name) -> io::Result<()> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).retain(|(kept, _)| *kept != name);
        match self.disk.remove(&name.path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The numbers of the files in a directory, rising.
    pub fn numbers(&self, dir: &str) -> io::Result<Vec<u64>> {
        let mut numbers: Vec<u64> =
            self.disk.list(dir)?.iter().filter_map(|name| number(name)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }
}

/// A waiting read of the whole range, which must be there.
pub fn read_exact(file: &dyn DiskFile, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; len];
    match file.read_at(&mut buffer, offset)? {
        count if count == len => Ok(buffer),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
