//! The in-memory engine is an engine, and its faults are those asked for.

use core_store::suite::{self, Subject, block_on};
use core_store::{Batch, Blobs, MemoryStore, Outcome, Store, StoreError};
use std::sync::Arc;

fn subject(store: &Arc<MemoryStore>) -> Subject {
    Subject { store: store.clone() as Arc<dyn Store>, blobs: store.clone() as Arc<dyn Blobs> }
}

#[test]
fn the_memory_engine_passes_the_suite() {
    suite::run(|| {
        let Subject { store, blobs } = subject(&MemoryStore::new());
        (store, blobs)
    });
}

#[test]
fn a_conflict_on_demand_happens_once() {
    let store = MemoryStore::new();
    store.conflict_next(3);
    let subject = subject(&store);
    assert_eq!(subject.commit(Batch::new()), Err(StoreError::Conflict { expectation: 3 }));
    assert!(subject.commit(Batch::new()).is_ok());
}

#[test]
fn an_unknown_outcome_is_done_or_not_as_asked() {
    let store = MemoryStore::new();
    let subject = subject(&store);
    for (outcome, done) in [(Outcome::NotDone, false), (Outcome::Done, true)] {
        store.outcome_unknown_next(outcome);
        let mut batch = Batch::new();
        batch.put(&b"key"[..], &b"value"[..]);
        assert_eq!(subject.commit(batch), Err(StoreError::OutcomeUnknown));
        assert_eq!(subject.get(b"key").is_some(), done);
    }
}

#[test]
fn an_unavailable_store_refuses_everything_until_it_is_back() {
    let store = MemoryStore::new();
    let subject = subject(&store);
    store.unavailable(true);
    assert!(matches!(subject.commit(Batch::new()), Err(StoreError::Unavailable(_))));
    assert!(matches!(block_on(store.snapshot()).map(drop), Err(StoreError::Unavailable(_))));
    store.unavailable(false);
    assert!(subject.commit(Batch::new()).is_ok());
}

#[test]
fn a_released_body_leaves_the_memory_engine() {
    let store = MemoryStore::new();
    let subject = subject(&store);
    let blob = subject.keep(b"octets", 2);
    assert_eq!((store.blob_count(), store.holders(blob)), (1, 2));
    let mut batch = Batch::new();
    batch.release(blob).release(blob);
    subject.must(batch);
    assert_eq!((store.blob_count(), store.holders(blob)), (0, 0));
}
