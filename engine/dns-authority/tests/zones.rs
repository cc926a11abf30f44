//! Which zones are served, and which are not.

use core_world::Record;
use engine_dns_authority::{Authority, AuthorityError, Zone};
use std::net::SocketAddr;
use std::sync::Arc;

async fn bind(zones: Vec<Zone>) -> Result<Authority, AuthorityError> {
    let address: SocketAddr = "127.0.0.1:0".parse().unwrap();
    Authority::bind(address, zones, Arc::new(|_| {})).await
}

/// A zone's name, its records, and why it cannot be.
type Case<'a> = (&'a str, &'a [(&'a str, Record)], &'a str);

fn address() -> Record {
    Record::A([192, 168, 100, 2].into())
}

fn alias() -> Record {
    Record::Cname("asterix.mired.org".into())
}

#[tokio::test]
async fn a_zone_that_cannot_be_is_refused_with_the_reason() {
    let caa = |tag: &str| Record::Caa { critical: false, tag: tag.into(), value: Vec::new() };
    let cases: [Case; 8] = [
        ("", &[], "not a name"),
        ("a..b", &[], "not a name"),
        ("mired.org", &[("a b.mired.org", address())], "not a name"),
        ("mired.org", &[("exterior.test", address())], "not in the zone"),
        ("mired.org", &[("notmired.org", address())], "not in the zone"),
        ("mired.org", &[("mired.org", alias())], "alias"),
        ("mired.org", &[("www.mired.org", alias()), ("www.mired.org", address())], "alias"),
        ("mired.org", &[("mired.org", caa("a-b"))], "CAA"),
    ];
    for (apex, records, why) in cases {
        let mut zone = Zone::new(apex, "asterix.mired.org");
        for (name, record) in records {
            zone.add(name, record.clone());
        }
        let error = bind(vec![zone]).await.err().map(|error| error.to_string());
        assert!(error.as_ref().is_some_and(|error| error.contains(why)), "{apex}: {error:?}");
    }
}

#[tokio::test]
async fn a_change_that_cannot_be_changes_nothing() {
    let mut zone = Zone::new("mired.org", "asterix.mired.org");
    zone.add("asterix.mired.org", address());
    let authority = bind(vec![zone.clone()]).await.unwrap();
    let mut wrong = zone.clone();
    wrong.add("asterix.mired.org", alias());
    assert!(authority.set(wrong).is_err());
    // Had the wrong one been kept, no other change could be made either.
    authority.set(Zone::new("exterior.test", "asterix.mired.org")).unwrap();
    authority.set(zone).unwrap();
}

#[tokio::test]
async fn a_port_that_is_taken_says_so() {
    let authority = bind(Vec::new()).await.unwrap();
    let again = Authority::bind(authority.address(), Vec::new(), Arc::new(|_| {})).await;
    let error = again.err().map(|error| error.to_string());
    assert!(error.is_some_and(|error| error.contains("choose another")));
}

#[tokio::test]
async fn a_signed_zone_has_no_wildcard() {
    let mut zone = Zone::new("mired.org", "asterix.mired.org");
    zone.add("*.mired.org", address());
    assert!(bind(vec![zone.clone()]).await.is_ok());
    zone.is_signed = true;
    assert!(bind(vec![zone]).await.is_err());
}
