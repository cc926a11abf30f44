//! Bringing them back.

use crate::choice::{Elsewhere, Wanted, places};
use crate::known::{Known, Question, Standing, digest, origin};
use crate::report::{MailboxReport, Report, Unread};
use bytes::Bytes;
use core_mailbox::{Arrival, Content, EXPUNGED, Mail, Mailbox, Mailboxes, Row, View};
use core_store::Body;
use std::sync::Arc;
use words_mail::{Flags, MailboxId, MailboxName, Refusal, SystemFlag};
use words_message::HeaderCollector;

/// Messages that one commit takes at most,
const BATCH_MAX: usize = 200;
/// and octets of them after which it takes no more.
const BATCH_BYTES_MAX: u64 = 8 << 20;
/// Octets read at once.
const PIECE: usize = 64 * 1024;

/// From where to where.
pub struct Restore {
    /// The account in the backup.
    pub from: Mailboxes,
    /// The same account, or another, of the running server,
    pub to: Mailboxes,
    /// and where bodies of it are begun.
    pub mail: Mail,
}

/// The wanted messages of one mailbox of the backup.
struct Task {
    view: Arc<View>,
    places: Vec<usize>,
    to: MailboxName,
    /// The mailbox that they come into, if there is one already.
    target: Option<MailboxId>,
}

/// Brings back what is wanted and missing. `tell` hears the mailbox at hand, how many of all wanted
/// messages are dealt with, and how many there are.
///
/// Errors: `NoSuchMailbox` (the backup has none of that name), `Limit`, `StorageFull`, `Unavailable`.
/// What was brought before an error stays; another call goes on from there.
pub async fn restore(
    restore: &Restore,
    wanted: &Wanted,
    mut tell: impl FnMut(&MailboxName, u64, u64) + Send,
) -> Result<Report, Refusal> {
    let tasks = restore.tasks(wanted).await?;
    let known = Known::look(&restore.to, &question(&tasks)).await?;
    let all = tasks.iter().map(|task| task.places.len() as u64).sum();
    let (mut done, mut report) = (0, Report::default());
    for task in tasks {
        let mut step = |name: &MailboxName, more: u64| {
            done += more;
            tell(name, done, all);
        };
        report.mailboxes.push(restore.mailbox(task, &known, wanted.elsewhere, &mut step).await?);
    }
    Ok(report)
}

/// What is asked of the account.
fn question(tasks: &[Task]) -> Question {
    let mut question = Question::default();
    for task in tasks {
        let rows = task.view.rows();
        for row in task.places.iter().filter_map(|place| rows.get(*place)) {
            question.origins.insert(origin(row));
            question.sizes.insert(row.size);
        }
    }
    question
}

/// A batch in the making.
#[derive(Default)]
struct Batch {
    arrivals: Vec<Arrival>,
    bytes: u64,
}

impl Restore {
    async fn tasks(&self, wanted: &Wanted) -> Result<Vec<Task>, Refusal> {
        let mut tasks = Vec::new();
        for mailbox in self.chosen(wanted.mailbox.as_ref()).await? {
            let view = self.from.open(&mailbox.name).await?;
            let places = places(&self.from, &view, &view.rows(), wanted.message.as_ref()).await?;
            // An empty mailbox comes back too, unless a single message is wanted.
            if places.is_empty() && wanted.message.is_some() {
                continue;
            }
            let to = wanted.to.clone().unwrap_or(mailbox.name);
            let target = match self.to.find(&to).await {
                Ok(found) => Some(found.id),
                Err(Refusal::NoSuchMailbox) => None,
                Err(refusal) => return Err(refusal),
            };
            tasks.push(Task { view, places, to, target });
        }
        Ok(tasks)
    }

    async fn chosen(&self, name: Option<&MailboxName>) -> Result<Vec<Mailbox>, Refusal> {
        match name {
            Some(name) => Ok(vec![self.from.find(name).await?]),
            None => self.from.list().await,
        }
    }

    async fn mailbox(
        &self,
        task: Task,
        known: &Known,
        elsewhere: Elsewhere,
        step: &mut (dyn FnMut(&MailboxName, u64) + Send),
    ) -> Result<MailboxReport, Refusal> {
        let name = task.view.mailbox().name.clone();
        let mut report = MailboxReport {
            name: name.to_string(),
            to: task.to.to_string(),
            wanted: task.places.len() as u64,
            ..MailboxReport::default()
        };
        let target = match task.target {
            Some(target) => target,
            None => self.make(&task, &mut report).await?,
        };
        let (rows, mut batch) = (task.view.rows(), Batch::default());
        for row in task.places.iter().filter_map(|place| rows.get(*place)) {
            match self.one(&task, row, target, known, elsewhere, &mut report).await {
                Ok(Some(arrival)) => {
                    batch.bytes += arrival.body.len;
                    batch.arrivals.push(arrival);
                }
                Ok(None) => {}
                Err(Failed::Reading(why)) => {
                    report.unread.push(Unread { uid: row.uid.0, why: why.to_string() });
                }
                Err(Failed::Writing(refusal)) => return Err(refusal),
            }
            if batch.arrivals.len() >= BATCH_MAX || batch.bytes >= BATCH_BYTES_MAX {
                self.file(target, std::mem::take(&mut batch), &mut report).await?;
            }
            step(&name, 1);
        }
        self.file(target, batch, &mut report).await?;
        Ok(report)
    }

    /// Makes the mailbox that they come into, as the backup has it.
    async fn make(&self, task: &Task, report: &mut MailboxReport) -> Result<MailboxId, Refusal> {
        let old = task.view.mailbox();
        let special_use = old.special_use.filter(|_| old.name == task.to);
        let made = match self.to.create(&task.to, special_use).await {
            // Another one is that by now.
            Err(Refusal::NotPermitted(_)) => self.to.create(&task.to, None).await,
            made => made,
        };
        match made {
            Ok(mailbox) => {
                report.made = true;
                Ok(mailbox.id)
            }
            // Two tasks may have one target, and others make mailboxes too.
            Err(Refusal::MailboxExists) => Ok(self.to.find(&task.to).await?.id),
            Err(refusal) => Err(refusal),
        }
    }

    /// A message made ready, if it is to come.
    async fn one(
        &self,
        task: &Task,
        row: &Row,
        target: MailboxId,
        known: &Known,
        elsewhere: Elsewhere,
        report: &mut MailboxReport,
    ) -> Result<Option<Arrival>, Failed> {
        let mut standing = known.by_origin(&origin(row), Some(target));
        let content = || self.from.content(&task.view, row);
        if standing != Standing::There && known.has_size(row.size) {
            let content = content().await.map_err(Failed::reading)?;
            let digest = digest(&content).await.map_err(Failed::reading)?;
            standing = standing.max(known.by_digest(row.size, digest, Some(target)));
        }
        match (standing, elsewhere) {
            (Standing::There, _) => report.there += 1,
            (Standing::Elsewhere, Elsewhere::Leave) => report.elsewhere += 1,
            (Standing::Elsewhere, Elsewhere::Restore) | (Standing::Missing, _) => {
                let content = content().await.map_err(Failed::reading)?;
                return self.ready(row, &content).await.map(Some);
            }
        }
        Ok(None)
    }

    async fn ready(&self, row: &Row, content: &Content) -> Result<Arrival, Failed> {
        let (mut header, mut at) = (Some(HeaderCollector::new()), 0);
        let mut kept = Vec::new();
        let mut writer = self.mail.begin_body();
        while at < content.len() {
            let piece = content.read(at, PIECE).await.map_err(Failed::reading)?;
            if piece.is_empty() {
                return Err(Failed::Reading("it is shorter than it says"));
            }
            if let Some(collector) = &mut header
                && collector.feed(&piece).is_err()
            {
                // Of a header that is too long the summary tells what it can.
                kept = collector.bytes().to_vec();
                header = None;
            }
            writer.write(&piece).await.map_err(|_| Failed::Writing(Refusal::Unavailable))?;
            at += piece.len() as u64;
        }
        let body = writer.finish().await;
        let body: Body = body.map_err(|_| Failed::Writing(Refusal::Unavailable))?;
        let header = Bytes::from(header.map_or(kept, HeaderCollector::into_bytes));
        let (flags, received_at) = (flags_of(row), row.received_at);
        Ok(Arrival { body, header, flags, received_at })
    }

    async fn file(
        &self,
        target: MailboxId,
        batch: Batch,
        report: &mut MailboxReport,
    ) -> Result<(), Refusal> {
        let messages = batch.arrivals.len() as u64;
        if messages > 0 {
            self.to.append(target, batch.arrivals).await?;
            report.restored += messages;
            report.bytes += batch.bytes;
        }
        Ok(())
    }
}

/// Those it had, without the one that has it removed.
fn flags_of(row: &Row) -> Flags {
    let mut deleted = Flags::new();
    deleted.insert(SystemFlag::Deleted);
    let mut flags = row.flags.clone();
    flags.remove(&deleted);
    flags
}

/// On which side it failed.
enum Failed {
    /// The backup cannot be read.
    Reading(&'static str),
    /// The store cannot be written.
    Writing(Refusal),
}

impl Failed {
    fn reading(refusal: Refusal) -> Failed {
        Failed::Reading(match refusal {
            refusal if refusal == EXPUNGED => "its octets are not in the backup",
            _ => "its octets in the backup are damaged; see \"estafeta backup verify\"",
        })
    }
}
