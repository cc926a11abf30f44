//! Wishes about messages that were removed not long ago.

use super::{Reply, read_address};
use crate::office::Office;
use crate::progress::{Progress, Tell};
use crate::{moment, print, size};
use core_mailbox::{AddressField, Expunged, ExpungedFilter, ExpungedId, Mailboxes, Query};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use tracing::info;
use words_base::Timestamp;
use words_mail::{AccountId, MailboxId, MailboxName};
use words_message::{SummaryRef, decode_header};

/// Most messages that one list shows.
const LIST_MAX: usize = 10_000;

/// A wish about messages that were removed not long ago.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecoverRequest {
    /// One of the account's addresses.
    pub address: String,
    /// Removed at this time or later; milliseconds since 1970.
    pub since: Option<i64>,
    /// Removed before this time.
    pub until: Option<i64>,
    /// Removed from this mailbox.
    pub mailbox: Option<String>,
    /// The sender has this text in name or address.
    pub from: Option<String>,
    /// The subject has this text.
    pub subject: Option<String>,
    /// What is to be done with them.
    pub action: RecoverAction,
}

/// What is to be done with messages that were removed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecoverAction {
    /// Nothing: they are shown.
    List,
    /// They come back.
    Recover {
        /// Into this mailbox, or else where they were.
        to: Option<String>,
    },
    /// They are given up for good.
    Forget,
}

/// Does it.
pub(super) async fn fulfil(
    office: &Office,
    request: RecoverRequest,
    tell: &Tell,
) -> Result<Reply, String> {
    let address = read_address(&request.address)?;
    let account = office.directory.admin().show_account(&address).await;
    let account = account.map_err(|error| error.to_string())?;
    let job = Job {
        mailboxes: office.mail.account(AccountId(account.id)),
        address: account.address,
        filter: request.filter()?,
        tell,
    };
    match request.action {
        RecoverAction::List => job.list().await,
        RecoverAction::Recover { to } => {
            let to = to.as_deref().map(read_mailbox).transpose()?;
            job.recover(to.as_ref()).await
        }
        RecoverAction::Forget => job.forget().await,
    }
}

impl RecoverRequest {
    fn filter(&self) -> Result<ExpungedFilter, String> {
        let at = |millis: Option<i64>, otherwise: i64| {
            Timestamp::from_millis(millis.unwrap_or(otherwise))
        };
        let from = self.from.clone().map(|text| Query::Address(AddressField::From, text));
        let subject = self.subject.clone().map(Query::Subject);
        Ok(ExpungedFilter {
            expunged_at: at(self.since, 0)..at(self.until, i64::MAX),
            mailbox: self.mailbox.as_deref().map(read_mailbox).transpose()?,
            query: Query::And(from.into_iter().chain(subject).collect()),
        })
    }
}

struct Job<'a> {
    mailboxes: Mailboxes,
    address: String,
    filter: ExpungedFilter,
    tell: &'a Tell,
}

impl Job<'_> {
    async fn page(
        &self,
        after: Option<ExpungedId>,
    ) -> Result<(Vec<Expunged>, Option<ExpungedId>), String> {
        self.mailboxes.expunged(&self.filter, after).await.map_err(|error| error.to_string())
    }

    fn told(&self, what: &str, done: u64) {
        let (what, unit) = (what.to_string(), "messages".to_string());
        (self.tell)(Progress { what, done, all: None, unit });
    }

    async fn list(&self) -> Result<Reply, String> {
        let mut rows = Vec::new();
        let mut after = None;
        loop {
            let (found, next) = self.page(after).await?;
            rows.extend(found.iter().map(Shown::of));
            after = next;
            if after.is_none() || rows.len() >= LIST_MAX {
                break;
            }
        }
        let mut text = match rows.is_empty() {
            true => format!("nothing of {} can be brought back by that", self.address),
            false => print::table(&Shown::HEADER, rows.iter().map(Shown::row).collect()),
        };
        if after.is_some() {
            text += "\nand more; ask for less with --since, --until, --mailbox, --from, --subject";
        }
        Ok(Reply::Report { text, value: json!(rows), good: true })
    }

    async fn recover(&self, to: Option<&MailboxName>) -> Result<Reply, String> {
        let mut places: BTreeMap<MailboxId, u64> = BTreeMap::new();
        let mut after = None;
        loop {
            let (found, next) = self.page(after).await?;
            let ids: Vec<ExpungedId> = found.iter().map(|one| one.id).collect();
            let told = self.mailboxes.recover(&ids, to).await.map_err(|e| e.to_string())?;
            for (mailbox, _) in told.into_iter().flatten() {
                *places.entry(mailbox).or_default() += 1;
            }
            self.told("recovering", places.values().sum());
            after = next;
            if after.is_none() {
                break;
            }
        }
        let count: u64 = places.values().sum();
        info!(account = self.address, messages = count, "recovered");
        let names = self.mailboxes.list().await.map_err(|error| error.to_string())?;
        let name = |id: &MailboxId| {
            let found = names.iter().find(|mailbox| mailbox.id == *id);
            found.map_or(id.to_string(), |mailbox| mailbox.name.to_string())
        };
        let places: BTreeMap<String, u64> = places.iter().map(|(id, n)| (name(id), *n)).collect();
        let mut text = format!("{} of {} brought back", messages(count), self.address);
        for (name, count) in &places {
            text += &format!("\n{count} into {name}");
        }
        let value = json!({ "recovered": count, "mailboxes": places });
        Ok(Reply::Report { text, value, good: true })
    }

    async fn forget(&self) -> Result<Reply, String> {
        let (mut count, mut after) = (0, None);
        loop {
            let (found, next) = self.page(after).await?;
            let ids: Vec<ExpungedId> = found.iter().map(|one| one.id).collect();
            count += self.mailboxes.forget_expunged(&ids).await.map_err(|e| e.to_string())?;
            self.told("giving up", count);
            after = next;
            if after.is_none() {
                break;
            }
        }
        info!(account = self.address, messages = count, "removed messages given up for good");
        let text = format!("{} of {} given up for good", messages(count), self.address);
        Ok(Reply::Report { text, value: json!({ "forgotten": count }), good: true })
    }
}

/// A message that could be brought back, as it is shown.
#[derive(Serialize)]
struct Shown {
    removed_at: i64,
    mailbox: String,
    uid: u32,
    received_at: i64,
    size: u64,
    flags: String,
    from: String,
    subject: String,
}

impl Shown {
    const HEADER: [&'static str; 6] =
        ["REMOVED (UTC)", "MAILBOX", "RECEIVED (UTC)", "SIZE", "FROM", "SUBJECT"];

    fn of(one: &Expunged) -> Shown {
        let summary = SummaryRef::new(&one.summary);
        let text = |value: Option<&[u8]>| plain(&decode_header(value.unwrap_or_default()));
        let from = summary.as_ref().and_then(|summary| summary.from().next()).map(|from| {
            let address = [from.local.unwrap_or_default(), from.host.unwrap_or_default()];
            match from.name {
                Some(name) => text(Some(name)),
                None => text(Some(&address.join(&b'@'))),
            }
        });
        Shown {
            removed_at: one.id.expunged_at.millis(),
            mailbox: one.mailbox.to_string(),
            uid: one.id.uid.0,
            received_at: one.row.received_at.millis(),
            size: one.row.size,
            flags: one.row.flags.to_string(),
            from: from.unwrap_or_default(),
            subject: text(summary.and_then(|summary| summary.subject())),
        }
    }

    fn row(&self) -> Vec<String> {
        vec![
            moment::show(Timestamp::from_millis(self.removed_at)),
            self.mailbox.clone(),
            moment::show(Timestamp::from_millis(self.received_at)),
            size::round(self.size),
            self.from.clone(),
            self.subject.clone(),
        ]
    }
}

/// Without what would move the cursor of a terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn messages(count: u64) -> String {
    match count {
        1 => "1 message".to_string(),
        _ => format!("{count} messages"),
    }
}

fn read_mailbox(text: &str) -> Result<MailboxName, String> {
    MailboxName::parse(text).map_err(|error| format!("{text}: {error}"))
}
