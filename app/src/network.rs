//! Networks that the operator vouches for.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Addresses with a common beginning; or none at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Nobody.
    None,
    /// All addresses that begin with the first bits of this one.
    Prefix(IpAddr, u32),
}

impl Network {
    /// This address alone.
    pub fn one(address: IpAddr) -> Network {
        match address {
            IpAddr::V4(_) => Network::Prefix(address, Ipv4Addr::BITS),
            IpAddr::V6(_) => Network::Prefix(address, Ipv6Addr::BITS),
        }
    }

    /// Is `address` in it?
    pub fn contains(self, address: IpAddr) -> bool {
        match (self, address.to_canonical()) {
            (Network::Prefix(IpAddr::V4(network), bits), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(Ipv4Addr::BITS - bits).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            (Network::Prefix(IpAddr::V6(network), bits), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(Ipv6Addr::BITS - bits).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            _ => false,
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Network::None => f.write_str("none"),
            Network::Prefix(address, bits) => write!(f, "{address}/{bits}"),
        }
    }
}

impl FromStr for Network {
    type Err = String;

    /// `192.0.2.0/24`, `2001:db8::/32`, one address, or `none`.
    fn from_str(text: &str) -> Result<Network, String> {
        if text.eq_ignore_ascii_case("none") {
            return Ok(Network::None);
        }
        let wrong = || "expected a network, as in 192.0.2.0/24 or 2001:db8::/32".to_string();
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let bits_max = if address.is_ipv4() { Ipv4Addr::BITS } else { Ipv6Addr::BITS };
        let bits = bits.map_or(Ok(bits_max), str::parse).map_err(|_| wrong())?;
        if bits > bits_max { Err(wrong()) } else { Ok(Network::Prefix(address, bits)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_a_network_or_not() {
        for (network, address, want) in [
            ("127.0.0.0/8", "127.1.2.3", true),
            ("127.0.0.0/8", "::ffff:127.1.2.3", true),
            ("127.0.0.0/8", "128.0.0.1", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.8", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "::1", false),
            ("2001:db8::/32", "2001:db8:1::5", true),
            ("2001:db8::/32", "2001:db9::5", false),
            ("::/0", "2001:db9::5", true),
            ("none", "127.0.0.1", false),
        ] {
            let read: Network = network.parse().unwrap();
            assert_eq!(read.contains(address.parse().unwrap()), want, "{network} {address}");
        }
        for text in ["", "x", "1.2.3.4/33", "::1/129", "1.2.3.4/", "1.2.3.4/-1"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
