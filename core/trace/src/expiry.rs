//! When the time of rows has come.

use crate::trace::unavailable;
use crate::{Trace, key};
use core_store::{Batch, Scan};
use words_base::Timestamp;
use words_mail::Refusal;

/// Rows that are deleted in one commit.
const PAGE_MAX: usize = 500;

impl Trace {
    /// Deletes one page of rows whose time has come. `true`: there are no more for now. Errors:
    /// `Unavailable`.
    pub async fn expire_page(&self) -> Result<bool, Refusal> {
        let kept = i64::try_from(self.options().keep.as_millis()).unwrap_or(i64::MAX);
        let until = self.now().millis().saturating_sub(kept);
        if until <= 0 {
            return Ok(true);
        }
        let range = key::between(None, Some(Timestamp::from_millis(until)));
        let snapshot = self.store().snapshot().await.map_err(unavailable)?;
        let page = snapshot.scan(Scan::rising(range).at_most(PAGE_MAX)).await;
        let page = page.map_err(unavailable)?;
        if page.pairs.is_empty() {
            return Ok(true);
        }
        let mut batch = Batch::new();
        for (key, _) in page.pairs {
            batch.delete(key);
        }
        self.store().commit(batch).await.map_err(unavailable)?;
        Ok(page.rest.is_none())
    }
}
