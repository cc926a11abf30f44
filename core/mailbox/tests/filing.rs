//! Filing: what delivery and APPEND do.

mod support;

use core_mailbox::{Allowance, Deposit, Options};
use core_store::Outcome;
use support::{ANA, BOB, Office, audit, deposit, flags, name, row, text, uids};
use words_mail::{MailboxId, Refusal, SystemFlag, Uid};

const HELLO: &str = "Subject: hello\r\n\r\nHi there.\r\n";

#[tokio::test]
async fn a_delivery_is_one_commit_and_n_recipients_are_one_commit_and_one_body() {
    let office = Office::open().await;
    office.deliver(HELLO, vec![deposit(ANA, "INBOX")]).await.unwrap()[0].as_ref().unwrap();
    assert_eq!(office.store.take_commits(), 1);
    let to = vec![deposit(ANA, "INBOX"), deposit(BOB, "INBOX"), deposit(ANA, "Archive")];
    let results = office.deliver(HELLO, to).await.unwrap();
    assert_eq!(office.store.take_commits(), 1);
    assert_eq!(office.memory.blob_count(), 2);
    let appended: Vec<_> = results.into_iter().map(Result::unwrap).collect();
    assert_eq!(appended.iter().map(|a| a.uids[0].0).collect::<Vec<_>>(), [2, 1, 1]);
    assert_eq!(appended[0].modseq, appended[2].modseq, "one account, one number");
    audit(&office).await;
}

#[tokio::test]
async fn each_recipient_reads_his_own_prefix_and_the_shared_octets() {
    let office = Office::open().await;
    let to = vec![deposit(ANA, "INBOX"), deposit(BOB, "INBOX")];
    office.deliver(HELLO, to).await.unwrap();
    for account in [ANA, BOB] {
        let mailboxes = office.mail.account(account);
        let view = mailboxes.open(&name("INBOX")).await.unwrap();
        let row = row(&view, 1);
        let whole = format!("Delivered-To: {account}@mired.org\r\n{HELLO}");
        assert_eq!(text(&mailboxes, &view, &row).await, whole);
        assert_eq!(row.size, whole.len() as u64);
    }
}

#[tokio::test]
async fn a_deposit_that_is_refused_does_not_spoil_the_others() {
    let office = Office::open().await;
    let full = Deposit {
        allowance: Allowance { bytes: Some(50), messages: None },
        ..deposit(BOB, "INBOX")
    };
    let crowded = Deposit {
        allowance: Allowance { bytes: None, messages: Some(1) },
        ..deposit(ANA, "INBOX")
    };
    let to = vec![deposit(ANA, "Nowhere"), crowded.clone(), full, crowded, deposit(ANA, "Trash")];
    let results = office.deliver(HELLO, to).await.unwrap();
    let told: Vec<_> = results.iter().map(|r| r.as_ref().err()).collect();
    let (gone, full) = (Refusal::NoSuchMailbox, Refusal::MailboxFull);
    assert_eq!(told, [Some(&gone), None, Some(&full), Some(&full), None]);
    audit(&office).await;
    let refused = office.deliver(HELLO, vec![deposit(ANA, "Nowhere")]).await.unwrap();
    assert_eq!(refused, [Err(Refusal::NoSuchMailbox)]);
    audit(&office).await;
}

#[tokio::test]
async fn more_recipients_than_a_batch_holds_still_share_one_body() {
    let office = Office::open().await;
    let mut one = deposit(ANA, "INBOX");
    one.prefix = vec![b'x'; 16_000].into();
    let results = office.deliver(HELLO, vec![one; 700]).await.unwrap();
    let mut uids: Vec<u32> = results.into_iter().map(|r| r.unwrap().uids[0].0).collect();
    assert!(office.store.take_commits() > 1);
    uids.sort_unstable();
    assert_eq!(uids, (1..=700).collect::<Vec<_>>());
    assert_eq!(office.memory.blob_count(), 1);
    audit(&office).await;
}

#[tokio::test]
async fn append_files_all_or_none_and_tells_the_uids() {
    let office = Office::open().await;
    let archive = office.ana().find(&name("Archive")).await.unwrap();
    let appended = office.append(archive.id, &["a: b\r\n\r\n1", "a: b\r\n\r\n22"]).await.unwrap();
    assert_eq!(appended.uids, [Uid(1), Uid(2)]);
    assert_eq!(appended.uid_validity, archive.uid_validity);
    assert_eq!(office.store.take_commits(), 1);
    let more = office.append(archive.id, &["a: b\r\n\r\n333"]).await.unwrap();
    assert_eq!(more.uids, [Uid(3)]);
    assert!(more.modseq > appended.modseq);
    let allowance = Allowance { bytes: None, messages: Some(4) };
    let arrivals = vec![office.arrival(HELLO).await, office.arrival(HELLO).await];
    let refused = office.ana().append_within(archive.id, arrivals, allowance).await;
    assert_eq!(refused, Err(Refusal::MailboxFull));
    assert_eq!(office.append(MailboxId(99), &[HELLO]).await, Err(Refusal::NoSuchMailbox));
    assert_eq!(office.ana().append(archive.id, vec![]).await.unwrap().uids, []);
    audit(&office).await;
}

#[tokio::test]
async fn flags_dates_and_sizes_are_kept() {
    let office = Office::open().await;
    let trash = office.ana().find(&name("Trash")).await.unwrap();
    let mut arrival = office.arrival(HELLO).await;
    arrival.flags = flags(&[SystemFlag::Seen, SystemFlag::Deleted]);
    arrival.flags.insert_keyword(words_mail::Keyword::parse("$Junk").unwrap());
    let (wanted, received_at) = (arrival.flags.clone(), arrival.received_at);
    office.pass(5_000);
    office.ana().append(trash.id, vec![arrival]).await.unwrap();
    let view = office.ana().open(&name("Trash")).await.unwrap();
    let row = row(&view, 1);
    assert_eq!((row.flags, row.received_at), (wanted, received_at));
    assert_eq!(row.saved_at, office.mail_time());
    assert_eq!(view.rows().keywords(10).len(), 1);
    let status = office.ana().status(trash.id).await.unwrap();
    assert_eq!((status.messages, status.unseen, status.deleted), (1, 0, 1));
    audit(&office).await;
}

#[tokio::test]
async fn a_message_over_the_limit_is_too_large() {
    let options = Options { size_max: 10, ..Options::default() };
    let office = Office::open_with(options, 1).await;
    let refusal = Refusal::TooLarge { size_max: 10 };
    let delivered = office.deliver(HELLO, vec![deposit(ANA, "INBOX")]).await;
    assert_eq!(delivered, Err(refusal.clone()));
    let inbox = office.ana().find(&name("INBOX")).await.unwrap();
    assert_eq!(office.append(inbox.id, &[HELLO]).await, Err(refusal));
}

#[tokio::test]
async fn a_conflict_is_tried_again_and_trouble_is_unavailable() {
    let office = Office::open().await;
    office.memory.conflict_next(0);
    office.deliver(HELLO, vec![deposit(ANA, "INBOX")]).await.unwrap()[0].as_ref().unwrap();
    office.memory.conflict_next(0);
    let inbox = office.ana().find(&name("INBOX")).await.unwrap();
    office.append(inbox.id, &[HELLO]).await.unwrap();
    for outcome in [Outcome::Done, Outcome::NotDone] {
        office.memory.outcome_unknown_next(outcome);
        let told = office.deliver(HELLO, vec![deposit(ANA, "INBOX")]).await;
        assert_eq!(told, Err(Refusal::Unavailable));
    }
    office.memory.unavailable(true);
    assert_eq!(office.ana().list().await, Err(Refusal::Unavailable));
    office.memory.unavailable(false);
    let view = office.ana().open(&name("INBOX")).await.unwrap();
    assert_eq!(uids(&view), [1, 2, 3]);
    audit(&office).await;
}

#[tokio::test]
async fn summaries_stand_beside_their_rows() {
    let office = Office::forgetful().await;
    for subject in ["one", "two", "three", "four"] {
        let text = format!("Subject: {subject}\r\n\r\nx");
        office.deliver(&text, vec![deposit(ANA, "INBOX")]).await.unwrap();
    }
    let view = office.ana().open(&name("INBOX")).await.unwrap();
    let rows = view.rows();
    office.ana().remove(&view, &support::set(&[2])).await.unwrap();
    let summaries = office.ana().summaries(&view, &rows, 1, 10).await.unwrap();
    let subject = |octets: &Option<bytes::Bytes>| {
        let octets = octets.as_ref()?;
        let summary = words_message::SummaryRef::new(octets).unwrap();
        Some(String::from_utf8(summary.subject().unwrap().to_vec()).unwrap())
    };
    let subjects: Vec<_> = summaries.iter().map(subject).collect();
    assert_eq!(subjects, [None, Some("three".to_string()), Some("four".to_string())]);
    assert_eq!(office.ana().summaries(&view, &rows, 4, 10).await.unwrap(), []);
    assert_eq!(office.ana().summaries(&view, &rows, 0, 0).await.unwrap(), []);
    let gone = rows.get(1).unwrap();
    let refused = office.ana().content(&view, gone).await.err();
    assert_eq!(refused, Some(core_mailbox::EXPUNGED));
}
