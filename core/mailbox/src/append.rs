//! Filing what a client hands over.

use crate::draft::{Draft, Filed, spare};
use crate::mail::{Inner, UNREADABLE, Usage, refuse};
use crate::name::Numbered;
use crate::{ATTEMPTS_MAX, Allowance, Mailboxes, Row, cold, count, key, summary};
use bytes::Bytes;
use core_store::{Body, StoreError, Value};
use words_base::Timestamp;
use words_mail::{AccountId, Flags, MailboxId, ModSeq, Refusal, Uid, UidValidity};

/// A message that is to be filed.
#[derive(Debug)]
pub struct Arrival {
    /// Its octets.
    pub body: Body,
    /// Its header section (what [`words_message`] collected of it), for the summary kept beside.
    pub header: Bytes,
    /// Flags it starts with.
    pub flags: Flags,
    /// INTERNALDATE.
    pub received_at: Timestamp,
}

/// What filing gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Of the UIDs.
    pub uid_validity: UidValidity,
    /// In the order of the arrivals; rising and without gaps.
    pub uids: Vec<Uid>,
    /// The number of the change.
    pub modseq: ModSeq,
}

/// An arrival made ready for a batch.
struct Ready {
    row: Row,
    cold: Bytes,
}

impl Mailboxes {
    /// Files messages, all or none, durably, without a limit on what the account keeps.
    /// Errors: `NoSuchMailbox`, `TooLarge`, `Limit` (too many at once), `Unavailable`.
    pub async fn append(
        &self,
        mailbox: MailboxId,
        arrivals: Vec<Arrival>,
    ) -> Result<Appended, Refusal> {
        self.append_within(mailbox, arrivals, Allowance::UNLIMITED).await
    }

    /// As [`Mailboxes::append`], if the account then keeps no more than it may: else `MailboxFull`.
    pub async fn append_within(
        &self,
        mailbox: MailboxId,
        arrivals: Vec<Arrival>,
        allowance: Allowance,
    ) -> Result<Appended, Refusal> {
        let size_max = self.inner.options.size_max;
        if arrivals.iter().any(|a| a.body.len > size_max) {
            return Err(Refusal::TooLarge { size_max });
        }
        let ready: Vec<Ready> = arrivals.iter().map(|a| self.ready(a)).collect();
        let mut bodies: Vec<Body> = arrivals.into_iter().map(|a| a.body).collect();
        for _ in 0..ATTEMPTS_MAX {
            let (octets, target) = self.inner.target(self.account, mailbox).await?;
            self.check_allowance(&allowance, ready.iter().map(|r| r.row.size)).await?;
            if ready.is_empty() {
                return self.nothing_appended(target.uid_validity).await;
            }
            let spares: Option<Vec<Body>> = bodies.iter().map(spare).collect();
            let (draft, filed) = self.append_draft((mailbox, octets), &ready, bodies)?;
            match draft.commit(&self.inner).await {
                Ok(receipt) => {
                    let uids = filed.iter().map(|f| receipt.uid(*f)).collect();
                    let modseq = filed.first().map_or(ModSeq(0), |f| receipt.modseq(*f));
                    return Ok(Appended { uid_validity: target.uid_validity, uids, modseq });
                }
                // A body that an engine has spilled can be offered once only.
                Err(StoreError::Conflict { .. }) => bodies = spares.ok_or(Refusal::Unavailable)?,
                Err(error) => return Err(refuse(error)),
            }
        }
        Err(Refusal::Unavailable)
    }

    fn ready(&self, arrival: &Arrival) -> Ready {
        let row = Row {
            uid: Uid(0),
            modseq: ModSeq(0),
            flags: arrival.flags.clone(),
            size: arrival.body.len,
            received_at: arrival.received_at,
            saved_at: self.inner.world.clock.now(),
            blob: arrival.body.id,
            prefix_len: 0,
            has_unique_id: false,
        };
        Ready { row, cold: cold::encode(b"", &summary::encode(&arrival.header)) }
    }

    fn append_draft(
        &self,
        (mailbox, octets): (MailboxId, Value),
        ready: &[Ready],
        bodies: Vec<Body>,
    ) -> Result<(Draft, Vec<Filed>), Refusal> {
        let mut draft = Draft::new();
        draft.expect(key::mailbox(self.account, mailbox), octets);
        let mut filed = Vec::with_capacity(ready.len());
        for (one, body) in ready.iter().zip(bodies) {
            if draft.is_full() {
                return Err(Refusal::Limit("messages appended at once"));
            }
            filed.push(draft.file(self.account, mailbox, &one.row, &one.cold));
            draft.keep(body, 1);
        }
        Ok((draft, filed))
    }

    async fn nothing_appended(&self, uid_validity: UidValidity) -> Result<Appended, Refusal> {
        let newest = self.inner.get(&key::modseq(self.account)).await?;
        let modseq = ModSeq(crate::octets::counter(newest.as_ref()));
        Ok(Appended { uid_validity, uids: Vec::new(), modseq })
    }

    /// May messages of these sizes come to what the account keeps? Errors: `MailboxFull`.
    pub(crate) async fn check_allowance(
        &self,
        allowance: &Allowance,
        sizes: impl Iterator<Item = u64>,
    ) -> Result<(), Refusal> {
        if allowance.is_unlimited() {
            return Ok(());
        }
        let value = self.inner.get(&key::usage(self.account)).await?;
        let mut more = Usage::default();
        for size in sizes {
            more.bytes = more.bytes.saturating_add(size);
            more.messages += 1;
        }
        allowance.check(count::decode_usage(value.as_ref()), more)
    }
}

impl Inner {
    /// The record of a mailbox that messages are to come into, as it stands and decoded.
    pub(crate) async fn target(
        &self,
        account: AccountId,
        mailbox: MailboxId,
    ) -> Result<(Value, Numbered), Refusal> {
        let octets = self.get(&key::mailbox(account, mailbox)).await?;
        let octets = octets.ok_or(Refusal::NoSuchMailbox)?;
        let numbered = Numbered::decode(&octets).ok_or(UNREADABLE)?;
        Ok((octets, numbered))
    }
}
