//! Finding messages by reading a stretch of time.

use crate::attempt::{self, Attempt};
use crate::key::{self, Kind};
use crate::trace::unavailable;
use crate::{Arrival, Filter, Trace, arrival};
use core_store::{Direction, Key, Scan, Snapshot, Value};
use std::ops::Range;
use std::sync::Arc;
use words_mail::Refusal;

/// Rows that one call reads at most, but for those of the last message.
const ROWS_MAX: usize = 5_000;
/// Rows that are read at once.
const PAGE_MAX: usize = 500;
/// Events of one message that are kept at most: the newest, or the oldest, as is read first.
const EVENTS_MAX: usize = 1_000;

/// What is known of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traced {
    /// Its id.
    pub id: String,
    /// In the order of time.
    pub events: Vec<Event>,
    /// Events that there was no room for.
    pub more: u32,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It came, and went to its recipients or was refused.
    Arrived(Arrival),
    /// It was tried to bring it elsewhere.
    Attempted(Attempt),
}

/// Which are read first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Those that came last.
    #[default]
    NewestFirst,
    /// Those that came first.
    OldestFirst,
}

/// What is still to be read; good for a later call with the same filter and order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest(Range<Key>);

/// What one call has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// In the order asked for.
    pub traced: Vec<Traced>,
    /// Where to go on; `None`: all was read.
    pub rest: Option<Rest>,
}

impl Traced {
    /// What came, in one or more commits.
    pub fn arrivals(&self) -> impl Iterator<Item = &Arrival> {
        self.events.iter().filter_map(|event| match event {
            Event::Arrived(arrival) => Some(arrival),
            Event::Attempted(_) => None,
        })
    }

    /// The tries to bring it elsewhere.
    pub fn attempts(&self) -> impl Iterator<Item = &Attempt> {
        self.events.iter().filter_map(|event| match event {
            Event::Attempted(attempt) => Some(attempt),
            Event::Arrived(_) => None,
        })
    }
}

impl Trace {
    /// Looks for messages: at most `count_max` of them, and no longer than through some thousand rows.
    /// Whoever wants more goes on with the rest. Errors: `Unavailable`.
    pub async fn find(
        &self,
        filter: &Filter,
        order: Order,
        rest: Option<Rest>,
        count_max: usize,
    ) -> Result<Found, Refusal> {
        let range = match (rest, &filter.id) {
            (Some(Rest(range)), _) => range,
            (None, Some(id)) => match key::of_message(id) {
                Some(range) => range,
                None => return Ok(Found::default()),
            },
            (None, None) => key::between(filter.since, filter.until),
        };
        let snapshot = self.store().snapshot().await.map_err(unavailable)?;
        let reading = Reading { filter, order, snapshot, count_max };
        reading.run(range).await
    }
}

/// A stretch of time being read.
struct Reading<'a> {
    filter: &'a Filter,
    order: Order,
    snapshot: Arc<dyn Snapshot>,
    count_max: usize,
}

impl Reading<'_> {
    async fn run(&self, range: Range<Key>) -> Result<Found, Refusal> {
        let mut found = Found::default();
        let mut rest = Some(range);
        let mut rows = 0;
        let mut current: Option<Traced> = None;
        while let Some(range) = rest {
            let direction = match self.order {
                Order::NewestFirst => Direction::Falling,
                Order::OldestFirst => Direction::Rising,
            };
            let scan = Scan { direction, ..Scan::rising(range.clone()) }.at_most(PAGE_MAX);
            let page = self.snapshot.scan(scan).await.map_err(unavailable)?;
            for (key, value) in page.pairs {
                let Some((id, kind)) = key::read(&key) else { continue };
                if current.as_ref().is_none_or(|traced| traced.id != id) {
                    self.keep(current.take(), &mut found);
                    if rows >= ROWS_MAX || found.traced.len() >= self.count_max {
                        found.rest = Some(Rest(self.from(&key, range)));
                        return Ok(found);
                    }
                    let id = id.to_string();
                    current = Some(Traced { id, events: Vec::new(), more: 0 });
                }
                rows += 1;
                if let Some(traced) = &mut current {
                    traced.add(kind, &key, &value);
                }
            }
            rest = page.rest;
        }
        self.keep(current, &mut found);
        Ok(found)
    }

    fn keep(&self, traced: Option<Traced>, found: &mut Found) {
        let Some(mut traced) = traced else { return };
        if self.order == Order::NewestFirst {
            traced.events.reverse();
        }
        if self.filter.takes(&traced) {
            found.traced.push(traced);
        }
    }

    /// What of `range` is still to be read, the message of `key` first.
    fn from(&self, key: &Key, range: Range<Key>) -> Range<Key> {
        match self.order {
            Order::NewestFirst => range.start..key::behind(key).min(range.end),
            Order::OldestFirst => key::before(key).max(range.start)..range.end,
        }
    }
}

impl Traced {
    fn add(&mut self, kind: Kind, key: &Key, value: &Value) {
        if self.events.len() >= EVENTS_MAX {
            self.more += 1;
            return;
        }
        // A row of a later version, or a damaged one, is no reason to show nothing of the message.
        match decode(kind, key, value) {
            Some(event) => self.events.push(event),
            None => self.more += 1,
        }
    }
}

/// Reads a row.
pub(crate) fn decode(kind: Kind, key: &Key, value: &Value) -> Option<Event> {
    match kind {
        Kind::Attempt => attempt::decode(value).map(Event::Attempted),
        Kind::Arrival if key.ends_with(&[0, 0]) => arrival::decode(value).map(Event::Arrived),
        Kind::Arrival => {
            let (more, lines) = arrival::decode_more(value)?;
            Some(Event::Arrived(Arrival { more, lines, ..Arrival::default() }))
        }
    }
}
