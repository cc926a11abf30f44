//! Wishes about the store.

use super::Reply;
use crate::examine::examine;
use crate::office::Office;
use crate::progress::Tell;
use engine_store_embedded::CheckReport;
use serde::{Deserialize, Serialize};
use serde_json::json;

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
pub(super) async fn fulfil(
    office: &Office,
    request: StoreRequest,
    tell: &Tell,
) -> Result<Reply, String> {
    let store = office.store.clone();
    match request {
        StoreRequest::Check => {
            // It reads the disk for long.
            let checked = tokio::task::spawn_blocking(move || store.check(CHECK_BUDGET)).await;
            Ok(explained(office, &checked.map_err(|error| error.to_string())?, tell).await)
        }
        StoreRequest::Stats => {
            let stats = tokio::task::spawn_blocking(move || store.stats()).await;
            let stats = stats.map_err(|error| error.to_string())?;
            let stats = stats.map_err(|error| error.to_string())?;
            Ok(Reply::report(stats.to_string(), stats.failure.is_none()))
        }
    }
}

/// A report in which what is damaged has the names that people know, and the records that only the
/// core can judge.
pub async fn explained(office: &Office, report: &CheckReport, tell: &Tell) -> Reply {
    let examination = examine(office, &report.blobs_damaged, tell).await;
    let mut lines: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    lines.extend(examination.lines.iter().cloned());
    lines.extend(examination.broken_off.iter().cloned());
    let good = report.is_clean() && lines.is_empty();
    let mut text = examination.lines.join("\n");
    for more in examination.broken_off.iter() {
        text += &format!("\n{more}");
    }
    if examination.unlisted > 0 {
        text += &format!("\nand {} more messages", examination.unlisted);
    }
    text += &format!("\n{report}");
    if !good {
        text += "\nrestore what is damaged from a backup, or stop the server and run \
            \"estafeta store salvage OUT\"";
    }
    let text = text.trim_start().to_string();
    let value = json!({ "good": good, "text": text, "findings": lines });
    Reply::Report { text, value, good }
}
