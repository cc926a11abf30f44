//! Messages in mailboxes: flags, expunge, copy, move, and how views follow.

mod support;

use core_mailbox::{Allowance, Changes, Event, FlagChange, Options};
use support::{ANA, BOB, Office, audit, deposit, flags, name, row, set, text, uids};
use words_mail::{Flags, Keyword, ModSeq, NumberSet, Refusal, SystemFlag, Uid};

const SEEN: &[SystemFlag] = &[SystemFlag::Seen];
const DELETED: &[SystemFlag] = &[SystemFlag::Deleted];

/// Ana's INBOX with so many messages, and no commits counted yet.
async fn office_with(count: usize) -> Office {
    let office = Office::forgetful().await;
    for nth in 0..count {
        let text = format!("Subject: {nth}\r\n\r\nbody {nth}");
        office.deliver(&text, vec![deposit(ANA, "INBOX")]).await.unwrap();
    }
    office.store.take_commits();
    office
}

fn all() -> NumberSet {
    NumberSet::from_range(1, u32::MAX)
}

#[tokio::test]
async fn flags_are_set_added_and_removed_in_one_commit() {
    let office = office_with(3).await;
    let ana = office.ana();
    let view = ana.open(&name("INBOX")).await.unwrap();
    let stored = ana
        .store_flags(&view, &set(&[1, 3, 9]), &FlagChange::Add(flags(SEEN)), None)
        .await
        .unwrap();
    assert_eq!((stored.done, stored.modified), (set(&[1, 3]), set(&[])));
    assert_eq!(office.store.take_commits(), 1);
    view.refresh().await.unwrap();
    assert_eq!(row(&view, 1).modseq, row(&view, 3).modseq);
    assert!(row(&view, 2).modseq < row(&view, 1).modseq);
    assert_eq!(view.highest_modseq(), row(&view, 1).modseq);
    let status = ana.status(view.mailbox().id).await.unwrap();
    assert_eq!((status.messages, status.unseen), (3, 1));
    let junk = Flags::from_parts(0, vec![Keyword::parse("$Junk").unwrap()]);
    ana.store_flags(&view, &all(), &FlagChange::Set(junk.clone()), None).await.unwrap();
    ana.store_flags(&view, &set(&[2]), &FlagChange::Remove(junk.clone()), None).await.unwrap();
    view.refresh().await.unwrap();
    assert_eq!([1, 2, 3].map(|uid| row(&view, uid).flags), [junk.clone(), Flags::new(), junk]);
    audit(&office).await;
}

#[tokio::test]
async fn flags_that_change_nothing_cost_no_commit() {
    let office = office_with(2).await;
    let ana = office.ana();
    let view = ana.open(&name("INBOX")).await.unwrap();
    let change = FlagChange::Remove(flags(SEEN));
    let stored = ana.store_flags(&view, &all(), &change, None).await.unwrap();
    assert_eq!(stored.done, set(&[1, 2]));
    assert_eq!(office.store.take_commits(), 0);
}

#[tokio::test]
async fn messages_changed_since_are_left_alone() {
    // RFC 7162 §3.1.3: STORE (UNCHANGEDSINCE …).
    let office = office_with(3).await;
    let ana = office.ana();
    let view = ana.open(&name("INBOX")).await.unwrap();
    let since = view.highest_modseq();
    ana.store_flags(&view, &set(&[2]), &FlagChange::Add(flags(SEEN)), None).await.unwrap();
    let change = FlagChange::Add(flags(DELETED));
    let stored = ana.store_flags(&view, &all(), &change, Some(since)).await.unwrap();
    assert_eq!((stored.done, stored.modified), (set(&[1, 3]), set(&[2])));
    let stored = ana.store_flags(&view, &all(), &change, Some(ModSeq(0))).await.unwrap();
    assert_eq!((stored.done, stored.modified), (set(&[]), set(&[1, 2, 3])));
}

#[tokio::test]
async fn expunge_takes_the_deleted_ones_and_remove_takes_any() {
    let office = office_with(5).await;
    let ana = office.ana();
    let view = ana.open(&name("INBOX")).await.unwrap();
    let old = view.rows();
    ana.store_flags(&view, &set(&[1, 2, 4]), &FlagChange::Add(flags(DELETED)), None).await.unwrap();
    assert_eq!(ana.expunge(&view, Some(&set(&[2, 3]))).await.unwrap(), set(&[2]));
    assert_eq!(ana.expunge(&view, None).await.unwrap(), set(&[1, 4]));
    office.store.take_commits();
    assert_eq!(ana.expunge(&view, None).await.unwrap(), set(&[]));
    assert_eq!(office.store.take_commits(), 0);
    assert_eq!(ana.remove(&view, &set(&[3, 7])).await.unwrap(), set(&[3]));
    assert_eq!(office.store.take_commits(), 1);
    view.refresh().await.unwrap();
    assert_eq!(uids(&view), [5]);
    assert_eq!(view.uid_next(), Uid(6));
    let changes = view.rows().changes_from(&old);
    let wanted = Changes {
        expunged: vec![0, 1, 2, 3],
        vanished: vec![Uid(1), Uid(2), Uid(3), Uid(4)],
        highest_modseq: view.highest_modseq(),
        ..Changes::default()
    };
    assert_eq!(changes, wanted);
    assert_eq!(office.memory.blob_count(), 1);
    audit(&office).await;
}

#[tokio::test]
async fn a_copy_shares_the_octets_and_keeps_flags_and_dates() {
    let office = office_with(3).await;
    let ana = office.ana();
    let view = ana.open(&name("INBOX")).await.unwrap();
    ana.store_flags(&view, &set(&[3]), &FlagChange::Add(flags(SEEN)), None).await.unwrap();
    let archive = ana.open(&name("Archive")).await.unwrap();
    office.pass(60_000);
    office.store.take_commits();
    let copied = ana.copy(&view, &set(&[1, 3, 8]), archive.mailbox().id).await.unwrap();
    assert_eq!(copied.uids, [(Uid(1), Uid(1)), (Uid(3), Uid(2))]);
    assert_eq!(copied.uid_validity, archive.mailbox().uid_validity);
    assert_eq!(office.store.take_commits(), 1);
    assert_eq!(office.memory.blob_count(), 3);
    archive.refresh().await.unwrap();
    let (from, to) = (row(&view, 3), row(&archive, 2));
    assert_eq!((to.blob, to.flags.clone()), (from.blob, flags(SEEN)));
    assert_eq!((to.received_at, to.size), (from.received_at, from.size));
    assert!(to.saved_at > from.saved_at);
    assert_eq!(text(&ana, &archive, &to).await, text(&ana, &view, &from).await);
    ana.remove(&view, &all()).await.unwrap();
    assert!(text(&ana, &archive, &to).await.ends_with("body 2"));
    audit(&office).await;
}

#[tokio::test]
async fn a_move_is_one_commit_and_one_number() {
    let office = office_with(3).await;
    let ana = office.ana();
    let view = ana.open(&name("INBOX")).await.unwrap();
    let trash = ana.open(&name("Trash")).await.unwrap();
    let moved = ana.move_to(&view, &set(&[2, 3]), trash.mailbox().id).await.unwrap();
    assert_eq!(moved.uids, [(Uid(2), Uid(1)), (Uid(3), Uid(2))]);
    assert_eq!(office.store.take_commits(), 1);
    view.refresh().await.unwrap();
    trash.refresh().await.unwrap();
    assert_eq!((uids(&view), uids(&trash)), (vec![1], vec![1, 2]));
    assert_eq!(view.highest_modseq(), trash.highest_modseq());
    let again = ana.move_to(&view, &set(&[2, 3]), trash.mailbox().id).await.unwrap();
    assert_eq!(again.uids, [], "moving what is gone is no error");
    let inbox = view.mailbox().id;
    let within = ana.move_to(&view, &set(&[1]), inbox).await.unwrap();
    assert_eq!(within.uids, [(Uid(1), Uid(4))]);
    audit(&office).await;
}

#[tokio::test]
async fn copies_count_and_need_a_target() {
    let office = office_with(3).await;
    let ana = office.ana();
    let view = ana.open(&name("INBOX")).await.unwrap();
    let archive = ana.find(&name("Archive")).await.unwrap();
    let allowance = Allowance { bytes: None, messages: Some(5) };
    let full = ana.copy_within(&view, &all(), archive.id, allowance).await;
    assert_eq!(full, Err(Refusal::MailboxFull));
    ana.copy_within(&view, &set(&[1, 2]), archive.id, allowance).await.unwrap();
    let nowhere = words_mail::MailboxId(99);
    assert_eq!(ana.copy(&view, &all(), nowhere).await, Err(Refusal::NoSuchMailbox));
    assert_eq!(ana.move_to(&view, &all(), nowhere).await, Err(Refusal::NoSuchMailbox));
    audit(&office).await;
}

#[tokio::test]
async fn thousands_are_done_in_few_commits_within_the_limits() {
    let office = Office::open().await;
    let ana = office.ana();
    let inbox = ana.find(&name("INBOX")).await.unwrap();
    for _ in 0..5 {
        office.append(inbox.id, &["a: b\r\n\r\nc"; 500]).await.unwrap();
    }
    let view = ana.open(&name("INBOX")).await.unwrap();
    office.store.take_commits();
    ana.store_flags(&view, &all(), &FlagChange::Add(flags(DELETED)), None).await.unwrap();
    assert_eq!(office.store.take_commits(), 3);
    let trash = ana.open(&name("Trash")).await.unwrap();
    ana.copy(&view, &all(), trash.mailbox().id).await.unwrap();
    assert_eq!(office.store.take_commits(), 3);
    ana.remove(&view, &all()).await.unwrap();
    assert_eq!(office.store.take_commits(), 1);
    trash.refresh().await.unwrap();
    assert_eq!(ana.expunge(&trash, None).await.unwrap().len(), 2500);
    audit(&office).await;
}

#[tokio::test]
async fn a_refresh_without_news_is_one_read_and_the_same_moment() {
    let office = office_with(3).await;
    let ana = office.ana();
    let view = ana.open(&name("INBOX")).await.unwrap();
    let rows = view.rows();
    office.store.take_reads();
    assert!(view.refresh().await.unwrap().same(&rows));
    assert_eq!(office.store.take_reads(), 1);
    office.deliver("a: b\r\n\r\nc", vec![deposit(BOB, "INBOX")]).await.unwrap();
    office.deliver("a: b\r\n\r\nc", vec![deposit(ANA, "Trash")]).await.unwrap();
    assert!(view.refresh().await.unwrap().same(&rows), "news of other mailboxes is none");
    office.deliver("a: b\r\n\r\nc", vec![deposit(ANA, "INBOX")]).await.unwrap();
    let newer = view.refresh().await.unwrap();
    assert_eq!(newer.changes_from(&rows).arrived, 1);
}

#[tokio::test]
async fn an_open_mailbox_is_shared_and_another_process_is_followed() {
    let office = office_with(1).await;
    let first = office.ana().open(&name("INBOX")).await.unwrap();
    let second = office.ana().open(&name("INBOX")).await.unwrap();
    assert!(std::sync::Arc::ptr_eq(&first, &second));
    let elsewhere = office.another().account(ANA);
    let theirs = elsewhere.open(&name("INBOX")).await.unwrap();
    let change = FlagChange::Add(flags(SEEN));
    elsewhere.store_flags(&theirs, &set(&[1]), &change, None).await.unwrap();
    let old = first.rows();
    let changes = first.refresh().await.unwrap().changes_from(&old);
    assert_eq!((changes.changed, changes.expunged, changes.arrived), (vec![0], vec![], 0));
}

#[tokio::test]
async fn what_vanished_is_told_until_the_log_is_trimmed() {
    // RFC 7162 §3.2.5.1
    let options = Options { log_min: 3, ..Options::default() };
    let office = Office::open_with(options, 1).await;
    let ana = office.ana();
    for _ in 0..6 {
        office.deliver("a: b\r\n\r\nc", vec![deposit(ANA, "INBOX")]).await.unwrap();
    }
    let view = ana.open(&name("INBOX")).await.unwrap();
    let sleeper = office.another().account(ANA).open(&name("INBOX")).await.unwrap();
    let (since, old) = (view.highest_modseq(), view.rows());
    ana.remove(&view, &set(&[2, 3])).await.unwrap();
    ana.remove(&view, &set(&[6])).await.unwrap();
    assert_eq!(view.vanished_since(since).await.unwrap(), Some(set(&[2, 3, 6])));
    assert_eq!(view.vanished_since(ModSeq(since.0 + 1)).await.unwrap(), Some(set(&[6])));
    assert_eq!(view.vanished_before(&old, since).await.unwrap(), Some(set(&[])));
    assert!(!office.mail.trim_page(ANA).await.unwrap());
    assert!(office.mail.trim_page(ANA).await.unwrap());
    assert_eq!(view.vanished_since(since).await.unwrap(), Some(set(&[2, 3, 6])), "3 are kept");
    for _ in 0..4 {
        office.deliver("a: b\r\n\r\nc", vec![deposit(ANA, "Trash")]).await.unwrap();
    }
    while !office.mail.trim_page(ANA).await.unwrap() {}
    assert_eq!(view.vanished_since(since).await.unwrap(), None);
    // One whose unread part of the log is gone loads anew.
    sleeper.refresh().await.unwrap();
    assert_eq!(uids(&sleeper), [1, 4, 5]);
    let log = office.memory.pairs().into_iter().filter(|(k, _)| k.starts_with(b"ml\0\0\0\x01"));
    assert_eq!(log.count(), 3);
    audit(&office).await;
}

#[tokio::test]
async fn a_watch_ends_for_changes_of_its_account_only_and_loses_none() {
    let office = office_with(0).await;
    let mut watch = office.mail.watch(ANA);
    let mut changed = Box::pin(watch.changed());
    assert!(support::poll_once(&mut changed).await.is_none());
    office.deliver("a: b\r\n\r\nc", vec![deposit(BOB, "INBOX")]).await.unwrap();
    assert!(support::poll_once(&mut changed).await.is_none());
    drop(changed);
    office.deliver("a: b\r\n\r\nc", vec![deposit(ANA, "INBOX")]).await.unwrap();
    let mut changed = Box::pin(watch.changed());
    assert!(support::poll_once(&mut changed).await.is_some(), "told though nobody waited then");
    drop(changed);
    let mut changed = Box::pin(watch.changed());
    assert!(support::poll_once(&mut changed).await.is_none());
    office.ana().create(&name("new"), None).await.unwrap();
    assert!(support::poll_once(&mut changed).await.is_some());
}

#[tokio::test]
async fn modseq_and_usage_tell_of_the_account() {
    let office = office_with(2).await;
    let before = office.mail.modseq(ANA).await.unwrap();
    office.deliver("a: b\r\n\r\nc", vec![deposit(ANA, "Trash")]).await.unwrap();
    assert_eq!(office.mail.modseq(ANA).await.unwrap(), ModSeq(before.0 + 1));
    assert_eq!(office.mail.usage(ANA).await.unwrap().messages, 3);
    assert_eq!(office.mail.modseq(words_mail::AccountId(9)).await.unwrap(), ModSeq(0));
}

#[tokio::test]
async fn a_mailbox_opened_again_reads_only_what_is_new() {
    let office = office_with(30).await;
    let ana = office.ana();
    let first = ana.open(&name("INBOX")).await.unwrap();
    let old = first.rows();
    drop(first);
    office.deliver("a: b\r\n\r\nc", vec![deposit(ANA, "INBOX")]).await.unwrap();
    office.store.take_reads();
    let again = ana.open(&name("INBOX")).await.unwrap();
    assert_eq!(again.rows().changes_from(&old).arrived, 1);
    assert_eq!(uids(&again).len(), 31);
    // Name, counter, trimmed, log, the new record.
    assert_eq!(office.store.take_reads(), 5);
    drop(again);
    ana.rename(&name("INBOX"), &name("Old")).await.unwrap();
    ana.delete(&name("Old")).await.unwrap();
    assert_eq!(uids(&ana.open(&name("INBOX")).await.unwrap()), [0; 0]);
    audit(&office).await;
}

#[tokio::test]
async fn the_log_tells_what_each_commit_did() {
    let office = office_with(2).await;
    let ana = office.ana();
    let since = office.mail.modseq(ANA).await.unwrap();
    let view = ana.open(&name("INBOX")).await.unwrap();
    let inbox = view.mailbox().id;
    let made = ana.create(&name("new"), None).await.unwrap().id;
    ana.store_flags(&view, &set(&[1]), &FlagChange::Add(flags(SEEN)), None).await.unwrap();
    ana.move_to(&view, &set(&[1, 2]), made).await.unwrap();
    let log = ana.log_since(since, 10).await.unwrap().unwrap();
    let wanted = [
        vec![Event::Mailbox(made)],
        vec![Event::Flags(inbox, set(&[1]))],
        vec![Event::Expunged(inbox, set(&[1, 2])), Event::Arrived(made, set(&[1, 2]))],
    ];
    let numbers = (since.0 + 1..).map(ModSeq);
    assert_eq!(log, numbers.zip(wanted).collect::<Vec<_>>());
    assert_eq!(ana.log_since(since, 2).await.unwrap().unwrap().len(), 2);
    assert_eq!(ana.log_since(ModSeq(since.0 + 3), 2).await.unwrap(), Some(vec![]));
}

#[tokio::test]
async fn tidying_trims_the_logs_that_have_grown() {
    let options = Options { log_min: 100, ..Options::default() };
    let office = Office::open_with(options, 1).await;
    for _ in 0..1_100 {
        office.deliver("a: b\r\n\r\nc", vec![deposit(ANA, "INBOX")]).await.unwrap();
    }
    assert!(office.ana().log_since(ModSeq(0), 1).await.unwrap().is_some());
    while !office.mail.tidy_page().await.unwrap() {}
    assert_eq!(office.ana().log_since(ModSeq(0), 1).await.unwrap(), None);
    let newest = office.mail.modseq(ANA).await.unwrap();
    let kept = office.ana().log_since(ModSeq(newest.0 - 100), 1_000).await.unwrap().unwrap();
    assert_eq!(kept.len(), 100);
    office.store.take_commits();
    assert!(office.mail.tidy_page().await.unwrap());
    assert_eq!(office.store.take_commits(), 0);
    audit(&office).await;
}
