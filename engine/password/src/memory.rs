//! The memory that hashing fills. Taking it from the system anew costs a good part of a hash, so
//! it is kept while others wait for it, and given up when nobody does.

use argon2::Block;
use std::sync::{Mutex, PoisonError};

/// What one hash works in.
pub(crate) type Memory = Vec<Block>;

/// Memory of hashes that are done, for those that wait.
#[derive(Debug, Default)]
pub(crate) struct Memories(Mutex<Vec<Memory>>);

impl Memories {
    pub(crate) fn take(&self) -> Memory {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    pub(crate) fn give_back(&self, memory: Memory) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
