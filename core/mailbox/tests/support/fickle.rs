//! A store that lets others go first and, if asked, fails: by seed, so that a run can be repeated.

use core_store::{
    Batch, Committed, Key, Later, Limits, MemoryStore, Page, Scan, Snapshot, Store, StoreError,
    Value,
};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// What somebody else does.
pub type Intrusion = Pin<Box<dyn Future<Output = ()> + Send>>;

pub struct Fickle {
    memory: Arc<MemoryStore>,
    state: AtomicU64,
    /// Does it give way and fail?
    wild: AtomicBool,
    /// After so many commits none ends any more.
    hanging_after: Mutex<Option<u64>>,
    /// Happens just before the next commit.
    intrusion: Mutex<Option<Intrusion>>,
    commits: AtomicU64,
    reads: Arc<AtomicU64>,
}

impl Fickle {
    pub fn new(memory: Arc<MemoryStore>, seed: u64) -> Arc<Fickle> {
        Arc::new(Fickle {
            memory,
            state: AtomicU64::new(seed),
            wild: AtomicBool::new(false),
            hanging_after: Mutex::default(),
            intrusion: Mutex::default(),
            commits: AtomicU64::new(0),
            reads: Arc::default(),
        })
    }

    pub fn set_wild(&self, wild: bool) {
        self.wild.store(wild, Ordering::Relaxed);
    }

    /// From now on only so many commits are done; later ones never end.
    pub fn set_hanging_after(&self, commits: Option<u64>) {
        *self.hanging_after.lock().unwrap() = commits;
    }

    /// Lets this happen just before the next commit, after everything was read for it.
    pub fn intrude(&self, intrusion: impl Future<Output = ()> + Send + 'static) {
        *self.intrusion.lock().unwrap() = Some(Box::pin(intrusion));
    }

    async fn hang_if_so(&self) {
        let hangs = match &mut *self.hanging_after.lock().unwrap() {
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        };
        if hangs {
            std::future::pending().await
        }
    }

    /// Commits asked for since the last call.
    pub fn take_commits(&self) -> u64 {
        self.commits.swap(0, Ordering::Relaxed)
    }

    /// Gets and scans since the last call.
    pub fn take_reads(&self) -> u64 {
        self.reads.swap(0, Ordering::Relaxed)
    }

    /// splitmix64
    fn random(&self, below: u64) -> u64 {
        let z = self.state.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }

    async fn give_way(&self) {
        if self.wild.load(Ordering::Relaxed) {
            for _ in 0..self.random(4) {
                tokio::task::yield_now().await;
            }
        }
    }
}

impl Store for Fickle {
    fn snapshot(&self) -> Later<'_, Arc<dyn Snapshot>> {
        Box::pin(async move {
            self.give_way().await;
            if self.wild.load(Ordering::Relaxed) && self.random(200) == 0 {
                return Err(StoreError::Unavailable("a test wants it so".into()));
            }
            let moment = self.memory.snapshot().await?;
            Ok(Arc::new(Counted { moment, reads: self.reads.clone() }) as Arc<dyn Snapshot>)
        })
    }

    fn commit(&self, batch: Batch) -> Later<'_, Committed> {
        Box::pin(async move {
            self.commits.fetch_add(1, Ordering::Relaxed);
            self.hang_if_so().await;
            let intrusion = self.intrusion.lock().unwrap().take();
            if let Some(intrusion) = intrusion {
                intrusion.await;
            }
            self.give_way().await;
            if !self.wild.load(Ordering::Relaxed) {
                return self.memory.commit(batch).await;
            }
            let outcome = match self.random(40) {
                0..3 if !batch.expects.is_empty() => Err(StoreError::Conflict { expectation: 0 }),
                3 => Err(StoreError::Unavailable("a test wants it so".into())),
                4 => Err(StoreError::OutcomeUnknown),
                5 => self.memory.commit(batch).await.and(Err(StoreError::OutcomeUnknown)),
                _ => self.memory.commit(batch).await,
            };
            self.give_way().await;
            outcome
        })
    }

    fn limits(&self) -> Limits {
        self.memory.limits()
    }
}

struct Counted {
    moment: Arc<dyn Snapshot>,
    reads: Arc<AtomicU64>,
}

impl Snapshot for Counted {
    fn get<'a>(&'a self, key: &'a [u8]) -> Later<'a, Option<Value>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.moment.get(key)
    }

    fn get_many<'a>(&'a self, keys: &'a [Key]) -> Later<'a, Vec<Option<Value>>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.moment.get_many(keys)
    }

    fn scan(&self, scan: Scan) -> Later<'_, Page> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.moment.scan(scan)
    }
}
