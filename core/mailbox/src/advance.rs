//! How a view keeps up: it is loaded once, and then follows the change log.

use crate::hot::{self, Keywords};
use crate::mail::{UNREADABLE, refuse};
use crate::view::Progress;
use crate::{Event, Row, Rows, View, history, key, octets};
use core_store::{Key, Scan, Snapshot, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use words_mail::{ModSeq, NumberSet, Refusal, Uid};

/// More unread entries than this, and loading anew costs less than reading them.
const REPLAY_MAX: u64 = 20_000;
/// Hot records of one page while loading.
const PAGE_COUNT: usize = 8_000;
/// Octets of one page while loading.
const PAGE_BYTES: usize = 1 << 20;
/// Records looked up at once while following the log.
const LOOKUP_MAX: usize = 1_000;

/// What the unread part of the log says of one mailbox.
#[derive(Default)]
struct Unread {
    /// Messages whose records are to be read: new ones, and ones with other flags.
    dirty: NumberSet,
    expunged: NumberSet,
    /// The last entry that concerns the mailbox.
    highest_modseq: ModSeq,
    /// The last UID that came.
    uid_last: Uid,
    /// Was the mailbox itself changed?
    altered: bool,
}

impl View {
    /// The rows as of now, made of `rows`, which are as of `progress`.
    pub(crate) async fn advance(
        &self,
        progress: &mut Progress,
        rows: Rows,
    ) -> Result<Rows, Refusal> {
        let known = progress.seen.map(|seen| (rows, seen));
        let fresh = known.is_none();
        let (mut rows, mut seen) = match known {
            Some(known) => known,
            None => self.load(progress).await?,
        };
        let (mut snapshot, mut newest) = self.newest().await?;
        if !fresh && self.is_beyond_reach(&*snapshot, seen, newest).await? {
            (rows, seen) = self.load(progress).await?;
            (snapshot, newest) = self.newest().await?;
        }
        if newest > seen {
            rows = self.replay(&*snapshot, progress, rows, seen, newest).await?;
        }
        progress.seen = Some(newest.max(seen));
        Ok(rows)
    }

    /// This moment, and the newest number in the account's log.
    async fn newest(&self) -> Result<(Arc<dyn Snapshot>, ModSeq), Refusal> {
        let snapshot = self.inner.snapshot().await?;
        let newest = snapshot.get(&key::modseq(self.account)).await.map_err(refuse)?;
        Ok((snapshot, ModSeq(octets::counter(newest.as_ref()))))
    }

    /// Can the unread entries not be read, or only at greater cost than loading anew?
    async fn is_beyond_reach(
        &self,
        snapshot: &dyn Snapshot,
        seen: ModSeq,
        newest: ModSeq,
    ) -> Result<bool, Refusal> {
        if newest == seen {
            return Ok(false);
        }
        // The counter never falls; if it has, the account was removed.
        if newest < seen || newest.0 - seen.0 > REPLAY_MAX {
            return Ok(true);
        }
        let trimmed = snapshot.get(&key::trimmed(self.account)).await.map_err(refuse)?;
        Ok(octets::counter(trimmed.as_ref()) > seen.0)
    }

    /// Reads every hot record, page by page. Pages may be of different moments; the number that is
    /// given back is from before the first, and what came after it is then read from the log, which
    /// does no harm where a page has it already.
    async fn load(&self, progress: &mut Progress) -> Result<(Rows, ModSeq), Refusal> {
        let (account, mailbox) = (self.account, self.mailbox().id);
        let keys = [
            key::mailbox(account, mailbox),
            key::modseq(account),
            key::highest_modseq(account, mailbox),
            key::last_uid(account, mailbox),
        ];
        let [there, newest, highest, last_uid] = self.inner.get_many(keys).await?;
        if there.is_none() {
            progress.removed = true;
            return Err(Refusal::NoSuchMailbox);
        }
        let mut rows = Vec::new();
        let mut rest = Some(key::hots(account, mailbox));
        while let Some(range) = rest {
            let scan = Scan { bytes_max: PAGE_BYTES, ..Scan::rising(range).at_most(PAGE_COUNT) };
            let page = self.inner.scan(scan).await?;
            rows.reserve(page.pairs.len());
            for (key, value) in &page.pairs {
                rows.push(read_row(key, value, &mut progress.keywords)?);
            }
            rest = page.rest;
        }
        let uid_last = Uid(u32::try_from(octets::counter(last_uid.as_ref())).unwrap_or(u32::MAX));
        let highest_modseq = ModSeq(octets::counter(highest.as_ref()));
        let rows = Rows::from_rows(rows, uid_last, highest_modseq);
        Ok((rows, ModSeq(octets::counter(newest.as_ref()))))
    }

    /// Reads the log from `seen` on and then the records that it names, all as of `snapshot`.
    async fn replay(
        &self,
        snapshot: &dyn Snapshot,
        progress: &mut Progress,
        rows: Rows,
        seen: ModSeq,
        newest: ModSeq,
    ) -> Result<Rows, Refusal> {
        let mut unread = self.unread(snapshot, seen, newest).await?;
        if unread.altered {
            let (account, mailbox) = (self.account, self.mailbox().id);
            if snapshot.get(&key::mailbox(account, mailbox)).await.map_err(refuse)?.is_none() {
                progress.removed = true;
                return Err(Refusal::NoSuchMailbox);
            }
            // UIDNEXT may have been raised without a message (see `adopt`).
            let last_uid = snapshot.get(&key::last_uid(account, mailbox)).await.map_err(refuse)?;
            let last_uid = u32::try_from(octets::counter(last_uid.as_ref())).unwrap_or(u32::MAX);
            unread.uid_last = unread.uid_last.max(Uid(last_uid));
        }
        if unread.highest_modseq == ModSeq(0) {
            let is_raised = unread.uid_last >= rows.uid_next();
            let highest = rows.highest_modseq();
            return Ok(match is_raised {
                true => rows.with(BTreeMap::new(), unread.uid_last, highest),
                false => rows,
            });
        }
        let changes = self.changed_rows(snapshot, progress, &unread).await?;
        Ok(rows.with(changes, unread.uid_last, unread.highest_modseq))
    }

    async fn unread(
        &self,
        snapshot: &dyn Snapshot,
        seen: ModSeq,
        newest: ModSeq,
    ) -> Result<Unread, Refusal> {
        let mut unread = Unread::default();
        let mut rest = (seen < newest).then(|| key::log(self.account, seen, newest));
        while let Some(range) = rest {
            let (entries, more) = history::entries(snapshot, Scan::rising(range)).await?;
            for (modseq, events) in entries {
                events.into_iter().for_each(|event| self.note(&mut unread, modseq, event));
            }
            rest = more;
        }
        Ok(unread)
    }

    fn note(&self, unread: &mut Unread, modseq: ModSeq, event: Event) {
        let ours = self.mailbox().id;
        match event {
            Event::Arrived(mailbox, uids) if mailbox == ours => {
                unread.uid_last = Uid(uids.last().unwrap_or(0)).max(unread.uid_last);
                insert_all(&mut unread.dirty, &uids);
            }
            Event::Flags(mailbox, uids) if mailbox == ours => insert_all(&mut unread.dirty, &uids),
            Event::Expunged(mailbox, uids) if mailbox == ours => {
                insert_all(&mut unread.expunged, &uids);
            }
            Event::Mailbox(mailbox) if mailbox == ours => {
                unread.altered = true;
                return;
            }
            _ => return,
        }
        unread.highest_modseq = modseq;
    }

    async fn changed_rows(
        &self,
        snapshot: &dyn Snapshot,
        progress: &mut Progress,
        unread: &Unread,
    ) -> Result<BTreeMap<Uid, Option<Row>>, Refusal> {
        let mut changes: BTreeMap<Uid, Option<Row>> = BTreeMap::new();
        changes.extend(unread.expunged.iter().map(|uid| (Uid(uid), None)));
        // A UID never returns: what was expunged need not be looked up.
        let dirty: Vec<Uid> =
            unread.dirty.iter().filter(|uid| !unread.expunged.contains(*uid)).map(Uid).collect();
        for uids in dirty.chunks(LOOKUP_MAX) {
            let keys: Vec<Key> =
                uids.iter().map(|uid| key::hot(self.account, self.mailbox().id, *uid)).collect();
            let values = snapshot.get_many(&keys).await.map_err(refuse)?;
            for (uid, value) in uids.iter().zip(values) {
                let row = match value {
                    Some(value) => {
                        Some(hot::decode(*uid, &value, &mut progress.keywords).ok_or(UNREADABLE)?)
                    }
                    None => None,
                };
                changes.insert(*uid, row);
            }
        }
        Ok(changes)
    }
}

fn read_row(key: &Key, value: &Value, keywords: &mut Keywords) -> Result<Row, Refusal> {
    let uid = key::uid_of(key).ok_or(UNREADABLE)?;
    hot::decode(uid, value, keywords).ok_or(UNREADABLE)
}

fn insert_all(set: &mut NumberSet, more: &NumberSet) {
    more.ranges().iter().for_each(|(first, last)| set.insert_range(*first, *last));
}
