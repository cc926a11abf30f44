//! The way to the names of the outside: DNS, as far as mail asks it.

use crate::Later;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// Answers questions about names. An engine asks a real server; tests and the simulator hold a table.
pub trait Resolver: Send + Sync {
    /// The records that answer `question`, as far as they are of its type: an alias (CNAME) has been
    /// followed. There is at least one of them.
    fn lookup<'a>(&'a self, question: &'a Question) -> Later<'a, Result<Answer, LookupError>>;
}

/// A name and what is asked about it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// An absolute DNS name in ASCII, lower case, without the final dot.
    pub name: String,
    /// Of which type the answer shall be.
    pub kind: RecordKind,
}

impl Question {
    /// Asks for records of `kind` at `name`.
    pub fn new(name: impl Into<String>, kind: RecordKind) -> Question {
        let mut name: String = name.into();
        name.make_ascii_lowercase();
        if name.ends_with('.') {
            name.pop();
        }
        Question { name, kind }
    }

    /// Asks for the names of an address (RFC 1035 §3.5, RFC 3596 §2.5).
    pub fn names_of(address: IpAddr) -> Question {
        let name = match address {
            IpAddr::V4(address) => {
                let [a, b, c, d] = address.octets();
                format!("{d}.{c}.{b}.{a}.in-addr.arpa")
            }
            IpAddr::V6(address) => {
                let mut name = String::with_capacity(72);
                for octet in address.octets().iter().rev() {
                    name.push_str(&format!("{:x}.{:x}.", octet & 15, octet >> 4));
                }
                name + "ip6.arpa"
            }
        };
        Question { name, kind: RecordKind::Ptr }
    }
}

/// The types of records that mail asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordKind {
    /// Addresses of IPv4.
    A,
    /// Addresses of IPv6.
    Aaaa,
    /// Who takes a domain's mail.
    Mx,
    /// Text: SPF, DKIM, DMARC and others.
    Txt,
    /// The name of an address.
    Ptr,
    /// Which certificate a service has (RFC 6698).
    Tlsa,
    /// Where a service is (RFC 2782).
    Srv,
    /// Who may issue certificates (RFC 8659).
    Caa,
    /// Another name.
    Cname,
    /// Who answers for a zone.
    Ns,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// An address of IPv4.
    A(Ipv4Addr),
    /// An address of IPv6.
    Aaaa(Ipv6Addr),
    /// A mail exchanger: its name, empty for "none" (RFC 7505); lower preferences come first.
    Mx {
        /// Lower ones come first.
        preference: u16,
        /// Without the final dot; empty: no mail is taken.
        exchange: String,
    },
    /// The strings of one record, put together (RFC 7208 §3.3).
    Txt(Vec<u8>),
    /// The name of an address.
    Ptr(String),
    /// A certificate association (RFC 6698 §2.1).
    Tlsa(Tlsa),
    /// Where a service is.
    Srv {
        /// Lower ones come first.
        priority: u16,
        /// The share among those of one priority.
        weight: u16,
        /// The port.
        port: u16,
        /// Without the final dot; empty: the service is not there.
        target: String,
    },
    /// Who may issue certificates.
    Caa {
        /// Is it critical to understand the tag?
        critical: bool,
        /// `issue`, `issuewild`, `iodef`.
        tag: String,
        /// What belongs to the tag.
        value: Vec<u8>,
    },
    /// Another name.
    Cname(String),
    /// Who answers for a zone.
    Ns(String),
}

/// A certificate association, its numbers as they came.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tlsa {
    /// 2 is DANE-TA, 3 DANE-EE; mail uses no other (RFC 7672 §3.1).
    pub usage: u8,
    /// 0: the whole certificate; 1: its public key.
    pub selector: u8,
    /// 0: the octets themselves; 1: SHA-256; 2: SHA-512.
    pub matching: u8,
    /// What is to match.
    pub data: Vec<u8>,
}

impl Tlsa {
    /// Can mail use it (RFC 7672 §3.1)? Of the usages only DANE-TA and DANE-EE, of the rest what has
    /// a meaning, and a digest has its length.
    pub fn is_usable(&self) -> bool {
        let len_fits = match self.matching {
            0 => !self.data.is_empty(),
            1 => self.data.len() == 32,
            2 => self.data.len() == 64,
            _ => false,
        };
        matches!(self.usage, 2 | 3) && self.selector <= 1 && len_fits
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// At least one, all of the kind that was asked for.
    pub records: Vec<Record>,
    /// How far they can be believed.
    pub standing: Standing,
    /// How long they are good.
    pub ttl: Duration,
}

/// How far an answer, or a denial, can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// DNSSEC was validated from the root on.
    Secure,
    /// The zone is not signed, or nobody has looked.
    Insecure,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookupError {
    /// There is no such name (NXDOMAIN).
    NoSuchName(Standing),
    /// The name has no record of that type (NODATA).
    NoRecords(Standing),
    /// The answer's signatures are wrong: somebody lies, or the zone is broken. Temporary; never to
    /// be taken for "not signed".
    Bogus,
    /// No server could tell, in these words: a time-out, SERVFAIL. To be asked again.
    Temporary(String),
    /// It cannot be asked: not a DNS name.
    BadName,
}

impl LookupError {
    /// Is it known that there is nothing? Else the question may be asked again later.
    pub fn is_denial(&self) -> bool {
        matches!(
            self,
            LookupError::NoSuchName(_) | LookupError::NoRecords(_) | LookupError::BadName
        )
    }
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LookupError::NoSuchName(_) => f.write_str("there is no such name in the DNS"),
            LookupError::NoRecords(_) => f.write_str("the name has no such record in the DNS"),
            LookupError::Bogus => f.write_str("the DNS answer is not what its zone has signed"),
            LookupError::Temporary(why) => write!(f, "the DNS could not be asked: {why}"),
            LookupError::BadName => f.write_str("not a DNS name"),
        }
    }
}

impl std::error::Error for LookupError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_asked_in_one_spelling() {
        assert_eq!(Question::new("MiReD.org.", RecordKind::Mx).name, "mired.org");
    }

    #[test]
    fn mail_uses_two_usages_of_tlsa() {
        let usable = |usage, selector, matching, len| {
            Tlsa { usage, selector, matching, data: vec![7; len] }.is_usable()
        };
        for (usage, selector, matching, len) in
            [(3, 1, 1, 32), (3, 0, 1, 32), (2, 0, 2, 64), (2, 1, 0, 9), (3, 0, 0, 9)]
        {
            assert!(usable(usage, selector, matching, len), "{usage} {selector} {matching}");
        }
        for (usage, selector, matching, len) in [
            (0, 1, 1, 32),
            (1, 1, 1, 32),
            (4, 1, 1, 32),
            (255, 0, 0, 9),
            (3, 2, 1, 32),
            (3, 1, 3, 32),
            (3, 1, 1, 31),
            (3, 1, 2, 32),
            (3, 1, 0, 0),
        ] {
            assert!(!usable(usage, selector, matching, len), "{usage} {selector} {matching}");
        }
    }

    #[test]
    fn an_address_is_asked_backwards() {
        let name = |text: &str| Question::names_of(text.parse().unwrap()).name;
        assert_eq!(name("192.168.100.2"), "2.100.168.192.in-addr.arpa");
        assert_eq!(
            name("2001:db8::567:89ab"),
            "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
        );
    }
}
