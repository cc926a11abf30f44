//! The worker: writes results down, and tells yesterday's to those who want to know.

use crate::policies::Policies;
use crate::tallies::{self, day};
use crate::{key, mail, record};
use core_queue::Homeward;
use core_store::{Batch, Key, Scan, StoreError};
use core_world::{Fetch, Reach};
use rules_transport::report::Tally;
use rules_transport::{ReportTo, report_to};
use std::time::Duration;
use words_base::Timestamp;
use words_mail::{Address, Refusal};

/// Results are written down so often.
const WRITE_EVERY: Duration = Duration::from_secs(60);
/// Behind midnight so much time passes at most before a report is sent: if all reported at once, the
/// large ones would be buried (RFC 8460 §4.2).
const SPREAD: Duration = Duration::from_secs(4 * 3600);
/// A report that cannot be sent is tried again after that,
const RETRY_AFTER: Duration = Duration::from_secs(15 * 60);
/// and dropped when it is so many days old.
const DAYS_MAX: u32 = 3;
/// So long a web server may take to accept a report.
const POST_TIME: Duration = Duration::from_secs(60);
/// The longest answer to a report that is read.
const ANSWER_MAX: usize = 64 * 1024;

/// What a unit of work came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// There is more to do at once.
    Again,
    /// Nothing to do before this.
    IdleUntil(Timestamp),
}

impl Policies {
    /// One small unit: writes results down, or reports on one domain and day. Called again and again by
    /// one worker; after an error some time later. Reports go out by `home`, as mail without a
    /// reverse-path.
    pub async fn work(&self, home: &dyn Homeward, now: Timestamp) -> Result<Work, StoreError> {
        if self.write_results().await? {
            return Ok(Work::Again);
        }
        let due = now.millis() - i64::try_from(self.spread().as_millis()).unwrap_or(0);
        let before = day(Timestamp::from_millis(due));
        let snapshot = self.store.snapshot().await?;
        let page = snapshot.scan(Scan::rising(key::tallies_before(before)).at_most(1)).await?;
        drop(snapshot);
        let Some((key, octets)) = page.pairs.into_iter().next() else {
            return Ok(Work::IdleUntil(now + WRITE_EVERY));
        };
        match self.report(home, &key, &octets, now).await? {
            Told::Done => Ok(Work::Again),
            Told::Later => Ok(Work::IdleUntil(now + RETRY_AFTER)),
        }
    }

    /// Writes down what was counted; for the end, too. Is there more?
    pub async fn write_results(&self) -> Result<bool, StoreError> {
        let taken = self.tallies().take();
        if taken.is_empty() {
            return Ok(false);
        }
        let written = tallies::write(&*self.store, &taken).await;
        if written.is_err() {
            self.tallies().put_back(taken);
        }
        written.map(|()| true)
    }

    /// A span that is another for each server, and always the same for one.
    fn spread(&self) -> Duration {
        let name = self.options.host_name.bytes();
        let sum = name.fold(0_u32, |sum, c| sum.wrapping_mul(31).wrapping_add(c.into()));
        Duration::from_secs(u64::from(sum) % SPREAD.as_secs())
    }

    async fn report(
        &self,
        home: &dyn Homeward,
        key: &Key,
        octets: &[u8],
        now: Timestamp,
    ) -> Result<Told, StoreError> {
        let known = key::parse_tally(key).zip(record::decode_tally(octets));
        let Some(((of_day, domain), tally)) = known else { return self.forget(key).await };
        if day(now) >= of_day + DAYS_MAX {
            return self.forget(key).await;
        }
        let Ok(texts) = self.texts(&format!("_smtp._tls.{domain}")).await else {
            return Ok(Told::Later);
        };
        let places = report_to(texts.iter().map(Vec::as_slice));
        let mails = places.iter().filter_map(|place| match place {
            ReportTo::Mail(address) => Address::parse(address).ok(),
            ReportTo::Https(_) => None,
        });
        let mails: Vec<Address> = mails.collect();
        let report = self.composed(of_day, domain, &tally, now);
        let mut told = false;
        for place in &places {
            if let ReportTo::Https(url) = place {
                told |= self.post(url, &report.packed).await;
            }
        }
        match (mails.is_empty(), told || places.is_empty()) {
            (true, true) => self.forget(key).await,
            (true, false) => Ok(Told::Later),
            (false, _) => Ok(self.send(home, key, &mails, &report).await),
        }
    }

    fn composed(&self, day: u32, domain: &str, tally: &Tally, now: Timestamp) -> mail::Report {
        let mut chance = [0; 8];
        self.world.random.fill(&mut chance);
        mail::Report::new(&self.options, day, domain, tally, u64::from_be_bytes(chance), now)
    }

    /// Sends the report to each; the results are forgotten in the commit that keeps the last one.
    async fn send(
        &self,
        home: &dyn Homeward,
        key: &Key,
        to: &[Address],
        report: &mail::Report,
    ) -> Told {
        for (i, address) in to.iter().enumerate() {
            let mut beside = Batch::new();
            if i + 1 == to.len() {
                beside.delete(key.clone());
            }
            match send_one(home, address, report, beside).await {
                Ok(()) => {}
                Err(refusal) if !may_pass(&refusal) && i + 1 < to.len() => {}
                // The last one is not to be reached: then the results go by themselves.
                Err(refusal) if !may_pass(&refusal) => {
                    return self.forget(key).await.unwrap_or(Told::Later);
                }
                Err(_) => return Told::Later,
            }
        }
        Told::Done
    }

    async fn post(&self, url: &str, packed: &[u8]) -> bool {
        let what = Fetch {
            url: url.to_string(),
            size_max: ANSWER_MAX,
            within: POST_TIME,
            reach: Reach::Public,
        };
        let answer = self.fetcher.post(&what, mail::CONTENT_TYPE, packed).await;
        answer.is_ok_and(|answer| (200..300).contains(&answer.status))
    }

    async fn forget(&self, key: &Key) -> Result<Told, StoreError> {
        let mut batch = Batch::new();
        batch.delete(key.clone());
        self.store.commit(batch).await.map(|_| Told::Done)
    }
}

/// May it go better later?
fn may_pass(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Unavailable | Refusal::MailboxFull | Refusal::StorageFull)
}

enum Told {
    Done,
    Later,
}

async fn send_one(
    home: &dyn Homeward,
    to: &Address,
    report: &mail::Report,
    beside: Batch,
) -> Result<(), Refusal> {
    let mut coming = home.begin(to).await?;
    coming.write(&report.message(to)).await?;
    coming.finish(beside).await
}
