//! The batches that the log still has, applied one after another.

use super::report::{SalvageProgress, SalvageReport};
use super::target::Target;
use super::walk::{Generations, Met, Walk};
use super::{SalvageError, Tell, reading};
use crate::files::{Files, Name, SEGMENTS};
use crate::frame::{Header, Kind};
use crate::log::Position;
use crate::record::{self, Change};
use bytes::Bytes;
use std::ops::RangeInclusive;

/// Ranges of missing batches that are told apart.
const RANGES_MAX: usize = 10_000;

/// Batches that are missing, by their sequence.
#[derive(Debug, Default)]
pub struct Lost {
    ranges: Vec<RangeInclusive<u64>>,
    /// The last batch that is there.
    pub last: u64,
}

impl Lost {
    /// Is none missing?
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// How many are missing.
    pub fn count(&self) -> u64 {
        self.ranges.iter().map(|range| range.end() - range.start() + 1).sum()
    }

    /// Is this one missing?
    pub fn contains(&self, sequence: u64) -> bool {
        self.ranges.iter().any(|range| range.contains(&sequence))
    }

    fn add(&mut self, first: u64, last: u64) {
        let is_full = self.ranges.len() >= RANGES_MAX;
        match self.ranges.last_mut().filter(|_| is_full) {
            Some(end) => *end = *end.start()..=last,
            None => self.ranges.push(first..=last),
        }
    }
}

/// Which batches.
pub struct Part {
    /// From here on,
    pub from: Position,
    /// those after this one, if it is known which came before,
    pub after: Option<u64>,
    /// up to this one.
    pub until: u64,
}

/// Applies the batches of `part` to the target.
pub fn replay(
    files: &Files,
    part: &Part,
    generations: &Generations,
    target: &mut Target,
    report: &mut SalvageReport,
    lost: &mut Lost,
    tell: Tell<'_>,
) -> Result<(), SalvageError> {
    let segments = files.numbers(SEGMENTS).map_err(reading("reading the segments' directory"))?;
    let mut replay = Replay { target, report, lost, last: part.after, until: part.until };
    let mut expected = part.from.segment;
    for segment in segments.into_iter().filter(|segment| *segment >= part.from.segment) {
        if segment > expected && part.after.is_some() {
            replay.report.find(format!("{} is missing", Name::Segment(expected).path()));
        }
        expected = segment + 1;
        tell(SalvageProgress { what: "segment", done: segment });
        let offset = if segment == part.from.segment { part.from.offset } else { 0 };
        let walk = Walk::new(files, Position { segment, offset }, generations);
        let walked = walk.map_err(reading("opening a segment"));
        replay.segment(walked?, segment)?;
    }
    replay.target.flush()?;
    Ok(())
}

struct Replay<'a> {
    target: &'a mut Target,
    report: &'a mut SalvageReport,
    lost: &'a mut Lost,
    last: Option<u64>,
    until: u64,
}

impl Replay<'_> {
    fn segment(&mut self, mut walk: Walk<'_>, segment: u64) -> Result<(), SalvageError> {
        let path = Name::Segment(segment).path();
        while let Some(met) = walk.next().map_err(reading("reading a segment"))? {
            let (header, offset) = match met {
                Met::Frame { header, offset } => (header, offset),
                Met::Gap { offset, end, what } => {
                    self.report.unreadable_bytes += end - offset;
                    self.report.find(format!("{path} at octet {offset}: {what}"));
                    continue;
                }
            };
            // Later ones are another part's; earlier ones are remains of what a crash left unfinished.
            let is_due = header.sequence <= self.until
                && self.last.is_none_or(|last| header.sequence > last);
            if header.kind != Kind::Batch || !is_due {
                continue;
            }
            let payload = walk.scanner.payload(&header, offset);
            match payload.map_err(reading("reading a batch"))? {
                Ok(payload) => {
                    let payload = Bytes::copy_from_slice(payload);
                    self.batch(&header, payload, &path, offset)?;
                }
                Err(what) => self.report.find(format!("{path} at octet {offset}: {what}")),
            }
        }
        Ok(())
    }

    fn batch(
        &mut self,
        header: &Header,
        payload: Bytes,
        path: &str,
        offset: u64,
    ) -> Result<(), SalvageError> {
        let Some((_, changes)) = record::decode(payload) else {
            self.report.find(format!("{path} at octet {offset}: a batch of an unknown form"));
            return Ok(());
        };
        // Without a beginning nobody knows how many came before the first one.
        if let Some(last) = self.last
            && header.sequence > last + 1
        {
            self.lost.add(last + 1, header.sequence - 1);
        }
        self.last = Some(header.sequence);
        self.lost.last = self.lost.last.max(header.sequence);
        for change in changes {
            self.report.records += 1;
            match change {
                Change::Value(key, Some(value)) => drop(self.target.put(key, value)?),
                Change::Value(key, None) => self.target.delete(key)?,
                Change::Blob(blob, entry) => self.target.put_entry(blob, &entry)?,
            }
        }
        Ok(())
    }
}
