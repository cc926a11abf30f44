//! A block of a dump: its header, the records in it, the trailer.

use crate::base::Mark;
use crate::blob::Entry;
use crate::log::Position;
use crate::record::{self, ENTRY_SIZE};
use crate::usage::SegmentUse;
use bytes::{Buf, BufMut, Bytes};
use core_store::{BlobId, Key, Value};

/// Octets of a block's header.
pub const HEADER_SIZE: usize = 24;
/// Blocks begin at multiples of this.
pub const ALIGNMENT: usize = 8;
/// Octets of a block's payload at most.
pub const LENGTH_MAX: usize = 1 << 20;
/// Octets of the trailer's block.
pub const TRAILER_SIZE: usize = HEADER_SIZE + TRAILER_LENGTH;

const MAGIC: [u8; 4] = *b"EsDm";
/// The format that this build writes and reads.
const FORMAT: u8 = 1;
/// Nine numbers of 8 octets, two of 4.
const TRAILER_LENGTH: usize = 80;

/// The octet before each record; those of values and blobs are the log's.
const VALUE: u8 = 1;
const BLOB: u8 = 3;
const SEGMENT: u8 = 4;

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Records, rising.
    Records,
    /// For each block of records its first one, and where it is.
    Index,
    /// The end: totals, and where the log went on.
    Trailer,
}

impl Kind {
    const ALL: [Kind; 3] = [Kind::Records, Kind::Index, Kind::Trailer];
}

/// A block's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What it holds.
    pub kind: Kind,
    /// Octets after the header, without padding.
    pub length: u32,
    /// How many records.
    pub count: u32,
    /// CRC32C of the payload.
    pub crc: u32,
}

impl Header {
    /// The header of a block with this payload.
    pub fn of(kind: Kind, count: u32, payload: &[u8]) -> Header {
        Header { kind, length: payload.len() as u32, count, crc: crc32c::crc32c(payload) }
    }

    /// The header's octets.
    pub fn encode(&self) -> [u8; HEADER_SIZE] {
        let mut octets = [0; HEADER_SIZE];
        octets[0..4].copy_from_slice(&MAGIC);
        octets[4] = FORMAT;
        octets[5] = self.kind as u8 + 1;
        octets[8..12].copy_from_slice(&self.length.to_le_bytes());
        octets[12..16].copy_from_slice(&self.count.to_le_bytes());
        octets[16..20].copy_from_slice(&self.crc.to_le_bytes());
        let crc = crc32c::crc32c(&octets[..HEADER_SIZE - 4]);
        octets[HEADER_SIZE - 4..].copy_from_slice(&crc.to_le_bytes());
        octets
    }

    /// Reads a header; `Err` says what is wrong with it.
    pub fn decode(octets: &[u8]) -> Result<Header, &'static str> {
        let octets: &[u8; HEADER_SIZE] =
            octets.try_into().map_err(|_| "the file ends inside a block's header")?;
        if octets[0..4] != MAGIC {
            return Err("no block begins here");
        }
        let (front, mut rest) = octets.split_at(8);
        let (length, count) = (rest.get_u32_le(), rest.get_u32_le());
        let (crc, own) = (rest.get_u32_le(), rest.get_u32_le());
        if own != crc32c::crc32c(&octets[..HEADER_SIZE - 4]) {
            return Err("the checksum of a block's header does not match");
        }
        if front[4] != FORMAT {
            return Err("a block of another format version");
        }
        let kind = Kind::ALL.into_iter().find(|kind| *kind as u8 + 1 == front[5]);
        let kind = kind.ok_or("a block of an unknown kind")?;
        match length as usize <= LENGTH_MAX {
            true => Ok(Header { kind, length, count, crc }),
            false => Err("a block that is too long"),
        }
    }

    /// Octets of the whole block with its padding.
    pub fn block_len(&self) -> u64 {
        (HEADER_SIZE + self.length as usize).next_multiple_of(ALIGNMENT) as u64
    }

    /// Does `payload` match?
    pub fn is_intact(&self, payload: &[u8]) -> bool {
        payload.len() == self.length as usize && crc32c::crc32c(payload) == self.crc
    }
}

/// One record. They are sorted: values by key, then blobs by id, then segments by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A key has a value.
    Value(Key, Value),
    /// A blob is held.
    Blob(BlobId, Entry),
    /// A segment is in use so far.
    Segment(u64, SegmentUse),
}

/// Where a record stands among all: its kind, then its key's octets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(u8, Bytes);

impl Place {
    /// Of a key's value.
    pub fn of_value(key: &[u8]) -> Place {
        Place(VALUE, Bytes::copy_from_slice(key))
    }

    /// Of a blob.
    pub fn of_blob(blob: BlobId) -> Place {
        Place(BLOB, Bytes::copy_from_slice(&blob.0.to_be_bytes()))
    }

    fn of_segment(segment: u64) -> Place {
        Place(SEGMENT, Bytes::copy_from_slice(&segment.to_be_bytes()))
    }

    /// Octets that [`Place::push`] appends.
    pub fn size(&self) -> usize {
        3 + self.1.len() + 8
    }

    /// Appends an entry of the index.
    pub fn push(&self, offset: u64, buffer: &mut Vec<u8>) {
        buffer.put_u8(self.0);
        buffer.put_u16_le(self.1.len() as u16);
        buffer.put_slice(&self.1);
        buffer.put_u64_le(offset);
    }

    /// Reads an entry of the index.
    pub fn take(payload: &mut Bytes) -> Option<(Place, u64)> {
        let kind = payload.try_get_u8().ok()?;
        let key = take(payload, 2)?;
        Some((Place(kind, Bytes::copy_from_slice(&key)), payload.try_get_u64_le().ok()?))
    }
}

impl Item {
    /// Where it stands.
    pub fn place(&self) -> Place {
        match self {
            // Shares the key's octets.
            Item::Value(key, _) => Place(VALUE, key.clone()),
            Item::Blob(blob, _) => Place::of_blob(*blob),
            Item::Segment(segment, _) => Place::of_segment(*segment),
        }
    }

    /// Appends its octets.
    pub fn push(&self, buffer: &mut Vec<u8>) {
        match self {
            Item::Value(key, value) => record::push_value(buffer, key, Some(value)),
            Item::Blob(blob, entry) => record::push_blob(buffer, *blob, entry),
            Item::Segment(segment, used) => {
                buffer.put_u8(SEGMENT);
                let numbers = [*segment, used.written, used.live, used.blobs];
                numbers.iter().for_each(|number| buffer.put_u64_le(*number));
            }
        }
    }

    /// Octets that [`Item::push`] appends.
    pub fn size(&self) -> u64 {
        match self {
            Item::Value(key, value) => record::value_size(key, Some(value)),
            Item::Blob(..) => record::BLOB_SIZE,
            Item::Segment(..) => 33,
        }
    }

    fn take(payload: &mut Bytes) -> Option<Item> {
        match payload.try_get_u8().ok()? {
            VALUE => {
                let key = take(payload, 2)?;
                Some(Item::Value(key, take(payload, 4)?))
            }
            BLOB => {
                let blob = BlobId(payload.try_get_u64_le().ok()?);
                let entry = record::decode_entry(payload.get(..ENTRY_SIZE)?)?;
                payload.advance(ENTRY_SIZE);
                Some(Item::Blob(blob, entry))
            }
            SEGMENT => {
                let mut number = || payload.try_get_u64_le().ok();
                let segment = number()?;
                let (written, live, blobs) = (number()?, number()?, number()?);
                Some(Item::Segment(segment, SegmentUse { written, live, blobs }))
            }
            _ => None,
        }
    }

    /// The records of a block; `None` if they are not as many as it says, or not well formed.
    pub fn all(header: &Header, mut payload: Bytes) -> Option<Vec<Item>> {
        let mut items = Vec::new();
        while payload.has_remaining() {
            items.push(Item::take(&mut payload)?);
        }
        (items.len() == header.count as usize).then_some(items)
    }
}

/// Octets behind their length, which has `width` octets.
fn take(payload: &mut Bytes, width: usize) -> Option<Bytes> {
    let len = payload.try_get_uint_le(width).ok()? as usize;
    (len <= payload.remaining()).then(|| payload.split_to(len))
}

/// What stands at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trailer {
    /// Where the log went on from this moment.
    pub mark: Mark,
    /// Values.
    pub values: u64,
    /// Blobs.
    pub blobs: u64,
    /// Segments.
    pub segments: u64,
    /// Octets before the index.
    pub index_at: u64,
    /// Octets before the trailer.
    pub trailer_at: u64,
    /// CRC32C of all of them.
    pub crc: u32,
}

impl Trailer {
    /// Its payload.
    pub fn encode(&self) -> Vec<u8> {
        let Mark { position, sequence, next_blob, generation } = self.mark;
        let mut buffer = Vec::with_capacity(TRAILER_LENGTH);
        let numbers = [position.segment, position.offset, sequence, next_blob];
        let totals = [self.values, self.blobs, self.segments, self.index_at, self.trailer_at];
        numbers.iter().chain(&totals).for_each(|number| buffer.put_u64_le(*number));
        buffer.put_u32_le(generation);
        buffer.put_u32_le(self.crc);
        buffer
    }

    /// Reads it.
    pub fn decode(mut payload: &[u8]) -> Option<Trailer> {
        if payload.len() != TRAILER_LENGTH {
            return None;
        }
        let mut number = || payload.get_u64_le();
        let position = Position { segment: number(), offset: number() };
        let (sequence, next_blob) = (number(), number());
        let (values, blobs, segments) = (number(), number(), number());
        let (index_at, trailer_at) = (number(), number());
        let (generation, crc) = (payload.get_u32_le(), payload.get_u32_le());
        let mark = Mark { position, sequence, next_blob, generation };
        Some(Trailer { mark, values, blobs, segments, index_at, trailer_at, crc })
    }
}
