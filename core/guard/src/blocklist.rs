//! Lists in the DNS of addresses that others warn of (RFC 5782).

use core_world::{LookupError, Question, Record, RecordKind, Resolver};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// Octets of a list's explanation that are passed on.
const TEXT_MAX: usize = 300;

/// Which lists are asked, and of whom.
#[derive(Clone)]
pub struct Blocklists {
    zones: Vec<String>,
    resolver: Arc<dyn Resolver>,
}

/// An address is on a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The list.
    pub zone: String,
    /// What it says, if it says something: mostly where to ask to be taken off.
    pub text: Option<String>,
}

impl Blocklists {
    /// Asks each of `zones`, as in `zen.example.org`.
    pub fn new(zones: Vec<String>, resolver: Arc<dyn Resolver>) -> Blocklists {
        Blocklists { zones, resolver }
    }

    /// Is nobody asked?
    pub fn is_empty(&self) -> bool {
        self.zones.is_empty()
    }

    /// The first list that has `address`. A list that cannot be asked has nobody: mail is not held
    /// up for it. Addresses that are nobody's in particular are on none.
    pub async fn look_up(&self, address: IpAddr) -> Option<Listed> {
        let address = address.to_canonical();
        if is_private(address) {
            return None;
        }
        for zone in &self.zones {
            if let Some(name) = listed_name(address, zone)
                && self.is_listed(&name).await
            {
                let text = self.text(&name).await;
                return Some(Listed { zone: zone.clone(), text });
            }
        }
        None
    }

    async fn is_listed(&self, name: &str) -> bool {
        match self.resolver.lookup(&Question::new(name, RecordKind::A)).await {
            Ok(answer) => answer.records.iter().any(|record| match record {
                Record::A(code) => is_yes(*code),
                _ => false,
            }),
            Err(LookupError::NoSuchName(_) | LookupError::NoRecords(_)) => false,
            Err(LookupError::Bogus | LookupError::Temporary(_) | LookupError::BadName) => false,
        }
    }

    async fn text(&self, name: &str) -> Option<String> {
        let answer = self.resolver.lookup(&Question::new(name, RecordKind::Txt)).await.ok()?;
        answer.records.iter().find_map(|record| match record {
            Record::Txt(octets) => Some(printable(octets)),
            _ => None,
        })
    }
}

/// A list says yes with an address of 127.0.0.0/8; 127.255.255.0/24 says that it does not answer us.
fn is_yes(code: Ipv4Addr) -> bool {
    let [a, b, c, _] = code.octets();
    a == 127 && (b, c) != (255, 255)
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => a.is_private() || a.is_loopback() || a.is_link_local(),
        IpAddr::V6(a) => a.is_loopback() || a.is_unique_local() || a.is_unicast_link_local(),
    }
}

/// The name under which a list has an address: backwards, in front of the zone.
fn listed_name(address: IpAddr, zone: &str) -> Option<String> {
    let names_of = Question::names_of(address).name;
    let backwards = names_of.strip_suffix(".in-addr.arpa").or(names_of.strip_suffix(".ip6.arpa"))?;
    Some(format!("{backwards}.{zone}"))
}

/// What a stranger's text may be in a reply and in the log.
fn printable(octets: &[u8]) -> String {
    let octets = octets.iter().take(TEXT_MAX);
    octets.map(|octet| if (b' '..=b'~').contains(octet) { *octet as char } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use core_world::{Answer, Later, Standing};
    use std::collections::HashMap;
    use std::time::Duration;

    struct Table(HashMap<(&'static str, RecordKind), Record>);

    impl Resolver for Table {
        fn lookup<'a>(&'a self, question: &'a Question) -> Later<'a, Result<Answer, LookupError>> {
            let found = self
                .0
                .iter()
                .find(|((name, kind), _)| *name == question.name && *kind == question.kind);
            let answer = match found {
                Some((_, record)) => Ok(Answer {
                    records: vec![record.clone()],
                    standing: Standing::Insecure,
                    ttl: Duration::from_secs(60),
                }),
                None => Err(LookupError::NoSuchName(Standing::Insecure)),
            };
            Box::pin(std::future::ready(answer))
        }
    }

    fn lists() -> Blocklists {
        let code = |text: &str| Record::A(text.parse().unwrap());
        let table = HashMap::from([
            (("2.2.0.192.bad.test", RecordKind::A), code("127.0.0.2")),
            (
                ("2.2.0.192.bad.test", RecordKind::Txt),
                Record::Txt(b"see\r\nhttps://bad.test".into()),
            ),
            (("3.2.0.192.bad.test", RecordKind::A), code("127.255.255.254")),
            (("4.2.0.192.bad.test", RecordKind::A), code("192.0.2.1")),
            (("1.1.168.192.bad.test", RecordKind::A), code("127.0.0.2")),
        ]);
        Blocklists::new(vec!["other.test".into(), "bad.test".into()], Arc::new(Table(table)))
    }

    #[tokio::test]
    async fn an_address_is_looked_for_in_each_list() {
        let listed = Listed {
            zone: "bad.test".to_string(),
            text: Some("see??https://bad.test".to_string()),
        };
        assert_eq!(lists().look_up("192.0.2.2".parse().unwrap()).await, Some(listed.clone()));
        assert_eq!(lists().look_up("::ffff:192.0.2.2".parse().unwrap()).await, Some(listed));
        assert_eq!(lists().look_up("192.0.2.9".parse().unwrap()).await, None);
    }

    #[tokio::test]
    async fn a_list_that_refuses_to_answer_or_lies_has_nobody() {
        for address in ["192.0.2.3", "192.0.2.4", "192.168.1.1"] {
            assert_eq!(lists().look_up(address.parse().unwrap()).await, None, "{address}");
        }
    }

    #[test]
    fn ipv6_is_asked_by_its_digits() {
        let name = listed_name("2001:db8::1".parse().unwrap(), "bad.test").unwrap();
        assert!(name.starts_with("1.0.0.0.") && name.ends_with(".8.b.d.0.1.0.0.2.bad.test"));
    }
}
