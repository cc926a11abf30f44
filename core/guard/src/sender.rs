//! How much each account sends: counted in the commits that take its messages, so that neither a kill
//! nor a start forgets it.

use core_store::{Batch, Key, Scan, Store, StoreError};
use std::sync::Arc;
use words_base::Timestamp;
use words_mail::AccountId;

const PREFIX: &[u8; 2] = b"gs";
const HOUR: i64 = 60 * 60;
/// Hours that count.
const HOURS: i64 = 24;
/// Rows that one page of [`SenderBook::tidy`] looks at.
const PAGE: usize = 500;

/// How much an account may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderLimits {
    /// Recipients in an hour, this one and no whole one.
    pub hour: u64,
    /// Recipients in the last 24 hours.
    pub day: u64,
}

impl Default for SenderLimits {
    /// A circular to all members of an association passes; a stolen password is noticed within
    /// minutes.
    fn default() -> SenderLimits {
        SenderLimits { hour: 500, day: 2_000 }
    }
}

/// What an account has sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Recipients since the hour began.
    pub hour: u64,
    /// Recipients in this hour and the 23 before it.
    pub day: u64,
}

/// May it send to so many more?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// Yes.
    Yes,
    /// Not in this hour.
    NotThisHour,
    /// Not today.
    NotToday,
}

impl SenderLimits {
    /// May one who has sent so much send to `more`?
    pub fn allow(&self, sent: Sent, more: u64) -> Allowed {
        match () {
            () if sent.day.saturating_add(more) > self.day => Allowed::NotToday,
            () if sent.hour.saturating_add(more) > self.hour => Allowed::NotThisHour,
            () => Allowed::Yes,
        }
    }
}

/// What everybody has sent of late.
#[derive(Clone)]
pub struct SenderBook {
    store: Arc<dyn Store>,
}

impl SenderBook {
    /// The one in `store`.
    pub fn new(store: Arc<dyn Store>) -> SenderBook {
        SenderBook { store }
    }

    /// Counts a message to so many recipients, in the commit that takes it. Two that count at once do
    /// not hinder each other.
    pub fn count(batch: &mut Batch, account: AccountId, recipients: u64, now: Timestamp) {
        let recipients = i64::try_from(recipients).unwrap_or(i64::MAX);
        batch.add(key(account, hour(now)), &[1, recipients]);
    }

    /// What `account` has sent.
    pub async fn sent(&self, account: AccountId, now: Timestamp) -> Result<Sent, StoreError> {
        let this = hour(now);
        let first = this.saturating_sub(HOURS - 1);
        let range = key(account, first)..key(account, this + 1);
        let page = self.store.snapshot().await?.scan(Scan::rising(range)).await?;
        let mut sent = Sent::default();
        for (key, value) in &page.pairs {
            let recipients = number(value.get(8..16));
            sent.day = sent.day.saturating_add(recipients);
            if number_of_hour(key) == Some(this) {
                sent.hour = recipients;
            }
        }
        Ok(sent)
    }

    /// Removes a page of what no longer counts; `None` when all were looked at, else where to go on.
    pub async fn tidy(&self, from: Option<Key>, now: Timestamp) -> Result<Option<Key>, StoreError> {
        let all = Scan::prefix(PREFIX);
        let range = from.unwrap_or(all.start)..all.end;
        let page = self.store.snapshot().await?.scan(Scan::rising(range).at_most(PAGE)).await?;
        let mut batch = Batch::new();
        for (key, _) in &page.pairs {
            if number_of_hour(key).is_none_or(|then| then <= hour(now) - HOURS) {
                batch.delete(key.clone());
            }
        }
        if !batch.operations.is_empty() {
            self.store.commit(batch).await?;
        }
        Ok(page.rest.map(|rest| rest.start))
    }
}

/// Hours since 1970; before then, none.
fn hour(now: Timestamp) -> i64 {
    now.seconds().div_euclid(HOUR).clamp(0, i64::from(u32::MAX) - 1)
}

fn key(account: AccountId, hour: i64) -> Key {
    let hour = u32::try_from(hour.max(0)).unwrap_or(u32::MAX);
    [&PREFIX[..], &account.0.to_be_bytes(), &hour.to_be_bytes()].concat().into()
}

fn number_of_hour(key: &[u8]) -> Option<i64> {
    let octets: [u8; 4] = key.get(6..10)?.try_into().ok()?;
    Some(i64::from(u32::from_be_bytes(octets)))
}

/// One number of a sum; a negative one is none.
fn number(octets: Option<&[u8]>) -> u64 {
    let octets = octets.and_then(|octets| octets.try_into().ok());
    octets.map(i64::from_le_bytes).and_then(|number| u64::try_from(number).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use core_store::MemoryStore;
    use std::time::Duration;

    const ANA: AccountId = AccountId(1);
    const BOB: AccountId = AccountId(2);

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_seconds(1_000_000 * HOUR + hours * HOUR)
    }

    async fn send(store: &Arc<MemoryStore>, account: AccountId, recipients: u64, hours: i64) {
        let mut batch = Batch::new();
        SenderBook::count(&mut batch, account, recipients, at(hours));
        store.commit(batch).await.unwrap();
    }

    #[tokio::test]
    async fn what_was_sent_counts_for_a_day() {
        let store = Arc::new(MemoryStore::default());
        let book = SenderBook::new(store.clone());
        for (recipients, hours) in [(3, 0), (4, 0), (5, 10), (1, 23)] {
            send(&store, ANA, recipients, hours).await;
        }
        send(&store, BOB, 100, 23).await;
        let sent = |hours| book.sent(ANA, at(hours));
        assert_eq!(sent(0).await.unwrap(), Sent { hour: 7, day: 7 });
        assert_eq!(sent(23).await.unwrap(), Sent { hour: 1, day: 13 });
        let later = at(23) + Duration::from_secs(3599);
        assert_eq!(book.sent(ANA, later).await.unwrap(), Sent { hour: 1, day: 13 });
        assert_eq!(sent(24).await.unwrap(), Sent { hour: 0, day: 6 });
        assert_eq!(sent(99).await.unwrap(), Sent::default());
    }

    #[tokio::test]
    async fn what_counts_no_more_is_removed() {
        let store = Arc::new(MemoryStore::default());
        let book = SenderBook::new(store.clone());
        for account in 0..600 {
            send(&store, AccountId(account), 1, 0).await;
            send(&store, AccountId(account), 1, 30).await;
        }
        let mut from = None;
        loop {
            from = book.tidy(from, at(30)).await.unwrap();
            if from.is_none() {
                break;
            }
        }
        let snapshot = store.snapshot().await.unwrap();
        let scan = Scan::rising(Scan::prefix(PREFIX)).at_most(10_000);
        assert_eq!(snapshot.scan(scan).await.unwrap().pairs.len(), 600);
    }

    #[test]
    fn both_limits_hold() {
        let limits = SenderLimits { hour: 10, day: 20 };
        let allow = |hour, day, more| limits.allow(Sent { hour, day }, more);
        assert_eq!(allow(0, 0, 10), Allowed::Yes);
        assert_eq!(allow(1, 1, 10), Allowed::NotThisHour);
        assert_eq!(allow(0, 15, 6), Allowed::NotToday);
        assert_eq!(allow(u64::MAX, u64::MAX, u64::MAX), Allowed::NotToday);
    }
}
