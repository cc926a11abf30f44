//! The segment log: frames one after another, in one file after another.

use crate::disk::{DiskFile, Mode};
use crate::files::{Files, Name};
use crate::frame::{self, HEADER_SIZE, Header, Kind};
use crate::room::is_full;
use crate::spare::Spare;
use std::collections::HashSet;
use std::io;
use std::sync::Arc;

/// A place in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The segment's number.
    pub segment: u64,
    /// Octets before it in the segment.
    pub offset: u64,
}

/// Octets of the frame that ends a segment.
pub const SEAL_SIZE: u64 = HEADER_SIZE as u64;

/// Why the log did not take a batch.
#[derive(Debug)]
pub enum LogError {
    /// There is no room. Nothing was written; it may work later.
    Full(io::Error),
    /// A write or sync failed: what the disk holds is not known any more.
    Broken(io::Error),
}

/// The log's end, where the committer writes.
#[derive(Debug)]
pub struct Log {
    files: Arc<Files>,
    spare: Spare,
    file: Arc<dyn DiskFile>,
    end: Position,
    /// Where this segment ends.
    limit: u64,
    /// The next segment, taken already, when there was no room to seal this one.
    next: Option<Arc<dyn DiskFile>>,
    segment_size: u64,
    generation: u32,
}

/// Octets that a segment takes if nothing of it was prepared when the store was opened: few, so that
/// the next, which is prepared meanwhile, is used soon.
const UNPREPARED_SIZE: u64 = 4 << 20;

/// The next segment is made when this part of the present one is used: one in so many.
const SPARE_AFTER: u64 = 4;

impl Log {
    /// The log that ends at `end`; its file is made if it is not there.
    pub fn open(
        files: Arc<Files>,
        spare: Spare,
        end: Position,
        segment_size: u64,
    ) -> io::Result<Log> {
        let name = Name::Segment(end.segment);
        let file = files.disk.open(&name.path(), Mode::Any)?;
        if end.offset == 0 {
            files.disk.sync_dir(crate::files::SEGMENTS)?;
        }
        files.keep(name, file.clone());
        let limit = file.len()?.max(end.offset + UNPREPARED_SIZE).min(segment_size);
        let generation = draw_generation();
        Ok(Log { files, spare, file, end, limit, next: None, segment_size, generation })
    }

    /// Where the next frame will be.
    pub fn end(&self) -> Position {
        self.end
    }

    /// Without threads: makes the next segment if it is wanted. `false` if it is not.
    pub fn step_spare(&self) -> bool {
        self.spare.step()
    }

    /// What this opening of the store marks its frames with.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Makes sure that `size` octets fit, going on to the next segment if they do not fit in this
    /// one. A batch larger than a segment has one of its own. Tells what was written to which
    /// segment for that: its seal.
    pub fn make_room(&mut self, size: u64, sequence: u64) -> Result<Option<u64>, LogError> {
        if self.end.offset == 0 || self.end.offset + size + SEAL_SIZE <= self.limit {
            return Ok(None);
        }
        self.go_on(size, sequence).map(Some)
    }

    /// Seals this segment and goes on in the next, which has room for `size` octets.
    pub fn go_on(&mut self, size: u64, sequence: u64) -> Result<u64, LogError> {
        let next = self.end.segment + 1;
        let fresh = match self.next.take() {
            Some(fresh) => fresh,
            None => self.spare.take(next, size + SEAL_SIZE).map_err(LogError::Full)?,
        };
        if let Err(error) = self.seal(sequence) {
            self.next = Some(fresh);
            return Err(error);
        }
        self.files.keep(Name::Segment(next), fresh.clone());
        self.file = fresh;
        // Taken in a hurry it is not filled to its end, but the one after it will have time to be.
        self.limit = self.segment_size;
        let sealed = self.end.segment;
        self.end = Position { segment: next, offset: 0 };
        Ok(sealed)
    }

    fn seal(&mut self, sequence: u64) -> Result<(), LogError> {
        let header = Header {
            kind: Kind::Seal,
            payload_len: 0,
            payload_crc: 0,
            sequence,
            segment: self.end.segment,
            blob: 0,
            body_len: 0,
            generation: self.generation,
        };
        let seal = header.encode();
        self.file.write_at(&seal, self.end.offset).map_err(|error| self.unwritten(error))?;
        self.file.sync_data().map_err(LogError::Broken)?;
        // Gives back what was prepared and is not needed; if that fails nothing is lost.
        let _ = self.file.set_len(self.end.offset + SEAL_SIZE);
        Ok(())
    }

    /// What a failed write means. If there was no room, the next batch may find some. It gets another
    /// mark, so that what was written of this one is never taken for part of it.
    fn unwritten(&mut self, error: io::Error) -> LogError {
        if !is_full(&error) {
            return LogError::Broken(error);
        }
        self.generation = draw_generation();
        match self.file.set_len(self.end.offset) {
            Ok(()) => LogError::Full(error),
            Err(error) => LogError::Broken(error),
        }
    }

    /// Writes whole frames and returns when they are durable.
    pub fn append(&mut self, frames: &[u8]) -> Result<(), LogError> {
        self.file.write_at(frames, self.end.offset).map_err(|error| self.unwritten(error))?;
        self.file.sync_data().map_err(LogError::Broken)?;
        self.end.offset += frames.len() as u64;
        // A store that hardly grows does not need another segment yet. One that is taken already must
        // not be made again: it would be filled with zeros, or removed for want of room, while it is
        // written to.
        if self.next.is_none() && self.end.offset >= self.limit / SPARE_AFTER {
            self.spare.want(self.end.segment + 1);
        }
        Ok(())
    }
}

/// A number that the last opening did not draw.
fn draw_generation() -> u32 {
    use std::hash::{BuildHasher, RandomState};
    let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    RandomState::new().hash_one(elapsed.unwrap_or_default()) as u32
}

/// Octets read ahead.
const WINDOW: usize = 256 * 1024;

/// Reads a segment frame by frame.
pub struct Scanner {
    file: Arc<dyn DiskFile>,
    segment: u64,
    offset: u64,
    window: Vec<u8>,
    window_at: u64,
}

/// What a scanner found.
#[derive(Debug)]
pub enum Found {
    /// A frame with a good header that belongs to this segment.
    Frame {
        /// Its header.
        header: Header,
        /// Where it is.
        offset: u64,
    },
    /// Nothing was ever written from here on, or the file ends.
    Blank,
    /// Something that is no frame of this segment; says why.
    Bad(&'static str),
}

impl Scanner {
    /// Begins at `position`.
    pub fn new(file: Arc<dyn DiskFile>, position: Position) -> Scanner {
        let Position { segment, offset } = position;
        Scanner { file, segment, offset, window: Vec::new(), window_at: 0 }
    }

    /// Where the next frame would be.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Reads the next header and moves behind its frame.
    pub fn next(&mut self) -> io::Result<Found> {
        let offset = self.offset;
        let octets = self.octets(offset, HEADER_SIZE)?;
        if frame::is_blank(octets) {
            return Ok(Found::Blank);
        }
        match Header::decode(octets) {
            Ok(header) if header.segment == self.segment => {
                self.offset += header.frame_len();
                Ok(Found::Frame { header, offset })
            }
            Ok(_) => Ok(Found::Bad("a frame of another segment")),
            Err(what) => Ok(Found::Bad(what)),
        }
    }

    /// The payload of the frame at `offset`, or what is wrong with it.
    pub fn payload(
        &mut self,
        header: &Header,
        offset: u64,
    ) -> io::Result<Result<&[u8], &'static str>> {
        let payload = self.octets(offset + HEADER_SIZE as u64, header.payload_len as usize)?;
        Ok(match header.is_intact(payload) {
            true => Ok(payload),
            false => Err("the checksum of a frame's payload does not match"),
        })
    }

    /// `len` octets at `offset`; fewer where the file ends.
    fn octets(&mut self, offset: u64, len: usize) -> io::Result<&[u8]> {
        let end = offset + len as u64;
        if offset < self.window_at || end > self.window_at + self.window.len() as u64 {
            self.window.resize(len.max(WINDOW), 0);
            let count = self.file.read_at(&mut self.window, offset)?;
            self.window.truncate(count);
            self.window_at = offset;
        }
        let start = (offset - self.window_at) as usize;
        Ok(&self.window[start..(start + len).min(self.window.len())])
    }

    /// Moves to the next frame header of this segment with a mark of `generations`, or to the file's
    /// end. `false`: there is none.
    pub fn skip_to(&mut self, generations: &HashSet<u32>) -> io::Result<bool> {
        let mut offset = self.offset.next_multiple_of(frame::ALIGNMENT as u64);
        loop {
            let octets = self.octets(offset, HEADER_SIZE)?;
            if octets.len() < HEADER_SIZE {
                self.offset = self.file.len()?.max(self.offset);
                return Ok(false);
            }
            if let Ok(header) = Header::decode(octets)
                && header.segment == self.segment
                && generations.contains(&header.generation)
            {
                self.offset = offset;
                return Ok(true);
            }
            offset += frame::ALIGNMENT as u64;
        }
    }

    /// Is there, anywhere behind, a frame header of this segment, of a batch after `sequence`, with
    /// a mark of `generations`? (Nobody outside knows the mark, so no body can pretend.)
    pub fn finds_later_than(&mut self, sequence: u64, generations: &[u32]) -> io::Result<bool> {
        let mut offset = self.offset;
        loop {
            let octets = self.octets(offset, HEADER_SIZE)?;
            if octets.len() < HEADER_SIZE {
                return Ok(false);
            }
            if let Ok(header) = Header::decode(octets)
                && header.segment == self.segment
                && header.sequence > sequence
                && generations.contains(&header.generation)
            {
                return Ok(true);
            }
            offset += frame::ALIGNMENT as u64;
        }
    }
}
