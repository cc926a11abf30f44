//! How much of each segment is in use.

use crate::blob::Entry;
use std::collections::BTreeMap;

/// One segment's use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SegmentUse {
    /// Octets of all frames.
    pub written: u64,
    /// Octets of the frames of bodies that somebody holds.
    pub live: u64,
    /// How many these are.
    pub blobs: u64,
}

impl SegmentUse {
    /// Is so little in use that the rest is worth more than the copying?
    pub fn is_sparse(&self) -> bool {
        self.live * 100 < self.written * LIVE_PERCENT_MIN
    }
}

/// Segments with less of them in use are collected.
const LIVE_PERCENT_MIN: u64 = 60;

/// Every segment's use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    segments: BTreeMap<u64, SegmentUse>,
}

impl Usage {
    /// One segment's use, if it is there.
    pub fn get(&self, segment: u64) -> Option<SegmentUse> {
        self.segments.get(&segment).copied()
    }

    /// Sets one segment's use.
    pub fn set(&mut self, segment: u64, used: SegmentUse) {
        self.segments.insert(segment, used);
    }

    /// All of them, rising.
    pub fn iter(&self) -> impl Iterator<Item = (u64, SegmentUse)> {
        self.segments.iter().map(|(segment, used)| (*segment, *used))
    }

    /// Frames were written.
    pub fn wrote(&mut self, segment: u64, octets: u64) {
        self.segments.entry(segment).or_default().written += octets;
    }

    /// A blob's entry was replaced by a new one.
    pub fn changed(&mut self, old: Option<&Entry>, new: &Entry) {
        if let Some(old) = old.filter(|old| old.holders > 0) {
            let used = self.segments.entry(old.locator.segment).or_default();
            used.live = used.live.saturating_sub(old.locator.frame_len());
            used.blobs = used.blobs.saturating_sub(1);
        }
        if new.holders > 0 {
            let used = self.segments.entry(new.locator.segment).or_default();
            used.live += new.locator.frame_len();
            used.blobs += 1;
        }
    }

    /// Forgets the segments before `end` in which nothing is in use, and names them.
    pub fn drop_empty(&mut self, end: u64) -> Vec<u64> {
        let before = self.segments.range(..end);
        let empty: Vec<u64> =
            before.filter(|(_, used)| used.blobs == 0).map(|(segment, _)| *segment).collect();
        for segment in &empty {
            self.segments.remove(segment);
        }
        empty
    }
}
