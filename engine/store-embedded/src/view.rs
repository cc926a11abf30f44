//! A moment of the store: active memtable over frozen memtable over the last checkpoint.

use crate::base::{self, Base, Pairs};
use crate::blob::Entry;
use crate::memtable::{Cursor, Memtable};
use bytes::Bytes;
use core_store::{BlobId, Direction, Key, Later, Page, Scan, Snapshot, StoreError, Value};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Everything as of one batch. Cheap to share, never changes.
#[derive(Clone, Debug)]
pub struct View {
    /// The last batch it shows.
    pub sequence: u64,
    /// Takes new batches; later ones are not shown.
    pub active: Arc<Memtable>,
    /// On its way into the metadata file.
    pub frozen: Option<Arc<Memtable>>,
    /// The metadata file at the last checkpoint.
    pub base: Arc<Base>,
    /// Blobs given up before the last checkpoint, still to be read by who began earlier.
    pub departed: Arc<HashMap<BlobId, Entry>>,
}

impl View {
    /// The value of `key`.
    pub fn value(&self, key: &[u8]) -> Result<Option<Value>, StoreError> {
        for table in [Some(&self.active), self.frozen.as_ref()].into_iter().flatten() {
            if let Some(value) = table.value(key, self.sequence) {
                return Ok(value);
            }
        }
        self.base.value(key)
    }

    /// The latest entry of `blob`; with 0 holders if it was given up lately.
    pub fn blob(&self, blob: BlobId) -> Result<Option<Entry>, StoreError> {
        for table in [Some(&self.active), self.frozen.as_ref()].into_iter().flatten() {
            if let Some(entry) = table.blob(blob) {
                return Ok(Some(entry));
            }
        }
        match self.base.blob(blob)? {
            None => Ok(self.departed.get(&blob).copied()),
            entry => Ok(entry),
        }
    }

    /// One page of a scan.
    pub fn page(&self, scan: &Scan) -> Result<Page, StoreError> {
        let mut filler = scan.filler();
        if scan.range.start < scan.range.end {
            let mut merge = Merge::new(self, scan)?;
            while filler.wants_more() {
                match merge.next()? {
                    Some((key, Some(value))) => filler.push(key, value),
                    Some((_, None)) => {}
                    None => filler.end(),
                }
            }
        }
        Ok(filler.page())
    }
}

impl Snapshot for View {
    fn get<'a>(&'a self, key: &'a [u8]) -> Later<'a, Option<Value>> {
        Box::pin(ready(self.value(key)))
    }

    fn get_many<'a>(&'a self, keys: &'a [Key]) -> Later<'a, Vec<Option<Value>>> {
        Box::pin(ready(keys.iter().map(|key| self.value(key)).collect()))
    }

    fn scan(&self, scan: Scan) -> Later<'_, Page> {
        Box::pin(ready(self.page(&scan)))
    }
}

/// Three sorted sources as one; of equal keys the newest source wins.
struct Merge<'a> {
    direction: Direction,
    tables: Vec<Cursor<'a>>,
    base: Option<Pairs>,
    base_next: Option<(Key, Value)>,
}

impl<'a> Merge<'a> {
    fn new(view: &'a View, scan: &Scan) -> Result<Merge<'a>, StoreError> {
        let tables = [Some(&view.active), view.frozen.as_ref()];
        let cursor = |table: &'a Arc<Memtable>| {
            Cursor::new(table, view.sequence, &scan.range, scan.direction)
        };
        let mut merge = Merge {
            direction: scan.direction,
            tables: tables.into_iter().flatten().map(cursor).collect(),
            base: view.base.pairs(&scan.range)?,
            base_next: None,
        };
        merge.advance_base()?;
        Ok(merge)
    }

    fn advance_base(&mut self) -> Result<(), StoreError> {
        let direction = self.direction;
        let pair = self.base.as_mut().and_then(|pairs| match direction {
            Direction::Rising => pairs.next(),
            Direction::Falling => pairs.next_back(),
        });
        let pair = pair.transpose().map_err(base::store_error)?;
        self.base_next = pair.map(|(key, value)| {
            (Bytes::copy_from_slice(key.value()), Bytes::copy_from_slice(value.value()))
        });
        Ok(())
    }

    fn next(&mut self) -> Result<Option<(Key, Option<Value>)>, StoreError> {
        let Some(first) = self.first_key() else { return Ok(None) };
        let mut newest = None;
        for table in &mut self.tables {
            if table.peek().is_some_and(|(key, _)| *key == first) {
                let pair = table.next();
                newest = newest.or(pair);
            }
        }
        if self.base_next.as_ref().is_some_and(|(key, _)| *key == first) {
            let pair = self.base_next.take().map(|(key, value)| (key, Some(value)));
            self.advance_base()?;
            newest = newest.or(pair);
        }
        Ok(newest)
    }

    /// The key that comes next in the scan's direction.
    fn first_key(&mut self) -> Option<Key> {
        let wanted = match self.direction {
            Direction::Rising => Ordering::Less,
            Direction::Falling => Ordering::Greater,
        };
        let mut first: Option<Key> = self.base_next.as_ref().map(|(key, _)| key.clone());
        for table in &mut self.tables {
            if let Some((key, _)) = table.peek()
                && first.as_ref().is_none_or(|first| key.cmp(first) == wanted)
            {
                first = Some(key.clone());
            }
        }
        first
    }
}

/// The view that new readers get, and those that older readers still have.
#[derive(Debug)]
pub struct Published {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    current: Arc<View>,
    retired: Vec<Weak<View>>,
}

impl Published {
    /// Begins with `view`.
    pub fn new(view: View) -> Published {
        Published { inner: Mutex::new(Inner { current: Arc::new(view), retired: Vec::new() }) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The present view.
    pub fn current(&self) -> Arc<View> {
        self.inner().current.clone()
    }

    /// Replaces the present view by what `change` makes of it.
    pub fn update(&self, change: impl FnOnce(&mut View)) {
        let mut inner = self.inner();
        let mut view = View::clone(&inner.current);
        change(&mut view);
        let old = std::mem::replace(&mut inner.current, Arc::new(view));
        inner.retired.retain(|view| view.strong_count() > 0);
        if Arc::strong_count(&old) > 1 {
            inner.retired.push(Arc::downgrade(&old));
        }
        drop(inner);
        // What the old view alone kept may take a while to go; nobody waits for it now.
        drop(old);
    }

    /// The batches of all views that somebody can still read, rising.
    pub fn live_sequences(&self) -> Vec<u64> {
        let inner = self.inner();
        let retired = inner.retired.iter().filter_map(Weak::upgrade).map(|view| view.sequence);
        let mut live: Vec<u64> = retired.chain([inner.current.sequence]).collect();
        live.sort_unstable();
        live.dedup();
        live
    }
}
