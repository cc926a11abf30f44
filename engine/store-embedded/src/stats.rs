//! Numbers for the operator.

use crate::shared::Shared;
use core_store::StoreError;
use std::fmt;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// A store in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Keys with a value, as of the last checkpoint.
    pub records: u64,
    /// Keys changed since then.
    pub records_changed: u64,
    /// Bodies that somebody holds.
    pub blobs: u64,
    /// Segments of the log.
    pub segments: u64,
    /// Octets in segments that somebody needs.
    pub live_bytes: u64,
    /// Octets in segments that nobody needs.
    pub dead_bytes: u64,
    /// Octets of log that the last checkpoint does not cover.
    pub backlog_bytes: u64,
    /// Octets of memory for what was committed since then, roughly.
    pub memtable_bytes: u64,
    /// Commits done since opening.
    pub commits: u64,
    /// Batches made durable since opening, each with one sync.
    pub log_syncs: u64,
    /// Checkpoints written since opening.
    pub checkpoints: u64,
    /// How long the last one took.
    pub checkpoint_last: Duration,
    /// Octets of the second copy of the metadata.
    pub copy_bytes: u64,
    /// Second copies made since opening.
    pub copies: u64,
    /// Octets that the scrubber has read since opening.
    pub scrubbed_bytes: u64,
    /// Damages that it has found.
    pub scrubbed_damaged: u64,
    /// Rounds that it has done.
    pub scrubs: u64,
    /// Segments emptied by collection since opening.
    pub segments_collected: u64,
    /// Segments that collection could not read.
    pub segments_damaged: u64,
    /// Does a checkpoint wait for room on the disk?
    pub waits_for_room: bool,
    /// Why the store stopped taking commits, if it did.
    pub failure: Option<String>,
}

impl Stats {
    /// Of an open store.
    pub(crate) fn of(shared: &Shared) -> Result<Stats, StoreError> {
        let view = shared.published.current();
        let counters = &shared.counters;
        let frozen = view.frozen.as_ref();
        let mut stats = Stats {
            records: view.base.value_count()?,
            records_changed: (view.active.key_count() + frozen.map_or(0, |table| table.key_count()))
                as u64,
            backlog_bytes: counters.backlog.load(Relaxed),
            memtable_bytes: (view.active.size() + frozen.map_or(0, |table| table.size())) as u64,
            commits: counters.commits.load(Relaxed),
            log_syncs: counters.log_syncs.load(Relaxed),
            checkpoints: counters.checkpoints.load(Relaxed),
            checkpoint_last: Duration::from_micros(counters.checkpoint_micros.load(Relaxed)),
            copy_bytes: shared.twin.len(),
            copies: counters.copies.load(Relaxed),
            scrubbed_bytes: counters.scrubbed_bytes.load(Relaxed),
            scrubbed_damaged: counters.scrubbed_damaged.load(Relaxed),
            scrubs: counters.scrubs.load(Relaxed),
            segments_collected: counters.collected.load(Relaxed),
            segments_damaged: counters.damaged.load(Relaxed),
            waits_for_room: shared.files.room.is_waiting(),
            failure: shared.failure().map(str::to_owned),
            ..Stats::default()
        };
        for (_, used) in shared.usage().iter() {
            stats.segments += 1;
            stats.blobs += used.blobs;
            stats.live_bytes += used.live;
            stats.dead_bytes += used.written.saturating_sub(used.live);
        }
        Ok(stats)
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "records        {} (and {} changed since the last checkpoint)",
            self.records, self.records_changed
        )?;
        writeln!(f, "bodies         {}", self.blobs)?;
        writeln!(f, "segments       {}", self.segments)?;
        writeln!(f, "in use         {}", Size(self.live_bytes))?;
        writeln!(f, "reclaimable    {}", Size(self.dead_bytes))?;
        writeln!(f, "backlog        {}", Size(self.backlog_bytes))?;
        writeln!(f, "memory         {}", Size(self.memtable_bytes))?;
        writeln!(f, "commits        {} with {} syncs", self.commits, self.log_syncs)?;
        writeln!(f, "checkpoints    {}, the last in {:?}", self.checkpoints, self.checkpoint_last)?;
        writeln!(f, "second copy    {}, made {} times", Size(self.copy_bytes), self.copies)?;
        writeln!(
            f,
            "read over      {} in {} rounds, {} damages found",
            Size(self.scrubbed_bytes),
            self.scrubs,
            self.scrubbed_damaged
        )?;
        write!(
            f,
            "collected      {} segments, {} unreadable",
            self.segments_collected, self.segments_damaged
        )?;
        if self.waits_for_room {
            write!(f, "\nfull           a checkpoint waits for room on the disk; make some")?;
        }
        match &self.failure {
            Some(why) => write!(f, "\nstopped        {why}"),
            None => Ok(()),
        }
    }
}

/// Octets for people.
struct Size(u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            octets if octets < 10 << 10 => write!(f, "{octets} B"),
            octets if octets < 10 << 20 => write!(f, "{} KiB", octets >> 10),
            octets if octets < 10 << 30 => write!(f, "{} MiB", octets >> 20),
            octets => write!(f, "{} GiB", octets >> 30),
        }
    }
}
