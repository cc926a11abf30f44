//! Expunged messages: what there is, and back with it.

use crate::cold;
use crate::draft::Draft;
use crate::expunged::{Expunged, ExpungedId, Relic};
use crate::hot::Keywords;
use crate::mail::{UNREADABLE, refuse};
use crate::query::Glance;
use crate::{ATTEMPTS_MAX, Mailboxes, Query, Row, Usage, key};
use core_store::{Key, Scan, StoreError, Value};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use words_base::Timestamp;
use words_mail::{Flags, MailboxId, MailboxName, Refusal, SystemFlag, Uid};

/// Most messages that come back in one commit.
const RECOVERED_MAX: usize = 500;
/// Records that are looked at at once.
const PAGE: usize = 500;

/// Which expunged messages are meant.
#[derive(Clone, Debug)]
pub struct ExpungedFilter {
    /// Expunged in this time.
    pub expunged_at: Range<Timestamp>,
    /// From a mailbox that was called so.
    pub mailbox: Option<MailboxName>,
    /// Asked of what is known without reading the message: its row and its summary.
    pub query: Query,
}

impl Mailboxes {
    /// What the account keeps of expunged messages; it does not count as mail.
    pub async fn expunged_usage(&self) -> Result<Usage, Refusal> {
        self.inner.kept(self.account).await
    }

    /// The expunged messages that can be recovered, those expunged first at the front: some of those
    /// after `after`, and what to go on after, if there may be more. Errors: `Limit` if the query has
    /// too many texts.
    pub async fn expunged(
        &self,
        filter: &ExpungedFilter,
        after: Option<ExpungedId>,
    ) -> Result<(Vec<Expunged>, Option<ExpungedId>), Refusal> {
        let glance = Glance::new(&filter.query)?;
        let mut range = key::expunged_in(self.account, &filter.expunged_at);
        if let Some(after) = after {
            range.start = range.start.max(key::expunged_after(self.account, after));
        }
        if range.start >= range.end {
            return Ok((Vec::new(), None));
        }
        let page = self.inner.scan(Scan::rising(range).at_most(PAGE)).await?;
        let mut keywords = Keywords::default();
        let mut relics = Vec::with_capacity(page.pairs.len());
        for (key, octets) in page.pairs {
            relics.push(Relic::read(&key, octets, &mut keywords)?);
        }
        let next = page.rest.and_then(|_| relics.last().map(|relic| relic.id));
        relics.retain(|relic| filter.mailbox.as_ref().is_none_or(|name| *name == relic.name));
        let mut found = Vec::new();
        for (relic, cold) in self.with_colds(relics).await? {
            // One that has just gone is no longer there.
            let Some(cold) = cold else { continue };
            let (_, summary) = cold::decode(&cold).ok_or(UNREADABLE)?;
            if glance.finds(&relic.row, &summary) {
                let Relic { id, name, row, .. } = relic;
                found.push(Expunged { id, mailbox: name, row, summary });
            }
        }
        Ok((found, next))
    }

    async fn with_colds(
        &self,
        relics: Vec<Relic>,
    ) -> Result<impl Iterator<Item = (Relic, Option<Value>)> + use<>, Refusal> {
        let cold = |relic: &Relic| key::cold(self.account, relic.id.mailbox, relic.id.uid);
        let keys: Vec<Key> = relics.iter().map(cold).collect();
        Ok(relics.into_iter().zip(self.inner.get_list(&keys).await?))
    }

    /// Brings expunged messages back, with the flags (but `\Deleted`) and dates they had, into the
    /// mailbox `to`, or else each into the one it was in, by whatever name, or one of its name; made
    /// anew if there is none. Tells where each is now: `None` if it is no longer kept, or was
    /// brought back before. Quotas are not asked.
    pub async fn recover(
        &self,
        ids: &[ExpungedId],
        to: Option<&MailboxName>,
    ) -> Result<Vec<Option<(MailboxId, Uid)>>, Refusal> {
        let mut told = Vec::with_capacity(ids.len());
        for page in ids.chunks(RECOVERED_MAX) {
            self.recover_page(page, to, &mut told).await?;
        }
        Ok(told)
    }

    /// One commit, or more where limits demand it.
    async fn recover_page(
        &self,
        ids: &[ExpungedId],
        to: Option<&MailboxName>,
        told: &mut Vec<Option<(MailboxId, Uid)>>,
    ) -> Result<(), Refusal> {
        let mut rest = ids;
        let mut attempts = 0;
        let mut deleted = Flags::new();
        deleted.insert(SystemFlag::Deleted);
        while !rest.is_empty() {
            let now = self.inner.world.clock.now();
            let relics = self.relics(rest).await?;
            let mut targets = Targets::default();
            let mut draft = Draft::new();
            let mut placed = Vec::new();
            for relic in relics {
                if draft.is_full() {
                    break;
                }
                let Some((relic, cold)) = relic else {
                    placed.push(None);
                    continue;
                };
                let target = targets.of(self, &relic, to, &mut draft).await?;
                let mut row = Row { saved_at: now, has_unique_id: false, ..relic.row.clone() };
                row.flags.remove(&deleted);
                draft.take_relic(self.account, &relic);
                placed.push(Some((target, draft.file(self.account, target, &row, &cold))));
            }
            let receipt = match draft.is_empty() {
                true => None,
                false => match draft.commit(&self.inner).await {
                    Ok(receipt) => Some(receipt),
                    Err(StoreError::Conflict { .. }) if attempts < ATTEMPTS_MAX => {
                        attempts += 1;
                        continue;
                    }
                    Err(error) => return Err(refuse(error)),
                },
            };
            rest = &rest[placed.len()..];
            let place = |(mailbox, filed)| {
                let uid = receipt.as_ref().map_or(Uid(0), |receipt| receipt.uid(filed));
                (mailbox, uid)
            };
            told.extend(placed.into_iter().map(|placed| placed.map(place)));
        }
        Ok(())
    }

    /// What is kept of these messages, each once; `None` where nothing is.
    async fn relics(&self, ids: &[ExpungedId]) -> Result<Vec<Option<(Relic, Value)>>, Refusal> {
        let keys: Vec<Key> = ids.iter().map(|id| key::expunged(self.account, *id)).collect();
        let records = self.inner.get_list(&keys).await?;
        let mut keywords = Keywords::default();
        let mut relics = Vec::with_capacity(ids.len());
        let mut places = vec![None; ids.len()];
        let mut seen = HashSet::new();
        for (nth, (key, octets)) in keys.iter().zip(records).enumerate() {
            if let Some(octets) = octets
                && seen.insert(ids[nth])
            {
                places[nth] = Some(relics.len());
                relics.push(Relic::read(key, octets, &mut keywords)?);
            }
        }
        let mut found: Vec<_> = self.with_colds(relics).await?.map(Some).collect();
        let take = |place: Option<usize>| {
            let (relic, cold) = found.get_mut(place?)?.take()?;
            // It has just gone: nothing is kept of it any more.
            Some((relic, cold?))
        };
        Ok(places.into_iter().map(take).collect())
    }

    /// Gives up expunged messages for good, before their time.
    pub async fn forget_expunged(&self, ids: &[ExpungedId]) -> Result<u64, Refusal> {
        let mut count = 0;
        for page in ids.chunks(RECOVERED_MAX) {
            count += self.forget_page(page).await?;
        }
        Ok(count)
    }

    async fn forget_page(&self, ids: &[ExpungedId]) -> Result<u64, Refusal> {
        for _ in 0..ATTEMPTS_MAX {
            let mut draft = Draft::new();
            let mut count = 0;
            for (relic, _) in self.relics(ids).await?.into_iter().flatten() {
                draft.release(relic.row.blob);
                draft.take_relic(self.account, &relic);
                count += 1;
            }
            if self.inner.done(draft).await? {
                return Ok(count);
            }
        }
        Err(Refusal::Unavailable)
    }
}

/// The mailboxes that messages come back into.
#[derive(Default)]
struct Targets {
    known: HashMap<(MailboxId, MailboxName), MailboxId>,
    expected: HashSet<MailboxId>,
}

impl Targets {
    /// Where a message comes back, found or made; the draft conflicts if that goes meanwhile.
    async fn of(
        &mut self,
        mailboxes: &Mailboxes,
        relic: &Relic,
        to: Option<&MailboxName>,
        draft: &mut Draft,
    ) -> Result<MailboxId, Refusal> {
        let was = (relic.id.mailbox, relic.name.clone());
        if let Some(known) = self.known.get(&was) {
            return Ok(*known);
        }
        let target = mailboxes.place_for(&was, to).await?;
        let (octets, _) = mailboxes.inner.target(mailboxes.account, target).await?;
        if self.expected.insert(target) {
            draft.expect(key::mailbox(mailboxes.account, target), octets);
        }
        self.known.insert(was, target);
        Ok(target)
    }
}

impl Mailboxes {
    async fn place_for(
        &self,
        (mailbox, name): &(MailboxId, MailboxName),
        to: Option<&MailboxName>,
    ) -> Result<MailboxId, Refusal> {
        let is_there = self.inner.get(&key::mailbox(self.account, *mailbox)).await?.is_some();
        if to.is_none() && is_there {
            return Ok(*mailbox);
        }
        let name = to.unwrap_or(name);
        match self.create(name, None).await {
            Ok(made) => Ok(made.id),
            Err(Refusal::MailboxExists) => Ok(self.find(name).await?.id),
            Err(refusal) => Err(refusal),
        }
    }
}
