//! What is queued is found: destination by destination, without reading their rows.

use crate::key;
use crate::queue::Inner;
use crate::record::Pause;
use core_store::{Key, Scan, Snapshot, StoreError};
use std::ops::Range;
use std::time::Duration;
use words_base::Timestamp;

/// Destinations that are found in one unit of work.
const DESTINATIONS_MAX: usize = 100;
/// Where some had to be passed over, all are looked at again so long after.
const AGAIN_AFTER: Duration = Duration::from_secs(60);
/// Once a day all are looked at, so that nothing rests on memory alone.
const EVERY: Duration = Duration::from_secs(24 * 3600);
/// A pause that has been over for so long is of nobody.
const PAUSE_STALE: Duration = Duration::from_secs(24 * 3600);

/// How far the walk is. It begins with the process.
pub(crate) enum Walk {
    /// Destinations in this range are still to be found.
    Rows(Range<Key>),
    /// Pauses in this range are still to be looked at for stale ones.
    Pauses(Range<Key>),
    /// All were found; it is walked again then.
    Done(Timestamp),
}

impl Default for Walk {
    fn default() -> Walk {
        Walk::Rows(key::rows())
    }
}

impl Walk {
    /// When there is something to do.
    pub fn due_at(&self) -> Option<Timestamp> {
        match self {
            Walk::Done(at) => Some(*at),
            Walk::Rows(_) | Walk::Pauses(_) => None,
        }
    }
}

impl Inner {
    /// One more stretch of the walk. Was there anything to do?
    pub async fn walk(&self, walk: &mut Walk, now: Timestamp) -> Result<bool, StoreError> {
        match walk {
            Walk::Done(at) if now < *at => return Ok(false),
            Walk::Done(_) => {
                self.board().forgotten = false;
                *walk = Walk::default();
            }
            Walk::Rows(range) => match self.find(range.clone(), now).await? {
                Some(rest) => *range = rest,
                None => {
                    self.board().complete = true;
                    *walk = Walk::Pauses(key::destinations());
                }
            },
            Walk::Pauses(range) => match self.clear_pauses(range.clone(), now).await? {
                Some(rest) => *range = rest,
                None => {
                    let again = if self.board().forgotten { AGAIN_AFTER } else { EVERY };
                    *walk = Walk::Done(now + again);
                }
            },
        }
        Ok(true)
    }

    /// Finds the first destinations in `range`; what of it is left.
    async fn find(
        &self,
        mut range: Range<Key>,
        now: Timestamp,
    ) -> Result<Option<Range<Key>>, StoreError> {
        let snapshot = self.store.snapshot().await?;
        let (mut heads, mut names) = (Vec::new(), Vec::new());
        let mut rest = None;
        while let Some(first) = first_in(&*snapshot, &range).await? {
            let Some(row) = key::parse_row(&first) else {
                range.start = key::after(&first);
                continue;
            };
            if names.len() == DESTINATIONS_MAX {
                rest = Some(range);
                break;
            }
            for class in crate::Class::ALL.into_iter().filter(|class| *class > row.class) {
                heads.extend(first_in(&*snapshot, &key::line(row.destination, class)).await?);
            }
            names.push(row.destination.to_string());
            range.start = key::rows_of(row.destination).end;
            heads.push(first);
        }
        let keys: Vec<Key> = names.iter().map(|name| key::destination(name)).collect();
        let pauses = snapshot.get_many(&keys).await?;
        let now = key::time(now);
        let mut board = self.board();
        for head in &heads {
            board.note(head, now, &self.options);
        }
        for (name, pause) in names.iter().zip(pauses) {
            // One that cannot be read is one that is not there: the destination is tried, no more.
            if let Some(pause) = pause.and_then(|octets| Pause::decode(&octets)) {
                board.remember(name, pause, now);
            }
        }
        self.ring(&board);
        Ok(rest)
    }

    /// Removes the pauses of those for whom nothing waits any more; what of the range is left.
    async fn clear_pauses(
        &self,
        range: Range<Key>,
        now: Timestamp,
    ) -> Result<Option<Range<Key>>, StoreError> {
        let snapshot = self.store.snapshot().await?;
        let page = snapshot.scan(Scan::rising(range)).await?;
        let mut batch = core_store::Batch::new();
        for (key, value) in page.pairs {
            let stale = Pause::decode(&value).is_none_or(|pause| pause.until + PAUSE_STALE < now);
            if stale {
                let key = key::owned(&key);
                batch.expect(key.clone(), value).delete(key);
            }
        }
        if !batch.operations.is_empty() {
            match self.store.commit(batch).await {
                // Somebody has learnt something new: it is not stale.
                Ok(_) | Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(page.rest)
    }
}

/// The first key in a range.
async fn first_in(snapshot: &dyn Snapshot, range: &Range<Key>) -> Result<Option<Key>, StoreError> {
    let page = snapshot.scan(Scan::rising(range.clone()).at_most(1)).await?;
    Ok(page.pairs.first().map(|(key, _)| key::owned(key)))
}
