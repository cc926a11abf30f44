//! Version 1: a line.
//!
//! ```text
//! header   = "PROXY" SP ("UNKNOWN" *any / family SP addr SP addr SP port SP port) CRLF
//! family   = "TCP4" / "TCP6"
//! port     = "0" / %x31-39 *DIGIT   ; 65535 at most
//! ```

use super::{Header, HeaderError, Progress};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// `PROXY UNKNOWN` and CRLF: no header of either version is shorter.
pub(super) const LEN_MIN: usize = 15;
/// Octets of a line at most, CRLF among them.
const LEN_MAX: usize = 107;
const BEGIN: &[u8] = b"PROXY ";

/// Reads the line from the beginning of `bytes`.
pub(super) fn parse(bytes: &[u8]) -> Result<Progress, HeaderError> {
    if !bytes.starts_with(&BEGIN[..bytes.len().min(BEGIN.len())]) {
        return Err(HeaderError::Missing);
    }
    let line = &bytes[..bytes.len().min(LEN_MAX)];
    let Some(end) = line.iter().position(|octet| matches!(octet, b'\r' | b'\n')) else {
        return match LEN_MAX.saturating_sub(bytes.len()) {
            0 | 1 => Err(HeaderError::TooLong),
            _ => Ok(Progress::More(LEN_MIN.saturating_sub(bytes.len()).max(2))),
        };
    };
    match line[end..] {
        [b'\r'] if bytes.len() < LEN_MAX => Ok(Progress::More(1)),
        [b'\r', b'\n', ..] => {
            let header = str::from_utf8(&line[BEGIN.len().min(end)..end]).ok().and_then(read);
            let header = header
                .ok_or(HeaderError::Syntax("TCP4, TCP6 or UNKNOWN with addresses and ports"))?;
            Ok(Progress::Complete(header, end + 2))
        }
        [b'\r'] => Err(HeaderError::TooLong),
        _ => Err(HeaderError::Syntax("CR LF at the end")),
    }
}

/// What stands behind `PROXY `.
fn read(text: &str) -> Option<Header> {
    let mut words = text.split(' ');
    let family = words.next()?;
    if family == "UNKNOWN" {
        return Some(Header::Unknown);
    }
    let address: fn(&str) -> Option<IpAddr> = match family {
        "TCP4" => |word| word.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        "TCP6" => |word| word.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        _ => return None,
    };
    let (source, destination) = (address(words.next()?)?, address(words.next()?)?);
    let (source_port, destination_port) = (port(words.next()?)?, port(words.next()?)?);
    words.next().is_none().then(|| Header::Passed {
        source: SocketAddr::new(source, source_port),
        destination: SocketAddr::new(destination, destination_port),
    })
}

/// Leading zeros are forbidden, lest somebody reads them as octal.
fn port(word: &str) -> Option<u16> {
    let digits = word.bytes().all(|octet| octet.is_ascii_digit());
    (digits && (word == "0" || !word.starts_with('0'))).then(|| word.parse().ok())?
}
