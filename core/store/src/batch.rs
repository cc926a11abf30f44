//! What is to be done at once.

use crate::{BlobId, Body, Key, Value};

/// Changes that happen together or not at all. No closures: what is described can be logged,
/// replayed and sent elsewhere.
#[derive(Debug, Default)]
pub struct Batch {
    /// Checked before anything is done.
    pub expects: Vec<Expect>,
    /// Counters to advance, in order.
    pub assigns: Vec<Assign>,
    /// Done in order.
    pub operations: Vec<Operation>,
    /// Bodies to be kept from now on, each with how many hold it (at least 1).
    pub bodies: Vec<(Body, u32)>,
}

/// A counter to advance. A missing one stands at 0; the first number given is the counter's old
/// value plus 1, or `least` if that is greater, and it then stands at the last given. A counter's
/// value is 8 octets, big-endian.
#[derive(Clone, Debug)]
pub struct Assign {
    /// The counter's.
    pub key: Key,
    /// How many numbers are given. With none the counter only rises to below `least`.
    pub count: u64,
    /// No number below this one is given.
    pub least: u64,
}

/// What must be true for a batch to happen.
#[derive(Clone, Debug)]
pub enum Expect {
    /// `key` has no value.
    Absent(Key),
    /// `key` has just this value.
    Equals(Key, Value),
}

/// One change.
#[derive(Clone, Debug)]
pub enum Operation {
    /// `key` gets `value`.
    Put(Template, Template),
    /// `key` loses its value, if it has one.
    Delete(Key),
    /// Each number of `key`'s value (8 octets each, little-endian, signed; missing ones are 0) is
    /// raised by the one at its place. Two batches that add to one key do not conflict.
    Add(Key, Vec<i64>),
    /// One more holds the blob.
    Hold(BlobId),
    /// One fewer holds the blob; with the last its octets may be given up.
    Release(BlobId),
}

/// Which of [`Batch::assigns`] a slot is filled from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assigned(pub usize);

/// Octets with places for numbers that only the commit knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// The octets; those of slots are overwritten.
    pub bytes: Vec<u8>,
    /// In any order, not overlapping.
    pub slots: Vec<Slot>,
}

/// A place for an assigned number: 8 octets, big-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Octets from the template's beginning.
    pub offset: usize,
    /// Where the number comes from.
    pub assigned: Assigned,
    /// Added to the first number assigned.
    pub plus: u64,
}

impl Template {
    /// Adds a slot of 8 octets at the present end.
    pub fn push_slot(&mut self, assigned: Assigned, plus: u64) {
        self.slots.push(Slot { offset: self.bytes.len(), assigned, plus });
        self.bytes.extend_from_slice(&[0; 8]);
    }

    /// The octets with every slot filled; `firsts` holds the first number of each assignment.
    /// `None` if a slot names no assignment or lies outside the octets.
    pub fn fill(mut self, firsts: &[u64]) -> Option<Vec<u8>> {
        for slot in &self.slots {
            let number = firsts.get(slot.assigned.0)?.checked_add(slot.plus)?;
            let place = self.bytes.get_mut(slot.offset..slot.offset.checked_add(8)?)?;
            place.copy_from_slice(&number.to_be_bytes());
        }
        Some(self.bytes)
    }
}

impl From<Vec<u8>> for Template {
    fn from(bytes: Vec<u8>) -> Template {
        Template { bytes, slots: Vec::new() }
    }
}

impl From<&[u8]> for Template {
    fn from(bytes: &[u8]) -> Template {
        bytes.to_vec().into()
    }
}

impl From<Key> for Template {
    fn from(bytes: Key) -> Template {
        bytes.to_vec().into()
    }
}

impl Batch {
    /// Nothing to do yet.
    pub fn new() -> Batch {
        Batch::default()
    }

    /// Do nothing unless `key` has no value.
    pub fn expect_absent(&mut self, key: impl Into<Key>) -> &mut Batch {
        self.expects.push(Expect::Absent(key.into()));
        self
    }

    /// Do nothing unless `key` has just `value`.
    pub fn expect(&mut self, key: impl Into<Key>, value: impl Into<Value>) -> &mut Batch {
        self.expects.push(Expect::Equals(key.into(), value.into()));
        self
    }

    /// Takes `count` numbers from the counter at `key`, for slots.
    pub fn assign(&mut self, key: impl Into<Key>, count: u64) -> Assigned {
        self.assign_from(key, 0, count)
    }

    /// Takes `count` numbers from the counter at `key`, none below `least`, for slots.
    pub fn assign_from(&mut self, key: impl Into<Key>, least: u64, count: u64) -> Assigned {
        self.assigns.push(Assign { key: key.into(), count, least });
        Assigned(self.assigns.len() - 1)
    }

    /// `key` gets `value`.
    pub fn put(&mut self, key: impl Into<Template>, value: impl Into<Template>) -> &mut Batch {
        self.operations.push(Operation::Put(key.into(), value.into()));
        self
    }

    /// `key` loses its value.
    pub fn delete(&mut self, key: impl Into<Key>) -> &mut Batch {
        self.operations.push(Operation::Delete(key.into()));
        self
    }

    /// Adds to the numbers at `key`.
    pub fn add(&mut self, key: impl Into<Key>, numbers: &[i64]) -> &mut Batch {
        self.operations.push(Operation::Add(key.into(), numbers.to_vec()));
        self
    }

    /// Keeps `body`, held `holders` times, from now on.
    pub fn keep(&mut self, body: Body, holders: u32) -> &mut Batch {
        self.bodies.push((body, holders));
        self
    }

    /// One more holds `blob`.
    pub fn hold(&mut self, blob: BlobId) -> &mut Batch {
        self.operations.push(Operation::Hold(blob));
        self
    }

    /// One fewer holds `blob`.
    pub fn release(&mut self, blob: BlobId) -> &mut Batch {
        self.operations.push(Operation::Release(blob));
        self
    }
}
