//! Where each kind of record stands. `docs/records.md` draws this table.

use crate::Class;
use bytes::Bytes;
use core_store::{Key, Scan};
use std::ops::Range;
use words_base::Timestamp;

/// Everything of this crate begins so.
const ROOM: u8 = b'q';
/// The next attempt of a row on hold: never.
pub(crate) const HELD: u64 = u64::MAX;
/// Longest id of a message, in octets.
pub(crate) const ID_MAX: usize = 64;

/// The kinds of records, by the second octet of their keys.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Kind {
    Bounce = b'b',
    Count = b'c',
    Destination = b'd',
    Message = b'm',
    Row = b'r',
}

fn named(kind: Kind, name: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(name.len() + 64);
    key.extend_from_slice(&[ROOM, kind as u8]);
    key.extend_from_slice(name.as_bytes());
    key
}

/// A message.
pub(crate) fn message(id: &str) -> Key {
    named(Kind::Message, id).into()
}

/// How many rows and bounces a message still has, if that has ever changed without ending.
pub(crate) fn count(id: &str) -> Key {
    named(Kind::Count, id).into()
}

/// What is known of a destination.
pub(crate) fn destination(destination: &str) -> Key {
    named(Kind::Destination, destination).into()
}

/// All that is known of destinations.
pub(crate) fn destinations() -> Range<Key> {
    Scan::prefix(&[ROOM, Kind::Destination as u8])
}

fn line_prefix(destination: &str, class: Class) -> Vec<u8> {
    let mut key = named(Kind::Row, destination);
    key.extend_from_slice(&[0, class.to_octet()]);
    key
}

/// A recipient who waits.
pub(crate) fn row(destination: &str, class: Class, next: u64, id: &str, number: u32) -> Key {
    let mut key = line_prefix(destination, class);
    key.extend_from_slice(&next.to_be_bytes());
    key.extend_from_slice(id.as_bytes());
    key.push(0);
    key.extend_from_slice(&number.to_be_bytes());
    key.into()
}

/// All rows of all destinations.
pub(crate) fn rows() -> Range<Key> {
    Scan::prefix(&[ROOM, Kind::Row as u8])
}

/// The rows of one destination.
pub(crate) fn rows_of(destination: &str) -> Range<Key> {
    let mut prefix = named(Kind::Row, destination);
    prefix.push(0);
    Scan::prefix(&prefix)
}

/// The rows of one destination and class.
pub(crate) fn line(destination: &str, class: Class) -> Range<Key> {
    Scan::prefix(&line_prefix(destination, class))
}

/// The least key above `key`.
pub(crate) fn after(key: &[u8]) -> Key {
    [key, &[0]].concat().into()
}

/// What a key of a row says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowKey<'a> {
    pub destination: &'a str,
    pub class: Class,
    pub next: u64,
    pub id: &'a str,
    pub number: u32,
}

/// Reads a key of [`row`].
pub(crate) fn parse_row(key: &[u8]) -> Option<RowKey<'_>> {
    let rest = key.strip_prefix(&[ROOM, Kind::Row as u8])?;
    let end = rest.iter().position(|b| *b == 0)?;
    let destination = std::str::from_utf8(&rest[..end]).ok()?;
    let (class, rest) = rest[end + 1..].split_first()?;
    let (next, rest) = rest.split_first_chunk::<8>()?;
    let (rest, number) = rest.split_last_chunk::<4>()?;
    let id = std::str::from_utf8(rest.strip_suffix(&[0])?).ok()?;
    let (class, number) = (Class::from_octet(*class)?, u32::from_be_bytes(*number));
    Some(RowKey { destination, class, next: u64::from_be_bytes(*next), id, number })
}

/// Something to be reported of a recipient; `kind` is [`crate::bounce::Kind`] as an octet.
pub(crate) fn bounce(id: &str, number: u32, kind: u8) -> Key {
    let mut key = named(Kind::Bounce, id);
    key.push(0);
    key.extend_from_slice(&number.to_be_bytes());
    key.push(kind);
    key.into()
}

/// All that is to be reported.
pub(crate) fn bounces() -> Range<Key> {
    Scan::prefix(&[ROOM, Kind::Bounce as u8])
}

/// What is to be reported of one message.
pub(crate) fn bounces_of(id: &str) -> Range<Key> {
    let mut prefix = named(Kind::Bounce, id);
    prefix.push(0);
    Scan::prefix(&prefix)
}

/// The message, number and kind in a key of [`bounce`].
pub(crate) fn parse_bounce(key: &[u8]) -> Option<(&str, u32, u8)> {
    let rest = key.strip_prefix(&[ROOM, Kind::Bounce as u8])?;
    let (kind, rest) = rest.split_last()?;
    let (rest, number) = rest.split_last_chunk::<4>()?;
    let id = std::str::from_utf8(rest.strip_suffix(&[0])?).ok()?;
    Some((id, u32::from_be_bytes(*number), *kind))
}

/// A time as it stands in keys; before 1970 is 1970, and nothing is as late as [`HELD`].
pub(crate) fn time(at: Timestamp) -> u64 {
    u64::try_from(at.millis()).unwrap_or(0)
}

/// The time in a key; `None`: on hold.
pub(crate) fn time_of(next: u64) -> Option<Timestamp> {
    (next != HELD).then(|| Timestamp::from_millis(i64::try_from(next).unwrap_or(i64::MAX)))
}

/// A copy that lives on its own; keys of one page otherwise share an engine's buffer.
pub(crate) fn owned(key: &[u8]) -> Key {
    Bytes::copy_from_slice(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_key_says_is_read_back() {
        let key = row("mired.org", Class::Bulk, 77, "ID.2", 9);
        let parsed = parse_row(&key).unwrap();
        assert_eq!((parsed.destination, parsed.class), ("mired.org", Class::Bulk));
        assert_eq!((parsed.next, parsed.id, parsed.number), (77, "ID.2", 9));
        assert_eq!(parse_bounce(&bounce("ID", 9, 3)), Some(("ID", 9, 3)));
        for cut in 0..key.len() {
            let _ = (parse_row(&key[..cut]), parse_bounce(&key[..cut]));
        }
    }

    #[test]
    fn a_number_may_hold_any_octet() {
        for number in [0, 0x0000_0100, 0x6162_0063, u32::MAX] {
            let key = row("a", Class::Report, HELD, "ID", number);
            assert_eq!(parse_row(&key).unwrap().number, number);
            assert_eq!(parse_bounce(&bounce("ID", number, 0)), Some(("ID", number, 0)));
        }
    }

    #[test]
    fn rows_stand_by_destination_class_and_time() {
        let keys = [
            row("a", Class::Interactive, 9, "B", 0),
            row("a", Class::Interactive, 10, "A", 1),
            row("a", Class::Interactive, 10, "A", 2),
            row("a", Class::Report, 1, "A", 0),
            row("a", Class::Bulk, 0, "A", 0),
            row("a.b", Class::Interactive, 0, "A", 0),
            row("b", Class::Interactive, 0, "A", 0),
        ];
        assert!(keys.is_sorted());
        let of_a = rows_of("a");
        assert_eq!(keys.iter().filter(|k| of_a.contains(*k)).count(), 5);
        let line = line("a", Class::Interactive);
        assert_eq!(keys.iter().filter(|k| line.contains(*k)).count(), 3);
        assert!(keys.iter().all(|k| rows().contains(k) && after(k) > *k));
    }

    #[test]
    fn a_time_is_read_back_and_never_is_never() {
        let at = Timestamp::from_millis(1_795_514_400_000);
        assert_eq!(time_of(time(at)), Some(at));
        assert_eq!(time(Timestamp::from_millis(-5)), 0);
        assert_eq!(time_of(HELD), None);
    }
}
