//! `https://host[:port]/path?query` (RFC 9110 §4.2.2).

use core_world::FetchError;
use std::net::IpAddr;

/// A longer URL is none.
const URL_LEN_MAX: usize = 2048;
/// The port of HTTPS.
const PORT: u16 = 443;

/// Where a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    /// A DNS name, or an address without brackets.
    pub host: String,
    pub port: u16,
    /// Host and port as the field Host has them.
    pub authority: String,
    /// Path and query; begins with a slash.
    pub target: String,
}

impl Url {
    pub fn parse(text: &str) -> Result<Url, FetchError> {
        let good = text.len() <= URL_LEN_MAX && text.bytes().all(|c| c.is_ascii_graphic());
        let text = if good { text } else { "" };
        let text = text.split('#').next().unwrap_or_default();
        let scheme = text.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
        let rest = if scheme { &text[8..] } else { return Err(FetchError::BadUrl) };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let (host, port) = split_port(authority).ok_or(FetchError::BadUrl)?;
        let host = host.to_ascii_lowercase();
        let target = if target.starts_with('/') { target.into() } else { format!("/{target}") };
        Ok(Url { host, port, authority: authority.to_ascii_lowercase(), target })
    }
}

fn split_port(authority: &str) -> Option<(&str, u16)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            (host.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv6()).then_some(host)?, port)
        }
        None => {
            let end = authority.find(':').unwrap_or(authority.len());
            let (host, port) = authority.split_at(end);
            (is_name(host).then_some(host)?, port)
        }
    };
    match port.strip_prefix(':') {
        Some(digits) if digits.bytes().all(|c| c.is_ascii_digit()) => {
            digits.parse().ok().filter(|port| *port != 0).map(|port| (host, port))
        }
        None if port.is_empty() => Some((host, PORT)),
        _ => None,
    }
}

/// A DNS name, or an address of IPv4 in its one spelling: others, as `0x7f.1`, are not for us to guess.
fn is_name(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
    };
    let name = host.strip_suffix('.').unwrap_or(host);
    let last = name.rsplit('.').next().unwrap_or_default();
    let numeric = last.starts_with(|c: char| c.is_ascii_digit());
    match numeric {
        true => host.parse::<std::net::Ipv4Addr>().is_ok(),
        false => name.len() <= 253 && name.split('.').all(label),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_url() {
        for (text, host, port, target) in [
            (
                "https://mta-sts.x.test/.well-known/a.txt",
                "mta-sts.x.test",
                443,
                "/.well-known/a.txt",
            ),
            ("HTTPS://X.Test:8443", "x.test", 8443, "/"),
            ("https://x.test?a=b#c", "x.test", 443, "/?a=b"),
            ("https://x.test/#c", "x.test", 443, "/"),
            ("https://192.0.2.1/", "192.0.2.1", 443, "/"),
            ("https://[2001:db8::1]:1/", "2001:db8::1", 1, "/"),
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!((url.host.as_str(), url.port, url.target.as_str()), (host, port, target));
        }
        for wrong in [
            "",
            "http://x.test/",
            "https:/x",
            "https://",
            "https:///x",
            "https://u@x.test/",
            "https://u:p@x.test/",
            "https://x.test:0/",
            "https://x.test:99999/",
            "https://x.test:/",
            "https://[::1/",
            "https://[x]/",
            "https://x..y/",
            "https://x.test/a b",
            "https://x.test/\r\nHost: y",
            "https://127.1/",
            "https://0x7f.0.0.1/",
            "https://2130706433/",
            "https://x.0x7f/",
            "https://é.test/",
        ] {
            assert_eq!(Url::parse(wrong), Err(FetchError::BadUrl), "{wrong}");
        }
    }
}
