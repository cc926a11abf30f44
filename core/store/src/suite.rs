//! What every engine must do. An engine's own tests call [`run`], and perhaps [`model::run`] with
//! more steps. A failed demand panics and says which.
//!
//! ```
//! use core_store::{Blobs, MemoryStore, Store, suite};
//! use std::sync::Arc;
//!
//! suite::run(|| {
//!     let store = MemoryStore::new();
//!     (store.clone() as Arc<dyn Store>, store as Arc<dyn Blobs>)
//! });
//! ```

mod batches;
mod bodies;
pub mod model;
mod numbers;
mod scans;

use crate::{Batch, BlobId, Blobs, Body, Committed, Key, Store, StoreError, Value};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// An empty engine under test.
pub struct Subject {
    /// Its keys and values.
    pub store: Arc<dyn Store>,
    /// Its bodies.
    pub blobs: Arc<dyn Blobs>,
}

/// Every demand on an engine, each on an empty one that `make` makes.
pub fn run(make: impl Fn() -> (Arc<dyn Store>, Arc<dyn Blobs>)) {
    let demands = [batches::DEMANDS, numbers::DEMANDS, scans::DEMANDS, bodies::DEMANDS];
    for demand in demands.iter().copied().flatten() {
        let (store, blobs) = make();
        demand(&Subject { store, blobs });
    }
    for seed in 0..4 {
        let (store, blobs) = make();
        model::run(&Subject { store, blobs }, seed, 300);
    }
}

/// One thing that an engine must do.
type Demand = fn(&Subject);

impl Subject {
    /// Commits and waits.
    pub fn commit(&self, batch: Batch) -> Result<Committed, StoreError> {
        block_on(self.store.commit(batch))
    }

    /// Commits what must succeed.
    #[track_caller]
    pub fn must(&self, batch: Batch) -> Committed {
        self.commit(batch).expect("this batch can be committed")
    }

    /// The present value of `key`.
    #[track_caller]
    pub fn get(&self, key: &[u8]) -> Option<Value> {
        let snapshot = block_on(self.store.snapshot()).expect("a snapshot");
        block_on(snapshot.get(key)).expect("a key can be read")
    }

    /// Sets one key.
    #[track_caller]
    pub fn put(&self, key: &[u8], value: &[u8]) {
        let mut batch = Batch::new();
        batch.put(key, value);
        self.must(batch);
    }

    /// A finished body with these octets, written in pieces of `piece`.
    #[track_caller]
    pub fn body(&self, octets: &[u8], piece: usize) -> Body {
        let mut writer = self.blobs.begin();
        for chunk in octets.chunks(piece.max(1)) {
            block_on(writer.write(chunk)).expect("a body can be written");
        }
        assert_eq!(writer.len(), octets.len() as u64, "a writer counts its octets");
        block_on(writer.finish()).expect("a body can be finished")
    }

    /// Keeps a body with these octets.
    #[track_caller]
    pub fn keep(&self, octets: &[u8], holders: u32) -> BlobId {
        let body = self.body(octets, 10_000);
        let blob = body.id;
        let mut batch = Batch::new();
        batch.keep(body, holders);
        self.must(batch);
        blob
    }

    /// All octets of a body.
    pub fn read(&self, blob: BlobId) -> Result<Value, StoreError> {
        block_on(self.blobs.read(blob, 0..u64::MAX))
    }
}

/// A key.
fn key(octets: &'static str) -> Key {
    Key::from_static(octets.as_bytes())
}

/// Waits for a future on this thread.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Unpark>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// Numbers that look random and are the same for the same seed (SplitMix64).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// From a seed.
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// That many octets.
    pub fn octets(&mut self, len: usize) -> Vec<u8> {
        let mut octets = Vec::with_capacity(len + 8);
        while octets.len() < len {
            octets.extend_from_slice(&self.roll().to_le_bytes());
        }
        octets.truncate(len);
        octets
    }
}
