//! The operator's calls about aliases.

use super::{Admin, AdminError, AliasEntry, Pages, Tries};
use crate::key::{self, Name};
use crate::lookup::{Found, Lookup, found};
use crate::record::{NameRecord, Record};
use core_store::Batch;
use words_mail::{Address, Domain};

/// Most targets of one alias: they must fit into one value of the store.
const TARGETS_MAX: usize = 200;

impl Admin<'_> {
    /// Makes `address` stand for `targets`, here or elsewhere. Errors: `NoSuchDomain`,
    /// `DomainIsAlias`, `IsAccount`, `IsAlias`, `NoTargets`, `NoSuchTarget`, `AliasOfItself`,
    /// `TooMany`.
    pub async fn add_alias(
        &self,
        address: &Address,
        targets: &[Address],
    ) -> Result<AliasEntry, AdminError> {
        let mut tries = Tries::new();
        loop {
            let lookup = self.lookup().await?;
            let mut batch = Batch::new();
            let record = NameRecord::Alias(distinct(targets));
            self.claim(&lookup, &mut batch, address, &record).await?;
            self.check_targets(&lookup, &Name::of(address), address, targets).await?;
            if self.commit(batch, &mut tries).await? {
                return Ok(alias_entry(&Name::of(address), distinct(targets)));
            }
        }
    }

    /// Aliases by domain and local-part, of `domain` or all, at most `count_max`, those behind
    /// `after` if given.
    pub async fn list_aliases(
        &self,
        domain: Option<&Domain>,
        after: Option<&Address>,
        count_max: usize,
    ) -> Result<Vec<AliasEntry>, AdminError> {
        let mut range = key::names(domain);
        if let Some(after) = after {
            range = key::behind(range, &Name::of(after).key());
        }
        let mut entries = Vec::new();
        let mut pages = Pages::new(self, range);
        while let Some((_, pairs)) = pages.next().await? {
            for (key, value) in pairs {
                if entries.len() >= count_max {
                    return Ok(entries);
                }
                let record = found(value)?.record;
                if let (NameRecord::Alias(targets), Some(name)) = (record, key::read_name(&key)) {
                    entries.push(alias_entry(&name, targets));
                }
            }
        }
        Ok(entries)
    }

    /// One alias. Errors: `NoSuchDomain`, `NoSuchAlias`.
    pub async fn show_alias(&self, address: &Address) -> Result<AliasEntry, AdminError> {
        let (name, _, targets) = self.find_alias(&self.lookup().await?, address).await?;
        Ok(alias_entry(&name, targets))
    }

    /// Lets an alias stand for other targets. Errors as of [`Admin::add_alias`], and `NoSuchAlias`.
    pub async fn set_alias(
        &self,
        address: &Address,
        targets: &[Address],
    ) -> Result<AliasEntry, AdminError> {
        let mut tries = Tries::new();
        loop {
            let lookup = self.lookup().await?;
            let (name, alias, _) = self.find_alias(&lookup, address).await?;
            self.check_targets(&lookup, &name, address, targets).await?;
            let mut batch = Batch::new();
            batch.expect(name.key(), alias.value);
            batch.put(name.key(), NameRecord::Alias(distinct(targets)).encode());
            if self.commit(batch, &mut tries).await? {
                return Ok(alias_entry(&name, distinct(targets)));
            }
        }
    }

    /// Removes an alias; gives what it was. Errors: `NoSuchDomain`, `NoSuchAlias`.
    pub async fn remove_alias(&self, address: &Address) -> Result<AliasEntry, AdminError> {
        let mut tries = Tries::new();
        loop {
            let lookup = self.lookup().await?;
            let (name, alias, targets) = self.find_alias(&lookup, address).await?;
            let mut batch = Batch::new();
            batch.expect(name.key(), alias.value).delete(name.key());
            if self.commit(batch, &mut tries).await? {
                return Ok(alias_entry(&name, targets));
            }
        }
    }

    async fn find_alias(
        &self,
        lookup: &Lookup,
        address: &Address,
    ) -> Result<(Name, Found<NameRecord>, Vec<Address>), AdminError> {
        let name = self.name(lookup, address).await?;
        let found = lookup.find::<NameRecord>(&name.key()).await?;
        let found = found.ok_or_else(|| AdminError::NoSuchAlias(address.clone()))?;
        match &found.record {
            NameRecord::Alias(targets) => {
                let targets = targets.clone();
                Ok((name, found, targets))
            }
            NameRecord::Account(_) => Err(AdminError::IsAccount(address.clone())),
        }
    }

    async fn check_targets(
        &self,
        lookup: &Lookup,
        name: &Name,
        alias: &Address,
        targets: &[Address],
    ) -> Result<(), AdminError> {
        if targets.is_empty() {
            return Err(AdminError::NoTargets(alias.clone()));
        }
        if targets.len() > TARGETS_MAX {
            return Err(AdminError::TooMany { what: "targets of one alias", max: TARGETS_MAX });
        }
        for target in targets {
            let domain = lookup.real_domain(target.domain()).await?;
            if domain.is_some_and(|d| Name::new(target.local_part(), &d) == *name) {
                return Err(AdminError::AliasOfItself(alias.clone()));
            }
            self.check_target(lookup, target).await?;
        }
        Ok(())
    }
}

/// Each target once, in the order given.
fn distinct(targets: &[Address]) -> Vec<Address> {
    let mut distinct: Vec<Address> = Vec::with_capacity(targets.len());
    for target in targets {
        if !distinct.contains(target) {
            distinct.push(target.clone());
        }
    }
    distinct
}

fn alias_entry(name: &Name, targets: Vec<Address>) -> AliasEntry {
    let address = name.to_address().map(|a| a.to_string()).unwrap_or_default();
    AliasEntry { address, targets: targets.iter().map(Address::to_string).collect() }
}
