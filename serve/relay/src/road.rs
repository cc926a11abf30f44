//! Which hosts take a domain's mail, in which order (RFC 5321 §5.1).

use crate::options::{Options, below};
use crate::{Hop, Trouble};
use core_world::{LookupError, Question, Random, Record, RecordKind, Resolver, Standing};
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use words_mail::Domain;

/// Most MX records of a domain that are looked at.
const EXCHANGES_MAX: usize = 100;
/// Most addresses of one host and family that are looked at.
const ADDRESSES_MAX: usize = 20;

/// The hosts that may be tried, the best first; names are looked up on the way.
pub struct Road<'a> {
    places: Places<'a>,
    /// Whose mail it is.
    domain: String,
    tiers: VecDeque<Vec<String>>,
    ready: VecDeque<Result<Host, Trouble>>,
    /// How the list of hosts was learnt.
    list: Standing,
    list_kind: List,
    port: u16,
    hosts_left: usize,
    /// Has a host been handed out?
    begun: bool,
}

/// Where names and chance come from, and what the operator says.
#[derive(Clone, Copy)]
pub struct Places<'a> {
    /// Names.
    pub resolver: &'a dyn Resolver,
    /// Chance.
    pub random: &'a dyn Random,
    /// Limits, and who we are.
    pub options: &'a Options,
}

/// How a domain's hosts are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// By MX records.
    Mx,
    /// It has none: by its own address (RFC 5321 §5.1).
    Implicit,
    /// It is an address.
    Literal,
    /// The operator says so.
    Route,
}

/// A host that may be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its name, or its address if it has none.
    pub name: String,
    /// The port.
    pub port: u16,
    /// Where it is, IPv6 first. Empty: whoever dials looks it up.
    pub addresses: Vec<IpAddr>,
    /// How it is known,
    pub list: List,
    /// and whether that can be believed.
    pub listed: Standing,
    /// Can its addresses be believed?
    pub located: Standing,
}

impl<'a> Road<'a> {
    /// To the servers of a domain, as the DNS says, or to the address that a literal is.
    pub async fn to_domain(places: Places<'a>, domain: &Domain) -> Result<Road<'a>, Trouble> {
        let mut road = Road::new(places, domain.as_str(), places.options.port);
        if domain.as_str().starts_with('[') {
            road.list_kind = List::Literal;
            road.at(literal(domain.as_str()).ok_or_else(|| {
                Trouble::permanent(1, 2, format!("{domain} is no address that mail can go to"))
            })?)?;
            return Ok(road);
        }
        road.ask_exchanges().await?;
        Ok(road)
    }

    /// To the host that the operator has named.
    pub async fn to_hop(places: Places<'a>, hop: &Hop) -> Result<Road<'a>, Trouble> {
        let mut road = Road::new(places, &hop.host, hop.port);
        if hop.mx {
            road.ask_exchanges().await?;
            return Ok(road);
        }
        road.list_kind = List::Route;
        match hop.host.parse() {
            Ok(address) => road.at(address)?,
            Err(_) => road.tiers.push_back(vec![road.domain.clone()]),
        }
        Ok(road)
    }

    fn new(places: Places<'a>, domain: &str, port: u16) -> Road<'a> {
        Road {
            places,
            domain: domain.to_string(),
            tiers: VecDeque::new(),
            ready: VecDeque::new(),
            list: Standing::Insecure,
            list_kind: List::Mx,
            port,
            hosts_left: places.options.hosts_max,
            begun: false,
        }
    }

    /// Leads to one address alone.
    fn at(&mut self, address: IpAddr) -> Result<(), Trouble> {
        if self.places.options.ourselves.is_at(address, self.port) {
            return Err(loops(&self.domain));
        }
        self.ready.push_back(Ok(Host {
            name: address.to_string(),
            port: self.port,
            addresses: vec![address],
            list: self.list_kind,
            listed: Standing::Insecure,
            located: Standing::Insecure,
        }));
        Ok(())
    }

    async fn ask_exchanges(&mut self) -> Result<(), Trouble> {
        let name = ascii(&self.domain)?;
        let question = Question::new(name.as_str(), RecordKind::Mx);
        match self.places.resolver.lookup(&question).await {
            Ok(answer) => {
                self.list = answer.standing;
                self.tiers = self.prune(tiers(&answer.records))?;
                Ok(())
            }
            Err(LookupError::NoRecords(standing)) => {
                (self.list, self.list_kind) = (standing, List::Implicit);
                self.tiers.push_back(vec![name]);
                Ok(())
            }
            Err(error) => Err(Trouble::lookup(&self.domain, &error)),
        }
    }

    /// Drops ourselves and whoever is no better (RFC 5321 §5.1).
    fn prune(&self, tiers: BTreeMap<u16, Vec<String>>) -> Result<VecDeque<Vec<String>>, Trouble> {
        if tiers.is_empty() {
            let text = format!("{} does not accept mail (null MX)", self.domain);
            return Err(Trouble::permanent(1, 10, text));
        }
        let ourselves = &self.places.options.ourselves;
        let better = |names: &Vec<String>| !names.iter().any(|name| ourselves.is_named(name));
        let tiers: VecDeque<_> = tiers.into_values().take_while(better).collect();
        if tiers.is_empty() { Err(loops(&self.domain)) } else { Ok(tiers) }
    }

    /// The next host, or why one that was to be next cannot be tried; `None`: there are no more.
    pub async fn next(&mut self) -> Option<Result<Host, Trouble>> {
        if self.hosts_left == 0 {
            return None;
        }
        if self.ready.is_empty() {
            let tier = self.tiers.pop_front()?;
            self.look_up(tier).await;
        }
        let next = self.ready.pop_front()?;
        self.hosts_left -= 1;
        self.begun = true;
        Some(next)
    }

    /// Finds the hosts of one preference, in random order.
    async fn look_up(&mut self, mut names: Vec<String>) {
        for end in (1..names.len()).rev() {
            names.swap(end, below(self.places.random, end + 1));
        }
        names.truncate(self.hosts_left);
        for name in names {
            let host = self.locate(name).await;
            let ourselves = &self.places.options.ourselves;
            let is_us = |host: &Host| host.addresses.iter().any(|a| ourselves.is_at(*a, host.port));
            if host.as_ref().is_ok_and(is_us) {
                self.ready.clear();
                self.tiers.clear();
                if !self.begun {
                    self.ready.push_back(Err(loops(&self.domain)));
                }
                return;
            }
            self.ready.push_back(host);
        }
    }

    async fn locate(&self, name: String) -> Result<Host, Trouble> {
        let found = addresses(self.places.resolver, &name).await;
        let (addresses, located) = match found {
            Ok(found) => found,
            // Names that only this machine knows, from its hosts file, are the operator's own.
            Err(_) if self.list_kind == List::Route => (Vec::new(), Standing::Insecure),
            Err(error) => return Err(self.not_located(&name, &error)),
        };
        let (port, list, listed) = (self.port, self.list_kind, self.list);
        Ok(Host { name, port, addresses, list, listed, located })
    }

    fn not_located(&self, name: &str, error: &LookupError) -> Trouble {
        match (self.list_kind, error.is_denial()) {
            (List::Implicit, true) => Trouble::permanent(
                1,
                2,
                format!("{} has neither an MX record nor an address in the DNS", self.domain),
            ),
            (_, true) => Trouble::permanent(
                4,
                4,
                format!("{name}, which takes mail for {}, has no address", self.domain),
            ),
            (_, false) => Trouble::lookup(name, error),
        }
    }
}

/// Mail would come back to us.
fn loops(domain: &str) -> Trouble {
    Trouble::permanent(
        4,
        6,
        format!("mail for {domain} loops back to us, and {domain} is no domain of this server"),
    )
}

/// The names of each preference. Empty ones (RFC 7505) count for nothing beside others.
fn tiers(records: &[Record]) -> BTreeMap<u16, Vec<String>> {
    let mut tiers: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    for record in records.iter().take(EXCHANGES_MAX) {
        let Record::Mx { preference, exchange } = record else { continue };
        let name = exchange.trim_end_matches('.').to_ascii_lowercase();
        let names = tiers.entry(*preference).or_default();
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    tiers.retain(|_, names| !names.is_empty());
    tiers
}

/// All addresses of a host, IPv6 first, and whether every answer can be believed.
async fn addresses(
    resolver: &dyn Resolver,
    name: &str,
) -> Result<(Vec<IpAddr>, Standing), LookupError> {
    let (mut found, mut standing) = (Vec::new(), Standing::Secure);
    let mut failure: Option<LookupError> = None;
    for kind in [RecordKind::Aaaa, RecordKind::A] {
        match resolver.lookup(&Question::new(name, kind)).await {
            Ok(answer) => {
                standing = weaker(standing, answer.standing);
                found.extend(answer.records.iter().filter_map(address).take(ADDRESSES_MAX));
            }
            // Whoever lies about one family is not asked about the other.
            Err(LookupError::Bogus) => return Err(LookupError::Bogus),
            Err(error) => {
                if let LookupError::NoRecords(s) | LookupError::NoSuchName(s) = error {
                    standing = weaker(standing, s);
                }
                if failure.as_ref().is_none_or(LookupError::is_denial) {
                    failure = Some(error);
                }
            }
        }
    }
    match failure {
        Some(error) if found.is_empty() => Err(error),
        _ if found.is_empty() => Err(LookupError::NoRecords(standing)),
        _ => Ok((found, standing)),
    }
}

fn weaker(one: Standing, other: Standing) -> Standing {
    if one == Standing::Secure { other } else { one }
}

fn address(record: &Record) -> Option<IpAddr> {
    match record {
        Record::A(address) => Some(IpAddr::V4(*address)),
        Record::Aaaa(address) => Some(IpAddr::V6(*address)),
        _ => None,
    }
}

/// A name as the DNS is asked about it (RFC 5890 §2.3.2.1).
pub(crate) fn ascii(domain: &str) -> Result<String, Trouble> {
    if domain.is_ascii() {
        return Ok(domain.to_ascii_lowercase());
    }
    idna::domain_to_ascii(domain).map_err(|_| Trouble::lookup(domain, &LookupError::BadName))
}

/// ```abnf
/// address-literal = "[" ( IPv4-address-literal / "IPv6:" IPv6-addr ) "]"
/// ```
fn literal(text: &str) -> Option<IpAddr> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    match inner.get(..5) {
        Some(tag) if tag.eq_ignore_ascii_case("ipv6:") => inner[5..].parse().ok().map(IpAddr::V6),
        _ => inner.parse().ok().map(IpAddr::V4),
    }
}

/// The order in which a host's addresses are tried: the families take turns, IPv6 first, and each is
/// said to be tried quickly where the other family still waits.
pub fn dial_order(addresses: &[IpAddr]) -> Vec<(IpAddr, Patience)> {
    let (v6, v4): (Vec<_>, Vec<_>) = addresses.iter().copied().partition(IpAddr::is_ipv6);
    let (mut v6, mut v4) = (v6.into_iter().peekable(), v4.into_iter().peekable());
    let mut order = Vec::with_capacity(addresses.len());
    while v6.peek().is_some() || v4.peek().is_some() {
        if let Some(address) = v6.next() {
            order.push((
                address,
                if v4.peek().is_some() { Patience::Quick } else { Patience::Full },
            ));
        }
        if let Some(address) = v4.next() {
            order.push((
                address,
                if v6.peek().is_some() { Patience::Quick } else { Patience::Full },
            ));
        }
    }
    order
}

/// How long an address may take to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// [`Options::connect_quick`]
    Quick,
    /// [`Options::connect_within`]
    Full,
}
