//! Verification: reads, compares, changes nothing.

use crate::base::Base;
use crate::blob::{self, Entry};
use crate::disk::Directory;
use crate::files::{Files, METADATA, Name, SEGMENTS, read_exact};
use crate::frame::{self, BLOCK, HEADER_SIZE};
use crate::log::{Found, Position, Scanner};
use crate::options::{OpenError, Options};
use crate::recovery::{self, Recovered};
use crate::salvage::walk::{self, Generations};
use crate::store::take_lock;
use crate::view::{Published, View};
use core_store::{BlobId, StoreError};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

/// Findings that are listed; what is beyond is only counted.
const FINDINGS_MAX: usize = 1000;

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// How many more there were than are listed.
    pub unlisted: u64,
    /// The bodies among it, as far as they are listed.
    pub blobs_damaged: BTreeSet<BlobId>,
    /// What is not wrong but worth knowing.
    pub notes: Vec<String>,
    /// Frames that were good.
    pub frames: u64,
    /// Bodies whose place was good.
    pub blobs: u64,
    /// Octets read.
    pub bytes: u64,
    /// Did the budget suffice for everything?
    pub complete: bool,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file, relative to the store's directory.
    pub file: String,
    /// Octets before it.
    pub offset: u64,
    /// What it is.
    pub what: String,
}

impl CheckReport {
    /// Is everything as it should be, as far as was read?
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// A body is damaged; tells each only once.
    fn add_blob(&mut self, blob: BlobId, file: String, offset: u64, what: impl Into<String>) {
        if self.findings.len() >= FINDINGS_MAX || self.blobs_damaged.insert(blob) {
            self.add(file, offset, what);
        }
    }

    fn add(&mut self, file: String, offset: u64, what: impl Into<String>) {
        match self.findings.len() < FINDINGS_MAX {
            true => self.findings.push(Finding { file, offset, what: what.into() }),
            false => self.unlisted += 1,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at octet {}: {}", self.file, self.offset, self.what)
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        if self.unlisted > 0 {
            writeln!(f, "and {} more", self.unlisted)?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        let extent = if self.complete { "everything" } else { "a part" };
        let result = if self.is_clean() { "all of it good" } else { "not all of it good" };
        write!(
            f,
            "{} frames, {} bodies, {} octets read ({extent}): {result}",
            self.frames, self.blobs, self.bytes
        )
    }
}

/// Checks an open store.
pub fn check(files: &Files, published: &Published, budget: u64) -> CheckReport {
    let report = CheckReport { complete: true, ..CheckReport::default() };
    let generations = walk::generations(files, None);
    let mut check = Check { files, published: Some(published), generations, budget, report };
    check.blobs(&published.current());
    check.segments(None);
    check.report
}

/// Checks a store that nobody has open.
pub fn check_offline(directory: &Path) -> Result<CheckReport, OpenError> {
    let disk = Arc::new(Directory::new(directory));
    let _lock = take_lock(&*disk, directory)?;
    recovery::prepare(&*disk, directory)?;
    let files = Files::new(disk);
    let report = CheckReport { complete: true, ..CheckReport::default() };
    let generations = walk::generations(&files, None);
    let mut check = Check { files: &files, published: None, generations, budget: u64::MAX, report };
    let recovered = match or_panic(|| recovery::recover(&files, &Options::default(), None)) {
        Ok(recovered) => recovered,
        Err(OpenError::Corrupt { file, offset, what }) => {
            check.without_recovery(file, offset, what);
            return Ok(check.report);
        }
        Err(error) => return Err(error),
    };
    let Recovered { mut database, base, memtable, sequence, end, cut, .. } = recovered;
    let view = View {
        sequence,
        active: Arc::new(memtable),
        frozen: None,
        base: Arc::new(base),
        departed: Arc::default(),
    };
    check.blobs(&view);
    check.segments(Some(end));
    let mut report = check.report;
    drop(view);
    let checked = or_panic(|| database.check_integrity().map_err(recovery::metadata_error));
    match checked {
        Ok(true) => {}
        Ok(false) => report.add(METADATA.into(), 0, "it was damaged and has been repaired"),
        Err(error) => report.add(METADATA.into(), 0, error.to_string()),
    }
    if let Some(what) = cut {
        report
            .notes
            .push(format!("the log ends with an unfinished batch, never acknowledged ({what})"));
    }
    Ok(report)
}

/// A damaged metadata file may make its library panic: that is an answer too.
fn or_panic<T>(read: impl FnOnce() -> Result<T, OpenError>) -> Result<T, OpenError> {
    let unwound = |_| {
        let what = "it is damaged so that it cannot be read".to_owned();
        Err(OpenError::Corrupt { file: METADATA.to_owned(), offset: 0, what })
    };
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(unwound)
}

/// What the check of one frame came to.
enum Step {
    Good,
    End,
    OverBudget,
    /// What is wrong, and with which body, if it is one.
    Bad(&'static str, Option<BlobId>),
}

struct Check<'a> {
    files: &'a Files,
    /// Tells what has moved since the check began, in a store that is open.
    published: Option<&'a Published>,
    /// The marks of frames, to go on behind damage.
    generations: Generations,
    budget: u64,
    report: CheckReport,
}

impl Check<'_> {
    fn spend(&mut self, octets: u64) -> bool {
        if self.report.bytes.saturating_add(octets) > self.budget {
            self.report.complete = false;
            return false;
        }
        self.report.bytes += octets;
        true
    }

    /// The log cannot be replayed; everything else still can be looked at.
    fn without_recovery(&mut self, file: String, offset: u64, what: String) {
        self.report.add(file, offset, what);
        let opened = or_panic(|| {
            let database = recovery::open_metadata(self.files, Options::default().cache_size)?;
            Ok((Base::now(&database).map_err(recovery::metadata_error)?, database))
        });
        if let Ok((base, _database)) = opened {
            let view = View {
                sequence: 0,
                active: Arc::default(),
                frozen: None,
                base: Arc::new(base),
                departed: Arc::default(),
            };
            self.blobs(&view);
        }
        self.segments(None);
    }

    /// Every blob is held, and its place has its frame; large files are read.
    fn blobs(&mut self, view: &View) {
        let mut newer = BTreeMap::new();
        for table in view.frozen.iter().chain([&view.active]) {
            let _ = table.for_each_blob(|blob, entry| {
                newer.insert(blob, *entry);
                Ok::<(), StoreError>(())
            });
        }
        let walked = or_panic(|| {
            let visit = |blob, entry| newer.contains_key(&blob) || self.blob(blob, &entry);
            Ok(view.base.for_each_blob(visit))
        });
        if let Err(error) = walked
            .map_err(|error| error.to_string())
            .and_then(|walked| walked.map_err(|error| error.to_string()))
        {
            self.report.add(METADATA.into(), 0, error);
        }
        for (blob, entry) in newer {
            // Given up, and only waiting for the next checkpoint.
            if entry.holders > 0 && !self.blob(blob, &entry) {
                return;
            }
        }
    }

    /// `false` when the budget is used up.
    fn blob(&mut self, blob: BlobId, entry: &Entry) -> bool {
        let large = if entry.locator.large { entry.locator.len } else { 0 };
        let front = HEADER_SIZE as u64 + frame::table_size(entry.locator.len);
        if !self.spend(front + large) {
            return false;
        }
        let name = Name::Segment(entry.locator.segment);
        match self.verify_or_follow(blob, entry) {
            _ if entry.holders == 0 => {
                self.report.add(METADATA.into(), 0, format!("nobody holds blob {}", blob.0));
            }
            Ok(()) => self.report.blobs += 1,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let what = format!("the file of blob {} is missing", blob.0);
                self.report.add_blob(blob, name.path(), entry.locator.offset, what);
            }
            Err(error) => {
                let what = error.to_string();
                self.report.add_blob(blob, name.path(), entry.locator.offset, what);
            }
        }
        true
    }

    /// As [`Check::verify`], but a body that was moved or given up meanwhile is no mistake.
    fn verify_or_follow(&self, blob: BlobId, entry: &Entry) -> io::Result<()> {
        let verified = self.verify(blob, entry);
        let (Err(_), Some(published)) = (&verified, self.published) else { return verified };
        match published.current().blob(blob) {
            Ok(Some(now)) if now.holders > 0 && now.locator == entry.locator => verified,
            Ok(Some(now)) if now.holders > 0 => self.verify(blob, &now),
            _ => Ok(()),
        }
    }

    fn verify(&self, blob: BlobId, entry: &Entry) -> io::Result<()> {
        let locator = entry.locator;
        let segment = self.files.get(Name::Segment(locator.segment))?;
        let table = frame::table_size(locator.len) as usize;
        let checked = if table == 0 { locator.len as usize } else { table };
        let front = read_exact(&*segment, locator.offset, HEADER_SIZE + checked)?;
        let (header, checked) = front.split_at(HEADER_SIZE);
        blob::verify(header, checked, blob, locator)?;
        if locator.large {
            self.verify_large(blob, locator.len, checked)?;
        }
        Ok(())
    }

    fn verify_large(&self, blob: BlobId, len: u64, table: &[u8]) -> io::Result<()> {
        let name = Name::Large(blob);
        let file = self.files.get(name)?;
        for index in 0..len.div_ceil(BLOCK as u64) {
            let offset = index * BLOCK as u64;
            let block = read_exact(&*file, offset, (len - offset).min(BLOCK as u64) as usize)?;
            if !frame::blocks_match(table, index as usize, &block) {
                let path = name.path();
                return Err(frame::corrupt(format!(
                    "{path} at {offset}: the checksum of a block does not match"
                )));
            }
        }
        Ok(())
    }

    /// Every frame of every segment, up to the log's end if that is known. Beyond it, and in the
    /// segment that is being written, only the past is of interest.
    fn segments(&mut self, end: Option<Position>) {
        let segments = match self.files.numbers(SEGMENTS) {
            Ok(segments) => segments,
            Err(error) => return self.report.add(SEGMENTS.into(), 0, error.to_string()),
        };
        for segment in segments {
            match self.segment(segment, end) {
                Ok(true) => {}
                Ok(false) => return,
                // Collected in this moment.
                Err(error) if error.kind() == ErrorKind::NotFound && end.is_none() => {}
                Err(error) => self.report.add(Name::Segment(segment).path(), 0, error.to_string()),
            }
        }
    }

    fn segment(&mut self, segment: u64, end: Option<Position>) -> io::Result<bool> {
        let file = self.files.get(Name::Segment(segment))?;
        let mut scanner = Scanner::new(file.clone(), Position { segment, offset: 0 });
        let mut again = None;
        loop {
            let here = Position { segment, offset: scanner.offset() };
            if end.is_some_and(|end| here >= end) {
                return Ok(true);
            }
            let (what, blob) = match self.frame(&mut scanner)? {
                Step::Good => continue,
                Step::End => return Ok(true),
                Step::OverBudget => return Ok(false),
                Step::Bad(what, blob) => (what, blob),
            };
            // While the store is open, its last segment may be read in the middle of a write. Once
            // it is sealed that is over: look again.
            if end.is_none() && !self.is_sealed_by_later(segment) {
                return Ok(true);
            }
            if end.is_some() || again == Some(here) {
                let path = Name::Segment(segment).path();
                match blob {
                    Some(blob) => self.report.add_blob(blob, path, here.offset, what),
                    None => self.report.add(path, here.offset, what),
                }
                // A frame whose header is good says where the next one is.
                if scanner.offset() == here.offset && !scanner.skip_to(&self.generations)? {
                    return Ok(true);
                }
                again = None;
                continue;
            }
            again = Some(here);
            scanner = Scanner::new(file.clone(), here);
        }
    }

    fn frame(&mut self, scanner: &mut Scanner) -> io::Result<Step> {
        let (header, offset) = match scanner.next()? {
            Found::Frame { header, offset } => (header, offset),
            Found::Blank => return Ok(Step::Bad("nothing is here", None)),
            Found::Bad(what) => return Ok(Step::Bad(what, None)),
        };
        if !self.spend(header.frame_len()) {
            return Ok(Step::OverBudget);
        }
        if let Err(what) = scanner.payload(&header, offset)? {
            let is_body = matches!(header.kind, frame::Kind::Body | frame::Kind::Large);
            return Ok(Step::Bad(what, is_body.then_some(BlobId(header.blob))));
        }
        self.report.frames += 1;
        Ok(if header.kind == frame::Kind::Seal { Step::End } else { Step::Good })
    }

    /// Is the log already in a later segment?
    fn is_sealed_by_later(&self, segment: u64) -> bool {
        let Ok(file) = self.files.get(Name::Segment(segment + 1)) else { return false };
        let found = Scanner::new(file, Position { segment: segment + 1, offset: 0 }).next();
        matches!(found, Ok(Found::Frame { .. }))
    }
}
