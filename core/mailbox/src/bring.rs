//! Messages that were elsewhere before: filed many at a time, with the flags, dates, UIDs and unique
//! ids that they had there, and each only once however often it is brought.

use crate::adopt::UID_MAX;
use crate::draft::{Draft, Filed, Receipt, spare};
use crate::mail::{UNREADABLE, refuse};
use crate::octets::Reader;
use crate::unique_id::Wanted;
use crate::{ATTEMPTS_MAX, Allowance, Mailboxes, Row, cold, key, summary};
use bytes::Bytes;
use core_store::{Body, Key, StoreError, Value};
use std::collections::HashMap;
use words_base::Timestamp;
use words_mail::{Flags, MailboxId, ModSeq, Refusal, Uid, UidValidity};

/// The layout of the record of what was brought: version 1, mailbox 4, uid 8.
const VERSION: u8 = 1;

/// Most messages that are filed in one commit.
const MESSAGES_MAX: usize = 1_000;
/// Octets of bodies after which a commit takes no further message.
const BODIES_MAX: u64 = 8 << 20;
/// Octets of summaries after which a commit takes no further message.
const SUMMARIES_MAX: usize = 2 << 20;
/// Most octets of a source's own key.
const SOURCE_KEY_MAX: usize = 64;

/// Where messages are brought from: a number that the caller makes of what the source is and where
/// it lies, the same each time. Keys of two sources have nothing to do with one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u64);

/// A message that is brought.
#[derive(Debug)]
pub struct Brought {
    /// Its octets.
    pub body: Body,
    /// Its header section (what [`words_message`] collected of it), for the summary kept beside.
    pub header: Bytes,
    /// Flags and keywords.
    pub flags: Flags,
    /// INTERNALDATE.
    pub received_at: Timestamp,
    /// The UID it had. It keeps it if that is above the last one given, else it gets the next.
    pub uid: Option<Uid>,
    /// What POP3 called it (RFC 1939 §7), if the caller knows of nobody else in the mailbox whom it
    /// calls the same.
    pub unique_id: Option<String>,
    /// What its source calls it, at most 64 octets: what was brought under the same key from the
    /// same source is not brought again.
    pub source_key: Vec<u8>,
}

/// What became of a message that was brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BroughtAs {
    /// Where it was filed.
    pub mailbox: MailboxId,
    /// Under which UID there.
    pub uid: Uid,
    /// Had it been brought before? Then nothing was done, whatever became of it here since.
    pub is_repeated: bool,
    /// Was it given a unique id that it could not keep? POP3 clients will fetch it once more.
    pub lost_unique_id: bool,
}

/// A message made ready for a batch.
struct Ready {
    row: Row,
    cold: Bytes,
    wish: Uid,
    unique_id: Option<String>,
    source_key: Vec<u8>,
}

/// What a message's place in the answer hangs on.
enum Place {
    /// It was there before.
    Before(MailboxId, Uid),
    /// It is filed now. `WithUid`: what unique id it gets hangs on its UID.
    Now(Filed, Wanted),
    /// As the one at that place of the same page.
    Like(usize),
}

impl Mailboxes {
    /// Files messages that were elsewhere before, those that have not been brought yet. In as few
    /// commits as limits allow; when one fails those before it stay, and whoever calls again brings
    /// only what is missing. What the account then keeps is limited by `allowance`.
    /// Errors: `NoSuchMailbox`, `MailboxFull`, `Limit` (a source's key is too long), `Unavailable`.
    pub async fn bring(
        &self,
        mailbox: MailboxId,
        source: SourceId,
        messages: Vec<Brought>,
        allowance: Allowance,
    ) -> Result<Vec<BroughtAs>, Refusal> {
        if messages.iter().any(|m| m.source_key.len() > SOURCE_KEY_MAX) {
            return Err(Refusal::Limit("octets of a source's key"));
        }
        let now = self.inner.world.clock.now();
        let mut told = Vec::with_capacity(messages.len());
        let mut page = Page::default();
        for message in messages {
            page.push(message, now);
            if page.is_full() {
                told.extend(self.bring_page(mailbox, source, page, &allowance).await?);
                page = Page::default();
            }
        }
        told.extend(self.bring_page(mailbox, source, page, &allowance).await?);
        Ok(told)
    }

    /// Which of these keys something was brought under from that source before, and where it was
    /// filed then.
    pub async fn brought(
        &self,
        source: SourceId,
        source_keys: &[Vec<u8>],
    ) -> Result<Vec<Option<(MailboxId, Uid)>>, Refusal> {
        let keys: Vec<Key> =
            source_keys.iter().map(|k| key::brought(self.account, source, k)).collect();
        let records = self.inner.get_list(&keys).await?;
        let decode = |record: &Option<Value>| match record {
            Some(octets) => decode(octets).map(Some).ok_or(UNREADABLE),
            None => Ok(None),
        };
        records.iter().map(decode).collect()
    }

    /// Forgets what was brought from a source, not the messages: nothing more will come from there.
    pub async fn forget_source(&self, source: SourceId) -> Result<(), Refusal> {
        while self.inner.delete_page(key::all_brought(self.account, source)).await? {}
        Ok(())
    }

    /// One commit.
    async fn bring_page(
        &self,
        mailbox: MailboxId,
        source: SourceId,
        page: Page,
        allowance: &Allowance,
    ) -> Result<Vec<BroughtAs>, Refusal> {
        let Page { ready, mut bodies, .. } = page;
        if ready.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<Vec<u8>> = ready.iter().map(|r| r.source_key.clone()).collect();
        for _ in 0..ATTEMPTS_MAX {
            let target = self.inner.target(self.account, mailbox).await?;
            let before = self.brought(source, &keys).await?;
            let spares: Vec<Option<Body>> = bodies.iter().map(spare).collect();
            let validity = target.1.uid_validity;
            let mut draft = Draft::new();
            draft.expect(key::mailbox(self.account, mailbox), target.0);
            let filling = Filling { mailbox, source, validity };
            let places = self.fill(&mut draft, filling, &ready, before, bodies);
            let fresh = ready.iter().zip(&places).filter(|(_, p)| matches!(p, Place::Now(..)));
            self.check_allowance(allowance, fresh.map(|(ready, _)| ready.row.size)).await?;
            let outcome = match places.iter().any(|place| matches!(place, Place::Now(..))) {
                true => draft.commit(&self.inner).await.map(Some),
                false => Ok(None),
            };
            match outcome {
                Ok(receipt) => return Ok(tell(mailbox, &ready, &places, receipt.as_ref())),
                // A body that an engine has spilled can be offered once only.
                Err(StoreError::Conflict { .. }) => {
                    let spares: Option<Vec<Body>> = spares.into_iter().collect();
                    bodies = spares.ok_or(Refusal::Unavailable)?;
                }
                Err(error) => return Err(refuse(error)),
            }
        }
        Err(Refusal::Unavailable)
    }

    fn fill(
        &self,
        draft: &mut Draft,
        Filling { mailbox, source, validity }: Filling,
        ready: &[Ready],
        before: Vec<Option<(MailboxId, Uid)>>,
        bodies: Vec<Body>,
    ) -> Vec<Place> {
        let mut seen: HashMap<&[u8], usize> = HashMap::with_capacity(ready.len());
        let mut places = Vec::with_capacity(ready.len());
        for (nth, ((one, before), body)) in ready.iter().zip(before).zip(bodies).enumerate() {
            if let Some((mailbox, uid)) = before {
                places.push(Place::Before(mailbox, uid));
                continue;
            }
            if let Some(first) = seen.get(&*one.source_key) {
                places.push(Place::Like(*first));
                continue;
            }
            seen.insert(&one.source_key, nth);
            let wanted = Wanted::new(one.unique_id.as_deref(), validity);
            let has_unique_id = matches!(wanted, Wanted::Record(_));
            let row = Row { has_unique_id, ..one.row.clone() };
            let filed = draft.file_from(self.account, mailbox, one.wish, &row, &one.cold);
            draft.keep(body, 1);
            let record = key::brought(self.account, source, &one.source_key);
            draft.expect_absent(record.clone());
            draft.put_uid(record, filed, before_uid(mailbox));
            if let Wanted::Record(record) = &wanted {
                draft.put_unique_id(self.account, mailbox, filed, record.clone());
            }
            places.push(Place::Now(filed, wanted));
        }
        places
    }
}

/// Where a page goes.
#[derive(Clone, Copy)]
struct Filling {
    mailbox: MailboxId,
    source: SourceId,
    validity: UidValidity,
}

/// Messages for one commit.
#[derive(Default)]
struct Page {
    ready: Vec<Ready>,
    bodies: Vec<Body>,
    bodies_len: u64,
    summaries_len: usize,
}

impl Page {
    fn push(&mut self, message: Brought, now: Timestamp) {
        let Brought { body, header, flags, received_at, uid, unique_id, source_key } = message;
        let row = Row {
            uid: Uid(0),
            modseq: ModSeq(0),
            flags,
            size: body.len,
            received_at,
            saved_at: now,
            blob: body.id,
            prefix_len: 0,
            has_unique_id: false,
        };
        let cold = cold::encode(b"", &summary::encode(&header));
        let wish = uid.filter(|uid| uid.0 <= UID_MAX).unwrap_or_default();
        self.bodies_len += body.len;
        self.summaries_len += cold.len();
        self.bodies.push(body);
        self.ready.push(Ready { row, cold, wish, unique_id, source_key });
    }

    fn is_full(&self) -> bool {
        self.ready.len() >= MESSAGES_MAX
            || self.bodies_len >= BODIES_MAX
            || self.summaries_len >= SUMMARIES_MAX
    }
}

fn before_uid(mailbox: MailboxId) -> Vec<u8> {
    let mut octets = vec![VERSION];
    octets.extend_from_slice(&mailbox.0.to_be_bytes());
    octets
}

fn decode(record: &[u8]) -> Option<(MailboxId, Uid)> {
    let mut reader = Reader(record);
    if reader.u8()? != VERSION {
        return None;
    }
    let mailbox = MailboxId(reader.u32()?);
    Some((mailbox, Uid(u32::try_from(reader.u64()?).ok()?)))
}

fn tell(
    mailbox: MailboxId,
    ready: &[Ready],
    places: &[Place],
    receipt: Option<&Receipt>,
) -> Vec<BroughtAs> {
    let mut told: Vec<BroughtAs> = Vec::with_capacity(places.len());
    for (one, place) in ready.iter().zip(places) {
        let repeated =
            |mailbox, uid| BroughtAs { mailbox, uid, is_repeated: true, lost_unique_id: false };
        told.push(match place {
            Place::Before(mailbox, uid) => repeated(*mailbox, *uid),
            Place::Like(nth) => repeated(mailbox, told.get(*nth).map_or(Uid(0), |t| t.uid)),
            Place::Now(filed, wanted) => {
                let uid = receipt.map_or(Uid(0), |receipt| receipt.uid(*filed));
                let lost_unique_id = match wanted {
                    Wanted::Nothing => one.unique_id.is_some(),
                    Wanted::Record(_) => false,
                    Wanted::WithUid(wanted) => *wanted != uid,
                };
                BroughtAs { mailbox, uid, is_repeated: false, lost_unique_id }
            }
        });
    }
    told
}
