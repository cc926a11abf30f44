//! Reports are sent once the day is over.

use crate::compose::{compose, packed};
use crate::key::{Part, all_seen, read_seen, seen};
use crate::tally::{decode, write};
use crate::{Feedback, Inner};
use core_delivery::{Asked, Delivery, Origin};
use core_store::{Batch, Key, Scan, StoreError, Value};
use core_world::{LookupError, Question, Record, RecordKind};
use rules_sender::{
    AggregateReport, DmarcPublished, PublishedPolicy, ReportAddress, ReportRow, organisation,
};
use std::collections::HashMap;
use std::sync::PoisonError;
use std::time::Duration;
use words_base::Timestamp;
use words_mail::{Address, ForwardPath, Refusal, ReversePath};

const DAY: i64 = 24 * 3600 * 1000;
/// How often what was counted is written.
const INTERVAL: Duration = Duration::from_secs(60);
/// Who could not be asked is asked again after so long.
const POSTPONED: Duration = Duration::from_secs(3600);
/// What could not be sent is forgotten after so many days.
const DAYS_MAX: u32 = 3;
/// Kinds of messages that are written at a time.
const WRITTEN_MAX: usize = 1_000;
/// Pairs that one report is made of; of more, another report is made.
const PAIRS_MAX: usize = 6_000;

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// There is more.
    Again,
    /// A domain was told, at so many addresses, or nobody takes the report; there is more.
    Told {
        /// The domain.
        domain: String,
        /// How many addresses asked for it; or why they do not get it.
        result: Result<usize, Refusal>,
    },
    /// Nothing, until then.
    IdleUntil(Timestamp),
}

/// The day since 1970.
pub(crate) fn day_of(at: Timestamp) -> u32 {
    u32::try_from(at.millis().div_euclid(DAY)).unwrap_or_default()
}

impl Feedback {
    /// Does one small unit: writes what was counted, or sends one report through `delivery`.
    pub async fn work(&self, delivery: &Delivery) -> Result<Work, Refusal> {
        let inner = &*self.inner;
        if inner.write_some().await.map_err(unavailable)? {
            return Ok(Work::Again);
        }
        let now = inner.clock.now();
        let idle = Work::IdleUntil(now + INTERVAL);
        let Some((day, domain)) = inner.first_due(now).await.map_err(unavailable)? else {
            return Ok(idle);
        };
        match self.send(delivery, day, &domain, now).await? {
            None => Ok(Work::Again),
            Some(result) => Ok(Work::Told { domain, result }),
        }
    }

    /// Writes all that was counted: before the end.
    pub async fn flush(&self) -> Result<(), Refusal> {
        while self.inner.write_some().await.map_err(unavailable)? {}
        Ok(())
    }

    /// Sends what was seen of `domain` on `day`, and forgets it. `None`: nobody asked, or nobody can be
    /// asked now.
    async fn send(
        &self,
        delivery: &Delivery,
        day: u32,
        domain: &str,
        now: Timestamp,
    ) -> Result<Option<Result<usize, Refusal>>, Refusal> {
        let inner = &*self.inner;
        let mut told = None;
        let pairs = inner.pairs(seen(day, domain)).await.map_err(unavailable)?;
        let late = day + DAYS_MAX < day_of(now);
        if let Some((mut report, first)) = gathered(day, domain, &pairs) {
            inner.sign_report(&mut report, day, &first);
            if let Some(octets) = packed(&report) {
                let to = match inner.who_asked(domain, octets.len()).await {
                    Ok(to) => to,
                    // Whoever cannot be asked today may be asked tomorrow.
                    Err(_) if late => Vec::new(),
                    Err(_) => {
                        inner.postpone(domain, now + POSTPONED);
                        return Ok(None);
                    }
                };
                if !to.is_empty() {
                    let message = compose(&inner.options, &report, &octets, &to, now);
                    match post(delivery, &to, message.as_bytes()).await {
                        Err(Refusal::Unavailable) => return Err(Refusal::Unavailable),
                        // Nobody takes it: it is not tried for ever.
                        taken => told = Some(taken),
                    }
                }
            }
        }
        // A kill between the two sends it once more, under the same id.
        let mut batch = Batch::new();
        for (key, _) in pairs {
            batch.delete(key);
        }
        inner.store.commit(batch).await.map_err(unavailable)?;
        Ok(told)
    }
}

impl Inner {
    /// Writes a part of what was counted. `false`: there was nothing.
    async fn write_some(&self) -> Result<bool, StoreError> {
        let tally = || self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = tally().take(WRITTEN_MAX);
        if rows.is_empty() {
            return Ok(false);
        }
        let mut batch = Batch::new();
        write(&rows, &mut batch);
        match self.store.commit(batch).await {
            Ok(_) => Ok(true),
            Err(error) => {
                tally().put_back(rows);
                Err(error)
            }
        }
    }

    /// The first day that is over and the domain of which there is something to tell; those that were
    /// postponed are passed over.
    async fn first_due(&self, now: Timestamp) -> Result<Option<(u32, String)>, StoreError> {
        let mut range = all_seen();
        while let Some((day, domain)) = self.first_seen(range.clone()).await? {
            if day >= day_of(now) {
                return Ok(None);
            }
            if !self.is_postponed(&domain, now) {
                return Ok(Some((day, domain)));
            }
            range.start = seen(day, &domain).end;
        }
        Ok(None)
    }

    fn is_postponed(&self, domain: &str, now: Timestamp) -> bool {
        let mut postponed = self.postponed.lock().unwrap_or_else(PoisonError::into_inner);
        postponed.retain(|_, until| *until > now);
        postponed.contains_key(domain)
    }

    fn postpone(&self, domain: &str, until: Timestamp) {
        let mut postponed = self.postponed.lock().unwrap_or_else(PoisonError::into_inner);
        postponed.insert(domain.to_string(), until);
    }

    /// The day and domain of the first that was seen in `range`.
    async fn first_seen(
        &self,
        range: std::ops::Range<Key>,
    ) -> Result<Option<(u32, String)>, StoreError> {
        let snapshot = self.store.snapshot().await?;
        let page = snapshot.scan(Scan::rising(range).at_most(1)).await?;
        let first = page.pairs.first().and_then(|(key, _)| read_seen(key));
        Ok(first.map(|(day, domain, _, _)| (day, domain.to_string())))
    }

    async fn pairs(&self, range: std::ops::Range<Key>) -> Result<Vec<(Key, Value)>, StoreError> {
        let snapshot = self.store.snapshot().await?;
        let mut pairs = Vec::new();
        let mut rest = Some(range);
        while let Some(range) = rest.take().filter(|_| pairs.len() < PAIRS_MAX) {
            let page = snapshot.scan(Scan::rising(range).at_most(PAIRS_MAX - pairs.len())).await?;
            pairs.extend(page.pairs);
            rest = page.rest;
        }
        Ok(pairs)
    }

    /// Who reports, under which id: the same for the same rows, so that a report sent twice is known.
    fn sign_report(&self, report: &mut AggregateReport, day: u32, first: &str) {
        report.organisation = self.options.organisation.clone();
        report.contact = self.options.contact.to_string();
        report.id = format!("{day}.{first}.{}", report.published.domain);
    }

    /// The addresses that asked for reports and take one of `size` octets. `Err`: it is not known now.
    async fn who_asked(&self, domain: &str, size: usize) -> Result<Vec<String>, LookupError> {
        let texts = self.texts(&format!("_dmarc.{domain}")).await?;
        let mut records = texts.iter().filter_map(|text| DmarcPublished::parse(domain, text));
        let Some(record) = records.next() else { return Ok(Vec::new()) };
        let mut to = Vec::new();
        for ReportAddress { address, size_max } in record.reports_to {
            let small =
                size_max.is_none_or(|most| u64::try_from(size).is_ok_and(|size| size <= most));
            let Ok(address) = Address::parse(&address) else { continue };
            if small && self.may_be_told(domain, address.domain().as_str()).await? {
                to.push(address.to_string());
            }
        }
        Ok(to)
    }

    /// Somebody else's address is told only if that domain says so (RFC 7489 §7.1): a record must
    /// not send reports to people who never asked.
    async fn may_be_told(&self, domain: &str, receiver: &str) -> Result<bool, LookupError> {
        if organisation(domain) == organisation(receiver) {
            return Ok(true);
        }
        let texts = self.texts(&format!("{domain}._report._dmarc.{receiver}")).await?;
        Ok(texts.iter().any(|text| text.starts_with(b"v=DMARC1")))
    }

    async fn texts(&self, name: &str) -> Result<Vec<Vec<u8>>, LookupError> {
        let text = |record| match record {
            Record::Txt(text) => Some(text),
            _ => None,
        };
        match self.resolver.lookup(&Question::new(name, RecordKind::Txt)).await {
            Ok(answer) => Ok(answer.records.into_iter().filter_map(text).collect()),
            Err(error) if error.is_denial() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

/// The report that `pairs` make, and what names its first row. `None`: there is nothing to tell.
fn gathered(day: u32, domain: &str, pairs: &[(Key, Value)]) -> Option<(AggregateReport, String)> {
    let mut published =
        PublishedPolicy { domain: domain.to_string(), ..PublishedPolicy::default() };
    let mut rows: HashMap<&[u8], (Option<ReportRow>, i64)> = HashMap::new();
    for (key, value) in pairs {
        let Some((_, _, part, name)) = read_seen(key) else { continue };
        match part {
            Part::Policy => published = decode(value).unwrap_or(published),
            Part::Row => rows.entry(name).or_default().0 = decode(value),
            Part::Count => rows.entry(name).or_default().1 = sum(value).unwrap_or_default(),
        }
    }
    let mut named: Vec<_> = rows.into_iter().collect();
    named.sort_by_key(|(name, _)| *name);
    let first = named.first()?.0.iter().take(4).map(|octet| format!("{octet:02x}")).collect();
    let row = |(row, count): (Option<ReportRow>, i64)| {
        let count = u64::try_from(count).ok().filter(|count| *count > 0)?;
        row.map(|row| ReportRow { count, ..row })
    };
    let rows: Vec<_> = named.into_iter().filter_map(|(_, found)| row(found)).collect();
    let begin = u64::from(day) * 24 * 3600;
    let end = begin + 24 * 3600 - 1;
    let report = AggregateReport { begin, end, published, rows, ..AggregateReport::default() };
    (!report.rows.is_empty()).then_some((report, first))
}

/// A sum as the store keeps it: little-endian.
fn sum(value: &[u8]) -> Option<i64> {
    Some(i64::from_le_bytes(value.get(..8)?.try_into().ok()?))
}

/// Sends a message of ours; to how many.
async fn post(delivery: &Delivery, to: &[String], octets: &[u8]) -> Result<usize, Refusal> {
    let reverse_path = ReversePath(None);
    let mut refused = Refusal::NoSuchRecipient;
    let mut recipients = Vec::new();
    for address in to {
        let Ok(address) = Address::parse(address) else { continue };
        let path = ForwardPath::Address(address);
        let asked = Asked { trusted: true, ..Asked::new(&path, &reverse_path) };
        match delivery.recipient(&asked).await {
            Ok(recipient) => recipients.push(recipient),
            Err(Refusal::Unavailable) => return Err(Refusal::Unavailable),
            Err(refusal) => refused = refusal,
        }
    }
    if recipients.is_empty() {
        return Err(refused);
    }
    let origin = Origin {
        helo: "localhost".to_string(),
        peer: "127.0.0.1".to_string(),
        protocol: "ESMTP",
        is_report: true,
        ..Origin::default()
    };
    let mut incoming = delivery.begin(origin);
    incoming.write(octets).await?;
    let taken = incoming.finish(&recipients).await?;
    Ok(taken.recipients.iter().filter(|taken| taken.is_ok()).count())
}

pub(crate) fn unavailable(_: StoreError) -> Refusal {
    Refusal::Unavailable
}
