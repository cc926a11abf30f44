//! Where the metadata is taken from, and taking it.

use super::replay::{Lost, Part, replay};
use super::report::{Origin, SalvageProgress, SalvageReport};
use super::target::Target;
use super::walk::Generations;
use super::{SalvageError, Tell, reading};
use crate::base::{self, Base, Mark};
use crate::disk::Mode;
use crate::dump::{DumpScan, DumpTable, Item, Step};
use crate::files::{Files, METADATA, Name};
use crate::log::Position;
use crate::twin::COPY;
use redb::Database;
use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Octets of the metadata file kept in memory.
const CACHE_SIZE: usize = 16 << 20;
/// Records between two words of progress.
const TOLD_EVERY: u64 = 1_000;

/// Where the metadata is taken from.
pub enum Start {
    /// The metadata file, all of it good.
    Metadata(Box<(Database, Base)>, Mark),
    /// The second copy, all of it good as far as is known now.
    Copy(Mark),
    /// The log from its beginning.
    Log,
}

impl Start {
    /// What the last frames were marked with then.
    pub fn generation(&self) -> Option<u32> {
        match self {
            Start::Metadata(_, mark) | Start::Copy(mark) => Some(mark.generation),
            Start::Log => None,
        }
    }
}

/// Looks what is there, and reads the metadata file to see whether it is good.
pub fn find(files: &Files, report: &mut SalvageReport) -> Start {
    match metadata(files) {
        Ok(start) => return start,
        Err(what) => report.find(format!("{METADATA}: {what}")),
    }
    report.origin = Origin::Copy;
    match copy(files) {
        Ok(mark) => return Start::Copy(mark),
        Err(what) => report.find(format!("{COPY}: {what}")),
    }
    report.origin = Origin::Log;
    Start::Log
}

fn told(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "the file is missing".to_owned(),
        _ => error.to_string(),
    }
}

/// A damaged file may make the library panic: that is an answer too.
fn metadata(files: &Files) -> Result<Start, String> {
    let file = files.disk.open(METADATA, Mode::Write).map_err(|error| told(&error))?;
    let room = files.room.clone();
    let read = || {
        let mut database = base::open(file, room, CACHE_SIZE).map_err(|error| error.to_string())?;
        match database.check_integrity() {
            Ok(true) => {}
            Ok(false) => return Err("its checksums do not match".to_owned()),
            Err(error) => return Err(error.to_string()),
        }
        let base = Base::now(&database).map_err(|error| error.to_string())?;
        let mark = base.mark().map_err(|error| error.to_string())?;
        Ok(Start::Metadata(Box::new((database, base)), mark))
    };
    let unwound = |_| Err("it is damaged so that it cannot be opened".to_owned());
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(unwound)
}

/// Reads all of it: a copy with a hole is not one.
fn copy(files: &Files) -> Result<Mark, String> {
    let file = files.disk.open(COPY, Mode::Read).map_err(|error| told(&error))?;
    let mut scan = DumpScan::new(file).map_err(|error| error.to_string())?;
    while let Some(step) = scan.next_step().map_err(|error| error.to_string())? {
        match step {
            Step::Items(_) => {}
            Step::Damaged { offset, what } => return Err(format!("at octet {offset}: {what}")),
            Step::End(trailer) => return Ok(trailer.mark),
        }
    }
    Err("it ends without its trailer".to_owned())
}

/// Brings records and the places of bodies.
pub fn bring(
    files: &Files,
    start: Start,
    generations: &Generations,
    target: &mut Target,
    report: &mut SalvageReport,
    lost: &mut Lost,
    tell: Tell<'_>,
) -> Result<(), SalvageError> {
    let beginning = Position { segment: 1, offset: 0 };
    let behind =
        |mark: &Mark| Part { from: mark.position, after: Some(mark.sequence), until: u64::MAX };
    match start {
        Start::Metadata(metadata, mark) => {
            lost.last = mark.sequence;
            from_base(&metadata.1, target, report, tell)?;
            drop(metadata);
            replay(files, &behind(&mark), generations, target, report, lost, tell)
        }
        Start::Copy(mark) => {
            lost.last = mark.sequence;
            from_copy(files, target, report, tell)?;
            replay(files, &behind(&mark), generations, target, report, lost, tell)
        }
        Start::Log => {
            // What can be read of a damaged copy is newer than the log before it.
            let mark = mark_of_copy(files);
            let until = mark.map_or(u64::MAX, |mark| mark.sequence);
            let first = (!is_cut(files)).then_some(0);
            let part = Part { from: beginning, after: first, until };
            replay(files, &part, generations, target, report, lost, tell)?;
            let Some(mark) = mark else { return Ok(()) };
            lost.last = mark.sequence;
            from_copy(files, target, report, tell)?;
            replay(files, &behind(&mark), generations, target, report, lost, tell)
        }
    }
}

fn mark_of_copy(files: &Files) -> Option<Mark> {
    let file = files.disk.open(COPY, Mode::Read).ok()?;
    DumpTable::open(file).ok().map(|table| table.trailer().mark)
}

/// Has the log's beginning been given up, as it may be?
fn is_cut(files: &Files) -> bool {
    files.disk.open(&Name::Segment(1).path(), Mode::Read).is_err()
}

fn from_base(
    base: &Base,
    target: &mut Target,
    report: &mut SalvageReport,
    tell: Tell<'_>,
) -> Result<(), SalvageError> {
    let mut done = Ok(());
    let mut count = 0;
    let mut note = |count: &mut u64, what| {
        *count += 1;
        if count.is_multiple_of(TOLD_EVERY) {
            tell(SalvageProgress { what, done: *count });
        }
    };
    let walked = base.for_each_value(|key, value| {
        note(&mut count, "records");
        done = target.put(key, value).map(drop);
        done.is_ok()
    });
    done?;
    unless_read(walked, report);
    let mut done = Ok(());
    let walked = base.for_each_blob(|blob, entry| {
        note(&mut count, "records");
        done = target.put_entry(blob, &entry);
        done.is_ok()
    });
    done?;
    unless_read(walked, report);
    report.records += count;
    target.flush()?;
    Ok(())
}

fn unless_read(walked: Result<(), core_store::StoreError>, report: &mut SalvageReport) {
    if let Err(error) = walked {
        report.find(format!("{METADATA}: {error}"));
    }
}

fn from_copy(
    files: &Files,
    target: &mut Target,
    report: &mut SalvageReport,
    tell: Tell<'_>,
) -> Result<(), SalvageError> {
    let doing = "reading the second copy of the metadata";
    let file = files.disk.open(COPY, Mode::Read).map_err(reading(doing))?;
    let mut scan = DumpScan::new(file).map_err(reading(doing))?;
    while let Some(step) = scan.next_step().map_err(reading(doing))? {
        match step {
            Step::Items(items) => {
                for item in items {
                    report.records += 1;
                    match item {
                        Item::Value(key, value) => drop(target.put(key, value)?),
                        Item::Blob(blob, entry) => target.put_entry(blob, &entry)?,
                        Item::Segment(..) => {}
                    }
                }
                tell(SalvageProgress { what: "records", done: report.records });
            }
            Step::Damaged { offset, what } => {
                report.find(format!("{COPY} at octet {offset}: {what}"))
            }
            Step::End(_) => break,
        }
    }
    target.flush()?;
    Ok(())
}
