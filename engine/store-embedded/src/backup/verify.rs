//! Reading backups and comparing them with what they say of themselves.

use super::copy::{Trouble, sum};
use super::manifest::{File, Kind, Manifest};
use super::target::BackupDirectory;
use super::{BackupError, Pace, Watch};
use crate::Finding;
use crate::blob::Entry;
use crate::disk::{DiskFile, Mode};
use crate::dump::{DumpScan, Item, Step};
use crate::frame;
use crate::log::{Found, Position, Scanner};
use core_store::BlobId;
use std::collections::{BTreeMap, HashSet};
use std::io;
use std::sync::Arc;

/// Findings that are listed; what is beyond is only counted.
const FINDINGS_MAX: usize = 1000;

/// What reading backups came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// The backups that were read.
    pub backups: Vec<u64>,
    /// Backups that were begun and not ended.
    pub unfinished: Vec<u64>,
    /// What is wrong, and in which file.
    pub findings: Vec<Finding>,
    /// How many more there were than are listed.
    pub unlisted: u64,
    /// Damage that the store had when a backup was taken.
    pub inherited: Vec<String>,
    /// Files read.
    pub files: u64,
    /// Octets read.
    pub bytes: u64,
    /// Bodies that the metadata names.
    pub bodies: u64,
}

impl VerifyReport {
    /// Can everything be restored that was backed up?
    pub fn is_good(&self) -> bool {
        self.findings.is_empty() && !self.backups.is_empty()
    }

    fn add(&mut self, file: String, offset: u64, what: impl Into<String>) {
        match self.findings.len() < FINDINGS_MAX {
            true => self.findings.push(Finding { file, offset, what: what.into() }),
            false => self.unlisted += 1,
        }
    }
}

/// Where the bodies of a backup can be.
struct Bodies {
    /// How far each segment reaches.
    segments: BTreeMap<u64, u64>,
    large: BTreeMap<u64, u64>,
}

impl BackupDirectory {
    /// Reads the backup `number` (the newest if none is named), every octet, at most `rate` a second.
    pub fn verify(
        &self,
        number: Option<u64>,
        rate: Option<u64>,
        watch: Watch<'_>,
    ) -> Result<VerifyReport, BackupError> {
        let number = match number {
            Some(number) => number,
            None => self.chosen(None)?.number,
        };
        self.verify_these(&[number], rate, watch)
    }

    /// Reads every backup; files that several have in common once.
    pub fn verify_all(
        &self,
        rate: Option<u64>,
        watch: Watch<'_>,
    ) -> Result<VerifyReport, BackupError> {
        self.verify_these(&self.numbers()?, rate, watch)
    }

    fn verify_these(
        &self,
        numbers: &[u64],
        rate: Option<u64>,
        watch: Watch<'_>,
    ) -> Result<VerifyReport, BackupError> {
        let report = VerifyReport { unfinished: self.unfinished()?, ..VerifyReport::default() };
        let mut verify = Verify { directory: self, report, read: HashSet::new() };
        let mut pace = Pace::new(rate, watch);
        for number in numbers {
            match self.manifest(*number) {
                Ok(manifest) => verify.backup(&manifest, &mut pace)?,
                Err(BackupError::Damaged { file, what }) => {
                    verify.report.backups.push(*number);
                    verify.report.add(file, 0, what);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(verify.report)
    }
}

struct Verify<'a> {
    directory: &'a BackupDirectory,
    report: VerifyReport,
    /// Files read already, for this backup or another.
    read: HashSet<File>,
}

impl Verify<'_> {
    fn backup(&mut self, manifest: &Manifest, pace: &mut Pace<'_>) -> Result<(), BackupError> {
        let reading = || self.directory.failed("reading a backup");
        self.report.backups.push(manifest.number);
        self.report.inherited.extend(manifest.damage.iter().cloned());
        let unread = manifest.files.iter().filter(|file| !self.read.contains(file));
        pace.part("files", Some(unread.map(|file| file.len).sum())).map_err(reading())?;
        for file in &manifest.files {
            if self.read.insert(*file) {
                let read = self.file(file, pace);
                read.map_err(self.directory.failed("reading a backup"))?;
            }
        }
        let bodies = Bodies::of(manifest);
        for file in manifest.files.iter().filter(|file| file.kind == Kind::Metadata) {
            let read = self.metadata(file, &bodies, manifest, pace);
            read.map_err(self.directory.failed("reading a backup"))?;
        }
        if !manifest.files.iter().any(|file| file.kind == Kind::Metadata) {
            let file = format!("manifest of backup {}", manifest.number);
            self.report.add(file, 0, "it names no metadata");
        }
        Ok(())
    }

    /// Reads all of a file. An error only if the job shall not go on.
    fn file(&mut self, file: &File, pace: &mut Pace<'_>) -> io::Result<()> {
        let path = file.path();
        let held = match self.directory.disk.open(&path, Mode::Read) {
            Ok(held) => held,
            Err(error) => {
                self.report.add(path, 0, error.to_string());
                return Ok(());
            }
        };
        self.report.files += 1;
        // The medium is what is to be read.
        held.forget_cached();
        match sum(&*held, (0, file.len), pace, |_, _| Ok(())) {
            Ok(crc) if crc == file.crc => self.report.bytes += file.len,
            Ok(_) => {
                let (offset, what) = match file.kind {
                    Kind::Segment => frames(&held, file.number, 0, file.len),
                    Kind::Tail => frames(&held, file.number, file.from, file.len),
                    Kind::Metadata | Kind::Large => None,
                }
                .unwrap_or((0, "the checksum of the file does not match"));
                self.report.add(path, offset, what);
            }
            Err(Trouble::Source(error)) => self.report.add(path, 0, error.to_string()),
            Err(Trouble::Target(error)) => return Err(error),
        }
        Ok(())
    }

    /// Reads the records, and looks whether the bodies they name have a place in this backup.
    fn metadata(
        &mut self,
        file: &File,
        bodies: &Bodies,
        manifest: &Manifest,
        pace: &mut Pace<'_>,
    ) -> io::Result<()> {
        let path = file.path();
        // One that is missing is told of already.
        let Ok(held) = self.directory.disk.open(&path, Mode::Read) else { return Ok(()) };
        let mut scan = DumpScan::new(held)?;
        loop {
            let at = scan.offset();
            match scan.next_step() {
                Ok(None) => return Ok(()),
                Ok(Some(Step::Damaged { offset, what })) => {
                    self.report.add(path.clone(), offset, what);
                }
                Ok(Some(Step::End(trailer))) if trailer.mark != manifest.mark => {
                    self.report.add(path.clone(), 0, "it is of another moment than its manifest");
                }
                Ok(Some(Step::End(_))) => {}
                Ok(Some(Step::Items(items))) => {
                    for item in items {
                        if let Item::Blob(blob, entry) = item {
                            self.report.bodies += 1;
                            self.body(&path, at, blob, &entry, bodies);
                        }
                    }
                }
                Err(error) => {
                    self.report.add(path, at, error.to_string());
                    return Ok(());
                }
            }
            pace.read(scan.offset() - at)?;
        }
    }

    fn body(&mut self, path: &str, at: u64, blob: BlobId, entry: &Entry, bodies: &Bodies) {
        let locator = entry.locator;
        let end = bodies.segments.get(&locator.segment).copied().unwrap_or(0);
        let large = bodies.large.get(&blob.0).copied();
        let what = match () {
            () if locator.offset + locator.frame_len() > end => "segment",
            () if locator.large && large != Some(locator.len) => "file",
            () => return,
        };
        self.report.add(path.to_owned(), at, format!("the {what} of body {} is missing", blob.0));
    }
}

impl Bodies {
    fn of(manifest: &Manifest) -> Bodies {
        let mut bodies = Bodies { segments: BTreeMap::new(), large: BTreeMap::new() };
        for file in &manifest.files {
            match file.kind {
                Kind::Segment => drop(bodies.segments.insert(file.number, file.len)),
                Kind::Tail => {
                    let end = bodies.segments.entry(file.number).or_default();
                    // A piece without the one before it is no use.
                    if *end == file.from {
                        *end += file.len;
                    }
                }
                Kind::Large => drop(bodies.large.insert(file.number, file.len)),
                Kind::Metadata => {}
            }
        }
        bodies
    }
}

/// The first frame of a damaged segment, or of a piece of one, that is not good.
fn frames(
    file: &Arc<dyn DiskFile>,
    segment: u64,
    from: u64,
    len: u64,
) -> Option<(u64, &'static str)> {
    let shifted = Arc::new(super::disk::Pieces::one(file.clone(), from, len));
    let mut scanner = Scanner::new(shifted, Position { segment, offset: from });
    while scanner.offset() < from + len {
        let at = scanner.offset() - from;
        match scanner.next().ok()? {
            Found::Frame { header, offset } => {
                if let Err(what) = scanner.payload(&header, offset).ok()? {
                    return Some((at, what));
                }
                if header.kind == frame::Kind::Seal {
                    return None;
                }
            }
            Found::Blank => return Some((at, "nothing is here")),
            Found::Bad(what) => return Some((at, what)),
        }
    }
    None
}
