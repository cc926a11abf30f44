//! Bodies, as far as they can be read.

use super::replay::Lost;
use super::report::{Damaged, Origin, SalvageProgress, SalvageReport};
use super::target::Target;
use super::walk::{Generations, Met, Walk};
use super::{SalvageError, Tell, reading};
use crate::blob::{self, Locator};
use crate::disk::DiskFile;
use crate::files::{Files, LARGE, Name, SEGMENTS};
use crate::frame::{self, BLOCK, HEADER_SIZE, Header, Kind};
use crate::log::Position;
use core_store::{BlobId, Body};
use std::io::ErrorKind;
use std::sync::Arc;

/// What stands in the place of octets that are missing.
const FILLER: &[u8] = b"[ these octets were lost with the disk that they were kept on ]\r\n";

/// Copies every body that somebody holds.
pub fn bring(
    files: &Files,
    target: &mut Target,
    report: &mut SalvageReport,
    tell: Tell<'_>,
) -> Result<(), SalvageError> {
    let mut rest = None;
    loop {
        let (entries, more) = target.entries(rest)?;
        for (blob, entry) in entries {
            if entry.holders == 0 {
                continue;
            }
            let body = copy(files, blob, entry.locator, target, report)?;
            target.keep(body, entry.holders)?;
            tell(SalvageProgress { what: "bodies", done: report.bodies });
        }
        match more {
            Some(more) => rest = Some(more),
            None => break,
        }
    }
    target.flush()?;
    Ok(())
}

/// Copies bodies that no batch names, though their own batch is lost, or everything but the log is.
pub fn bring_orphans(
    files: &Files,
    generations: &Generations,
    lost: &Lost,
    target: &mut Target,
    report: &mut SalvageReport,
    tell: Tell<'_>,
) -> Result<(), SalvageError> {
    let from_log = report.origin == Origin::Log;
    for segment in files.numbers(SEGMENTS).map_err(reading("reading the segments' directory"))? {
        tell(SalvageProgress { what: "bodies without a record: segment", done: segment });
        let walk = Walk::new(files, Position { segment, offset: 0 }, generations);
        let mut walk = walk.map_err(reading("opening a segment"))?;
        while let Some(met) = walk.next().map_err(reading("reading a segment"))? {
            let Met::Frame { header, offset } = met else { continue };
            let large = match header.kind {
                Kind::Body => false,
                Kind::Large => true,
                Kind::Batch | Kind::Seal => continue,
            };
            // What comes after the last batch was never acknowledged.
            let is_due =
                (from_log && header.sequence <= lost.last) || lost.contains(header.sequence);
            let blob = BlobId(header.blob);
            if !is_due || blob.0 == 0 {
                continue;
            }
            target.flush()?;
            if target.knows(blob)? {
                continue;
            }
            let locator = Locator { segment, offset, len: header.body_len, large };
            let body = copy(files, blob, locator, target, report)?;
            target.keep_orphan(body)?;
            report.orphans += 1;
        }
    }
    target.flush()?;
    unnamed_files(files, target, report)
}

/// Files of large bodies whose frame is lost.
fn unnamed_files(
    files: &Files,
    target: &mut Target,
    report: &mut SalvageReport,
) -> Result<(), SalvageError> {
    // A store without large bodies may have lost their directory without a loss.
    for number in files.numbers(LARGE).unwrap_or_default() {
        let blob = BlobId(number);
        if target.knows(blob)? {
            continue;
        }
        let name = Name::Large(blob);
        let file = files.get(name).map_err(reading("opening a large body"))?;
        let len = file.len().map_err(reading("reading a large body"))?;
        if len == 0 {
            continue;
        }
        let mut source = Source { file: Some(file), at: 0, len, table: None };
        let (body, _) = source.copy(blob, target)?;
        let what =
            format!("{}: no frame names it, so nothing tells whether it is whole", name.path());
        report.damage(Damaged { blob, len, missing: 0, what });
        target.keep_orphan(body)?;
        target.flush()?;
        report.orphans += 1;
    }
    Ok(())
}

/// Copies one body, and notes what is wrong with it.
fn copy(
    files: &Files,
    blob: BlobId,
    locator: Locator,
    target: &Target,
    report: &mut SalvageReport,
) -> Result<Body, SalvageError> {
    let (mut source, mut what) = Source::find(files, blob, locator);
    let (body, faults) = source.copy(blob, target)?;
    report.body_bytes += locator.len;
    let Faults { missing, wrong } = faults;
    if wrong && what.is_none() {
        what = Some("a checksum does not match".to_owned());
    }
    if missing > 0 && what.is_none() {
        what = Some("the file ends before it".to_owned());
    }
    match what {
        None => report.bodies += 1,
        Some(what) => {
            let file =
                if locator.large { Name::Large(blob) } else { Name::Segment(locator.segment) };
            let offset = if locator.large { 0 } else { locator.offset };
            let what = format!("{} at octet {offset}: {what}", file.path());
            report.damage(Damaged { blob, len: locator.len, missing, what });
        }
    }
    Ok(body)
}

/// Where a body's octets are, and what they are to be compared with.
struct Source {
    file: Option<Arc<dyn DiskFile>>,
    at: u64,
    len: u64,
    /// A checksum for each block, if they are known.
    table: Option<Vec<u8>>,
}

/// What came out while a body was read.
#[derive(Default)]
struct Faults {
    /// Octets that are not there.
    missing: u64,
    /// Is there a block that its checksum does not match?
    wrong: bool,
}

impl Source {
    /// And what is wrong so far.
    fn find(files: &Files, blob: BlobId, locator: Locator) -> (Source, Option<String>) {
        let (mut file, mut at) = (files.get(Name::Segment(locator.segment)).ok(), locator.offset);
        let mut what = file.is_none().then(|| "the file is missing".to_owned());
        let table_len = frame::table_size(locator.len) as usize;
        let front = file.as_ref().and_then(|file| front(&**file, &locator, table_len));
        let mut table = None;
        match front {
            Some((header, octets)) => match blob::verify(&header, &octets, blob, locator) {
                Ok(_) if table_len > 0 => table = Some(octets),
                Ok(header) => table = Some(header.payload_crc.to_le_bytes().to_vec()),
                // A header that is good, with octets that are not, tells their checksum.
                Err(error) => {
                    what = what.or(Some(short(&error)));
                    let own = Header::decode(&header).ok().filter(|header| header.blob == blob.0);
                    table = own
                        .filter(|_| table_len == 0)
                        .map(|h| h.payload_crc.to_le_bytes().to_vec());
                }
            },
            None => what = what.or(Some("the file ends before it".to_owned())),
        }
        at += (HEADER_SIZE + table_len) as u64;
        if locator.large {
            at = 0;
            file = match files.get(Name::Large(blob)) {
                Ok(file) => Some(file),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    what = Some("the file is missing".to_owned());
                    None
                }
                Err(error) => {
                    what = Some(error.to_string());
                    None
                }
            };
        }
        (Source { file, at, len: locator.len, table }, what)
    }

    /// Copies it block by block.
    fn copy(&mut self, blob: BlobId, target: &Target) -> Result<(Body, Faults), SalvageError> {
        let mut writer = target.begin(blob);
        let mut faults = Faults::default();
        let mut block = vec![0; BLOCK];
        for index in 0..self.len.div_ceil(BLOCK as u64) {
            let offset = index * BLOCK as u64;
            let len = (self.len - offset).min(BLOCK as u64) as usize;
            let block = block.get_mut(..len).unwrap_or_default();
            let count = match &self.file {
                Some(file) => file.read_at(block, self.at + offset).unwrap_or(0),
                None => 0,
            };
            let (there, gone) = block.split_at_mut(count);
            faults.missing += gone.len() as u64;
            fill(gone);
            let crc = self.table.as_ref().and_then(|table| frame::block_crc(table, index as usize));
            let is_good = gone.is_empty() && crc == Some(crc32c::crc32c(there));
            faults.wrong |= !is_good;
            // What is all zero was never written, or could not be read.
            if !is_good && !there.is_empty() && frame::is_blank(there) {
                faults.missing += there.len() as u64;
                fill(there);
            }
            target.write(&mut writer, block)?;
        }
        // A body without octets has nothing to compare.
        Ok((target.finish(writer)?, faults))
    }
}

/// Header and checksums, or octets, of a body's frame.
fn front(file: &dyn DiskFile, locator: &Locator, table_len: usize) -> Option<(Vec<u8>, Vec<u8>)> {
    let checked = if table_len == 0 { locator.len as usize } else { table_len };
    let mut octets = vec![0; HEADER_SIZE + checked];
    let count = file.read_at(&mut octets, locator.offset).ok()?;
    if count < HEADER_SIZE {
        return None;
    }
    octets.truncate(count);
    let checked = octets.split_off(HEADER_SIZE);
    Some((octets, checked))
}

fn fill(octets: &mut [u8]) {
    for piece in octets.chunks_mut(FILLER.len()) {
        let len = piece.len();
        piece.copy_from_slice(FILLER.get(FILLER.len() - len..).unwrap_or_default());
    }
}

/// What is wrong, without the place, which is told beside it.
fn short(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.rsplit(": ").next().unwrap_or(&text).to_owned()
}
