//! Typed reads of one moment of the store.

use crate::key::{self, Name};
use crate::record::{
    AccountRecord, CredentialsRecord, DeviceRecord, DomainKind, DomainRecord, NameRecord,
    OwnerRecord, Record,
};
use core_store::{Key, Scan, Snapshot, Store, StoreError, Value};
use std::ops::Range;
use std::sync::Arc;
use words_mail::{AccountId, Address, Domain};

/// Most addresses with one local-part that a short name is searched in; with more it is not unique.
const SHORTS_MAX: usize = 100;

/// Most devices of one account: a login with SCRAM compares its proof with each.
pub(crate) const DEVICES_MAX: usize = 32;

/// One moment of the directory.
pub(crate) struct Lookup {
    snapshot: Arc<dyn Snapshot>,
}

/// A record and the very octets it was read from, to be expected when it is changed.
pub(crate) struct Found<T> {
    /// What it says.
    pub(crate) record: T,
    /// As it is stored.
    pub(crate) value: Value,
}

impl Lookup {
    /// The present moment of `store`.
    pub(crate) async fn open(store: &dyn Store) -> Result<Lookup, StoreError> {
        Ok(Lookup { snapshot: store.snapshot().await? })
    }

    /// The value of `key`.
    pub(crate) async fn get(&self, key: &[u8]) -> Result<Option<Value>, StoreError> {
        self.snapshot.get(key).await
    }

    /// The record at `key`.
    pub(crate) async fn find<T: Record>(&self, key: &[u8]) -> Result<Option<Found<T>>, StoreError> {
        self.snapshot.get(key).await?.map(found).transpose()
    }

    /// The record at `key`, for who will not change it.
    pub(crate) async fn read<T: Record>(&self, key: &[u8]) -> Result<Option<T>, StoreError> {
        Ok(self.find(key).await?.map(|found| found.record))
    }

    /// A domain of ours.
    pub(crate) async fn domain(&self, name: &Domain) -> Result<Option<DomainRecord>, StoreError> {
        self.read(&key::domain(name)).await
    }

    /// An account.
    pub(crate) async fn account(&self, id: AccountId) -> Result<Option<AccountRecord>, StoreError> {
        self.read(&key::account(id)).await
    }

    /// An account and how it proves who it is, if it can.
    pub(crate) async fn account_with_credentials(
        &self,
        id: AccountId,
    ) -> Result<Option<(AccountRecord, Option<Found<CredentialsRecord>>)>, StoreError> {
        let keys = [key::account(id), key::credentials(id)];
        let mut values = self.snapshot.get_many(&keys).await?.into_iter();
        let Some(account) = values.next().flatten() else { return Ok(None) };
        let credentials = values.next().flatten().map(found).transpose()?;
        Ok(Some((found(account)?.record, credentials)))
    }

    /// A device of an account.
    pub(crate) async fn device(
        &self,
        account: AccountId,
        number: u32,
    ) -> Result<Option<Found<DeviceRecord>>, StoreError> {
        self.find(&key::device(account, number)).await
    }

    /// The devices of an account, the eldest first.
    pub(crate) async fn devices(
        &self,
        account: AccountId,
    ) -> Result<Vec<(u32, DeviceRecord)>, StoreError> {
        let pairs = self.page(key::devices(account), DEVICES_MAX).await?;
        let read = |(key, value): (Key, Value)| {
            let number = key::read_device(&key);
            let number = number.ok_or_else(|| StoreError::Corrupt("a device's key".to_string()))?;
            Ok((number, found(value)?.record))
        };
        pairs.into_iter().map(read).collect()
    }

    /// A domain and, in the same trip, the first of `names` that somebody has in it.
    pub(crate) async fn domain_and_names(
        &self,
        domain: &Domain,
        names: &[Name],
    ) -> Result<(Option<DomainRecord>, Vec<Option<NameRecord>>), StoreError> {
        let keys: Vec<Key> =
            std::iter::once(key::domain(domain)).chain(names.iter().map(Name::key)).collect();
        let mut values = self.snapshot.get_many(&keys).await?.into_iter();
        let domain = values.next().flatten().map(found::<DomainRecord>).transpose()?;
        let names = values.map(|v| Ok(v.map(found).transpose()?.map(|f| f.record)));
        Ok((domain.map(|f| f.record), names.collect::<Result<_, StoreError>>()?))
    }

    /// The domain whose names `domain` has: itself, or what it is an alias of. `None` if not ours.
    pub(crate) async fn real_domain(&self, domain: &Domain) -> Result<Option<Domain>, StoreError> {
        Ok(self.domain(domain).await?.map(|record| match record.kind {
            DomainKind::Own { .. } => domain.clone(),
            DomainKind::Alias { of } => of,
        }))
    }

    /// The eldest account, of `domain` or of all.
    pub(crate) async fn first_account(
        &self,
        domain: Option<&Domain>,
    ) -> Result<Option<AccountId>, StoreError> {
        let Some(domain) = domain else {
            let pairs = self.page(key::accounts(), 1).await?;
            return Ok(pairs.first().and_then(|(key, _)| key::read_account(key)));
        };
        let pairs = self.page(key::members(domain), 1).await?;
        let Some((_, value)) = pairs.into_iter().next() else { return Ok(None) };
        Ok(Some(found::<OwnerRecord>(value)?.record.0))
    }

    /// The account that logs in as `name`: one of its own addresses, or a local-part that only it
    /// has.
    pub(crate) async fn login_name(&self, name: &str) -> Result<Option<AccountId>, StoreError> {
        if !name.contains('@') {
            return self.short_name(name).await;
        }
        let Ok(address) = Address::parse(name) else { return Ok(None) };
        let Some(domain) = self.real_domain(address.domain()).await? else { return Ok(None) };
        let key = Name::new(address.local_part(), &domain).key();
        Ok(match self.read(&key).await? {
            Some(NameRecord::Account(id)) => Some(id),
            Some(NameRecord::Alias(_)) | None => None,
        })
    }

    async fn short_name(&self, local_part: &str) -> Result<Option<AccountId>, StoreError> {
        // The NUL ends the text in a key, so that a name with one could reach into others' keys.
        if local_part.is_empty() || local_part.contains('\0') || local_part.len() > 255 {
            return Ok(None);
        }
        let pairs = self.page(key::shorts(local_part), SHORTS_MAX).await?;
        let owners = pairs.into_iter().map(|(_, v)| Ok(found::<OwnerRecord>(v)?.record.0));
        let owners = owners.collect::<Result<Vec<_>, StoreError>>()?;
        let unique =
            owners.len() < SHORTS_MAX && owners.iter().all(|id| Some(id) == owners.first());
        Ok(owners.first().copied().filter(|_| unique))
    }

    /// The first pairs of `range`, at most `count_max`, but all of them if there are fewer.
    pub(crate) async fn page(
        &self,
        range: Range<Key>,
        count_max: usize,
    ) -> Result<Vec<(Key, Value)>, StoreError> {
        let mut pairs = Vec::new();
        let mut rest = Some(range);
        while let Some(range) = rest.filter(|_| pairs.len() < count_max) {
            let scan = Scan::rising(range).at_most(count_max - pairs.len());
            let page = self.snapshot.scan(scan).await?;
            pairs.extend(page.pairs);
            rest = page.rest;
        }
        Ok(pairs)
    }
}

/// Reads a record.
pub(crate) fn found<T: Record>(value: Value) -> Result<Found<T>, StoreError> {
    let record = T::decode(&value);
    let record = record.ok_or_else(|| StoreError::Corrupt(format!("a record of a {}", T::WHAT)))?;
    Ok(Found { record, value })
}
