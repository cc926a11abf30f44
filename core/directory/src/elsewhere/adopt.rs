//! How a person whom an authority knows gets an account, and what is heeded of them later.

use super::By;
use crate::admin::ADDRESSES_MAX;
use crate::directory::unavailable;
use crate::key::{self, Name};
use crate::lookup::Lookup;
use crate::record::{NameRecord, Origin, OwnerRecord};
use crate::{AccountChange, AdminError, Directory, NewAccount, Quota};
use core_store::StoreError;
use core_world::Person;
use words_mail::{AccountId, Address, Refusal};

/// How often an account is made anew because somebody else made the same at the same time.
const TRIES_MAX: usize = 3;

impl Directory {
    /// The account of somebody whom `authority` knows; made, if there is none. `None`: they are not
    /// who was named, or nobody with an address here, or another account has theirs.
    pub(super) async fn adopt(
        &self,
        authority: &str,
        person: &Person,
        by: By<'_>,
    ) -> Result<Option<AccountId>, Refusal> {
        let Some(origin) = Origin::new(authority, &person.user) else { return Ok(None) };
        for _ in 0..TRIES_MAX {
            let lookup = self.lookup().await.map_err(unavailable)?;
            let addresses = self.own_addresses(&lookup, person).await.map_err(unavailable)?;
            if !self.is_named(&lookup, person, &addresses, &by).await.map_err(unavailable)? {
                return Ok(None);
            }
            if let Some(id) = existing(&lookup, &origin).await.map_err(unavailable)? {
                drop(lookup);
                self.keep_up(id, person).await.map_err(refusal)?;
                return Ok(Some(id));
            }
            let mut free = Vec::new();
            for address in &addresses {
                if is_free(&lookup, address).await.map_err(unavailable)? {
                    free.push(address.clone());
                }
            }
            // Who has the main address already is another, whom the operator has entered.
            let Some(main) = addresses.first().filter(|main| free.first() == Some(*main)) else {
                return Ok(None);
            };
            let new = NewAccount {
                addresses: free.iter().skip(1).cloned().collect(),
                quota: Quota { bytes: person.quota_bytes, messages: person.quota_messages },
                authority: Some(origin.to_string()),
                ..NewAccount::new(main.clone(), None)
            };
            drop(lookup);
            let provision = self.elsewhere.provision.clone();
            let admin = self.admin();
            let made = admin.add_account(&new, |batch, id| {
                if let Some(provision) = &provision {
                    provision(batch, id);
                }
            });
            match made.await {
                Ok(entry) => return Ok(Some(AccountId(entry.id))),
                Err(AdminError::Store(error)) => return Err(unavailable(error)),
                Err(AdminError::Busy) => return Err(Refusal::Unavailable),
                // Somebody was quicker: perhaps another login of the same person.
                Err(_) => {}
            }
        }
        Err(Refusal::Unavailable)
    }

    /// Gives the account what the authority now says of them: addresses that nobody has, another
    /// quota. It loses no address by that, since nobody knows any more where it came from.
    pub(super) async fn keep_up(&self, id: AccountId, person: &Person) -> Result<(), AdminError> {
        let lookup = self.lookup().await?;
        let Some(account) = lookup.account(id).await? else { return Ok(()) };
        let mut change = AccountChange::default();
        let room = ADDRESSES_MAX.saturating_sub(account.addresses.len());
        for address in self.own_addresses(&lookup, person).await? {
            if change.add_addresses.len() < room && is_free(&lookup, &address).await? {
                change.add_addresses.push(address);
            }
        }
        let differs =
            |told: Option<u64>, kept: Option<u64>| told.filter(|_| told != kept).map(Some);
        change.quota_bytes = differs(person.quota_bytes, account.quota.bytes);
        change.quota_messages = differs(person.quota_messages, account.quota.messages);
        let is_news = !change.add_addresses.is_empty()
            || change.quota_bytes.is_some()
            || change.quota_messages.is_some();
        drop(lookup);
        if is_news {
            self.admin().set_account(&account.address, &change).await?;
        }
        Ok(())
    }

    /// Those of their addresses that are in domains of ours, each once, none in an alias domain.
    async fn own_addresses(
        &self,
        lookup: &Lookup,
        person: &Person,
    ) -> Result<Vec<Address>, StoreError> {
        if person.addresses.is_empty() {
            let domain = self.default_domain(lookup).await?;
            let address = domain.and_then(|d| Address::new(&key::fold(&person.user), d).ok());
            return Ok(address.into_iter().collect());
        }
        let mut own: Vec<Address> = Vec::new();
        for text in &person.addresses {
            let Ok(address) = Address::parse(text.trim()) else { continue };
            let Some(domain) = lookup.real_domain(address.domain()).await? else { continue };
            let Ok(address) = Address::new(address.local_part(), domain) else { continue };
            let is_new = own.iter().all(|other| Name::of(other) != Name::of(&address));
            if is_new && own.len() <= ADDRESSES_MAX {
                own.push(address);
            }
        }
        Ok(own)
    }

    /// Is it they whom somebody has named?
    async fn is_named(
        &self,
        lookup: &Lookup,
        person: &Person,
        addresses: &[Address],
        by: &By<'_>,
    ) -> Result<bool, StoreError> {
        let (By::Mail(named) | By::Login(named)) = by;
        let Some(address) = &named.address else { return Ok(!addresses.is_empty()) };
        if addresses.iter().any(|own| Name::of(own) == Name::of(address)) {
            return Ok(true);
        }
        let is_user = key::fold(address.local_part()) == key::fold(&person.user);
        let may_be_user = matches!(by, By::Login(_)) && is_user && !addresses.is_empty();
        let default = self.default_domain(lookup).await?;
        Ok(may_be_user && default.as_ref() == Some(address.domain()))
    }
}

/// The account that comes from there.
async fn existing(lookup: &Lookup, origin: &Origin) -> Result<Option<AccountId>, StoreError> {
    let owner = lookup.read::<OwnerRecord>(&key::origin(origin)).await?;
    Ok(owner.map(|OwnerRecord(id)| id))
}

async fn is_free(lookup: &Lookup, address: &Address) -> Result<bool, StoreError> {
    Ok(lookup.read::<NameRecord>(&Name::of(address).key()).await?.is_none())
}

fn refusal(error: AdminError) -> Refusal {
    match error {
        AdminError::Store(error) => unavailable(error),
        _ => Refusal::Unavailable,
    }
}
