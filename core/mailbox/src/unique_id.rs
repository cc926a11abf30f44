//! What POP3 shows of a message for ever (RFC 1939 §7): the unique id that it was brought with, or
//! else one that UIDVALIDITY and UID make, which never change and never come again.

use crate::mail::UNREADABLE;
use crate::octets::Reader;
use crate::{Mailboxes, Rows, View, key};
use core_store::Scan;
use words_mail::{Refusal, Uid, UidValidity};

/// The layout that is written now: version 1, and the text.
const VERSION: u8 = 1;

/// Most octets of a unique id (RFC 1939 §7).
const LEN_MAX: usize = 70;

/// The unique id of a message that was brought with none.
fn made_of(uid_validity: UidValidity, uid: Uid) -> String {
    format!("{:08x}{:08x}", uid_validity.0, uid.0)
}

/// The UID of whose message in a mailbox of this validity `text` is the unique id, if it could be
/// one that [`made_of`] makes.
fn made_for(text: &str, uid_validity: UidValidity) -> Option<Uid> {
    let (validity, uid) = text.split_at_checked(8)?;
    let uid = Uid(u32::from_str_radix(uid, 16).ok()?);
    (validity == format!("{:08x}", uid_validity.0) && text == made_of(uid_validity, uid))
        .then_some(uid)
}

/// What is to be done with the unique id that a message is brought with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// None, or one that cannot be kept.
    Nothing,
    /// This record is to be kept.
    Record(Vec<u8>),
    /// It has it anyway if it gets this UID, and with another one it cannot have it: the message of
    /// that UID has.
    WithUid(Uid),
}

impl Wanted {
    /// Of a message in a mailbox of this validity.
    pub fn new(text: Option<&str>, uid_validity: UidValidity) -> Wanted {
        let is_unique_id = |text: &&str| {
            (1..=LEN_MAX).contains(&text.len()) && text.bytes().all(|b| matches!(b, 0x21..=0x7e))
        };
        let Some(text) = text.filter(is_unique_id) else { return Wanted::Nothing };
        match made_for(text, uid_validity) {
            Some(uid) => Wanted::WithUid(uid),
            None => Wanted::Record([&[VERSION], text.as_bytes()].concat()),
        }
    }
}

fn decode(record: &[u8]) -> Option<String> {
    let mut reader = Reader(record);
    if reader.u8()? != VERSION {
        return None;
    }
    String::from_utf8(reader.0.to_vec()).ok()
}

impl Mailboxes {
    /// The unique ids (RFC 1939 §7) of the rows from `place` on, at most `count_max`.
    pub async fn unique_ids(
        &self,
        view: &View,
        rows: &Rows,
        place: usize,
        count_max: usize,
    ) -> Result<Vec<String>, Refusal> {
        let mailbox = view.mailbox();
        let rows: Vec<_> = rows.iter_from(place).take(count_max).map(|(_, row)| row).collect();
        let mut ids: Vec<String> =
            rows.iter().map(|row| made_of(mailbox.uid_validity, row.uid)).collect();
        let mut brought = rows.iter().filter(|row| row.has_unique_id).map(|row| row.uid);
        let Some(first) = brought.next() else { return Ok(ids) };
        let last = brought.next_back().unwrap_or(first);
        let mut rest = Some(key::unique_ids(self.account, mailbox.id, first, last));
        while let Some(range) = rest {
            let page = self.inner.scan(Scan::rising(range)).await?;
            for (key, value) in &page.pairs {
                let uid = key::uid_of(key).ok_or(UNREADABLE)?;
                if let Ok(at) = rows.binary_search_by_key(&uid, |row| row.uid) {
                    ids[at] = decode(value).ok_or(UNREADABLE)?;
                }
            }
            rest = page.rest;
        }
        Ok(ids)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_message_is_brought_with_is_kept_unless_another_may_have_it() {
        let validity = UidValidity(0x5f00_0001);
        let long = "x".repeat(LEN_MAX + 1);
        for text in ["", "a b", "tab\t", "ñ", &long] {
            assert_eq!(Wanted::new(Some(text), validity), Wanted::Nothing, "{text}");
        }
        assert_eq!(Wanted::new(None, validity), Wanted::Nothing);
        for text in [
            "UID7-1",
            "000000075f000001",
            "5f00000100000007x",
            "5F00000100000007",
            "+5f0000100000007",
            "5f000001+0000007",
            "5f00000200000007",
            "5f000001é00000",
            &long[1..],
        ] {
            let Wanted::Record(record) = Wanted::new(Some(text), validity) else {
                assert!(!text.is_ascii(), "{text}");
                continue;
            };
            assert_eq!(decode(&record).as_deref(), Some(text));
        }
        let wanted = Wanted::new(Some("5f00000100000007"), validity);
        assert_eq!(wanted, Wanted::WithUid(Uid(7)));
        assert_eq!(decode(&[2, b'x']), None);
    }
}
