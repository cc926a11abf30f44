//! The scrubber: reads everything that is kept, slowly, once in a while, so that damage is noticed while
//! there still is a backup. Where it is survives restarts.

use crate::disk::Mode;
use crate::files::{LARGE, Name, SEGMENTS, read_exact};
use crate::frame::{self, BLOCK, Kind};
use crate::log::{Found, Position, Scanner};
use crate::salvage::walk;
use crate::shared::Shared;
use core_store::BlobId;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tracing::{error, info};

/// The file that says how far it is.
const PLACE: &str = "scrub";
/// Octets of that file: when the round began 8, next segment 8, next large body 8, checksum 4.
const PLACE_SIZE: usize = 28;
/// Octets read in a second at most,
const RATE_MAX: f64 = 8.0 * 1024.0 * 1024.0;
/// and at least, so that a small store is done soon.
const RATE_MIN: f64 = 64.0 * 1024.0;
/// A round is to be done in this part of the time until the next.
const PART: f64 = 0.8;
/// Octets read without a pause.
const PIECE: u64 = 256 << 10;
/// How long it waits at most before it looks again whether a round is due.
const LOOK: Duration = Duration::from_secs(600);

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    /// When the round began, in seconds since 1970; 0: it is over.
    begun: u64,
    /// The next segment,
    segment: u64,
    /// and when they are done the next large body.
    large: u64,
}

impl Place {
    fn encode(&self) -> [u8; PLACE_SIZE] {
        let mut octets = [0; PLACE_SIZE];
        octets[..8].copy_from_slice(&self.begun.to_le_bytes());
        octets[8..16].copy_from_slice(&self.segment.to_le_bytes());
        octets[16..24].copy_from_slice(&self.large.to_le_bytes());
        let crc = crc32c::crc32c(&octets[..24]);
        octets[24..].copy_from_slice(&crc.to_le_bytes());
        octets
    }

    fn decode(octets: &[u8; PLACE_SIZE]) -> Option<Place> {
        let (fields, crc) = octets.split_at(24);
        let mut numbers = fields.chunks_exact(8).filter_map(|eight| eight.try_into().ok());
        let mut number = || numbers.next().map(u64::from_le_bytes);
        let place = Place { begun: number()?, segment: number()?, large: number()? };
        (crc == crc32c::crc32c(fields).to_le_bytes()).then_some(place)
    }
}

/// Told to end: the store is closing.
struct Ended;

/// The scrubber's own.
pub struct Scrubber {
    shared: Arc<Shared>,
    /// Hangs up when the store closes.
    closing: Receiver<()>,
    place: Place,
    /// When the last round was over, in seconds since 1970.
    done: u64,
    /// Octets read since the last pause.
    read: u64,
    rate: f64,
}

impl Scrubber {
    /// For an open store, until `closing` hangs up.
    pub fn new(shared: Arc<Shared>, closing: Receiver<()>) -> Scrubber {
        let place = Place::default();
        Scrubber { shared, closing, place, done: 0, read: 0, rate: RATE_MIN }
    }

    /// Works until the store is closed.
    pub fn run(mut self) {
        self.remember();
        while self.round().is_ok() {}
        self.note();
    }

    fn interval(&self) -> u64 {
        self.shared.options.scrub_every.as_secs().max(1)
    }

    /// Waits until a round is due, and does it.
    fn round(&mut self) -> Result<(), Ended> {
        while self.place.begun == 0 {
            let due = self.done.saturating_add(self.interval());
            if now() >= due {
                self.place = Place { begun: now().max(1), segment: 1, large: 0 };
                break;
            }
            self.wait(Duration::from_secs(due - now()).min(LOOK))?;
        }
        self.rate = self.wanted_rate();
        self.segments()?;
        self.large_bodies()?;
        let damaged = self.shared.counters.scrubbed_damaged.load(Relaxed);
        info!(damaged, "everything that is kept has been read once");
        (self.done, self.place) = (now(), Place::default());
        self.shared.counters.scrubs.fetch_add(1, Relaxed);
        self.note();
        Ok(())
    }

    /// So much a second that it is done in time.
    fn wanted_rate(&self) -> f64 {
        let bytes: u64 = self.shared.usage().iter().map(|(_, used)| used.written).sum();
        let large = self.shared.files.numbers(LARGE).map_or(0, |numbers| numbers.len() as u64);
        // A large body's size is not asked; it is some hundreds of kilobytes at least.
        let all = bytes + large * (4 << 20);
        (all as f64 / (self.interval() as f64 * PART)).clamp(RATE_MIN, RATE_MAX)
    }

    fn segments(&mut self) -> Result<(), Ended> {
        let generations = walk::generations(&self.shared.files, None);
        for segment in self.shared.files.numbers(SEGMENTS).unwrap_or_default() {
            // The last ones are being written, or made in advance.
            if segment < self.place.segment || !self.is_over(segment) {
                continue;
            }
            match self.segment(segment, &generations) {
                Ok(ended) => ended?,
                // Collected in this moment.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => self.damaged(&Name::Segment(segment).path(), 0, &error.to_string()),
            }
            self.place.segment = segment + 1;
            self.note();
        }
        Ok(())
    }

    /// Is the segment sealed, and the log in a later one?
    fn is_over(&self, segment: u64) -> bool {
        let next = Position { segment: segment + 1, offset: 0 };
        let file = self.shared.files.get(Name::Segment(next.segment));
        let found = file.and_then(|file| Scanner::new(file, next).next());
        matches!(found, Ok(Found::Frame { .. }))
    }

    fn segment(
        &mut self,
        segment: u64,
        generations: &walk::Generations,
    ) -> io::Result<Result<(), Ended>> {
        let path = Name::Segment(segment).path();
        let mut walk =
            walk::Walk::new(&self.shared.files, Position { segment, offset: 0 }, generations)?;
        while let Some(met) = walk.next()? {
            match met {
                walk::Met::Gap { offset, what, .. } => self.damaged(&path, offset, what),
                walk::Met::Frame { header, offset } => {
                    let payload = walk.scanner.payload(&header, offset)?.map(drop);
                    if let Err(what) = payload
                        && self.is_needed(header.kind, BlobId(header.blob), segment, offset)
                    {
                        self.damaged(&path, offset, what);
                    }
                    if self.spend(header.frame_len()).is_err() {
                        return Ok(Err(Ended));
                    }
                }
            }
        }
        Ok(Ok(()))
    }

    /// Bodies that nobody holds may be damaged as they like.
    fn is_needed(&self, kind: Kind, blob: BlobId, segment: u64, offset: u64) -> bool {
        match kind {
            Kind::Batch | Kind::Seal => true,
            Kind::Body | Kind::Large => {
                let entry = self.shared.published.current().blob(blob);
                entry.is_ok_and(|entry| {
                    entry.is_some_and(|entry| {
                        let place = (entry.locator.segment, entry.locator.offset);
                        entry.holders > 0 && place == (segment, offset)
                    })
                })
            }
        }
    }

    fn large_bodies(&mut self) -> Result<(), Ended> {
        for number in self.shared.files.numbers(LARGE).unwrap_or_default() {
            if number < self.place.large {
                continue;
            }
            let blob = BlobId(number);
            if let Some(what) = self.large_body(blob)? {
                self.damaged(&Name::Large(blob).path(), 0, &what);
            }
            self.place.large = number + 1;
            self.note();
        }
        Ok(())
    }

    /// What is wrong with a large body, if it is still there and anything is.
    fn large_body(&mut self, blob: BlobId) -> Result<Option<String>, Ended> {
        let entry = self.shared.published.current().blob(blob);
        let Ok(Some(entry)) = entry.map(|entry| entry.filter(|entry| entry.holders > 0)) else {
            return Ok(None);
        };
        let locator = entry.locator;
        let files = self.shared.files.clone();
        let read = |name, offset, len| read_exact(&*files.get(name)?, offset, len);
        let table_at = locator.offset + frame::HEADER_SIZE as u64;
        let table_len = frame::table_size(locator.len) as usize;
        // The frame itself is looked at with its segment.
        let Ok(table) = read(Name::Segment(locator.segment), table_at, table_len) else {
            return Ok(None);
        };
        for index in 0..locator.len.div_ceil(BLOCK as u64) {
            let offset = index * BLOCK as u64;
            let len = (locator.len - offset).min(BLOCK as u64) as usize;
            let block = match read(Name::Large(blob), offset, len) {
                Ok(block) => block,
                // Given up in this moment.
                Err(_) if !self.is_held(blob) => return Ok(None),
                Err(error) => return Ok(Some(error.to_string())),
            };
            if !frame::blocks_match(&table, index as usize, &block) {
                return Ok(Some(format!("the checksum at octet {offset} does not match")));
            }
            self.spend(len as u64)?;
        }
        Ok(None)
    }

    fn is_held(&self, blob: BlobId) -> bool {
        let entry = self.shared.published.current().blob(blob);
        entry.is_ok_and(|entry| entry.is_some_and(|entry| entry.holders > 0))
    }

    fn damaged(&self, file: &str, offset: u64, what: &str) {
        self.shared.counters.scrubbed_damaged.fetch_add(1, Relaxed);
        error!(
            file,
            offset, what, "what is kept is damaged; run `estafeta store check` to see whose it is"
        );
    }

    /// Octets were read; after some of them others have the disk for a while.
    fn spend(&mut self, octets: u64) -> Result<(), Ended> {
        self.shared.counters.scrubbed_bytes.fetch_add(octets, Relaxed);
        self.read += octets;
        if self.read < PIECE {
            return Ok(());
        }
        let pause = Duration::from_secs_f64(self.read as f64 / self.rate);
        self.read = 0;
        self.wait(pause)
    }

    fn wait(&self, pause: Duration) -> Result<(), Ended> {
        match self.closing.recv_timeout(pause) {
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Ok(()) | Err(RecvTimeoutError::Disconnected) => Err(Ended),
        }
    }

    /// Where it was when the store was closed last. Without a word of it, a round was just over: a new
    /// store has nothing to be read.
    fn remember(&mut self) {
        let file = self.shared.files.disk.open(PLACE, Mode::Read);
        let mut octets = [0; PLACE_SIZE * 2];
        let read = file.and_then(|file| file.read_at(&mut octets, 0));
        let (place, done) = octets.split_at(PLACE_SIZE);
        let decode = |half: &[u8]| half.try_into().ok().and_then(Place::decode);
        match (read.is_ok(), decode(place), decode(done)) {
            (true, Some(place), Some(done)) => (self.place, self.done) = (place, done.begun),
            _ => self.done = now(),
        }
    }

    /// Notes where it is. Should that be lost, some of it is read twice.
    fn note(&self) {
        let done = Place { begun: self.done, ..Place::default() };
        let octets = [self.place.encode(), done.encode()].concat();
        let file = self.shared.files.disk.open(PLACE, Mode::Any);
        let _ = file.and_then(|file| file.write_at(&octets, 0));
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written_or_not_at_all() {
        let place = Place { begun: 1_800_000_000, segment: 77, large: u64::MAX };
        assert_eq!(Place::decode(&place.encode()), Some(place));
        for at in 0..PLACE_SIZE {
            let mut octets = place.encode();
            octets[at] ^= 4;
            assert_eq!(Place::decode(&octets), None, "{at}");
        }
    }
}
