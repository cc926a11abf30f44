//! A frame: the unit of the segment log. `docs/records.md` draws it to the octet.

use std::io;

/// Octets of a frame's header.
pub const HEADER_SIZE: usize = 56;
/// Frames begin at multiples of this.
pub const ALIGNMENT: usize = 8;
/// Bodies longer than this carry one checksum for each stretch of it, so that a part can be read
/// and verified alone.
pub const BLOCK: usize = 64 * 1024;

const MAGIC: [u8; 4] = *b"EsFr";
/// The frame format that this build writes and reads.
pub const FORMAT: u8 = 1;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A body: its block checksums if it is longer than a [`BLOCK`], then its octets.
    Body,
    /// The block checksums of a body that is in a file of its own.
    Large,
    /// The metadata of a batch, after all of its bodies: with it the batch has happened.
    Batch,
    /// Nothing follows in this segment; the log goes on in the next.
    Seal,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Body, Kind::Large, Kind::Batch, Kind::Seal];

    fn code(self) -> u8 {
        self as u8 + 1
    }
}

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the frame holds.
    pub kind: Kind,
    /// Octets after the header, without padding.
    pub payload_len: u32,
    /// CRC32C of the payload; of a body longer than a [`BLOCK`], of its checksums alone.
    pub payload_crc: u32,
    /// The batch it belongs to. Old octets of a file are told from new ones by it.
    pub sequence: u64,
    /// The segment it was written to.
    pub segment: u64,
    /// The body's id, else 0.
    pub blob: u64,
    /// The body's octets, else 0.
    pub body_len: u64,
    /// Drawn anew each time the store is opened: what a crash left of an unfinished batch is never
    /// taken for part of the batch written over it.
    pub generation: u32,
}

impl Header {
    /// The header's octets.
    pub fn encode(&self) -> [u8; HEADER_SIZE] {
        let mut octets = [0; HEADER_SIZE];
        octets[0..4].copy_from_slice(&MAGIC);
        octets[4] = FORMAT;
        octets[5] = self.kind.code();
        octets[8..12].copy_from_slice(&self.payload_len.to_le_bytes());
        octets[12..16].copy_from_slice(&self.payload_crc.to_le_bytes());
        octets[16..24].copy_from_slice(&self.sequence.to_le_bytes());
        octets[24..32].copy_from_slice(&self.segment.to_le_bytes());
        octets[32..40].copy_from_slice(&self.blob.to_le_bytes());
        octets[40..48].copy_from_slice(&self.body_len.to_le_bytes());
        octets[48..52].copy_from_slice(&self.generation.to_le_bytes());
        let crc = crc32c::crc32c(&octets[..HEADER_SIZE - 4]);
        octets[HEADER_SIZE - 4..].copy_from_slice(&crc.to_le_bytes());
        octets
    }

    /// Reads a header; `Err` says what is wrong with it.
    pub fn decode(octets: &[u8]) -> Result<Header, &'static str> {
        let octets: &[u8; HEADER_SIZE] =
            octets.try_into().map_err(|_| "the file ends inside a frame header")?;
        let word = |at: usize| {
            u32::from_le_bytes([octets[at], octets[at + 1], octets[at + 2], octets[at + 3]])
        };
        let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
        if octets[0..4] != MAGIC {
            return Err("no frame begins here");
        }
        if word(HEADER_SIZE - 4) != crc32c::crc32c(&octets[..HEADER_SIZE - 4]) {
            return Err("the checksum of a frame header does not match");
        }
        if octets[4] != FORMAT {
            return Err("a frame of another format version");
        }
        let kind = Kind::ALL.into_iter().find(|kind| kind.code() == octets[5]);
        let header = Header {
            kind: kind.ok_or("a frame of an unknown kind")?,
            payload_len: word(8),
            payload_crc: word(12),
            sequence: long(16),
            segment: long(24),
            blob: long(32),
            body_len: long(40),
            generation: word(48),
        };
        match header.is_consistent() {
            true => Ok(header),
            false => Err("a frame header whose lengths contradict each other"),
        }
    }

    fn is_consistent(&self) -> bool {
        let table = table_size(self.body_len);
        match self.kind {
            Kind::Body => u64::from(self.payload_len) == table + self.body_len,
            Kind::Large => u64::from(self.payload_len) == table && self.body_len > 0,
            Kind::Batch => self.body_len == 0,
            Kind::Seal => self.payload_len == 0,
        }
    }

    /// Does `payload` match every checksum that covers it?
    pub fn is_intact(&self, payload: &[u8]) -> bool {
        if payload.len() != self.payload_len as usize {
            return false;
        }
        let (checked, rest) = payload.split_at(self.checked_len());
        crc32c::crc32c(checked) == self.payload_crc
            && (rest.is_empty() || blocks_match(checked, 0, rest))
    }

    /// Octets of the payload that [`Header::payload_crc`] covers.
    pub fn checked_len(&self) -> usize {
        match table_size(self.body_len) {
            0 => self.payload_len as usize,
            table => table as usize,
        }
    }

    /// Octets of the whole frame with its padding.
    pub fn frame_len(&self) -> u64 {
        frame_len(u64::from(self.payload_len))
    }
}

/// Octets of a frame with this much payload, header and padding counted.
pub fn frame_len(payload_len: u64) -> u64 {
    (HEADER_SIZE as u64 + payload_len).next_multiple_of(ALIGNMENT as u64)
}

/// Octets of the block checksums of a body; none if it is not longer than one [`BLOCK`].
pub fn table_size(body_len: u64) -> u64 {
    match body_len <= BLOCK as u64 {
        true => 0,
        false => body_len.div_ceil(BLOCK as u64) * 4,
    }
}

/// Appends a frame with its padding.
pub fn push<'a>(buffer: &mut Vec<u8>, header: &Header, payload: impl Iterator<Item = &'a [u8]>) {
    buffer.extend_from_slice(&header.encode());
    for part in payload {
        buffer.extend_from_slice(part);
    }
    buffer.resize(buffer.len().next_multiple_of(ALIGNMENT), 0);
}

/// The block checksums of a body, made while it arrives.
#[derive(Debug, Default)]
pub struct Checksums {
    done: Vec<u8>,
    current: u32,
    len: u64,
}

impl Checksums {
    /// Takes the body's next octets.
    pub fn update(&mut self, mut octets: &[u8]) {
        while !octets.is_empty() {
            let filled = (self.len % BLOCK as u64) as usize;
            let (now, later) = octets.split_at(octets.len().min(BLOCK - filled));
            self.current = crc32c::crc32c_append(self.current, now);
            self.len += now.len() as u64;
            octets = later;
            if self.len.is_multiple_of(BLOCK as u64) {
                self.close_block();
            }
        }
    }

    fn close_block(&mut self) {
        self.done.extend_from_slice(&self.current.to_le_bytes());
        self.current = 0;
    }

    /// Octets taken.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// The table (empty for a body of at most one block) and the CRC for the frame's header.
    pub fn finish(mut self) -> (Vec<u8>, u32) {
        if !self.len.is_multiple_of(BLOCK as u64) {
            self.close_block();
        }
        if self.len <= BLOCK as u64 {
            return (Vec::new(), block_crc(&self.done, 0).unwrap_or(0));
        }
        let crc = crc32c::crc32c(&self.done);
        (self.done, crc)
    }
}

/// The checksum of block `index` in a table.
pub fn block_crc(table: &[u8], index: usize) -> Option<u32> {
    let octets = table.get(index * 4..index * 4 + 4)?;
    octets.try_into().ok().map(u32::from_le_bytes)
}

/// Do `octets`, whole blocks from block `first` on, match the table?
pub fn blocks_match(table: &[u8], first: usize, octets: &[u8]) -> bool {
    octets
        .chunks(BLOCK)
        .enumerate()
        .all(|(index, block)| block_crc(table, first + index) == Some(crc32c::crc32c(block)))
}

/// Nothing but zeros: nothing was ever written here.
pub fn is_blank(octets: &[u8]) -> bool {
    octets.iter().all(|octet| *octet == 0)
}

/// A checksum that did not match, or a format that is not ours, as an I/O error.
pub fn corrupt(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use core_store::suite::Dice;

    fn header(kind: Kind, payload_len: u32, body_len: u64) -> Header {
        Header {
            kind,
            payload_len,
            payload_crc: 0xdead_beef,
            sequence: 1 << 40,
            segment: 7,
            blob: 42,
            body_len,
            generation: 99,
        }
    }

    #[test]
    fn headers_are_read_as_they_were_written() {
        let cases = [
            (Kind::Body, 0, 0),
            (Kind::Body, 65_536, 65_536),
            (Kind::Body, 65_537 + 8, 65_537),
            (Kind::Large, 4 * 400, 400 * 65_536),
            (Kind::Batch, 1000, 0),
            (Kind::Seal, 0, 0),
        ];
        for (kind, payload_len, body_len) in cases {
            let header = header(kind, payload_len, body_len);
            assert_eq!(Header::decode(&header.encode()), Ok(header));
        }
    }

    #[test]
    fn lengths_that_contradict_each_other_are_refused() {
        let cases = [
            (Kind::Body, 10, 11),
            (Kind::Body, 65_537, 65_537),
            (Kind::Large, 4, 0),
            (Kind::Seal, 1, 0),
        ];
        for (kind, payload_len, body_len) in cases {
            assert!(Header::decode(&header(kind, payload_len, body_len).encode()).is_err());
        }
    }

    #[test]
    fn any_octet_that_turned_over_spoils_a_header() {
        let whole = header(Kind::Body, 10, 10).encode();
        for at in 0..HEADER_SIZE {
            let mut spoilt = whole;
            spoilt[at] ^= 1;
            assert!(Header::decode(&spoilt).is_err(), "octet {at}");
            assert!(Header::decode(&whole[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn checksums_do_not_depend_on_how_a_body_arrives() {
        for len in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 3 * BLOCK + 5] {
            let octets = Dice::new(len as u64).octets(len);
            let mut whole = Checksums::default();
            whole.update(&octets);
            let mut pieces = Checksums::default();
            octets.chunks(1 + len / 7).for_each(|piece| pieces.update(piece));
            let (table, crc) = whole.finish();
            assert_eq!(pieces.finish(), (table.clone(), crc));
            assert_eq!(table.len() as u64, table_size(len as u64));
            let payload = [table, octets].concat();
            let header =
                Header { payload_crc: crc, ..header(Kind::Body, payload.len() as u32, len as u64) };
            assert!(header.is_intact(&payload));
            for at in [0, payload.len() / 2, payload.len().saturating_sub(1)] {
                let mut spoilt = payload.clone();
                if let Some(octet) = spoilt.get_mut(at) {
                    *octet ^= 0x80;
                    assert!(!header.is_intact(&spoilt), "octet {at} of {len}");
                }
            }
        }
    }
}
