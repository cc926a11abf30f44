//! SPF (RFC 7208): may this peer send for this domain?

mod expand;
mod names;
mod record;

use crate::lookup::{Found, Known, Lookup, LookupKind, Needs};
use crate::{Identity, ResultWord, SpfVerdict};
pub(crate) use names::iprev;
use names::validated_names;
use record::{Mechanism, Record, Target};
use std::net::IpAddr;
use words_mail::ReversePath;

/// Mechanisms that ask the DNS (RFC 7208 §4.6.4).
const LOOKUPS_MAX: usize = 10;
/// Answers without anything (RFC 7208 §4.6.4).
const VOIDS_MAX: usize = 2;
/// Mail exchangers of one `mx` (RFC 7208 §4.6.4).
const EXCHANGERS_MAX: usize = 10;

/// The peer and who it says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpfCheck {
    ip: IpAddr,
    helo: String,
    identity: Identity,
    local_part: String,
    /// The domain after the "@": it stays while others are included.
    sender_domain: String,
    host_name: String,
}

/// Why an evaluation stops before its end.
enum Stop {
    Needs(Needs),
    Temporary(String),
    Permanent(String),
}

impl From<Needs> for Stop {
    fn from(needs: Needs) -> Stop {
        Stop::Needs(needs)
    }
}

/// What was spent of the limits.
#[derive(Default)]
struct Spent {
    lookups: usize,
    voids: usize,
}

impl Spent {
    fn lookup(&mut self) -> Result<(), Stop> {
        self.lookups += 1;
        match self.lookups > LOOKUPS_MAX {
            true => Err(Stop::Permanent("the record needs more than ten lookups".to_string())),
            false => Ok(()),
        }
    }

    fn void(&mut self) -> Result<(), Stop> {
        self.voids += 1;
        match self.voids > VOIDS_MAX {
            true => Err(Stop::Permanent("the record names too much that is not there".to_string())),
            false => Ok(()),
        }
    }
}

impl SpfCheck {
    /// Of the peer at `ip`. A null reverse-path is checked by the name of HELO (RFC 7208 §2.4).
    pub fn new(ip: IpAddr, helo: &str, reverse_path: &ReversePath, host_name: &str) -> SpfCheck {
        match &reverse_path.0 {
            Some(address) => {
                let (local_part, domain) = (address.local_part(), address.domain().as_str());
                SpfCheck::of_sender(ip, helo, local_part, domain, host_name)
            }
            None => {
                let domain = helo.to_ascii_lowercase();
                let identity = Identity::Helo(domain.clone());
                let check = SpfCheck::of_sender(ip, helo, "", &domain, host_name);
                SpfCheck { identity, ..check }
            }
        }
    }

    /// Of a sender by its two halves, whatever they are; without a local-part it is the postmaster
    /// (RFC 7208 §4.3).
    pub fn of_sender(
        ip: IpAddr,
        helo: &str,
        local_part: &str,
        domain: &str,
        host_name: &str,
    ) -> SpfCheck {
        let local_part = if local_part.is_empty() { "postmaster" } else { local_part };
        SpfCheck {
            ip: ip.to_canonical(),
            helo: helo.to_string(),
            identity: Identity::MailFrom(format!("{local_part}@{domain}")),
            local_part: local_part.to_string(),
            sender_domain: domain.to_string(),
            host_name: host_name.to_string(),
        }
    }

    /// The verdict, or what must be known first.
    pub fn evaluate(&self, known: &Known) -> Result<SpfVerdict, Needs> {
        let mut spent = Spent::default();
        let (result, reason) = match self.check_host(known, &self.sender_domain, &mut spent) {
            Ok(judged) => judged,
            Err(Stop::Needs(needs)) => return Err(needs),
            Err(Stop::Temporary(why)) => (ResultWord::TempError, why),
            Err(Stop::Permanent(why)) => (ResultWord::PermError, why),
        };
        Ok(SpfVerdict { result, identity: self.identity.clone(), reason })
    }

    /// RFC 7208 §4. Includes and redirections count as lookups, so it does not go deep.
    fn check_host(
        &self,
        known: &Known,
        domain: &str,
        spent: &mut Spent,
    ) -> Result<(ResultWord, String), Stop> {
        if !is_name(domain) {
            return Ok((ResultWord::None, "there is no domain to ask".to_string()));
        }
        let Some(text) = record_of(known, domain)? else {
            return Ok((ResultWord::None, format!("{domain} says nothing of its servers")));
        };
        let record = Record::parse(&text).map_err(|term| {
            Stop::Permanent(format!("the record of {domain} has an error: {term}"))
        })?;
        for (qualifier, mechanism) in &record.directives {
            if self.matches(known, domain, mechanism, spent)? {
                let reason = match qualifier {
                    ResultWord::Pass => format!("{domain} names it by {mechanism}"),
                    _ => format!("{} is not among the servers of {domain}", self.ip),
                };
                return Ok((*qualifier, reason));
            }
        }
        let Some(redirect) = &record.redirect else {
            return Ok((ResultWord::Neutral, format!("{domain} says nothing of {}", self.ip)));
        };
        spent.lookup()?;
        let target = self.expand(known, domain, redirect)?;
        match self.check_host(known, &target, spent)? {
            (ResultWord::None, _) => {
                Err(Stop::Permanent(format!("{domain} redirects to a domain without a record")))
            }
            judged => Ok(judged),
        }
    }

    fn matches(
        &self,
        known: &Known,
        domain: &str,
        mechanism: &Mechanism,
        spent: &mut Spent,
    ) -> Result<bool, Stop> {
        match mechanism {
            Mechanism::All => Ok(true),
            Mechanism::Ip { network, prefix } => Ok(within(self.ip, *network, *prefix)),
            Mechanism::Include(target) => {
                spent.lookup()?;
                let target = self.expand(known, domain, target)?;
                self.includes(known, &target, spent)
            }
            Mechanism::A { target, prefixes } => {
                spent.lookup()?;
                let name = self.target(known, domain, target)?;
                let addresses = self.addresses(known, &name)?;
                if addresses.is_empty() {
                    spent.void()?;
                }
                Ok(addresses.iter().any(|a| within(self.ip, *a, prefixes.of(self.ip))))
            }
            Mechanism::Mx { target, prefixes } => {
                spent.lookup()?;
                let name = self.target(known, domain, target)?;
                self.exchanges(known, &name, |a| within(self.ip, a, prefixes.of(self.ip)), spent)
            }
            Mechanism::Ptr { target } => {
                spent.lookup()?;
                let name = self.target(known, domain, target)?;
                self.is_named(known, &name, spent)
            }
            Mechanism::Exists(target) => {
                spent.lookup()?;
                let name = self.expand(known, domain, target)?;
                // Always A, whatever the peer's address is (RFC 7208 §5.7).
                match known.ask(Lookup::new(&name, LookupKind::A))? {
                    Found::Addresses(found) if !found.is_empty() => Ok(true),
                    Found::Temporary(why) => Err(Stop::Temporary(why.clone())),
                    _ => spent.void().map(|()| false),
                }
            }
        }
    }

    /// RFC 7208 §5.2.
    fn includes(&self, known: &Known, target: &str, spent: &mut Spent) -> Result<bool, Stop> {
        match self.check_host(known, target, spent)?.0 {
            ResultWord::Pass => Ok(true),
            ResultWord::None => {
                Err(Stop::Permanent(format!("{target} is included and has no record")))
            }
            _ => Ok(false),
        }
    }

    /// RFC 7208 §5.4.
    fn exchanges(
        &self,
        known: &Known,
        name: &str,
        is_it: impl Fn(IpAddr) -> bool,
        spent: &mut Spent,
    ) -> Result<bool, Stop> {
        let exchangers = match known.ask(Lookup::new(name, LookupKind::Mx))? {
            Found::Names(names) if !names.is_empty() => names,
            Found::Temporary(why) => return Err(Stop::Temporary(why.clone())),
            _ => return spent.void().map(|()| false),
        };
        if exchangers.len() > EXCHANGERS_MAX {
            return Err(Stop::Permanent(format!("{name} has more than ten mail exchangers")));
        }
        for exchanger in exchangers.iter().filter(|name| !name.is_empty()) {
            if self.addresses(known, exchanger)?.into_iter().any(&is_it) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// RFC 7208 §5.5.
    fn is_named(&self, known: &Known, name: &str, spent: &mut Spent) -> Result<bool, Stop> {
        if known.ask(Lookup::new("", LookupKind::Ptr(self.ip)))? == &Found::Nothing {
            return spent.void().map(|()| false);
        }
        let below = |found: &String| {
            let found = found.to_ascii_lowercase();
            let name = name.to_ascii_lowercase();
            found.strip_suffix(&name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        Ok(validated_names(known, self.ip)?.iter().any(below))
    }

    /// The addresses of `name` of the family of the peer's.
    fn addresses(&self, known: &Known, name: &str) -> Result<Vec<IpAddr>, Stop> {
        match known.ask(names::addresses_like(self.ip, name))? {
            Found::Addresses(addresses) => Ok(addresses.clone()),
            Found::Temporary(why) => Err(Stop::Temporary(why.clone())),
            _ => Ok(Vec::new()),
        }
    }

    fn target(&self, known: &Known, domain: &str, target: &Option<Target>) -> Result<String, Stop> {
        match target {
            None => Ok(domain.to_string()),
            Some(target) => self.expand(known, domain, target),
        }
    }
}

/// The text that begins `v=spf1`, if there is one (RFC 7208 §4.5).
fn record_of(known: &Known, domain: &str) -> Result<Option<String>, Stop> {
    let texts = match known.ask(Lookup::new(domain, LookupKind::Txt))? {
        Found::Texts(texts) => texts,
        Found::Temporary(why) => return Err(Stop::Temporary(why.clone())),
        _ => return Ok(None),
    };
    let mut records = texts.iter().filter(|text| {
        text.get(..6).is_some_and(|begin| begin.eq_ignore_ascii_case(b"v=spf1"))
            && matches!(text.get(6), None | Some(b' '))
    });
    match (records.next(), records.next()) {
        (None, _) => Ok(None),
        (Some(record), None) => match std::str::from_utf8(record) {
            Ok(text) if text.is_ascii() => Ok(Some(text.to_string())),
            _ => Err(Stop::Permanent(format!("the record of {domain} is not ASCII"))),
        },
        (Some(_), Some(_)) => Err(Stop::Permanent(format!("{domain} has more than one record"))),
    }
}

/// A name of more than one label (RFC 7208 §4.3).
fn is_name(domain: &str) -> bool {
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let label = |label: &str| (1..=63).contains(&label.len());
    domain.len() <= 253
        && domain.contains('.')
        && !domain.starts_with('[')
        && domain.split('.').all(label)
}

/// Is `ip` in the network? Families that differ never match.
fn within(ip: IpAddr, network: IpAddr, prefix: u8) -> bool {
    let same = |a: u128, b: u128, bits: u32| {
        let prefix = u32::from(prefix).min(bits);
        prefix == 0 || (a ^ b) >> (bits - prefix) == 0
    };
    match (ip, network) {
        (IpAddr::V4(ip), IpAddr::V4(network)) => {
            same(u32::from(ip).into(), u32::from(network).into(), 32)
        }
        (IpAddr::V6(ip), IpAddr::V6(network)) => same(ip.into(), network.into(), 128),
        _ => false,
    }
}
