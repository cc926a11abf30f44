//! What was committed since the last checkpoint, in memory, with the versions that snapshots need.

use crate::blob::Entry;
use crate::record::Change;
use core_store::{BlobId, Direction, Key, Value};
use std::collections::BTreeMap;
use std::ops::{Bound, Range};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

/// Rough cost in memory of an entry beside its octets.
const ENTRY_OVERHEAD: usize = 120;
/// Pairs that a cursor copies at a time, so that it never keeps a writer waiting.
const CURSOR_CHUNK: usize = 64;

/// An ordered map of keys, each with its versions, and of blobs.
#[derive(Debug, Default)]
pub struct Memtable {
    maps: RwLock<Maps>,
}

#[derive(Debug, Default)]
struct Maps {
    keys: BTreeMap<Key, Versions>,
    blobs: BTreeMap<BlobId, Entry>,
    size: usize,
}

/// A key's versions, each with the batch that made it; `None` is a deletion.
#[derive(Debug)]
struct Versions {
    latest: (u64, Option<Value>),
    /// Rising by batch.
    older: Vec<(u64, Option<Value>)>,
}

impl Versions {
    fn at(&self, sequence: u64) -> Option<&Option<Value>> {
        if self.latest.0 <= sequence {
            return Some(&self.latest.1);
        }
        self.older.iter().rev().find(|(made, _)| *made <= sequence).map(|(_, value)| value)
    }

    /// Adds a version and drops those that no snapshot of `live` (rising) can see.
    fn push(&mut self, sequence: u64, value: Option<Value>, live: &[u64]) {
        if self.latest.0 == sequence {
            self.latest.1 = value;
            return;
        }
        let previous = std::mem::replace(&mut self.latest, (sequence, value));
        self.older.push(previous);
        let mut until = sequence;
        let mut index = self.older.len();
        while index > 0 {
            index -= 1;
            let made = self.older[index].0;
            let seen = live.partition_point(|live| *live < made);
            if live.get(seen).is_none_or(|live| *live >= until) {
                self.older.remove(index);
            }
            until = made;
        }
    }
}

impl Memtable {
    fn read(&self) -> RwLockReadGuard<'_, Maps> {
        self.maps.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds the changes of batch `sequence`; `live` are the sequences of snapshots in use, rising.
    pub fn apply(&self, sequence: u64, changes: impl Iterator<Item = Change>, live: &[u64]) {
        let mut maps = self.maps.write().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            maps.apply(sequence, change, live);
        }
    }

    /// `key` as of batch `sequence`: `None` if this table does not know.
    pub fn value(&self, key: &[u8], sequence: u64) -> Option<Option<Value>> {
        self.read().keys.get(key)?.at(sequence).cloned()
    }

    /// The blob's latest entry, if this table knows.
    pub fn blob(&self, blob: BlobId) -> Option<Entry> {
        self.read().blobs.get(&blob).copied()
    }

    /// Has nothing been changed?
    pub fn is_empty(&self) -> bool {
        let maps = self.read();
        maps.keys.is_empty() && maps.blobs.is_empty()
    }

    /// Octets of memory, roughly.
    pub fn size(&self) -> usize {
        self.read().size
    }

    /// How many keys.
    pub fn key_count(&self) -> usize {
        self.read().keys.len()
    }

    /// Calls `visit` with each key's latest value, in order.
    pub fn for_each_value<E>(
        &self,
        mut visit: impl FnMut(&Key, Option<&Value>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.read()
            .keys
            .iter()
            .try_for_each(|(key, versions)| visit(key, versions.latest.1.as_ref()))
    }

    /// Calls `visit` with each blob's latest entry, in order.
    pub fn for_each_blob<E>(
        &self,
        mut visit: impl FnMut(BlobId, &Entry) -> Result<(), E>,
    ) -> Result<(), E> {
        self.read().blobs.iter().try_for_each(|(blob, entry)| visit(*blob, entry))
    }
}

impl Maps {
    fn apply(&mut self, sequence: u64, change: Change, live: &[u64]) {
        match change {
            Change::Value(key, value) => {
                self.size += key.len() + value.as_ref().map_or(0, |value| value.len());
                if let Some(versions) = self.keys.get_mut(&key) {
                    let old = versions.latest.1.as_ref().map_or(0, |value| value.len());
                    versions.push(sequence, value, live);
                    self.size = self.size.saturating_sub(key.len() + old);
                } else {
                    self.size += ENTRY_OVERHEAD;
                    self.keys
                        .insert(key, Versions { latest: (sequence, value), older: Vec::new() });
                }
            }
            Change::Blob(blob, entry) => {
                if self.blobs.insert(blob, entry).is_none() {
                    self.size += ENTRY_OVERHEAD;
                }
            }
        }
    }
}

/// Walks over a memtable as of one batch, deletions included.
pub struct Cursor<'a> {
    table: &'a Memtable,
    sequence: u64,
    direction: Direction,
    /// What is still to be copied; `None` when all of it was.
    rest: Option<(Bound<Key>, Bound<Key>)>,
    /// Copied, last one first.
    chunk: Vec<(Key, Option<Value>)>,
}

impl<'a> Cursor<'a> {
    /// At the beginning of `range`, which is not empty.
    pub fn new(
        table: &'a Memtable,
        sequence: u64,
        range: &Range<Key>,
        direction: Direction,
    ) -> Cursor<'a> {
        let rest = Some((Bound::Included(range.start.clone()), Bound::Excluded(range.end.clone())));
        Cursor { table, sequence, direction, rest, chunk: Vec::new() }
    }

    fn refill(&mut self) {
        let Some((start, end)) = self.rest.take() else { return };
        let maps = self.table.read();
        let range = maps.keys.range::<Key, _>((start.as_ref(), end.as_ref()));
        let mut count = 0;
        let mut last = None;
        let mut copy = |(key, versions): (&Key, &Versions)| {
            count += 1;
            last = Some(key.clone());
            if let Some(value) = versions.at(self.sequence) {
                self.chunk.push((key.clone(), value.clone()));
            }
        };
        match self.direction {
            Direction::Rising => range.take(CURSOR_CHUNK).for_each(&mut copy),
            Direction::Falling => range.rev().take(CURSOR_CHUNK).for_each(&mut copy),
        }
        if count == CURSOR_CHUNK
            && let Some(last) = last
        {
            self.rest = Some(match self.direction {
                Direction::Rising => (Bound::Excluded(last), end),
                Direction::Falling => (start, Bound::Excluded(last)),
            });
        }
        self.chunk.reverse();
    }

    /// The next pair, without taking it.
    pub fn peek(&mut self) -> Option<&(Key, Option<Value>)> {
        while self.chunk.is_empty() && self.rest.is_some() {
            self.refill();
        }
        self.chunk.last()
    }

    /// Takes the next pair.
    pub fn next(&mut self) -> Option<(Key, Option<Value>)> {
        self.peek()?;
        self.chunk.pop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(table: &Memtable, sequence: u64, value: &'static [u8], live: &[u64]) {
        let change = Change::Value(Key::from_static(b"key"), Some(Value::from_static(value)));
        table.apply(sequence, [change].into_iter(), live);
    }

    fn at(table: &Memtable, sequence: u64) -> Option<Value> {
        table.value(b"key", sequence).flatten()
    }

    fn versions(table: &Memtable) -> usize {
        table.read().keys.get(&b"key"[..]).map_or(0, |versions| 1 + versions.older.len())
    }

    #[test]
    fn each_moment_sees_its_version() {
        let table = Memtable::default();
        for (sequence, value) in [(3, &b"3"[..]), (5, b"5"), (9, b"9")] {
            set(&table, sequence, value, &[2, 3, 4, 5, 6, 8]);
        }
        let seen: Vec<_> = (2..10).map(|sequence| at(&table, sequence)).collect();
        let expected: [Option<&[u8]>; 8] = [
            None,
            Some(b"3"),
            Some(b"3"),
            Some(b"5"),
            Some(b"5"),
            Some(b"5"),
            Some(b"5"),
            Some(b"9"),
        ];
        assert_eq!(seen, expected.map(|value| value.map(Value::from_static)));
    }

    #[test]
    fn versions_that_nobody_can_see_go() {
        let table = Memtable::default();
        for sequence in 1..1000 {
            // A snapshot of batch 500 is kept; beside it only the present one is in use.
            let live = [500, sequence - 1];
            set(&table, sequence, b"value", if sequence > 501 { &live } else { &live[1..] });
            assert!(versions(&table) <= 3);
        }
        assert!(at(&table, 500).is_some());
    }
}
