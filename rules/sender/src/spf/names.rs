//! Names of the peer's address that lead back to it (RFC 7208 §5.5; RFC 8601 §3).

use crate::lookup::{Found, Known, Lookup, LookupKind, Needs};
use crate::{IprevVerdict, ResultWord};
use std::net::IpAddr;

/// Names that are tried (RFC 7208 §4.6.4).
const NAMES_MAX: usize = 10;

/// Asks for the addresses of `name` in the family of `ip`.
pub(crate) fn addresses_like(ip: IpAddr, name: &str) -> Lookup {
    Lookup::new(name, if ip.is_ipv4() { LookupKind::A } else { LookupKind::Aaaa })
}

/// The names of `ip` that lead back to it. What cannot be asked is passed over.
pub(crate) fn validated_names(known: &Known, ip: IpAddr) -> Result<Vec<String>, Needs> {
    let Found::Names(names) = known.ask(Lookup::new("", LookupKind::Ptr(ip)))? else {
        return Ok(Vec::new());
    };
    let mut validated = Vec::new();
    for name in names.iter().take(NAMES_MAX) {
        if let Found::Addresses(addresses) = known.ask(addresses_like(ip, name))?
            && addresses.contains(&ip)
        {
            validated.push(name.clone());
        }
    }
    Ok(validated)
}

/// Does the peer's address have a name that leads back to it (RFC 8601 §3)?
pub(crate) fn iprev(known: &Known, ip: IpAddr) -> Result<IprevVerdict, Needs> {
    let ip = ip.to_canonical();
    let verdict = |result, name, reason: &str| {
        Ok(IprevVerdict { result, address: ip, name, reason: reason.to_string() })
    };
    match known.ask(Lookup::new("", LookupKind::Ptr(ip)))? {
        Found::Temporary(why) => return verdict(ResultWord::TempError, None, why),
        Found::Names(names) if !names.is_empty() => {}
        _ => return verdict(ResultWord::PermError, None, "the address has no name"),
    }
    match validated_names(known, ip)?.into_iter().next() {
        Some(name) => verdict(ResultWord::Pass, Some(name), ""),
        None => verdict(ResultWord::Fail, None, "the address's name does not lead back to it"),
    }
}
