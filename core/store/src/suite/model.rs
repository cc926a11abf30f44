//! Random operations on an engine and on a plain ordered map: both must agree after each.

use super::{Dice, Subject, block_on};
use crate::{Batch, BlobId, Direction, Key, Scan, Snapshot, StoreError, Value};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What an engine should hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model {
    /// Keys and values.
    pub values: BTreeMap<Key, Value>,
    /// Bodies: octets and how many hold them.
    pub blobs: HashMap<BlobId, (Value, u32)>,
    /// What every key begins with; others may use other keys of the same engine.
    pub prefix: Vec<u8>,
}

impl Model {
    /// Nothing, and all keys will begin with `prefix`.
    pub fn within(prefix: &[u8]) -> Model {
        Model { prefix: prefix.to_vec(), ..Model::default() }
    }

    /// A key of this model.
    pub fn key(&self, name: &[u8]) -> Key {
        [&self.prefix, name].concat().into()
    }

    /// What `subject` holds otherwise, if anything. How often a body is held is not asked, as no
    /// engine tells; [`Model::release_all`] finds out.
    pub fn difference(&self, subject: &Subject) -> Option<String> {
        let snapshot = block_on(subject.store.snapshot()).expect("a snapshot");
        if let Some(difference) = self.difference_of_values(&*snapshot) {
            return Some(difference);
        }
        self.blobs.iter().find_map(|(blob, (octets, _))| match subject.read(*blob) {
            Ok(read) if read == octets => None,
            Ok(_) => Some(format!("{blob:?} has other octets")),
            Err(error) => Some(format!("{blob:?}: {error}")),
        })
    }

    fn difference_of_values(&self, snapshot: &dyn Snapshot) -> Option<String> {
        let found = match all_pairs(snapshot, &self.prefix) {
            Ok(found) => found,
            Err(error) => return Some(error.to_string()),
        };
        let different = found.iter().find(|(key, value)| self.values.get(*key) != Some(*value));
        let missing = self.values.keys().find(|key| !found.contains_key(*key));
        match (different, missing) {
            (Some((key, _)), _) => Some(format!("{key:?} has another value")),
            (None, Some(key)) => Some(format!("{key:?} is missing")),
            (None, None) => None,
        }
    }

    /// Panics unless `subject` holds just this.
    #[track_caller]
    pub fn compare(&self, subject: &Subject) {
        assert_eq!(self.difference(subject), None);
    }

    /// Releases every body as often as it should be held: just then it must be gone.
    #[track_caller]
    pub fn release_all(&mut self, subject: &Subject) {
        for (blob, (_, holders)) in self.blobs.drain() {
            let mut batch = Batch::new();
            for _ in 0..holders {
                batch.release(blob);
            }
            assert!(subject.commit(batch).is_ok(), "{blob:?} is held {holders} times");
            let mut batch = Batch::new();
            batch.release(blob);
            assert_eq!(
                subject.commit(batch),
                Err(StoreError::NoSuchBlob),
                "{blob:?} is held no more"
            );
        }
    }
}

/// Every pair whose key begins with `prefix`, page by page.
fn all_pairs(snapshot: &dyn Snapshot, prefix: &[u8]) -> Result<BTreeMap<Key, Value>, StoreError> {
    let mut found = BTreeMap::new();
    let mut rest = Some(Scan::prefix(prefix));
    while let Some(range) = rest {
        let page = block_on(snapshot.scan(Scan::rising(range)))?;
        found.extend(page.pairs);
        rest = page.rest;
    }
    Ok(found)
}

/// `steps` random steps. `seed` is part of every complaint.
pub fn run(subject: &Subject, seed: u64, steps: usize) {
    let mut walk = Walk { dice: Dice::new(seed), model: Model::default(), snapshots: Vec::new() };
    for step in 0..steps {
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| walk.step(subject)));
        if let Err(panic) = done {
            eprintln!("model: seed {seed}, step {step}");
            std::panic::resume_unwind(panic);
        }
    }
    walk.model.compare(subject);
    walk.model.release_all(subject);
}

struct Walk {
    dice: Dice,
    model: Model,
    snapshots: Vec<(Arc<dyn Snapshot>, Model)>,
}

impl Walk {
    fn step(&mut self, subject: &Subject) {
        match self.dice.below(10) {
            0..=5 => self.change(subject),
            6 => self.scan(subject),
            7 => self.read_body(subject),
            8 => self.take_snapshot(subject),
            _ => self.compare_snapshot(),
        }
    }

    fn change(&mut self, subject: &Subject) {
        let mut batch = Batch::new();
        let next = random_change(&mut self.dice, &self.model, subject, &mut batch);
        let next = next.expect("bodies can be written");
        subject.must(batch);
        self.model = next;
        // Now and then the same batch with an expectation that cannot hold.
        if self.dice.once_in(4) {
            let mut batch = Batch::new();
            batch.expect(&b"never there"[..], &b""[..]);
            let next = random_change(&mut self.dice, &self.model, subject, &mut batch);
            next.expect("bodies can be written");
            assert_eq!(subject.commit(batch), Err(StoreError::Conflict { expectation: 0 }));
        }
    }

    fn key(&mut self) -> Key {
        self.model.key(&random_name(&mut self.dice))
    }

    fn scan(&mut self, subject: &Subject) {
        let (start, end) = (self.key(), self.key());
        let direction = if self.dice.once_in(2) { Direction::Rising } else { Direction::Falling };
        let count_max = 1 + self.dice.below(20) as usize;
        let scan =
            Scan { direction, ..Scan::rising(start.clone()..end.clone()).at_most(count_max) };
        let snapshot = block_on(subject.store.snapshot()).expect("a snapshot");
        let page = block_on(snapshot.scan(scan)).expect("a page");
        let mut expected: Vec<(Key, Value)> = Vec::new();
        if start < end {
            let pairs = self.model.values.range(start..end);
            expected.extend(pairs.map(|(key, value)| (key.clone(), value.clone())));
        }
        if direction == Direction::Falling {
            expected.reverse();
        }
        assert!(page.rest.is_some() || expected.len() <= count_max, "there is more");
        expected.truncate(count_max);
        assert_eq!(page.pairs, expected);
    }

    fn read_body(&mut self, subject: &Subject) {
        let mut blobs: Vec<_> = self.model.blobs.iter().collect();
        if blobs.is_empty() {
            return;
        }
        blobs.sort_unstable_by_key(|(blob, _)| **blob);
        let (blob, (octets, _)) = blobs[self.dice.below(blobs.len() as u64) as usize];
        let len = octets.len() as u64;
        let start = self.dice.below(len + 1);
        let end = start + self.dice.below(len - start + 1);
        let read = block_on(subject.blobs.read(*blob, start..end)).expect("a part");
        assert!(read == octets[start as usize..end as usize], "{start}..{end} of {blob:?}");
    }

    fn take_snapshot(&mut self, subject: &Subject) {
        let snapshot = block_on(subject.store.snapshot()).expect("a snapshot");
        let model = Model { blobs: HashMap::new(), ..self.model.clone() };
        self.snapshots.push((snapshot, model));
        if self.snapshots.len() > 4 {
            self.snapshots.remove(0);
        }
    }

    fn compare_snapshot(&mut self) {
        if let Some((snapshot, model)) = self.snapshots.first() {
            assert_eq!(model.difference_of_values(&**snapshot), None);
        }
    }
}

/// One of few, so that they meet again.
fn random_name(dice: &mut Dice) -> Vec<u8> {
    let len = 1 + dice.below(3) as usize;
    (0..len).map(|_| b"abcd"[dice.below(4) as usize]).collect()
}

/// Puts random changes into `batch` and returns what `model` is after them; `Err` if a body could
/// not be written.
pub fn random_change(
    dice: &mut Dice,
    model: &Model,
    subject: &Subject,
    batch: &mut Batch,
) -> Result<Model, StoreError> {
    let mut next = model.clone();
    for _ in 0..1 + dice.below(6) {
        match dice.below(8) {
            0..=2 => {
                let (key, len) = (model.key(&random_name(dice)), dice.below(200) as usize);
                let value = dice.octets(len);
                batch.put(key.clone(), value.clone());
                next.values.insert(key, value.into());
            }
            3..=4 => {
                let key = model.key(&random_name(dice));
                batch.delete(key.clone());
                next.values.remove(&key);
            }
            5 => add(dice, batch, &mut next),
            6 => keep(dice, subject, batch, &mut next)?,
            _ => hold_or_release(dice, model, batch, &mut next),
        }
    }
    Ok(next)
}

fn add(dice: &mut Dice, batch: &mut Batch, next: &mut Model) {
    let key = next.key(format!("sum {}", dice.below(3)).as_bytes());
    let number = dice.below(100) as i64 - 50;
    batch.add(key.clone(), &[number]);
    let old = next.values.get(&key).map_or([0; 8], |value| value[..].try_into().expect("a number"));
    let sum = i64::from_le_bytes(old) + number;
    next.values.insert(key, Value::copy_from_slice(&sum.to_le_bytes()));
}

fn keep(
    dice: &mut Dice,
    subject: &Subject,
    batch: &mut Batch,
    next: &mut Model,
) -> Result<(), StoreError> {
    let len = match dice.below(12) {
        0 => dice.below(600_000),
        1..=2 => dice.below(100_000),
        _ => dice.below(5_000),
    };
    let octets = dice.octets(len as usize);
    let holders = 1 + dice.below(3) as u32;
    let mut writer = subject.blobs.begin();
    for chunk in octets.chunks(30_000) {
        block_on(writer.write(chunk))?;
    }
    let body = block_on(writer.finish())?;
    next.blobs.insert(body.id, (octets.into(), holders));
    batch.keep(body, holders);
    Ok(())
}

fn hold_or_release(dice: &mut Dice, model: &Model, batch: &mut Batch, next: &mut Model) {
    let mut blobs: Vec<BlobId> = model.blobs.keys().copied().collect();
    if blobs.is_empty() {
        return;
    }
    blobs.sort_unstable();
    let blob = blobs[dice.below(blobs.len() as u64) as usize];
    let Some((_, holders)) = next.blobs.get_mut(&blob) else { return };
    if dice.once_in(3) {
        *holders += 1;
        batch.hold(blob);
    } else {
        *holders -= 1;
        batch.release(blob);
    }
    if *holders == 0 {
        next.blobs.remove(&blob);
    }
}
