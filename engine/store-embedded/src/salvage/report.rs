//! What a salvage came to.

use core_store::BlobId;
use std::fmt;

/// Damages of each kind that are listed; what is beyond is only counted.
const LISTED_MAX: usize = 1_000;

/// Where the metadata came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// The metadata file, and the log behind it.
    #[default]
    Metadata,
    /// Its second copy, and the log behind it.
    Copy,
    /// The log alone, or with what could be read of the second copy. What was deleted in a part of the
    /// log that is gone may be back.
    Log,
}

/// How far a salvage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SalvageProgress {
    /// What is done just now.
    pub what: &'static str,
    /// Units done.
    pub done: u64,
}

/// A body of which something is damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// Which.
    pub blob: BlobId,
    /// Octets of it,
    pub len: u64,
    /// and how many of them are missing: in their place a text says so.
    pub missing: u64,
    /// What is wrong, and where.
    pub what: String,
}

/// What a salvage came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SalvageReport {
    /// Where the metadata came from.
    pub origin: Origin,
    /// Records written.
    pub records: u64,
    /// Bodies written whole and verified.
    pub bodies: u64,
    /// Their octets, and those of damaged ones.
    pub body_bytes: u64,
    /// Bodies of which something is damaged; they are written as far as they can be read.
    pub damaged: Vec<Damaged>,
    /// More of them than are listed.
    pub damaged_unlisted: u64,
    /// Bodies without a record, kept under [`super::ORPHANS`].
    pub orphans: u64,
    /// Batches of the log that are missing: what they changed is not known.
    pub missing_batches: u64,
    /// Octets of the log in which nothing can be made out.
    pub unreadable_bytes: u64,
    /// What is wrong with files, each with its place.
    pub findings: Vec<String>,
    /// More of them than are listed.
    pub findings_unlisted: u64,
}

impl SalvageReport {
    /// Was everything good that is needed?
    pub fn is_whole(&self) -> bool {
        self.damaged.is_empty() && self.missing_batches == 0 && self.origin != Origin::Log
    }

    pub(super) fn find(&mut self, what: String) {
        match self.findings.len() < LISTED_MAX {
            true => self.findings.push(what),
            false => self.findings_unlisted += 1,
        }
    }

    pub(super) fn damage(&mut self, damaged: Damaged) {
        match self.damaged.len() < LISTED_MAX {
            true => self.damaged.push(damaged),
            false => self.damaged_unlisted += 1,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Origin::Metadata => "the metadata file and the log behind it",
            Origin::Copy => "the second copy of the metadata and the log behind it",
            Origin::Log => "the log alone",
        })
    }
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Damaged { blob, len, missing, what } = self;
        match missing {
            0 => write!(f, "body {}: {what}; kept as it is read, {len} octets", blob.0),
            _ => write!(f, "body {}: {what}; {missing} of {len} octets are missing", blob.0),
        }
    }
}

impl fmt::Display for SalvageReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        if self.findings_unlisted > 0 {
            writeln!(f, "and {} more", self.findings_unlisted)?;
        }
        writeln!(f, "metadata from  {}", self.origin)?;
        writeln!(f, "records        {}", self.records)?;
        writeln!(f, "bodies         {} whole, {} octets", self.bodies, self.body_bytes)?;
        let damaged = self.damaged.len() as u64 + self.damaged_unlisted;
        writeln!(f, "damaged        {damaged} bodies")?;
        writeln!(f, "without record {} bodies", self.orphans)?;
        write!(
            f,
            "lost           {} batches; {} octets of the log cannot be made out",
            self.missing_batches, self.unreadable_bytes
        )
    }
}
