//! Where mail goes: MX, the addresses of who takes it, and the names of those addresses.

use super::{About, Finding, Weight};
use crate::data::{Data, Kind, reverse_name};
use crate::facts::Facts;
use crate::known::{Known, Needs};
use crate::print::is_local;
use std::net::IpAddr;

/// Exchangers of the domain other than ours that are looked at.
const OTHERS_MAX: usize = 20;
/// Names of one address that are followed back (RFC 8601 §3 leaves the number open).
const NAMES_MAX: usize = 10;

/// Does the domain's mail come to us?
pub fn mx(facts: &Facts, known: &Known) -> Result<Vec<Finding>, Needs> {
    let (name, kind) = (facts.domain.as_str(), Kind::Mx);
    let about = About { facts, name, kind, about: "MX", weight: Weight::Needed };
    let wanted = Data::Mx(10, facts.host.clone());
    let records = match known.get(name, kind)? {
        Ok(records) => records,
        Err(why) => return Ok(vec![about.could_not(why)]),
    };
    let found: Vec<&Data> = records.iter().collect();
    let is_ours = |data: &Data| matches!(data, Data::Mx(_, exchange) if *exchange == facts.host);
    let is_null = |data: &Data| matches!(data, Data::Mx(_, exchange) if exchange.is_empty());
    Ok(vec![if found.is_empty() {
        about.missing("nobody is named who takes the mail of the domain", &wanted)
    } else if records.iter().any(is_null) {
        about.wrong("the domain says that it takes no mail (RFC 7505)", &found, &wanted)
    } else if !records.iter().any(is_ours) {
        about.wrong(format!("mail goes elsewhere, not to {}", facts.host), &found, &wanted)
    } else {
        about.right(format!("mail comes to {}", facts.host))
    }])
}

/// Is our server where its name says?
pub fn host(facts: &Facts, known: &Known) -> Result<Vec<Finding>, Needs> {
    let name = facts.host.as_str();
    let is_alias = alias(facts, known, name)?;
    let published = known.addresses(name)?;
    let mut all: Vec<Finding> = is_alias.into_iter().collect();
    for family in [Kind::A, Kind::Aaaa] {
        let is_of = |address: &&IpAddr| Data::address(**address).kind() == family;
        let about = About { facts, name, kind: family, about: "host", weight: Weight::Needed };
        let ours: Vec<&IpAddr> = facts.addresses.iter().filter(is_of).collect();
        let published = match &published {
            Ok(published) => published,
            Err(_) if ours.is_empty() => continue,
            Err(why) => {
                all.push(about.could_not(why));
                continue;
            }
        };
        let published: Vec<&IpAddr> = published.iter().filter(is_of).collect();
        all.extend(family_of(&about, &ours, &published));
    }
    Ok(all)
}

/// The addresses of one family.
fn family_of(about: &About<'_>, ours: &[&IpAddr], published: &[&IpAddr]) -> Vec<Finding> {
    let data: Vec<Data> = published.iter().map(|address| Data::address(**address)).collect();
    let found: Vec<&Data> = data.iter().collect();
    let strange: Vec<String> =
        published.iter().filter(|one| !ours.contains(one)).map(ToString::to_string).collect();
    let lacking: Vec<&&IpAddr> = ours.iter().filter(|one| !published.contains(one)).collect();
    let mut all = Vec::new();
    if !strange.is_empty() {
        let why = format!("{} is no address of this server", strange.join(", "));
        let lines: Vec<String> =
            ours.iter().map(|address| about.line(&Data::address(**address))).collect();
        let mend = match lines.is_empty() {
            true => format!("remove {}", strange.join(", ")),
            false => lines.join("\n"),
        };
        all.push(about.amiss(why, &found, mend));
    } else if let Some(first) = lacking.first() {
        let wanted = Data::address(***first);
        let why = format!("{} leads to no {}", about.name, about.kind.as_str());
        all.push(match published.is_empty() {
            true => about.missing(why, &wanted),
            false => about.missing(format!("{first} is not among its addresses"), &wanted),
        });
    } else if !ours.is_empty() {
        all.push(about.right("leads to this server"));
    }
    all
}

/// An exchanger must not be an alias (RFC 5321 §5.1, RFC 2181 §10.3).
fn alias(facts: &Facts, known: &Known, name: &str) -> Result<Option<Finding>, Needs> {
    let about = About { facts, name, kind: Kind::Cname, about: "host", weight: Weight::Needed };
    let Ok([found, ..]) = known.get(name, Kind::Cname)? else { return Ok(None) };
    let mend = match facts.addresses.first() {
        Some(address) if name == facts.host => about.line(&Data::address(*address)),
        _ => format!("name in the MX record the host that {name} stands for"),
    };
    let why = "who takes mail must not be an alias (CNAME): some will not deliver to it";
    Ok(Some(about.amiss(why, &[found], mend)))
}

/// Are the others who take our mail to be found?
pub fn others(facts: &Facts, known: &Known) -> Result<Vec<Finding>, Needs> {
    let Ok(records) = known.get(&facts.domain, Kind::Mx)? else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for record in records.iter().take(OTHERS_MAX) {
        let Data::Mx(_, name) = record else { continue };
        if name.is_empty() || *name == facts.host {
            continue;
        }
        all.extend(alias(facts, known, name)?);
        let about = About { facts, name, kind: Kind::A, about: "host", weight: Weight::Needed };
        all.push(match known.addresses(name)? {
            Err(why) => about.could_not(why),
            Ok(addresses) if addresses.is_empty() => {
                let mend = format!("remove the line {}", about_mx(facts, record));
                about.finding(
                    super::State::Missing,
                    "an MX record names it, and it is nowhere",
                    Some(mend),
                )
            }
            Ok(_) => about.right("another server that takes the mail of the domain"),
        });
    }
    Ok(all)
}

fn about_mx(facts: &Facts, record: &Data) -> String {
    crate::print::line(&facts.domain, facts.ttl, record)
}

/// Do our addresses have the name of our server, and does it lead back to them (RFC 8601 §3)? Many
/// take no mail from an address without.
pub fn names(facts: &Facts, known: &Known) -> Result<Vec<Finding>, Needs> {
    let mut all = Vec::new();
    for address in &facts.addresses {
        let name = reverse_name(*address, None);
        // Nobody outside is ever reached from such an address.
        let weight = if is_local(address) { Weight::Useful } else { Weight::Needed };
        let about = About { facts, name: &name, kind: Kind::Ptr, about: "PTR", weight };
        all.push(name_of(&about, *address, known)?);
    }
    Ok(all)
}

fn name_of(about: &About<'_>, address: IpAddr, known: &Known) -> Result<Finding, Needs> {
    let facts = about.facts;
    let wanted = Data::Ptr(facts.host.clone());
    let records = match known.get(about.name, Kind::Ptr)? {
        Ok(records) => records,
        Err(why) => return Ok(about.could_not(why)),
    };
    let asking =
        format!("{} (whoever gave you {address} publishes it: ask them)", about.line(&wanted));
    let found: Vec<&Data> = records.iter().collect();
    if found.is_empty() {
        let why = format!("{address} has no name; many take no mail from such an address");
        return Ok(about.finding(super::State::Missing, why, Some(asking)));
    }
    let is_ours = |data: &Data| matches!(data, Data::Ptr(name) if *name == facts.host);
    if !records.iter().any(is_ours) {
        let why = format!("{address} has another name than {}, by which we greet", facts.host);
        return Ok(about.amiss(why, &found, asking));
    }
    for record in records.iter().take(NAMES_MAX) {
        let Data::Ptr(name) = record else { continue };
        if *name != facts.host {
            continue;
        }
        return Ok(match known.addresses(name)? {
            Err(why) => about.could_not(why),
            Ok(back) if back.contains(&address) => {
                about.right(format!("{address} is {name}, and back"))
            }
            Ok(_) => {
                let why = format!("{address} is {name}, but {name} does not lead back to it");
                let data = Data::address(address);
                about.amiss(why, &found, crate::print::line(name, facts.ttl, &data))
            }
        });
    }
    Ok(about.right(format!("{address} is {}", facts.host)))
}
