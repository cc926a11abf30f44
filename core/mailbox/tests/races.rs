//! Somebody else is a moment faster: between the reading and the commit.

mod support;

use core_mailbox::{Copied, FlagChange, Mailboxes};
use core_store::{BlobId, Body, BodyBytes};
use support::{ANA, Office, audit, deposit, flags, name, row, set, uids};
use words_mail::{MailboxName, Refusal, SystemFlag, Uid};

/// Ana's INBOX with messages 1, 2 and 3.
async fn office() -> Office {
    let office = Office::open().await;
    for nth in 1..=3 {
        let text = format!("Subject: {nth}\r\n\r\nbody {nth}");
        office.deliver(&text, vec![deposit(ANA, "INBOX")]).await.unwrap();
    }
    office
}

/// What another process does as Ana, just before our next commit.
fn meanwhile<F>(office: &Office, deed: impl FnOnce(Mailboxes) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    office.store.intrude(deed(office.twin.account(ANA)));
}

async fn remove(ana: Mailboxes, uid: u32) {
    let view = ana.open(&MailboxName::inbox()).await.unwrap();
    ana.remove(&view, &set(&[uid])).await.unwrap();
}

#[tokio::test]
async fn a_message_that_goes_meanwhile_is_not_copied_moved_or_flagged() {
    let copied = |uids: &[(u32, u32)], office: &Copied| {
        let wanted: Vec<_> = uids.iter().map(|(a, b)| (Uid(*a), Uid(*b))).collect();
        assert_eq!(office.uids, wanted);
    };
    let office = office().await;
    let ana = office.ana();
    let view = ana.open(&name("INBOX")).await.unwrap();
    let trash = ana.find(&name("Trash")).await.unwrap().id;
    meanwhile(&office, |ana| remove(ana, 1));
    copied(&[(2, 1)], &ana.copy(&view, &set(&[1, 2]), trash).await.unwrap());
    meanwhile(&office, |ana| remove(ana, 2));
    copied(&[(3, 2)], &ana.move_to(&view, &set(&[2, 3]), trash).await.unwrap());
    office.deliver("a: b\r\n\r\nc", vec![deposit(ANA, "INBOX")]).await.unwrap();
    office.deliver("a: b\r\n\r\nc", vec![deposit(ANA, "INBOX")]).await.unwrap();
    meanwhile(&office, |ana| remove(ana, 4));
    let seen = FlagChange::Add(flags(&[SystemFlag::Seen]));
    let stored = ana.store_flags(&view, &set(&[4, 5]), &seen, None).await.unwrap();
    assert_eq!(stored.done, set(&[5]));
    meanwhile(&office, |ana| remove(ana, 5));
    assert_eq!(ana.remove(&view, &set(&[5])).await.unwrap(), set(&[]), "told once only");
    audit(&office).await;
}

#[tokio::test]
async fn flags_that_two_set_at_once_are_both_set() {
    let office = office().await;
    let ana = office.ana();
    let view = ana.open(&name("INBOX")).await.unwrap();
    let since = view.highest_modseq();
    let answer = |ana: Mailboxes| async move {
        let view = ana.open(&MailboxName::inbox()).await.unwrap();
        let change = FlagChange::Add(flags(&[SystemFlag::Answered]));
        ana.store_flags(&view, &set(&[2]), &change, None).await.unwrap();
    };
    let seen = FlagChange::Add(flags(&[SystemFlag::Seen]));
    meanwhile(&office, answer);
    ana.store_flags(&view, &set(&[1, 2]), &seen, None).await.unwrap();
    view.refresh().await.unwrap();
    assert_eq!(row(&view, 2).flags, flags(&[SystemFlag::Seen, SystemFlag::Answered]));
    let deleted = FlagChange::Set(flags(&[SystemFlag::Deleted]));
    let stored = ana.store_flags(&view, &set(&[2, 3]), &deleted, Some(since)).await.unwrap();
    assert_eq!((stored.done, stored.modified), (set(&[3]), set(&[2])));
    let undelete = |ana: Mailboxes| async move {
        let view = ana.open(&MailboxName::inbox()).await.unwrap();
        let change = FlagChange::Set(flags(&[]));
        ana.store_flags(&view, &set(&[3]), &change, None).await.unwrap();
    };
    meanwhile(&office, undelete);
    assert_eq!(ana.expunge(&view, None).await.unwrap(), set(&[]), "no longer deleted");
    audit(&office).await;
}

#[tokio::test]
async fn a_mailbox_that_goes_meanwhile_gets_nothing() {
    let office = office().await;
    let ana = office.ana();
    let view = ana.open(&name("INBOX")).await.unwrap();
    let make = || async {
        let _ = office.ana().delete(&name("Target")).await;
        office.ana().create(&name("Target"), None).await.unwrap().id
    };
    let delete = |ana: Mailboxes| async move { ana.delete(&name("Target")).await.unwrap() };
    make().await;
    meanwhile(&office, delete);
    let to = vec![deposit(ANA, "Target"), deposit(ANA, "Archive")];
    let delivered = office.deliver("a: b\r\n\r\nc", to).await.unwrap();
    assert_eq!(delivered[0], Err(Refusal::NoSuchMailbox));
    assert!(delivered[1].is_ok());
    let target = make().await;
    meanwhile(&office, delete);
    assert_eq!(office.append(target, &["a: b\r\n\r\nc"]).await, Err(Refusal::NoSuchMailbox));
    let target = make().await;
    meanwhile(&office, delete);
    assert_eq!(ana.copy(&view, &set(&[1]), target).await, Err(Refusal::NoSuchMailbox));
    let target = make().await;
    meanwhile(&office, delete);
    assert_eq!(ana.move_to(&view, &set(&[1]), target).await, Err(Refusal::NoSuchMailbox));
    view.refresh().await.unwrap();
    assert_eq!(uids(&view), [1, 2, 3]);
    audit(&office).await;
}

#[tokio::test]
async fn a_mailbox_that_is_renamed_meanwhile_keeps_its_number_and_gets_the_message() {
    let office = office().await;
    let trash = office.ana().find(&name("Trash")).await.unwrap().id;
    meanwhile(&office, |ana| async move {
        ana.rename(&name("Trash"), &name("Bin")).await.unwrap();
    });
    office.append(trash, &["a: b\r\n\r\nc"]).await.unwrap();
    assert_eq!(uids(&office.ana().open(&name("Bin")).await.unwrap()), [1]);
    audit(&office).await;
}

#[tokio::test]
async fn two_who_make_the_same_name_make_one_mailbox() {
    let office = office().await;
    meanwhile(&office, |ana| async move {
        ana.create(&name("a/b"), None).await.unwrap();
    });
    office.ana().create(&name("a/c"), None).await.unwrap();
    meanwhile(&office, |ana| async move {
        ana.create(&name("x"), None).await.unwrap();
    });
    assert_eq!(office.ana().create(&name("x"), None).await, Err(Refusal::MailboxExists));
    let list = office.ana().list().await.unwrap();
    assert_eq!(list.iter().filter(|m| m.name == name("a")).count(), 1);
    let ids: std::collections::BTreeSet<_> = list.iter().map(|m| m.id).collect();
    assert_eq!(ids.len(), list.len(), "no number twice");
    audit(&office).await;
}

#[tokio::test]
async fn a_body_that_can_be_offered_once_only_is_refused_for_now_after_a_conflict() {
    let office = office().await;
    let spilled = || {
        let bytes = BodyBytes::Spilled(Box::new(()));
        Body { id: BlobId(1_000), len: 5, bytes }
    };
    let subscribe = |ana: Mailboxes| async move {
        ana.subscribe(&MailboxName::inbox(), false).await.unwrap();
    };
    meanwhile(&office, subscribe);
    let to = vec![deposit(ANA, "INBOX")];
    let told = office.mail.deliver(spilled(), "".into(), Default::default(), to, &()).await;
    assert_eq!(told, Err(Refusal::Unavailable.into()));
    let mut arrival = office.arrival("a: b\r\n\r\nc").await;
    arrival.body = spilled();
    office.memory.conflict_next(0);
    let inbox = office.ana().find(&name("INBOX")).await.unwrap().id;
    let told = office.ana().append(inbox, vec![arrival]).await;
    assert_eq!(told, Err(Refusal::Unavailable));
    audit(&office).await;
}

#[tokio::test]
async fn those_left_for_a_second_batch_share_the_body_even_if_the_first_to_get_it_removes_it() {
    let office = Office::open().await;
    let mut first = deposit(ANA, "INBOX");
    first.prefix = vec![b'x'; 16_000].into();
    // The first commit goes through; before the second, Ana removes what she got first.
    let twin = office.twin.clone();
    let store = office.store.clone();
    office.store.intrude(async move {
        let remove = remove(twin.account(ANA), 1);
        store.intrude(remove);
    });
    let results = office.deliver("a: b\r\n\r\nc", vec![first; 500]).await.unwrap();
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(office.memory.blob_count(), 1);
    let view = office.ana().open(&name("INBOX")).await.unwrap();
    assert_eq!(uids(&view), (2..=500).collect::<Vec<_>>());
    audit(&office).await;
}
