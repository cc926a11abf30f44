//! Of which messages there is something to report: a memory of what the store holds, found again
//! after a start.

use crate::key;
use crate::queue::Inner;
use core_store::{Key, Scan, StoreError};
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::time::Duration;
use words_base::Timestamp;

/// Messages that are kept in mind; what is beyond is found again later.
const NOTED_MAX: usize = 10_000;
/// Bounces that are looked at in one unit of work.
const PAGE_MAX: usize = 1_000;
/// How soon something is looked at again that is not ready.
pub(crate) const RETRY_SOON: Duration = Duration::from_millis(100);

/// See the file's first lines.
pub(crate) struct Reports {
    due: BTreeSet<(Timestamp, String)>,
    /// When each message is due, and how often its report has failed.
    noted: HashMap<String, (Timestamp, u32)>,
    /// What of the store is still to be looked at.
    unseen: Option<Range<Key>>,
    /// Was something passed over?
    forgotten: bool,
}

impl Default for Reports {
    fn default() -> Reports {
        let unseen = Some(key::bounces());
        Reports { due: BTreeSet::new(), noted: HashMap::new(), unseen, forgotten: false }
    }
}

impl Reports {
    /// There is something to report of the message.
    pub fn note(&mut self, id: String, at: Timestamp) {
        let failures = match self.noted.get(&id) {
            // One that waits after a failure goes on waiting.
            Some((_, failures)) if *failures > 0 => return,
            Some((due, failures)) => {
                self.due.remove(&(*due, id.clone()));
                *failures
            }
            None if self.noted.len() >= NOTED_MAX => {
                self.forgotten = true;
                return;
            }
            None => 0,
        };
        self.due.insert((at, id.clone()));
        self.noted.insert(id, (at, failures));
    }

    /// The next message of which something is to be reported by `now`, and how often that has failed.
    pub fn next(&mut self, now: Timestamp) -> Option<(String, u32)> {
        let first = self.due.first()?;
        if first.0 > now {
            return None;
        }
        let (_, id) = self.due.pop_first()?;
        let (_, failures) = self.noted.remove(&id)?;
        Some((id, failures))
    }

    /// The message is to be looked at again.
    pub fn put_back(&mut self, id: String, at: Timestamp, failures: u32) {
        if let Some((due, _)) = self.noted.get(&id) {
            self.due.remove(&(*due, id.clone()));
        }
        self.due.insert((at, id.clone()));
        self.noted.insert(id, (at, failures));
    }

    /// When there is something to do.
    pub fn next_at(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// What of the store is to be looked at now.
    fn unseen(&mut self) -> Option<Range<Key>> {
        if self.unseen.is_none() && self.forgotten && self.noted.len() < NOTED_MAX / 2 {
            self.forgotten = false;
            self.unseen = Some(key::bounces());
        }
        self.unseen.take()
    }
}

impl Inner {
    /// Finds more of what there is to report. Was there anything to look at?
    pub async fn find_reports(&self, now: Timestamp) -> Result<bool, StoreError> {
        let Some(range) = self.reports().unseen() else { return Ok(false) };
        let page = match self.bounce_page(range.clone()).await {
            Ok(page) => page,
            Err(error) => {
                self.reports().unseen = Some(range);
                return Err(error);
            }
        };
        let mut reports = self.reports();
        for (key, _) in &page.pairs {
            if let Some((id, _, _)) = key::parse_bounce(key)
                && !reports.noted.contains_key(id)
            {
                reports.note(id.to_string(), now);
            }
        }
        reports.unseen = page.rest;
        Ok(true)
    }

    async fn bounce_page(&self, range: Range<Key>) -> Result<core_store::Page, StoreError> {
        self.store.snapshot().await?.scan(Scan::rising(range).at_most(PAGE_MAX)).await
    }
}
