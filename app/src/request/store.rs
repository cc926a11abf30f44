//! Wishes about the store.

use super::Reply;
use crate::office::Office;
use serde::{Deserialize, Serialize};

/// A check reads everything.
const CHECK_BUDGET: u64 = u64::MAX;

/// A wish about the store.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoreRequest {
    /// Read and verify.
    Check,
    /// Numbers.
    Stats,
}

/// Does it.
pub(super) async fn fulfil(office: &Office, request: StoreRequest) -> Result<Reply, String> {
    let store = office.store.clone();
    let work = move || match request {
        StoreRequest::Check => {
            let report = store.check(CHECK_BUDGET);
            Ok(Reply::report(report.to_string(), report.is_clean()))
        }
        StoreRequest::Stats => {
            let stats = store.stats().map_err(|error| error.to_string())?;
            Ok(Reply::report(stats.to_string(), stats.failure.is_none()))
        }
    };
    // It may read the disk for long.
    tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())?
}
