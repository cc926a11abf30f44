//! What an operator sees.

use crate::queue::Inner;
use crate::record::Row;
use crate::{
    Destination, DestinationCount, Filter, Listed, Listing, Position, Queue, QueuedMessage,
    RowState, Statistics, key,
};
use core_store::{Key, Scan, Snapshot, StoreError, Value};
use std::collections::HashMap;
use std::ops::Range;
use words_mail::ReversePath;

/// Rows that are looked at for one listing, at most.
const LOOKED_AT_MAX: usize = 5_000;
/// Rows of one page of the store.
const PAGE_MAX: usize = 500;

impl Queue {
    /// At most `count_max` recipients that fit `filter`, from `from` on.
    pub async fn list(
        &self,
        filter: &Filter,
        from: Option<Position>,
        count_max: usize,
    ) -> Result<Listing, StoreError> {
        let found = self.inner.find_rows(filter, from, count_max).await?;
        let rows = found.rows.iter().map(|found| self.inner.listed(found)).collect();
        Ok(Listing { rows, next: found.next })
    }

    /// A message by its id; `None`: it is not in the queue. Its recipients are those that
    /// [`Queue::list`] finds with [`Filter::id`].
    pub async fn show(&self, id: &str) -> Result<Option<QueuedMessage>, StoreError> {
        self.inner.message(id).await
    }

    /// What waits for which destination, from `from` on: at most so many rows are counted as are
    /// looked at for one listing.
    pub async fn statistics(&self, from: Option<Position>) -> Result<Statistics, StoreError> {
        let mut statistics = Statistics::default();
        let mut range = key::rows();
        if let Some(Position(key)) = from {
            range.start = key;
        }
        let snapshot = self.inner.store.snapshot().await?;
        let mut looked_at = 0;
        while looked_at < LOOKED_AT_MAX {
            let page = snapshot.scan(Scan::rising(range).at_most(PAGE_MAX)).await?;
            looked_at += page.pairs.len();
            for (key, value) in &page.pairs {
                self.inner.count(&mut statistics, key, value);
            }
            match page.rest {
                Some(rest) => range = rest,
                None => return Ok(statistics),
            }
        }
        statistics.next = Some(Position(key::owned(&range.start)));
        Ok(statistics)
    }
}

/// A row that fits, and its message.
pub(crate) struct Found {
    pub key: Key,
    pub value: Value,
    pub row: Row,
    pub message: std::sync::Arc<QueuedMessage>,
}

/// Rows that fit.
#[derive(Default)]
pub(crate) struct FoundRows {
    pub rows: Vec<Found>,
    pub next: Option<Position>,
}

impl Inner {
    /// At most `count_max` rows that fit `filter`, from `from` on.
    pub async fn find_rows(
        &self,
        filter: &Filter,
        from: Option<Position>,
        count_max: usize,
    ) -> Result<FoundRows, StoreError> {
        let mut found = FoundRows::default();
        let mut range = range_of(filter);
        if let Some(Position(key)) = from {
            range.start = key.max(range.start);
        }
        let snapshot = self.store.snapshot().await?;
        let mut messages = Messages { snapshot: &*snapshot, known: HashMap::new() };
        let mut looked_at = 0;
        while looked_at < LOOKED_AT_MAX && range.start < range.end {
            let scan = Scan::rising(range.clone()).at_most(PAGE_MAX);
            let page = snapshot.scan(scan).await?;
            looked_at += page.pairs.len();
            for (key, value) in page.pairs {
                if let Some(one) = fitting(filter, key, value, &mut messages).await? {
                    let next = key::after(&one.key);
                    found.rows.push(one);
                    if found.rows.len() == count_max {
                        found.next = Some(Position(next));
                        return Ok(found);
                    }
                }
            }
            match page.rest {
                Some(rest) => range = rest,
                None => return Ok(found),
            }
        }
        found.next = (range.start < range.end).then(|| Position(key::owned(&range.start)));
        Ok(found)
    }

    fn listed(&self, found: &Found) -> Listed {
        let parsed = key::parse_row(&found.key);
        let (name, next, number) = parsed
            .map_or(("", key::HELD, 0), |parsed| (parsed.destination, parsed.next, parsed.number));
        let destination = Destination::parse(name).unwrap_or(Destination::Route(name.to_string()));
        Listed {
            id: found.message.id.clone(),
            number,
            reverse_path: found.message.reverse_path.clone(),
            size: found.message.size_whole(),
            address: found.row.recipient.address.clone(),
            class: found.message.class,
            queued_at: found.row.queued_at,
            attempts: found.row.attempts,
            state: self.state(name, &found.key, next),
            last: found.row.last.clone(),
            destination,
        }
    }

    fn state(&self, name: &str, key: &Key, next: u64) -> RowState {
        let board = self.board();
        let Some(next_at) = key::time_of(next) else { return RowState::Held };
        if board.is_leased(key) {
            return RowState::Underway;
        }
        match board.pause(name) {
            Some(pause) if pause.until > next_at => RowState::Paused { until: pause.until },
            _ => RowState::Waiting { next_at },
        }
    }

    fn count(&self, statistics: &mut Statistics, key: &Key, value: &Value) {
        let Some(parsed) = key::parse_row(key) else { return };
        let Some(destination) = Destination::parse(parsed.destination) else { return };
        let all = &mut statistics.destinations;
        if all.last().is_none_or(|last| last.destination != destination) {
            let board = self.board();
            let jobs = board.sites.get(parsed.destination).map_or(0, |site| site.jobs);
            let pause = board.pause(parsed.destination);
            let paused = pause.map(|pause| (pause.until, pause.said.clone()));
            let (waiting, held, oldest) = (0, 0, None);
            all.push(DestinationCount { destination, waiting, held, oldest, jobs, paused });
        }
        let Some(last) = all.last_mut() else { return };
        match parsed.next {
            key::HELD => last.held += 1,
            _ => last.waiting += 1,
        }
        if let Some(row) = Row::decode(value) {
            last.oldest = Some(last.oldest.map_or(row.queued_at, |at| at.min(row.queued_at)));
        }
    }
}

/// The rows among which those that fit are.
fn range_of(filter: &Filter) -> Range<Key> {
    match &filter.destination {
        Some(destination) => key::rows_of(&destination.to_string()),
        None => key::rows(),
    }
}

/// Messages of rows, each looked up once as long as its rows follow each other.
struct Messages<'a> {
    snapshot: &'a dyn Snapshot,
    known: HashMap<String, Option<std::sync::Arc<QueuedMessage>>>,
}

/// Messages that are kept in mind for one listing.
const MESSAGES_MAX: usize = 1_000;

impl Messages<'_> {
    async fn get(&mut self, id: &str) -> Result<Option<std::sync::Arc<QueuedMessage>>, StoreError> {
        if let Some(message) = self.known.get(id) {
            return Ok(message.clone());
        }
        let value = self.snapshot.get(&key::message(id)).await?;
        let message = value.and_then(|value| crate::record::decode_message(id, &value));
        let message = message.map(std::sync::Arc::new);
        if self.known.len() == MESSAGES_MAX {
            self.known.clear();
        }
        self.known.insert(id.to_string(), message.clone());
        Ok(message)
    }
}

/// The row, if it fits.
async fn fitting(
    filter: &Filter,
    key: Key,
    value: Value,
    messages: &mut Messages<'_>,
) -> Result<Option<Found>, StoreError> {
    let (Some(parsed), Some(row)) = (key::parse_row(&key), Row::decode(&value)) else {
        return Ok(None);
    };
    if !fits_row(filter, parsed, &row) {
        return Ok(None);
    }
    let Some(message) = messages.get(parsed.id).await? else { return Ok(None) };
    if filter.from.as_ref().is_some_and(|from| !fits_sender(from, &message.reverse_path)) {
        return Ok(None);
    }
    let (key, value) = (key::owned(&key), Value::copy_from_slice(&value));
    Ok(Some(Found { key, value, row, message }))
}

fn fits_row(filter: &Filter, parsed: key::RowKey<'_>, row: &Row) -> bool {
    let address = &row.recipient.address;
    filter.id.as_ref().is_none_or(|id| id == parsed.id)
        && filter.to.as_ref().is_none_or(|to| contains(&address.to_string(), to))
        && filter.domain.as_ref().is_none_or(|d| address.domain().as_str().eq_ignore_ascii_case(d))
        && filter.before.is_none_or(|before| row.queued_at < before)
        && filter.held.is_none_or(|held| held == (parsed.next == key::HELD))
}

fn fits_sender(from: &str, path: &ReversePath) -> bool {
    match from {
        "<>" => path.is_null(),
        from => contains(&path.to_string(), from),
    }
}

fn contains(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}
