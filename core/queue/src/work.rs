//! What must be done beside: one small unit at a time.

use crate::reports::RETRY_SOON;
use crate::{Homeward, Queue, key};
use core_store::StoreError;
use std::time::Duration;
use words_base::Timestamp;

/// What a unit of background work came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// There is more to do at once.
    Again,
    /// Nothing to do before this, unless something happens: see [`Queue::work`].
    IdleUntil(Timestamp),
}

/// Work looks up from its rest at least so often: what happens meanwhile does not wait long.
const REST_MAX: Duration = Duration::from_secs(1);

impl Queue {
    /// One small unit of what must be done beside: writing down what could not be written, finding
    /// what is queued after a start, telling senders (by `home`), giving up what waits for dead
    /// destinations, waking lanes whose time has come. Called again and again by one worker; after an
    /// error some time later.
    pub async fn work(&self, home: &dyn Homeward, now: Timestamp) -> Result<Work, StoreError> {
        let inner = &self.inner;
        let mut background = inner.background.lock().await;
        {
            let mut board = inner.board();
            board.come_due(key::time(now));
            inner.ring(&board);
        }
        if inner.write_unwritten().await?
            || inner.walk(&mut background.walk, now).await?
            || inner.find_reports(now).await?
            || inner.report_one(home, now).await?
            || inner.age(&mut background, now).await?
        {
            return Ok(Work::Again);
        }
        let mut next = now + REST_MAX;
        let board_at = inner.board().next_at().and_then(key::time_of);
        let report_at = inner.reports().next_at();
        for at in [board_at, report_at, background.walk.due_at()].into_iter().flatten() {
            next = next.min(at);
        }
        Ok(Work::IdleUntil(next.max(now + RETRY_SOON)))
    }
}
