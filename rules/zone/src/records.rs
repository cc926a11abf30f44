//! The records that a domain should publish.

use crate::data::Data;
use crate::facts::{DkimKey, Facts, Service};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A record, and what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneRecord {
    /// Absolute, without the final dot.
    pub name: String,
    /// What it says.
    pub data: Data,
    /// What it is for, in a few words.
    pub purpose: &'static str,
}

/// All of them, other than SOA and NS.
pub fn records(facts: &Facts) -> Vec<ZoneRecord> {
    let mut all = Vec::new();
    road(facts, &mut all);
    genuine(facts, &mut all);
    transport(facts, &mut all);
    programs(facts, &mut all);
    all
}

fn add(all: &mut Vec<ZoneRecord>, name: String, data: Data, purpose: &'static str) {
    all.push(ZoneRecord { name, data, purpose });
}

/// Where mail goes.
fn road(facts: &Facts, all: &mut Vec<ZoneRecord>) {
    let mx = Data::Mx(10, facts.host.clone());
    add(all, facts.domain.clone(), mx, "who takes the mail of the domain");
    if facts.is_inside(&facts.host) {
        for address in &facts.addresses {
            add(all, facts.host.clone(), Data::address(*address), "where that server is");
        }
    }
    for (name, purpose) in aliases(facts) {
        add(all, name, Data::Cname(facts.host.clone()), purpose);
    }
}

/// Other names of the server, and what they are for.
pub fn aliases(facts: &Facts) -> Vec<(String, &'static str)> {
    let mut names = vec![
        (facts.below("mail"), "a name that people guess"),
        (facts.below("autoconfig"), "where Thunderbird looks for its settings"),
        (facts.below("autodiscover"), "where Outlook looks for its settings"),
    ];
    if facts.mta_sts.is_some() {
        names.push((facts.below("mta-sts"), "where the policy of MTA-STS is served"));
    }
    names.retain(|(name, _)| *name != facts.host);
    names
}

/// Who sends for the domain.
fn genuine(facts: &Facts, all: &mut Vec<ZoneRecord>) {
    let text = |text: String| Data::Txt(text.into_bytes());
    add(all, facts.domain.clone(), text(spf(facts)), "SPF: who may send for the domain");
    if facts.is_inside(&facts.host) && facts.host != facts.domain {
        let spf = text("v=spf1 a -all".to_string());
        add(all, facts.host.clone(), spf, "SPF: who may call itself so");
    }
    for key in &facts.dkim {
        add(all, dkim_name(facts, key), text(dkim(key)), "DKIM: the key that mail is signed with");
    }
    let dmarc = text(dmarc(facts));
    add(all, facts.below("_dmarc"), dmarc, "DMARC: what others do with mail that fails");
}

/// How mail comes encrypted.
fn transport(facts: &Facts, all: &mut Vec<ZoneRecord>) {
    let text = |text: String| Data::Txt(text.into_bytes());
    if let Some(id) = &facts.mta_sts {
        let name = facts.below("_mta-sts");
        add(all, name, text(mta_sts(id)), "MTA-STS: that there is a policy, and its version");
    }
    let name = facts.below("_smtp._tls");
    add(all, name, text(tls_reports(facts)), "TLS-RPT: where others report what failed");
    if facts.is_inside(&facts.host) {
        for certificate in &facts.certificates {
            let purpose = "DANE: the key of our certificate; heeded where the zone is signed";
            add(all, tlsa_name(facts), tlsa(certificate), purpose);
        }
    }
    for issuer in &facts.issuers {
        let caa = Data::Caa(false, "issue".to_string(), issuer.clone().into_bytes());
        add(all, facts.domain.clone(), caa, "CAA: who may issue certificates for us");
    }
}

/// How people's programs find us.
fn programs(facts: &Facts, all: &mut Vec<ZoneRecord>) {
    for port in &facts.services {
        let name = srv_name(facts, port.service);
        let srv = Data::Srv(port.service.priority(), 1, port.port, facts.host.clone());
        add(all, name, srv, "where programs find this service");
    }
}

/// Those who take our mail also send it.
pub fn spf(_facts: &Facts) -> String {
    "v=spf1 mx -all".to_string()
}

/// Where a key is published (RFC 6376 §3.6.2.1).
pub fn dkim_name(facts: &Facts, key: &DkimKey) -> String {
    facts.below(&format!("{}._domainkey", key.selector))
}

/// How a key is published (RFC 6376 §3.6.1).
pub fn dkim(key: &DkimKey) -> String {
    format!("v=DKIM1; k={}; p={}", key.algorithm.as_str(), STANDARD.encode(&key.public))
}

/// RFC 7489 §6.3.
pub fn dmarc(facts: &Facts) -> String {
    format!("v=DMARC1; p={}; rua=mailto:{}", facts.dmarc.as_str(), facts.reports)
}

/// RFC 8461 §3.1.
pub fn mta_sts(id: &str) -> String {
    format!("v=STSv1; id={id}")
}

/// RFC 8460 §3.
pub fn tls_reports(facts: &Facts) -> String {
    format!("v=TLSRPTv1; rua=mailto:{}", facts.reports)
}

/// RFC 7672 §2.2.3.
pub fn tlsa_name(facts: &Facts) -> String {
    format!("_25._tcp.{}", facts.host)
}

/// DANE-EE, public key, SHA-256 (RFC 7672 §3.1.1).
pub fn tlsa(certificate: &[u8; 32]) -> Data {
    Data::Tlsa(3, 1, 1, certificate.to_vec())
}

/// RFC 6186 §3.
pub fn srv_name(facts: &Facts, service: Service) -> String {
    facts.below(&format!("_{service}._tcp"))
}
