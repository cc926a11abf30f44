//! A backup as a store that is only read.

use super::disk::BackupDisk;
use super::manifest::Kind;
use super::report::BackupError;
use super::target::BackupDirectory;
use crate::blob;
use crate::disk::Mode;
use crate::dump::DumpTable;
use crate::files::Files;
use bytes::Bytes;
use core_store::{
    Batch, BlobId, BlobWriter, Blobs, Body, Committed, Key, Later, Limits, Page, Scan, Snapshot,
    Store, StoreError, Value,
};
use std::future::ready;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::sync::Arc;

/// The moment that a backup holds: [`Store`] and [`Blobs`] for whoever reads; nothing can be
/// committed. Reads wait for the disk where they are made.
#[derive(Debug)]
pub struct BackupView {
    number: u64,
    begun: u64,
    moment: Arc<Moment>,
    files: Files,
}

#[derive(Debug)]
struct Moment(DumpTable);

impl BackupDirectory {
    /// Opens the backup `number`, or the newest.
    pub fn view(&self, number: Option<u64>) -> Result<Arc<BackupView>, BackupError> {
        let manifest = self.chosen(number)?;
        let metadata = manifest.files.iter().find(|file| file.kind == Kind::Metadata);
        let file = metadata.map(|file| file.path()).unwrap_or_default();
        let opened = self.disk.open(&file, Mode::Read).and_then(DumpTable::open);
        let table = opened.map_err(|error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::InvalidData => {
                BackupError::Damaged { file: file.clone(), what: error.to_string() }
            }
            _ => self.failed("opening a backup")(error),
        })?;
        if table.trailer().mark != manifest.mark {
            let what = "it is of another moment than its manifest".to_owned();
            return Err(BackupError::Damaged { file, what });
        }
        let files = Files::new(Arc::new(BackupDisk::new(self, &manifest)));
        let (number, begun) = (manifest.number, manifest.begun);
        Ok(Arc::new(BackupView { number, begun, moment: Arc::new(Moment(table)), files }))
    }
}

impl BackupView {
    /// Which backup it is.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// When it began, in milliseconds since 1970.
    pub fn begun(&self) -> u64 {
        self.begun
    }
}

fn error(error: io::Error) -> StoreError {
    match error.kind() {
        ErrorKind::InvalidData => StoreError::Corrupt(format!("a backup: {error}")),
        _ => StoreError::Unavailable(format!("reading a backup: {error}")),
    }
}

fn read_only() -> StoreError {
    StoreError::Unavailable("a backup is only read".into())
}

impl Snapshot for Moment {
    fn get<'a>(&'a self, key: &'a [u8]) -> Later<'a, Option<Value>> {
        Box::pin(ready(self.0.value(key).map_err(error)))
    }

    fn get_many<'a>(&'a self, keys: &'a [Key]) -> Later<'a, Vec<Option<Value>>> {
        let values = keys.iter().map(|key| self.0.value(key).map_err(error)).collect();
        Box::pin(ready(values))
    }

    fn scan(&self, scan: Scan) -> Later<'_, Page> {
        Box::pin(ready(self.0.page(&scan).map_err(error)))
    }
}

impl Store for BackupView {
    fn snapshot(&self) -> Later<'_, Arc<dyn Snapshot>> {
        let moment: Arc<dyn Snapshot> = self.moment.clone();
        Box::pin(ready(Ok(moment)))
    }

    fn commit(&self, _: Batch) -> Later<'_, Committed> {
        Box::pin(ready(Err(read_only())))
    }

    fn limits(&self) -> Limits {
        Limits::FOUNDATION
    }
}

impl Blobs for BackupView {
    fn begin(&self) -> Box<dyn BlobWriter> {
        Box::new(NoWriter)
    }

    fn read(&self, blob: BlobId, range: Range<u64>) -> Later<'_, Bytes> {
        Box::pin(async move {
            let entry = self.moment.0.blob(blob).map_err(error)?;
            let locator = entry.ok_or(StoreError::NoSuchBlob)?.locator;
            let read = blob::read(&self.files, blob, locator, range).await;
            read.map_err(|error| match error.kind() {
                ErrorKind::NotFound => {
                    StoreError::Corrupt(format!("the file of blob {} is missing", blob.0))
                }
                _ => blob::read_error(error),
            })
        })
    }
}

/// Takes nothing.
struct NoWriter;

impl BlobWriter for NoWriter {
    fn write<'a>(&'a mut self, _: &'a [u8]) -> Later<'a, ()> {
        Box::pin(ready(Err(read_only())))
    }

    fn len(&self) -> u64 {
        0
    }

    fn finish(self: Box<Self>) -> Later<'static, Body> {
        Box::pin(ready(Err(read_only())))
    }
}
