//! From an address to those who have it.

use crate::directory::{account_of, unavailable};
use crate::key::Name;
use crate::lookup::Lookup;
use crate::record::{DomainKind, NameRecord};
use crate::{LocalRecipient, Resolved};
use core_store::StoreError;
use words_mail::{AccountId, Address, Domain, Refusal};

/// Longest chain of aliases.
const DEPTH_MAX: usize = 10;
/// Most addresses that one forward-path may stand for, those in between counted.
const ADDRESSES_MAX: usize = 1_000;
/// The name that every domain has (RFC 5321 §4.5.1).
const POSTMASTER: &str = "postmaster";

/// What becomes of a name that nobody has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fallback {
    /// It goes to the domain's catch-all.
    Follow,
    /// It is nobody's: a catch-all gives its owner what nobody wants, but no authority over names.
    Ignore,
}

/// Who stands at an address.
pub(crate) enum Who {
    /// Its domain is not ours.
    Elsewhere,
    /// Its domain is ours and nobody has it.
    Nobody,
    /// An account, and what stood behind the separator.
    Account(AccountId, Option<String>),
    /// Other addresses, under this name.
    Alias(Name, Vec<Address>, Option<String>),
}

impl Who {
    /// Has nobody the name itself, so that at best a catch-all gets its mail?
    fn is_by_default(&self) -> bool {
        match self {
            Who::Nobody => true,
            Who::Alias(name, ..) => name.local_part().is_empty(),
            Who::Elsewhere | Who::Account(..) => false,
        }
    }
}

/// A walk along aliases, each followed once.
pub(crate) struct Walk<'a> {
    lookup: &'a Lookup,
    separator: Option<char>,
    fallback: Fallback,
    /// Aliases that were followed, and for each the one that led to it.
    followed: Vec<(Name, Option<usize>)>,
    resolved: Resolved,
    missing: Vec<Address>,
}

/// Where a walk led.
pub(crate) struct Walked {
    /// To whom.
    pub(crate) resolved: Resolved,
    /// Addresses on the way that nobody has, each once. Somebody elsewhere may.
    pub(crate) missing: Vec<Address>,
}

/// An address to which the walk is still to go.
struct Visit {
    address: Address,
    detail: Option<String>,
    /// The place in `followed` of the alias that leads here.
    from: Option<usize>,
}

impl<'a> Walk<'a> {
    /// At its beginning.
    pub(crate) fn new(lookup: &'a Lookup, separator: Option<char>, fallback: Fallback) -> Walk<'a> {
        let (followed, resolved, missing) = Default::default();
        Walk { lookup, separator, fallback, followed, resolved, missing }
    }

    /// Everybody to whom `address` leads; empty if to nobody.
    ///
    /// A target that nobody has any more is passed over as long as there are others: the operator
    /// was told of it when its account was removed.
    pub(crate) async fn resolve(mut self, address: Address) -> Result<Walked, Refusal> {
        // Depth first, so that an alias met again is either above us, a circle, or done with.
        let mut visits = vec![Visit { address, detail: None, from: None }];
        let mut visited = 0;
        while let Some(visit) = visits.pop() {
            visited += 1;
            if visited > ADDRESSES_MAX {
                return Err(Refusal::Limit("too many addresses behind one alias"));
            }
            let who = self.who(&visit.address).await.map_err(unavailable)?;
            if who.is_by_default() && !self.missing.contains(&visit.address) {
                self.missing.push(visit.address.clone());
            }
            match who {
                Who::Nobody => {}
                Who::Elsewhere => self.add_elsewhere(visit.address),
                Who::Account(id, detail) => {
                    self.add_account(id, visit.address, detail.or(visit.detail)).await?;
                }
                Who::Alias(name, targets, detail) => {
                    if let Some(from) = self.follow(name, visit.from)? {
                        let detail = detail.or(visit.detail);
                        visits.extend(targets.into_iter().rev().map(|address| Visit {
                            address,
                            detail: detail.clone(),
                            from: Some(from),
                        }));
                    }
                }
            }
        }
        Ok(Walked { resolved: self.resolved, missing: self.missing })
    }

    /// Notes that alias `name` is followed, coming from `from`. `None` if that was done before.
    fn follow(&mut self, name: Name, from: Option<usize>) -> Result<Option<usize>, Refusal> {
        let again = self.followed.iter().any(|(followed, _)| *followed == name);
        if again && name.local_part().is_empty() {
            // A catch-all whose owner is gone leads to itself; then nobody has the name.
            return Ok(None);
        }
        let mut depth = 1;
        let mut above = from;
        while let Some((ancestor, from)) = above.and_then(|place| self.followed.get(place)) {
            if *ancestor == name {
                return Err(Refusal::Limit("aliases go in circles"));
            }
            depth += 1;
            above = *from;
        }
        if depth > DEPTH_MAX {
            return Err(Refusal::Limit("aliases go too far"));
        }
        if again {
            return Ok(None);
        }
        self.followed.push((name, from));
        Ok(Some(self.followed.len() - 1))
    }

    fn add_elsewhere(&mut self, address: Address) {
        if !self.resolved.elsewhere.contains(&address) {
            self.resolved.elsewhere.push(address);
        }
    }

    async fn add_account(
        &mut self,
        id: AccountId,
        address: Address,
        detail: Option<String>,
    ) -> Result<(), Refusal> {
        if self.resolved.local.iter().any(|l| l.account.id == id) {
            return Ok(());
        }
        if let Some(record) = self.lookup.account(id).await.map_err(unavailable)? {
            let account = account_of(id, record);
            self.resolved.local.push(LocalRecipient { account, address, detail });
        }
        Ok(())
    }

    /// Who stands at `address`: who has the very name, else who has it without its detail, else, for
    /// postmaster, who is that, else the domain's catch-all.
    pub(crate) async fn who(&self, address: &Address) -> Result<Who, StoreError> {
        let (base, detail) = split(address.local_part(), self.separator);
        let mut domain = address.domain().clone();
        // An alias domain stands for a real one, never for another alias: two rounds are enough.
        for _ in 0..2 {
            let names = names_in(&domain, address.local_part(), base);
            let (record, found) = self.lookup.domain_and_names(&domain, &names).await?;
            let Some(record) = record else { return Ok(Who::Elsewhere) };
            let (catch_all, postmaster) = match record.kind {
                DomainKind::Own { catch_all, postmaster } => (catch_all, postmaster),
                DomainKind::Alias { of } => {
                    domain = of;
                    continue;
                }
            };
            let details = [None, detail.map(str::to_string)];
            for ((name, found), detail) in names.into_iter().zip(found).zip(details) {
                match found {
                    Some(NameRecord::Account(id)) => return Ok(Who::Account(id, detail)),
                    Some(NameRecord::Alias(to)) => return Ok(Who::Alias(name, to, detail)),
                    None => {}
                }
            }
            if base.eq_ignore_ascii_case(POSTMASTER) {
                return self.postmaster(&domain, postmaster).await;
            }
            let catch_all = catch_all.filter(|_| self.fallback == Fallback::Follow);
            // The name of nobody stands for the catch-all among the aliases followed.
            let name = Name::new("", &domain);
            return Ok(catch_all.map_or(Who::Nobody, |to| Who::Alias(name, vec![to], None)));
        }
        Ok(Who::Elsewhere)
    }

    /// Who is postmaster of `domain` though nobody has the name.
    async fn postmaster(
        &self,
        domain: &Domain,
        appointed: Option<AccountId>,
    ) -> Result<Who, StoreError> {
        if let Some(id) = appointed
            && self.lookup.account(id).await?.is_some()
        {
            return Ok(Who::Account(id, None));
        }
        let eldest = match self.lookup.first_account(Some(domain)).await? {
            Some(id) => Some(id),
            None => self.lookup.first_account(None).await?,
        };
        Ok(eldest.map_or(Who::Nobody, |id| Who::Account(id, None)))
    }
}

/// The names under which a local-part may be found in `domain`, the closest first.
fn names_in(domain: &Domain, local_part: &str, base: &str) -> Vec<Name> {
    let mut names = vec![Name::new(local_part, domain)];
    if base.len() < local_part.len() {
        names.push(Name::new(base, domain));
    }
    names
}

/// A local-part without its detail, and the detail (RFC 5233 §4: behind the first separator).
pub(crate) fn split(local_part: &str, separator: Option<char>) -> (&str, Option<&str>) {
    match separator.and_then(|separator| local_part.split_once(separator)) {
        // `+x@` is nobody's sub-address.
        None | Some(("", _)) => (local_part, None),
        Some((base, detail)) => (base, Some(detail)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_detail_stands_behind_the_first_separator() {
        for (local_part, separator, want) in [
            ("ana", Some('+'), ("ana", None)),
            ("ana+cursos", Some('+'), ("ana", Some("cursos"))),
            ("ana+cursos+2", Some('+'), ("ana", Some("cursos+2"))),
            ("ana+", Some('+'), ("ana", Some(""))),
            ("+ana", Some('+'), ("+ana", None)),
            ("ana+cursos", Some('-'), ("ana+cursos", None)),
            ("ana-cursos", Some('-'), ("ana", Some("cursos"))),
            ("ana+cursos", None, ("ana+cursos", None)),
        ] {
            assert_eq!(split(local_part, separator), want, "{local_part}");
        }
    }
}
