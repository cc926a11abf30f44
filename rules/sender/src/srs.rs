//! The sender rewriting scheme: a reverse-path of ours for what is forwarded, so that SPF holds at the
//! next host and a bounce finds its way back through us, and through nobody who cannot make our seal.
//!
//! `SRS0=seal=day=domain=local-part@ours`; a path that is already such a one of another forwarder
//! becomes `SRS1=seal=first=rest@ours`, which leads back to the first forwarder.

use hmac::{Hmac, Mac};
use sha2::Sha256;
use words_mail::{Address, Domain, ReversePath};

/// Symbols of the seal, each of five bits.
const SEAL_SYMBOLS: usize = 6;
/// How many days a bounce may take: the longest time in a queue, a delay, and some.
const DAYS_MAX: u64 = 21;
/// Days are counted modulo two symbols.
const DAYS: u64 = 1 << 10;
const SYMBOLS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Why a path does not lead back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SrsError {
    /// It is no rewritten path at all.
    NotOurs,
    /// We have not made it.
    Forged,
    /// It was made too long ago.
    Expired,
}

/// The reverse-path under which a message of `reverse_path` is forwarded by `ours`, on this `day`
/// (since 1970). A null one stays null, one of ours stays as it is.
///
/// `None`: it would be longer than a local-part may be (RFC 5321 §4.5.3.1.1); forward under the
/// address of whoever forwards.
pub fn forward(
    reverse_path: &ReversePath,
    ours: &Domain,
    secret: &[u8],
    day: u64,
) -> Option<ReversePath> {
    let Some(address) = &reverse_path.0 else { return Some(ReversePath(None)) };
    if address.domain() == ours {
        return Some(reverse_path.clone());
    }
    let local_part = match rewritten(address) {
        Some(Rewritten::First(rest)) => {
            // What stood after "SRS0" stays as it is, its separator too.
            let domain = address.domain().as_str();
            format!("SRS1={}={domain}={rest}", seal(secret, &[domain, rest]))
        }
        Some(Rewritten::Further { host, rest }) => {
            format!("SRS1={}={host}={rest}", seal(secret, &[host, rest]))
        }
        None => {
            let (domain, local_part) = (address.domain().as_str(), address.local_part());
            let day = day_symbols(day);
            let seal = seal(secret, &[&day, domain, local_part]);
            format!("SRS0={seal}={day}={domain}={local_part}")
        }
    };
    Some(ReversePath(Some(Address::new(&local_part, ours.clone()).ok()?)))
}

/// Where a bounce to this local-part of ours leads.
pub fn back(local_part: &str, secret: &[u8], today: u64) -> Result<Address, SrsError> {
    let (tag, rest) = tagged(local_part).ok_or(SrsError::NotOurs)?;
    let (given, rest) = rest.split_once('=').ok_or(SrsError::NotOurs)?;
    let parts = |parts: &[&str]| match is_seal(given, &seal(secret, parts)) {
        true => Ok(()),
        false => Err(SrsError::Forged),
    };
    let address = |local_part: &str, domain: &str| {
        let domain = Domain::parse(domain).map_err(|_| SrsError::NotOurs)?;
        Address::new(local_part, domain).map_err(|_| SrsError::NotOurs)
    };
    match tag {
        Tag::First => {
            let (day, rest) = rest.split_once('=').ok_or(SrsError::NotOurs)?;
            let (domain, local_part) = rest.split_once('=').ok_or(SrsError::NotOurs)?;
            parts(&[day, domain, local_part])?;
            let made = read_day(day).ok_or(SrsError::Forged)?;
            let age = (today % DAYS + DAYS - made) % DAYS;
            // A clock that is an hour behind another may see tomorrow.
            if age > DAYS_MAX && age != DAYS - 1 {
                return Err(SrsError::Expired);
            }
            address(local_part, domain)
        }
        Tag::Further => {
            let (host, rest) = rest.split_once('=').ok_or(SrsError::NotOurs)?;
            parts(&[host, rest])?;
            address(&format!("SRS0{rest}"), host)
        }
    }
}

/// Does a local-part look like one that [`forward`] has made? Then [`back`] knows more.
pub fn is_rewritten(local_part: &str) -> bool {
    tagged(local_part).is_some()
}

enum Rewritten<'a> {
    /// With the separator that follows `SRS0`.
    First(&'a str),
    Further {
        host: &'a str,
        /// With the separator that followed the first `SRS0`.
        rest: &'a str,
    },
}

/// A path that another forwarder has rewritten.
fn rewritten(address: &Address) -> Option<Rewritten<'_>> {
    let local_part = address.local_part();
    let tag = local_part.get(..4)?;
    let rest = &local_part[4..];
    if !rest.starts_with(['=', '+', '-']) {
        return None;
    }
    if tag.eq_ignore_ascii_case("SRS0") {
        return Some(Rewritten::First(rest));
    }
    if !tag.eq_ignore_ascii_case("SRS1") {
        return None;
    }
    let (_, rest) = rest[1..].split_once('=')?;
    let (host, rest) = rest.split_once('=')?;
    Some(Rewritten::Further { host, rest })
}

enum Tag {
    First,
    Further,
}

fn tagged(local_part: &str) -> Option<(Tag, &str)> {
    let tag = local_part.get(..5)?;
    let rest = &local_part[5..];
    if tag.eq_ignore_ascii_case("SRS0=") {
        return Some((Tag::First, rest));
    }
    tag.eq_ignore_ascii_case("SRS1=").then_some((Tag::Further, rest))
}

/// Over `parts` in lower case: some hosts fold what is not theirs.
fn seal(secret: &[u8], parts: &[&str]) -> String {
    let Ok(mut mac) = <Hmac<Sha256> as Mac>::new_from_slice(secret) else {
        // HMAC takes keys of any length.
        return String::new();
    };
    mac.update(b"estafeta srs 1");
    for part in parts {
        mac.update(b"=");
        mac.update(part.to_lowercase().as_bytes());
    }
    let digest = mac.finalize().into_bytes();
    let mut bits = 0u64;
    for octet in digest.iter().take(8) {
        bits = bits << 8 | u64::from(*octet);
    }
    symbols(bits, SEAL_SYMBOLS)
}

/// Compared without telling by the time taken how much of it was right.
fn is_seal(given: &str, right: &str) -> bool {
    let given = given.to_ascii_uppercase();
    let differ = given.bytes().zip(right.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b));
    !right.is_empty() && given.len() == right.len() && differ == 0
}

fn day_symbols(day: u64) -> String {
    symbols(day % DAYS, 2)
}

fn symbols(bits: u64, count: usize) -> String {
    let symbol = |at: usize| SYMBOLS[(bits >> (5 * at)) as usize & 31] as char;
    (0..count).rev().map(symbol).collect()
}

fn read_day(text: &str) -> Option<u64> {
    if text.len() != 2 {
        return None;
    }
    text.bytes().try_fold(0, |day, symbol| {
        let at = SYMBOLS.iter().position(|s| *s == symbol.to_ascii_uppercase())?;
        Some(day << 5 | at as u64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECRET: &[u8] = b"a secret of thirty-two octets ...";

    fn path(text: &str) -> ReversePath {
        ReversePath(Some(Address::parse(text).unwrap()))
    }

    fn ours(name: &str) -> Domain {
        Domain::parse(name).unwrap()
    }

    fn forwarded(text: &str, by: &str) -> String {
        let path = forward(&path(text), &ours(by), SECRET, 20_000).unwrap();
        path.0.unwrap().local_part().to_string()
    }

    #[test]
    fn a_bounce_finds_its_way_back() {
        let local_part = forwarded("eva@exterior.test", "mired.org");
        assert!(local_part.starts_with("SRS0="), "{local_part}");
        let back_at = |day| back(&local_part, SECRET, day).map(|a| a.to_string());
        assert_eq!(back_at(20_000), Ok("eva@exterior.test".to_string()));
        assert_eq!(back_at(20_021), Ok("eva@exterior.test".to_string()));
        assert_eq!(back_at(19_999), Ok("eva@exterior.test".to_string()));
        assert_eq!(back_at(20_022), Err(SrsError::Expired));
        assert_eq!(
            back(&local_part.to_lowercase(), SECRET, 20_000).unwrap().to_string(),
            "eva@exterior.test"
        );
    }

    #[test]
    fn nobody_else_makes_a_seal() {
        let local_part = forwarded("eva@exterior.test", "mired.org");
        let bent = local_part.replace("exterior", "victim");
        assert_eq!(back(&bent, SECRET, 20_000), Err(SrsError::Forged));
        assert_eq!(back(&local_part, b"another", 20_000), Err(SrsError::Forged));
        assert_eq!(back("SRS0==AB=x.org=a", SECRET, 20_000), Err(SrsError::Forged));
        assert_eq!(back("ana", SECRET, 20_000), Err(SrsError::NotOurs));
        assert_eq!(back("SRS0=AAAAAA", SECRET, 20_000), Err(SrsError::NotOurs));
    }

    #[test]
    fn a_chain_of_forwarders_leads_to_the_first() {
        let first = forwarded("eva@x.test", "one.org");
        let second = forwarded(&format!("{first}@one.org"), "two.org");
        assert!(second.starts_with("SRS1="), "{second}");
        let third = forwarded(&format!("{second}@two.org"), "three.org");
        assert!(third.contains("=one.org="), "{third}");
        let to_first = back(&third, SECRET, 20_000).unwrap();
        assert_eq!(to_first.to_string(), format!("{first}@one.org"));
        assert_eq!(back(to_first.local_part(), SECRET, 20_000).unwrap().to_string(), "eva@x.test");
    }

    #[test]
    fn what_needs_no_rewriting_stays() {
        let null = ReversePath(None);
        assert_eq!(forward(&null, &ours("mired.org"), SECRET, 1), Some(null));
        let own = path("ana@mired.org");
        assert_eq!(forward(&own, &ours("mired.org"), SECRET, 1), Some(own));
        let long = format!("{}@exterior.test", "x".repeat(60));
        assert_eq!(forward(&path(&long), &ours("mired.org"), SECRET, 1), None);
    }

    proptest! {
        #[test]
        fn every_path_that_fits_comes_back(local in "[a-zA-Z0-9=+ \"ñ-]{1,24}", day in 0u64..100_000) {
            let address = Address::new(&local, ours("exterior.test")).unwrap();
            let path = ReversePath(Some(address.clone()));
            if let Some(ReversePath(Some(forwarded))) = forward(&path, &ours("mired.org"), SECRET, day)
                && forwarded.local_part().starts_with("SRS0=")
            {
                prop_assert_eq!(back(forwarded.local_part(), SECRET, day + 5).unwrap(), address);
            }
        }

        #[test]
        fn nothing_a_stranger_writes_breaks_it(text in "(SRS[01][=+-])?.{0,40}") {
            prop_assert!(back(&text, SECRET, 1).is_err());
            if let Ok(address) = Address::new(&text, ours("x.org")) {
                forward(&ReversePath(Some(address)), &ours("mired.org"), SECRET, 1);
            }
        }
    }
}
