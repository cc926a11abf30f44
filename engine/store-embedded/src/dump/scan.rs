//! Reading a dump front to back, behind damage too.

use super::block::{ALIGNMENT, HEADER_SIZE, Header, Item, Kind, Place, Trailer};
use crate::disk::DiskFile;
use bytes::Bytes;
use std::io;
use std::sync::Arc;

/// Octets searched at a time for the block after a damaged one.
const WINDOW: usize = 64 * 1024;

/// What a scan comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The records of a block.
    Items(Vec<Item>),
    /// Something is not what was written; the scan goes on behind it.
    Damaged {
        /// Octets before it.
        offset: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// The trailer: everything was there, if nothing damaged came before.
    End(Trailer),
}

/// Reads a dump block by block.
#[derive(Debug)]
pub struct DumpScan {
    file: Arc<dyn DiskFile>,
    len: u64,
    at: u64,
    crc: u32,
    counts: [u64; 3],
    last: Option<Place>,
    ended: bool,
    /// A trailer whose totals are not those of what was read, told of already.
    late: Option<Trailer>,
}

impl DumpScan {
    /// Begins at the front of `file`.
    pub fn new(file: Arc<dyn DiskFile>) -> io::Result<DumpScan> {
        let len = file.len()?;
        let (at, crc, counts, last, ended, late) = (0, 0, [0; 3], None, false, None);
        Ok(DumpScan { file, len, at, crc, counts, last, ended, late })
    }

    /// Octets read so far.
    pub fn offset(&self) -> u64 {
        self.at
    }

    /// The next step; `None` at the end. A dump without [`Step::End`] is not whole.
    pub fn next_step(&mut self) -> io::Result<Option<Step>> {
        while !self.ended {
            let offset = self.at;
            match self.block()? {
                Ok(Some(step)) => return Ok(Some(step)),
                Ok(None) => {}
                Err(what) => return Ok(Some(Step::Damaged { offset, what })),
            }
        }
        Ok(self.late.take().map(Step::End))
    }

    /// Reads a block and moves behind it. `None`: nothing in it for the caller.
    fn block(&mut self) -> io::Result<Result<Option<Step>, &'static str>> {
        if self.at >= self.len {
            self.ended = true;
            return Ok(Err("it ends without its trailer"));
        }
        let header = match Header::decode(&read(&*self.file, self.at, HEADER_SIZE)?) {
            Ok(header) => header,
            Err(what) => {
                self.find_next()?;
                return Ok(Err(what));
            }
        };
        let block = read(&*self.file, self.at, header.block_len() as usize)?;
        let payload = block.get(HEADER_SIZE..HEADER_SIZE + header.length as usize);
        let payload = match payload.filter(|payload| header.is_intact(payload)) {
            Some(payload) => Bytes::copy_from_slice(payload),
            None => {
                self.at += header.block_len();
                return Ok(Err("the checksum of a block does not match"));
            }
        };
        let step = self.step(&header, payload);
        self.crc = crc32c::crc32c_append(self.crc, &block);
        self.at += header.block_len();
        Ok(step)
    }

    fn step(&mut self, header: &Header, payload: Bytes) -> Result<Option<Step>, &'static str> {
        match header.kind {
            Kind::Index => Ok(None),
            Kind::Records => {
                let items = Item::all(header, payload).ok_or("a block whose form is not known")?;
                for item in &items {
                    self.note(item)?;
                }
                Ok(Some(Step::Items(items)))
            }
            Kind::Trailer => {
                self.ended = true;
                let trailer = Trailer::decode(&payload).ok_or("a trailer of another form")?;
                let counts = [trailer.values, trailer.blobs, trailer.segments];
                let told = (trailer.trailer_at, trailer.crc, counts);
                if told == (self.at, self.crc, self.counts)
                    && self.at + header.block_len() == self.len
                {
                    return Ok(Some(Step::End(trailer)));
                }
                self.late = Some(trailer);
                Err("the trailer tells of other records than were read")
            }
        }
    }

    fn note(&mut self, item: &Item) -> Result<(), &'static str> {
        let place = item.place();
        if self.last.as_ref().is_some_and(|last| *last >= place) {
            return Err("records are not in order");
        }
        self.last = Some(place);
        self.counts[match item {
            Item::Value(..) => 0,
            Item::Blob(..) => 1,
            Item::Segment(..) => 2,
        }] += 1;
        Ok(())
    }

    /// Moves on to the next good header.
    fn find_next(&mut self) -> io::Result<()> {
        self.at += ALIGNMENT as u64;
        while self.at < self.len {
            let window = read(&*self.file, self.at, WINDOW + HEADER_SIZE)?;
            let headers = window.windows(HEADER_SIZE).step_by(ALIGNMENT);
            match headers.take(WINDOW / ALIGNMENT).position(|octets| Header::decode(octets).is_ok())
            {
                Some(nth) => {
                    self.at += (nth * ALIGNMENT) as u64;
                    return Ok(());
                }
                None => self.at += WINDOW as u64,
            }
        }
        self.at = self.len;
        Ok(())
    }
}

/// `len` octets at `offset`; fewer where the file ends.
pub fn read(file: &dyn DiskFile, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; len];
    let count = file.read_at(&mut buffer, offset)?;
    buffer.truncate(count);
    Ok(buffer)
}
