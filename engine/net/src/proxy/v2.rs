//! Version 2: binary.
//!
//! ```text
//! signature (12) | version and command (1) | family and protocol (1) | length (2) | addresses | TLVs
//! TLV: type (1) | length (2) | value
//! ```

use super::{Header, HeaderError, Progress};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// No text of any mail protocol begins so.
pub(super) const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Octets before the addresses.
const FIXED: usize = 16;
/// Octets of a header at most: addresses, and what a proxy tells of the peer's TLS.
const LEN_MAX: usize = 4096;
/// Type of the TLV that holds a CRC32C of the whole header, taken with zeros in its place.
const TYPE_CRC32C: u8 = 0x03;
/// Octets of it.
const CRC_LEN: usize = 4;
/// Octets of a TLV before its value.
const TLV_FIXED: usize = 3;

/// Reads the header from the beginning of `bytes`, of which as many as there are of [`SIGNATURE`]
/// have been compared.
pub(super) fn parse(bytes: &[u8]) -> Result<Progress, HeaderError> {
    let Some((fixed, _)) = bytes.split_first_chunk::<FIXED>() else {
        // What is to come is at least the rest of the shortest header.
        return Ok(Progress::More(FIXED - bytes.len()));
    };
    let [.., command, family, high, low] = *fixed;
    let len = FIXED + usize::from(u16::from_be_bytes([high, low]));
    if command >> 4 != 2 {
        return Err(HeaderError::Syntax("version 2"));
    }
    if len > LEN_MAX {
        return Err(HeaderError::TooLong);
    }
    let Some(header) = bytes.get(..len) else { return Ok(Progress::More(len - bytes.len())) };
    let said = match command & 0xf {
        // Whatever else it holds is to be ignored.
        0 => Header::Local,
        1 => passed(header, family)?,
        _ => return Err(HeaderError::Syntax("the command LOCAL or PROXY")),
    };
    Ok(Progress::Complete(said, len))
}

fn passed(header: &[u8], family: u8) -> Result<Header, HeaderError> {
    let body = &header[FIXED..];
    let short = HeaderError::Syntax("the addresses of its family");
    let (said, addresses_len) = match family {
        // Neither TCP nor anything else that has an address for us.
        0x00 => return Ok(Header::Unknown),
        0x11 => (tcp4(body).ok_or(short)?, 12),
        0x21 => (tcp6(body).ok_or(short)?, 36),
        // A stream between programs of the proxy's own machine.
        0x31 if body.len() >= 216 => (Header::Unknown, 216),
        0x31 => return Err(short),
        _ => return Err(HeaderError::Syntax("TCP over IPv4 or IPv6")),
    };
    check(header, FIXED + addresses_len)?;
    Ok(said)
}

fn tcp4(body: &[u8]) -> Option<Header> {
    let (source, rest) = body.split_first_chunk::<4>()?;
    let (destination, rest) = rest.split_first_chunk::<4>()?;
    pass(IpAddr::V4(Ipv4Addr::from(*source)), IpAddr::V4(Ipv4Addr::from(*destination)), rest)
}

fn tcp6(body: &[u8]) -> Option<Header> {
    let (source, rest) = body.split_first_chunk::<16>()?;
    let (destination, rest) = rest.split_first_chunk::<16>()?;
    pass(IpAddr::V6(Ipv6Addr::from(*source)), IpAddr::V6(Ipv6Addr::from(*destination)), rest)
}

/// The ports stand behind both addresses.
fn pass(source: IpAddr, destination: IpAddr, ports: &[u8]) -> Option<Header> {
    let [a, b, c, d] = *ports.first_chunk::<4>()?;
    Some(Header::Passed {
        source: SocketAddr::new(source, u16::from_be_bytes([a, b])),
        destination: SocketAddr::new(destination, u16::from_be_bytes([c, d])),
    })
}

/// Walks the TLVs from offset `at`, and compares the checksum if there is one.
fn check(header: &[u8], mut at: usize) -> Result<(), HeaderError> {
    let wrong = HeaderError::Syntax("type, length and value to its end");
    while let Some(rest) = header.get(at..).filter(|rest| !rest.is_empty()) {
        let [kind, high, low, ..] = *rest else { return Err(wrong) };
        let len = usize::from(u16::from_be_bytes([high, low]));
        let value = rest.get(TLV_FIXED..TLV_FIXED + len).ok_or(wrong)?;
        at += TLV_FIXED;
        if kind == TYPE_CRC32C {
            let said: [u8; CRC_LEN] = value.try_into().map_err(|_| wrong)?;
            if checksum(header, at) != u32::from_be_bytes(said) {
                return Err(HeaderError::Checksum);
            }
        }
        at += len;
    }
    Ok(())
}

/// CRC32C of the header with zeros in place of the checksum at offset `at`.
pub(super) fn checksum(header: &[u8], at: usize) -> u32 {
    let (before, rest) = header.split_at(at.min(header.len()));
    let crc = crc32c::crc32c_append(crc32c::crc32c(before), &[0; CRC_LEN]);
    crc32c::crc32c_append(crc, rest.get(CRC_LEN..).unwrap_or_default())
}
