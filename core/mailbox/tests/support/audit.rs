//! What must be true of a post office at rest, whatever was done to it before.

use super::{ANA, BOB, Office};
use core_mailbox::{Mailboxes, Rows, Status, Usage};
use core_store::BlobId;
use std::collections::HashMap;
use words_mail::{SystemFlag, Uid, UidValidity};

/// Counters equal recounted rows; a view that has followed the log equals one opened anew; every
/// blob is held as often as messages name it.
pub async fn audit(office: &Office) {
    let mut holders: HashMap<BlobId, u32> = HashMap::new();
    for account in [ANA, BOB] {
        let (followed, anew) = (office.mail.account(account), office.another().account(account));
        let usage = audit_account(&followed, &anew, &mut holders).await;
        assert_eq!(office.mail.usage(account).await.unwrap(), usage);
    }
    for (blob, count) in &holders {
        assert_eq!(office.memory.holders(*blob), *count, "holders of {blob:?}");
    }
    assert_eq!(office.memory.blob_count(), holders.len(), "blobs that nobody holds");
}

async fn audit_account(
    followed: &Mailboxes,
    anew: &Mailboxes,
    holders: &mut HashMap<BlobId, u32>,
) -> Usage {
    let mut usage = Usage::default();
    for mailbox in anew.list().await.unwrap() {
        let rows = anew.open(&mailbox.name).await.unwrap().rows();
        let view = followed.open(&mailbox.name).await.unwrap();
        assert_same(&view.rows(), &rows);
        let status = anew.status(mailbox.id).await.unwrap();
        assert_eq!(status, recount(&rows, mailbox.uid_validity), "{}", mailbox.name);
        for (_, row) in rows.iter_from(0) {
            *holders.entry(row.blob).or_default() += 1;
        }
        usage.bytes += status.size;
        usage.messages += status.messages;
    }
    usage
}

fn recount(rows: &Rows, uid_validity: UidValidity) -> Status {
    let mut status = Status { uid_validity, ..Status::default() };
    let mut last = Uid(0);
    for (_, row) in rows.iter_from(0) {
        assert!(row.uid > last, "UIDs rise");
        assert!(row.modseq <= rows.highest_modseq(), "no change is newer than the newest");
        last = row.uid;
        status.messages += 1;
        status.size += row.size;
        status.unseen += u64::from(!row.flags.contains(SystemFlag::Seen));
        if row.flags.contains(SystemFlag::Deleted) {
            status.deleted += 1;
            status.deleted_size += row.size;
        }
    }
    assert!(rows.uid_next() > last);
    Status { uid_next: rows.uid_next(), highest_modseq: rows.highest_modseq(), ..status }
}

/// Are the two moments alike in everything that shows?
pub fn assert_same(left: &Rows, right: &Rows) {
    let all = |rows: &Rows| -> Vec<_> { rows.iter_from(0).map(|(_, row)| row.clone()).collect() };
    assert_eq!(all(left), all(right));
    assert_eq!(left.uid_next(), right.uid_next());
    assert_eq!(left.highest_modseq(), right.highest_modseq());
}
