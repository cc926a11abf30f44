//! Ordered keys and values.

use crate::{Batch, StoreError};
use bytes::Bytes;
use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;

/// A boxed future of an engine's answer. Dropping it is safe: a commit then happens or does not.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;
/// Keys are compared octet by octet.
pub type Key = Bytes;
/// A value.
pub type Value = Bytes;

/// The whole of what the core asks of a metadata engine.
pub trait Store: Send + Sync {
    /// A consistent view of this moment: all of every batch whose commit has returned, and no part
    /// of a batch without the rest. May be refused after [`Limits::snapshot_age`].
    fn snapshot(&self) -> Later<'_, Arc<dyn Snapshot>>;

    /// All of `batch` or nothing. Once this returns `Ok`, a power cut does not undo it.
    fn commit(&self, batch: Batch) -> Later<'_, Committed>;

    /// What a batch may hold.
    fn limits(&self) -> Limits;
}

/// A moment of the store.
pub trait Snapshot: Send + Sync {
    /// The value of `key`.
    fn get<'a>(&'a self, key: &'a [u8]) -> Later<'a, Option<Value>>;

    /// The values of `keys`, in their order, in one round trip.
    fn get_many<'a>(&'a self, keys: &'a [Key]) -> Later<'a, Vec<Option<Value>>>;

    /// One page of the pairs in a range.
    fn scan(&self, scan: Scan) -> Later<'_, Page>;
}

/// Which pairs to read.
#[derive(Clone, Debug)]
pub struct Scan {
    /// From the first key, up to and without the second.
    pub range: Range<Key>,
    /// Rising or falling.
    pub direction: Direction,
    /// Most pairs.
    pub count_max: usize,
    /// Stop after the pair with which keys and values reach this many octets.
    pub bytes_max: usize,
}

impl Scan {
    /// Rising over `range`, in pages of a size that suits most callers.
    pub fn rising(range: Range<Key>) -> Scan {
        Scan { range, direction: Direction::Rising, count_max: 1000, bytes_max: 256 * 1024 }
    }

    /// Falling over `range`.
    pub fn falling(range: Range<Key>) -> Scan {
        Scan { direction: Direction::Falling, ..Scan::rising(range) }
    }

    /// At most `count_max` pairs.
    pub fn at_most(self, count_max: usize) -> Scan {
        Scan { count_max, ..self }
    }

    /// The range of every key that begins with `prefix`.
    pub fn prefix(prefix: &[u8]) -> Range<Key> {
        let mut end = prefix.to_vec();
        while let Some(last) = end.pop() {
            if last < u8::MAX {
                end.push(last + 1);
                break;
            }
        }
        if end.is_empty() {
            end = vec![u8::MAX; Limits::FOUNDATION.key];
        }
        Bytes::copy_from_slice(prefix)..Bytes::from(end)
    }
}

/// Which way a scan goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the least key.
    Rising,
    /// From the greatest key.
    Falling,
}

/// A page of a scan.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// In the scan's order.
    pub pairs: Vec<(Key, Value)>,
    /// What is still to be read, if the page does not reach the range's end; also good for another
    /// snapshot.
    pub rest: Option<Range<Key>>,
}

/// What a commit tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// For each [`Batch::assign`], in order, the first number it was given.
    pub assigned: Vec<u64>,
}

/// What an engine takes. The core stays within [`Limits::FOUNDATION`], which every engine takes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Octets of a key.
    pub key: usize,
    /// Octets of a value.
    pub value: usize,
    /// Octets of all keys and values of a batch, bodies not counted.
    pub batch_bytes: usize,
    /// Operations, expectations and assignments of a batch.
    pub batch_operations: usize,
    /// How long a snapshot can be read.
    pub snapshot_age: std::time::Duration,
}

impl Limits {
    /// FoundationDB's, with room left.
    pub const FOUNDATION: Limits = Limits {
        key: 1_000,
        value: 100_000,
        batch_bytes: 5_000_000,
        batch_operations: 20_000,
        snapshot_age: std::time::Duration::from_secs(5),
    };
}
