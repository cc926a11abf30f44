//! Messages brought back: the lost ones, just once, as they were.

use bytes::Bytes;
use core_mailbox::{Arrival, Mail, Mailboxes, Options};
use core_restore::{Choice, Elsewhere, Report, Restore, Wanted, restore};
use core_store::{Batch, Blobs, MemoryStore, Store};
use core_world::{Clock, PasswordError, Passwords, Random, World};
use std::future::ready;
use std::sync::Arc;
use words_base::Timestamp;
use words_mail::{
    AccountId, Flags, Keyword, MailboxId, MailboxName, NumberSet, Refusal, SpecialUse, SystemFlag,
    Uid,
};

const ANA: AccountId = AccountId(1);

struct Standing;

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1_790_000_000)
    }
}

impl Random for Standing {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

impl Passwords for Standing {
    fn hash(&self, _: &[u8]) -> core_world::Later<'_, Result<String, PasswordError>> {
        Box::pin(ready(Err(PasswordError::Busy)))
    }

    fn verify(&self, _: &str, _: &[u8]) -> core_world::Later<'_, Result<bool, PasswordError>> {
        Box::pin(ready(Err(PasswordError::Busy)))
    }
}

fn name(text: &str) -> MailboxName {
    MailboxName::parse(text).unwrap()
}

/// A server with one account, that has Archive and Trash beside INBOX.
async fn office() -> Mail {
    let store = MemoryStore::new();
    let world = World {
        clock: Arc::new(Standing),
        random: Arc::new(Standing),
        passwords: Arc::new(Standing),
    };
    let (keys, blobs): (Arc<dyn Store>, Arc<dyn Blobs>) = (store.clone(), store.clone());
    let mail = Mail::new(keys, blobs, world, Options::default());
    let mut batch = Batch::new();
    let names =
        [(name("Archive"), Some(SpecialUse::Archive)), (name("Trash"), Some(SpecialUse::Trash))];
    mail.provision(&mut batch, ANA, &names);
    store.commit(batch).await.unwrap();
    mail
}

fn text(number: usize, body: &str) -> String {
    format!(
        "Received: from a.example by mail.example with ESMTP\r\n id TRACE{number:04}; now\r\n\
         Message-ID: <{number}@test.example>\r\nSubject: number {number}\r\n\r\n{body}\r\n"
    )
}

async fn file(mail: &Mail, mailbox: &str, number: usize, body: &str) -> Uid {
    let text = text(number, body);
    let mut writer = mail.begin_body();
    writer.write(text.as_bytes()).await.unwrap();
    let mut flags = Flags::new();
    flags.insert(SystemFlag::Seen);
    flags.insert(SystemFlag::Deleted);
    flags.insert_keyword(Keyword::parse("$label1").unwrap());
    let arrival = Arrival {
        body: writer.finish().await.unwrap(),
        header: Bytes::from(text.split("\r\n\r\n").next().unwrap().to_owned() + "\r\n"),
        flags,
        received_at: Timestamp::from_seconds(1_700_000_000 + number as i64),
    };
    let mailboxes = mail.account(ANA);
    let id = mailboxes.find(&name(mailbox)).await.unwrap().id;
    mailboxes.append(id, vec![arrival]).await.unwrap().uids[0]
}

/// Every message of a mailbox: octets, flags, date.
async fn all(mailboxes: &Mailboxes, mailbox: &str) -> Vec<(String, String, i64)> {
    let Ok(view) = mailboxes.open(&name(mailbox)).await else { return Vec::new() };
    let mut found = Vec::new();
    for (_, row) in view.rows().iter_from(0) {
        let content = mailboxes.content(&view, row).await.unwrap();
        let octets = content.read(0, usize::MAX >> 1).await.unwrap();
        let text = String::from_utf8(octets.to_vec()).unwrap();
        found.push((text, row.flags.to_string(), row.received_at.seconds()));
    }
    found
}

fn everything() -> Wanted {
    Wanted { mailbox: None, message: None, to: None, elsewhere: Elsewhere::Leave }
}

async fn bring(from: &Mail, to: &Mail, wanted: &Wanted) -> Result<Report, Refusal> {
    let restoring = Restore { from: from.account(ANA), to: to.account(ANA), mail: to.clone() };
    restore(&restoring, wanted, |_, done, all| assert!(done <= all)).await
}

async fn expunge(mail: &Mail, mailbox: &str, uids: &[Uid]) {
    let mailboxes = mail.account(ANA);
    let view = mailboxes.open(&name(mailbox)).await.unwrap();
    let uids: NumberSet = uids.iter().map(|uid| uid.0).collect();
    mailboxes.expunge(&view, Some(&uids)).await.unwrap();
}

async fn id(mail: &Mail, mailbox: &str) -> MailboxId {
    mail.account(ANA).find(&name(mailbox)).await.unwrap().id
}

#[tokio::test(flavor = "current_thread")]
async fn an_account_that_lost_everything_gets_everything_once() {
    let (backup, server) = (office().await, office().await);
    backup.account(ANA).create(&name("Lists/rust"), None).await.unwrap();
    for number in 0..450 {
        let mailbox = ["INBOX", "Archive", "Lists/rust"][number % 3];
        file(&backup, mailbox, number, &"x".repeat(number % 7)).await;
    }
    let report = bring(&backup, &server, &everything()).await.unwrap();
    assert_eq!((report.wanted(), report.restored()), (450, 450));
    let made: Vec<&str> =
        report.mailboxes.iter().filter(|m| m.made).map(|m| m.name.as_str()).collect();
    // "Lists" was made with what is below it.
    assert!(made.iter().all(|name| name.starts_with("Lists")), "{made:?}");
    for mailbox in ["INBOX", "Archive", "Lists/rust"] {
        let (before, after) =
            (all(&backup.account(ANA), mailbox).await, all(&server.account(ANA), mailbox).await);
        assert_eq!(after.len(), 150);
        for ((old, _, at), (new, flags, again)) in before.iter().zip(&after) {
            assert_eq!((old, at), (new, again));
            assert_eq!(flags, "\\Seen $label1", "all but \\Deleted");
        }
    }
    let again = bring(&backup, &server, &everything()).await.unwrap();
    assert_eq!((again.wanted(), again.restored()), (450, 0));
    assert!(again.mailboxes.iter().all(|mailbox| mailbox.there == mailbox.wanted));
}

#[tokio::test(flavor = "current_thread")]
async fn what_is_there_or_elsewhere_stays_and_comes_again_only_if_wished() {
    let (backup, server) = (office().await, office().await);
    let mut uids = Vec::new();
    for number in 0..6 {
        file(&backup, "INBOX", number, "same length").await;
        uids.push(file(&server, "INBOX", number, "same length").await);
    }
    expunge(&server, "INBOX", &uids[..2]).await;
    let mailboxes = server.account(ANA);
    let view = mailboxes.open(&name("INBOX")).await.unwrap();
    let moved: NumberSet = uids[2..4].iter().map(|uid| uid.0).collect();
    mailboxes.move_to(&view, &moved, id(&server, "Trash").await).await.unwrap();
    let inbox = Wanted { mailbox: Some(name("INBOX")), ..everything() };
    let report = bring(&backup, &server, &inbox).await.unwrap();
    let told = &report.mailboxes[0];
    assert_eq!((told.wanted, told.restored, told.there, told.elsewhere), (6, 2, 2, 2));
    let wished = Wanted { elsewhere: Elsewhere::Restore, ..inbox };
    let report = bring(&backup, &server, &wished).await.unwrap();
    let told = &report.mailboxes[0];
    assert_eq!((told.restored, told.there, told.elsewhere), (2, 4, 0));
    let report = bring(&backup, &server, &wished).await.unwrap();
    assert_eq!((report.restored(), report.mailboxes[0].there), (0, 6));
    assert_eq!(all(&mailboxes, "INBOX").await.len(), 6);
}

#[tokio::test(flavor = "current_thread")]
async fn one_message_comes_by_each_of_its_names_where_it_is_wanted() {
    let backup = office().await;
    for number in 0..5 {
        file(&backup, if number < 3 { "INBOX" } else { "Archive" }, number, "text").await;
    }
    for (message, mailbox) in [
        ("<3@test.example>", None),
        ("3@test.example", None),
        ("TRACE0003", None),
        ("1", Some("Archive")),
    ] {
        let server = office().await;
        let wanted = Wanted {
            mailbox: mailbox.map(name),
            message: Some(Choice::parse(message)),
            to: Some(name("Restored/today")),
            elsewhere: Elsewhere::Leave,
        };
        let report = bring(&backup, &server, &wanted).await.unwrap();
        assert_eq!((report.wanted(), report.restored()), (1, 1), "{message}");
        let found = all(&server.account(ANA), "Restored/today").await;
        assert_eq!(found[0].0, text(3, "text"), "{message}");
        let nobody = Wanted { message: Some(Choice::parse("nobody@test.example")), ..wanted };
        assert_eq!(bring(&backup, &server, &nobody).await.unwrap().wanted(), 0);
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_mailbox_that_the_backup_has_not_is_told() {
    let (backup, server) = (office().await, office().await);
    let wanted = Wanted { mailbox: Some(name("Elsewhere")), ..everything() };
    assert_eq!(bring(&backup, &server, &wanted).await, Err(Refusal::NoSuchMailbox));
}
