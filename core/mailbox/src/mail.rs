//! Everybody's mailboxes.

use crate::bell::{Bells, Watch};
use crate::expiry::Expiry;
use crate::tree::Tree;
use crate::view::Views;
use crate::{Mailboxes, count, key, octets};
use bytes::Bytes;
use core_store::{
    Batch, BlobWriter, Blobs, Body, Key, Page, Scan, Snapshot, Store, StoreError, Value,
};
use core_world::World;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use words_mail::{AccountId, MailboxName, ModSeq, Refusal, SpecialUse};

/// The process's one door to mailboxes: store, open views, and who watches what. Cheap to clone.
#[derive(Clone)]
pub struct Mail {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub store: Arc<dyn Store>,
    pub blobs: Arc<dyn Blobs>,
    pub world: World,
    pub options: Options,
    pub bells: Bells,
    pub views: Views,
    /// Accounts whose logs have grown since they were last trimmed.
    pub grown: Mutex<Vec<AccountId>>,
    pub expiry: Mutex<Expiry>,
}

/// Limits, each with a name.
#[derive(Clone, Debug)]
pub struct Options {
    /// Largest message, in octets.
    pub size_max: u64,
    /// Most mailboxes of one account.
    pub mailboxes_max: usize,
    /// Entries of an account's change log that are kept at least.
    pub log_min: u64,
    /// How long expunged messages can be recovered; zero: not at all.
    pub keep_expunged: Duration,
    /// Most expunged messages of one account that are kept; the oldest go first,
    pub expunged_messages_max: u64,
    /// and most octets.
    pub expunged_bytes_max: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            size_max: 52_428_800,
            mailboxes_max: 10_000,
            log_min: 50_000,
            keep_expunged: Duration::from_secs(14 * 24 * 3600),
            expunged_messages_max: 200_000,
            expunged_bytes_max: 10 << 30,
        }
    }
}

/// What an account keeps, all mailboxes together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Octets of messages.
    pub bytes: u64,
    /// Messages.
    pub messages: u64,
}

/// How much an account may keep, all mailboxes together. `None` is without limit.
///
/// What arrives at the very same moment may pass it together: each alone was within.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    /// Octets of messages.
    pub bytes: Option<u64>,
    /// Messages.
    pub messages: Option<u64>,
}

impl Allowance {
    /// No limit at all.
    pub const UNLIMITED: Allowance = Allowance { bytes: None, messages: None };

    /// May one who keeps `usage` keep `more` too? Errors: `MailboxFull`.
    pub fn check(&self, usage: Usage, more: Usage) -> Result<(), Refusal> {
        let within = |max: Option<u64>, now: u64, more: u64| {
            more == 0 || max.is_none_or(|max| now.saturating_add(more) <= max)
        };
        let fits = within(self.bytes, usage.bytes, more.bytes)
            && within(self.messages, usage.messages, more.messages);
        if fits { Ok(()) } else { Err(Refusal::MailboxFull) }
    }

    /// Can it never be reached?
    pub(crate) fn is_unlimited(&self) -> bool {
        *self == Allowance::UNLIMITED
    }
}

impl Mail {
    /// The mailboxes kept in `store` and `blobs`.
    pub fn new(
        store: Arc<dyn Store>,
        blobs: Arc<dyn Blobs>,
        world: World,
        options: Options,
    ) -> Mail {
        let (bells, views, grown, expiry) = Default::default();
        let inner = Inner { store, blobs, world, options, bells, views, grown, expiry };
        Mail { inner: Arc::new(inner) }
    }

    /// The mailboxes of `account`. Whoever calls this has checked that it may.
    pub fn account(&self, account: AccountId) -> Mailboxes {
        Mailboxes::new(self.inner.clone(), account)
    }

    /// Adds to `batch`, which makes the account, its first mailboxes: INBOX and `names`, each
    /// subscribed.
    pub fn provision(
        &self,
        batch: &mut Batch,
        account: AccountId,
        names: &[(MailboxName, Option<SpecialUse>)],
    ) {
        let mut tree = Tree::new(self.inner.world.clock.now());
        tree.make(&MailboxName::inbox(), None);
        for (name, special_use) in names {
            tree.make(name, *special_use);
        }
        *batch = tree.draft(account, std::mem::take(batch)).into_batch();
    }

    /// What `account` keeps.
    pub async fn usage(&self, account: AccountId) -> Result<Usage, Refusal> {
        let value = self.inner.get(&key::usage(account)).await?;
        Ok(count::decode_usage(value.as_ref()))
    }

    /// Begins to watch the log of `account`.
    pub fn watch(&self, account: AccountId) -> Watch {
        Watch::new(self.inner.clone(), account)
    }

    /// A body on its way in, for [`crate::Arrival`].
    pub fn begin_body(&self) -> Box<dyn BlobWriter> {
        self.inner.blobs.begin()
    }

    /// Octets of a finished body that is not kept yet, at most `len_max` from `offset`: for one who
    /// passes it on elsewhere. Errors: `Unavailable`.
    pub async fn read_unkept(
        &self,
        body: &Body,
        offset: u64,
        len_max: u64,
    ) -> Result<Bytes, Refusal> {
        let range = offset..offset.saturating_add(len_max);
        self.inner.blobs.read_unkept(body, range).await.map_err(refuse)
    }

    /// Has the disk room for a message of `size` octets (0: not told)? Errors: `StorageFull`.
    pub fn check_room(&self, size: u64) -> Result<(), Refusal> {
        match self.inner.blobs.has_room(size) {
            true => Ok(()),
            false => Err(Refusal::StorageFull),
        }
    }

    /// The newest number in the log of `account`.
    pub async fn modseq(&self, account: AccountId) -> Result<ModSeq, Refusal> {
        let value = self.inner.get(&key::modseq(account)).await?;
        Ok(ModSeq(octets::counter(value.as_ref())))
    }
}

/// The store's troubles as the core's peers see them: temporary, whatever they are.
pub(crate) fn refuse(error: StoreError) -> Refusal {
    match error {
        StoreError::Full => Refusal::StorageFull,
        _ => Refusal::Unavailable,
    }
}

/// After so many more entries a log is looked at for trimming.
const GROWN_MIN: u64 = 1_024;

/// A record is there that cannot be read.
pub(crate) const UNREADABLE: Refusal = Refusal::Unavailable;

impl Inner {
    /// Tells whoever waits that the log of `account` has got entry `modseq`.
    pub fn note(&self, account: AccountId, modseq: ModSeq) {
        self.bells.ring(account);
        if modseq.0.is_multiple_of(GROWN_MIN) {
            self.grown.lock().unwrap_or_else(PoisonError::into_inner).push(account);
        }
    }

    pub async fn snapshot(&self) -> Result<Arc<dyn Snapshot>, Refusal> {
        self.store.snapshot().await.map_err(refuse)
    }

    pub async fn get(&self, key: &Key) -> Result<Option<Value>, Refusal> {
        self.snapshot().await?.get(key).await.map_err(refuse)
    }

    /// The values of `keys`, as of one moment.
    pub async fn get_many<const N: usize>(
        &self,
        keys: [Key; N],
    ) -> Result<[Option<Value>; N], Refusal> {
        let values = self.get_list(&keys).await?;
        values.try_into().map_err(|_| UNREADABLE)
    }

    /// The values of `keys`, in their order, as of one moment.
    pub async fn get_list(&self, keys: &[Key]) -> Result<Vec<Option<Value>>, Refusal> {
        self.snapshot().await?.get_many(keys).await.map_err(refuse)
    }

    /// One page, as of now.
    pub async fn scan(&self, scan: Scan) -> Result<Page, Refusal> {
        self.snapshot().await?.scan(scan).await.map_err(refuse)
    }
}
