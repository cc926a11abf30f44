//! The questions that servers ask.

use crate::elsewhere::Elsewhere;
use crate::lookup::Lookup;
use crate::pass::Bells;
use crate::record::AccountRecord;
use crate::verified::Verified;
use crate::walk::{Fallback, Walk, Walked};
use crate::{Account, Admin};
use core_store::{Store, StoreError};
use core_world::World;
use std::sync::{Arc, OnceLock};
use words_mail::{AccountId, Address, ForwardPath, Refusal, ReversePath};

/// The directory of one post office. Cheap to share.
pub struct Directory {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) world: World,
    pub(crate) options: Options,
    pub(crate) verified: Verified,
    /// The hash against which passwords of names that nobody has are verified.
    pub(crate) dummy_hash: OnceLock<String>,
    /// What keys for such names are made of, once it was read.
    pub(crate) secret: OnceLock<[u8; 32]>,
    /// Who wants to know that an account was changed or removed.
    pub(crate) bells: Arc<Bells>,
    /// Who knows people whom it does not.
    pub(crate) elsewhere: Elsewhere,
}

/// What the directory needs to be told.
#[derive(Clone, Debug)]
pub struct Options {
    /// Between a name and the detail of a sub-address (RFC 5233 §1): `+` in `ana+cursos@`.
    /// `None`: there are no sub-addresses.
    pub separator: Option<char>,
}

impl Default for Options {
    fn default() -> Options {
        Options { separator: Some('+') }
    }
}

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
    pub fn new(store: Arc<dyn Store>, world: World, options: Options) -> Directory {
        let verified = Verified::new(&*world.random);
        let (dummy_hash, secret, bells, elsewhere) = Default::default();
        Directory { store, world, options, verified, dummy_hash, secret, bells, elsewhere }
    }

    /// The same, and whom it does not know others may.
    pub fn with_elsewhere(self, elsewhere: Elsewhere) -> Directory {
        Directory { elsewhere, ..self }
    }

    /// What the operator may do.
    pub fn admin(&self) -> Admin<'_> {
        Admin::new(self)
    }

    /// Who gets mail for `path`. Errors: `NoSuchRecipient` if its domain is ours and nobody has the
    /// address; `Limit` if aliases go in circles or too far; `Unavailable`, also if somebody elsewhere
    /// may have it who cannot be asked now. Who has it there gets an account by that.
    ///
    /// Postmaster, with a domain of ours or without, is always somebody as long as there is an
    /// account (RFC 5321 §4.5.1): who has the name; else who the operator made it; else the eldest
    /// account of the domain; else the eldest of all. Without a domain it is that of the domain in
    /// which the eldest account is.
    pub async fn resolve(&self, path: &ForwardPath) -> Result<Resolved, Refusal> {
        let mut asked = Vec::new();
        let resolved = loop {
            let Walked { resolved, missing } = self.walk(path).await?;
            if !self.welcome(missing, &mut asked).await? {
                break resolved;
            }
        };
        if resolved.local.is_empty() && resolved.elsewhere.is_empty() {
            return Err(Refusal::NoSuchRecipient);
        }
        Ok(resolved)
    }

    /// Who has an address now.
    async fn walk(&self, path: &ForwardPath) -> Result<Walked, Refusal> {
        let lookup = self.lookup().await.map_err(unavailable)?;
        let address = match path {
            ForwardPath::Address(address) => address.clone(),
            ForwardPath::Postmaster => {
                let postmaster = self.postmaster(&lookup).await.map_err(unavailable)?;
                postmaster.ok_or(Refusal::NoSuchRecipient)?
            }
        };
        let walk = Walk::new(&lookup, self.options.separator, Fallback::Follow);
        walk.resolve(address).await
    }

    /// `account` is not what it was.
    pub(crate) fn account_changed(&self, account: AccountId) {
        self.verified.forget(account);
        self.bells.ring(account);
    }

    /// The account of that number. Errors: `LoginFailed` if it is gone or disabled; `Unavailable`.
    pub async fn account(&self, id: AccountId) -> Result<Account, Refusal> {
        let lookup = self.lookup().await.map_err(unavailable)?;
        let record = lookup.account(id).await.map_err(unavailable)?;
        let record = record.filter(|r| !r.disabled).ok_or(Refusal::LoginFailed)?;
        Ok(account_of(id, record))
    }

    /// May `account` send under `path`? The null reverse-path, its addresses, their sub-addresses
    /// and aliases that lead to it, postmaster for who is that; not what only a catch-all brings.
    /// Errors: `SenderNotOwned`, `Unavailable`.
    pub async fn may_send_as(&self, account: &Account, path: &ReversePath) -> Result<(), Refusal> {
        self.may_account_send_as(account.id, path).await
    }

    /// The same for who knows just the account's number.
    pub async fn may_account_send_as(
        &self,
        account: AccountId,
        path: &ReversePath,
    ) -> Result<(), Refusal> {
        let Some(address) = &path.0 else { return Ok(()) };
        let lookup = self.lookup().await.map_err(unavailable)?;
        let walk = Walk::new(&lookup, self.options.separator, Fallback::Ignore);
        match walk.resolve(address.clone()).await {
            Ok(Walked { resolved, .. })
                if resolved.local.iter().any(|l| l.account.id == account) =>
            {
                Ok(())
            }
            Err(Refusal::Unavailable) => Err(Refusal::Unavailable),
            // An alias that goes in circles leads to nobody.
            Ok(_) | Err(_) => Err(Refusal::SenderNotOwned),
        }
    }

    /// The present moment.
    pub(crate) async fn lookup(&self) -> Result<Lookup, StoreError> {
        Lookup::open(&*self.store).await
    }

    /// The address that `<Postmaster>` without a domain stands for.
    async fn postmaster(&self, lookup: &Lookup) -> Result<Option<Address>, StoreError> {
        let Some(id) = lookup.first_account(None).await? else { return Ok(None) };
        let Some(eldest) = lookup.account(id).await? else { return Ok(None) };
        Ok(Address::new("postmaster", eldest.address.domain().clone()).ok())
    }
}

/// What servers may know of an account.
pub(crate) fn account_of(id: AccountId, record: AccountRecord) -> Account {
    let AccountRecord { address, quota, size_max, deliver_to, .. } = record;
    Account { id, address, quota, size_max, deliver_to }
}

/// The answer when the store fails. Whoever runs the store logs why.
pub(crate) fn unavailable(error: StoreError) -> Refusal {
    match error {
        StoreError::Full => Refusal::StorageFull,
        _ => Refusal::Unavailable,
    }
}
