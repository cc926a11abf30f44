//! Taking a backup.

use super::copy::{self, PIECE, Trouble, sum};
use super::manifest::{File, Kind, Manifest};
use super::needs::{Moment, Needs};
use super::report::{BackupError, BackupReport};
use super::retain::Keep;
use super::target::{BackupDirectory, NEW};
use super::{Pace, Watch};
use crate::blob::{self, Locator};
use crate::disk::{Directory, Disk, DiskFile, Mode};
use crate::dump::{self, DumpWriter, Item};
use crate::files::{Files, Name, read_exact};
use crate::frame::{self, BLOCK, HEADER_SIZE, Header};
use crate::log::{Found, Position, SEAL_SIZE, Scanner};
use crate::shared::Shared;
use crate::{EmbeddedStore, Finding};
use core_store::BlobId;
use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Pieces in which the segment that is being written is kept at most; then it is copied anew.
const TAIL_PIECES_MAX: usize = 16;
/// Damage that is listed.
const DAMAGE_MAX: usize = 1000;

/// How to take a backup.
#[derive(Clone, Copy, Debug)]
pub struct BackupOptions {
    /// Which older ones are kept.
    pub keep: Keep,
    /// May files be shared with the store?
    pub linking: Linking,
    /// Octets a second, at most.
    pub rate: Option<u64>,
    /// When it begins.
    pub now: SystemTime,
}

/// May files be shared with the store?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linking {
    /// Where the file system can.
    Yes,
    /// Never: every octet is there twice.
    No,
}

impl Default for BackupOptions {
    fn default() -> BackupOptions {
        let (keep, linking, rate) = (Keep::default(), Linking::Yes, None);
        BackupOptions { keep, linking, rate, now: SystemTime::now() }
    }
}

impl EmbeddedStore {
    /// Takes a backup to the directory `to`, which is made if it is not there. Everything that was
    /// acknowledged before is in it. Takes long: not for a thread that serves others.
    pub fn backup(
        &self,
        to: &Path,
        options: &BackupOptions,
        watch: Watch<'_>,
    ) -> Result<BackupReport, BackupError> {
        self.backup_on(Arc::new(Directory::new(to)), to, options, watch)
    }

    /// The same on another disk; `to` is for messages.
    pub fn backup_on(
        &self,
        disk: Arc<dyn Disk>,
        to: &Path,
        options: &BackupOptions,
        watch: Watch<'_>,
    ) -> Result<BackupReport, BackupError> {
        let begun = Instant::now();
        let (target, _lock) = BackupDirectory::make(disk, to)?;
        let running = self.running();
        let (shared, queue) = (&running.shared, &running.queue);
        let mut go_on = |progress: super::Progress<'_>| {
            // A store that closes is not held up.
            shared.check().is_ok() && watch(progress)
        };
        let mut pace = Pace::new(options.rate, &mut go_on);
        pace.part("checkpoint", None).map_err(target.failed("waiting for a checkpoint"))?;
        let moment = Moment::take(shared, queue, || {
            pace.spend(0).map_err(target.failed("waiting for a checkpoint"))
        })?;
        let mut run = Run::new(shared, &target, options)?;
        run.all(&moment, &mut pace)?;
        run.report.took = begun.elapsed();
        Ok(run.report)
    }
}

/// A backup that is being taken.
struct Run<'a> {
    shared: &'a Shared,
    source: &'a Files,
    target: &'a BackupDirectory,
    options: &'a BackupOptions,
    last: Option<Manifest>,
    /// The files of the last backup by kind and number; pieces of a segment are not among them.
    known: HashMap<(Kind, u64), File>,
    /// Complete files that are in the directory, whoever made them.
    present: HashMap<(Kind, u64), Vec<u32>>,
    files: Vec<File>,
    report: BackupReport,
    /// Damage found, listed or not.
    damaged: u64,
}

impl<'a> Run<'a> {
    fn new(
        shared: &'a Shared,
        target: &'a BackupDirectory,
        options: &'a BackupOptions,
    ) -> Result<Run<'a>, BackupError> {
        // One that cannot be read is as good as none.
        let last = target.numbers()?.iter().rev().find_map(|n| target.manifest(*n).ok());
        let files = last.iter().flat_map(|last| &last.files);
        let whole = files.filter(|file| file.kind != Kind::Tail);
        let known = whole.map(|file| ((file.kind, file.number), *file)).collect();
        let mut present: HashMap<(Kind, u64), Vec<u32>> = HashMap::new();
        for kind in [Kind::Segment, Kind::Large] {
            let listing = "reading the directory of backups";
            for name in target.disk.list(kind.directory()).map_err(target.failed(listing))? {
                if let Some((number, _, crc)) = File::of_name(kind, &name) {
                    present.entry((kind, number)).or_default().push(crc);
                }
            }
        }
        let (files, report) = (Vec::new(), BackupReport::default());
        let source = &*shared.files;
        Ok(Run { shared, source, target, options, last, known, present, files, report, damaged: 0 })
    }

    fn all(&mut self, moment: &Moment, pace: &mut Pace<'_>) -> Result<(), BackupError> {
        let target = self.target;
        let number = target.begin()?;
        self.report.number = number;
        let needs = self.metadata(moment, number, pace)?;
        self.segments(&needs, moment.mark.position, pace)?;
        self.tail(moment.mark.position, pace)?;
        self.large(&needs, pace)?;
        for kind in Kind::ALL {
            let syncing = "making the names of files durable";
            target.disk.sync_dir(kind.directory()).map_err(target.failed(syncing))?;
        }
        let begun = self.options.now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let begun = begun.as_millis() as u64;
        self.files.sort_unstable();
        target.complete(&Manifest {
            number,
            begun,
            mark: moment.mark,
            bodies: needs.bodies,
            body_bytes: needs.body_bytes,
            copied: self.report.copies.copied.bytes,
            linked: self.report.copies.linked.bytes,
            damage: self.report.damage.iter().map(Finding::to_string).collect(),
            files: std::mem::take(&mut self.files),
        })?;
        target.forget_unfinished()?;
        self.report.removed = target.retire(&self.options.keep, begun)?;
        self.report.swept = target.sweep()?;
        Ok(())
    }

    /// The metadata, and which files its bodies are in.
    fn metadata(
        &mut self,
        moment: &Moment,
        number: u64,
        pace: &mut Pace<'_>,
    ) -> Result<Needs, BackupError> {
        let reading = || self.target.failed("writing the metadata");
        pace.part("metadata", None).map_err(reading())?;
        let path = format!("{}/{number:016x}{NEW}", Kind::Metadata.directory());
        let file = self.target.disk.open(&path, Mode::Any).map_err(reading())?;
        file.set_len(0).map_err(reading())?;
        let mut needs = Needs::default();
        let written = dump::of_base(&moment.base, DumpWriter::new(file), |item| {
            if let Item::Blob(blob, entry) = item {
                needs.note(*blob, entry);
            }
            pace.spend(item.size())
        });
        let written = written.map_err(reading())?;
        let (len, crc) = (written.len, written.crc);
        let file = File { kind: Kind::Metadata, number, from: 0, len, crc, mark: 0 };
        // A store in which nothing has happened since has the same metadata.
        let same = self.last.as_ref().filter(|last| last.mark == moment.mark).and_then(|last| {
            let same = |f: &&File| (f.kind, f.len, f.crc) == (Kind::Metadata, len, crc);
            last.files.iter().find(same).copied()
        });
        match same.filter(|same| self.is_present(same)) {
            Some(same) => {
                self.target.disk.remove(&path).map_err(reading())?;
                self.report.copies.kept.add(len);
                self.files.push(same);
            }
            None => {
                self.target.disk.rename(&path, &file.path()).map_err(reading())?;
                self.report.copies.copied.add(len);
                self.files.push(file);
            }
        }
        self.report.records = written.trailer.values;
        self.report.metadata_bytes = len;
        (self.report.bodies, self.report.body_bytes) = (needs.bodies, needs.body_bytes);
        Ok(needs)
    }

    fn segments(
        &mut self,
        needs: &Needs,
        end: Position,
        pace: &mut Pace<'_>,
    ) -> Result<(), BackupError> {
        let sealed = || needs.segments.range(..end.segment);
        let len = |segment: &u64| self.source.get(Name::Segment(*segment))?.len();
        let all = sealed().filter_map(|segment| len(segment).ok()).sum();
        pace.part("segments", Some(all)).map_err(self.target.failed("copying segments"))?;
        for segment in sealed() {
            let taken = self.segment(*segment, pace);
            self.settle(&Name::Segment(*segment).path(), taken)?;
        }
        Ok(())
    }

    /// What a file came to: damage in the store is noted, and the backup goes on.
    fn settle(&mut self, file: &str, taken: Result<File, Trouble>) -> Result<(), BackupError> {
        match taken {
            Ok(file) => self.files.push(file),
            Err(Trouble::Source(error)) => {
                // Once it has failed, or is opened again, files go that this moment needs.
                self.shared.check().map_err(BackupError::Store)?;
                self.damage(file, 0, error.to_string());
            }
            Err(Trouble::Target(error)) => return Err(self.target.failed("copying a file")(error)),
        }
        Ok(())
    }

    fn damage(&mut self, file: &str, offset: u64, what: String) {
        self.damaged += 1;
        if self.report.damage.len() < DAMAGE_MAX {
            self.report.damage.push(Finding { file: file.to_owned(), offset, what });
        }
    }

    fn segment(&mut self, segment: u64, pace: &mut Pace<'_>) -> Result<File, Trouble> {
        let name = Name::Segment(segment);
        let source = self.source.get(name).map_err(Trouble::Source)?;
        let seal = seal_at_end(&*source, segment).map_err(Trouble::Source)?;
        if let Some(mark) = seal
            && let Some(file) = self.held(Kind::Segment, segment, mark, pace)?
        {
            return Ok(file);
        }
        let damaged = self.damaged;
        let frames = self.frames(&source, Position { segment, offset: 0 }, None, pace)?;
        let len = source.len().map_err(Trouble::Source)?;
        // One that is damaged gets no mark, so that each backup looks at it and tells of it.
        let sealed = frames.filter(|_| self.damaged == damaged);
        let (end, mark) = sealed.unwrap_or((len, 0));
        let file = File { kind: Kind::Segment, number: segment, from: 0, len: end, crc: 0, mark };
        self.take(&name.path(), &*source, file, end == len, pace, |_, _| Ok(()))
    }

    /// Reads every frame from `from` up to the seal, or to `end`. Where the seal ends, and its
    /// checksum; `None` if the segment is damaged.
    fn frames(
        &mut self,
        source: &Arc<dyn DiskFile>,
        from: Position,
        end: Option<u64>,
        pace: &mut Pace<'_>,
    ) -> Result<Option<(u64, u32)>, Trouble> {
        let mut scanner = Scanner::new(source.clone(), from);
        let what = loop {
            if end.is_some_and(|end| scanner.offset() >= end) {
                return Ok(None);
            }
            let (header, offset) = match scanner.next().map_err(Trouble::Source)? {
                Found::Frame { header, offset } => (header, offset),
                Found::Blank => break "nothing is here",
                Found::Bad(what) => break what,
            };
            if let Err(what) = scanner.payload(&header, offset).map_err(Trouble::Source)? {
                // The header is good, so what follows can be looked at too.
                self.damage(&Name::Segment(from.segment).path(), offset, what.into());
            }
            pace.read(header.frame_len()).map_err(Trouble::Target)?;
            if header.kind == frame::Kind::Seal {
                return Ok(Some((scanner.offset(), mark_of(&header))));
            }
        };
        self.damage(&Name::Segment(from.segment).path(), scanner.offset(), what.into());
        Ok(None)
    }

    /// The pieces of the segment that was being written, up to the moment's end.
    fn tail(&mut self, end: Position, pace: &mut Pace<'_>) -> Result<(), BackupError> {
        if end.offset == 0 {
            return Ok(());
        }
        let failed = || self.target.failed("copying the log's end");
        pace.part("log", Some(end.offset)).map_err(failed())?;
        let name = Name::Segment(end.segment);
        let source = self.source.get(name).map_err(Trouble::Source);
        match source.and_then(|source| self.pieces(&source, end, pace)) {
            Ok(files) => self.files.extend(files),
            Err(Trouble::Source(error)) => {
                self.shared.check().map_err(BackupError::Store)?;
                self.damage(&name.path(), 0, error.to_string());
            }
            Err(Trouble::Target(error)) => return Err(failed()(error)),
        }
        Ok(())
    }

    fn pieces(
        &mut self,
        source: &Arc<dyn DiskFile>,
        end: Position,
        pace: &mut Pace<'_>,
    ) -> Result<Vec<File>, Trouble> {
        let mut pieces = self.pieces_held(&**source, end, pace)?;
        let from = pieces.last().map_or(0, |piece| piece.from + piece.len);
        if from < end.offset {
            self.frames(source, Position { offset: from, ..end }, Some(end.offset), pace)?;
            let path = format!("{}/{:016x}", Kind::Tail.directory(), end.segment);
            let (disk, range) = (&*self.target.disk, (from, end.offset));
            let crc = copy::copy(&**source, range, disk, &path, pace, |_, _| Ok(()))?;
            let (number, len) = (end.segment, end.offset - from);
            let file = File { kind: Kind::Tail, number, from, len, crc, mark: 0 };
            disk.rename(&format!("{path}{NEW}"), &file.path()).map_err(Trouble::Target)?;
            self.report.copies.copied.add(len);
            pieces.push(file);
        }
        Ok(pieces)
    }

    /// The pieces of the last backup that are still the front of that segment.
    fn pieces_held(
        &mut self,
        source: &dyn DiskFile,
        end: Position,
        pace: &mut Pace<'_>,
    ) -> Result<Vec<File>, Trouble> {
        let files = self.last.iter().flat_map(|last| &last.files);
        let of_segment = |f: &&File| f.kind == Kind::Tail && f.number == end.segment;
        let pieces: Vec<File> = files.filter(of_segment).copied().collect();
        let mut held = Vec::new();
        let mut at = 0;
        for piece in pieces {
            let until = piece.from + piece.len;
            if piece.from != at || until > end.offset || !self.is_present(&piece) {
                break;
            }
            if sum(source, (at, until), pace, |_, _| Ok(()))? != piece.crc {
                break;
            }
            at = until;
            held.push(piece);
        }
        if held.len() >= TAIL_PIECES_MAX && at < end.offset {
            held.clear();
        }
        held.iter().for_each(|piece| self.report.copies.kept.add(piece.len));
        Ok(held)
    }

    fn large(&mut self, needs: &Needs, pace: &mut Pace<'_>) -> Result<(), BackupError> {
        let all = needs.large.iter().map(|(_, locator)| locator.len).sum();
        pace.part("large bodies", Some(all)).map_err(self.target.failed("copying bodies"))?;
        for (blob, locator) in &needs.large {
            let taken = self.large_body(*blob, *locator, pace);
            self.settle(&Name::Large(*blob).path(), taken)?;
        }
        Ok(())
    }

    fn large_body(
        &mut self,
        blob: BlobId,
        locator: Locator,
        pace: &mut Pace<'_>,
    ) -> Result<File, Trouble> {
        let table_len = frame::table_size(locator.len) as usize;
        let segment = self.source.get(Name::Segment(locator.segment)).map_err(Trouble::Source)?;
        let front = read_exact(&*segment, locator.offset, HEADER_SIZE + table_len);
        let front = front.map_err(Trouble::Source)?;
        let (header, table) = front.split_at(HEADER_SIZE);
        let mark = blob::verify(header, table, blob, locator).map_err(Trouble::Source)?.payload_crc;
        if let Some(file) = self.held(Kind::Large, blob.0, mark, pace)? {
            return Ok(file);
        }
        let name = Name::Large(blob);
        // Not kept open: there may be very many.
        let source = self.source.disk.open(&name.path(), Mode::Read).map_err(Trouble::Source)?;
        let (number, len) = (blob.0, locator.len);
        let file = File { kind: Kind::Large, number, from: 0, len, crc: 0, mark };
        let is_whole = source.len().map_err(Trouble::Source)? == len;
        let mut bad = None;
        let taken = self.take(&name.path(), &*source, file, is_whole, pace, |at, piece| {
            if !frame::blocks_match(table, (at / BLOCK as u64) as usize, piece) {
                bad = bad.or(Some(at));
            }
            Ok(())
        })?;
        match bad {
            None => Ok(taken),
            Some(at) => {
                self.damage(&name.path(), at, "the checksum of a block does not match".into());
                Ok(File { mark: 0, ..taken })
            }
        }
    }

    /// Brings `source` into the backup as `file`, whose checksum is not known yet.
    fn take(
        &mut self,
        path: &str,
        source: &dyn DiskFile,
        file: File,
        is_whole: bool,
        pace: &mut Pace<'_>,
        check: impl FnMut(u64, &[u8]) -> Result<(), Trouble>,
    ) -> Result<File, Trouble> {
        let (disk, range) = (&*self.target.disk, (0, file.len));
        let name = format!("{}/{:016x}", file.kind.directory(), file.number);
        let linked = is_whole
            && self.options.linking == Linking::Yes
            && copy::link(&*self.source.disk, path, disk, &name);
        let crc = match linked {
            true => sum(source, range, pace, check)?,
            false => copy::copy(source, range, disk, &name, pace, check)?,
        };
        let file = File { crc, ..file };
        let new = format!("{name}{NEW}");
        // What has this name already was found wanting, or is another link to the same file.
        disk.rename(&new, &file.path()).map_err(Trouble::Target)?;
        match linked {
            true => self.report.copies.linked.add(file.len),
            false => self.report.copies.copied.add(file.len),
        }
        Ok(file)
    }

    /// The file of that kind and number that is in the directory already, if it is the same: known
    /// from the last backup, or left by one that was interrupted, and then read.
    fn held(
        &mut self,
        kind: Kind,
        number: u64,
        mark: u32,
        pace: &mut Pace<'_>,
    ) -> Result<Option<File>, Trouble> {
        if let Some(file) = self.known.get(&(kind, number)).copied()
            && file.mark == mark
            && self.is_present(&file)
        {
            pace.spend(file.len).map_err(Trouble::Target)?;
            self.report.copies.kept.add(file.len);
            return Ok(Some(file));
        }
        for crc in self.present.get(&(kind, number)).cloned().unwrap_or_default() {
            let file = File { kind, number, from: 0, len: 0, crc, mark };
            let held = self.target.disk.open(&file.path(), Mode::Read).map_err(Trouble::Target)?;
            let len = held.len().map_err(Trouble::Target)?;
            let is_same = match kind {
                Kind::Segment => seal_of(&held, number).is_ok_and(|seal| seal == Some((len, mark))),
                _ => mark_of_octets(&*held, len).is_ok_and(|own| own == mark),
            };
            // What cannot be read there is copied anew.
            if is_same && sum(&*held, (0, len), pace, |_, _| Ok(())).is_ok_and(|sum| sum == crc) {
                self.report.copies.kept.add(len);
                return Ok(Some(File { len, ..file }));
            }
        }
        Ok(None)
    }

    fn is_present(&self, file: &File) -> bool {
        let held = self.target.disk.open(&file.path(), Mode::Read);
        held.and_then(|held| held.len()).is_ok_and(|len| len >= file.len)
    }
}

/// The mark of the seal that a segment's file ends with, if it does.
fn seal_at_end(file: &dyn DiskFile, segment: u64) -> io::Result<Option<u32>> {
    let Some(at) = file.len()?.checked_sub(SEAL_SIZE) else { return Ok(None) };
    let header = Header::decode(&read_exact(file, at, HEADER_SIZE)?);
    let is_seal = |h: &Header| h.kind == frame::Kind::Seal && h.segment == segment;
    Ok(header.ok().filter(is_seal).map(|header| mark_of(&header)))
}

/// Where the seal of a segment ends, and its mark, if every frame before it is good.
fn seal_of(file: &Arc<dyn DiskFile>, segment: u64) -> io::Result<Option<(u64, u32)>> {
    let mut scanner = Scanner::new(file.clone(), Position { segment, offset: 0 });
    loop {
        let Found::Frame { header, offset } = scanner.next()? else { return Ok(None) };
        if scanner.payload(&header, offset)?.is_err() {
            return Ok(None);
        }
        if header.kind == frame::Kind::Seal {
            return Ok(Some((scanner.offset(), mark_of(&header))));
        }
    }
}

/// Tells one segment's seal from another's: by which opening of the store wrote it, and when.
fn mark_of(seal: &Header) -> u32 {
    crc32c::crc32c(&seal.encode())
}

/// The checksum of a large body's block checksums, as its frame has it.
fn mark_of_octets(file: &dyn DiskFile, len: u64) -> io::Result<u32> {
    let mut checksums = frame::Checksums::default();
    let mut at = 0;
    while at < len {
        let piece = read_exact(file, at, (len - at).min(PIECE as u64) as usize)?;
        checksums.update(&piece);
        at += piece.len() as u64;
    }
    Ok(checksums.finish().1)
}
