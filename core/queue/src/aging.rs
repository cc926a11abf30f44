//! Rows that wait for a dead destination grow old without being tried: their senders are told once
//! that they are late, and in the end that they are given up. Nothing else is ever done to them, and
//! nothing is written for a row but these two times.

use crate::decide::Circumstances;
use crate::queue::{Background, Inner};
use crate::record::Row;
use crate::settle::{Settling, Verdict};
use crate::site::PauseChange;
use crate::{Destination, Said, key};
use core_store::{Key, Scan, StoreError, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use words_base::Timestamp;

/// Rows that are looked at in one unit of work.
const PAGE_MAX: usize = 500;
/// Rows that are written in one commit.
const WRITTEN_MAX: usize = 200;

impl Inner {
    /// Looks through one more page of a dead destination's rows. Was there anything to do?
    pub async fn age(
        &self,
        background: &mut Background,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        if background.aging.is_none() {
            let Some(name) = self.board().age(key::time(now)) else { return Ok(false) };
            let range = key::rows_of(&name);
            background.aging = Some((name, range));
        }
        let Some((name, range)) = background.aging.clone() else { return Ok(false) };
        let said = self.board().pause(&name).map(|pause| pause.said.clone());
        let Some(said) = said else {
            background.aging = None;
            return Ok(true);
        };
        let page = self.store.snapshot().await?;
        let page = page.scan(Scan::rising(range).at_most(PAGE_MAX)).await?;
        let old: Vec<(Key, Value)> = page
            .pairs
            .iter()
            .filter(|(key, value)| self.is_old(key, value, &said, now))
            .cloned()
            .collect();
        for some in old.chunks(WRITTEN_MAX) {
            self.age_rows(&name, some.to_vec(), &said, now).await?;
        }
        background.aging = page.rest.map(|rest| (name, rest));
        Ok(true)
    }

    /// Is there anything to be done with the row, if its sender can be told?
    fn is_old(&self, key: &Key, value: &Value, said: &Said, now: Timestamp) -> bool {
        let (Some(parsed), Some(row)) = (key::parse_row(key), Row::decode(value)) else {
            return false;
        };
        let schedule = self.options.schedule(parsed.class);
        let circumstances = Circumstances { schedule, at: now, reportable: true, chance: 0 };
        parsed.next != key::HELD && circumstances.age(&row, said).is_some()
    }

    async fn age_rows(
        &self,
        name: &Arc<str>,
        rows: Vec<(Key, Value)>,
        said: &Said,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let seized = Seized::new(self, rows, now);
        let Some(destination) = Destination::parse(name) else { return Ok(()) };
        let mut settlings: BTreeMap<String, Settling> = BTreeMap::new();
        for (key, value) in &seized.rows {
            let (Some(parsed), Some(row)) = (key::parse_row(key), Row::decode(value)) else {
                continue;
            };
            if !settlings.contains_key(parsed.id) {
                let Some(message) = self.message(parsed.id).await? else { continue };
                let settling = Settling {
                    message: Arc::new(message),
                    destination: destination.clone(),
                    at: now,
                    verdicts: Vec::new(),
                    pause: PauseChange::Same,
                    lease: None,
                };
                settlings.insert(parsed.id.to_string(), settling);
            }
            let Some(settling) = settlings.get_mut(parsed.id) else { continue };
            let schedule = self.options.schedule(parsed.class);
            let reportable = !settling.message.reverse_path.is_null();
            let circumstances = Circumstances { schedule, at: now, reportable, chance: 0 };
            let Some((after, fate)) = circumstances.age(&row, said) else { continue };
            let expired = matches!(fate, crate::Fate::Expired);
            let attempt = expired.then(|| (row.attempts, said.clone(), fate));
            let (key, value, number) = (key.clone(), value.clone(), parsed.number);
            settling.verdicts.push(Verdict { key, value, number, after, attempt, moved_to: None });
        }
        let mut settlings: Vec<Settling> = settlings.into_values().collect();
        self.settle(&mut settlings).await
    }
}

/// Rows that nobody else has until this is dropped.
pub(crate) struct Seized<'a> {
    inner: &'a Inner,
    /// Those that were to be had.
    pub rows: Vec<(Key, Value)>,
}

impl Seized<'_> {
    /// Takes those of `rows` that are nobody's.
    pub fn new(inner: &Inner, rows: Vec<(Key, Value)>, now: Timestamp) -> Seized<'_> {
        let copied = rows.iter().map(|(k, v)| (key::owned(k), Value::copy_from_slice(v))).collect();
        let rows = inner.board().seize(copied, key::time(now));
        Seized { inner, rows }
    }
}

impl Drop for Seized<'_> {
    fn drop(&mut self) {
        let now = key::time(self.inner.now());
        let mut board = self.inner.board();
        board.give_back(&self.rows);
        // Those that are still where they were may be due.
        for (key, _) in &self.rows {
            board.note(key, now, &self.inner.options);
        }
        self.inner.ring(&board);
    }
}
