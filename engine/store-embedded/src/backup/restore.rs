//! A whole store made again from a backup, in a directory of its own.

use super::disk::BackupDisk;
use super::manifest::{File, Kind};
use super::{BackupDirectory, BackupError, Pace, Watch};
use crate::base;
use crate::disk::{Directory, Disk, DiskFile, Mode};
use crate::dump::{self, DumpScan};
use crate::files::{LARGE, METADATA, SEGMENTS, VERSION};
use crate::recovery::FORMAT;
use crate::room::Room;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Octets copied at a time.
const PIECE: usize = 1 << 20;
/// Octets of memory for the metadata file that is made.
const CACHE_SIZE: usize = 32 << 20;
/// A file that is there until everything else is.
const UNFINISHED: &str = "restore-unfinished";
/// The metadata file while it is being made.
const METADATA_NEW: &str = "metadata.new";

/// What was restored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RestoreReport {
    /// From which backup.
    pub number: u64,
    /// When that began, in milliseconds since 1970.
    pub begun: u64,
    /// Keys that have a value.
    pub records: u64,
    /// Bodies.
    pub bodies: u64,
    /// Files copied.
    pub files: u64,
    /// Octets of them.
    pub bytes: u64,
    /// How long it took.
    pub took: Duration,
}

impl BackupDirectory {
    /// Makes the store of the backup `number`, or of the newest, again in `to`, which must be empty or
    /// not there. If it is interrupted, `to` is no store.
    pub fn restore(
        &self,
        number: Option<u64>,
        to: &Path,
        watch: Watch<'_>,
    ) -> Result<RestoreReport, BackupError> {
        let is_used = std::fs::read_dir(to).is_ok_and(|mut entries| entries.next().is_some());
        if is_used {
            return Err(BackupError::NotEmpty(to.to_owned()));
        }
        self.restore_on(number, Arc::new(Directory::new(to)), to, watch)
    }

    /// The same on another disk; `to` is for messages.
    pub fn restore_on(
        &self,
        number: Option<u64>,
        disk: Arc<dyn Disk>,
        to: &Path,
        watch: Watch<'_>,
    ) -> Result<RestoreReport, BackupError> {
        let begun = Instant::now();
        let failed = || BackupError::of(to, "restoring");
        let manifest = self.chosen(number)?;
        let metadata = manifest.files.iter().find(|file| file.kind == Kind::Metadata);
        let metadata = *metadata.ok_or_else(|| BackupError::Damaged {
            file: format!("the manifest of backup {}", manifest.number),
            what: "it names no metadata".into(),
        })?;
        disk.create_dir("").map_err(failed())?;
        if !disk.list("").map_err(failed())?.is_empty() {
            return Err(BackupError::NotEmpty(to.to_owned()));
        }
        let _lock = disk.lock().map_err(failed())?;
        let mut pace = Pace::new(None, watch);
        // With this it is no store, nor will anybody make one of it.
        disk.open(UNFINISHED, Mode::Create).map_err(failed())?;
        disk.sync_dir("").map_err(failed())?;
        let files = BackupDisk::new(self, &manifest);
        let all = manifest.bytes() - metadata.len;
        pace.part("bodies", Some(all)).map_err(failed())?;
        let (number, begun_at) = (manifest.number, manifest.begun);
        let mut report = RestoreReport { number, begun: begun_at, ..RestoreReport::default() };
        for directory in [SEGMENTS, LARGE] {
            disk.create_dir(directory).map_err(failed())?;
        }
        for (name, pieces) in files.files() {
            self.bring(&*disk, to, name, pieces, &mut pace)?;
            report.files += 1;
            report.bytes += pieces.iter().map(|piece| piece.len).sum::<u64>();
        }
        for directory in [SEGMENTS, LARGE] {
            disk.sync_dir(directory).map_err(failed())?;
        }
        pace.part("metadata", Some(metadata.len)).map_err(failed())?;
        self.load(&disk, to, &metadata, &mut report, &mut pace)?;
        // With this it is a store.
        let new = disk.open("VERSION.new", Mode::Any).map_err(failed())?;
        new.write_at(format!("{FORMAT}\n").as_bytes(), 0).map_err(failed())?;
        new.sync_data().map_err(failed())?;
        disk.rename("VERSION.new", VERSION).map_err(failed())?;
        disk.sync_dir("").map_err(failed())?;
        disk.remove(UNFINISHED).map_err(failed())?;
        report.took = begun.elapsed();
        Ok(report)
    }

    fn open_file(&self, file: &File) -> Result<Arc<dyn DiskFile>, BackupError> {
        self.disk.open(&file.path(), Mode::Read).map_err(self.unreadable(file))
    }

    /// What an error of reading a file of a backup means.
    fn unreadable(&self, file: &File) -> impl FnOnce(io::Error) -> BackupError {
        let path = file.path();
        move |error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::InvalidData | ErrorKind::UnexpectedEof => {
                BackupError::Damaged { file: path, what: error.to_string() }
            }
            _ => self.failed("reading a backup")(error),
        }
    }

    /// Copies the pieces of a file of the store one after another.
    fn bring(
        &self,
        disk: &dyn Disk,
        to: &Path,
        name: &str,
        pieces: &[File],
        pace: &mut Pace<'_>,
    ) -> Result<(), BackupError> {
        let failed = || BackupError::of(to, "restoring a file");
        let target = disk.open(name, Mode::Create).map_err(failed())?;
        let mut buffer = vec![0; PIECE];
        for piece in pieces {
            let source = self.open_file(piece)?;
            let (mut done, mut crc) = (0, 0);
            while done < piece.len {
                let len = (piece.len - done).min(PIECE as u64) as usize;
                let part = buffer.get_mut(..len).unwrap_or_default();
                let count = source.read_at(part, done).map_err(self.unreadable(piece))?;
                if count < len {
                    let short = io::Error::from(ErrorKind::UnexpectedEof);
                    return Err(self.unreadable(piece)(short));
                }
                crc = crc32c::crc32c_append(crc, part);
                target.write_at(part, piece.from + done).map_err(failed())?;
                done += len as u64;
                pace.spend(len as u64).map_err(failed())?;
            }
            if crc != piece.crc {
                let what = "the checksum of the file does not match".to_owned();
                return Err(BackupError::Damaged { file: piece.path(), what });
            }
        }
        target.sync_data().map_err(failed())
    }

    /// Makes the metadata file.
    fn load(
        &self,
        disk: &Arc<dyn Disk>,
        to: &Path,
        metadata: &File,
        report: &mut RestoreReport,
        pace: &mut Pace<'_>,
    ) -> Result<(), BackupError> {
        let failed = || BackupError::of(to, "making the metadata");
        let mut scan =
            DumpScan::new(self.open_file(metadata)?).map_err(self.unreadable(metadata))?;
        let file = disk.open(METADATA_NEW, Mode::Create).map_err(failed())?;
        let database = base::open(file, Arc::new(Room::new(disk.clone(), 0)), CACHE_SIZE)
            .map_err(|error| BackupError::Store(base::store_error(error)))?;
        let trailer = dump::load(&database, &mut scan, |octets| pace.spend(octets));
        let trailer = trailer.map_err(|error| match error.kind() {
            ErrorKind::InvalidData => {
                BackupError::Damaged { file: metadata.path(), what: error.to_string() }
            }
            _ => failed()(error),
        })?;
        (report.records, report.bodies) = (trailer.values, trailer.blobs);
        drop(database);
        disk.rename(METADATA_NEW, METADATA).map_err(failed())?;
        disk.sync_dir("").map_err(failed())
    }
}
