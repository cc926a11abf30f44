//! The PROXY protocol, versions 1 and 2: a proxy in front of this server begins each connection
//! with a header that tells who is behind it. Only proxies that the operator named may speak it;
//! whoever else comes to such a listener is refused, for anybody can write a header.
//!
//! [`parse`] is pure. It never asks for an octet that might stand behind the header, since that
//! may be the first of a TLS handshake, which somebody else must read.

mod receive;
mod v1;
mod v2;

pub(crate) use receive::{ReceiveError, receive};

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// What the proxy says of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Header {
    /// The proxy speaks for itself, to see whether we live.
    Local,
    /// It passes on somebody whom it cannot name.
    Unknown,
    /// It passes on a connection.
    Passed {
        /// Who is behind it.
        source: SocketAddr,
        /// Where that one wanted to go.
        destination: SocketAddr,
    },
}

/// How far a header has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// At least so many octets of it are still to come.
    More(usize),
    /// It is complete: what it says, and its length in octets.
    Complete(Header, usize),
}

/// Why a header is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderError {
    /// It does not begin as one.
    Missing,
    /// It breaks the grammar.
    Syntax(&'static str),
    /// It is longer than it may be.
    TooLong,
    /// Its checksum is that of another.
    Checksum,
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeaderError::Missing => f.write_str(
                "no PROXY header: let the proxy send one (send-proxy-v2), or switch PROXY off for this listener",
            ),
            HeaderError::Syntax(expected) => write!(f, "PROXY header: expected {expected}"),
            HeaderError::TooLong => f.write_str("PROXY header: too long"),
            HeaderError::Checksum => f.write_str("PROXY header: its checksum does not fit"),
        }
    }
}

/// Reads a header from the beginning of `bytes`.
pub(crate) fn parse(bytes: &[u8]) -> Result<Progress, HeaderError> {
    if bytes.starts_with(&v2::SIGNATURE[..bytes.len().min(v2::SIGNATURE.len())]) {
        // Nothing at all could still be either; then the shorter one decides.
        return if bytes.is_empty() { Ok(Progress::More(v1::LEN_MIN)) } else { v2::parse(bytes) };
    }
    v1::parse(bytes)
}

/// Whose headers are believed.
#[derive(Clone)]
pub struct Proxies(Arc<dyn Fn(IpAddr) -> bool + Send + Sync>);

impl Proxies {
    /// Those whose address `holds`.
    pub fn new(holds: impl Fn(IpAddr) -> bool + Send + Sync + 'static) -> Proxies {
        Proxies(Arc::new(holds))
    }

    /// May `address` pass others on?
    pub(crate) fn hold(&self, address: IpAddr) -> bool {
        (self.0)(address)
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proxies")
    }
}

#[cfg(test)]
mod tests;
