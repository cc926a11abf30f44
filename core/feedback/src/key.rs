//! Where in the store what is kept. The layout is written down in `docs/records.md`.

use core_store::{Key, Scan};
use std::ops::Range;

const SEEN: &[u8] = b"fS";
const RECEIVED: &[u8] = b"fR";
/// Behind a domain; no name holds it.
const END: &[u8] = b"\0";

/// What a key of a day and domain is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// What the domain publishes.
    Policy,
    /// What messages were like.
    Row,
    /// How many there were.
    Count,
}

impl Part {
    fn octet(self) -> u8 {
        match self {
            Part::Policy => b'p',
            Part::Row => b'r',
            Part::Count => b's',
        }
    }
}

/// All that was seen and is not told yet, the eldest day first.
pub(crate) fn all_seen() -> Range<Key> {
    Scan::prefix(SEEN)
}

/// What was seen of `domain` on `day`.
pub(crate) fn seen(day: u32, domain: &str) -> Range<Key> {
    Scan::prefix(&[SEEN, &day.to_be_bytes(), domain.as_bytes(), END].concat())
}

/// A part of that; `row` names a row, and is empty for the policy.
pub(crate) fn seen_part(day: u32, domain: &str, part: Part, row: &[u8]) -> Key {
    [SEEN, &day.to_be_bytes(), domain.as_bytes(), END, &[part.octet()], row].concat().into()
}

/// The day, the domain, the part and the row of such a key.
pub(crate) fn read_seen(key: &[u8]) -> Option<(u32, &str, Part, &[u8])> {
    let (day, rest) = key.strip_prefix(SEEN)?.split_at_checked(4)?;
    let end = rest.iter().position(|octet| *octet == 0)?;
    let (domain, rest) = rest.split_at(end);
    let (part, row) = rest.get(1..)?.split_first()?;
    let part = [Part::Policy, Part::Row, Part::Count].into_iter().find(|p| p.octet() == *part)?;
    let day = u32::from_be_bytes(day.try_into().ok()?);
    Some((day, std::str::from_utf8(domain).ok()?, part, row))
}

/// A report that came: by the end of its span in seconds, and its digest.
pub(crate) fn received(end: u64, digest: &[u8]) -> Key {
    [RECEIVED, &end.to_be_bytes(), digest].concat().into()
}

/// Every report that came, the eldest first.
pub(crate) fn all_received() -> Range<Key> {
    Scan::prefix(RECEIVED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_what_they_were_made_of() {
        let key = seen_part(20_781, "mired.org", Part::Row, b"\0x");
        assert_eq!(read_seen(&key), Some((20_781, "mired.org", Part::Row, &b"\0x"[..])));
        assert!(seen(20_781, "mired.org").contains(&key));
        assert!(
            !seen(20_781, "mired.or").contains(&key) && !seen(20_780, "mired.org").contains(&key)
        );
    }
}
