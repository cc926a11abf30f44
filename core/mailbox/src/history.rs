//! The change log as others read it: what has vanished, what has happened.

use crate::mail::{UNREADABLE, refuse};
use crate::{Event, Mailboxes, Rows, View, key, log, octets};
use core_store::{Key, Scan, Snapshot};
use std::ops::Range;
use std::sync::Arc;
use words_mail::{AccountId, MailboxId, ModSeq, NumberSet, Refusal, Uid};

/// What one commit did, under its number.
pub type Entry = (ModSeq, Vec<Event>);

impl Mailboxes {
    /// The entries of the log after `since`, at most `count_max`, rising. `None` if the log does not
    /// reach back so far: then everything may have changed.
    pub async fn log_since(
        &self,
        since: ModSeq,
        count_max: usize,
    ) -> Result<Option<Vec<Entry>>, Refusal> {
        let account = self.account;
        let Some((snapshot, mut rest)) =
            reach(self.inner.snapshot().await?, account, since).await?
        else {
            return Ok(None);
        };
        let mut log = Vec::new();
        while let Some(range) = rest.take_if(|_| log.len() < count_max) {
            let scan = Scan::rising(range).at_most(count_max - log.len());
            let (entries, more) = entries(&*snapshot, scan).await?;
            log.extend(entries);
            rest = more;
        }
        Ok(Some(log))
    }
}

impl View {
    /// The UIDs expunged after `since` (RFC 7162 §3.2.5.1). `None` if the log does not reach back
    /// so far: then every UID that is not there may have been.
    pub async fn vanished_since(&self, since: ModSeq) -> Result<Option<NumberSet>, Refusal> {
        let snapshot = self.inner.snapshot().await?;
        let Some((snapshot, mut rest)) = reach(snapshot, self.account, since).await? else {
            return Ok(None);
        };
        let mut vanished = NumberSet::new();
        while let Some(range) = rest {
            let (entries, more) = entries(&*snapshot, Scan::rising(range)).await?;
            let events = entries.into_iter().flat_map(|(_, events)| events);
            for uids in events.filter_map(|event| expunged(event, self.mailbox().id)) {
                uids.ranges().iter().for_each(|(first, last)| vanished.insert_range(*first, *last));
            }
            rest = more;
        }
        Ok(Some(vanished))
    }

    /// As [`View::vanished_since`], without those that `rows` still has: what is to be told to one
    /// who was away since then and is now shown `rows`.
    pub async fn vanished_before(
        &self,
        rows: &Rows,
        since: ModSeq,
    ) -> Result<Option<NumberSet>, Refusal> {
        let vanished = self.vanished_since(since).await?;
        Ok(vanished.map(|v| v.iter().filter(|uid| rows.find(Uid(*uid)).is_err()).collect()))
    }
}

/// The UIDs that an event took out of `mailbox`.
fn expunged(event: Event, mailbox: MailboxId) -> Option<NumberSet> {
    match event {
        Event::Expunged(from, uids) if from == mailbox => Some(uids),
        _ => None,
    }
}

/// A moment, and the range of its log that is still to be read, if any is.
type Reach = (Arc<dyn Snapshot>, Option<Range<Key>>);

/// The range of the log after `since`, unless entries of it have been trimmed.
async fn reach(
    snapshot: Arc<dyn Snapshot>,
    account: AccountId,
    since: ModSeq,
) -> Result<Option<Reach>, Refusal> {
    let keys = [key::modseq(account), key::trimmed(account)];
    let values = snapshot.get_many(&keys).await.map_err(refuse)?;
    let [newest, trimmed] =
        [0, 1].map(|i| ModSeq(octets::counter(values.get(i).and_then(Option::as_ref))));
    if trimmed > since {
        return Ok(None);
    }
    let range = (since < newest).then(|| key::log(account, since, newest));
    Ok(Some((snapshot, range)))
}

/// One page of entries, and what is still to be read.
pub(crate) async fn entries(
    snapshot: &dyn Snapshot,
    scan: Scan,
) -> Result<(Vec<Entry>, Option<Range<Key>>), Refusal> {
    let page = snapshot.scan(scan).await.map_err(refuse)?;
    let mut entries = Vec::with_capacity(page.pairs.len());
    for (key, value) in &page.pairs {
        let modseq = key::modseq_of(key).ok_or(UNREADABLE)?;
        entries.push((modseq, log::decode(value).ok_or(UNREADABLE)?));
    }
    Ok((entries, page.rest))
}
