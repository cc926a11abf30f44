//! Senders are told: what is to be reported of a message becomes one report, which is delivered in
//! the commit that deletes what it reports.

use crate::bounce::Kind;
use crate::queue::Inner;
use crate::record::Bounce;
use crate::reports::RETRY_SOON;
use crate::settle::put_count;
use crate::{Homeward, QueuedMessage, key};
use bytes::Bytes;
use core_store::{Batch, Expect, Key, Scan, StoreError, Value};
use std::time::Duration;
use words_base::Timestamp;
use words_mail::{Address, BodyType, Refusal, Ret};
use words_message::{Header, decode_header};
use words_report::{
    Action, Language, Original, RETURNED_HEADER_MAX, Recipient, Report, Returned, returned_header,
};

/// Most recipients of one report.
const RECIPIENTS_MAX: usize = 200;
/// Octets of what is to be reported in one report.
const BYTES_MAX: usize = 500_000;
/// While other recipients are being tried, a report waits for them, but no longer than this.
const GATHER_MAX: Duration = Duration::from_secs(60);
/// How soon a report is tried again that could not be delivered; it doubles,
const RETRY_FIRST: Duration = Duration::from_secs(60);
/// up to this.
const RETRY_MAX: Duration = Duration::from_secs(3600);
/// A report that could not be delivered for so long is dropped.
const GIVE_UP_AFTER: Duration = Duration::from_secs(5 * 24 * 3600);
/// Octets of the message that are copied at once.
const PIECE: u64 = 64 * 1024;

/// What is to be reported of one recipient, as it is stored.
struct Told {
    key: Key,
    value: Value,
    kind: Kind,
    bounce: Bounce,
}

impl Inner {
    /// Makes and delivers one report. Was there one to be made?
    pub async fn report_one(
        &self,
        home: &dyn Homeward,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let Some((id, failures)) = self.reports().next(now) else { return Ok(false) };
        let result = self.report_message(home, &id, now).await;
        let mut reports = self.reports();
        match &result {
            // What has come meanwhile, or did not fit, is looked at again.
            Ok(Reported::Done { more: true }) => reports.note(id, now),
            Ok(Reported::Done { more: false }) => {}
            Ok(Reported::Gathering) => reports.put_back(id, now + 10 * RETRY_SOON, failures),
            Ok(Reported::Later) => {
                let wait = crate::schedule::doubled(RETRY_FIRST, failures + 1, RETRY_MAX);
                reports.put_back(id, now + wait, failures + 1);
            }
            Err(_) => reports.put_back(id, now + RETRY_FIRST, failures + 1),
        }
        result.map(|_| true)
    }

    async fn report_message(
        &self,
        home: &dyn Homeward,
        id: &str,
        now: Timestamp,
    ) -> Result<Reported, StoreError> {
        let page = self.store.snapshot().await?;
        let scan = Scan { bytes_max: BYTES_MAX, ..Scan::rising(key::bounces_of(id)) };
        let page = page.scan(scan.at_most(RECIPIENTS_MAX)).await?;
        let more = page.rest.is_some();
        let told: Vec<Told> = page.pairs.into_iter().filter_map(told).collect();
        let Some(eldest) = told.iter().map(|told| told.bounce.at).min() else {
            return Ok(Reported::Done { more: false });
        };
        if self.board().is_underway(id) && now.since(eldest) < GATHER_MAX {
            return Ok(Reported::Gathering);
        }
        let Some(message) = self.message(id).await? else {
            return Err(StoreError::Corrupt(format!("no queued message {id}, but its reports")));
        };
        let beside = self.beside(&message, &told).await?;
        let Some(to) = &message.reverse_path.0 else {
            return self.drop_reports(beside).await.map(|()| Reported::Done { more });
        };
        match self.deliver(home, to, &message, &told, beside, now).await {
            Ok(()) => Ok(Reported::Done { more }),
            Err(refusal) if is_temporary(&refusal) && now.since(eldest) < GIVE_UP_AFTER => {
                Ok(Reported::Later)
            }
            // Nobody is there to be told: never a report of a report (RFC 5321 §6.1).
            Err(_) => {
                let beside = self.beside(&message, &told).await?;
                self.drop_reports(beside).await.map(|()| Reported::Done { more })
            }
        }
    }

    /// The end of what is reported: deleted as it was read, and taken off the message's count.
    async fn beside(&self, message: &QueuedMessage, told: &[Told]) -> Result<Batch, StoreError> {
        let mut batch = Batch::new();
        for one in told {
            batch.expects.push(Expect::Equals(one.key.clone(), one.value.clone()));
            batch.delete(one.key.clone());
        }
        let count = self.store.snapshot().await?.get(&key::count(&message.id)).await?;
        put_count(&mut batch, message, count.as_ref(), -(told.len() as i64))?;
        Ok(batch)
    }

    async fn drop_reports(&self, beside: Batch) -> Result<(), StoreError> {
        self.store.commit(beside).await.map(drop)
    }

    async fn deliver(
        &self,
        home: &dyn Homeward,
        to: &Address,
        message: &QueuedMessage,
        told: &[Told],
        beside: Batch,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let header = self.beginning(message).await?;
        let recipients: Vec<Recipient> = told.iter().map(recipient).collect();
        let utf8 = message.smtputf8
            || !to.is_ascii()
            || recipients.iter().any(|recipient| !recipient.address.is_ascii());
        let failed = told.iter().any(|one| one.kind == Kind::Failed);
        let whole = failed
            && message.ret == Some(Ret::Full)
            && message.body != BodyType::BinaryMime
            && message.size_whole() <= self.options.returned_max;
        let eight_bit = message.body == BodyType::EightBitMime || message.smtputf8;
        let returned = if whole { Returned::Whole { eight_bit } } else { Returned::Header };
        let (message_id, boundary) = (self.token(), self.token());
        let message_id = format!("<{message_id}@{}>", self.options.host_name);
        let subject = field(&header, "Subject").unwrap_or_default();
        let original_id = field(&header, "Message-ID");
        let report = Report {
            reporting_mta: &self.options.host_name,
            to,
            at: now,
            message_id: &message_id,
            boundary: &boundary,
            language: language(&header).unwrap_or(self.options.language),
            utf8,
            original: Original {
                id: &message.id,
                envid: message.envid.as_deref(),
                accepted_at: message.queued_at,
                subject: &subject,
                message_id: original_id.as_deref(),
            },
            recipients: &recipients,
            returned,
        };
        let mut on_its_way = home.begin(to).await?;
        on_its_way.write(report.opening().as_bytes()).await?;
        match returned {
            Returned::Header => on_its_way.write(&returned_header(&header, utf8)).await?,
            Returned::Whole { .. } => {
                on_its_way.write(&message.prefix).await?;
                let mut at = 0;
                while at < message.size {
                    let piece = self.read_body(message, at).await?;
                    at += piece.len() as u64;
                    on_its_way.write(&piece).await?;
                }
            }
        }
        on_its_way.write(report.closing().as_bytes()).await?;
        on_its_way.finish(beside).await
    }

    /// The beginning of a message as it leaves: the fields in front, and as much of its header as a
    /// report gives back.
    async fn beginning(&self, message: &QueuedMessage) -> Result<Vec<u8>, Refusal> {
        let body = self.blobs.read(message.blob, 0..RETURNED_HEADER_MAX as u64);
        let body = body.await.map_err(|_| Refusal::Unavailable)?;
        Ok([&message.prefix[..], &body].concat())
    }

    /// The next piece of a body; never empty before its end.
    async fn read_body(&self, message: &QueuedMessage, at: u64) -> Result<Bytes, Refusal> {
        let range = at..(at + PIECE).min(message.size);
        let piece = self.blobs.read(message.blob, range).await;
        piece.ok().filter(|piece| !piece.is_empty()).ok_or(Refusal::Unavailable)
    }

    /// Letters and digits that nobody can foretell.
    fn token(&self) -> String {
        format!("dsn{:016x}{:016x}", self.chance(), self.chance())
    }
}

/// What became of a report.
enum Reported {
    /// It is delivered, or nobody is there. Is there more to report?
    Done { more: bool },
    /// Other recipients of the message are being tried.
    Gathering,
    /// It could not be delivered now.
    Later,
}

fn told((key, value): (Key, Value)) -> Option<Told> {
    let (_, _, kind) = key::parse_bounce(&key)?;
    let (kind, bounce) = (Kind::from_octet(kind)?, Bounce::decode(&value)?);
    Some(Told { key: key::owned(&key), value: Value::copy_from_slice(&value), kind, bounce })
}

fn recipient(told: &Told) -> Recipient {
    let Bounce { at, queued_at, recipient, expired, until, said, .. } = &told.bounce;
    let action = match told.kind {
        Kind::Failed if *expired => Action::Expired(at.since(*queued_at).as_secs()),
        Kind::Failed => Action::Failed,
        Kind::Delayed => Action::Delayed { until: *until },
        Kind::Delivered => Action::Delivered,
        Kind::Relayed => Action::Relayed,
    };
    Recipient {
        address: recipient.address.clone(),
        orcpt: recipient.orcpt.clone(),
        action,
        status: said.status,
        code: said.code,
        text: said.text.clone(),
        by: said.by.clone(),
        at: *at,
    }
}

/// A field of the message, decoded, on one line.
fn field(header: &[u8], name: &str) -> Option<String> {
    let field = Header::new(header).find(name)?;
    Some(decode_header(field.unfolded().trim_ascii()))
}

/// In which language the sender reads, as far as the message says.
fn language(header: &[u8]) -> Option<Language> {
    let fields = ["Accept-Language", "Content-Language"].into_iter();
    fields.filter_map(|name| field(header, name)).find_map(|value| Language::of_list(&value))
}

fn is_temporary(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Unavailable | Refusal::MailboxFull | Refusal::StorageFull)
}
