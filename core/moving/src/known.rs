//! The flags that a message had in its source when it was last looked at: so that a later run can
//! tell who changed them since, the source or somebody here.
//!
//! ```text
//! v F | account 4 | mailbox 4 | key 16  ->  version 1 | digest of the flags 8
//! ```

use core_store::{Batch, Key, Limits, Scan, Store, StoreError};
use std::sync::Arc;
use words_mail::{AccountId, Flags, MailboxId, Refusal};

/// The layout that is written now.
const VERSION: u8 = 1;
/// How the keys begin.
const ROOM: &[u8] = b"vF";
/// Most records of one batch.
const RECORDS_MAX: usize = 5_000;

/// What names a message that was brought, in the mailbox that it was brought to.
pub(crate) type MessageKey = [u8; 16];

/// Flags as they were, of one mailbox.
pub(crate) struct Known {
    store: Arc<dyn Store>,
    account: AccountId,
    mailbox: MailboxId,
}

impl Known {
    pub fn new(store: Arc<dyn Store>, account: AccountId, mailbox: MailboxId) -> Known {
        Known { store, account, mailbox }
    }

    fn prefix(&self) -> Vec<u8> {
        [&of_account(self.account)[..], &self.mailbox.0.to_be_bytes()].concat()
    }

    fn key(&self, message: &MessageKey) -> Key {
        [&self.prefix()[..], message].concat().into()
    }

    /// Was nothing brought to this mailbox yet?
    pub async fn is_empty(&self) -> Result<bool, Refusal> {
        let snapshot = self.store.snapshot().await.map_err(refuse)?;
        let scan = Scan::rising(Scan::prefix(&self.prefix())).at_most(1);
        Ok(snapshot.scan(scan).await.map_err(refuse)?.pairs.is_empty())
    }

    /// Digests, in the order of `messages`.
    pub async fn get(&self, messages: &[MessageKey]) -> Result<Vec<Option<u64>>, Refusal> {
        let keys: Vec<Key> = messages.iter().map(|m| self.key(m)).collect();
        let snapshot = self.store.snapshot().await.map_err(refuse)?;
        let values = snapshot.get_many(&keys).await.map_err(refuse)?;
        Ok(values.iter().map(|value| decode(value.as_deref()?)).collect())
    }

    /// Keeps digests.
    pub async fn put(&self, digests: &[(MessageKey, u64)]) -> Result<(), Refusal> {
        for page in digests.chunks(RECORDS_MAX) {
            let mut batch = Batch::new();
            for (message, digest) in page {
                let value = [&[VERSION][..], &digest.to_be_bytes()].concat();
                batch.put(self.key(message), value);
            }
            self.store.commit(batch).await.map_err(refuse)?;
        }
        Ok(())
    }
}

fn decode(value: &[u8]) -> Option<u64> {
    let (version, digest) = value.split_first()?;
    (*version == VERSION).then_some(())?;
    Some(u64::from_be_bytes(digest.try_into().ok()?))
}

fn of_account(account: AccountId) -> Vec<u8> {
    [ROOM, &account.0.to_be_bytes()].concat()
}

/// Forgets all that is known of an account that is removed.
pub async fn forget(store: &dyn Store, account: AccountId) -> Result<(), Refusal> {
    let range = Scan::prefix(&of_account(account));
    loop {
        let snapshot = store.snapshot().await.map_err(refuse)?;
        let scan = Scan::rising(range.clone()).at_most(Limits::FOUNDATION.batch_operations / 2);
        let page = snapshot.scan(scan).await.map_err(refuse)?;
        if page.pairs.is_empty() {
            return Ok(());
        }
        let mut batch = Batch::new();
        page.pairs.into_iter().for_each(|(key, _)| {
            batch.delete(key);
        });
        store.commit(batch).await.map_err(refuse)?;
    }
}

/// The store's troubles as the core's peers see them.
pub(crate) fn refuse(error: StoreError) -> Refusal {
    match error {
        StoreError::Full => Refusal::StorageFull,
        _ => Refusal::Unavailable,
    }
}

/// Stands for flags: equal for equal sets, whatever the order and case of keywords.
pub(crate) fn digest(flags: &Flags) -> u64 {
    let mut words: Vec<String> =
        flags.keywords().iter().map(|k| k.as_str().to_ascii_lowercase()).collect();
    words.sort_unstable();
    let mut hash = blake3::Hasher::new();
    hash.update(&[flags.system_bits()]);
    words.iter().for_each(|word| {
        hash.update(word.as_bytes()).update(b" ");
    });
    let octets = hash.finalize();
    octets.as_bytes().first_chunk::<8>().map_or(0, |first| u64::from_be_bytes(*first))
}
