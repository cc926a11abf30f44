//! What a record says.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Octets of one string of a TXT record (RFC 1035 §3.3).
const STRING_MAX: usize = 255;

/// What a record says. Names are absolute, in lower case, without the final dot.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Data {
    /// An address of IPv4.
    A(Ipv4Addr),
    /// An address of IPv6.
    Aaaa(Ipv6Addr),
    /// Preference and name of a mail exchanger; an empty name: none (RFC 7505).
    Mx(u16, String),
    /// A text, its strings put together.
    Txt(Vec<u8>),
    /// The name of an address.
    Ptr(String),
    /// Usage, selector, matching type and data (RFC 6698 §2.1).
    Tlsa(u8, u8, u8, Vec<u8>),
    /// Priority, weight, port and target; an empty target: the service is not there (RFC 2782).
    Srv(u16, u16, u16, String),
    /// Critical or not, tag and value (RFC 8659 §4).
    Caa(bool, String, Vec<u8>),
    /// Another name.
    Cname(String),
    /// Who answers for a zone.
    Ns(String),
}

/// The type of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An address of IPv4.
    A,
    /// An address of IPv6.
    Aaaa,
    /// A mail exchanger.
    Mx,
    /// A text.
    Txt,
    /// The name of an address.
    Ptr,
    /// A certificate association.
    Tlsa,
    /// Where a service is.
    Srv,
    /// Who may issue certificates.
    Caa,
    /// Another name.
    Cname,
    /// Who answers for a zone.
    Ns,
}

impl Kind {
    /// As a master file has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::A => "A",
            Kind::Aaaa => "AAAA",
            Kind::Mx => "MX",
            Kind::Txt => "TXT",
            Kind::Ptr => "PTR",
            Kind::Tlsa => "TLSA",
            Kind::Srv => "SRV",
            Kind::Caa => "CAA",
            Kind::Cname => "CNAME",
            Kind::Ns => "NS",
        }
    }
}

impl Data {
    /// An address.
    pub fn address(address: IpAddr) -> Data {
        match address {
            IpAddr::V4(address) => Data::A(address),
            IpAddr::V6(address) => Data::Aaaa(address),
        }
    }

    /// The type.
    pub fn kind(&self) -> Kind {
        match self {
            Data::A(_) => Kind::A,
            Data::Aaaa(_) => Kind::Aaaa,
            Data::Mx(..) => Kind::Mx,
            Data::Txt(_) => Kind::Txt,
            Data::Ptr(_) => Kind::Ptr,
            Data::Tlsa(..) => Kind::Tlsa,
            Data::Srv(..) => Kind::Srv,
            Data::Caa(..) => Kind::Caa,
            Data::Cname(_) => Kind::Cname,
            Data::Ns(_) => Kind::Ns,
        }
    }

    /// As a master file has it (RFC 1035 §5.1); `name` writes names.
    pub fn print(&self, name: &dyn Fn(&str) -> String) -> String {
        match self {
            Data::A(address) => address.to_string(),
            Data::Aaaa(address) => address.to_string(),
            Data::Mx(preference, exchange) => format!("{preference} {}", name(exchange)),
            Data::Txt(text) => strings(text),
            Data::Ptr(to) | Data::Cname(to) | Data::Ns(to) => name(to),
            Data::Tlsa(usage, selector, matching, data) => {
                let mut text = format!("{usage} {selector} {matching} ");
                for octet in data {
                    let _ = write!(text, "{octet:02x}");
                }
                text
            }
            Data::Srv(priority, weight, port, target) => {
                format!("{priority} {weight} {port} {}", name(target))
            }
            Data::Caa(critical, tag, value) => {
                format!("{} {tag} {}", if *critical { 128 } else { 0 }, quoted(value))
            }
        }
    }
}

/// A text as strings that are not too long.
fn strings(text: &[u8]) -> String {
    if text.is_empty() {
        return "\"\"".to_string();
    }
    text.chunks(STRING_MAX).map(quoted).collect::<Vec<_>>().join(" ")
}

/// One string in quotes: what would end it, or the line, is written by its number.
fn quoted(text: &[u8]) -> String {
    let mut line = String::with_capacity(text.len() + 2);
    line.push('"');
    for octet in text {
        match octet {
            b'"' | b'\\' => {
                line.push('\\');
                line.push(char::from(*octet));
            }
            b' '..=b'~' => line.push(char::from(*octet)),
            octet => {
                let _ = write!(line, "\\{octet:03}");
            }
        }
    }
    line.push('"');
    line
}

/// Where the name of an address is (RFC 1035 §3.5, RFC 3596 §2.5). `below` stands for
/// `in-addr.arpa` and `ip6.arpa`: a blocklist has a name of its own there (RFC 5782 §2).
pub fn reverse_name(address: IpAddr, below: Option<&str>) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.{}", below.unwrap_or("in-addr.arpa"))
        }
        IpAddr::V6(address) => {
            let mut name = String::with_capacity(80);
            for octet in address.octets().iter().rev() {
                let _ = write!(name, "{:x}.{:x}.", octet & 15, octet >> 4);
            }
            name + below.unwrap_or("ip6.arpa")
        }
    }
}
