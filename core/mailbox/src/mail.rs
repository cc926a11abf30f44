//! Everybody's mailboxes.

use crate::Mailboxes;
use core_store::{Batch, BlobWriter, Blobs, Store};
use core_world::World;
use std::sync::Arc;
use words_mail::{AccountId, MailboxName, ModSeq, Refusal, SpecialUse};

/// The process's one door to mailboxes: store, open views, and who watches what. Cheap to clone.
#[derive(Clone)]
pub struct Mail {
    #[allow(dead_code)]
    inner: Arc<Inner>,
}

struct Inner {
    #[allow(dead_code)]
    store: Arc<dyn Store>,
    #[allow(dead_code)]
    blobs: Arc<dyn Blobs>,
    #[allow(dead_code)]
    world: World,
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
}

impl Default for Options {
    fn default() -> Options {
        Options { size_max: 52_428_800, mailboxes_max: 10_000, log_min: 50_000 }
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

/// Waits for the changes of one account.
pub struct Watch {}

impl Watch {
    /// Ends when the account's log has grown since the last call ended (or the watch began).
    /// May be dropped and called again without losing news.
    pub async fn changed(&mut self) {
        todo!()
    }
}

impl Mail {
    /// The mailboxes kept in `store` and `blobs`.
    pub fn new(store: Arc<dyn Store>, blobs: Arc<dyn Blobs>, world: World, _o: Options) -> Mail {
        Mail { inner: Arc::new(Inner { store, blobs, world }) }
    }

    /// The mailboxes of `account`. Whoever calls this has checked that it may.
    pub fn account(&self, account: AccountId) -> Mailboxes {
        let _ = account;
        todo!()
    }

    /// Adds to `batch`, which makes the account, its first mailboxes: INBOX and `names`, each
    /// subscribed.
    pub fn provision(
        &self,
        batch: &mut Batch,
        account: AccountId,
        names: &[(MailboxName, Option<SpecialUse>)],
    ) {
        let _ = (batch, account, names);
        todo!()
    }

    /// Adds to `batch` nothing but forgets: removes all mailboxes and messages of a removed
    /// account, in pages, each one commit. `true` when nothing is left.
    pub async fn remove_account_page(&self, account: AccountId) -> Result<bool, Refusal> {
        let _ = account;
        todo!()
    }

    /// What `account` keeps.
    pub async fn usage(&self, account: AccountId) -> Result<Usage, Refusal> {
        let _ = account;
        todo!()
    }

    /// Begins to watch the log of `account`.
    pub fn watch(&self, account: AccountId) -> Watch {
        let _ = account;
        todo!()
    }

    /// A body on its way in, for [`crate::Arrival`].
    pub fn begin_body(&self) -> Box<dyn BlobWriter> {
        todo!()
    }

    /// The newest number in the log of `account`.
    pub async fn modseq(&self, account: AccountId) -> Result<ModSeq, Refusal> {
        let _ = account;
        todo!()
    }
}
