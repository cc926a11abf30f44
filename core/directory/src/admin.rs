//! What the operator may do.

mod account;
mod alias;
mod device;
mod domain;
mod entry;
mod error;
mod origin;

pub(crate) use account::ADDRESSES_MAX;
pub use entry::{
    AccountChange, AccountEntry, AliasEntry, DeviceEntry, DkimKeyEntry, DomainChange, DomainEntry,
    NewAccount, NewDevice, NewPassword, Removed, Used,
};
pub use error::AdminError;

use crate::key::{self, Name};
use crate::lookup::{Found, Lookup};
use crate::record::{DomainKind, DomainRecord, NameRecord, Record};
use crate::walk::{Fallback, Walk, Who};
use crate::{Directory, Options};
use core_store::{Batch, Key, StoreError, Value};
use std::ops::Range;
use words_mail::{Address, Domain};

/// How often a change is planned anew because somebody else changed the same at the same time.
const TRIES_MAX: usize = 100;
/// Names read at a time.
const PAGE: usize = 256;

/// The operator's authority over the directory. Every call is one commit, or none if it fails; many
/// may run at once, here and in other processes on the same store.
pub struct Admin<'a> {
    directory: &'a Directory,
}

/// How often a change may still be tried.
pub(crate) struct Tries(usize);

impl Tries {
    fn new() -> Tries {
        Tries(TRIES_MAX)
    }
}

impl<'a> Admin<'a> {
    /// Over `directory`.
    pub(crate) fn new(directory: &'a Directory) -> Admin<'a> {
        Admin { directory }
    }

    /// The present.
    pub(crate) fn now(&self) -> words_base::Timestamp {
        self.directory.world.clock.now()
    }

    pub(crate) fn tries(&self) -> Tries {
        Tries::new()
    }

    /// Adds to `batch` that the domain, an alias or not, is still there and as it was.
    /// Errors: `NoSuchDomain`.
    pub(crate) async fn touch_domain(
        &self,
        lookup: &Lookup,
        batch: &mut Batch,
        name: &Domain,
    ) -> Result<(), AdminError> {
        let found = lookup.find::<DomainRecord>(&key::domain(name)).await?;
        touch(batch, name, &found.ok_or_else(|| AdminError::NoSuchDomain(name.clone()))?);
        Ok(())
    }

    fn options(&self) -> &Options {
        &self.directory.options
    }

    pub(crate) async fn lookup(&self) -> Result<Lookup, AdminError> {
        Ok(self.directory.lookup().await?)
    }

    /// Commits a planned change. `false`: somebody changed the same meanwhile; plan it anew.
    pub(crate) async fn commit(&self, batch: Batch, tries: &mut Tries) -> Result<bool, AdminError> {
        match self.directory.store.commit(batch).await {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict { .. }) if tries.0 > 1 => {
                tries.0 -= 1;
                Ok(false)
            }
            Err(StoreError::Conflict { .. }) => Err(AdminError::Busy),
            Err(error) => Err(error.into()),
        }
    }

    /// The record of a domain of ours that has names of its own.
    async fn own_domain(
        &self,
        lookup: &Lookup,
        name: &Domain,
    ) -> Result<Found<DomainRecord>, AdminError> {
        let found = lookup.find::<DomainRecord>(&key::domain(name)).await?;
        let found = found.ok_or_else(|| AdminError::NoSuchDomain(name.clone()))?;
        match &found.record.kind {
            DomainKind::Own { .. } => Ok(found),
            DomainKind::Alias { of } => {
                Err(AdminError::DomainIsAlias { name: name.clone(), of: of.clone() })
            }
        }
    }

    /// The name at `address`, whose domain may be an alias.
    async fn name(&self, lookup: &Lookup, address: &Address) -> Result<Name, AdminError> {
        let domain = lookup.real_domain(address.domain()).await?;
        let domain = domain.ok_or_else(|| AdminError::NoSuchDomain(address.domain().clone()))?;
        Ok(Name::new(address.local_part(), &domain))
    }

    /// Adds to `batch` that `address`, whose domain must be one with names of its own, has this
    /// record, if nobody has it yet.
    async fn claim(
        &self,
        lookup: &Lookup,
        batch: &mut Batch,
        address: &Address,
        record: &NameRecord,
    ) -> Result<(), AdminError> {
        let domain = self.own_domain(lookup, address.domain()).await?;
        let key = Name::of(address).key();
        match lookup.read::<NameRecord>(&key).await? {
            None => {}
            Some(NameRecord::Account(_)) => return Err(AdminError::IsAccount(address.clone())),
            Some(NameRecord::Alias(_)) => return Err(AdminError::IsAlias(address.clone())),
        }
        touch(batch, address.domain(), &domain);
        batch.expect_absent(key.clone()).put(key, record.encode());
        Ok(())
    }

    /// Refuses a target in one of our domains that nobody has: mail for it would be lost.
    async fn check_target(&self, lookup: &Lookup, target: &Address) -> Result<(), AdminError> {
        match self.who(lookup, target).await? {
            // Somebody elsewhere may. If they get an account by this, whoever has planned a change
            // plans it anew, since their domain is not what it was.
            Who::Nobody => {
                match self.directory.welcome(vec![target.clone()], &mut Vec::new()).await {
                    Ok(true) => Ok(()),
                    Ok(false) => Err(AdminError::NoSuchTarget(target.clone())),
                    Err(_) => Err(AdminError::AuthoritySilent(target.clone())),
                }
            }
            Who::Elsewhere | Who::Account(..) | Who::Alias(..) => Ok(()),
        }
    }

    /// Who stands at `address`, catch-alls aside.
    async fn who(&self, lookup: &Lookup, address: &Address) -> Result<Who, AdminError> {
        Ok(Walk::new(lookup, self.options().separator, Fallback::Ignore).who(address).await?)
    }
}

/// Adds to `batch` that a name is added to `domain`: whoever removes the domain at the same time,
/// or adds another, has a conflict.
fn touch(batch: &mut Batch, domain: &Domain, found: &Found<DomainRecord>) {
    let DomainRecord { revision, kind } = found.record.clone();
    let touched = DomainRecord { revision: revision.wrapping_add(1), kind };
    batch.expect(key::domain(domain), found.value.clone());
    batch.put(key::domain(domain), touched.encode());
}

/// Reads a range page by page, each of its own moment, so that a long list needs no long snapshot.
struct Pages<'a> {
    admin: &'a Admin<'a>,
    rest: Option<Range<Key>>,
}

impl<'a> Pages<'a> {
    /// Of `range`.
    fn new(admin: &'a Admin<'a>, range: Range<Key>) -> Pages<'a> {
        Pages { admin, rest: Some(range) }
    }

    /// The next pairs, at most [`PAGE`] and some, with the moment they are of. `None`: that was all.
    async fn next(&mut self) -> Result<Option<(Lookup, Vec<(Key, Value)>)>, AdminError> {
        let Some(range) = self.rest.take() else { return Ok(None) };
        let lookup = self.admin.lookup().await?;
        let pairs = lookup.page(range.clone(), PAGE).await?;
        let full = pairs.len() == PAGE;
        self.rest = pairs.last().filter(|_| full).map(|(last, _)| key::behind(range, last));
        Ok(Some((lookup, pairs)))
    }
}
