//! What a batch comes to: expectations checked, numbers given, sums done. An engine with one writer
//! hands in its latest state and gets back plain values to write.

use crate::{
    Assign, Batch, BlobId, Body, Committed, Expect, Key, Limits, Operation, StoreError, Template,
};
use crate::{Value, batch::Assigned};
use std::collections::HashMap;

/// The state that a batch meets.
pub trait Latest {
    /// The value of `key` now.
    fn value(&mut self, key: &[u8]) -> Result<Option<Value>, StoreError>;

    /// How many hold `blob` now; `None` if there is no such blob or nobody holds it.
    fn holders(&mut self, blob: BlobId) -> Result<Option<u32>, StoreError>;
}

/// A batch made plain: what is there afterwards, whatever was there before. Writing it twice does
/// no harm, so an engine can log it and replay the log.
#[derive(Debug, Default)]
pub struct Effect {
    /// Each key once, with its new value, or `None` if it loses it.
    pub values: Vec<(Key, Option<Value>)>,
    /// Blobs of earlier batches, each once, with how many hold it afterwards; 0 gives it up.
    pub holders: Vec<(BlobId, u32)>,
    /// New bodies, with how many hold them.
    pub bodies: Vec<(Body, u32)>,
    /// What the commit tells.
    pub committed: Committed,
}

impl Batch {
    /// The batch's effect on the state `latest`, or why nothing may be done.
    pub fn effect(self, latest: &mut dyn Latest) -> Result<Effect, StoreError> {
        check_expectations(&self.expects, latest)?;
        let mut sum = Sum {
            latest,
            effect: Effect::default(),
            values: HashMap::new(),
            holders: HashMap::new(),
        };
        sum.effect.bodies = self.bodies;
        for assign in self.assigns {
            sum.assign(assign)?;
        }
        for operation in self.operations {
            sum.apply(operation)?;
        }
        Ok(sum.effect)
    }

    /// Is the batch within `limits`? Values that only the commit knows are judged by [`Batch::effect`]'s
    /// caller; here a sum counts with its numbers and a template with its octets.
    pub fn check_limits(&self, limits: &Limits) -> Result<(), StoreError> {
        let parts = self.expects.len() + self.assigns.len() + self.operations.len();
        if parts + self.bodies.len() > limits.batch_operations {
            return Err(StoreError::TooLarge("batch: too many operations"));
        }
        let mut octets = 0;
        let mut count = |key: usize, value: usize| {
            octets += key + value;
            if key > limits.key {
                return Err(StoreError::TooLarge("key"));
            }
            if value > limits.value {
                return Err(StoreError::TooLarge("value"));
            }
            if octets > limits.batch_bytes {
                return Err(StoreError::TooLarge("batch: too many octets"));
            }
            Ok(())
        };
        for expect in &self.expects {
            match expect {
                Expect::Absent(key) => count(key.len(), 0)?,
                Expect::Equals(key, value) => count(key.len(), value.len())?,
            }
        }
        for assign in &self.assigns {
            count(assign.key.len(), COUNTER_SIZE)?;
        }
        for operation in &self.operations {
            match operation {
                Operation::Put(key, value) => count(key.bytes.len(), value.bytes.len())?,
                Operation::Delete(key) => count(key.len(), 0)?,
                Operation::Add(key, numbers) => count(key.len(), numbers.len() * NUMBER_SIZE)?,
                Operation::Hold(_) | Operation::Release(_) => count(0, 0)?,
            }
        }
        Ok(())
    }
}

/// Octets of a counter's value.
const COUNTER_SIZE: usize = 8;
/// Octets of each number that [`Operation::Add`] raises.
const NUMBER_SIZE: usize = 8;

fn check_expectations(expects: &[Expect], latest: &mut dyn Latest) -> Result<(), StoreError> {
    for (expectation, expect) in expects.iter().enumerate() {
        let holds = match expect {
            Expect::Absent(key) => latest.value(key)?.is_none(),
            Expect::Equals(key, value) => latest.value(key)?.as_ref() == Some(value),
        };
        if !holds {
            return Err(StoreError::Conflict { expectation });
        }
    }
    Ok(())
}

/// A batch half done: later operations see what earlier ones did.
struct Sum<'a> {
    latest: &'a mut dyn Latest,
    effect: Effect,
    /// Where each key stands in `effect.values`.
    values: HashMap<Key, usize>,
    /// Where each blob stands in `effect.holders`.
    holders: HashMap<BlobId, usize>,
}

impl Sum<'_> {
    fn value(&mut self, key: &[u8]) -> Result<Option<Value>, StoreError> {
        match self.values.get(key) {
            Some(&at) => Ok(self.effect.values[at].1.clone()),
            None => self.latest.value(key),
        }
    }

    fn set(&mut self, key: Key, value: Option<Value>) {
        let next = self.effect.values.len();
        let at = *self.values.entry(key.clone()).or_insert(next);
        if at == next {
            self.effect.values.push((key, value));
        } else {
            self.effect.values[at].1 = value;
        }
    }

    fn assign(&mut self, Assign { key, count, least }: Assign) -> Result<(), StoreError> {
        let old = counter(self.value(&key)?.as_deref())?.max(least.saturating_sub(1));
        let last = old.checked_add(count).ok_or(StoreError::TooLarge("counter"))?;
        self.effect.committed.assigned.push(old + u64::from(count > 0));
        self.set(key, Some(Value::copy_from_slice(&last.to_be_bytes())));
        Ok(())
    }

    fn apply(&mut self, operation: Operation) -> Result<(), StoreError> {
        match operation {
            Operation::Put(key, value) => {
                let (key, value) = (self.fill(key)?, self.fill(value)?);
                self.set(key, Some(value));
            }
            Operation::Delete(key) => self.set(key, None),
            Operation::Add(key, numbers) => {
                let sums = add(self.value(&key)?.as_deref().unwrap_or_default(), &numbers);
                self.set(key, Some(sums.into()));
            }
            Operation::Hold(blob) => self.hold(blob, |holders| holders.checked_add(1))?,
            Operation::Release(blob) => self.hold(blob, |holders| holders.checked_sub(1))?,
        }
        Ok(())
    }

    fn fill(&self, template: Template) -> Result<Value, StoreError> {
        let filled = template.fill(&self.effect.committed.assigned);
        filled.map(Value::from).ok_or(StoreError::TooLarge("slot outside of its template"))
    }

    fn hold(&mut self, blob: BlobId, change: fn(u32) -> Option<u32>) -> Result<(), StoreError> {
        if let Some((_, holders)) = self.effect.bodies.iter_mut().find(|(body, _)| body.id == blob)
        {
            *holders = change(*holders).ok_or(StoreError::NoSuchBlob)?;
            return Ok(());
        }
        let at = match self.holders.get(&blob) {
            Some(&at) => at,
            None => {
                let holders = self.latest.holders(blob)?.ok_or(StoreError::NoSuchBlob)?;
                self.effect.holders.push((blob, holders));
                self.holders.insert(blob, self.effect.holders.len() - 1);
                self.effect.holders.len() - 1
            }
        };
        let holders = &mut self.effect.holders[at].1;
        *holders = change(*holders).ok_or(StoreError::NoSuchBlob)?;
        Ok(())
    }
}

/// What a counter's value says.
fn counter(value: Option<&[u8]>) -> Result<u64, StoreError> {
    match value {
        None => Ok(0),
        Some(value) => value
            .try_into()
            .map(u64::from_be_bytes)
            .map_err(|_| StoreError::Corrupt(format!("a counter of {} octets", value.len()))),
    }
}

/// `numbers` added to those of `value`; numbers beyond them stay. Sums wrap around.
fn add(value: &[u8], numbers: &[i64]) -> Vec<u8> {
    let mut sums = value.to_vec();
    sums.resize(value.len().next_multiple_of(NUMBER_SIZE).max(numbers.len() * NUMBER_SIZE), 0);
    for (place, number) in sums.chunks_exact_mut(NUMBER_SIZE).zip(numbers) {
        let mut old = [0; NUMBER_SIZE];
        old.copy_from_slice(place);
        place.copy_from_slice(&i64::from_le_bytes(old).wrapping_add(*number).to_le_bytes());
    }
    sums
}

impl Committed {
    /// The first number that `assigned` was given.
    pub fn first(&self, assigned: Assigned) -> Option<u64> {
        self.assigned.get(assigned.0).copied()
    }
}
