//! What an operator does.

use crate::aging::Seized;
use crate::decide::{After, Circumstances};
use crate::list::Found;
use crate::queue::Inner;
use crate::settle::{Settling, Verdict};
use crate::site::PauseChange;
use crate::{Change, Changed, Destination, Fate, Filter, Position, Queue, Said, key};
use core_store::{Key, StoreError};
use std::collections::BTreeMap;
use words_base::Timestamp;
use words_mail::EnhancedStatus;

/// Rows that are changed in one commit.
const CHANGED_MAX: usize = 200;
/// What the sender is told of a message that an operator has given up.
const GIVEN_UP: &str = "given up by the server's operator";

impl Queue {
    /// Changes a page of the recipients that fit `filter`, from `from` on, in one commit. Whoever
    /// wants all of them goes on at [`Changed::next`].
    pub async fn change(
        &self,
        filter: &Filter,
        change: &Change,
        from: Option<Position>,
        now: Timestamp,
    ) -> Result<Changed, StoreError> {
        let found = self.inner.find_rows(filter, from, CHANGED_MAX).await?;
        let mut changed = Changed { next: found.next, ..Changed::default() };
        let rows = found.rows.iter().map(|one| (one.key.clone(), one.value.clone())).collect();
        let seized = Seized::new(&self.inner, rows, now);
        changed.busy = (found.rows.len() - seized.rows.len()) as u64;
        let mut settlings: BTreeMap<(String, String), Settling> = BTreeMap::new();
        for one in &found.rows {
            if seized.rows.iter().any(|(key, _)| *key == one.key) {
                changed.changed +=
                    u64::from(self.inner.change_row(one, change, now, &mut settlings));
            }
        }
        let mut settlings: Vec<Settling> = settlings.into_values().collect();
        // A message may stand under several destinations; its count changes once a commit.
        while !settlings.is_empty() {
            let mut some = one_of_each(&mut settlings);
            self.inner.settle(&mut some).await?;
        }
        drop(seized);
        if *change == Change::Retry {
            self.inner.unpause(&found.rows, now);
        }
        Ok(changed)
    }
}

/// Takes one settling of each message.
fn one_of_each(settlings: &mut Vec<Settling>) -> Vec<Settling> {
    let mut taken: Vec<Settling> = Vec::new();
    let mut left = Vec::new();
    for settling in settlings.drain(..) {
        match taken.iter().any(|other| other.message.id == settling.message.id) {
            true => left.push(settling),
            false => taken.push(settling),
        }
    }
    *settlings = left;
    taken
}

impl Inner {
    fn change_row(
        &self,
        found: &Found,
        change: &Change,
        now: Timestamp,
        settlings: &mut BTreeMap<(String, String), Settling>,
    ) -> bool {
        let Some(parsed) = key::parse_row(&found.key) else { return false };
        let Some(destination) = Destination::parse(parsed.destination) else { return false };
        let place =
            |name: &str, next: u64| key::row(name, parsed.class, next, parsed.id, parsed.number);
        let (here, due) = (parsed.destination, key::time(now));
        let stays = || After::Stays { row: found.row.clone(), next: Some(now), delayed: None };
        let held = parsed.next == key::HELD;
        let (after, moved_to, attempt): (After, Option<Key>, Option<(u32, Said, Fate)>) =
            match change {
                Change::Hold if held => return false,
                Change::Hold => (stays(), Some(place(here, key::HELD)), None),
                Change::Release if !held => return false,
                Change::Release => (stays(), Some(place(here, due)), None),
                // What is on hold stays there: it was put there by somebody.
                Change::Retry if held => return false,
                Change::Retry => (stays(), Some(place(here, due)), None),
                Change::Reroute(to) => {
                    let next = if held { key::HELD } else { due };
                    (stays(), Some(place(&to.to_string(), next)), None)
                }
                Change::Delete => (After::Gone { bounce: None }, None, None),
                Change::Bounce => {
                    let circumstances = Circumstances {
                        schedule: self.options.schedule(parsed.class),
                        at: now,
                        reportable: !found.message.reverse_path.is_null(),
                        chance: 0,
                    };
                    let ours = Said::ours(EnhancedStatus(5, 0, 0), GIVEN_UP);
                    let last =
                        found.row.last.as_ref().map_or(ours.clone(), |last| last.said.clone());
                    let after = circumstances.failed(&found.row, found.row.attempts, false, &last);
                    (after, None, Some((found.row.attempts, ours, Fate::Refused)))
                }
            };
        let key = (parsed.id.to_string(), here.to_string());
        let settling = settlings.entry(key).or_insert_with(|| Settling {
            message: found.message.clone(),
            destination,
            at: now,
            verdicts: Vec::new(),
            pause: PauseChange::Same,
            lease: None,
        });
        let (key, value, number) = (found.key.clone(), found.value.clone(), parsed.number);
        settling.verdicts.push(Verdict { key, value, number, after, attempt, moved_to });
        true
    }

    /// Ends the pauses of the destinations of these rows.
    fn unpause(&self, rows: &[Found], now: Timestamp) {
        let mut board = self.board();
        for one in rows {
            if let Some(parsed) = key::parse_row(&one.key) {
                board.unpause(parsed.destination, key::time(now));
            }
        }
        self.ring(&board);
    }
}
