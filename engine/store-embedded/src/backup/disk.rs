//! A backup as a disk that is only read: the store's files as they were, under their own names.

use super::manifest::{File, Kind, Manifest};
use super::target::BackupDirectory;
use crate::disk::{Disk, DiskFile, Mode};
use crate::files::{LARGE, Name, SEGMENTS};
use core_store::BlobId;
use std::any::Any;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::Arc;

/// The files of one backup.
#[derive(Debug)]
pub struct BackupDisk {
    disk: Arc<dyn Disk>,
    /// The pieces of each file of the store.
    files: BTreeMap<String, Vec<File>>,
}

impl BackupDisk {
    /// The backup that `manifest` describes.
    pub fn new(directory: &BackupDirectory, manifest: &Manifest) -> BackupDisk {
        let mut files: BTreeMap<String, Vec<File>> = BTreeMap::new();
        // Pieces of one segment are in the order of their places.
        for file in &manifest.files {
            let name = match file.kind {
                Kind::Metadata => continue,
                Kind::Segment | Kind::Tail => Name::Segment(file.number),
                Kind::Large => Name::Large(BlobId(file.number)),
            };
            files.entry(name.path()).or_default().push(*file);
        }
        BackupDisk { disk: directory.disk.clone(), files }
    }

    /// The files of the store, and the pieces they are made of.
    pub fn files(&self) -> impl Iterator<Item = (&String, &Vec<File>)> {
        self.files.iter()
    }
}

fn read_only<T>() -> io::Result<T> {
    Err(io::Error::new(ErrorKind::ReadOnlyFilesystem, "a backup is only read"))
}

impl Disk for BackupDisk {
    fn create_dir(&self, _: &str) -> io::Result<()> {
        read_only()
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let names = self.files.keys().filter_map(|name| name.split_once('/'));
        let inside = names.filter(|(directory, _)| *directory == dir);
        match dir {
            SEGMENTS | LARGE => Ok(inside.map(|(_, name)| name.to_owned()).collect()),
            _ => Ok(Vec::new()),
        }
    }

    fn open(&self, name: &str, mode: Mode) -> io::Result<Arc<dyn DiskFile>> {
        if mode != Mode::Read {
            return read_only();
        }
        let files = self.files.get(name).ok_or(ErrorKind::NotFound)?;
        let mut pieces = Vec::with_capacity(files.len());
        for file in files {
            let held = self.disk.open(&file.path(), Mode::Read)?;
            pieces.push((file.from, file.len, held));
        }
        Ok(Arc::new(Pieces { pieces }))
    }

    fn rename(&self, _: &str, _: &str) -> io::Result<()> {
        read_only()
    }

    fn remove(&self, _: &str) -> io::Result<()> {
        read_only()
    }

    fn sync_dir(&self, _: &str) -> io::Result<()> {
        read_only()
    }

    fn available(&self) -> io::Result<u64> {
        Ok(0)
    }

    fn lock(&self) -> io::Result<Box<dyn Any + Send + Sync>> {
        read_only()
    }
}

/// A file made of pieces, each at its place.
#[derive(Debug)]
pub struct Pieces {
    /// Octets before it, octets, and the file.
    pieces: Vec<(u64, u64, Arc<dyn DiskFile>)>,
}

impl Pieces {
    /// One piece alone.
    pub fn one(file: Arc<dyn DiskFile>, from: u64, len: u64) -> Pieces {
        Pieces { pieces: vec![(from, len, file)] }
    }
}

impl DiskFile for Pieces {
    fn len(&self) -> io::Result<u64> {
        Ok(self.pieces.last().map_or(0, |(from, len, _)| from + len))
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        read_only()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        for (from, len, file) in &self.pieces {
            let at = offset + done as u64;
            if at < *from || at >= from + len || done == buffer.len() {
                continue;
            }
            let rest = (from + len - at).min((buffer.len() - done) as u64) as usize;
            let part = buffer.get_mut(done..done + rest).unwrap_or_default();
            let count = file.read_at(part, at - from)?;
            done += count;
            if count < rest {
                break;
            }
        }
        Ok(done)
    }

    fn read_cached(&self, _: &mut [u8], _: u64) -> io::Result<usize> {
        // Pieces are read where waiting is no harm.
        Err(ErrorKind::WouldBlock.into())
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<()> {
        read_only()
    }

    fn sync_data(&self) -> io::Result<()> {
        read_only()
    }
}
