//! What must be true of a post office at rest, whatever was done to it before.

use super::{ANA, BOB, Office};
use core_mailbox::{Expunged, ExpungedFilter, Mailboxes, Query, Rows, Status, Usage};
use core_store::{BlobId, Key, Value};
use std::collections::{BTreeSet, HashMap};
use words_base::Timestamp;
use words_mail::{SystemFlag, Uid, UidValidity};

/// Counters equal recounted rows; a view that has followed the log equals one opened anew; every
/// blob is held as often as messages name it, those that can be recovered with them; and no record
/// is left of a message that is gone.
pub async fn audit(office: &Office) {
    let mut holders: HashMap<BlobId, u32> = HashMap::new();
    for account in [ANA, BOB] {
        let (followed, anew) = (office.mail.account(account), office.another().account(account));
        let usage = audit_account(&followed, &anew, &mut holders).await;
        assert_eq!(office.mail.usage(account).await.unwrap(), usage);
        let kept = count_expunged(&anew, &mut holders).await;
        assert_eq!(anew.expunged_usage().await.unwrap(), kept);
    }
    for (blob, count) in &holders {
        assert_eq!(office.memory.holders(*blob), *count, "holders of {blob:?}");
    }
    assert_eq!(office.memory.blob_count(), holders.len(), "blobs that nobody holds");
    audit_records(&office.memory.pairs());
}

/// The expunged messages that can be recovered.
pub async fn expunged(mailboxes: &Mailboxes, query: Query) -> Vec<Expunged> {
    let all = Timestamp::default()..Timestamp::from_millis(i64::MAX);
    let filter = ExpungedFilter { expunged_at: all, mailbox: None, query };
    let (mut found, mut after) = mailboxes.expunged(&filter, None).await.unwrap();
    while after.is_some() {
        let (more, next) = mailboxes.expunged(&filter, after).await.unwrap();
        found.extend(more);
        after = next;
    }
    found
}

async fn count_expunged(mailboxes: &Mailboxes, holders: &mut HashMap<BlobId, u32>) -> Usage {
    let mut usage = Usage::default();
    for one in expunged(mailboxes, Query::And(Vec::new())).await {
        *holders.entry(one.row.blob).or_default() += 1;
        usage.bytes += one.row.size;
        usage.messages += 1;
    }
    usage
}

/// Every message, and every one that was expunged not long ago, has one cold record, and no other is
/// there; unique ids are there for those that are marked so.
fn audit_records(pairs: &[(Key, Value)]) {
    let of_kind = |kind: u8| pairs.iter().filter(move |(key, _)| key[..2] == [b'm', kind]);
    // Account, mailbox and UID, wherever the time stands.
    let rows: BTreeSet<Vec<u8>> = of_kind(b'r').map(|(key, _)| key[2..].to_vec()).collect();
    let gone = of_kind(b'e').map(|(key, _)| [&key[2..6], &key[14..]].concat());
    let gone: BTreeSet<Vec<u8>> = gone.collect();
    assert!(rows.is_disjoint(&gone), "there and expunged at once");
    let colds: BTreeSet<Vec<u8>> = of_kind(b'h').map(|(key, _)| key[2..].to_vec()).collect();
    assert_eq!(colds, rows.union(&gone).cloned().collect(), "cold records");
    let is_marked = |record: &[u8]| record[0] > 1 && record[46] & 1 != 0;
    let marked = of_kind(b'r').filter(|(_, record)| is_marked(record));
    let marked: BTreeSet<Vec<u8>> = marked.map(|(key, _)| key[2..].to_vec()).collect();
    let unique_ids: BTreeSet<Vec<u8>> = of_kind(b'p').map(|(key, _)| key[2..].to_vec()).collect();
    assert_eq!(unique_ids, marked, "unique ids");
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
