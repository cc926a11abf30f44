//! Filling one page of a scan, the same way in every engine.

use crate::{Direction, Key, Page, Scan, Value};
use bytes::{BufMut, BytesMut};
use std::ops::Range;

/// Takes pairs in the scan's order until the page is full.
#[derive(Debug)]
pub struct PageFiller {
    page: Page,
    range: Range<Key>,
    direction: Direction,
    count_max: usize,
    bytes_left: usize,
    ended: bool,
}

impl Scan {
    /// An empty page of this scan. A page holds at least one pair, so that a scan goes on.
    pub fn filler(&self) -> PageFiller {
        PageFiller {
            page: Page::default(),
            range: self.range.clone(),
            direction: self.direction,
            count_max: self.count_max.max(1),
            bytes_left: self.bytes_max.max(1),
            ended: self.range.start >= self.range.end,
        }
    }
}

impl PageFiller {
    /// Is there room for another pair, and might there be one?
    pub fn wants_more(&self) -> bool {
        !self.ended && self.bytes_left > 0 && self.page.pairs.len() < self.count_max
    }

    /// Adds the next pair.
    pub fn push(&mut self, key: Key, value: Value) {
        self.bytes_left = self.bytes_left.saturating_sub(key.len() + value.len());
        self.page.pairs.push((key, value));
    }

    /// There are no more pairs in the range.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// The page, with what is still to be read.
    pub fn page(mut self) -> Page {
        if !self.ended {
            self.page.rest = self.page.pairs.last().and_then(|(last, _)| self.rest_after(last));
        }
        self.page
    }

    fn rest_after(&self, last: &Key) -> Option<Range<Key>> {
        let rest = match self.direction {
            Direction::Rising => successor(last)..self.range.end.clone(),
            Direction::Falling => self.range.start.clone()..last.clone(),
        };
        (rest.start < rest.end).then_some(rest)
    }
}

/// The least key above `key`.
fn successor(key: &Key) -> Key {
    let mut next = BytesMut::with_capacity(key.len() + 1);
    next.extend_from_slice(key);
    next.put_u8(0);
    next.freeze()
}
