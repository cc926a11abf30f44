//! When a certificate is valid: the one thing that no other part of TLS tells us of our own.

use time::{Date, Month, OffsetDateTime, Time};
use words_base::Timestamp;

/// From when until when a certificate is valid, both included (RFC 5280 §4.1.2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// `notBefore`.
    pub from: Timestamp,
    /// `notAfter`.
    pub until: Timestamp,
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Finds it in a certificate in DER.
///
/// ```text
/// Certificate    ::= SEQUENCE { tbsCertificate, … }
/// TBSCertificate ::= SEQUENCE { [0] version OPTIONAL, serialNumber INTEGER, signature SEQUENCE,
///                               issuer SEQUENCE, validity SEQUENCE { notBefore, notAfter }, … }
/// ```
pub(super) fn read(certificate: &[u8]) -> Option<Validity> {
    let (tbs, _) = take(certificate, SEQUENCE).and_then(|(all, _)| take(all, SEQUENCE))?;
    let tbs = take(tbs, VERSION).map_or(tbs, |(_, rest)| rest);
    let (_, tbs) = take(tbs, INTEGER)?;
    let (_, tbs) = take(tbs, SEQUENCE)?;
    let (_, tbs) = take(tbs, SEQUENCE)?;
    let (validity, _) = take(tbs, SEQUENCE)?;
    let (from, rest) = moment(validity)?;
    let (until, _) = moment(rest)?;
    Some(Validity { from, until })
}

/// The value of the element of this tag at the beginning of `der`, and what stands behind it.
fn take(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = der.split_first()?;
    let (len, rest) = rest.split_first()?;
    let (len, rest) = match *len {
        short @ 0..=0x7f => (usize::from(short), rest),
        long @ 0x81..=0x83 => {
            let (octets, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            (octets.iter().fold(0, |len, octet| len << 8 | usize::from(*octet)), rest)
        }
        _ => return None,
    };
    (*first == tag).then(|| rest.split_at_checked(len))?
}

/// UTCTime until 2049, GeneralizedTime from 2050; both in whole seconds and with `Z`.
fn moment(der: &[u8]) -> Option<(Timestamp, &[u8])> {
    if let Some((value, rest)) = take(der, UTC_TIME) {
        let short = number(value.get(..2)?)?;
        let year = if short < 50 { 2000 + short } else { 1900 + short };
        return Some((time(year, value.get(2..)?)?, rest));
    }
    let (value, rest) = take(der, GENERALIZED_TIME)?;
    Some((time(number(value.get(..4)?)?, value.get(4..)?)?, rest))
}

/// `MMDDhhmmssZ` of a year.
fn time(year: i32, rest: &[u8]) -> Option<Timestamp> {
    let [digits @ .., b'Z'] = rest else { return None };
    let pairs = digits.chunks(2).map(|pair| number(pair).and_then(|n| u8::try_from(n).ok()));
    let pairs: Vec<u8> = pairs.collect::<Option<_>>()?;
    let [month, day, hour, minute, second] = *pairs else { return None };
    let date = Date::from_calendar_date(year, Month::try_from(month).ok()?, day).ok()?;
    let time = Time::from_hms(hour, minute, second).ok()?;
    Some(Timestamp::from_seconds(OffsetDateTime::new_utc(date, time).unix_timestamp()))
}

fn number(digits: &[u8]) -> Option<i32> {
    let all = digits.iter().all(u8::is_ascii_digit);
    all.then(|| digits.iter().fold(0, |number, digit| number * 10 + i32::from(digit - b'0')))
}

/// The day, in UTC, as in `2026-11-30`.
pub(super) fn date(at: Timestamp) -> String {
    let day = OffsetDateTime::from_unix_timestamp(at.seconds()).map(OffsetDateTime::date);
    day.map_or("a day that no calendar has".to_string(), |day| day.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_time_are_read() {
        for (tag, text, seconds) in [
            (UTC_TIME, "700101000000Z", 0),
            (UTC_TIME, "991231235959Z", 946_684_799),
            (UTC_TIME, "261124133000Z", 1_795_527_000),
            (UTC_TIME, "491231235959Z", 2_524_607_999),
            (UTC_TIME, "500101000000Z", -631_152_000),
            (GENERALIZED_TIME, "20500101000000Z", 2_524_608_000),
            (GENERALIZED_TIME, "99991231235959Z", 253_402_300_799),
        ] {
            let der = [&[tag, text.len() as u8], text.as_bytes(), b"rest"].concat();
            let want = Some((Timestamp::from_seconds(seconds), &b"rest"[..]));
            assert_eq!(moment(&der), want, "{text}");
        }
        for (tag, text) in [
            (UTC_TIME, "2611241330Z"),
            (UTC_TIME, "261124133000"),
            (UTC_TIME, "261324133000Z"),
            (UTC_TIME, "26112413300xZ"),
            (UTC_TIME, "261124133000+0100"),
            (GENERALIZED_TIME, "20261124133000.5Z"),
            (GENERALIZED_TIME, "202"),
            (SEQUENCE, "261124133000Z"),
        ] {
            let der = [&[tag, text.len() as u8], text.as_bytes()].concat();
            assert_eq!(moment(&der), None, "{text}");
        }
    }

    #[test]
    fn a_made_certificate_tells_its_dates() {
        let mut params = rcgen::CertificateParams::new(["a.example".to_string()]).unwrap();
        params.not_before = OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap();
        params.not_after = OffsetDateTime::from_unix_timestamp(3_000_000_000).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let made = params.self_signed(&key).unwrap();
        let [from, until] = [1_700_000_000, 3_000_000_000].map(Timestamp::from_seconds);
        assert_eq!(read(made.der()), Some(Validity { from, until }));
        assert_eq!((date(from), date(until)), ("2023-11-14".into(), "2065-01-24".into()));
        for cut in 0..made.der().len().min(200) {
            let _ = read(&made.der()[..cut]);
        }
        assert_eq!(read(&made.der()[..60]), None);
    }
}
