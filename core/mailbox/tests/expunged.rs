//! Expunged messages come back for a while, and count as nothing.

mod support;

use core_mailbox::{
    AddressField, Expunged, ExpungedFilter, FlagChange, Mail, Options, Query, Usage, View,
};
use core_store::Key;
use std::time::Duration;
use support::{ANA, BOB, Office, audit, deposit, expunged, flags, name, row, set, text, uids};
use words_base::Timestamp;
use words_mail::{Keyword, MailboxName, NumberSet, Refusal, SystemFlag, Uid};
use words_message::SummaryRef;

const DAY: i64 = 24 * 3600 * 1000;

fn all() -> Query {
    Query::And(Vec::new())
}

/// Delivers letters from `person N` to one of Ana's mailboxes.
async fn deliver(office: &Office, mailbox: &str, letters: std::ops::Range<u32>) {
    for n in letters {
        let letter = format!("From: Person {n} <p{n}@x.org>\r\nSubject: about {n}\r\n\r\nbody {n}");
        office.deliver(&letter, vec![deposit(ANA, mailbox)]).await.unwrap();
    }
}

async fn remove(office: &Office, mailbox: &str, numbers: &[u32]) {
    let view = office.ana().open(&name(mailbox)).await.unwrap();
    assert_eq!(office.ana().remove(&view, &set(numbers)).await.unwrap(), set(numbers));
}

/// Does all there is to be done for now; tells in how many units.
async fn tidy(mail: &Mail) -> usize {
    let mut units = 0;
    while !mail.tidy_page().await.unwrap() {
        units += 1;
        assert!(units < 10_000, "tidying comes to an end");
    }
    units
}

fn subjects(found: &[Expunged]) -> Vec<String> {
    let subject = |one: &Expunged| {
        let subject = SummaryRef::new(&one.summary).unwrap().subject().unwrap().to_vec();
        String::from_utf8(subject).unwrap()
    };
    found.iter().map(subject).collect()
}

async fn inbox(office: &Office) -> std::sync::Arc<View> {
    office.ana().open(&MailboxName::inbox()).await.unwrap()
}

#[tokio::test]
async fn what_was_expunged_comes_back_as_it_was() {
    let office = Office::open().await;
    let ana = office.ana();
    deliver(&office, "INBOX", 1..4).await;
    let view = inbox(&office).await;
    let mut marks = flags(&[SystemFlag::Deleted, SystemFlag::Seen]);
    marks.insert_keyword(Keyword::parse("$Work").unwrap());
    ana.store_flags(&view, &set(&[2]), &FlagChange::Set(marks.clone()), None).await.unwrap();
    view.refresh().await.unwrap();
    let (before, was) = (office.mail.usage(ANA).await.unwrap(), row(&view, 2));
    let octets = text(&ana, &view, &was).await;
    office.pass(DAY);
    office.store.take_commits();
    ana.expunge(&view, None).await.unwrap();
    assert_eq!(office.store.take_commits(), 1);
    let kept = Usage { bytes: was.size, messages: 1 };
    assert_eq!(ana.expunged_usage().await.unwrap(), kept);
    let usage = office.mail.usage(ANA).await.unwrap();
    assert_eq!((usage.messages, usage.bytes), (2, before.bytes - was.size));
    let found = expunged(&ana, all()).await;
    assert_eq!((found.len(), &found[0].row), (1, &was));
    assert_eq!(found[0].id.expunged_at, office.mail_time());
    assert!(found[0].mailbox.is_inbox());
    audit(&office).await;

    office.pass(1000);
    let told = ana.recover(&[found[0].id], None).await.unwrap();
    assert_eq!(told, [Some((view.mailbox().id, Uid(4)))]);
    view.refresh().await.unwrap();
    assert_eq!(uids(&view), [1, 3, 4]);
    let back = row(&view, 4);
    marks.remove(&flags(&[SystemFlag::Deleted]));
    assert_eq!((&back.flags, back.received_at), (&marks, was.received_at));
    assert_eq!((back.size, back.blob, back.saved_at), (was.size, was.blob, office.mail_time()));
    assert_eq!(text(&ana, &view, &back).await, octets);
    assert_eq!(office.mail.usage(ANA).await.unwrap(), before);
    assert_eq!(ana.expunged_usage().await.unwrap(), Usage::default());
    // A second time nothing comes back.
    assert_eq!(ana.recover(&[found[0].id], None).await.unwrap(), [None]);
    assert_eq!(uids(&*inbox(&office).await), [1, 3, 4]);
    audit(&office).await;
}

#[tokio::test]
async fn it_is_found_by_time_mailbox_sender_and_subject() {
    let office = Office::open().await;
    let ana = office.ana();
    let begin = office.mail_time();
    deliver(&office, "INBOX", 1..4).await;
    deliver(&office, "Trash", 4..7).await;
    for n in 1..=3 {
        office.pass(DAY);
        remove(&office, "INBOX", &[n]).await;
        remove(&office, "Trash", &[n]).await;
    }
    let day = |n: i64| Timestamp::from_millis(begin.millis() + n * DAY);
    let found = expunged(&ana, all()).await;
    assert_eq!(subjects(&found), ["1", "4", "2", "5", "3", "6"].map(|n| format!("about {n}")));
    let find = |from: i64, to: i64, mailbox: Option<&str>, query: Query| {
        let mailbox = mailbox.map(name);
        let filter = ExpungedFilter { expunged_at: day(from)..day(to), mailbox, query };
        let ana = ana.clone();
        async move {
            let (found, rest) = ana.expunged(&filter, None).await.unwrap();
            assert_eq!(rest, None);
            subjects(&found).join(", ")
        }
    };
    let from = |text: &str| Query::Address(AddressField::From, text.to_string());
    assert_eq!(find(2, 3, None, all()).await, "about 2, about 5");
    assert_eq!(find(2, 9, Some("Trash"), all()).await, "about 5, about 6");
    assert_eq!(find(0, 9, Some("Archive"), all()).await, "");
    assert_eq!(find(0, 9, None, from("PERSON 6")).await, "about 6");
    assert_eq!(find(0, 9, None, from("p2@x")).await, "about 2");
    assert_eq!(find(0, 9, None, Query::Subject("OUT 3".to_string())).await, "about 3");
    assert_eq!(find(9, 0, None, all()).await, "");
    // What only the message's octets tell is not known here.
    assert_eq!(find(0, 9, None, Query::Body("body".to_string())).await, "");
    assert_eq!(expunged(&office.mail.account(BOB), all()).await, []);
    audit(&office).await;
}

#[tokio::test]
async fn it_comes_back_where_it_was_or_where_it_is_wanted() {
    let office = Office::open().await;
    let ana = office.ana();
    ana.create(&name("Work/Old"), None).await.unwrap();
    deliver(&office, "Work/Old", 1..3).await;
    deliver(&office, "INBOX", 3..6).await;
    remove(&office, "Work/Old", &[1]).await;
    office.pass(1);
    // The mailbox goes, with a message; another one keeps its number under a new name.
    ana.delete(&name("Work/Old")).await.unwrap();
    ana.create(&name("Letters"), None).await.unwrap();
    deliver(&office, "Letters", 6..7).await;
    office.pass(1);
    remove(&office, "Letters", &[1]).await;
    ana.rename(&name("Letters"), &name("Mail")).await.unwrap();
    ana.create(&name("Letters"), None).await.unwrap();
    office.pass(1);
    remove(&office, "INBOX", &[1, 2, 3]).await;
    audit(&office).await;
    let found = expunged(&ana, all()).await;
    assert_eq!(found.len(), 6);
    let ids: Vec<_> = found.iter().map(|one| one.id).collect();
    let told = ana.recover(&ids[..4], None).await.unwrap();
    assert!(told.iter().all(Option::is_some));
    let places =
        [("Work/Old", vec![1, 2]), ("Mail", vec![2]), ("Letters", vec![]), ("INBOX", vec![4])];
    for (mailbox, wanted) in places {
        assert_eq!(uids(&ana.open(&name(mailbox)).await.unwrap()), wanted, "{mailbox}");
    }
    // One that is named twice comes once; one that is gone is told.
    let again = [ids[4], ids[0], ids[4], ids[5]];
    let told = ana.recover(&again, Some(&name("New/Recovered"))).await.unwrap();
    let shown: Vec<Option<u32>> = told.iter().map(|t| t.map(|(_, uid)| uid.0)).collect();
    assert_eq!(shown, [Some(1), None, None, Some(2)]);
    assert_eq!(uids(&ana.open(&name("New/Recovered")).await.unwrap()), [1, 2]);
    assert_eq!(expunged(&ana, all()).await, []);
    audit(&office).await;
}

#[tokio::test]
async fn a_move_and_a_copy_that_fails_leave_nothing_behind() {
    let office = Office::open().await;
    let ana = office.ana();
    deliver(&office, "INBOX", 1..3).await;
    let view = inbox(&office).await;
    let trash = ana.find(&name("Trash")).await.unwrap().id;
    ana.move_to(&view, &set(&[1]), trash).await.unwrap();
    ana.rename(&MailboxName::inbox(), &name("Old")).await.unwrap();
    assert_eq!(expunged(&ana, all()).await, []);
    audit(&office).await;
}

#[tokio::test]
async fn it_is_given_up_when_its_time_has_come() {
    let office = Office::open().await;
    let ana = office.ana();
    deliver(&office, "INBOX", 0..4).await;
    office
        .deliver("a: b\r\n\r\nc", vec![deposit(ANA, "INBOX"), deposit(BOB, "INBOX")])
        .await
        .unwrap();
    remove(&office, "INBOX", &[1, 2, 5]).await;
    office.pass(5 * DAY);
    remove(&office, "INBOX", &[3]).await;
    tidy(&office.mail).await;
    office.pass(9 * DAY - 1);
    tidy(&office.mail).await;
    assert_eq!(ana.expunged_usage().await.unwrap().messages, 4);
    office.pass(1);
    // It is looked at from time to time only.
    assert_eq!(tidy(&office.mail).await, 0);
    office.pass(3_600_000);
    tidy(&office.mail).await;
    let left = expunged(&ana, all()).await;
    assert_eq!((left.len(), left[0].id.uid), (1, Uid(3)));
    assert_eq!(office.memory.blob_count(), 3, "the last one is Bob's too");
    audit(&office).await;
    // A new process looks at once.
    office.pass(20 * DAY);
    tidy(&office.another()).await;
    assert_eq!(ana.expunged_usage().await.unwrap(), Usage::default());
    audit(&office).await;
}

#[tokio::test]
async fn nothing_is_kept_when_nobody_wants_it() {
    let office = Office::forgetful().await;
    deliver(&office, "INBOX", 0..4).await;
    remove(&office, "INBOX", &[1, 2]).await;
    assert_eq!(expunged(&office.ana(), all()).await, []);
    assert_eq!(office.memory.blob_count(), 2);
    audit(&office).await;
    // What was kept when it was still wanted goes.
    let office = Office::open().await;
    deliver(&office, "INBOX", 0..4).await;
    remove(&office, "INBOX", &[1, 2]).await;
    let options = Options { keep_expunged: Duration::ZERO, ..Options::default() };
    tidy(&office.another_with(&options)).await;
    assert_eq!(office.memory.blob_count(), 2);
    audit(&office).await;
}

#[tokio::test]
async fn an_account_keeps_only_so_many_and_the_oldest_go_first() {
    let options = Options { expunged_messages_max: 5, ..Options::default() };
    let office = Office::open_with(options, 1).await;
    let ana = office.ana();
    deliver(&office, "INBOX", 1..21).await;
    for n in 1..=8 {
        office.pass(1000);
        remove(&office, "INBOX", &[n]).await;
    }
    assert_eq!(ana.expunged_usage().await.unwrap().messages, 8);
    tidy(&office.mail).await;
    let left: Vec<u32> = expunged(&ana, all()).await.iter().map(|one| one.id.uid.0).collect();
    assert_eq!(left, [4, 5, 6, 7, 8]);
    // Whoever expunges faster than is tidied comes to an end too.
    for n in 9..=20 {
        remove(&office, "INBOX", &[n]).await;
    }
    assert_eq!(ana.expunged_usage().await.unwrap().messages, 11);
    audit(&office).await;
    tidy(&office.mail).await;
    assert_eq!(ana.expunged_usage().await.unwrap().messages, 5);
    audit(&office).await;
    // The same of octets, when a whole mailbox goes; found by a process that knows nothing.
    let options = Options { expunged_bytes_max: 1_000, ..Options::default() };
    deliver(&office, "Trash", 1..60).await;
    ana.delete(&name("Trash")).await.unwrap();
    tidy(&office.another_with(&options)).await;
    let kept = ana.expunged_usage().await.unwrap();
    assert!(kept.bytes <= 1_000 && kept.messages > 5, "{kept:?}");
    audit(&office).await;
}

#[tokio::test]
async fn thousands_are_given_up_in_bounded_pages() {
    let office = Office::open().await;
    let trash = office.ana().find(&name("Trash")).await.unwrap().id;
    for _ in 0..5 {
        office.append(trash, &["a: b\r\n\r\nc"; 500]).await.unwrap();
    }
    let view = office.ana().open(&name("Trash")).await.unwrap();
    office.ana().remove(&view, &NumberSet::from_range(1, u32::MAX)).await.unwrap();
    assert_eq!(expunged(&office.ana(), all()).await.len(), 2_500);
    office.pass(15 * DAY);
    office.store.take_commits();
    tidy(&office.mail).await;
    assert_eq!(office.store.take_commits(), 3);
    assert_eq!(office.memory.blob_count(), 0);
    audit(&office).await;
}

#[tokio::test]
async fn it_can_be_forgotten_before_its_time() {
    let office = Office::open().await;
    let ana = office.ana();
    deliver(&office, "INBOX", 0..3).await;
    remove(&office, "INBOX", &[1, 2, 3]).await;
    let found = expunged(&ana, all()).await;
    let ids: Vec<_> = found[..2].iter().map(|one| one.id).collect();
    assert_eq!(ana.forget_expunged(&ids).await.unwrap(), 2);
    assert_eq!(ana.forget_expunged(&ids).await.unwrap(), 0);
    assert_eq!(expunged(&ana, all()).await.len(), 1);
    assert_eq!(office.memory.blob_count(), 1);
    audit(&office).await;
}

#[tokio::test]
async fn a_removed_account_leaves_nothing() {
    let office = Office::open().await;
    deliver(&office, "INBOX", 0..3).await;
    deliver(&office, "Trash", 0..3).await;
    remove(&office, "INBOX", &[1, 2]).await;
    while !office.mail.remove_account_page(ANA).await.unwrap() {}
    let left = |key: &Key| key[0] == b'm' && key[2..6] == ANA.0.to_be_bytes();
    let left: Vec<Key> = office.memory.pairs().into_iter().map(|p| p.0).filter(left).collect();
    assert_eq!(left, [] as [Key; 0]);
    assert_eq!(office.memory.blob_count(), 0);
}

#[tokio::test]
async fn whoever_is_first_recovers_it_or_gives_it_up() {
    let office = Office::open().await;
    let ana = office.ana();
    deliver(&office, "INBOX", 0..2).await;
    remove(&office, "INBOX", &[1, 2]).await;
    let found = expunged(&ana, all()).await;
    let ids: Vec<_> = found.iter().map(|one| one.id).collect();
    let (twin, first) = (office.twin.account(ANA), ids[0]);
    office.store.intrude(async move {
        assert_eq!(twin.forget_expunged(&[first]).await.unwrap(), 1);
    });
    let told = ana.recover(&ids, None).await.unwrap();
    assert_eq!((told[0], told[1].map(|(_, uid)| uid)), (None, Some(Uid(3))));
    audit(&office).await;
    // The mailbox that it is to come back into goes just then.
    remove(&office, "INBOX", &[3]).await;
    let id = expunged(&ana, all()).await[0].id;
    ana.create(&name("Back"), None).await.unwrap();
    let twin = office.twin.account(ANA);
    office.store.intrude(async move { twin.delete(&name("Back")).await.unwrap() });
    assert!(ana.recover(&[id], Some(&name("Back"))).await.unwrap()[0].is_some());
    assert_eq!(uids(&ana.open(&name("Back")).await.unwrap()), [1]);
    assert_eq!(ana.find(&name("Gone")).await, Err(Refusal::NoSuchMailbox));
    audit(&office).await;
}

#[tokio::test]
async fn summaries_are_found_among_those_of_many_expunged_messages() {
    let office = Office::open().await;
    let ana = office.ana();
    deliver(&office, "INBOX", 1..1_001).await;
    let view = inbox(&office).await;
    let gone = (1..=1_000).filter(|n| n % 100 != 0).collect();
    ana.remove(&view, &gone).await.unwrap();
    let rows = view.refresh().await.unwrap();
    office.store.take_reads();
    let summaries = ana.summaries(&view, &rows, 0, 100).await.unwrap();
    assert!(office.store.take_reads() <= 2);
    let subject = |summary: &Option<bytes::Bytes>| {
        let summary = summary.clone().unwrap();
        SummaryRef::new(&summary).unwrap().subject().unwrap().to_vec()
    };
    let found: Vec<_> = summaries.iter().map(subject).collect();
    let wanted: Vec<_> = (1..=10).map(|n| format!("about {}", n * 100).into_bytes()).collect();
    assert_eq!(found, wanted);
    audit(&office).await;
}
