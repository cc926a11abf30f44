//! The operator's calls about accounts.

use super::origin::{change_origin, password_elsewhere, read_origin};
use super::{
    AccountChange, AccountEntry, Admin, AdminError, NewAccount, NewPassword, Pages, Removed, Tries,
    device,
};
use crate::key::{self, Name};
use crate::login::PASSWORD_MAX;
use crate::lookup::{Found, Lookup, found};
use crate::record::{
    AccountRecord, CredentialsRecord, DomainKind, DomainRecord, NameRecord, Origin, OwnerRecord,
    Record,
};
use crate::walk::Who;
use crate::{Protocols, scram};
use core_store::{Batch, StoreError};
use core_world::{Maker, Random};
use words_mail::{AccountId, Address, Domain};

/// Most addresses of one account, besides the main one: they must fit into one value of the store.
pub(crate) const ADDRESSES_MAX: usize = 100;

impl Admin<'_> {
    /// Makes an account. `also` adds to the batch what else the account needs to exist, its
    /// mailboxes; it may be called again if others make accounts at the same time.
    /// Errors: `NoSuchDomain`, `DomainIsAlias`, `IsAccount`, `IsAlias`, `PasswordLength`, `Password`,
    /// `PasswordElsewhere`, `OriginTaken`, `BadOrigin`.
    pub async fn add_account(
        &self,
        new: &NewAccount,
        mut also: impl FnMut(&mut Batch, AccountId) + Send,
    ) -> Result<AccountEntry, AdminError> {
        let origin = new.authority.as_deref().map(|text| read_origin(text, &new.address));
        let origin = origin.transpose()?;
        if let (Some(origin), Some(_)) = (&origin, &new.password) {
            return Err(password_elsewhere(&new.address, origin));
        }
        let secret = self.secret(new.password.as_ref()).await?;
        let random = &*self.directory.world.random;
        let credentials = secret.map(|secret| secret.credentials(None, random));
        let mut tries = Tries::new();
        loop {
            let lookup = self.lookup().await?;
            let mut batch = Batch::new();
            let id = next_id(&lookup, &mut batch).await?;
            let mut record = AccountRecord {
                address: new.address.clone(),
                addresses: Vec::new(),
                quota: new.quota,
                size_max: new.size_max,
                disabled: false,
                devices_only: Protocols::NONE,
                origin: None,
                deliver_to: None,
            };
            self.claim_address(&lookup, &mut batch, &new.address, id).await?;
            self.claim_others(&lookup, &mut batch, &mut record, &new.addresses, id).await?;
            change_origin(&lookup, &mut batch, id, &mut record, origin.clone()).await?;
            batch.put(key::member(new.address.domain(), id), OwnerRecord(id).encode());
            batch.expect_absent(key::account(id)).put(key::account(id), record.encode());
            if let Some(credentials) = &credentials {
                batch.put(key::credentials(id), credentials.encode());
            }
            also(&mut batch, id);
            if self.commit(batch, &mut tries).await? {
                return Ok(account_entry(id, &record, credentials.as_ref()));
            }
        }
    }

    /// Accounts by domain and local-part of their main address, of `domain` or all, at most
    /// `count_max`, those behind `after` if given.
    pub async fn list_accounts(
        &self,
        domain: Option<&Domain>,
        after: Option<&Address>,
        count_max: usize,
    ) -> Result<Vec<AccountEntry>, AdminError> {
        let mut range = key::names(domain);
        if let Some(after) = after {
            range = key::behind(range, &Name::of(after).key());
        }
        let mut entries = Vec::new();
        let mut pages = Pages::new(self, range);
        while let Some((lookup, pairs)) = pages.next().await? {
            for (key, value) in pairs {
                if entries.len() >= count_max {
                    return Ok(entries);
                }
                let NameRecord::Account(id) = found(value)?.record else { continue };
                let account = lookup.account_with_credentials(id).await?;
                let account = account.filter(|(a, _)| Name::of(&a.address).key() == key);
                if let Some((record, credentials)) = account {
                    let credentials = credentials.map(|found| found.record);
                    entries.push(account_entry(id, &record, credentials.as_ref()));
                }
            }
        }
        Ok(entries)
    }

    /// The account that has `address`. Errors: `NoSuchDomain`, `NoSuchAccount`.
    pub async fn show_account(&self, address: &Address) -> Result<AccountEntry, AdminError> {
        let lookup = self.lookup().await?;
        let (id, account) = self.find_account(&lookup, address).await?;
        entry_of(&lookup, id, &account.record).await
    }

    /// Changes the account that has `address`. Errors: those of [`Admin::add_account`],
    /// `NoSuchAccount`, `NotItsAddress`, `MainAddress`, `TooMany`.
    pub async fn set_account(
        &self,
        address: &Address,
        change: &AccountChange,
    ) -> Result<AccountEntry, AdminError> {
        // Asked before the slow hash.
        self.find_account(&self.lookup().await?, address).await?;
        let secret = self.secret(change.password.as_ref()).await?;
        let mut tries = Tries::new();
        loop {
            let lookup = self.lookup().await?;
            let (id, account) = self.find_account(&lookup, address).await?;
            let mut batch = Batch::new();
            batch.expect(key::account(id), account.value.clone());
            let mut record = account.record;
            self.change_addresses(&lookup, &mut batch, id, &mut record, change).await?;
            change_limits(&mut record, change);
            change_place(&mut record, change)?;
            if let Some(authority) = &change.authority {
                let origin = authority.as_deref().map(|text| read_origin(text, &record.address));
                let origin = origin.transpose()?;
                change_origin(&lookup, &mut batch, id, &mut record, origin).await?;
            }
            if let (Some(origin), Some(_)) = (&record.origin, &secret) {
                return Err(password_elsewhere(&record.address, origin));
            }
            batch.put(key::account(id), record.encode());
            if let Some(secret) = &secret {
                let old = read_credentials(&lookup, &mut batch, id).await?;
                let credentials = secret.credentials(old, &*self.directory.world.random);
                batch.put(key::credentials(id), credentials.encode());
            }
            if self.commit(batch, &mut tries).await? {
                self.directory.account_changed(id);
                return entry_of(&self.lookup().await?, id, &record).await;
            }
        }
    }

    /// Removes an account, its addresses and credentials; its number is never given again. Whoever
    /// keeps its mail removes that afterwards. Aliases and catch-alls that lead to it stay, and are
    /// told. Errors: `NoSuchDomain`, `NoSuchAccount`.
    pub async fn remove_account(&self, address: &Address) -> Result<Removed, AdminError> {
        let mut tries = Tries::new();
        loop {
            let lookup = self.lookup().await?;
            let (id, account) = self.find_account(&lookup, address).await?;
            let entry = entry_of(&lookup, id, &account.record).await?;
            let aliases = self.aliases_to(id).await?;
            let catch_alls = self.catch_alls_to(id).await?;
            let mut batch = Batch::new();
            batch.expect(key::account(id), account.value);
            // Whoever makes a device changes them: none comes from under our hands.
            read_credentials(&lookup, &mut batch, id).await?;
            let AccountRecord { address: main, addresses, origin, .. } = &account.record;
            if let Some(origin) = origin {
                batch.delete(key::origin(origin));
            }
            addresses.iter().chain([main]).for_each(|a| give_up(&mut batch, a));
            batch.delete(key::member(main.domain(), id));
            batch.delete(key::credentials(id)).delete(key::account(id));
            for (number, _) in lookup.devices(id).await? {
                device::give_up(&mut batch, id, number);
            }
            if self.commit(batch, &mut tries).await? {
                self.directory.account_changed(id);
                return Ok(Removed { account: entry, aliases, catch_alls });
            }
        }
    }

    pub(super) async fn find_account(
        &self,
        lookup: &Lookup,
        address: &Address,
    ) -> Result<(AccountId, Found<AccountRecord>), AdminError> {
        let missing = || AdminError::NoSuchAccount(address.clone());
        let name = self.name(lookup, address).await?;
        match lookup.read::<NameRecord>(&name.key()).await? {
            None => Err(missing()),
            Some(NameRecord::Alias(_)) => Err(AdminError::IsAlias(address.clone())),
            Some(NameRecord::Account(id)) => {
                let account = lookup.find(&key::account(id)).await?;
                Ok((id, account.ok_or_else(missing)?))
            }
        }
    }

    /// What is to be known of a password before it can be stored. Slow, as it should be.
    async fn secret(&self, password: Option<&NewPassword>) -> Result<Option<Secret>, AdminError> {
        let passwords = &self.directory.world.passwords;
        let clear = match password {
            None => return Ok(None),
            Some(NewPassword::Clear(clear)) => clear.clone(),
            Some(NewPassword::Hash(hash)) => {
                match passwords.maker(hash).map_err(AdminError::Password)? {
                    // A password in the clear is never stored, whoever wrote it that way.
                    Maker::Nobody(clear) => clear,
                    Maker::Ours | Maker::Elsewhere => {
                        return Ok(Some(Secret { hash: hash.clone(), clear: None }));
                    }
                }
            }
        };
        if clear.is_empty() || clear.len() > PASSWORD_MAX {
            return Err(AdminError::PasswordLength { max: PASSWORD_MAX });
        }
        let hash = passwords.hash(&clear).await.map_err(AdminError::Password)?;
        Ok(Some(Secret { hash, clear: Some(clear) }))
    }

    /// Adds to `batch` that `address` is the account's, if nobody has it yet.
    async fn claim_address(
        &self,
        lookup: &Lookup,
        batch: &mut Batch,
        address: &Address,
        id: AccountId,
    ) -> Result<(), AdminError> {
        self.claim(lookup, batch, address, &NameRecord::Account(id)).await?;
        batch.put(Name::of(address).short_key(), OwnerRecord(id).encode());
        Ok(())
    }

    /// The same for more addresses, of which it gets those that nobody has.
    async fn claim_others(
        &self,
        lookup: &Lookup,
        batch: &mut Batch,
        record: &mut AccountRecord,
        addresses: &[Address],
        id: AccountId,
    ) -> Result<(), AdminError> {
        for address in addresses.iter().take(ADDRESSES_MAX) {
            if Name::of(&record.address) == Name::of(address) || place(record, address).is_some() {
                continue;
            }
            match self.claim_address(lookup, batch, address, id).await {
                Ok(()) => record.addresses.push(address.clone()),
                Err(AdminError::IsAccount(_) | AdminError::IsAlias(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn change_addresses(
        &self,
        lookup: &Lookup,
        batch: &mut Batch,
        id: AccountId,
        record: &mut AccountRecord,
        change: &AccountChange,
    ) -> Result<(), AdminError> {
        for address in &change.add_addresses {
            if place(record, address).is_some() {
                return Err(AdminError::IsAccount(address.clone()));
            }
            self.claim_address(lookup, batch, address, id).await?;
            record.addresses.push(address.clone());
        }
        if let Some(main) = &change.main_address {
            make_main(batch, id, record, main)?;
        }
        for address in &change.remove_addresses {
            if Name::of(&record.address) == Name::of(address) {
                return Err(AdminError::MainAddress(record.address.clone()));
            }
            let place = place(record, address).ok_or_else(|| not_its(record, address))?;
            give_up(batch, &record.addresses.remove(place));
        }
        if record.addresses.len() > ADDRESSES_MAX {
            return Err(AdminError::TooMany {
                what: "addresses of one account",
                max: ADDRESSES_MAX,
            });
        }
        Ok(())
    }

    /// The aliases that have a target which is the account's.
    async fn aliases_to(&self, id: AccountId) -> Result<Vec<String>, AdminError> {
        let mut aliases = Vec::new();
        let mut pages = Pages::new(self, key::names(None));
        while let Some((lookup, pairs)) = pages.next().await? {
            for (key, value) in pairs {
                let NameRecord::Alias(targets) = found(value)?.record else { continue };
                let mut leads = false;
                for target in &targets {
                    leads |= self.is_at(&lookup, id, target).await?;
                }
                let name = key::read_name(&key).filter(|_| leads);
                aliases.extend(name.and_then(|n| n.to_address()).map(|a| a.to_string()));
            }
        }
        Ok(aliases)
    }

    /// The domains whose catch-all is the account's.
    async fn catch_alls_to(&self, id: AccountId) -> Result<Vec<String>, AdminError> {
        let mut domains = Vec::new();
        let mut pages = Pages::new(self, key::domains());
        while let Some((lookup, pairs)) = pages.next().await? {
            for (key, value) in pairs {
                let kind = found::<DomainRecord>(value)?.record.kind;
                let DomainKind::Own { catch_all: Some(target), .. } = kind else { continue };
                let leads = self.is_at(&lookup, id, &target).await?;
                domains.extend(key::read_domain(&key).filter(|_| leads).map(|d| d.to_string()));
            }
        }
        Ok(domains)
    }

    async fn is_at(
        &self,
        lookup: &Lookup,
        id: AccountId,
        address: &Address,
    ) -> Result<bool, AdminError> {
        Ok(matches!(self.who(lookup, address).await?, Who::Account(at, _) if at == id))
    }
}

/// A new main password, hashed.
struct Secret {
    hash: String,
    /// Itself, if it is known.
    clear: Option<Vec<u8>>,
}

impl Secret {
    /// What is stored, in place of `old`.
    fn credentials(
        &self,
        old: Option<CredentialsRecord>,
        random: &dyn Random,
    ) -> CredentialsRecord {
        let (generation, devices_made) =
            old.as_ref().map_or((0, 0), |old| (old.generation.saturating_add(1), old.devices_made));
        // Devices have keys under the old salt, and we do not know their passwords.
        let old = old.filter(|old| old.devices_made > 0);
        let (salt, iterations) = old
            .map_or_else(|| (scram::salt(random), scram::ITERATIONS), |o| (o.salt, o.iterations));
        let clear = self.clear.as_deref();
        CredentialsRecord {
            generation,
            devices_made,
            hash: Some(self.hash.clone()),
            scram: clear.map(|clear| scram::derive(clear, &salt, iterations)),
            salt,
            iterations,
        }
    }
}

/// The account's credentials, if it has any; `batch` expects them unchanged.
pub(super) async fn read_credentials(
    lookup: &Lookup,
    batch: &mut Batch,
    id: AccountId,
) -> Result<Option<CredentialsRecord>, StoreError> {
    let key = key::credentials(id);
    let found = lookup.find::<CredentialsRecord>(&key).await?;
    match &found {
        Some(found) => batch.expect(key, found.value.clone()),
        None => batch.expect_absent(key),
    };
    Ok(found.map(|found| found.record))
}

/// Takes the next number for an account. Not left to the commit to assign, since whoever adds to
/// the batch must know it.
async fn next_id(lookup: &Lookup, batch: &mut Batch) -> Result<AccountId, AdminError> {
    let last = match lookup.get(key::ACCOUNTS).await? {
        None => {
            batch.expect_absent(key::ACCOUNTS);
            0
        }
        Some(value) => {
            let octets = (&*value).try_into().ok();
            batch.expect(key::ACCOUNTS, value.clone());
            octets.map(u64::from_be_bytes).ok_or_else(|| corrupt_counter(&value))?
        }
    };
    let next = last.saturating_add(1);
    let id = u32::try_from(next)
        .map_err(|_| AdminError::TooMany { what: "accounts ever made", max: u32::MAX as usize })?;
    batch.put(key::ACCOUNTS, next.to_be_bytes().to_vec());
    Ok(AccountId(id))
}

fn corrupt_counter(value: &[u8]) -> StoreError {
    StoreError::Corrupt(format!("the counter of accounts has {} octets", value.len()))
}

/// Adds to `batch` that an account no longer has `address`.
fn give_up(batch: &mut Batch, address: &Address) {
    let name = Name::of(address);
    batch.delete(name.key()).delete(name.short_key());
}

/// Where among the account's other addresses `address` stands.
fn place(record: &AccountRecord, address: &Address) -> Option<usize> {
    let name = Name::of(address);
    record.addresses.iter().position(|a| Name::of(a) == name)
}

fn not_its(record: &AccountRecord, address: &Address) -> AdminError {
    AdminError::NotItsAddress { account: record.address.clone(), address: address.clone() }
}

/// Makes `main`, which the account has, its main address.
fn make_main(
    batch: &mut Batch,
    id: AccountId,
    record: &mut AccountRecord,
    main: &Address,
) -> Result<(), AdminError> {
    if Name::of(&record.address) == Name::of(main) {
        // Perhaps in another case.
        record.address = main.clone();
        return Ok(());
    }
    let place = place(record, main).ok_or_else(|| not_its(record, main))?;
    let Some(other) = record.addresses.get_mut(place) else { return Ok(()) };
    std::mem::swap(&mut record.address, other);
    batch.delete(key::member(other.domain(), id));
    batch.put(key::member(record.address.domain(), id), OwnerRecord(id).encode());
    Ok(())
}

fn change_limits(record: &mut AccountRecord, change: &AccountChange) {
    record.quota.bytes = change.quota_bytes.unwrap_or(record.quota.bytes);
    record.quota.messages = change.quota_messages.unwrap_or(record.quota.messages);
    record.size_max = change.size_max.unwrap_or(record.size_max);
    record.disabled = change.disabled.unwrap_or(record.disabled);
    record.devices_only = change.devices_only.unwrap_or(record.devices_only);
}

/// Errors: `NoPlace`.
fn change_place(record: &mut AccountRecord, change: &AccountChange) -> Result<(), AdminError> {
    if let Some(deliver_to) = &change.deliver_to {
        record.deliver_to = deliver_to.clone();
    }
    match &record.deliver_to {
        Some(deliver_to) if deliver_to.place(&record.address).is_none() => {
            let (deliver_to, account) = (deliver_to.clone(), record.address.clone());
            Err(AdminError::NoPlace { deliver_to, account })
        }
        _ => Ok(()),
    }
}

async fn entry_of(
    lookup: &Lookup,
    id: AccountId,
    record: &AccountRecord,
) -> Result<AccountEntry, AdminError> {
    let credentials = lookup.read::<CredentialsRecord>(&key::credentials(id)).await?;
    Ok(account_entry(id, record, credentials.as_ref()))
}

fn account_entry(
    id: AccountId,
    record: &AccountRecord,
    credentials: Option<&CredentialsRecord>,
) -> AccountEntry {
    let has_hash = record.origin.is_none() && credentials.is_some_and(|c| c.hash.is_some());
    AccountEntry {
        id: id.0,
        address: record.address.to_string(),
        addresses: record.addresses.iter().map(Address::to_string).collect(),
        quota_bytes: record.quota.bytes,
        quota_messages: record.quota.messages,
        size_max: record.size_max,
        disabled: record.disabled,
        has_password: has_hash || record.origin.is_some(),
        has_foreign_hash: has_hash && credentials.is_some_and(|c| c.scram.is_none()),
        device_passwords_only: record.devices_only.to_string(),
        deliver_to: record.deliver_to.as_ref().map(ToString::to_string),
        authority: record.origin.as_ref().map(Origin::to_string),
    }
}
