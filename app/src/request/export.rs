//! Wishes about mail that goes elsewhere.

use super::import::{Following, octets, table, troubles};
use super::{Reply, read_address};
use crate::office::Office;
use crate::progress::Tell;
use core_moving::{
    ExportOptions, ExportReport, ExportedFolder, MaildirSink, MboxSink, Sink, export,
};
use core_world::Files;
use engine_system::SystemFiles;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tracing::info;
use words_mail::{AccountId, MailboxName};

/// Whose mail is to be written where.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExportRequest {
    /// As a Maildir? Else as mbox files.
    pub is_maildir: bool,
    /// The directory.
    pub target: PathBuf,
    /// Whose, by address.
    pub account: String,
    /// Only this mailbox and those below it.
    pub only: Option<String>,
}

/// Does it.
pub(super) async fn fulfil(
    office: &Office,
    request: ExportRequest,
    tell: &Tell,
) -> Result<Reply, String> {
    let began = Instant::now();
    let entry = office.directory.admin().show_account(&read_address(&request.account)?).await;
    let entry = entry.map_err(|error| error.to_string())?;
    let only = request.only.as_deref().map(MailboxName::parse).transpose();
    let only = only.map_err(|error| error.to_string())?;
    let target = request.target.clone();
    let made = tokio::task::spawn_blocking(move || {
        use std::os::unix::fs::DirBuilderExt;
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(target)
    });
    let made = made.await.map_err(|error| error.to_string())?;
    made.map_err(|error| {
        format!(
            "cannot make {}: {error}; the user that has the store open must be able to write there",
            request.target.display()
        )
    })?;
    let tree = SystemFiles.root(&request.target).await.map_err(|error| error.to_string())?;
    let mut sink: Box<dyn Sink> = match request.is_maildir {
        true => Box::new(MaildirSink::new(tree)),
        false => Box::new(MboxSink::new(tree)),
    };
    let boxes = office.mail.account(AccountId(entry.id));
    let told = Following(tell.clone());
    let report = export(&boxes, &mut *sink, &ExportOptions { only }, &told).await;
    let report = report.map_err(|error| error.to_string())?;
    info!(account = entry.address, target = %request.target.display(), "mail exported");
    Ok(reply(&report, began.elapsed()))
}

fn reply(report: &ExportReport, elapsed: Duration) -> Reply {
    let row = |f: &ExportedFolder| {
        let numbers = [f.found, f.written, f.already, f.reflagged, f.failed_count];
        let numbers = numbers.map(|number| number.to_string());
        [&[f.mailbox.clone()][..], &numbers, &[octets(f.written_octets)]].concat()
    };
    let header = ["Mailbox", "Messages", "Written", "There already", "Reflagged", "Failed", "Size"];
    let mut text = table(&header, report.folders.iter().map(row).collect()) + "\n";
    let written: u64 = report.folders.iter().map(|f| f.written).sum();
    let seconds = elapsed.as_secs_f64().max(0.001);
    let rate = written as f64 / seconds;
    text += &format!("\nWritten {written} messages in {seconds:.1} s ({rate:.0}/s)\n");
    for folder in &report.folders {
        text += &troubles("not written:", &folder.mailbox, &folder.failed, folder.failed_count);
    }
    report.remarks.iter().for_each(|remark| text += &format!("{remark}\n"));
    let good = report.is_good();
    let value = serde_json::json!({ "good": good, "seconds": seconds, "report": report });
    Reply::Report { text, value, good }
}
