//! The engine that keeps everything in memory: for tests, and for the lab that forgets.

use crate::{
    Batch, BlobId, BlobWriter, Blobs, Body, BodyBytes, Committed, Direction, Key, Later, Latest,
    Limits, Page, Scan, Snapshot, Store, StoreError, Value,
};
use bytes::{Bytes, BytesMut};
use std::collections::{BTreeMap, HashMap};
use std::future::ready;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// [`Store`] and [`Blobs`] in memory, within [`Limits::FOUNDATION`], with faults on demand.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Copied when it changes while a snapshot looks at it.
    values: Arc<BTreeMap<Key, Value>>,
    blobs: HashMap<BlobId, Held>,
    blob_last: u64,
    faults: Faults,
}

#[derive(Debug)]
struct Held {
    octets: Bytes,
    holders: u32,
}

#[derive(Debug, Default)]
struct Faults {
    conflict_next: Option<usize>,
    outcome_unknown_next: Option<Outcome>,
    unavailable: bool,
}

/// What really became of a commit that was answered [`StoreError::OutcomeUnknown`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was not.
    NotDone,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Arc<MemoryStore> {
        Arc::default()
    }

    /// The next commit is answered [`StoreError::Conflict`] on that expectation and not done.
    pub fn conflict_next(&self, expectation: usize) {
        self.state().faults.conflict_next = Some(expectation);
    }

    /// The next commit is answered [`StoreError::OutcomeUnknown`].
    pub fn outcome_unknown_next(&self, outcome: Outcome) {
        self.state().faults.outcome_unknown_next = Some(outcome);
    }

    /// From now on nothing works, or everything does again.
    pub fn unavailable(&self, unavailable: bool) {
        self.state().faults.unavailable = unavailable;
    }

    /// How many blobs are kept.
    pub fn blob_count(&self) -> usize {
        self.state().blobs.len()
    }

    /// How many hold `blob`; 0 if it is not there.
    pub fn holders(&self, blob: BlobId) -> u32 {
        self.state().blobs.get(&blob).map_or(0, |held| held.holders)
    }

    /// Every pair, in order: what a test compares.
    pub fn pairs(&self) -> Vec<(Key, Value)> {
        self.state().values.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn snapshot(&self) -> Later<'_, Arc<dyn Snapshot>> {
        let state = self.state();
        let moment: Arc<dyn Snapshot> = Arc::new(Moment { values: state.values.clone() });
        Box::pin(ready(state.faults.check().map(|()| moment)))
    }

    fn commit(&self, batch: Batch) -> Later<'_, Committed> {
        // Done when first polled, as other engines do: a future that is dropped unpolled does nothing.
        Box::pin(async move { self.state().commit(batch) })
    }

    fn limits(&self) -> Limits {
        Limits::FOUNDATION
    }
}

impl Faults {
    fn check(&self) -> Result<(), StoreError> {
        match self.unavailable {
            true => Err(StoreError::Unavailable("made unavailable by a test".into())),
            false => Ok(()),
        }
    }
}

impl State {
    fn commit(&mut self, batch: Batch) -> Result<Committed, StoreError> {
        self.faults.check()?;
        batch.check_limits(&Limits::FOUNDATION)?;
        if let Some(expectation) = self.faults.conflict_next.take() {
            return Err(StoreError::Conflict { expectation });
        }
        match self.faults.outcome_unknown_next.take() {
            None => self.apply(batch),
            Some(Outcome::NotDone) => Err(StoreError::OutcomeUnknown),
            Some(Outcome::Done) => self.apply(batch).and(Err(StoreError::OutcomeUnknown)),
        }
    }

    fn apply(&mut self, batch: Batch) -> Result<Committed, StoreError> {
        let effect = batch.effect(self)?;
        let values = Arc::make_mut(&mut self.values);
        for (key, value) in effect.values {
            match value {
                Some(value) => values.insert(key, value),
                None => values.remove(&key),
            };
        }
        for (body, holders) in effect.bodies {
            if let BodyBytes::Inline(parts) = body.bytes {
                self.blobs.insert(body.id, Held { octets: join(parts), holders });
            }
            self.held(body.id, holders);
        }
        for (blob, holders) in effect.holders {
            self.held(blob, holders);
        }
        Ok(effect.committed)
    }

    fn held(&mut self, blob: BlobId, holders: u32) {
        if holders == 0 {
            self.blobs.remove(&blob);
        } else if let Some(held) = self.blobs.get_mut(&blob) {
            held.holders = holders;
        }
    }
}

impl Latest for State {
    fn value(&mut self, key: &[u8]) -> Result<Option<Value>, StoreError> {
        Ok(self.values.get(key).cloned())
    }

    fn holders(&mut self, blob: BlobId) -> Result<Option<u32>, StoreError> {
        Ok(self.blobs.get(&blob).map(|held| held.holders))
    }
}

/// One octet string of several; a single one is not copied.
fn join(mut parts: Vec<Bytes>) -> Bytes {
    match parts.len() {
        1 => parts.remove(0),
        _ => parts.concat().into(),
    }
}

struct Moment {
    values: Arc<BTreeMap<Key, Value>>,
}

impl Snapshot for Moment {
    fn get<'a>(&'a self, key: &'a [u8]) -> Later<'a, Option<Value>> {
        Box::pin(ready(Ok(self.values.get(key).cloned())))
    }

    fn get_many<'a>(&'a self, keys: &'a [Key]) -> Later<'a, Vec<Option<Value>>> {
        Box::pin(ready(Ok(keys.iter().map(|key| self.values.get(key).cloned()).collect())))
    }

    fn scan(&self, scan: Scan) -> Later<'_, Page> {
        let mut filler = scan.filler();
        if scan.range.start < scan.range.end {
            let pairs = self
                .values
                .range(scan.range.clone())
                .map(|(key, value)| (key.clone(), value.clone()));
            match scan.direction {
                Direction::Rising => fill(&mut filler, pairs),
                Direction::Falling => fill(&mut filler, pairs.rev()),
            }
        }
        Box::pin(ready(Ok(filler.page())))
    }
}

fn fill(filler: &mut crate::PageFiller, mut pairs: impl Iterator<Item = (Key, Value)>) {
    while filler.wants_more() {
        match pairs.next() {
            Some((key, value)) => filler.push(key, value),
            None => return filler.end(),
        }
    }
}

impl Blobs for MemoryStore {
    fn begin(&self) -> Box<dyn BlobWriter> {
        let mut state = self.state();
        state.blob_last += 1;
        Box::new(MemoryWriter { id: BlobId(state.blob_last), octets: BytesMut::new() })
    }

    fn read(&self, blob: BlobId, range: Range<u64>) -> Later<'_, Bytes> {
        let state = self.state();
        let read = state.faults.check().and_then(|()| {
            let octets = &state.blobs.get(&blob).ok_or(StoreError::NoSuchBlob)?.octets;
            let end = range.end.min(octets.len() as u64);
            Ok(octets.slice(range.start.min(end) as usize..end as usize))
        });
        Box::pin(ready(read))
    }
}

struct MemoryWriter {
    id: BlobId,
    octets: BytesMut,
}

impl BlobWriter for MemoryWriter {
    fn write<'a>(&'a mut self, chunk: &'a [u8]) -> Later<'a, ()> {
        Box::pin(async move {
            self.octets.extend_from_slice(chunk);
            Ok(())
        })
    }

    fn len(&self) -> u64 {
        self.octets.len() as u64
    }

    fn finish(self: Box<Self>) -> Later<'static, Body> {
        let octets = self.octets.freeze();
        let body =
            Body { id: self.id, len: octets.len() as u64, bytes: BodyBytes::Inline(vec![octets]) };
        Box::pin(ready(Ok(body)))
    }
}
