//! The TXT records at `_mta-sts.` and `_smtp._tls.` of a domain.

use crate::fields::{fields, has_version};

/// How the record of MTA-STS begins.
const STS: &str = "v=STSv1";
/// How the record of TLS reporting begins.
const TLS_RPT: &str = "v=TLSRPTv1";
/// So many places may ask for one report.
const PLACES_MAX: usize = 8;
/// The longest address of a place.
const PLACE_LEN_MAX: usize = 1024;

/// The id of the policy, from all TXT records at `_mta-sts.` of a domain; none if there is no record,
/// or more than one, or a bad one (RFC 8461 §3.1).
///
/// ```text
/// sts-id = %s"id=" 1*32(ALPHA / DIGIT)
/// ```
pub fn policy_id<'a>(texts: impl IntoIterator<Item = &'a [u8]>) -> Option<String> {
    let fields = only(STS, texts)?;
    let mut ids = fields.iter().filter(|(name, _)| *name == "id").map(|(_, value)| *value);
    let id = ids.next().filter(|_| ids.next().is_none())?;
    let good = (1..=32).contains(&id.len()) && id.bytes().all(|c| c.is_ascii_alphanumeric());
    good.then(|| id.to_string())
}

/// Where a domain wants its TLS reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportTo {
    /// By mail, to this address.
    Mail(String),
    /// By HTTPS, to this URL.
    Https(String),
}

/// The places that the TXT records at `_smtp._tls.` of a domain name; empty if nobody wants reports
/// (RFC 8460 §3). Places of another kind are left out.
///
/// ```text
/// tlsrpt-rua = %s"rua=" tlsrpt-uri *(*WSP "," *WSP tlsrpt-uri)
/// ```
pub fn report_to<'a>(texts: impl IntoIterator<Item = &'a [u8]>) -> Vec<ReportTo> {
    let Some(fields) = only(TLS_RPT, texts) else { return Vec::new() };
    let Some((_, rua)) = fields.iter().find(|(name, _)| *name == "rua") else { return Vec::new() };
    rua.split(',').take(PLACES_MAX).filter_map(|uri| place(uri.trim_matches([' ', '\t']))).collect()
}

fn place(uri: &str) -> Option<ReportTo> {
    if uri.len() > PLACE_LEN_MAX || !uri.bytes().all(|c| c.is_ascii_graphic()) {
        return None;
    }
    let (scheme, rest) = uri.split_once(':')?;
    match scheme.to_ascii_lowercase().as_str() {
        "mailto" => address(rest).map(ReportTo::Mail),
        "https" if rest.starts_with("//") => Some(ReportTo::Https(format!("https:{rest}"))),
        _ => None,
    }
}

/// The one address of a `mailto` (RFC 6068), whatever it asks for beside it.
fn address(rest: &str) -> Option<String> {
    let address = percent_decoded(rest.split('?').next()?)?;
    let (local, domain) = address.rsplit_once('@')?;
    let graphic = address.bytes().all(|c| c.is_ascii_graphic() && !b",<>\"".contains(&c));
    (!local.is_empty() && !domain.is_empty() && graphic).then_some(address)
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(c) = rest.next() {
        let octet = match c {
            b'%' => {
                let digit = |c: Option<u8>| char::from(c?).to_digit(16);
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                u8::try_from(high << 4 | low).ok()?
            }
            c => c,
        };
        octets.push(octet);
    }
    String::from_utf8(octets).ok()
}

/// The fields of the only record of its kind. Others at the same name do not count; a second one of
/// its kind spoils both (RFC 8461 §3.1, RFC 8460 §3).
fn only<'a>(
    version: &str,
    texts: impl IntoIterator<Item = &'a [u8]>,
) -> Option<Vec<(&'a str, &'a str)>> {
    let mut records = texts.into_iter().filter(|text| has_version(version, text));
    let record = records.next().filter(|_| records.next().is_none())?;
    fields(version, record)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(texts: &[&str]) -> Option<String> {
        policy_id(texts.iter().map(|text| text.as_bytes()))
    }

    #[test]
    fn the_id_of_a_policy_stands_in_one_record() {
        for text in [
            "v=STSv1; id=20160831085700Z;",
            "v=STSv1;id=20160831085700Z",
            "v=STSv1 \t;\t id=20160831085700Z ; ",
            "v=STSv1; x=y; id=20160831085700Z; a.b-c_d=any thing",
        ] {
            assert_eq!(id(&[text]).as_deref(), Some("20160831085700Z"), "{text}");
            assert!(id(&[text, "other=1", "v=STSv2; id=1"]).is_some());
            assert!(id(&[text, "v=STSv1; id=2"]).is_none());
        }
        let long = format!("v=STSv1; id={}", "1".repeat(33));
        for text in [
            "",
            "v=STSv1",
            "v=STSv1;",
            "v=STSv1; id=",
            "v=STSv1; id=a b",
            "v=STSv1; id=1; id=2",
            "v=stsv1; id=1",
            " v=STSv1; id=1",
            "v=STSv1 id=1",
            "v=STSv1; id",
            "v=STSv1;; id=1",
            "v=STSv1; ID=1",
            "v=STSv1; id=é",
            "v=STSv1; id =1",
            &long,
        ] {
            assert_eq!(id(&[text]), None, "{text}");
        }
        assert_eq!(policy_id([&b"v=STSv1; id=\xff"[..]]), None);
    }

    #[test]
    fn reports_go_where_the_record_says() {
        let to = |text: &str| report_to([text.as_bytes()]);
        let mail = |address: &str| ReportTo::Mail(address.to_string());
        let https = |url: &str| ReportTo::Https(url.to_string());
        for (text, want) in [
            ("v=TLSRPTv1;rua=mailto:reports@example.com", vec![mail("reports@example.com")]),
            (
                "v=TLSRPTv1; rua=mailto:a@example.com?subject=x , https://r.example/v1/tls",
                vec![mail("a@example.com"), https("https://r.example/v1/tls")],
            ),
            ("v=TLSRPTv1; rua=MAILTO:a%21b@example.com;", vec![mail("a!b@example.com")]),
            ("v=TLSRPTv1; rua=ftp://x, mailto:nobody, mailto:@, https:x", vec![]),
            ("v=TLSRPTv1; rua=mailto:a%0d%0ab@example.com", vec![]),
            ("v=TLSRPTv1; rua=mailto:a%zz@example.com", vec![]),
            ("v=TLSRPTv1; ruf=mailto:a@example.com", vec![]),
            ("v=TLSRPTv1", vec![]),
            ("v=DMARC1; rua=mailto:a@example.com", vec![]),
        ] {
            assert_eq!(to(text), want, "{text}");
        }
        let one = &b"v=TLSRPTv1; rua=mailto:a@example.com"[..];
        assert_eq!(report_to([one, one]), []);
        let many = format!("v=TLSRPTv1; rua={}", vec!["mailto:a@b.example"; 99].join(","));
        assert_eq!(to(&many).len(), PLACES_MAX);
    }
}
