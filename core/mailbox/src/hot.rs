//! The hot record: what a listing shows of a message. Small, so that opening a mailbox reads little.
//!
//! ```text
//! version 2 | modseq 8 | system flags 1 | size 8 | received 8 | saved 8 | blob 8 | prefix 4 |
//! marks 1: 1 has a unique id | keywords: count 1, each length 1 and text
//! ```
//!
//! Version 1 has no marks.

use crate::Row;
use crate::octets::Reader;
use bytes::Bytes;
use core_store::{Assigned, BlobId, Template};
use words_base::Timestamp;
use words_mail::{Flags, Keyword, ModSeq, Uid};

/// The layout that is written now.
const VERSION: u8 = 2;

/// Octets of a record without keywords.
const FIXED: usize = 48;

/// The mark of a message that has a record of its unique id.
const HAS_UNIQUE_ID: u8 = 1;

/// Keywords met so far, so that the same one read a thousand times is kept once.
#[derive(Default)]
pub(crate) struct Keywords(Vec<Keyword>);

impl Keywords {
    /// More different ones than this are not remembered, only read.
    const REMEMBERED_MAX: usize = 200;

    fn get(&mut self, text: &[u8]) -> Option<Keyword> {
        if let Some(known) = self.0.iter().find(|k| k.as_str().as_bytes() == text) {
            return Some(known.clone());
        }
        let keyword = Keyword::parse(std::str::from_utf8(text).ok()?)?;
        if self.0.len() < Keywords::REMEMBERED_MAX {
            self.0.push(keyword.clone());
        }
        Some(keyword)
    }
}

/// A message's record as it is read: decoded, and the very octets for an expectation.
pub(crate) struct Record {
    /// Decoded.
    pub row: Row,
    /// As they stand in the store.
    pub octets: Bytes,
}

/// The record of `row`, whose modseq only the commit knows.
pub(crate) fn encode(row: &Row, modseq: Assigned) -> Template {
    let mut record = Template::from(Vec::with_capacity(FIXED + 1));
    record.bytes.push(VERSION);
    record.push_slot(modseq, 0);
    let octets = &mut record.bytes;
    octets.push(row.flags.system_bits());
    octets.extend_from_slice(&row.size.to_be_bytes());
    octets.extend_from_slice(&row.received_at.millis().to_be_bytes());
    octets.extend_from_slice(&row.saved_at.millis().to_be_bytes());
    octets.extend_from_slice(&row.blob.0.to_be_bytes());
    octets.extend_from_slice(&u32::from(row.prefix_len).to_be_bytes());
    octets.push(if row.has_unique_id { HAS_UNIQUE_ID } else { 0 });
    octets.push(row.flags.keywords().len() as u8);
    for keyword in row.flags.keywords() {
        octets.push(keyword.as_str().len() as u8);
        octets.extend_from_slice(keyword.as_str().as_bytes());
    }
    record
}

/// Reads a record of any version. `None`: not one.
pub(crate) fn decode(uid: Uid, record: &[u8], keywords: &mut Keywords) -> Option<Row> {
    let mut reader = Reader(record);
    let version = reader.u8()?;
    if !(1..=VERSION).contains(&version) {
        return None;
    }
    let modseq = ModSeq(reader.u64()?);
    let system = reader.u8()?;
    Some(Row {
        uid,
        modseq,
        size: reader.u64()?,
        received_at: Timestamp::from_millis(reader.i64()?),
        saved_at: Timestamp::from_millis(reader.i64()?),
        blob: BlobId(reader.u64()?),
        prefix_len: reader.u32()?.try_into().ok()?,
        has_unique_id: version > 1 && reader.u8()? & HAS_UNIQUE_ID != 0,
        flags: Flags::from_parts(system, decode_keywords(&mut reader, keywords)?),
    })
}

fn decode_keywords(reader: &mut Reader<'_>, keywords: &mut Keywords) -> Option<Vec<Keyword>> {
    let count = reader.u8()?;
    let mut list = Vec::with_capacity(count.into());
    for _ in 0..count {
        let len = reader.u8()?;
        list.push(keywords.get(reader.take(len.into())?)?);
    }
    Some(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use words_mail::SystemFlag;

    fn row(flags: Flags) -> Row {
        Row {
            uid: Uid(3),
            modseq: ModSeq(77),
            flags,
            size: 5_000_000_000,
            received_at: Timestamp::from_seconds(-5),
            saved_at: Timestamp::from_seconds(1_700_000_000),
            blob: BlobId(u64::MAX),
            prefix_len: 123,
            has_unique_id: false,
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut tagged = Flags::from_parts(0, vec![Keyword::parse("$Junk").unwrap()]);
        tagged.insert(SystemFlag::Draft);
        tagged.insert_keyword(Keyword::parse(&"k".repeat(100)).unwrap());
        for (flags, has_unique_id) in [(Flags::new(), false), (Flags::new(), true), (tagged, true)]
        {
            let row = Row { has_unique_id, ..row(flags) };
            let octets = encode(&row, Assigned(0)).fill(&[77]).unwrap();
            assert_eq!(decode(Uid(3), &octets, &mut Keywords::default()), Some(row));
        }
    }

    #[test]
    fn a_record_without_keywords_is_48_octets_and_a_row_at_most_80() {
        assert_eq!(encode(&row(Flags::new()), Assigned(0)).bytes.len(), FIXED);
        assert!(size_of::<Row>() <= 80, "{}", size_of::<Row>());
    }

    #[test]
    fn records_of_the_first_version_are_read() {
        let octets = [
            &[1, 0, 0, 0, 0, 0, 0, 0, 9, 1][..],
            &[0, 0, 0, 0, 0, 0, 1, 0],
            &[0, 0, 0, 0, 0, 0, 0, 1],
            &[0, 0, 0, 0, 0, 0, 0, 2],
            &[0, 0, 0, 0, 0, 0, 0, 3],
            &[0, 0, 0, 4, 1, 2, b'$', b'a'],
        ]
        .concat();
        let row = decode(Uid(1), &octets, &mut Keywords::default()).unwrap();
        assert_eq!(
            (row.modseq, row.size, row.blob, row.prefix_len),
            (ModSeq(9), 256, BlobId(3), 4)
        );
        assert_eq!(row.flags.to_string(), "\\Seen $a");
    }

    #[test]
    fn records_of_the_second_version_are_read() {
        let octets = [
            &[2, 0, 0, 0, 0, 0, 0, 0, 9, 1][..],
            &[0; 24],
            &[0, 0, 0, 0, 0, 0, 0, 3],
            &[0, 0, 0, 4, 1, 1, 2, b'$', b'a'],
        ]
        .concat();
        let row = decode(Uid(1), &octets, &mut Keywords::default()).unwrap();
        assert_eq!((row.modseq, row.blob, row.prefix_len), (ModSeq(9), BlobId(3), 4));
        assert!(row.has_unique_id);
        assert_eq!(row.flags.to_string(), "\\Seen $a");
    }

    #[test]
    fn torn_records_are_refused() {
        let whole = encode(&row(Flags::new()), Assigned(0)).fill(&[1]).unwrap();
        for len in 0..whole.len() {
            assert_eq!(decode(Uid(1), &whole[..len], &mut Keywords::default()), None, "{len}");
        }
        let mut newer = whole.clone();
        newer[0] = 200;
        assert_eq!(decode(Uid(1), &newer, &mut Keywords::default()), None);
    }
}
