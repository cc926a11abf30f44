//! Writing an account out.

use crate::MoveError;
use crate::report::{ExportReport, ExportedFolder, TROUBLES_MAX, Trouble};
use crate::sink::{Sink, SinkFolder, SinkMailbox, SinkMessage, Standing};
use crate::source::Told;
use core_mailbox::{Mailbox, Mailboxes, Row, Rows, View};
use words_mail::MailboxName;

/// Messages looked at together.
const PAGE: usize = 500;
/// Octets handed on at once.
const PIECE: usize = 256 * 1024;
/// Keywords of a mailbox that are told.
const KEYWORDS_MAX: usize = 200;

/// What is written.
#[derive(Clone, Debug, Default)]
pub struct ExportOptions {
    /// Only this mailbox and those below it.
    pub only: Option<MailboxName>,
}

/// Writes the mailboxes of an account; of those that an earlier run wrote, what is new.
pub async fn export(
    boxes: &Mailboxes,
    sink: &mut dyn Sink,
    options: &ExportOptions,
    told: &dyn Told,
) -> Result<ExportReport, MoveError> {
    let mut report = ExportReport::default();
    let mut list = boxes.list().await?;
    if let Some(only) = &options.only {
        list.retain(|mailbox| mailbox.name == *only || mailbox.name.is_below(only));
    }
    let mut written = Vec::new();
    for mailbox in &list {
        let view = boxes.open(&mailbox.name).await?;
        let rows = view.rows();
        let one = SinkMailbox {
            name: mailbox.name.clone(),
            uid_validity: mailbox.uid_validity,
            uid_next: view.uid_next(),
            subscribed: mailbox.subscribed,
            keywords: rows.keywords(KEYWORDS_MAX),
            has_children: list.iter().any(|other| other.name.is_below(&mailbox.name)),
        };
        let mut folder = sink.open(&one).await?;
        let outcome = write_folder(boxes, mailbox, &view, &rows, &mut *folder, told).await;
        let (exported, remarks) = match outcome {
            Ok(exported) => (exported, folder.close().await?),
            Err(error) => return Err(error),
        };
        drop(folder);
        report.folders.push(exported);
        report.remarks.extend(remarks);
        written.push(one);
    }
    report.remarks.extend(sink.finish(&written).await?);
    Ok(report)
}

async fn write_folder(
    boxes: &Mailboxes,
    mailbox: &Mailbox,
    view: &View,
    rows: &Rows,
    folder: &mut dyn SinkFolder,
    told: &dyn Told,
) -> Result<ExportedFolder, MoveError> {
    let mut report = ExportedFolder { mailbox: mailbox.name.to_string(), ..Default::default() };
    let mut place = 0;
    while place < rows.len() {
        let unique_ids = boxes.unique_ids(view, rows, place, PAGE).await?;
        for ((_, row), unique_id) in rows.iter_from(place).take(PAGE).zip(unique_ids) {
            report.found += 1;
            write_message(boxes, view, row, unique_id, folder, &mut report).await?;
            told.progress(&report.mailbox, report.found, Some(rows.len() as u64));
        }
        place += PAGE;
    }
    Ok(report)
}

async fn write_message(
    boxes: &Mailboxes,
    view: &View,
    row: &Row,
    unique_id: String,
    folder: &mut dyn SinkFolder,
    report: &mut ExportedFolder,
) -> Result<(), MoveError> {
    let message = SinkMessage {
        uid: row.uid,
        unique_id,
        flags: row.flags.clone(),
        received_at: row.received_at,
        size: row.size,
    };
    match folder.meet(&message).await? {
        Standing::Missing => {}
        Standing::There => {
            report.already += 1;
            return Ok(());
        }
        Standing::Reflagged => {
            report.already += 1;
            report.reflagged += 1;
            return Ok(());
        }
    }
    let content = match boxes.content(view, row).await {
        Ok(content) => content,
        // Expunged meanwhile: there is nothing to be written.
        Err(refusal) if refusal == core_mailbox::EXPUNGED => return Ok(()),
        Err(refusal) => return Err(refusal.into()),
    };
    folder.begin(&message).await?;
    let mut offset = 0;
    while offset < content.len() {
        match content.read(offset, PIECE).await {
            Ok(piece) if piece.is_empty() => break,
            Ok(piece) => {
                folder.write(&piece).await?;
                offset += piece.len() as u64;
            }
            Err(refusal) => {
                // One that cannot be read holds up no other.
                folder.give_up().await?;
                report.failed_count += 1;
                if report.failed.len() < TROUBLES_MAX {
                    let message = format!("UID {}", row.uid);
                    report.failed.push(Trouble { message, why: refusal.to_string() });
                }
                return Ok(());
            }
        }
    }
    folder.end().await?;
    report.written += 1;
    report.written_octets += row.size;
    Ok(())
}
