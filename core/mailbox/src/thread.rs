//! Threads of messages (RFC 5256 §3).

mod references;

use crate::query::Scan;
use crate::{Mailboxes, Row, Rows, View};
use std::hash::{BuildHasher, RandomState};
use words_base::Timestamp;
use words_mail::Refusal;
use words_message::{SummaryRef, base_subject, message_ids, normalize_message_id};

/// How messages are put into threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThreadAlgorithm {
    /// By subject and date alone.
    OrderedSubject,
    /// By who answers whom, then by subject.
    References,
}

/// A message in its thread. Threads come one after the other, each message before those that answer
/// it, so that the depth alone tells the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threaded {
    /// Its place in the rows; `None` for one that is not here and only ties others together.
    pub place: Option<usize>,
    /// How many messages stand above it in its thread.
    pub depth: usize,
}

/// What threading needs of a message.
#[derive(Clone, Debug, Default)]
struct Facts {
    place: usize,
    sent: Timestamp,
    /// The base subject, as it is compared.
    subject: String,
    /// Is it a reply or forward, by its subject?
    is_reply: bool,
    /// Its identifier, hashed: what is compared is the normalized text.
    id: Option<u64>,
    /// Those of the messages above it, oldest first.
    ancestors: Box<[u64]>,
}

impl Mailboxes {
    /// Puts the messages at `places` of `rows` (rising) into threads.
    pub async fn thread(
        &self,
        view: &View,
        rows: &Rows,
        places: &[usize],
        algorithm: ThreadAlgorithm,
    ) -> Result<Vec<Threaded>, Refusal> {
        let hasher = RandomState::new();
        let mut facts = Vec::with_capacity(places.len());
        let mut scan = Scan::new(self, view, rows, places);
        while let Some(page) = scan.next().await? {
            for (place, summary) in page {
                let summary = summary.as_deref().and_then(SummaryRef::new);
                if let Some(row) = rows.get(place) {
                    facts.push(Facts::of(place, row, summary, &hasher));
                }
            }
        }
        Ok(match algorithm {
            ThreadAlgorithm::OrderedSubject => by_subject(&facts),
            ThreadAlgorithm::References => references::threads(&facts),
        })
    }
}

impl Facts {
    fn of(place: usize, row: &Row, summary: Option<SummaryRef<'_>>, hasher: &RandomState) -> Facts {
        let Some(summary) = summary else {
            return Facts { place, sent: row.received_at, ..Facts::default() };
        };
        let hash = |id: &[u8]| hasher.hash_one(&*normalize_message_id(id));
        let subject = base_subject(summary.subject().unwrap_or_default());
        let id = summary.message_id().and_then(|value| message_ids(value).next());
        Facts {
            place,
            sent: sent(row, Some(&summary)),
            subject: subject.text,
            is_reply: subject.is_reply,
            id: id.map(hash),
            ancestors: summary.ancestors().map(hash).collect(),
        }
    }
}

/// The Date field, or INTERNALDATE where it tells nothing (RFC 5256 §2.2).
pub(crate) fn sent(row: &Row, summary: Option<&SummaryRef<'_>>) -> Timestamp {
    summary.and_then(SummaryRef::sent).map_or(row.received_at, |date| date.at)
}

/// ORDEREDSUBJECT: of the messages of one subject, the first is the root, and the others answer it.
fn by_subject(facts: &[Facts]) -> Vec<Threaded> {
    let mut sorted: Vec<&Facts> = facts.iter().collect();
    sorted.sort_by(|a, b| (&a.subject, a.sent, a.place).cmp(&(&b.subject, b.sent, b.place)));
    let mut threads: Vec<&[&Facts]> = sorted.chunk_by(|a, b| a.subject == b.subject).collect();
    threads.sort_by_key(|thread| thread.first().map(|first| (first.sent, first.place)));
    let threads = threads.iter().flat_map(|thread| thread.iter().enumerate());
    threads.map(|(i, fact)| Threaded { place: Some(fact.place), depth: i.min(1) }).collect()
}

#[cfg(test)]
mod tests;
