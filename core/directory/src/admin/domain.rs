//! The operator's calls about domains.

use super::{Admin, AdminError, DomainChange, DomainEntry, Pages, Tries, touch};
use crate::key;
use crate::lookup::{Found, Lookup, found};
use crate::record::{DomainKind, DomainRecord, NameRecord, Record};
use crate::walk::Who;
use core_store::Batch;
use words_mail::{AccountId, Address, Domain};

/// Keys of one domain: a rotation forgets the old ones, so there are never so many.
const DKIM_KEYS_MAX: usize = 1000;

impl Admin<'_> {
    /// Makes `name` one of our domains. Errors: `DomainExists`.
    pub async fn add_domain(&self, name: &Domain) -> Result<DomainEntry, AdminError> {
        let kind = DomainKind::Own { catch_all: None, postmaster: None };
        let mut tries = Tries::new();
        loop {
            let mut batch = Batch::new();
            self.claim_domain(&self.lookup().await?, &mut batch, name, &kind).await?;
            if self.commit(batch, &mut tries).await? {
                return self.show_domain(name).await;
            }
        }
    }

    /// Makes `name` another spelling of our domain `of`. Errors: `DomainExists`, `NoSuchDomain`,
    /// `DomainIsAlias` if `of` is one itself.
    pub async fn add_domain_alias(
        &self,
        name: &Domain,
        of: &Domain,
    ) -> Result<DomainEntry, AdminError> {
        let kind = DomainKind::Alias { of: of.clone() };
        let mut tries = Tries::new();
        loop {
            let lookup = self.lookup().await?;
            let mut batch = Batch::new();
            touch(&mut batch, of, &self.own_domain(&lookup, of).await?);
            self.claim_domain(&lookup, &mut batch, name, &kind).await?;
            if self.commit(batch, &mut tries).await? {
                return self.show_domain(name).await;
            }
        }
    }

    /// Our domains by name, at most `count_max`, those behind `after` if given.
    pub async fn list_domains(
        &self,
        after: Option<&Domain>,
        count_max: usize,
    ) -> Result<Vec<DomainEntry>, AdminError> {
        let mut range = key::domains();
        if let Some(after) = after {
            range = key::behind(range, &key::domain(after));
        }
        let lookup = self.lookup().await?;
        let mut entries = Vec::new();
        for (key, value) in lookup.page(range, count_max).await? {
            if let Some(name) = key::read_domain(&key) {
                entries.push(domain_entry(&lookup, &name, found(value)?.record).await?);
            }
        }
        Ok(entries)
    }

    /// One of our domains. Errors: `NoSuchDomain`.
    pub async fn show_domain(&self, name: &Domain) -> Result<DomainEntry, AdminError> {
        let lookup = self.lookup().await?;
        let record = lookup.domain(name).await?;
        let record = record.ok_or_else(|| AdminError::NoSuchDomain(name.clone()))?;
        domain_entry(&lookup, name, record).await
    }

    /// Changes a domain that is no alias. Errors: `NoSuchDomain`, `DomainIsAlias`, `NoSuchTarget`
    /// for a catch-all and `NoSuchAccount` for a postmaster that nobody is.
    pub async fn set_domain(
        &self,
        name: &Domain,
        change: &DomainChange,
    ) -> Result<DomainEntry, AdminError> {
        let mut tries = Tries::new();
        loop {
            let lookup = self.lookup().await?;
            let mut domain = self.own_domain(&lookup, name).await?;
            self.apply(&lookup, &mut domain, change).await?;
            let mut batch = Batch::new();
            touch(&mut batch, name, &domain);
            if self.commit(batch, &mut tries).await? {
                return self.show_domain(name).await;
            }
        }
    }

    /// Gives a domain up; gives what it was. Errors: `NoSuchDomain`; `DomainHasAccount`,
    /// `DomainHasAlias`, `DomainHasAliasDomain` as long as it has them.
    pub async fn remove_domain(&self, name: &Domain) -> Result<DomainEntry, AdminError> {
        let mut tries = Tries::new();
        loop {
            let lookup = self.lookup().await?;
            let domain = lookup.find::<DomainRecord>(&key::domain(name)).await?;
            let domain = domain.ok_or_else(|| AdminError::NoSuchDomain(name.clone()))?;
            self.check_empty(&lookup, name).await?;
            let entry = domain_entry(&lookup, name, domain.record).await?;
            let mut batch = Batch::new();
            batch.expect(key::domain(name), domain.value).delete(key::domain(name));
            // Whoever adds a key touches the domain, so there is no other by the time of the commit.
            for (key, _) in lookup.page(key::dkim_keys(name), DKIM_KEYS_MAX).await? {
                batch.delete(key);
            }
            if self.commit(batch, &mut tries).await? {
                return Ok(entry);
            }
        }
    }

    /// Adds to `batch` that `name` is a domain of ours, if it is none yet.
    async fn claim_domain(
        &self,
        lookup: &Lookup,
        batch: &mut Batch,
        name: &Domain,
        kind: &DomainKind,
    ) -> Result<(), AdminError> {
        if lookup.domain(name).await?.is_some() {
            return Err(AdminError::DomainExists(name.clone()));
        }
        let record = DomainRecord { revision: 0, kind: kind.clone() };
        batch.expect_absent(key::domain(name)).put(key::domain(name), record.encode());
        Ok(())
    }

    /// Makes `domain` as `change` wants it.
    async fn apply(
        &self,
        lookup: &Lookup,
        domain: &mut Found<DomainRecord>,
        change: &DomainChange,
    ) -> Result<(), AdminError> {
        let DomainKind::Own { catch_all, postmaster } = &mut domain.record.kind else {
            return Ok(());
        };
        if let Some(to) = &change.catch_all {
            if let Some(target) = to {
                self.check_target(lookup, target).await?;
            }
            *catch_all = to.clone();
        }
        match &change.postmaster {
            None => {}
            Some(None) => *postmaster = None,
            Some(Some(address)) => *postmaster = Some(self.account_at(lookup, address).await?),
        }
        Ok(())
    }

    async fn account_at(
        &self,
        lookup: &Lookup,
        address: &Address,
    ) -> Result<AccountId, AdminError> {
        match self.who(lookup, address).await? {
            Who::Account(id, _) => Ok(id),
            _ => Err(AdminError::NoSuchAccount(address.clone())),
        }
    }

    /// Refuses to give up a domain that something still needs.
    async fn check_empty(&self, lookup: &Lookup, name: &Domain) -> Result<(), AdminError> {
        if let Some((key, value)) = lookup.page(key::names(Some(name)), 1).await?.into_iter().next()
        {
            return Err(occupant(lookup, name, &key, found(value)?.record).await?);
        }
        let mut pages = Pages::new(self, key::domains());
        while let Some((_, pairs)) = pages.next().await? {
            for (key, value) in pairs {
                let kind = found::<DomainRecord>(value)?.record.kind;
                let alias = key::read_domain(&key);
                if let (DomainKind::Alias { of }, Some(alias)) = (kind, alias)
                    && of == *name
                {
                    return Err(AdminError::DomainHasAliasDomain { name: name.clone(), alias });
                }
            }
        }
        Ok(())
    }
}

/// The error that tells who has a name in `domain`.
async fn occupant(
    lookup: &Lookup,
    domain: &Domain,
    key: &[u8],
    record: NameRecord,
) -> Result<AdminError, AdminError> {
    let corrupt = || core_store::StoreError::Corrupt("a name of the directory".to_string());
    let name = domain.clone();
    if let NameRecord::Account(id) = record {
        let account = lookup.account(id).await?.ok_or_else(corrupt)?.address;
        return Ok(AdminError::DomainHasAccount { name, account });
    }
    let local_part = key::read_name(key).ok_or_else(corrupt)?;
    let alias = Address::new(local_part.local_part(), name.clone()).map_err(|_| corrupt())?;
    Ok(AdminError::DomainHasAlias { name, alias })
}

async fn domain_entry(
    lookup: &Lookup,
    name: &Domain,
    record: DomainRecord,
) -> Result<DomainEntry, AdminError> {
    let name = name.to_string();
    let (catch_all, postmaster) = match record.kind {
        DomainKind::Own { catch_all, postmaster } => (catch_all, postmaster),
        DomainKind::Alias { of } => {
            let alias_of = Some(of.to_string());
            return Ok(DomainEntry { name, alias_of, catch_all: None, postmaster: None });
        }
    };
    let postmaster = match postmaster {
        Some(id) => lookup.account(id).await?.map(|account| account.address.to_string()),
        None => None,
    };
    let catch_all = catch_all.map(|address| address.to_string());
    Ok(DomainEntry { name, alias_of: None, catch_all, postmaster })
}
