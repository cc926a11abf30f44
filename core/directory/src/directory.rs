//! The questions that servers ask.

use crate::{Account, ScramKeys};
use core_store::Store;
use core_world::World;
use std::sync::Arc;
use words_mail::{AccountId, Address, ForwardPath, Refusal, ReversePath};

/// The directory of one post office. Cheap to share.
pub struct Directory {
    #[allow(dead_code)]
    store: Arc<dyn Store>,
    #[allow(dead_code)]
    world: World,
}

/// What the directory needs to be told.
#[derive(Clone, Debug, Default)]
pub struct Options {}

/// Who gets a message sent to one forward-path, aliases followed to their ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// Accounts here, each once.
    pub local: Vec<LocalRecipient>,
    /// Addresses in domains that are not ours.
    pub elsewhere: Vec<Address>,
}

/// One account that gets a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalRecipient {
    /// Who.
    pub account: Account,
    /// The address under which it was reached, for Delivered-To: the last one of the alias chain.
    pub address: Address,
    /// What stood behind the `+` of the address, if anything (RFC 5233 :detail).
    pub detail: Option<String>,
}

impl Directory {
    /// The directory kept in `store`.
    pub fn new(store: Arc<dyn Store>, world: World, _options: Options) -> Directory {
        Directory { store, world }
    }

    /// Lets in by name (`ana` or `ana@mired.org`, any case) and password.
    /// Errors: `LoginFailed`, never why; `Unavailable`; `Limit` if too many wait.
    pub async fn login(&self, name: &str, password: &[u8]) -> Result<Account, Refusal> {
        let _ = (name, password);
        todo!()
    }

    /// The keys for a SCRAM exchange; made up if nobody has that name.
    pub async fn scram_keys(&self, name: &str) -> Result<ScramKeys, Refusal> {
        let _ = name;
        todo!()
    }

    /// Lets in by name alone: the caller has verified the proof against [`Directory::scram_keys`].
    pub async fn scram_login(&self, name: &str) -> Result<Account, Refusal> {
        let _ = name;
        todo!()
    }

    /// Who gets mail for `path`. Errors: `NoSuchRecipient` if its domain is ours and nobody has the
    /// address; `Limit` if aliases go in circles or too far; `Unavailable`.
    pub async fn resolve(&self, path: &ForwardPath) -> Result<Resolved, Refusal> {
        let _ = path;
        todo!()
    }

    /// The account of that number. Errors: `LoginFailed` if it is gone or disabled; `Unavailable`.
    pub async fn account(&self, id: AccountId) -> Result<Account, Refusal> {
        let _ = id;
        todo!()
    }

    /// May `account` send under `path`? The null reverse-path, its addresses, their sub-addresses
    /// and aliases that lead to it. Errors: `SenderNotOwned`, `Unavailable`.
    pub async fn may_send_as(&self, account: &Account, path: &ReversePath) -> Result<(), Refusal> {
        let _ = (account, path);
        todo!()
    }
}
