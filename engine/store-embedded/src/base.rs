//! The metadata as of the last checkpoint: three tables and a few numbers in one redb file.

use crate::blob::Entry;
use crate::disk::DiskFile;
use crate::dump::Item;
use crate::log::Position;
use crate::memtable::Memtable;
use crate::record::{decode_entry, encode_entry};
use crate::room::Room;
use crate::usage::{SegmentUse, Usage};
use core_store::{BlobId, Key, StoreError, Value};
use redb::{
    Builder, Database, Durability, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTable,
    ReadableTableMetadata, StorageBackend, TableDefinition, TableError,
};
use std::io;
use std::ops::Range;
use std::sync::Arc;

const VALUES: TableDefinition<&[u8], &[u8]> = TableDefinition::new("values");
const BLOBS: TableDefinition<u64, &[u8]> = TableDefinition::new("blobs");
const SEGMENTS: TableDefinition<u64, (u64, u64, u64)> = TableDefinition::new("segments");
const NUMBERS: TableDefinition<&str, u64> = TableDefinition::new("numbers");

/// Where the log goes on from what the metadata holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The first frame that is not in the metadata.
    pub position: Position,
    /// The last batch that is.
    pub sequence: u64,
    /// The least blob id not given when this was written.
    pub next_blob: u64,
    /// What the last frames were marked with.
    pub generation: u32,
}

impl Mark {
    /// Of a store in which nothing ever happened.
    pub const NEW: Mark = Mark {
        position: Position { segment: 1, offset: 0 },
        sequence: 0,
        next_blob: 1,
        generation: 0,
    };

    fn numbers(&self) -> [(&'static str, u64); 5] {
        let Mark { position, sequence, next_blob, generation } = *self;
        [
            ("segment", position.segment),
            ("offset", position.offset),
            ("sequence", sequence),
            ("next blob", next_blob),
            ("generation", u64::from(generation)),
        ]
    }
}

/// An engine failure as the core is told of it.
pub fn store_error(error: impl Into<redb::Error>) -> StoreError {
    match error.into() {
        redb::Error::Corrupted(what) => StoreError::Corrupt(format!("metadata: {what}")),
        error => StoreError::Unavailable(format!("metadata: {error}")),
    }
}

/// Opens the metadata file, or makes it.
pub fn open(
    file: Arc<dyn DiskFile>,
    room: Arc<Room>,
    cache_size: usize,
) -> Result<Database, redb::DatabaseError> {
    Builder::new().set_cache_size(cache_size).create_with_backend(Backend { file, room })
}

/// A moment of the metadata.
#[derive(Debug)]
pub struct Base {
    tables: Option<Tables>,
}

struct Tables {
    values: ReadOnlyTable<&'static [u8], &'static [u8]>,
    blobs: ReadOnlyTable<u64, &'static [u8]>,
    transaction: ReadTransaction,
}

impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tables")
    }
}

/// Pairs of a range, from both ends.
pub type Pairs = redb::Range<'static, &'static [u8], &'static [u8]>;

impl Base {
    /// The present moment of `database`.
    pub fn now(database: &Database) -> Result<Base, redb::Error> {
        let transaction = database.begin_read()?;
        let values = match transaction.open_table(VALUES) {
            Err(TableError::TableDoesNotExist(_)) => return Ok(Base { tables: None }),
            values => values?,
        };
        let blobs = transaction.open_table(BLOBS)?;
        Ok(Base { tables: Some(Tables { values, blobs, transaction }) })
    }

    /// The value of `key`.
    pub fn value(&self, key: &[u8]) -> Result<Option<Value>, StoreError> {
        let Some(tables) = &self.tables else { return Ok(None) };
        let value = tables.values.get(key).map_err(store_error)?;
        Ok(value.map(|value| Value::copy_from_slice(value.value())))
    }

    /// The pairs in a range that is not empty.
    pub fn pairs(&self, range: &Range<Key>) -> Result<Option<Pairs>, StoreError> {
        let Some(tables) = &self.tables else { return Ok(None) };
        tables
            .values
            .range::<&[u8]>(&range.start[..]..&range.end[..])
            .map(Some)
            .map_err(store_error)
    }

    /// The entry of `blob`.
    pub fn blob(&self, blob: BlobId) -> Result<Option<Entry>, StoreError> {
        let Some(tables) = &self.tables else { return Ok(None) };
        match tables.blobs.get(blob.0).map_err(store_error)? {
            None => Ok(None),
            Some(entry) => entry_of(blob, entry.value()).map(Some),
        }
    }

    /// Calls `visit` with every value, in order, until it answers `false`.
    pub fn for_each_value(
        &self,
        mut visit: impl FnMut(Key, Value) -> bool,
    ) -> Result<(), StoreError> {
        let Some(tables) = &self.tables else { return Ok(()) };
        for pair in tables.values.iter().map_err(store_error)? {
            let (key, value) = pair.map_err(store_error)?;
            let key = Key::copy_from_slice(key.value());
            if !visit(key, Value::copy_from_slice(value.value())) {
                break;
            }
        }
        Ok(())
    }

    /// Calls `visit` with every blob, until it answers `false`.
    pub fn for_each_blob(
        &self,
        mut visit: impl FnMut(BlobId, Entry) -> bool,
    ) -> Result<(), StoreError> {
        let Some(tables) = &self.tables else { return Ok(()) };
        for pair in tables.blobs.iter().map_err(store_error)? {
            let (blob, entry) = pair.map_err(store_error)?;
            let blob = BlobId(blob.value());
            if !visit(blob, entry_of(blob, entry.value())?) {
                break;
            }
        }
        Ok(())
    }

    /// How many keys have a value.
    pub fn value_count(&self) -> Result<u64, StoreError> {
        self.tables.as_ref().map_or(Ok(0), |tables| tables.values.len()).map_err(store_error)
    }

    /// Where the log goes on.
    pub fn mark(&self) -> Result<Mark, redb::Error> {
        let Some(tables) = &self.tables else { return Ok(Mark::NEW) };
        let numbers = tables.transaction.open_table(NUMBERS)?;
        let number = |name| {
            let number = numbers.get(name)?.map(|number| number.value());
            number.ok_or_else(|| redb::Error::Corrupted(format!("the number {name:?} is missing")))
        };
        Ok(Mark {
            position: Position { segment: number("segment")?, offset: number("offset")? },
            sequence: number("sequence")?,
            next_blob: number("next blob")?,
            generation: number("generation")? as u32,
        })
    }

    /// How much of each segment is in use.
    pub fn usage(&self) -> Result<Usage, redb::Error> {
        let mut usage = Usage::default();
        let Some(tables) = &self.tables else { return Ok(usage) };
        for pair in tables.transaction.open_table(SEGMENTS)?.iter()? {
            let (segment, numbers) = pair?;
            let (written, live, blobs) = numbers.value();
            usage.set(segment.value(), SegmentUse { written, live, blobs });
        }
        Ok(usage)
    }
}

fn entry_of(blob: BlobId, octets: &[u8]) -> Result<Entry, StoreError> {
    decode_entry(octets).ok_or_else(|| StoreError::Corrupt(format!("the entry of blob {}", blob.0)))
}

/// Writes a frozen memtable, the usage of segments as it was then, and the mark, in one durable
/// transaction.
pub fn write(
    database: &Database,
    frozen: &Memtable,
    usage: &Usage,
    mark: &Mark,
) -> Result<(), redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate).map_err(io::Error::other)?;
    // Without it, opening after a crash would read the whole file.
    transaction.set_quick_repair(true);
    {
        let mut values = transaction.open_table(VALUES)?;
        frozen.for_each_value(|key, value| match value {
            Some(value) => values.insert(&key[..], &value[..]).map(drop),
            None => values.remove(&key[..]).map(drop),
        })?;
        let mut blobs = transaction.open_table(BLOBS)?;
        frozen.for_each_blob(|blob, entry| match entry.holders {
            0 => blobs.remove(blob.0).map(drop),
            _ => blobs.insert(blob.0, &encode_entry(entry)[..]).map(drop),
        })?;
        let mut segments = transaction.open_table(SEGMENTS)?;
        segments.retain(|segment, _| usage.get(segment).is_some())?;
        for (segment, SegmentUse { written, live, blobs }) in usage.iter() {
            if segments.get(segment)?.is_none_or(|old| old.value() != (written, live, blobs)) {
                segments.insert(segment, (written, live, blobs))?;
            }
        }
        let mut numbers = transaction.open_table(NUMBERS)?;
        for (name, number) in mark.numbers() {
            numbers.insert(name, number)?;
        }
    }
    transaction.commit()?;
    Ok(())
}

/// Writes records to a metadata file that is being made, in one durable transaction; with a mark it
/// is complete.
pub fn fill(database: &Database, items: &[Item], mark: Option<&Mark>) -> Result<(), redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate).map_err(io::Error::other)?;
    transaction.set_quick_repair(true);
    {
        let mut values = transaction.open_table(VALUES)?;
        let mut blobs = transaction.open_table(BLOBS)?;
        let mut segments = transaction.open_table(SEGMENTS)?;
        for item in items {
            match item {
                Item::Value(key, value) => drop(values.insert(&key[..], &value[..])?),
                Item::Blob(blob, entry) => drop(blobs.insert(blob.0, &encode_entry(entry)[..])?),
                Item::Segment(segment, used) => {
                    let SegmentUse { written, live, blobs } = *used;
                    segments.insert(*segment, (written, live, blobs))?;
                }
            }
        }
        let mut numbers = transaction.open_table(NUMBERS)?;
        for (name, number) in mark.iter().flat_map(|mark| mark.numbers()) {
            numbers.insert(name, number)?;
        }
    }
    transaction.commit()?;
    Ok(())
}

/// The metadata file as redb sees it. What finds no room waits for it: told of it, redb would read no
/// more either.
#[derive(Debug)]
struct Backend {
    file: Arc<dyn DiskFile>,
    room: Arc<Room>,
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        match self.file.read_at(out, offset)? {
            count if count == out.len() => Ok(()),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.room.wait_for(|| self.file.set_len(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.room.wait_for(|| self.file.write_at(data, offset))
    }
}
