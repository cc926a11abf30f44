//! What is kept of an expunged message for a while: its octets, its records, and where it was. It
//! does not count as mail; only whoever asks for what was expunged sees it.
//!
//! The hot record goes into the record below, the cold one stays where it is, and the hold on the
//! octets passes from the message to the record.
//!
//! ```text
//! version 1 | name of its mailbox: length 2 and text | the hot record as it was
//! ```

use crate::hot::{self, Keywords, Record};
use crate::mail::{Inner, UNREADABLE};
use crate::octets::Reader;
use crate::{Row, Usage, count, key};
use bytes::Bytes;
use core_store::{Key, Value};
use words_base::Timestamp;
use words_mail::{AccountId, MailboxId, MailboxName, Refusal, Uid};

/// The layout that is written now.
const VERSION: u8 = 1;

/// So many times what an account may keep of expunged messages, and nothing more is kept until what
/// is too much has been cleared away.
const EXCESS: u64 = 2;

/// Names an expunged message that can be recovered. Rising in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExpungedId {
    /// When it was expunged.
    pub expunged_at: Timestamp,
    /// From which mailbox,
    pub mailbox: MailboxId,
    /// and its UID there.
    pub uid: Uid,
}

/// An expunged message that can be recovered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expunged {
    /// Which.
    pub id: ExpungedId,
    /// What its mailbox was called.
    pub mailbox: MailboxName,
    /// As it was.
    pub row: Row,
    /// Its encoded [`words_message`] summary (SummaryRef reads it).
    pub summary: Bytes,
}

/// How expunged messages are kept: under which name and since when.
#[derive(Clone, Debug)]
pub(crate) struct Keeping {
    pub name: MailboxName,
    pub at: Timestamp,
}

/// The record of a message expunged from a mailbox of that name.
pub(crate) fn encode(name: &MailboxName, hot: &[u8]) -> Vec<u8> {
    let name = name.as_str().as_bytes();
    let mut octets = Vec::with_capacity(3 + name.len() + hot.len());
    octets.push(VERSION);
    octets.extend_from_slice(&(name.len() as u16).to_be_bytes());
    octets.extend_from_slice(name);
    octets.extend_from_slice(hot);
    octets
}

/// Name and row of a record of any version. `None`: not one.
pub(crate) fn decode(
    uid: Uid,
    record: &[u8],
    keywords: &mut Keywords,
) -> Option<(MailboxName, Row)> {
    let mut reader = Reader(record);
    if reader.u8()? != VERSION {
        return None;
    }
    let name_len = u16::from_be_bytes(reader.array()?);
    let name = std::str::from_utf8(reader.take(name_len.into())?).ok()?;
    Some((MailboxName::parse(name).ok()?, hot::decode(uid, reader.0, keywords)?))
}

/// An expunged message as it is read: for an expectation, the very octets.
pub(crate) struct Relic {
    pub id: ExpungedId,
    pub name: MailboxName,
    pub row: Row,
    pub octets: Value,
}

impl Relic {
    pub fn read(key: &Key, octets: Value, keywords: &mut Keywords) -> Result<Relic, Refusal> {
        let id = key::expunged_id(key).ok_or(UNREADABLE)?;
        let (name, row) = decode(id.uid, &octets, keywords).ok_or(UNREADABLE)?;
        Ok(Relic { id, name, row, octets })
    }
}

/// What one expunged message counts: octets, messages.
pub(crate) fn numbers(row: &Row) -> [i64; 2] {
    [row.size as i64, 1]
}

impl Record {
    /// What is kept of it.
    pub fn to_relic(&self, keeping: &Keeping) -> Vec<u8> {
        encode(&keeping.name, &self.octets)
    }
}

impl Inner {
    /// How messages that are now expunged from that mailbox are kept. `None`: not at all, since
    /// nobody wants that, or since the account has far too many already.
    pub async fn keeping_from(
        &self,
        account: AccountId,
        mailbox: MailboxId,
    ) -> Result<Option<Keeping>, Refusal> {
        let name = self.target(account, mailbox).await?.1.name;
        self.keeping(account, name).await
    }

    /// As [`Inner::keeping_from`], for a mailbox of that name.
    pub async fn keeping(
        &self,
        account: AccountId,
        name: MailboxName,
    ) -> Result<Option<Keeping>, Refusal> {
        if self.options.keep_expunged.is_zero() {
            return Ok(None);
        }
        let kept = self.kept(account).await?;
        if self.excess(kept, 1) {
            self.expiry().note(account);
        }
        let at = self.world.clock.now();
        Ok((!self.excess(kept, EXCESS)).then_some(Keeping { name, at }))
    }

    /// What the account keeps of expunged messages.
    pub async fn kept(&self, account: AccountId) -> Result<Usage, Refusal> {
        let value = self.get(&key::expunged_sums(account)).await?;
        Ok(count::decode_usage(value.as_ref()))
    }

    /// Is that more than so many times what an account may keep?
    pub fn excess(&self, kept: Usage, times: u64) -> bool {
        let options = &self.options;
        kept.messages > options.expunged_messages_max.saturating_mul(times)
            || kept.bytes > options.expunged_bytes_max.saturating_mul(times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core_store::Assigned;

    #[test]
    fn what_is_written_is_read_back() {
        let row = crate::rows::tests::row(7, 9);
        let hot = hot::encode(&row, Assigned(0)).fill(&[9]).unwrap();
        let name = MailboxName::parse("Correo/Año").unwrap();
        let octets = encode(&name, &hot);
        let decoded = decode(Uid(7), &octets, &mut Keywords::default());
        assert_eq!(decoded, Some((name, row)));
        for len in 0..octets.len() {
            assert_eq!(decode(Uid(7), &octets[..len], &mut Keywords::default()), None, "{len}");
        }
    }

    #[test]
    fn records_of_the_first_version_are_read() {
        let octets = [
            &[1, 0, 5][..],
            b"INBOX",
            &[2, 0, 0, 0, 0, 0, 0, 0, 9, 1],
            &[0; 24],
            &[0, 0, 0, 0, 0, 0, 0, 3],
            &[0, 0, 0, 4, 0, 0],
        ]
        .concat();
        let (name, row) = decode(Uid(1), &octets, &mut Keywords::default()).unwrap();
        assert!(name.is_inbox());
        assert_eq!((row.blob.0, row.prefix_len), (3, 4));
        assert_eq!(decode(Uid(1), &[2, 0, 0], &mut Keywords::default()), None);
    }
}
