//! Where each kind of row stands. `docs/records.md` draws this table.

use crate::id::{ID_LEN, first_id, message_of};
use bytes::Bytes;
use core_store::{Key, Scan};
use std::ops::Range;
use words_base::Timestamp;

/// Everything of this crate begins so.
const ROOM: u8 = b't';

/// The kinds of rows, by the octet behind the id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Arrival = b'a',
    Attempt = b'b',
}

fn begin(id: &str, kind: Kind, more: usize) -> Option<Vec<u8>> {
    let id = message_of(id)?;
    let mut key = Vec::with_capacity(2 + ID_LEN + more);
    key.push(ROOM);
    key.extend_from_slice(id.as_bytes());
    key.push(kind as u8);
    Some(key)
}

/// One part of what came; a long one has several.
pub(crate) fn arrival(id: &str, part: u16) -> Option<Vec<u8>> {
    let mut key = begin(id, Kind::Arrival, 2)?;
    key.extend_from_slice(&part.to_be_bytes());
    Some(key)
}

/// One try to bring it elsewhere. `mark` tells apart those of one moment.
pub(crate) fn attempt(id: &str, at: Timestamp, mark: u64) -> Option<Vec<u8>> {
    let mut key = begin(id, Kind::Attempt, 16)?;
    key.extend_from_slice(&at.millis().max(0).to_be_bytes());
    key.extend_from_slice(&mark.to_be_bytes());
    Some(key)
}

/// Which message a key is about, and what kind of row it names.
pub(crate) fn read(key: &[u8]) -> Option<(&str, Kind)> {
    let rest = key.strip_prefix(&[ROOM])?;
    let id = message_of(str::from_utf8(rest.get(..ID_LEN)?).ok()?)?;
    let kind = match rest.get(ID_LEN)? {
        b'a' => Kind::Arrival,
        b'b' => Kind::Attempt,
        _ => return None,
    };
    Some((id, kind))
}

fn bound(id: &str) -> Key {
    let mut key = Vec::with_capacity(1 + ID_LEN);
    key.push(ROOM);
    key.extend_from_slice(id.as_bytes());
    key.into()
}

/// All rows of the messages that came in a stretch of time, up to and without its end.
pub(crate) fn between(since: Option<Timestamp>, until: Option<Timestamp>) -> Range<Key> {
    let all = Scan::prefix(&[ROOM]);
    let begin = since.map_or(all.start, |at| bound(&first_id(at)));
    let end = until.map_or(all.end, |at| bound(&first_id(at)));
    begin.clone()..end.max(begin)
}

/// All rows of one message. `None`: that is no id.
pub(crate) fn of_message(id: &str) -> Option<Range<Key>> {
    Some(Scan::prefix(&bound(message_of(id)?)))
}

/// Behind all rows of the message whose row `key` names.
pub(crate) fn behind(key: &Bytes) -> Key {
    Scan::prefix(key.get(..1 + ID_LEN).unwrap_or(key)).end
}

/// Before all rows of it.
pub(crate) fn before(key: &Bytes) -> Key {
    key.slice(..(1 + ID_LEN).min(key.len()))
}
