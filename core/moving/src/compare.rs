//! Both sides compared, when a folder has come.

use crate::import_folder::{id, key};
use crate::known::digest;
use crate::report::FolderReport;
use crate::source::{Item, OpenFolder, SourceKind, Told};
use crate::{MoveError, SourceError};
use core_mailbox::{Content, Mailbox, Mailboxes};
use words_base::Timestamp;
use words_mail::{MailboxName, Uid};

/// Rows compared at a time.
const PAGE: usize = 1_000;
/// Octets compared at a time.
const PIECE: usize = 64 * 1024;

/// What should be in the mailbox.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected {
    /// Under which UID it was filed.
    pub uid: Uid,
    /// The UID that it had; 0 for none.
    pub wished: Uid,
    /// Octets.
    pub size: Option<u64>,
    /// Of its flags.
    pub digest: u64,
    /// INTERNALDATE.
    pub received_at: Option<Timestamp>,
    /// Of its unique id.
    pub unique_id: Option<u64>,
    /// It may have been removed here since it came.
    pub may_be_gone: bool,
}

/// Stands for a text.
pub(crate) fn text_digest(text: &str) -> u64 {
    let hash = blake3::hash(text.as_bytes());
    hash.as_bytes().first_chunk::<8>().map_or(0, |first| u64::from_be_bytes(*first))
}

/// Compares what should be there with what is.
pub(crate) async fn rows(
    boxes: &Mailboxes,
    name: &MailboxName,
    mut expected: Vec<Expected>,
    keeps_uids: bool,
    report: &mut FolderReport,
) -> Result<(), MoveError> {
    // Opened anew, so that what is compared has been read from the store.
    let view = boxes.open(name).await?;
    let rows = view.rows();
    expected.sort_unstable_by_key(|one| one.uid);
    for page in expected.chunks(PAGE) {
        let first = page.first().map_or(0, |one| rows.find(one.uid).unwrap_or_else(|at| at));
        let last =
            page.last().map_or(0, |one| rows.find(one.uid).map_or_else(|at| at, |at| at + 1));
        let count = last.saturating_sub(first);
        let unique_ids = boxes.unique_ids(&view, &rows, first, count).await?;
        for one in page {
            let compared = &mut report.compared;
            let at = rows.find(one.uid).ok();
            let Some((at, row)) = at.and_then(|at| Some((at, rows.get(at)?))) else {
                compared.missing += u64::from(!one.may_be_gone);
                continue;
            };
            compared.messages += 1;
            compared.octets += row.size;
            compared.sizes += u64::from(one.size.is_some_and(|size| size != row.size));
            compared.flags += u64::from(digest(&row.flags) != one.digest);
            compared.dates += u64::from(one.received_at.is_some_and(|at| at != row.received_at));
            let uid_kept = one.wished == Uid(0) || keeps_uids && one.wished == row.uid;
            compared.uids += u64::from(!uid_kept);
            let here = unique_ids.get(at.saturating_sub(first)).map(|text| text_digest(text));
            compared.unique_ids += u64::from(one.unique_id.is_some() && one.unique_id != here);
        }
    }
    Ok(())
}

/// Reads every body on both sides and compares them.
pub(crate) async fn bodies(
    boxes: &Mailboxes,
    target: &Mailbox,
    kind: SourceKind,
    folder: &mut dyn OpenFolder,
    told: &dyn Told,
    report: &mut FolderReport,
) -> Result<(), MoveError> {
    let view = boxes.open(&target.name).await?;
    let rows = view.rows();
    let what = format!("{}, compared", report.mailbox);
    let all = folder.numbers().messages;
    let mut done = 0;
    loop {
        let items = folder.next(PAGE).await?;
        if items.is_empty() {
            return Ok(());
        }
        let keys: Vec<Vec<u8>> =
            items.iter().map(|item| key(kind, target.id, item).to_vec()).collect();
        let brought = boxes.brought(id(kind), &keys).await?;
        for (item, before) in items.iter().zip(brought) {
            done += 1;
            told.progress(&what, done, all);
            let row = before.and_then(|(_, uid)| rows.get(rows.find(uid).ok()?));
            let Some(row) = row else { continue };
            let content = boxes.content(&view, row).await?;
            match same(folder, item, &content).await {
                Ok(same) => {
                    report.compared.bodies_read += 1;
                    if !same {
                        report.compared.bodies += 1;
                        let why = "its octets here are others than in the source";
                        report.note_broken(&item.label, why.to_string());
                    }
                }
                Err(MoveError::Source(SourceError::Gone | SourceError::Message(_))) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

async fn same(
    folder: &mut dyn OpenFolder,
    item: &Item,
    content: &Content,
) -> Result<bool, MoveError> {
    let mut body = folder.body(item).await?;
    let mut offset = 0;
    while let Some(piece) = body.octets.next().await? {
        for part in piece.chunks(PIECE) {
            let here = content.read(offset, part.len()).await?;
            if here != part {
                return Ok(false);
            }
            offset += part.len() as u64;
        }
    }
    Ok(offset == content.len())
}
