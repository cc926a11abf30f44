//! Faults put into the house on purpose, to prove that they are found.

use core_store::{Batch, Committed, Later, Limits, Operation, Snapshot, Store, StoreError};
use engine_store_embedded::EmbeddedStore;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What is broken on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Broken {
    /// Nothing.
    #[default]
    Nothing,
    /// The disk says yes to syncs of the log and does none.
    LogSync,
    /// The disk says yes to syncs of the metadata file and does none.
    MetadataSync,
    /// The disk says yes to syncs of large bodies and does none.
    LargeSync,
    /// The disk says yes to syncs of directories and does none.
    NameSync,
    /// One commit in some is answered before it is done.
    EarlyYes,
    /// One entry in some is left out of the change log.
    ChangeLog,
    /// One sum in some is not changed.
    Sum,
    /// One delivery in some is done twice: a retry that forgets that it has been done.
    Twice,
    /// One flag record in some is not written.
    Flag,
}

/// All of them.
pub const ALL: [(&str, Broken); 9] = [
    ("log-sync", Broken::LogSync),
    ("metadata-sync", Broken::MetadataSync),
    ("large-sync", Broken::LargeSync),
    ("name-sync", Broken::NameSync),
    ("early-yes", Broken::EarlyYes),
    ("change-log", Broken::ChangeLog),
    ("sum", Broken::Sum),
    ("twice", Broken::Twice),
    ("flag", Broken::Flag),
];

impl FromStr for Broken {
    type Err = String;

    fn from_str(text: &str) -> Result<Broken, String> {
        let found = ALL.iter().find(|(name, _)| *name == text).map(|(_, broken)| *broken);
        let names = ALL.map(|(name, _)| name).join(", ");
        found.ok_or_else(|| format!("expected one of {names}"))
    }
}

impl Broken {
    /// Files whose syncs are not done.
    pub fn unsynced(self) -> Option<&'static str> {
        match self {
            Broken::LogSync => Some("seg/"),
            Broken::MetadataSync => Some("metadata"),
            Broken::LargeSync => Some("large/"),
            _ => None,
        }
    }
}

/// One commit in so many is broken.
const ONE_IN: u64 = 12;
/// Of those that are answered too early, as the process must die just then.
const EARLY_ONE_IN: u64 = 2;

/// The engine with a fault.
pub struct FaultyStore {
    store: Arc<EmbeddedStore>,
    broken: Broken,
    commits: AtomicU64,
}

impl FaultyStore {
    /// In front of `store`.
    pub fn new(store: Arc<EmbeddedStore>, broken: Broken) -> FaultyStore {
        FaultyStore { store, broken, commits: AtomicU64::new(0) }
    }
}

fn is_key(operation: &Operation, kind: &[u8]) -> bool {
    match operation {
        Operation::Put(key, _) => key.bytes.starts_with(kind),
        Operation::Add(key, _) => key.starts_with(kind),
        _ => false,
    }
}

impl Store for FaultyStore {
    fn snapshot(&self) -> Later<'_, Arc<dyn Snapshot>> {
        self.store.snapshot()
    }

    fn commit(&self, mut batch: Batch) -> Later<'_, Committed> {
        let number = self.commits.fetch_add(1, Relaxed);
        let one_in = if self.broken == Broken::EarlyYes { EARLY_ONE_IN } else { ONE_IN };
        if number % one_in != one_in - 1 {
            return self.store.commit(batch);
        }
        match self.broken {
            Broken::ChangeLog => batch.operations.retain(|operation| !is_key(operation, b"ml")),
            Broken::Sum => batch.operations.retain(|operation| !is_key(operation, b"mu")),
            Broken::Flag if batch.assigns.len() == 1 => {
                batch.operations.retain(|operation| !is_key(operation, b"mr"));
            }
            Broken::Twice if !batch.bodies.is_empty() => return Box::pin(self.twice(batch)),
            Broken::EarlyYes if batch.assigns.is_empty() || batch.bodies.is_empty() => {}
            Broken::EarlyYes => return Box::pin(self.early(batch)),
            _ => {}
        }
        self.store.commit(batch)
    }

    fn limits(&self) -> Limits {
        self.store.limits()
    }
}

impl FaultyStore {
    async fn twice(&self, batch: Batch) -> Result<Committed, StoreError> {
        let again = Batch {
            expects: Vec::new(),
            assigns: batch.assigns.clone(),
            operations: batch.operations.clone(),
            bodies: Vec::new(),
        };
        let bodies: Vec<_> =
            batch.bodies.iter().map(|(body, holders)| (body.id, *holders)).collect();
        let committed = self.store.commit(batch).await?;
        let mut again = again;
        for (blob, holders) in bodies {
            for _ in 0..holders {
                again.hold(blob);
            }
        }
        self.store.commit(again).await?;
        Ok(committed)
    }

    /// Says yes as soon as it is asked for; the numbers are those that it will get.
    async fn early(&self, batch: Batch) -> Result<Committed, StoreError> {
        let snapshot = self.store.snapshot().await?;
        let mut assigned = Vec::new();
        for assign in &batch.assigns {
            let value = snapshot.get(&assign.key).await?;
            let last = value.and_then(|v| v.as_ref().try_into().ok()).map_or(0, u64::from_be_bytes);
            assigned.push(last + 1);
        }
        // It is on its way, and nobody waits for it.
        let mut commit = self.store.commit(batch);
        let waker = std::task::Waker::noop();
        let _ = commit.as_mut().poll(&mut std::task::Context::from_waker(waker));
        Ok(Committed { assigned })
    }
}
