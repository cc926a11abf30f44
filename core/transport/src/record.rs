//! Records of this room; each begins with its version.

use crate::octets::{Reader, put_count, put_text};
use rules_transport::report::{Counted, Detail, FailureType, PolicyOf, Tally};
use rules_transport::{Live, Means, POLICY_SIZE_MAX, Policy};
use words_base::Timestamp;

/// The version of all records here.
const VERSION: u8 = 1;
/// The longest host, reason or line that is kept of a result.
const TEXT_MAX: usize = 400;
/// Most lines of a policy that are kept with results.
const LINES_MAX: usize = 64;

/// A policy: version, fetched at (8), id (text), the policy as it is published.
pub(crate) fn encode_live(live: &Live) -> Vec<u8> {
    let mut out = vec![VERSION];
    out.extend_from_slice(&live.fetched_at.millis().to_be_bytes());
    put_text(&mut out, &live.id, 32);
    out.extend_from_slice(live.policy.print().as_bytes());
    out
}

/// Reads what [`encode_live`] has written.
pub(crate) fn decode_live(octets: &[u8]) -> Option<Live> {
    let mut reader = Reader(octets.get(..POLICY_SIZE_MAX + 64).unwrap_or(octets));
    if reader.u8()? != VERSION {
        return None;
    }
    let fetched_at = Timestamp::from_millis(reader.u64()?.cast_signed());
    let id = reader.text()?;
    let policy = Policy::parse(reader.0).ok()?;
    Some(Live { id, policy, fetched_at })
}

/// Results: version, count of policies (2), each: means (1), lines, hosts (each count 2 and texts),
/// good (8), bad (8), count of details (2), each: failure, host, reason (texts), count (8).
pub(crate) fn encode_tally(tally: &Tally) -> Vec<u8> {
    let mut out = vec![VERSION];
    put_count(&mut out, tally.policies.len());
    for (policy, counted) in &tally.policies {
        out.push(match policy.means {
            Means::Nothing => 0,
            Means::Sts => 1,
            Means::Dane => 2,
        });
        put_texts(&mut out, &policy.lines);
        put_texts(&mut out, &policy.mx);
        out.extend_from_slice(&counted.good.to_be_bytes());
        out.extend_from_slice(&counted.bad.to_be_bytes());
        put_count(&mut out, counted.details.len());
        for (detail, count) in &counted.details {
            put_text(&mut out, detail.failure.as_str(), TEXT_MAX);
            put_text(&mut out, &detail.host, TEXT_MAX);
            put_text(&mut out, &detail.reason, TEXT_MAX);
            out.extend_from_slice(&count.to_be_bytes());
        }
    }
    out
}

/// Reads what [`encode_tally`] has written.
pub(crate) fn decode_tally(octets: &[u8]) -> Option<Tally> {
    let mut reader = Reader(octets);
    if reader.u8()? != VERSION {
        return None;
    }
    let mut tally = Tally::default();
    for _ in 0..reader.count()? {
        let means = match reader.u8()? {
            0 => Means::Nothing,
            1 => Means::Sts,
            2 => Means::Dane,
            _ => return None,
        };
        let policy = PolicyOf { means, lines: reader.texts()?, mx: reader.texts()? };
        let (good, bad) = (reader.u64()?, reader.u64()?);
        let mut counted = Counted { good, bad, ..Counted::default() };
        for _ in 0..reader.count()? {
            let failure = FailureType::parse(&reader.text()?)?;
            let detail = Detail { failure, host: reader.text()?, reason: reader.text()? };
            counted.details.insert(detail, reader.u64()?);
        }
        tally.policies.insert(policy, counted);
    }
    reader.0.is_empty().then_some(tally)
}

fn put_texts(out: &mut Vec<u8>, texts: &[String]) {
    let texts = texts.get(..LINES_MAX).unwrap_or(texts);
    put_count(out, texts.len());
    texts.iter().for_each(|text| put_text(out, text, TEXT_MAX));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_as_they_are_written() {
        let text = b"version: STSv1\nmode: testing\nmx: *.a.test\nmx: b.test\nmax_age: 86400\n";
        let policy = Policy::parse(text).unwrap();
        let fetched_at = Timestamp::from_millis(1_795_514_400_123);
        let live = Live { id: "20261124".to_string(), policy, fetched_at };
        let octets = encode_live(&live);
        assert_eq!(decode_live(&octets), Some(live.clone()));
        let mut tally = Tally::default();
        let of = |means| PolicyOf { means, lines: live.policy.lines(), mx: vec!["x".to_string()] };
        for means in [Means::Nothing, Means::Sts, Means::Dane] {
            tally.count(&of(means), None);
            for failure in FailureType::ALL {
                let (host, reason) = ("mx.a.test".to_string(), "schlecht, sehr é".to_string());
                tally.count(&of(means), Some(Detail { failure, host, reason }));
            }
        }
        let octets_of_tally = encode_tally(&tally);
        assert_eq!(decode_tally(&octets_of_tally), Some(tally));
        for i in 0..octets_of_tally.len() {
            assert_eq!(decode_tally(&octets_of_tally[..i]), None);
        }
        for i in 0..20 {
            assert_eq!(decode_live(&octets[..i]), None);
        }
        assert_eq!(decode_live(&[&[2], &octets[1..]].concat()), None);
    }
}
