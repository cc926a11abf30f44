//! Records as a master file has them (RFC 1035 §5.1).

use crate::data::{Data, Kind, reverse_name};
use crate::facts::{Facts, mta_sts_policy};
use crate::records::ZoneRecord;
use std::fmt::Write;
use std::net::IpAddr;

/// How often others look for a new version, in seconds; and again, if they could not;
const REFRESH: u32 = 7200;
const RETRY: u32 = 1800;
/// when they give the zone up, and for how long it may be remembered that a name is not there.
const EXPIRE: u32 = 1_209_600;
const NEGATIVE: u32 = 300;
/// Characters of the column of names.
const WIDTH: usize = 22;

/// One record on a line of its own, its name whole: wherever it is put, it means the same.
pub fn line(name: &str, ttl: u32, data: &Data) -> String {
    let absolute = |name: &str| format!("{name}.");
    format!("{name}. {ttl} IN {} {}", data.kind().as_str(), data.print(&absolute))
}

/// The whole zone, as `named` reads it.
pub fn master_file(facts: &Facts, records: &[ZoneRecord], serial: u32) -> String {
    let relative = |name: &str| relative(facts, name);
    let mut text = String::new();
    let own = vec![facts.host.clone()];
    let servers = if facts.name_servers.is_empty() { &own } else { &facts.name_servers };
    let first = servers.first().map_or(".".to_string(), |server| relative(server));
    let _ = write!(
        text,
        "; {domain}: the records of its mail, by Estafeta.\n\
         $ORIGIN {domain}.\n$TTL {ttl}\n\
         {:<WIDTH$} IN SOA   {first} postmaster ( {serial} {REFRESH} {RETRY} {EXPIRE} {NEGATIVE} )\n",
        "@",
        domain = facts.domain,
        ttl = facts.ttl,
    );
    for server in servers {
        one(&mut text, "@", &Data::Ns(server.clone()), &relative);
    }
    let mut purpose = "";
    for record in records {
        if record.purpose != purpose {
            purpose = record.purpose;
            let _ = write!(text, "\n; {purpose}\n");
        }
        one(&mut text, &relative(&record.name), &record.data, &relative);
    }
    elsewhere(facts, &mut text);
    text
}

fn one(text: &mut String, name: &str, data: &Data, relative: &dyn Fn(&str) -> String) {
    let kind = data.kind().as_str();
    let _ = writeln!(text, "{name:<WIDTH$} IN {kind:<5} {}", data.print(relative));
}

/// A name within the zone: `@`, relative, or absolute.
fn relative(facts: &Facts, name: &str) -> String {
    if name == facts.domain {
        return "@".to_string();
    }
    match name.strip_suffix(&facts.domain).and_then(|name| name.strip_suffix('.')) {
        Some(short) if !short.is_empty() => short.to_string(),
        _ => format!("{name}."),
    }
}

/// What belongs to zones of others, or to no zone, as comments.
fn elsewhere(facts: &Facts, text: &mut String) {
    let asked: Vec<&IpAddr> = facts.addresses.iter().filter(|address| !is_local(address)).collect();
    if !facts.addresses.is_empty() {
        text.push_str("\n; the name of the address: whoever gave it to you publishes this\n");
        for address in &facts.addresses {
            let data = Data::Ptr(facts.host.clone());
            let _ = writeln!(text, "; {}", line(&reverse_name(*address, None), facts.ttl, &data));
        }
        if asked.is_empty() {
            text.push_str(
                "; (nobody outside reaches it: such addresses are for networks of one's own)\n",
            );
        }
    }
    if facts.mta_sts.is_some() {
        let (policy, _) = mta_sts_policy(&facts.host);
        let domain = &facts.domain;
        let _ = writeln!(text, "\n; https://mta-sts.{domain}/.well-known/mta-sts.txt serves this");
        for line in policy.lines() {
            let _ = writeln!(text, "; {line}");
        }
    }
}

/// Is this an address that nobody outside of its network reaches?
pub fn is_local(address: &IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            address.is_private() || address.is_loopback() || address.is_link_local()
        }
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

/// Which line would be published, for an operator: by name and type alone if there is no data.
pub fn place(name: &str, kind: Kind) -> String {
    format!("{name}. IN {}", kind.as_str())
}
