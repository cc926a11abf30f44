//! Looking up single keys and ranges in a dump.

use super::block::{HEADER_SIZE, Header, Item, Kind, Place, TRAILER_SIZE, Trailer};
use super::scan::read;
use crate::blob::Entry;
use crate::disk::DiskFile;
use crate::frame::corrupt;
use bytes::{Buf, Bytes};
use core_store::{BlobId, Direction, Page, Scan, Value};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// Blocks kept in memory.
const KEPT_MAX: usize = 32;

/// The records of a block, and which block.
type Kept = (usize, Arc<Vec<Item>>);

/// A dump open for reading. Its index is in memory: about a thousandth of it.
#[derive(Debug)]
pub struct DumpTable {
    file: Arc<dyn DiskFile>,
    trailer: Trailer,
    index: Vec<(Place, u64)>,
    kept: Mutex<Vec<Kept>>,
}

impl DumpTable {
    /// Reads the trailer and the index of `file`.
    pub fn open(file: Arc<dyn DiskFile>) -> io::Result<DumpTable> {
        let at = file.len()?.checked_sub(TRAILER_SIZE as u64);
        let at = at.ok_or_else(|| corrupt("too short for a dump of the metadata"))?;
        let (header, payload) = block(&*file, at)?;
        let trailer = match header.kind {
            Kind::Trailer => Trailer::decode(&payload).filter(|t| t.trailer_at == at),
            Kind::Records | Kind::Index => None,
        };
        let trailer =
            trailer.ok_or_else(|| corrupt("a dump of the metadata without its trailer"))?;
        let index = index(&*file, &trailer)?;
        Ok(DumpTable { file, trailer, index, kept: Mutex::default() })
    }

    /// Its end.
    pub fn trailer(&self) -> &Trailer {
        &self.trailer
    }

    /// The value of `key`.
    pub fn value(&self, key: &[u8]) -> io::Result<Option<Value>> {
        let found = self.find(&Place::of_value(key))?;
        Ok(found.and_then(|item| match item {
            Item::Value(_, value) => Some(value),
            Item::Blob(..) | Item::Segment(..) => None,
        }))
    }

    /// The entry of `blob`.
    pub fn blob(&self, blob: BlobId) -> io::Result<Option<Entry>> {
        let found = self.find(&Place::of_blob(blob))?;
        Ok(found.and_then(|item| match item {
            Item::Blob(_, entry) => Some(entry),
            Item::Value(..) | Item::Segment(..) => None,
        }))
    }

    fn find(&self, place: &Place) -> io::Result<Option<Item>> {
        let Some(nth) = self.block_of(place) else { return Ok(None) };
        let items = self.items(nth)?;
        let found = items.binary_search_by(|item| item.place().cmp(place));
        Ok(found.ok().and_then(|at| items.get(at)).cloned())
    }

    /// One page of a scan over values.
    pub fn page(&self, scan: &Scan) -> io::Result<Page> {
        let mut filler = scan.filler();
        let (start, end) = (Place::of_value(&scan.range.start), Place::of_value(&scan.range.end));
        let mut next = match scan.direction {
            Direction::Rising => Some(self.block_of(&start).unwrap_or(0)),
            Direction::Falling => self.block_of(&end),
        };
        while filler.wants_more() {
            let Some(nth) = next.filter(|nth| *nth < self.index.len()) else {
                filler.end();
                break;
            };
            let items = self.items(nth)?;
            let from = items.partition_point(|item| item.place() < start);
            let until = items.partition_point(|item| item.place() < end);
            let inside = items.get(from..until).unwrap_or_default();
            let mut push = |item: &Item| {
                if let Item::Value(key, value) = item
                    && filler.wants_more()
                {
                    filler.push(key.clone(), value.clone());
                }
            };
            // The block in which the range ends is the last.
            let is_last = match scan.direction {
                Direction::Rising => {
                    inside.iter().for_each(&mut push);
                    until < items.len()
                }
                Direction::Falling => {
                    inside.iter().rev().for_each(&mut push);
                    from > 0
                }
            };
            next = match (scan.direction, is_last) {
                (_, true) => None,
                (Direction::Rising, false) => Some(nth + 1),
                (Direction::Falling, false) => nth.checked_sub(1),
            };
        }
        Ok(filler.page())
    }

    /// The block that has `place`, if any has.
    fn block_of(&self, place: &Place) -> Option<usize> {
        self.index.partition_point(|(first, _)| first <= place).checked_sub(1)
    }

    fn items(&self, nth: usize) -> io::Result<Arc<Vec<Item>>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = kept.iter().rposition(|(kept, _)| *kept == nth) {
            kept[at..].rotate_left(1);
            if let Some((_, items)) = kept.last() {
                return Ok(items.clone());
            }
        }
        drop(kept);
        let items = Arc::new(self.load(nth)?);
        kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.remove(0);
        }
        kept.push((nth, items.clone()));
        Ok(items)
    }

    fn load(&self, nth: usize) -> io::Result<Vec<Item>> {
        let Some((first, at)) = self.index.get(nth) else { return Ok(Vec::new()) };
        let (header, payload) = block(&*self.file, *at)?;
        let items = match header.kind {
            Kind::Records => Item::all(&header, payload),
            Kind::Index | Kind::Trailer => None,
        };
        let is_right = |items: &Vec<Item>| items.first().is_some_and(|i| i.place() == *first);
        items.filter(is_right).ok_or_else(|| damaged(*at, "it holds something else"))
    }
}

fn index(file: &dyn DiskFile, trailer: &Trailer) -> io::Result<Vec<(Place, u64)>> {
    let (mut index, mut at) = (Vec::new(), trailer.index_at);
    while at < trailer.trailer_at {
        let (header, mut payload) = block(file, at)?;
        while payload.has_remaining() {
            let entry = Place::take(&mut payload).filter(|_| header.kind == Kind::Index);
            index.push(entry.ok_or_else(|| damaged(at, "it is no index"))?);
        }
        at += header.block_len();
    }
    match index.is_sorted_by(|(a, _), (b, _)| a < b) {
        true => Ok(index),
        false => Err(corrupt("the index of a dump is not in order")),
    }
}

/// The block at `at`, verified.
fn block(file: &dyn DiskFile, at: u64) -> io::Result<(Header, Bytes)> {
    let header = Header::decode(&read(file, at, HEADER_SIZE)?).map_err(|what| damaged(at, what))?;
    let payload = read(file, at + HEADER_SIZE as u64, header.length as usize)?;
    match header.is_intact(&payload) {
        true => Ok((header, payload.into())),
        false => Err(damaged(at, "its checksum does not match")),
    }
}

fn damaged(at: u64, what: &str) -> io::Error {
    corrupt(format!("block at octet {at}: {what}"))
}
