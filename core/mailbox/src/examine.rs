//! A walk over the records of everybody: which of them cannot be read, and who holds a body.

use crate::mail::{Mail, refuse};
use crate::name::{Doomed, Name, Numbered, TreeRecord};
use crate::octets::Reader;
use crate::{cold, expunged, hot, hot::Keywords, key, log};
use core_store::{BlobId, Key, Scan, Snapshot, Value};
use std::ops::Range;
use words_mail::{AccountId, MailboxId, MailboxName, Refusal, Uid};
use words_message::SummaryRef;

/// Something that the walk came upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Examined {
    /// A record that cannot be read.
    Damaged(Place),
    /// A message, or one that was expunged and can be recovered, holds this body.
    Holds(BlobId, Place),
}

/// What a key is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Whose.
    pub account: AccountId,
    /// Which mailbox, if it is about one.
    pub mailbox: Option<MailboxId>,
    /// Which message, if it is about one.
    pub uid: Option<Uid>,
    /// What kind of record it is.
    pub what: &'static str,
}

/// What people know a message by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Its mailbox.
    pub mailbox: Option<MailboxName>,
    /// Its Message-ID.
    pub message_id: Option<String>,
    /// Its subject.
    pub subject: Option<String>,
}

impl Place {
    /// What a key of this crate is about. `None`: it is none.
    pub fn of_key(octets: &[u8]) -> Option<Place> {
        let account = key::account_of_any(octets)?;
        let (what, has_mailbox, has_uid) = match octets.get(1)? {
            b'a' => ("the list of mailboxes", false, false),
            b'c' => ("counts of a mailbox", true, false),
            b'e' => ("an expunged message", false, false),
            b'h' => ("the summary of a message", true, true),
            b'i' => ("a name of a mailbox", false, false),
            b'l' => ("an entry of the change log", false, false),
            b'n' => ("a mailbox", true, false),
            b'r' => ("a message", true, true),
            b'z' => ("a removed mailbox", true, false),
            _ => ("a counter or a note", false, false),
        };
        let mailbox = key::mailbox_of(octets).filter(|_| has_mailbox).map(|(_, mailbox)| mailbox);
        let uid = key::uid_of(octets).filter(|_| has_uid);
        let id = key::expunged_id(octets).filter(|_| octets.get(1) == Some(&b'e'));
        Some(Place {
            account,
            mailbox: mailbox.or(id.map(|id| id.mailbox)),
            uid: uid.or(id.map(|id| id.uid)),
            what,
        })
    }
}

impl Mail {
    /// Reads one page of everybody's records, from the first one or where the last page ended, and
    /// tells what it comes upon. `None`: that was the last one.
    pub async fn examine_page(
        &self,
        rest: Option<Range<Key>>,
        tell: &mut (dyn FnMut(Examined) + Send),
    ) -> Result<Option<Range<Key>>, Refusal> {
        let range = rest.unwrap_or_else(key::everything);
        let page = self.inner.scan(Scan::rising(range)).await?;
        let mut keywords = Keywords::default();
        for (key, value) in &page.pairs {
            if let Some(place) = Place::of_key(key) {
                examine(key, value, place, &mut keywords, tell);
            }
        }
        Ok(page.rest)
    }

    /// What people know the message at `place` by, as far as it can be read.
    pub async fn known(&self, place: &Place) -> Known {
        let mut known = Known::default();
        let (Some(mailbox), Ok(snapshot)) = (place.mailbox, self.inner.snapshot().await) else {
            return known;
        };
        let named = read(&*snapshot, key::mailbox(place.account, mailbox)).await;
        known.mailbox = named.and_then(|value| Numbered::decode(&value)).map(|named| named.name);
        let Some(uid) = place.uid else { return known };
        let value = read(&*snapshot, key::cold(place.account, mailbox, uid)).await;
        let Some((_, summary)) = value.and_then(|value| cold::decode(&value)) else { return known };
        if let Some(summary) = SummaryRef::new(&summary) {
            let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
            known.message_id = summary.message_id().map(text);
            known.subject = summary.subject().map(text);
        }
        known
    }

    /// The address of [`Mail::known`] for people: `INBOX uid 7, Message-ID …`.
    pub async fn describe(&self, place: &Place) -> String {
        let known = self.known(place).await;
        let mut text = place.what.to_string();
        match (known.mailbox, place.mailbox) {
            (Some(name), _) => text += &format!(" in {name}"),
            (None, Some(mailbox)) => text += &format!(" in mailbox number {}", mailbox.0),
            (None, None) => {}
        }
        if let Some(uid) = place.uid {
            text += &format!(", uid {uid}");
        }
        if let Some(id) = known.message_id {
            text += &format!(", Message-ID {id}");
        }
        if let Some(subject) = known.subject {
            text += &format!(", subject {subject:?}");
        }
        text
    }
}

async fn read(snapshot: &dyn Snapshot, key: Key) -> Option<Value> {
    snapshot.get(&key).await.map_err(refuse).ok().flatten()
}

fn examine(
    key: &Key,
    value: &Value,
    place: Place,
    keywords: &mut Keywords,
    tell: &mut (dyn FnMut(Examined) + Send),
) {
    let uid = place.uid.unwrap_or(Uid(0));
    let is_good = match key.get(1) {
        Some(b'r') => match hot::decode(uid, value, keywords) {
            Some(row) => return tell(Examined::Holds(row.blob, place)),
            None => false,
        },
        Some(b'e') => match expunged::decode(uid, value, keywords) {
            Some((_, row)) => return tell(Examined::Holds(row.blob, place)),
            None => false,
        },
        Some(b'h') => cold::decode(value).is_some_and(|(_, s)| SummaryRef::new(&s).is_some()),
        Some(b'a') => TreeRecord::decode(value).is_some(),
        Some(b'i') => key::name_of(key).is_some() && Name::decode(value).is_some(),
        Some(b'n') => Numbered::decode(value).is_some(),
        Some(b'z') => Doomed::decode(value).is_some(),
        Some(b'l') => log::decode(value).is_some(),
        Some(b'c' | b'u' | b'k') => value.len().is_multiple_of(8),
        Some(b'q' | b's' | b'x' | b't') => Reader(value).u64().is_some(),
        _ => true,
    };
    if !is_good {
        tell(Examined::Damaged(place));
    }
}
