//! Whatever the operator does in whatever order, lookups say what a plain model says.

mod support;

use core_directory::{AccountChange, DomainChange, Identity, NewAccount};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use support::{Office, address, domain, now};
use words_mail::{Address, ForwardPath};

const DOMAINS: [&str; 3] = ["a.org", "b.org", "c.org"];
const LOCAL_PARTS: [&str; 4] = ["ana", "bob", "list", "postmaster"];

/// A place in the two tables above.
type Place = (usize, usize);

#[derive(Clone, Debug)]
enum Call {
    AddDomain(usize),
    AddDomainAlias(usize, usize),
    RemoveDomain(usize),
    SetCatchAll(usize, Option<Place>),
    AddAccount(Place),
    RemoveAccount(Place),
    AddAddress(Place, Place),
    RemoveAddress(Place, Place),
    MakeMain(Place, Place),
    AddAlias(Place, Vec<Place>),
    SetAlias(Place, Vec<Place>),
    RemoveAlias(Place),
}

fn place() -> impl Strategy<Value = Place> {
    (0..DOMAINS.len(), 0..LOCAL_PARTS.len())
}

fn call() -> impl Strategy<Value = Call> {
    let d = || 0..DOMAINS.len();
    let targets = || prop::collection::vec(place(), 1..3);
    prop_oneof![
        2 => d().prop_map(Call::AddDomain),
        1 => (d(), d()).prop_map(|(name, of)| Call::AddDomainAlias(name, of)),
        1 => d().prop_map(Call::RemoveDomain),
        1 => (d(), prop::option::of(place())).prop_map(|(d, to)| Call::SetCatchAll(d, to)),
        4 => place().prop_map(Call::AddAccount),
        1 => place().prop_map(Call::RemoveAccount),
        2 => (place(), place()).prop_map(|(a, b)| Call::AddAddress(a, b)),
        1 => (place(), place()).prop_map(|(a, b)| Call::RemoveAddress(a, b)),
        1 => (place(), place()).prop_map(|(a, b)| Call::MakeMain(a, b)),
        3 => (place(), targets()).prop_map(|(a, to)| Call::AddAlias(a, to)),
        2 => (place(), targets()).prop_map(|(a, to)| Call::SetAlias(a, to)),
        1 => place().prop_map(Call::RemoveAlias),
    ]
}

fn at((d, l): Place) -> Address {
    address(&format!("{}@{}", LOCAL_PARTS[l], DOMAINS[d]))
}

#[derive(Clone, Debug)]
enum Kind {
    Own(Option<Place>),
    AliasOf(usize),
}

#[derive(Clone, Debug)]
enum Has {
    Account(u32),
    Alias(Vec<Place>),
}

/// The directory as one would keep it on paper.
#[derive(Default)]
struct Model {
    domains: BTreeMap<usize, Kind>,
    names: BTreeMap<Place, Has>,
    mains: BTreeMap<u32, Place>,
    last: u32,
}

/// Where a walk ended: accounts, how many outside, or in a circle.
#[derive(Default, Debug, PartialEq)]
struct Ends {
    accounts: BTreeSet<u32>,
    elsewhere: BTreeSet<Place>,
}

impl Model {
    fn real(&self, (d, l): Place) -> Option<Place> {
        match self.domains.get(&d)? {
            Kind::Own(_) => Some((d, l)),
            Kind::AliasOf(of) => Some((*of, l)),
        }
    }

    fn own(&self, d: usize) -> bool {
        matches!(self.domains.get(&d), Some(Kind::Own(_)))
    }

    fn free(&self, place: Place) -> bool {
        self.own(place.0) && !self.names.contains_key(&place)
    }

    fn account(&self, place: Place) -> Option<u32> {
        match self.names.get(&self.real(place)?)? {
            Has::Account(id) => Some(*id),
            Has::Alias(_) => None,
        }
    }

    fn is_alias(&self, place: Place) -> bool {
        self.real(place).is_some_and(|p| matches!(self.names.get(&p), Some(Has::Alias(_))))
    }

    fn postmaster(&self, d: usize) -> Option<u32> {
        let of_domain = self.mains.iter().find(|(_, main)| main.0 == d);
        of_domain.or(self.mains.iter().next()).map(|(id, _)| *id)
    }

    /// Does somebody have `place`, or is it not ours?
    fn good_target(&self, place: Place) -> bool {
        let Some(real) = self.real(place) else { return true };
        let postmaster = LOCAL_PARTS[real.1] == "postmaster" && !self.mains.is_empty();
        self.names.contains_key(&real) || postmaster
    }

    fn good_targets(&self, alias: Place, targets: &[Place]) -> bool {
        targets.iter().all(|t| self.good_target(*t) && self.real(*t) != self.real(alias))
    }

    /// `Err`: in a circle.
    fn walk(&self, place: Place, above: &[Place], ends: &mut Ends) -> Result<(), ()> {
        let Some(real) = self.real(place) else {
            ends.elsewhere.insert(place);
            return Ok(());
        };
        match self.names.get(&real) {
            Some(Has::Account(id)) => {
                ends.accounts.insert(*id);
            }
            Some(Has::Alias(_)) if above.contains(&real) => return Err(()),
            Some(Has::Alias(targets)) => {
                let above = [above, &[real]].concat();
                targets.iter().try_for_each(|t| self.walk(*t, &above, ends))?;
            }
            None if LOCAL_PARTS[real.1] == "postmaster" => {
                ends.accounts.extend(self.postmaster(real.0));
            }
            None => {
                // The place beyond the table stands for the catch-all.
                let catch_all = (real.0, LOCAL_PARTS.len());
                if let Some(Kind::Own(Some(to))) = self.domains.get(&real.0)
                    && !above.contains(&catch_all)
                {
                    self.walk(*to, &[above, &[catch_all]].concat(), ends)?;
                }
            }
        }
        Ok(())
    }

    /// Does the call; `false`: it cannot be done.
    fn apply(&mut self, call: &Call) -> bool {
        match call {
            Call::AddDomain(d) => {
                let new = !self.domains.contains_key(d);
                self.domains.entry(*d).or_insert(Kind::Own(None));
                new
            }
            Call::AddDomainAlias(d, of) => {
                let good = self.own(*of) && !self.domains.contains_key(d);
                if good {
                    self.domains.insert(*d, Kind::AliasOf(*of));
                }
                good
            }
            Call::RemoveDomain(d) => {
                let needed = self.names.keys().any(|p| p.0 == *d)
                    || self.domains.values().any(|k| matches!(k, Kind::AliasOf(of) if of == d));
                !needed && self.domains.remove(d).is_some()
            }
            Call::SetCatchAll(d, to) => {
                let good = self.own(*d) && to.is_none_or(|to| self.good_target(to));
                if good {
                    self.domains.insert(*d, Kind::Own(*to));
                }
                good
            }
            Call::AddAccount(place) => {
                let good = self.free(*place);
                if good {
                    self.last += 1;
                    self.names.insert(*place, Has::Account(self.last));
                    self.mains.insert(self.last, *place);
                }
                good
            }
            Call::RemoveAccount(place) => {
                let Some(id) = self.account(*place) else { return false };
                self.names.retain(|_, has| !matches!(has, Has::Account(a) if *a == id));
                self.mains.remove(&id).is_some()
            }
            Call::AddAddress(account, new) => {
                let Some(id) = self.account(*account).filter(|_| self.free(*new)) else {
                    return false;
                };
                self.names.insert(*new, Has::Account(id));
                true
            }
            Call::RemoveAddress(account, gone) => {
                let Some(id) = self.account(*account) else { return false };
                let its = matches!(self.names.get(gone), Some(Has::Account(a)) if *a == id);
                let good = its && self.mains[&id] != *gone;
                if good {
                    self.names.remove(gone);
                }
                good
            }
            Call::MakeMain(account, main) => {
                let Some(id) = self.account(*account) else { return false };
                let its = matches!(self.names.get(main), Some(Has::Account(a)) if *a == id);
                if its {
                    self.mains.insert(id, *main);
                }
                its
            }
            Call::AddAlias(place, targets) => {
                let good = self.free(*place) && self.good_targets(*place, targets);
                if good {
                    self.names.insert(*place, Has::Alias(targets.clone()));
                }
                good
            }
            Call::SetAlias(place, targets) => {
                let good = self.is_alias(*place) && self.good_targets(*place, targets);
                if let Some(real) = self.real(*place).filter(|_| good) {
                    self.names.insert(real, Has::Alias(targets.clone()));
                }
                good
            }
            Call::RemoveAlias(place) => {
                let good = self.is_alias(*place);
                if let Some(real) = self.real(*place).filter(|_| good) {
                    self.names.remove(&real);
                }
                good
            }
        }
    }
}

fn really_do(office: &Office, call: &Call) -> bool {
    let admin = office.directory.admin();
    let name = |d: &usize| domain(DOMAINS[*d]);
    let all = |places: &[Place]| places.iter().map(|p| at(*p)).collect::<Vec<_>>();
    let set = |account: &Place, change| now(admin.set_account(&at(*account), &change)).is_ok();
    match call {
        Call::AddDomain(d) => now(admin.add_domain(&name(d))).is_ok(),
        Call::AddDomainAlias(d, of) => now(admin.add_domain_alias(&name(d), &name(of))).is_ok(),
        Call::RemoveDomain(d) => now(admin.remove_domain(&name(d))).is_ok(),
        Call::SetCatchAll(d, to) => {
            let change = DomainChange { catch_all: Some(to.map(at)), ..Default::default() };
            now(admin.set_domain(&name(d), &change)).is_ok()
        }
        Call::AddAccount(place) => {
            now(admin.add_account(&NewAccount::new(at(*place), None), |_, _| {})).is_ok()
        }
        Call::RemoveAccount(place) => now(admin.remove_account(&at(*place))).is_ok(),
        Call::AddAddress(account, new) => {
            set(account, AccountChange { add_addresses: vec![at(*new)], ..Default::default() })
        }
        Call::RemoveAddress(account, gone) => {
            set(account, AccountChange { remove_addresses: vec![at(*gone)], ..Default::default() })
        }
        Call::MakeMain(account, main) => {
            set(account, AccountChange { main_address: Some(at(*main)), ..Default::default() })
        }
        Call::AddAlias(place, to) => now(admin.add_alias(&at(*place), &all(to))).is_ok(),
        Call::SetAlias(place, to) => now(admin.set_alias(&at(*place), &all(to))).is_ok(),
        Call::RemoveAlias(place) => now(admin.remove_alias(&at(*place))).is_ok(),
    }
}

fn check_mail(office: &Office, model: &Model, place: Place) {
    let mut ends = Ends::default();
    let walked = model.walk(place, &[], &mut ends);
    let resolved = now(office.directory.resolve(&ForwardPath::Address(at(place))));
    let Ok(resolved) = resolved else {
        assert!(walked.is_err() || ends == Ends::default(), "{place:?} {resolved:?} {ends:?}");
        return;
    };
    let accounts = resolved.local.iter().map(|l| l.account.id.0).collect();
    let elsewhere: BTreeSet<String> = resolved.elsewhere.iter().map(Address::to_string).collect();
    assert_eq!((walked, &ends.accounts), (Ok(()), &accounts), "{place:?}");
    assert_eq!(elsewhere, ends.elsewhere.iter().map(|p| at(*p).to_string()).collect());
    assert_eq!(resolved.local.len(), accounts.len(), "each account once");
}

fn check_login(office: &Office, model: &Model, place: Place) {
    let login = |name: &str| match now(office.directory.identify(name)).unwrap() {
        Identity::Account(id) => Some(id.0),
        Identity::Nobody(_) => None,
    };
    assert_eq!(login(&at(place).to_string()), model.account(place), "{place:?}");
    let owners: BTreeSet<u32> = (model.names.iter())
        .filter_map(|(p, has)| match has {
            Has::Account(id) if p.1 == place.1 => Some(*id),
            _ => None,
        })
        .collect();
    let unique = owners.first().copied().filter(|_| owners.len() == 1);
    assert_eq!(login(LOCAL_PARTS[place.1]), unique, "{}", LOCAL_PARTS[place.1]);
}

fn check_lists(office: &Office, model: &Model) {
    let admin = office.directory.admin();
    let accounts = now(admin.list_accounts(None, None, 100)).unwrap();
    let accounts: BTreeMap<_, _> = accounts.into_iter().map(|a| (a.id, a.address)).collect();
    let mains: BTreeMap<_, _> = model.mains.iter().map(|(i, p)| (*i, at(*p).to_string())).collect();
    assert_eq!(accounts, mains);
    let aliases = now(admin.list_aliases(None, None, 100)).unwrap().len();
    let count = model.names.values().filter(|has| matches!(has, Has::Alias(_))).count();
    assert_eq!(aliases, count);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn lookups_stay_consistent(calls in prop::collection::vec(call(), 1..60)) {
        let office = Office::empty();
        let mut model = Model::default();
        for call in calls {
            assert_eq!(really_do(&office, &call), model.apply(&call), "{call:?}");
        }
        for d in 0..DOMAINS.len() {
            for l in 0..LOCAL_PARTS.len() {
                check_mail(&office, &model, (d, l));
                check_login(&office, &model, (d, l));
            }
        }
        check_lists(&office, &model);
    }
}
