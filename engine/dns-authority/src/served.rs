//! The zones as hickory answers from them: with the root above, delegations, and signatures.

use crate::key::Key;
use crate::zone::Zone;
use crate::{AuthorityError, wire};
use hickory_server::dnssec::NxProofKind;
use hickory_server::net::runtime::TokioRuntimeProvider;
use hickory_server::proto::dnssec::rdata::DNSSECRData;
use hickory_server::proto::rr::rdata::{NS, SOA};
use hickory_server::proto::rr::{LowerName, Name, RData, Record, RecordSet, RecordType, RrKey};
use hickory_server::store::in_memory::InMemoryZoneHandler;
use hickory_server::zone_handler::{AxfrPolicy, Catalog, ZoneHandler, ZoneType};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Where the root's server is: a name that cannot be anybody else's (RFC 2606 §2).
const ROOT_SERVER: &str = "root-server.invalid";
/// For how many seconds what the zones say of each other may be kept,
const TTL: u32 = 60;
/// and the times of secondary servers, that there are none of.
const REFRESH: i32 = 3600;
const RETRY: i32 = 600;
const EXPIRE: i32 = 604_800;

type Records = BTreeMap<RrKey, RecordSet>;

/// All zones.
pub struct Served {
    all: Catalog,
    /// Those above each zone: it is they who are asked for its DS (RFC 4035 §3.1.4.1).
    above: HashMap<LowerName, Catalog>,
}

struct Making {
    apex: Name,
    is_signed: bool,
    records: Records,
}

impl Served {
    /// From these zones.
    pub fn new<'a>(
        zones: impl Iterator<Item = &'a Zone>,
        key: &Key,
    ) -> Result<Served, AuthorityError> {
        let mut root = Zone::new("", ROOT_SERVER);
        root.is_signed = true;
        let mut making = vec![make(&root)?];
        for zone in zones {
            if zone.apex().is_empty() {
                return Err(AuthorityError::BadName(String::new()));
            }
            making.push(make(zone)?);
        }
        // The one above comes before the one below it.
        making.sort_by_key(|zone| zone.apex.num_labels());
        delegate(&mut making, key)?;
        let mut done: Vec<(Name, Arc<dyn ZoneHandler>)> = Vec::new();
        let mut served = Served { all: Catalog::new(), above: HashMap::new() };
        for zone in making {
            let mut above = Catalog::new();
            for (apex, handler) in done.iter().filter(|(apex, _)| apex.zone_of(&zone.apex)) {
                above.upsert(apex.into(), vec![handler.clone()]);
            }
            served.above.insert((&zone.apex).into(), above);
            let handler = zone.finish(key)?;
            let apex = Name::from(handler.origin());
            served.all.upsert((&apex).into(), vec![handler.clone()]);
            done.push((apex, handler));
        }
        Ok(served)
    }

    /// Who answers a question.
    pub fn catalog(&self, name: &LowerName, kind: RecordType) -> &Catalog {
        match self.above.get(name) {
            Some(above) if kind == RecordType::DS && !name.is_root() => above,
            _ => &self.all,
        }
    }
}

/// A zone's own records.
fn make(zone: &Zone) -> Result<Making, AuthorityError> {
    let apex = wire::name(zone.apex())?;
    let server = wire::name(&zone.name_server)?;
    let mut making =
        Making { apex: apex.clone(), is_signed: zone.is_signed, records: Records::new() };
    let contact = match zone.apex() {
        "" => "hostmaster.invalid".to_string(),
        apex => format!("hostmaster.{apex}"),
    };
    let contact = wire::name(&contact)?;
    let negative = zone.negative_ttl;
    let soa = SOA::new(server.clone(), contact, zone.serial, REFRESH, RETRY, EXPIRE, negative);
    making.add(&apex, negative, RData::SOA(soa))?;
    for entry in &zone.entries {
        let name = wire::name(&entry.name)?;
        if !apex.zone_of(&name) {
            return Err(AuthorityError::OutOfZone(entry.name.clone()));
        }
        // What proves that no better name was there is not sent along (RFC 4035 §3.1.3.3).
        if zone.is_signed && name.is_wildcard() {
            let why = format!("{} stands for many names, in a signed zone", entry.name);
            return Err(AuthorityError::BadRecord(why));
        }
        making.add(&name, entry.ttl, wire::data(&entry.record)?)?;
    }
    if !making.records.contains_key(&RrKey::new((&apex).into(), RecordType::NS)) {
        making.add(&apex, TTL, RData::NS(NS(server)))?;
    }
    Ok(making)
}

impl Making {
    fn add(&mut self, name: &Name, ttl: u32, data: RData) -> Result<(), AuthorityError> {
        let kind = data.record_type();
        let lower = LowerName::new(name);
        let kinds: Vec<RecordType> = self
            .records
            .keys()
            .filter(|key| *key.name() == lower)
            .map(|key| key.record_type)
            .collect();
        let cname = RecordType::CNAME;
        let is_lonely = kind == cname && !kinds.is_empty() || kinds.contains(&cname);
        if is_lonely {
            let why = format!("{name} has an alias (CNAME) and another record");
            return Err(AuthorityError::BadRecord(why));
        }
        let key = RrKey::new(lower, kind);
        let set =
            self.records.entry(key).or_insert_with(|| RecordSet::with_ttl(name.clone(), kind, ttl));
        set.insert(Record::from_rdata(name.clone(), ttl, data), 0);
        Ok(())
    }

    fn finish(self, key: &Key) -> Result<Arc<dyn ZoneHandler>, AuthorityError> {
        let Making { apex, is_signed, records } = self;
        let proof = is_signed.then_some(NxProofKind::Nsec);
        let (kind, policy) = (ZoneType::Primary, AxfrPolicy::Deny);
        let made = InMemoryZoneHandler::<TokioRuntimeProvider>::new(
            apex.clone(),
            records,
            kind,
            policy,
            proof,
        );
        let mut handler = made.map_err(AuthorityError::BadRecord)?;
        if is_signed {
            handler.add_zone_signing_key_mut(key.signer(&apex)?)?;
            handler.secure_zone_mut()?;
        }
        Ok(Arc::new(handler))
    }
}

/// Each zone is told of in the one above it.
fn delegate(making: &mut [Making], key: &Key) -> Result<(), AuthorityError> {
    for index in 1..making.len() {
        let (above, below) = making.split_at_mut(index);
        let Some(zone) = below.first() else { continue };
        let Some(parent) = above.iter_mut().rfind(|parent| parent.apex.zone_of(&zone.apex)) else {
            continue;
        };
        let servers = zone.records.get(&RrKey::new((&zone.apex).into(), RecordType::NS));
        for server in servers.iter().flat_map(|set| set.records_without_rrsigs()) {
            parent.add(&zone.apex, TTL, server.data.clone())?;
        }
        if zone.is_signed {
            let ds = RData::DNSSEC(DNSSECRData::DS(key.delegation(&zone.apex)?));
            parent.add(&zone.apex, TTL, ds)?;
        }
    }
    Ok(())
}
