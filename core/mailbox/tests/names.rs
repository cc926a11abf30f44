//! Mailboxes and their names.

mod support;

use core_mailbox::{Options, SPECIAL_USE_TAKEN};
use support::{ANA, BOB, Office, audit, deposit, name, set, uids};
use words_mail::{AccountId, MailboxId, Refusal, SpecialUse};

async fn listed(office: &Office) -> Vec<String> {
    office.ana().list().await.unwrap().into_iter().map(|m| m.name.to_string()).collect()
}

#[tokio::test]
async fn an_account_begins_with_inbox_and_the_mailboxes_asked_for() {
    let office = Office::open().await;
    let list = office.ana().list().await.unwrap();
    let shown: Vec<_> = list.iter().map(|m| (m.name.as_str(), m.special_use)).collect();
    let uses = [None, Some(SpecialUse::Archive), Some(SpecialUse::Trash)];
    assert_eq!(shown, ["INBOX", "Archive", "Trash"].into_iter().zip(uses).collect::<Vec<_>>());
    assert!(list.iter().all(|m| m.subscribed));
    let status = office.ana().status(list[0].id).await.unwrap();
    assert_eq!((status.messages, status.uid_next.0), (0, 1));
    assert!(status.highest_modseq.0 >= 1);
    assert_eq!(office.ana().find(&name("Nowhere")).await, Err(Refusal::NoSuchMailbox));
    assert_eq!(office.ana().status(MailboxId(77)).await, Err(Refusal::NoSuchMailbox));
    assert!(office.memory.pairs().iter().any(|(key, _)| key.as_ref() == b"directory"));
    audit(&office).await;
}

#[tokio::test]
async fn create_makes_what_is_missing_above_and_refuses_what_cannot_be() {
    let office = Office::open().await;
    let made = office.ana().create(&name("a/b/c"), None).await.unwrap();
    assert_eq!(made, office.ana().find(&name("a/b/c")).await.unwrap());
    assert_eq!(office.store.take_commits(), 1);
    assert_eq!(listed(&office).await, ["INBOX", "Archive", "Trash", "a", "a/b", "a/b/c"]);
    let taken = Refusal::NotPermitted(SPECIAL_USE_TAKEN);
    let table = [
        ("a/b", None, Refusal::MailboxExists),
        ("inbox", None, Refusal::MailboxExists),
        ("INBOX/INBOX", None, Refusal::BadMailboxName("INBOX does not go below INBOX")),
        ("INBOX/Inbox/x", None, Refusal::BadMailboxName("INBOX does not go below INBOX")),
        ("Old", Some(SpecialUse::Archive), taken),
    ];
    for (new, special_use, refusal) in table {
        assert_eq!(office.ana().create(&name(new), special_use).await, Err(refusal), "{new}");
    }
    office.ana().create(&name("INBOX/Work"), Some(SpecialUse::Sent)).await.unwrap();
    audit(&office).await;
}

#[tokio::test]
async fn there_are_at_most_so_many_mailboxes() {
    let options = Options { mailboxes_max: 4, ..Options::default() };
    let office = Office::open_with(options, 1).await;
    office.ana().create(&name("one"), None).await.unwrap();
    assert_eq!(office.ana().create(&name("two"), None).await, Err(Refusal::Limit("mailboxes")));
    let subscribed = office.ana().subscribe(&name("three"), true).await;
    assert_eq!(subscribed, Err(Refusal::Limit("mailboxes")));
}

#[tokio::test]
async fn delete_takes_the_messages_along_and_leaves_what_is_below() {
    let office = Office::forgetful().await;
    office.ana().create(&name("a/b"), None).await.unwrap();
    office.deliver("x: y\r\n\r\nz", vec![deposit(ANA, "a"), deposit(BOB, "INBOX")]).await.unwrap();
    office.deliver("x: y\r\n\r\nz", vec![deposit(ANA, "a")]).await.unwrap();
    let old = office.ana().open(&name("a")).await.unwrap();
    office.ana().delete(&name("a")).await.unwrap();
    assert_eq!(listed(&office).await, ["INBOX", "Archive", "Trash", "a/b"]);
    assert_eq!(old.refresh().await.err(), Some(Refusal::NoSuchMailbox));
    assert_eq!(office.memory.blob_count(), 1, "Bob still has the first");
    audit(&office).await;
    let before = old.mailbox();
    let again = office.ana().create(&name("a"), None).await.unwrap();
    assert!(again.id > before.id && again.uid_validity > before.uid_validity);
    assert_eq!(uids(&office.ana().open(&name("a")).await.unwrap()), [0; 0]);
    let inbox = Refusal::NotPermitted("INBOX cannot be removed");
    assert_eq!(office.ana().delete(&name("INBOX")).await, Err(inbox));
    assert_eq!(office.ana().delete(&name("b")).await, Err(Refusal::NoSuchMailbox));
    assert!(office.mail.clear_page().await.unwrap(), "nothing is left to clear");
}

#[tokio::test]
async fn a_removal_that_was_broken_off_is_finished_later() {
    let office = Office::forgetful().await;
    for _ in 0..3 {
        office.deliver("x: y\r\n\r\nz", vec![deposit(ANA, "Trash")]).await.unwrap();
    }
    let trash = office.ana().find(&name("Trash")).await.unwrap();
    office.ana().subscribe(&name("Trash"), false).await.unwrap();
    // The name goes in the first commit; the process ends before the next.
    let mut deleting = Box::pin({
        let ana = office.ana();
        async move { ana.delete(&name("Trash")).await }
    });
    office.store.set_hanging_after(Some(1));
    assert!(support::poll_once(&mut deleting).await.is_none());
    drop(deleting);
    office.store.set_hanging_after(None);
    assert_eq!(office.ana().find(&name("Trash")).await, Err(Refusal::NoSuchMailbox));
    assert_eq!(office.ana().status(trash.id).await, Err(Refusal::NoSuchMailbox));
    assert_eq!(office.memory.blob_count(), 3);
    while !office.mail.clear_page().await.unwrap() {}
    assert_eq!(office.memory.blob_count(), 0);
    audit(&office).await;
}

#[tokio::test]
async fn rename_takes_along_what_is_below_and_keeps_messages_and_number() {
    let office = Office::open().await;
    office.ana().create(&name("a/b/c"), None).await.unwrap();
    office.ana().create(&name("ab"), None).await.unwrap();
    office.deliver("x: y\r\n\r\nz", vec![deposit(ANA, "a/b")]).await.unwrap();
    let before = office.ana().open(&name("a/b")).await.unwrap();
    office.store.take_commits();
    office.ana().rename(&name("a"), &name("x/y")).await.unwrap();
    assert_eq!(office.store.take_commits(), 1);
    let wanted = ["INBOX", "Archive", "Trash", "ab", "x", "x/y", "x/y/b", "x/y/b/c"];
    assert_eq!(listed(&office).await, wanted);
    let after = office.ana().open(&name("x/y/b")).await.unwrap();
    assert_eq!(after.mailbox().id, before.mailbox().id);
    assert_eq!((uids(&after), after.mailbox().name.as_str()), (vec![1], "x/y/b"));
    assert_eq!(before.mailbox().name.as_str(), "a/b", "as it was when it was opened");
    let table = [
        ("nowhere", "else", Refusal::NoSuchMailbox),
        ("x", "Trash", Refusal::MailboxExists),
        ("x", "x/z", Refusal::BadMailboxName("a mailbox does not go below itself")),
        ("x", "inbox", Refusal::MailboxExists),
        ("x", "INBOX/INBOX", Refusal::BadMailboxName("INBOX does not go below INBOX")),
    ];
    for (from, to, refusal) in table {
        assert_eq!(office.ana().rename(&name(from), &name(to)).await, Err(refusal), "{from} {to}");
    }
    let long = name(&"n".repeat(998));
    let told = office.ana().rename(&name("x"), &long).await;
    assert!(matches!(told, Err(Refusal::BadMailboxName(_))), "{told:?}");
    office.ana().create(&name("q/y"), None).await.unwrap();
    office.ana().delete(&name("q")).await.unwrap();
    let told = office.ana().rename(&name("x"), &name("q")).await;
    assert_eq!(told, Err(Refusal::MailboxExists), "what is below would meet");
    audit(&office).await;
}

#[tokio::test]
async fn rename_of_inbox_moves_its_messages_and_leaves_it() {
    let office = Office::open().await;
    for _ in 0..3 {
        office.deliver("x: y\r\n\r\nz", vec![deposit(ANA, "INBOX")]).await.unwrap();
    }
    office.ana().create(&name("INBOX/Sub"), None).await.unwrap();
    office.ana().rename(&name("INBOX"), &name("Old/2025")).await.unwrap();
    let wanted = ["INBOX", "Archive", "INBOX/Sub", "Old", "Old/2025", "Trash"];
    assert_eq!(listed(&office).await, wanted);
    assert_eq!(uids(&office.ana().open(&name("INBOX")).await.unwrap()), [0; 0]);
    assert_eq!(uids(&office.ana().open(&name("Old/2025")).await.unwrap()), [1, 2, 3]);
    audit(&office).await;
}

#[tokio::test]
async fn subscriptions_belong_to_names_and_outlive_mailboxes() {
    let office = Office::open().await;
    let ana = office.ana();
    ana.subscribe(&name("Elsewhere"), true).await.unwrap();
    ana.subscribe(&name("Trash"), false).await.unwrap();
    ana.delete(&name("Archive")).await.unwrap();
    ana.delete(&name("Trash")).await.unwrap();
    let names = ana.subscribed_without_mailbox().await.unwrap();
    assert_eq!(names, [name("Archive"), name("Elsewhere")]);
    office.store.take_commits();
    ana.subscribe(&name("Elsewhere"), true).await.unwrap();
    ana.subscribe(&name("Unknown"), false).await.unwrap();
    assert_eq!(office.store.take_commits(), 0, "what is so already costs no commit");
    ana.create(&name("Archive"), Some(SpecialUse::Archive)).await.unwrap();
    ana.subscribe(&name("Elsewhere"), false).await.unwrap();
    assert_eq!(ana.subscribed_without_mailbox().await.unwrap(), []);
    assert!(ana.find(&name("Archive")).await.unwrap().subscribed);
    ana.rename(&name("Archive"), &name("Elsewhere")).await.unwrap();
    assert!(ana.find(&name("Elsewhere")).await.unwrap().subscribed);
    assert_eq!(ana.subscribed_without_mailbox().await.unwrap(), []);
}

#[tokio::test]
async fn a_removed_account_leaves_nothing_behind() {
    let office = Office::open().await;
    let to = vec![deposit(ANA, "INBOX"), deposit(ANA, "Trash"), deposit(BOB, "INBOX")];
    office.deliver("x: y\r\n\r\nz", to).await.unwrap();
    let inbox = office.ana().open(&name("INBOX")).await.unwrap();
    office.ana().copy(&inbox, &set(&[1]), inbox.mailbox().id).await.unwrap();
    while !office.mail.remove_account_page(ANA).await.unwrap() {}
    assert_eq!(inbox.refresh().await.err(), Some(Refusal::NoSuchMailbox));
    let left = office.memory.pairs();
    let ours = |key: &[u8]| key.first() == Some(&b'm') && key.get(2..6) == Some(&[0, 0, 0, 1][..]);
    let left: Vec<_> = left.iter().filter(|(key, _)| ours(key)).collect();
    assert!(left.is_empty(), "{left:?}");
    let refused = office.deliver("x: y\r\n\r\nz", vec![deposit(ANA, "INBOX")]).await.unwrap();
    assert_eq!(refused, [Err(Refusal::NoSuchMailbox)]);
    assert_eq!(office.ana().create(&name("a"), None).await, Err(Refusal::NoSuchMailbox));
    audit(&office).await;
}

#[tokio::test]
async fn a_rename_of_more_than_one_commit_holds_is_refused() {
    let office = Office::open().await;
    let long = "n".repeat(900);
    let names: Vec<_> = (0..1_900).map(|nth| (name(&format!("a/{nth}{long}")), None)).collect();
    let account = AccountId(3);
    let mut batch = core_store::Batch::new();
    office.mail.provision(&mut batch, account, &names);
    core_store::Store::commit(&*office.memory, batch).await.unwrap();
    let mailboxes = office.mail.account(account);
    let told = mailboxes.rename(&name("a"), &name("b")).await;
    assert_eq!(told, Err(Refusal::Limit("names changed at once")));
    assert_eq!(mailboxes.list().await.unwrap().len(), 1_902);
}
