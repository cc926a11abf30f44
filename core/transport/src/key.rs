//! Keys of this room: `p` and a kind.

use bytes::Bytes;
use core_store::Key;

/// The room's own letter.
const ROOM: u8 = b'p';
/// A policy.
const STS: u8 = b's';
/// Results.
const TALLY: u8 = b't';

/// Where the policy of a domain is kept.
pub(crate) fn policy(domain: &str) -> Key {
    [&[ROOM, STS], domain.as_bytes()].concat().into()
}

/// Where the results of a domain in a day are kept: days since 1970, the oldest first.
pub(crate) fn tally(day: u32, domain: &str) -> Key {
    [&[ROOM, TALLY], &day.to_be_bytes()[..], domain.as_bytes()].concat().into()
}

/// The tallies of all days before `day`.
pub(crate) fn tallies_before(day: u32) -> std::ops::Range<Key> {
    Bytes::from_static(&[ROOM, TALLY])..tally(day, "")
}

/// Reads what [`tally`] has written.
pub(crate) fn parse_tally(key: &[u8]) -> Option<(u32, &str)> {
    let rest = key.strip_prefix(&[ROOM, TALLY])?;
    let (day, domain) = rest.split_at_checked(4)?;
    Some((u32::from_be_bytes(day.try_into().ok()?), std::str::from_utf8(domain).ok()?))
}
