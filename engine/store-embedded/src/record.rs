//! The payload of a batch frame: what the batch changed, in absolute values.

use crate::blob::{Entry, Locator};
use bytes::{Buf, BufMut, Bytes};
use core_store::{BlobId, Key, Value};

const PUT: u8 = 1;
const DELETE: u8 = 2;
const BLOB: u8 = 3;

/// Octets of an encoded [`Entry`].
pub const ENTRY_SIZE: usize = 29;

/// A change as the log and the memtable know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A key has a value, or none any more.
    Value(Key, Option<Value>),
    /// A blob is there and held so often; with 0 it is given up.
    Blob(BlobId, Entry),
}

/// Begins a batch's payload; `next_blob` is the least id that has not been given yet.
pub fn begin(buffer: &mut Vec<u8>, next_blob: u64) {
    buffer.put_u64_le(next_blob);
}

/// Appends a key's new value.
pub fn push_value(buffer: &mut Vec<u8>, key: &[u8], value: Option<&[u8]>) {
    buffer.put_u8(if value.is_some() { PUT } else { DELETE });
    buffer.put_u16_le(key.len() as u16);
    buffer.put_slice(key);
    if let Some(value) = value {
        buffer.put_u32_le(value.len() as u32);
        buffer.put_slice(value);
    }
}

/// Appends a blob's new entry.
pub fn push_blob(buffer: &mut Vec<u8>, blob: BlobId, entry: &Entry) {
    buffer.put_u8(BLOB);
    buffer.put_u64_le(blob.0);
    buffer.put_slice(&encode_entry(entry));
}

/// Octets that [`push_value`] appends.
pub fn value_size(key: &[u8], value: Option<&[u8]>) -> u64 {
    (3 + key.len() + value.map_or(0, |value| 4 + value.len())) as u64
}

/// Octets that [`push_blob`] appends.
pub const BLOB_SIZE: u64 = 9 + ENTRY_SIZE as u64;
/// Octets that [`begin`] appends.
pub const BEGIN_SIZE: u64 = 8;

/// Reads a batch's payload: the least id not given, and the changes.
pub fn decode(mut payload: Bytes) -> Option<(u64, Vec<Change>)> {
    let next_blob = payload.try_get_u64_le().ok()?;
    let mut changes = Vec::new();
    while payload.has_remaining() {
        changes.push(decode_change(&mut payload)?);
    }
    Some((next_blob, changes))
}

fn decode_change(payload: &mut Bytes) -> Option<Change> {
    match payload.try_get_u8().ok()? {
        PUT => {
            let key = take(payload, 2)?;
            Some(Change::Value(key, Some(take(payload, 4)?)))
        }
        DELETE => Some(Change::Value(take(payload, 2)?, None)),
        BLOB => {
            let blob = BlobId(payload.try_get_u64_le().ok()?);
            let entry = decode_entry(payload.get(..ENTRY_SIZE)?)?;
            payload.advance(ENTRY_SIZE);
            Some(Change::Blob(blob, entry))
        }
        _ => None,
    }
}

/// Octets behind their length, which has `width` octets. Copied, so that a key in the memtable does
/// not keep the whole payload.
fn take(payload: &mut Bytes, width: usize) -> Option<Bytes> {
    let len = payload.try_get_uint_le(width).ok()? as usize;
    let octets = Bytes::copy_from_slice(payload.get(..len)?);
    payload.advance(len);
    Some(octets)
}

/// An entry's octets, in the log and in the metadata file.
pub fn encode_entry(entry: &Entry) -> [u8; ENTRY_SIZE] {
    let Locator { segment, offset, len, large } = entry.locator;
    let mut octets = [0; ENTRY_SIZE];
    octets[0..8].copy_from_slice(&segment.to_le_bytes());
    octets[8..16].copy_from_slice(&offset.to_le_bytes());
    octets[16..24].copy_from_slice(&len.to_le_bytes());
    octets[24..28].copy_from_slice(&entry.holders.to_le_bytes());
    octets[28] = u8::from(large);
    octets
}

/// Reads an entry.
pub fn decode_entry(mut octets: &[u8]) -> Option<Entry> {
    if octets.len() != ENTRY_SIZE {
        return None;
    }
    let (segment, offset, len) = (octets.get_u64_le(), octets.get_u64_le(), octets.get_u64_le());
    let holders = octets.get_u32_le();
    let large = match octets.get_u8() {
        0 => false,
        1 => true,
        _ => return None,
    };
    Some(Entry { locator: Locator { segment, offset, len, large }, holders })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            locator: Locator { segment: 7, offset: 4096, len: 70_000, large: true },
            holders: 3,
        }
    }

    fn payload() -> Vec<u8> {
        let mut buffer = Vec::new();
        begin(&mut buffer, 42);
        push_value(&mut buffer, b"key", Some(b"value"));
        push_value(&mut buffer, b"gone", None);
        push_blob(&mut buffer, BlobId(9), &entry());
        buffer
    }

    #[test]
    fn what_was_encoded_is_decoded() {
        let (next_blob, changes) = decode(payload().into()).expect("well formed");
        assert_eq!(next_blob, 42);
        let expected = [
            Change::Value(Bytes::from_static(b"key"), Some(Bytes::from_static(b"value"))),
            Change::Value(Bytes::from_static(b"gone"), None),
            Change::Blob(BlobId(9), entry()),
        ];
        assert_eq!(changes, expected);
    }

    #[test]
    fn sizes_told_beforehand_are_those_written() {
        let told =
            BEGIN_SIZE + value_size(b"key", Some(b"value")) + value_size(b"gone", None) + BLOB_SIZE;
        assert_eq!(told, payload().len() as u64);
    }

    #[test]
    fn a_payload_cut_anywhere_is_refused_or_holds_fewer_changes() {
        let whole = payload();
        for len in 0..whole.len() {
            let cut = decode(Bytes::copy_from_slice(&whole[..len]));
            assert!(cut.is_none_or(|(_, changes)| changes.len() < 3), "cut at {len}");
        }
    }
}
