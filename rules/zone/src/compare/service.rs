//! How people's programs find us: SRV records, and other names of the server.

use super::{About, Finding, Weight};
use crate::data::{Data, Kind};
use crate::facts::{Facts, Port, Service};
use crate::known::{Known, Needs};
use crate::records;

/// Does each service lead to us, and none that is not there?
pub fn services(facts: &Facts, known: &Known) -> Result<Vec<Finding>, Needs> {
    let mut all = Vec::new();
    for service in Service::ALL {
        let name = records::srv_name(facts, service);
        let ports: Vec<&Port> =
            facts.services.iter().filter(|port| port.service == service).collect();
        let records = known.get(&name, Kind::Srv)?;
        let about =
            About { facts, name: &name, kind: Kind::Srv, about: "SRV", weight: Weight::Useful };
        let records = match records {
            Ok(records) => records,
            Err(why) => {
                all.push(about.could_not(why));
                continue;
            }
        };
        let found: Vec<&Data> = records.iter().collect();
        let leads = |port: u16| {
            records.iter().any(|data| {
                matches!(data, Data::Srv(_, _, p, target) if *p == port && *target == facts.host)
            })
        };
        let says_none = records
            .iter()
            .all(|data| matches!(data, Data::Srv(_, _, _, target) if target.is_empty()));
        let Some(port) = ports.first() else {
            if !found.is_empty() && !says_none {
                all.push(about.unneeded(format!("there is no {service} here"), &found));
            }
            continue;
        };
        let wanted = Data::Srv(service.priority(), 1, port.port, facts.host.clone());
        all.push(if found.is_empty() {
            about.missing(format!("programs do not find {service} by themselves"), &wanted)
        } else if ports.iter().any(|port| leads(port.port)) {
            about.right(format!("{service} is at {}, port {}", facts.host, port.port))
        } else {
            about.wrong(format!("{service} is elsewhere"), &found, &wanted)
        });
    }
    Ok(all)
}

/// Do other names lead to us?
pub fn aliases(facts: &Facts, known: &Known) -> Result<Vec<Finding>, Needs> {
    let ours = known.addresses(&facts.host)?.unwrap_or_default();
    let mut all = Vec::new();
    for (name, purpose) in records::aliases(facts) {
        let is_policy = name == facts.below("mta-sts");
        let weight = if is_policy { Weight::Needed } else { Weight::Useful };
        let about = About { facts, name: &name, kind: Kind::Cname, about: "alias", weight };
        let wanted = Data::Cname(facts.host.clone());
        let (alias, addresses) = (known.get(&name, Kind::Cname)?, known.addresses(&name)?);
        let (alias, addresses) = match (alias, addresses) {
            (Ok(alias), Ok(addresses)) => (alias, addresses),
            (Err(why), _) | (_, Err(why)) => {
                all.push(about.could_not(why));
                continue;
            }
        };
        let own: Vec<Data> = addresses.iter().map(|address| Data::address(*address)).collect();
        let found: Vec<&Data> = alias.iter().chain(&own).collect();
        let leads = alias.first() == Some(&wanted) && !addresses.is_empty()
            || addresses.iter().any(|address| ours.contains(address));
        all.push(if found.is_empty() {
            about.missing(format!("{purpose}; it leads nowhere"), &wanted)
        } else if leads {
            about.right(purpose)
        // A policy, or settings, may well be served by somebody else.
        } else if is_policy && !addresses.is_empty() {
            about.right(format!("{purpose}, by another server"))
        } else {
            about.wrong(format!("{purpose}; it leads elsewhere"), &found, &wanted)
        });
    }
    Ok(all)
}
