//! The way out: connections to servers elsewhere.

use crate::{Later, Tlsa};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

/// Connects to servers elsewhere.
pub trait Dialer: Send + Sync {
    /// A connection, as `to` wants it.
    fn dial<'a>(&'a self, to: &'a Dial) -> Later<'a, Result<Box<dyn Wire>, DialError>>;
}

/// Where a connection shall lead, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dial {
    /// A DNS name or an IP address: whom the peer is asked to be (RFC 6066 §3), and whom it must show
    /// itself to be where [`Trust`] does not name others.
    pub host: String,
    /// Where the connection leads, if that is known already; else the system looks up the host.
    pub address: Option<IpAddr>,
    /// The port.
    pub port: u16,
    /// From which address of this machine; any of its kind, if none is given.
    pub source: Option<IpAddr>,
    /// When TLS begins.
    pub tls: DialTls,
    /// Whose certificate will do.
    pub trust: Trust,
    /// For looking up the name, connecting and the handshake together.
    pub within: Duration,
}

/// When TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialTls {
    /// From the first octet (RFC 8314 §3).
    Implicit,
    /// When [`Wire::secure`] is called; never, if it is not.
    Later,
}

/// Whose certificate will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// One for the host's name that leads to an authority which this machine knows.
    Authorities,
    /// This one alone, whatever its name and dates say.
    Pinned(Fingerprint),
    /// Any at all: better than none against whoever only listens (RFC 7435 §3).
    Anyone,
    /// One that leads to an authority which this machine knows, for any of these names (RFC 8461
    /// §4.1).
    Names(Vec<String>),
    /// One that any of these records describes (RFC 7672 §3). If none of them can be used, any at
    /// all (§2.2).
    Dane {
        /// The records, validated by DNSSEC.
        records: Vec<Tlsa>,
        /// For which names it may be where a record names its authority (§3.2.2).
        names: Vec<String>,
    },
}

/// A connection: octets both ways. It reads nothing that was not asked for.
pub trait Wire: Send {
    /// Waits for octets and fills a part of `buffer` with them; how many, and 0 when the peer sends
    /// no more. Dropping the future loses nothing.
    fn read<'a>(
        &'a mut self,
        buffer: &'a mut [u8],
        within: Duration,
    ) -> Later<'a, Result<usize, WireError>>;

    /// Hands all of `bytes` to the network. If it fails or is dropped, nobody knows how much of
    /// them has left: the connection is of no more use then.
    fn write<'a>(
        &'a mut self,
        bytes: &'a [u8],
        within: Duration,
    ) -> Later<'a, Result<(), WireError>>;

    /// Begins TLS, after the peer has agreed to it. Whatever the caller has read and not used came
    /// in the clear and must not be used any more (RFC 3207 §4.2).
    fn secure<'a>(
        &'a mut self,
        host: &'a str,
        trust: &'a Trust,
        within: Duration,
    ) -> Later<'a, Result<(), DialError>>;

    /// How it is protected, if it is.
    fn protection(&self) -> Option<&Protection>;
}

/// What TLS was agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protection {
    /// `TLS1.3` or `TLS1.2`.
    pub version: &'static str,
    /// The cipher suite's name.
    pub cipher: String,
    /// The peer's certificate.
    pub fingerprint: Fingerprint,
}

/// SHA-256 of a certificate in DER.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

impl fmt::Display for Fingerprint {
    /// `ab:cd:…`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, octet) in self.0.iter().enumerate() {
            write!(f, "{}{octet:02x}", if i == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl FromStr for Fingerprint {
    type Err = &'static str;

    /// 64 hexadecimal digits, with or without colons.
    fn from_str(text: &str) -> Result<Fingerprint, &'static str> {
        let wrong = "expected a SHA-256 fingerprint: 64 hexadecimal digits, colons allowed";
        let digits: Option<Vec<u8>> =
            text.chars().filter(|c| *c != ':').map(|c| Some(c.to_digit(16)? as u8)).collect();
        let octets: Vec<u8> = match digits {
            Some(digits) if digits.len() == 64 => {
                digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
            }
            _ => return Err(wrong),
        };
        octets.try_into().map(Fingerprint).map_err(|_| wrong)
    }
}

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DialError {
    /// The name has no address; says what the resolver said.
    NoSuchHost(String),
    /// No address answered; says why the last one did not.
    Unreachable(String),
    /// It took too long.
    TimedOut,
    /// The peer showed a certificate that will not do.
    Untrusted {
        /// Its fingerprint, if it could be taken.
        fingerprint: Option<Fingerprint>,
        /// What is wrong with it, for programs.
        flaw: Flaw,
        /// What is wrong with it, for people.
        reason: String,
    },
    /// TLS failed in another way, or is there already.
    Tls(String),
}

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// No authority that is believed has signed it.
    Authority,
    /// It is for other names.
    Name,
    /// It is not valid any more, or not yet.
    Dates,
    /// It is not the one that is wanted: no fingerprint, no TLSA record describes it.
    Other,
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DialError::NoSuchHost(why) => write!(f, "the name cannot be found: {why}"),
            DialError::Unreachable(why) => write!(f, "no connection: {why}"),
            DialError::TimedOut => f.write_str("no answer in time"),
            DialError::Untrusted { fingerprint: Some(fingerprint), reason, .. } => write!(
                f,
                "the certificate is not trusted: {reason}; if it is the right one, give its \
                 fingerprint {fingerprint} or its authority"
            ),
            DialError::Untrusted { fingerprint: None, reason, .. } => {
                write!(f, "the certificate is not trusted: {reason}")
            }
            DialError::Tls(why) => write!(f, "TLS failed: {why}"),
        }
    }
}

impl std::error::Error for DialError {}

/// Why a connection does not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WireError {
    /// Nothing moved for too long.
    TimedOut,
    /// The connection is broken; says how.
    Broken(String),
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WireError::TimedOut => f.write_str("no answer in time"),
            WireError::Broken(how) => write!(f, "the connection broke: {how}"),
        }
    }
}

impl std::error::Error for WireError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_it_is_written() {
        let fingerprint = Fingerprint(std::array::from_fn(|i| (i * 37) as u8));
        let text = fingerprint.to_string();
        assert_eq!(text.len(), 95);
        assert_eq!(text.parse(), Ok(fingerprint));
        assert_eq!(text.replace(':', "").to_uppercase().parse(), Ok(fingerprint));
        for wrong in ["", "ab", "zz", &text[1..], &format!("{text}0"), "é"] {
            assert!(wrong.parse::<Fingerprint>().is_err(), "{wrong}");
        }
    }
}
