//! Copying and moving: the octets are shared, the records are new.

use crate::draft::{Draft, Filed};
use crate::hot::Record;
use crate::mail::{UNREADABLE, refuse};
use crate::{ATTEMPTS_MAX, Allowance, Mailboxes, Row, View, key};
use core_store::{Key, StoreError, Value};
use words_base::Timestamp;
use words_mail::{MailboxId, NumberSet, Refusal, Uid, UidValidity};

/// Most messages that are copied or moved in one commit.
const COPIED_MAX: usize = 1_000;

/// What copying or moving gave (RFC 4315 COPYUID).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Of the target's UIDs.
    pub uid_validity: UidValidity,
    /// UIDs in the source, rising, and beside each the UID in the target.
    pub uids: Vec<(Uid, Uid)>,
}

/// What becomes of the source.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Stays,
    Leaves,
}

/// From where to where.
#[derive(Clone, Copy)]
struct Way {
    from: MailboxId,
    to: MailboxId,
    source: Source,
}

impl Mailboxes {
    /// Copies messages; flags and dates go along, octets are shared. If not all can be copied, none
    /// is.
    pub async fn copy(
        &self,
        from: &View,
        uids: &NumberSet,
        to: MailboxId,
    ) -> Result<Copied, Refusal> {
        self.copy_within(from, uids, to, Allowance::UNLIMITED).await
    }

    /// As [`Mailboxes::copy`], if the account then keeps no more than it may: else `MailboxFull`.
    pub async fn copy_within(
        &self,
        from: &View,
        uids: &NumberSet,
        to: MailboxId,
        allowance: Allowance,
    ) -> Result<Copied, Refusal> {
        let _turn = from.turn.lock().await;
        let rows = from.refresh().await?;
        let uids = rows.uids_in(uids);
        let sizes = uids.iter().filter_map(|uid| rows.get(rows.find(*uid).ok()?)).map(|r| r.size);
        self.check_allowance(&allowance, sizes).await?;
        let way = Way { from: from.mailbox().id, to, source: Source::Stays };
        let mut copied = Vec::new();
        let outcome = self.transfer(way, &uids, &mut copied).await;
        if outcome.is_err() && !copied.is_empty() {
            let made: Vec<Uid> = copied.iter().map(|(_, made)| *made).collect();
            // Where even this fails the client is told so anyway, and finds the copies.
            let _ = self.undo(to, &made).await;
        }
        outcome.map(|uid_validity| Copied { uid_validity, uids: copied })
    }

    /// Moves messages (RFC 6851): each is in one place or the other, never in both or none.
    pub async fn move_to(
        &self,
        from: &View,
        uids: &NumberSet,
        to: MailboxId,
    ) -> Result<Copied, Refusal> {
        let _turn = from.turn.lock().await;
        let uids = from.refresh().await?.uids_in(uids);
        let way = Way { from: from.mailbox().id, to, source: Source::Leaves };
        let mut moved = Vec::new();
        let uid_validity = self.transfer(way, &uids, &mut moved).await?;
        Ok(Copied { uid_validity, uids: moved })
    }

    /// Page by page; what is done when an error comes stands in `done`.
    async fn transfer(
        &self,
        way: Way,
        uids: &[Uid],
        done: &mut Vec<(Uid, Uid)>,
    ) -> Result<UidValidity, Refusal> {
        let mut uid_validity = self.inner.target(self.account, way.to).await?.1.uid_validity;
        let mut rest = uids;
        while !rest.is_empty() {
            let page = &rest[..rest.len().min(COPIED_MAX)];
            let count = self.transfer_page(way, page, done, &mut uid_validity).await?;
            rest = &rest[count..];
        }
        Ok(uid_validity)
    }

    /// Copies or moves as many of `uids` as fit into one commit; tells how many were dealt with.
    async fn transfer_page(
        &self,
        way: Way,
        uids: &[Uid],
        done: &mut Vec<(Uid, Uid)>,
        uid_validity: &mut UidValidity,
    ) -> Result<usize, Refusal> {
        let now = self.inner.world.clock.now();
        for _ in 0..ATTEMPTS_MAX {
            let (octets, target) = self.inner.target(self.account, way.to).await?;
            let messages = self.messages(way.from, uids).await?;
            let mut draft = Draft::new();
            let mut filed: Vec<(Uid, Filed)> = Vec::new();
            let mut count = 0;
            draft.expect(key::mailbox(self.account, way.to), octets);
            for message in messages {
                if draft.is_full() {
                    break;
                }
                count += 1;
                if let Some((record, cold)) = message {
                    let to = self.draft_transfer(&mut draft, way, &record, &cold, now);
                    filed.push((record.row.uid, to));
                }
            }
            if filed.is_empty() {
                return Ok(count);
            }
            match draft.commit(&self.inner).await {
                Ok(receipt) => {
                    *uid_validity = target.uid_validity;
                    done.extend(filed.iter().map(|(uid, to)| (*uid, receipt.uid(*to))));
                    return Ok(count);
                }
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(refuse(error)),
            }
        }
        Err(Refusal::Unavailable)
    }

    fn draft_transfer(
        &self,
        draft: &mut Draft,
        way: Way,
        record: &Record,
        cold: &Value,
        now: Timestamp,
    ) -> Filed {
        match way.source {
            Source::Leaves => {
                draft.expunge(self.account, way.from, record);
                draft.erase(self.account, way.from, record);
            }
            Source::Stays => {
                // As long as the source holds the octets, the copy may hold them too.
                let hot = key::hot(self.account, way.from, record.row.uid);
                draft.expect(hot, record.octets.clone());
                draft.hold(record.row.blob);
            }
        }
        // A unique id is one message's alone (RFC 1939 §7), so it stays behind.
        let row = Row { saved_at: now, has_unique_id: false, ..record.row.clone() };
        draft.file(self.account, way.to, &row, cold)
    }

    /// Hot and cold records, as of one moment, in the order of `uids`; `None` where one is gone.
    async fn messages(
        &self,
        mailbox: MailboxId,
        uids: &[Uid],
    ) -> Result<Vec<Option<(Record, Value)>>, Refusal> {
        // Cold ones first: a message that is in the second reading was there in the first too, and
        // its cold record never changes.
        let keys: Vec<Key> =
            uids.iter().map(|uid| key::cold(self.account, mailbox, *uid)).collect();
        let colds = self.inner.get_list(&keys).await?;
        let records = self.inner.records(self.account, mailbox, uids).await?;
        let mut messages = Vec::with_capacity(uids.len());
        for (record, cold) in records.into_iter().zip(colds) {
            messages.push(match record {
                Some(record) => Some((record, cold.ok_or(UNREADABLE)?)),
                None => None,
            });
        }
        Ok(messages)
    }
}
