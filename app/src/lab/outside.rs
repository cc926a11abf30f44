//! The world around the lab: a second post office, `exterior.test`, and a DNS in which each finds the
//! other. All of it is on this machine, and nothing leaves it.

use super::house::House;
use crate::log;
use crate::service::Service;
use anyhow::Result;
use core_world::{Question, Record};
use engine_dns_authority::{Asked, Authority, Told, Zone};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use tracing::info;

/// Where the other post office listens: an address of this machine that nobody else uses.
pub const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
/// The port of the DNS server, if it is free.
const DNS_PORT: u16 = 2553;
/// Questions that are remembered, for the table of the tests.
const ASKED_MAX: usize = 1000;

/// Can there be an outside for who listens at `address`? Each needs an address of its own.
pub fn is_possible(address: IpAddr) -> bool {
    address.is_loopback() && address.is_ipv4() && address != ADDRESS
}

/// The DNS of the lab.
pub struct Names {
    authority: Authority,
    /// What was asked, the newest last.
    pub asked: Arc<Mutex<Vec<String>>>,
}

impl Names {
    /// Serves the zones of `houses`.
    pub async fn open(houses: &[&House]) -> Result<Names> {
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let told = told(asked.clone());
        let at = |port| SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port);
        let zones = || zones(houses);
        let authority = match Authority::bind(at(DNS_PORT), zones(), told.clone()).await {
            Ok(authority) => authority,
            Err(_) => Authority::bind(at(0), zones(), told).await?,
        };
        Ok(Names { authority, asked })
    }

    /// Where it is asked.
    pub fn address(&self) -> SocketAddr {
        self.authority.address()
    }

    /// The zone of `house` has these keys from now on.
    pub fn publish(&self, house: &House, keys: &[(String, String)]) -> Result<()> {
        self.authority.set(zone(house, keys))?;
        Ok(())
    }
}

fn told(asked: Arc<Mutex<Vec<String>>>) -> Told {
    Arc::new(move |question: &Asked| {
        let line = question.to_string();
        info!(question = %log::harmless(&line), "asked the DNS");
        let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.len() >= ASKED_MAX {
            asked.remove(0);
        }
        asked.push(line);
    })
}

fn zones(houses: &[&House]) -> Vec<Zone> {
    let mut zones: Vec<Zone> = houses.iter().map(|house| zone(house, &[])).collect();
    zones.push(names_of_addresses(houses));
    zones
}

/// The zone of the course: `MX 10 asterix`, `asterix A`, `mail CNAME`, and what says who may send.
fn zone(house: &House, keys: &[(String, String)]) -> Zone {
    let domain = house.domain.to_string();
    let host = house.host_name();
    let mut zone = Zone::new(&domain, &host);
    zone.add(&domain, Record::Ns(host.clone()));
    zone.add(&domain, Record::Mx { preference: 10, exchange: host.clone() });
    zone.add(&host, address(house.listen));
    zone.add(&format!("mail.{domain}"), Record::Cname(host));
    zone.add(&domain, Record::Txt(b"v=spf1 mx -all".to_vec()));
    zone.add(&format!("_dmarc.{domain}"), Record::Txt(b"v=DMARC1; p=quarantine".to_vec()));
    for (selector, text) in keys {
        let name = format!("{selector}._domainkey.{domain}");
        zone.add(&name, Record::Txt(text.clone().into_bytes()));
    }
    zone
}

fn address(address: IpAddr) -> Record {
    match address {
        IpAddr::V4(address) => Record::A(address),
        IpAddr::V6(address) => Record::Aaaa(address),
    }
}

/// Whose address is whose.
fn names_of_addresses(houses: &[&House]) -> Zone {
    let mut zone = Zone::new("127.in-addr.arpa", "localhost");
    for house in houses.iter().filter(|house| house.listen.is_ipv4()) {
        let name = Question::names_of(house.listen).name;
        zone.add(&name, Record::Ptr(house.host_name()));
    }
    zone
}

/// The port of SMTP: the same for both, since an MX record names none.
pub fn smtp_port(addresses: &[(Service, SocketAddr)]) -> Option<u16> {
    let smtp = addresses.iter().find(|(service, _)| *service == Service::Smtp);
    smtp.map(|(_, address)| address.port())
}
