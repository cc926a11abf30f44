//! The record (RFC 7489 §6.3).

use crate::DmarcPolicy;
use crate::tags::Tags;

/// Most report addresses of one record that are kept.
const REPORT_ADDRESSES_MAX: usize = 10;

/// How close a domain must be to the author's (RFC 7489 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Alignment {
    /// The same organisation's.
    #[default]
    Relaxed,
    /// The same.
    Strict,
}

impl Alignment {
    /// As a record and a report write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Alignment::Relaxed => "r",
            Alignment::Strict => "s",
        }
    }
}

/// Where reports shall go (RFC 7489 §6.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportAddress {
    /// The address of a `mailto:`.
    pub address: String,
    /// The largest report that is wanted, in octets.
    pub size_max: Option<u64>,
}

/// A record, and where it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DmarcPublished {
    /// The domain it was found at: the author's, or that of its organisation.
    pub domain: String,
    /// How close a signature's domain must be.
    pub dkim: Alignment,
    /// How close the reverse-path's domain must be.
    pub spf: Alignment,
    /// `p=`
    pub policy: DmarcPolicy,
    /// `sp=`, for subdomains; else as `p=`.
    pub subdomain_policy: DmarcPolicy,
    /// Is it a test (`t=y`, or the older `pct=0`)? Then the next milder policy is applied.
    pub testing: bool,
    /// Where aggregate reports shall go.
    pub reports_to: Vec<ReportAddress>,
}

impl DmarcPublished {
    /// Reads the text found at `_dmarc.` and `domain`. `None`: it is no DMARC record.
    pub fn parse(domain: &str, text: &[u8]) -> Option<DmarcPublished> {
        let text = std::str::from_utf8(text).ok()?;
        let tags = Tags::parse_lenient(text);
        // The version stands first, in these very letters.
        let (first, version) = tags.first()?;
        if first != "v" || version != "DMARC1" {
            return None;
        }
        let alignment = |name| match tags.get(name) {
            Some(value) if value.eq_ignore_ascii_case("s") => Alignment::Strict,
            _ => Alignment::Relaxed,
        };
        let reports_to: Vec<_> = tags.get("rua").map(report_addresses).unwrap_or_default();
        // Without a policy that is known, it asks for nothing.
        let policy = tags.get("p").and_then(DmarcPolicy::parse).unwrap_or_default();
        let testing = tags.get("t").is_some_and(|value| value.eq_ignore_ascii_case("y"))
            || tags.get("pct").is_some_and(|value| value.parse() == Ok(0u8));
        Some(DmarcPublished {
            domain: domain.to_string(),
            dkim: alignment("adkim"),
            spf: alignment("aspf"),
            policy,
            subdomain_policy: tags.get("sp").and_then(DmarcPolicy::parse).unwrap_or(policy),
            testing,
            reports_to,
        })
    }
}

fn report_addresses(value: &str) -> Vec<ReportAddress> {
    let addresses = value.split(',').filter_map(|uri| report_address(uri.trim()));
    addresses.take(REPORT_ADDRESSES_MAX).collect()
}

/// `mailto:ana@mired.org!10m`
fn report_address(uri: &str) -> Option<ReportAddress> {
    let scheme = uri.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("mailto:"))?;
    let rest = &uri[scheme.len()..];
    let (address, size) = match rest.rsplit_once('!') {
        Some((address, size)) => (address, Some(size)),
        None => (rest, None),
    };
    if !address.contains('@') || address.len() > 320 {
        return None;
    }
    Some(ReportAddress { address: unescape(address), size_max: size.and_then(size_max) })
}

/// `10m`: a number, and a unit of powers of 1,024 (RFC 7489 §6.4).
fn size_max(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << unit)
}

/// `%2C` and the like, where they stand for a printable character of ASCII (RFC 3986 §2.1).
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let octet = after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match octet.filter(u8::is_ascii_graphic) {
            Some(octet) => {
                out.push(octet as char);
                rest = &after[2..];
            }
            None => {
                out.push('%');
                rest = after;
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<DmarcPublished> {
        DmarcPublished::parse("mired.org", text.as_bytes())
    }

    #[test]
    fn what_a_domain_asks_for() {
        let record = parse(
            "v=DMARC1; p=reject; sp=quarantine; adkim=s; aspf=r; \
             rua=mailto:dmarc@mired.org!10m, mailto:a%2Cb@x.org,https://x.org/",
        )
        .unwrap();
        assert_eq!(record.policy, DmarcPolicy::Reject);
        assert_eq!(record.subdomain_policy, DmarcPolicy::Quarantine);
        assert_eq!((record.dkim, record.spf), (Alignment::Strict, Alignment::Relaxed));
        let to: Vec<_> =
            record.reports_to.iter().map(|to| (to.address.as_str(), to.size_max)).collect();
        assert_eq!(to, [("dmarc@mired.org", Some(10 << 20)), ("a,b@x.org", None)]);
        assert!(!record.testing);
    }

    #[test]
    fn what_is_no_record() {
        for text in ["", "v=spf1 -all", "v=DMARC2; p=none", "p=reject; v=DMARC1"] {
            assert_eq!(parse(text), None, "{text}");
        }
        for text in ["v=DMARC1", "v=DMARC1; p=perhaps", "v=DMARC1;rua=mailto:a@b.c"] {
            assert_eq!(parse(text).unwrap().policy, DmarcPolicy::None, "{text}");
        }
    }

    #[test]
    fn a_test_is_told() {
        for (text, testing) in [
            ("v=DMARC1; p=reject; t=y", true),
            ("v=DMARC1; p=reject; pct=0", true),
            ("v=DMARC1; p=reject; pct=5", false),
            ("v=DMARC1; p=reject; t=n", false),
        ] {
            assert_eq!(parse(text).unwrap().testing, testing, "{text}");
        }
    }
}
