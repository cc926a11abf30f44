//! Writing a dump, front to back.

use super::block::{ALIGNMENT, Header, Item, Kind, LENGTH_MAX, Place, Trailer};
use crate::base::Mark;
use crate::disk::DiskFile;
use crate::frame::corrupt;
use std::io;
use std::sync::Arc;

/// A block is written when it has reached this many octets.
const BLOCK: usize = 64 * 1024;

/// Takes records in their order and writes them in blocks.
#[derive(Debug)]
pub struct DumpWriter {
    file: Arc<dyn DiskFile>,
    at: u64,
    crc: u32,
    payload: Vec<u8>,
    count: u32,
    /// The last record taken.
    last: Option<Place>,
    /// The index so far: for each block its first record and its place in the file.
    index: Vec<(Place, u64)>,
    totals: [u64; 3],
}

/// A dump that is complete and durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Octets of the file.
    pub len: u64,
    /// CRC32C of all of them.
    pub crc: u32,
    /// Its end.
    pub trailer: Trailer,
}

impl DumpWriter {
    /// Writes to `file`, which is empty. Its name is the caller's to make durable.
    pub fn new(file: Arc<dyn DiskFile>) -> DumpWriter {
        let (payload, index) = (Vec::with_capacity(BLOCK * 2), Vec::new());
        let (at, crc, count, last, totals) = (0, 0, 0, None, [0; 3]);
        DumpWriter { file, at, crc, payload, count, last, index, totals }
    }

    /// Adds the next record. They must come in their order.
    pub fn put(&mut self, item: &Item) -> io::Result<()> {
        let place = item.place();
        if self.last.as_ref().is_some_and(|last| *last >= place) {
            return Err(corrupt("records of the metadata are not in order"));
        }
        if item.size() > (LENGTH_MAX - BLOCK) as u64 {
            return Err(corrupt("a record of the metadata is too long"));
        }
        if self.count == 0 {
            self.index.push((place.clone(), self.at));
        }
        self.last = Some(place);
        item.push(&mut self.payload);
        self.count += 1;
        self.totals[match item {
            Item::Value(..) => 0,
            Item::Blob(..) => 1,
            Item::Segment(..) => 2,
        }] += 1;
        match self.payload.len() >= BLOCK {
            true => self.flush(Kind::Records),
            false => Ok(()),
        }
    }

    fn flush(&mut self, kind: Kind) -> io::Result<()> {
        let header = Header::of(kind, self.count, &self.payload);
        let mut block = Vec::with_capacity(header.block_len() as usize);
        block.extend_from_slice(&header.encode());
        block.extend_from_slice(&self.payload);
        block.resize(block.len().next_multiple_of(ALIGNMENT), 0);
        self.file.write_at(&block, self.at)?;
        self.at += block.len() as u64;
        self.crc = crc32c::crc32c_append(self.crc, &block);
        self.payload.clear();
        self.count = 0;
        Ok(())
    }

    /// Writes what is left, the index and the trailer; returns when all of it is durable.
    pub fn finish(mut self, mark: &Mark) -> io::Result<Written> {
        if self.count > 0 {
            self.flush(Kind::Records)?;
        }
        let index_at = self.at;
        for (place, offset) in std::mem::take(&mut self.index) {
            if self.payload.len() + place.size() > BLOCK {
                self.flush(Kind::Index)?;
            }
            place.push(offset, &mut self.payload);
            self.count += 1;
        }
        if self.count > 0 {
            self.flush(Kind::Index)?;
        }
        let [values, blobs, segments] = self.totals;
        let (mark, trailer_at, crc) = (*mark, self.at, self.crc);
        let trailer = Trailer { mark, values, blobs, segments, index_at, trailer_at, crc };
        self.payload = trailer.encode();
        self.flush(Kind::Trailer)?;
        self.file.sync_data()?;
        Ok(Written { len: self.at, crc: self.crc, trailer })
    }
}
