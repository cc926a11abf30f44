//! Opening: the metadata file as of the last checkpoint, then the log from there on.

use crate::base::{self, Base, Mark};
use crate::blob::Entry;
use crate::disk::{Disk, Mode};
use crate::files::{Files, LARGE, METADATA, Name, SEGMENTS, VERSION};
use crate::frame::{Header, Kind};
use crate::log::{Found, Position, Scanner};
use crate::memtable::Memtable;
use crate::options::{OpenError, Options};
use crate::record::{self, Change};
use crate::usage::Usage;
use bytes::Bytes;
use core_store::{BlobId, StoreError};
use redb::Database;
use std::io::{self, ErrorKind};
use std::path::Path;

/// What the `VERSION` file says.
pub const FORMAT: &str = "estafeta store 1";
/// The metadata file while it is being made.
const METADATA_NEW: &str = "metadata.new";
/// Blob ids that are skipped after a crash, so that none given before is given again.
pub const BLOB_GAP: u64 = 1 << 24;

/// What was found.
pub struct Recovered {
    /// The metadata file.
    pub database: Database,
    /// Its present moment.
    pub base: Base,
    /// Where the checkpoint left off.
    pub mark: Mark,
    /// What the log held beyond the checkpoint.
    pub memtable: Memtable,
    /// How much of each segment is in use.
    pub usage: Usage,
    /// Where the log goes on.
    pub end: Position,
    /// The last batch.
    pub sequence: u64,
    /// The least blob id not given.
    pub next_blob: u64,
    /// Octets of log replayed.
    pub replayed: u64,
    /// What a crash left unfinished at the log's end, in words; nothing acknowledged is in it.
    pub cut: Option<&'static str>,
}

/// Makes the directory a store, or makes sure that it is one of this format.
pub fn prepare(disk: &dyn Disk, directory: &Path) -> Result<(), OpenError> {
    let doing = |doing| move |error| io_error(directory, doing, error);
    disk.create_dir("").map_err(doing("making the store's directory"))?;
    match disk.open(VERSION, Mode::Read) {
        Ok(file) => {
            let mut octets = vec![0; 64];
            let count = file.read_at(&mut octets, 0).map_err(doing("reading VERSION"))?;
            let found = String::from_utf8_lossy(&octets[..count]).trim_end().to_owned();
            if found != FORMAT {
                let (directory, expected) = (directory.to_owned(), FORMAT.to_owned());
                return Err(OpenError::Version { directory, found, expected });
            }
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => create(disk, directory),
        Err(error) => Err(io_error(directory, "reading VERSION", error)),
    }
}

fn create(disk: &dyn Disk, directory: &Path) -> Result<(), OpenError> {
    let doing = |doing| move |error| io_error(directory, doing, error);
    let names = disk.list("").map_err(doing("reading the store's directory"))?;
    // A crash while a store was being made leaves nothing but these.
    let known = ["lock", "VERSION.new"];
    if names.iter().any(|name| !known.contains(&name.as_str())) {
        return Err(OpenError::NotAStore(directory.to_owned()));
    }
    let make = || {
        disk.create_dir(SEGMENTS)?;
        disk.create_dir(LARGE)?;
        let new = disk.open("VERSION.new", Mode::Any)?;
        new.write_at(format!("{FORMAT}\n").as_bytes(), 0)?;
        new.sync_data()?;
        disk.rename("VERSION.new", VERSION)?;
        disk.sync_dir("")
    };
    make().map_err(doing("making the store"))
}

/// An error of the disk, told apart by what one can do about it.
pub fn io_error(directory: &Path, doing: &'static str, error: io::Error) -> OpenError {
    match error.kind() {
        ErrorKind::PermissionDenied => OpenError::Permission(directory.to_owned()),
        _ => OpenError::Io { doing, error },
    }
}

/// What an error of the metadata file means.
pub fn metadata_error(error: impl Into<redb::Error>) -> OpenError {
    match error.into() {
        redb::Error::Io(error) if error.kind() != ErrorKind::InvalidData => {
            OpenError::Io { doing: "reading the metadata", error }
        }
        error => corrupt(METADATA.to_owned(), 0, error.to_string()),
    }
}

fn corrupt(file: String, offset: u64, what: impl Into<String>) -> OpenError {
    OpenError::Corrupt { file, offset, what: what.into() }
}

/// Reads the metadata and replays the log, up to `until` if it is known that nothing behind it was
/// acknowledged. Changes nothing but what redb itself repairs.
pub fn recover(
    files: &Files,
    options: &Options,
    until: Option<Position>,
) -> Result<Recovered, OpenError> {
    let doing = |doing| move |error| OpenError::Io { doing, error };
    let database = open_metadata(files, options.cache_size)?;
    let base = Base::now(&database).map_err(metadata_error)?;
    let mark = base.mark().map_err(metadata_error)?;
    let usage = base.usage().map_err(metadata_error)?;
    let mut replay = Replay {
        files,
        base: &base,
        memtable: Memtable::default(),
        usage,
        sequence: mark.sequence,
        next_blob: mark.next_blob,
        generation: mark.generation,
        replayed: 0,
        until,
    };
    let (end, cut) = replay.run(mark.position)?;
    let Replay { memtable, usage, sequence, replayed, mut next_blob, .. } = replay;
    // A large body's file may bear an id that was never logged.
    let numbers = files.numbers(LARGE).map_err(doing("reading the large bodies' directory"))?;
    next_blob = next_blob.max(numbers.last().map_or(0, |last| last + 1));
    next_blob += BLOB_GAP;
    Ok(Recovered { database, base, mark, memtable, usage, end, sequence, next_blob, replayed, cut })
}

/// Opens the metadata file. A new one gets its name when it is complete.
pub fn open_metadata(files: &Files, cache_size: usize) -> Result<Database, OpenError> {
    let disk = &*files.disk;
    let open = |file| base::open(file, files.room.clone(), cache_size).map_err(metadata_error);
    let doing = |error| OpenError::Io { doing: "opening the metadata", error };
    match disk.open(METADATA, Mode::Write) {
        Ok(file) => return open(file),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(doing(error)),
    }
    let file = disk.open(METADATA_NEW, Mode::Any).map_err(doing)?;
    file.set_len(0).map_err(doing)?;
    let database = open(file)?;
    disk.rename(METADATA_NEW, METADATA).and_then(|()| disk.sync_dir("")).map_err(doing)?;
    Ok(database)
}

struct Replay<'a> {
    files: &'a Files,
    base: &'a Base,
    memtable: Memtable,
    usage: Usage,
    sequence: u64,
    next_blob: u64,
    /// What the frames of the last whole batch were marked with.
    generation: u32,
    replayed: u64,
    /// Here the log ends, whatever follows.
    until: Option<Position>,
}

/// How a segment ended.
enum End {
    Sealed,
    /// Here the log ends, unless a later segment has frames.
    At(u64, Option<&'static str>),
}

impl Replay<'_> {
    fn run(&mut self, from: Position) -> Result<(Position, Option<&'static str>), OpenError> {
        let mut position = from;
        loop {
            match self.segment(position)? {
                End::Sealed => position = Position { segment: position.segment + 1, offset: 0 },
                End::At(offset, what) => {
                    let end = Position { segment: position.segment, offset };
                    if self.until == Some(end) {
                        return Ok((end, what));
                    }
                    self.nothing_follows(position.segment, offset, what)?;
                    return Ok((end, what));
                }
            }
        }
    }

    fn segment(&mut self, from: Position) -> Result<End, OpenError> {
        let name = Name::Segment(from.segment);
        let file = match self.files.get(name) {
            Ok(file) => file,
            // The next segment is made before this one is sealed; the very first with the first
            // batch. If it should be there, an earlier checkpoint pointed into it.
            Err(error) if error.kind() == ErrorKind::NotFound && from.offset == 0 => {
                return Ok(End::At(0, None));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(corrupt(name.path(), from.offset, "the file is missing"));
            }
            Err(error) => return Err(OpenError::Io { doing: "opening a segment", error }),
        };
        let mut scanner = Scanner::new(file, from);
        self.frames(&mut scanner, from)
    }

    fn frames(&mut self, scanner: &mut Scanner, from: Position) -> Result<End, OpenError> {
        let reading = |error| OpenError::Io { doing: "reading the log", error };
        let name = Name::Segment(from.segment);
        // Where the last whole batch ended, and the generation of the frames after it.
        let (mut end, mut generation) = (from.offset, None);
        let what = loop {
            if self.until == Some(Position { offset: end, ..from }) {
                return Ok(End::At(end, None));
            }
            let (header, offset) = match scanner.next().map_err(reading)? {
                Found::Frame { header, offset } => (header, offset),
                Found::Blank if scanner.offset() == end => return Ok(End::At(end, None)),
                Found::Blank => break "a batch that was not finished",
                Found::Bad(what) => break what,
            };
            if header.kind == Kind::Seal && header.sequence == self.sequence && offset == end {
                self.wrote(&name, header.frame_len());
                return Ok(End::Sealed);
            }
            let expected = (self.sequence + 1, generation.unwrap_or(header.generation));
            if (header.sequence, header.generation) != expected {
                break "a frame of another batch";
            }
            generation = Some(header.generation);
            let payload = match scanner.payload(&header, offset).map_err(reading)? {
                Ok(payload) => payload,
                Err(what) => break what,
            };
            if header.kind == Kind::Batch {
                let payload = Bytes::copy_from_slice(payload);
                self.batch(&header, payload).map_err(|what| corrupt(name.path(), offset, what))?;
                self.wrote(&name, scanner.offset() - end);
                (end, generation) = (scanner.offset(), None);
            }
        };
        let generations = [self.generation, generation.unwrap_or(self.generation)];
        let later = scanner.finds_later_than(self.sequence + 1, &generations).map_err(reading)?;
        match later {
            true => Err(corrupt(name.path(), end, format!("{what}, though later batches follow"))),
            false => Ok(End::At(end, Some(what))),
        }
    }

    fn wrote(&mut self, name: &Name, octets: u64) {
        if let Name::Segment(segment) = name {
            self.usage.wrote(*segment, octets);
        }
        self.replayed += octets;
    }

    fn batch(&mut self, header: &Header, payload: Bytes) -> Result<(), String> {
        let (next_blob, changes) =
            record::decode(payload).ok_or("a batch whose checksum matches, but not its form")?;
        for change in &changes {
            if let Change::Blob(blob, entry) = change {
                let old = self.entry(*blob).map_err(|error| error.to_string())?;
                self.usage.changed(old.as_ref(), entry);
            }
        }
        self.sequence = header.sequence;
        self.generation = header.generation;
        self.next_blob = self.next_blob.max(next_blob);
        self.memtable.apply(header.sequence, changes.into_iter(), &[]);
        Ok(())
    }

    fn entry(&self, blob: BlobId) -> Result<Option<Entry>, StoreError> {
        match self.memtable.blob(blob) {
            Some(entry) => Ok(Some(entry)),
            None => self.base.blob(blob),
        }
    }

    /// The log may end only in its last segment: anywhere else something was lost.
    fn nothing_follows(
        &self,
        last: u64,
        offset: u64,
        what: Option<&'static str>,
    ) -> Result<(), OpenError> {
        let doing = |error| OpenError::Io { doing: "reading the segments' directory", error };
        for segment in self.files.numbers(SEGMENTS).map_err(doing)? {
            if segment > last && self.has_frames(segment).map_err(doing)? {
                let what = what.unwrap_or("the segment ends");
                let what = format!("{what}, though segment {segment:016x} follows");
                return Err(corrupt(Name::Segment(last).path(), offset, what));
            }
        }
        Ok(())
    }

    fn has_frames(&self, segment: u64) -> io::Result<bool> {
        let file = self.files.get(Name::Segment(segment))?;
        let found = Scanner::new(file, Position { segment, offset: 0 }).next()?;
        Ok(matches!(found, Found::Frame { .. }))
    }
}

impl Recovered {
    /// Removes the files that nothing refers to, and says whether the segment after the log's end
    /// is there and can be used.
    pub fn tidy(&self, files: &Files, segment_size: u64) -> io::Result<Option<u64>> {
        let mut spare = None;
        for segment in files.numbers(SEGMENTS)? {
            let is_next = segment == self.end.segment + 1;
            if is_next && files.get(Name::Segment(segment))?.len()? == segment_size {
                spare = Some(segment);
            } else if segment > self.end.segment || self.is_collected(segment) {
                files.remove(Name::Segment(segment))?;
            }
        }
        for number in files.numbers(LARGE)? {
            let entry = match self.memtable.blob(BlobId(number)) {
                Some(entry) => Some(entry),
                None => self.base.blob(BlobId(number)).map_err(io::Error::other)?,
            };
            if entry.is_none_or(|entry| entry.holders == 0) {
                files.remove(Name::Large(BlobId(number)))?;
            }
        }
        Ok(spare)
    }

    fn is_collected(&self, segment: u64) -> bool {
        segment < self.mark.position.segment && self.usage.get(segment).is_none()
    }
}
