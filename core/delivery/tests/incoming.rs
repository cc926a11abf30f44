//! A message comes in and is filed.

mod support;

use core_delivery::{Asked, Delivered, Origin, Taken};
use core_directory::AccountChange;
use support::{Office, SIZE_MAX, address, now, origin};
use words_mail::{Refusal, ReversePath};

const MESSAGE: &[u8] = b"From: x@elsewhere.org\r\nMessage-ID: <1@elsewhere.org>\r\n\r\nhello\r\n";

fn lmtp() -> Origin {
    Origin { protocol: "LMTP", ..origin() }
}

#[test]
fn a_message_is_filed_with_its_trace_in_front_and_nothing_else_altered() {
    let office = Office::open();
    let delivered = office.deliver(&["ana@mired.org"], MESSAGE).unwrap();
    let Delivered { id, size, message_id, recipients } = delivered;
    assert_eq!(message_id.as_deref(), Some("<1@elsewhere.org>"));
    assert_eq!(recipients, [Ok(Taken::Filed)]);
    let own = "Return-Path: <x@elsewhere.org>\r\nDelivered-To: ana@mired.org\r\n";
    let received = format!(
        "Received: from client.example ([127.0.0.1]) by mail.mired.org with ESMTP\r\n \
         id {id}; Tue, 24 Nov 2026 10:00:00 +0000\r\n"
    );
    let shared = format!("{received}{}", String::from_utf8_lossy(MESSAGE));
    assert_eq!(office.inbox("ana@mired.org"), [format!("{own}{shared}")]);
    assert_eq!(size, shared.len() as u64);
    assert!(office.inbox("bob@mired.org").is_empty());
}

#[test]
fn each_recipient_has_a_copy_and_its_octets_are_stored_once() {
    let office = Office::open();
    office.add_alias("team@mired.org", &["ana@mired.org", "bob@mired.org"]);
    let paths = ["ana+x@mired.org", "team@mired.org", "postmaster", "bob@mired.org"];
    let delivered = office.deliver(&paths, MESSAGE).unwrap();
    assert_eq!(
        delivered.recipients,
        [Ok(Taken::Filed), Ok(Taken::Filed), Ok(Taken::Filed), Ok(Taken::Filed)]
    );
    let (ana, bob) = (office.inbox("ana@mired.org"), office.inbox("bob@mired.org"));
    assert_eq!((ana.len(), bob.len()), (1, 1), "two ways to one account are one copy");
    let own = |to| format!("Return-Path: <x@elsewhere.org>\r\nDelivered-To: {to}\r\n");
    let shared = ana[0].strip_prefix(&own("ana+x@mired.org")).unwrap();
    assert_eq!(bob[0].strip_prefix(&own("bob@mired.org")), Some(shared));
    assert_eq!(office.store.blob_count(), 1);
}

#[test]
fn a_message_without_header_keeps_its_text_as_body() {
    let office = Office::open();
    for (message, tail) in [
        (&b"hello\r\n"[..], "+0000\r\n\r\nhello\r\n"),
        (b"", "+0000\r\n\r\n"),
        (b"\r\nhello\r\n", "+0000\r\n\r\nhello\r\n"),
        (b"Subject: x", "+0000\r\nSubject: x\r\n\r\n"),
        (b"Subject: x\r\nhello\r\n", "+0000\r\nSubject: x\r\n\r\nhello\r\n"),
    ] {
        office.deliver(&["ana@mired.org"], message).unwrap();
        let last = office.inbox("ana@mired.org").pop().unwrap();
        assert!(last.ends_with(tail), "{last:?} ends with {tail:?}");
    }
}

#[test]
fn a_submission_is_completed_and_a_stranger_s_message_is_not() {
    let office = Office::open();
    let ana = office.account("ana@mired.org");
    let to = office.recipients(&["bob@mired.org"]);
    let message = b"Subject: x\r\nBcc: carl@mired.org\r\n\r\nhi\r\n";
    let submission = Origin { submitter: Some((ana.id, ana.address.clone())), ..origin() };
    let delivered = now(office.begin(submission, message).finish(&to)).unwrap();
    now(office.begin(origin(), message).finish(&to)).unwrap();
    let inbox = office.inbox("bob@mired.org");
    let id = &delivered.id;
    assert!(inbox[0].ends_with(&format!(
        "+0000\r\nSubject: x\r\nFrom: ana@mired.org\r\nDate: Tue, 24 Nov 2026 10:00:00 +0000\r\n\
         Message-ID: <{id}@mail.mired.org>\r\n\r\nhi\r\n"
    )));
    assert_eq!(delivered.message_id, Some(format!("<{id}@mail.mired.org>")));
    let message = String::from_utf8_lossy(message);
    assert!(inbox[1].ends_with(&format!("+0000\r\n{message}")));
}

#[test]
fn where_the_chunks_end_makes_no_difference() {
    let office = Office::open();
    let to = office.recipients(&["ana@mired.org"]);
    let message = b"Return-Path: <a@b>\r\nSubject: x\r\n y\r\n\r\nline\r\n\r\nline\r\n";
    for size in 1..=message.len() {
        let mut incoming = office.delivery.begin(origin());
        for chunk in message.chunks(size) {
            now(incoming.write(chunk)).unwrap();
            now(incoming.write(b"")).unwrap();
        }
        now(incoming.finish(&to)).unwrap();
    }
    let inbox = office.inbox("ana@mired.org");
    let tail = "+0000\r\nSubject: x\r\n y\r\n\r\nline\r\n\r\nline\r\n";
    assert_eq!(inbox.len(), message.len());
    assert!(inbox.iter().all(|m| m.ends_with(tail) && !m.contains("a@b")));
}

#[test]
fn a_message_that_went_in_circles_is_refused() {
    let office = Office::open();
    let through = |servers: usize| [&b"Received: x\r\n".repeat(servers)[..], MESSAGE].concat();
    assert!(office.deliver(&["ana@mired.org"], &through(50)).is_ok());
    assert_eq!(office.deliver(&["ana@mired.org"], &through(51)), Err(Refusal::Loop));
    assert_eq!(office.inbox("ana@mired.org").len(), 1);
}

#[test]
fn who_was_delivered_to_before_gets_no_second_copy() {
    let office = Office::open();
    office.add_alias("team@mired.org", &["ana@mired.org", "bob@mired.org"]);
    let again = [b"Delivered-To: ANA@mired.org\r\n", MESSAGE].concat();
    assert_eq!(office.deliver(&["ana@mired.org"], &again), Err(Refusal::Loop));
    let delivered = office.deliver(&["ana@mired.org", "bob@mired.org"], &again).unwrap();
    assert_eq!(
        delivered.recipients,
        [Ok(Taken::Filed), Ok(Taken::Filed)],
        "ana has it, and one reply is for both"
    );
    let to = office.recipients(&["ana@mired.org", "bob@mired.org"]);
    let delivered = now(office.begin(lmtp(), &again).finish(&to)).unwrap();
    assert_eq!(delivered.recipients, [Err(Refusal::Loop), Ok(Taken::Filed)]);
    let delivered = office.deliver(&["team@mired.org"], &again).unwrap();
    assert_eq!(delivered.recipients, [Ok(Taken::Filed)]);
    assert_eq!(office.inbox("ana@mired.org").len(), 0);
    assert_eq!(office.inbox("bob@mired.org").len(), 3);
}

#[test]
fn what_is_too_large_is_refused_while_it_comes_and_the_rest_is_dropped() {
    let office = Office::open();
    let to = office.recipients(&["ana@mired.org"]);
    let mut incoming = office.begin(origin(), b"Subject: x\r\n\r\n");
    let mut refused = None;
    for _ in 0..2_000 {
        refused = refused.or(now(incoming.write(&[b'x'; 100])).err());
    }
    let too_large = Refusal::TooLarge { size_max: SIZE_MAX };
    assert_eq!(refused, Some(too_large.clone()));
    assert_eq!(now(incoming.finish(&to)), Err(too_large));

    let mut incoming = office.begin(origin(), b"");
    assert!(now(incoming.write(&vec![b'x'; SIZE_MAX as usize])).is_ok());
    now(incoming.finish(&to)).unwrap();
    assert_eq!((office.inbox("ana@mired.org").len(), office.store.blob_count()), (1, 1));
}

#[test]
fn a_message_that_is_dropped_leaves_no_trace() {
    let office = Office::open();
    let before = office.store.pairs();
    drop(office.begin(origin(), MESSAGE));
    assert_eq!((office.store.pairs(), office.store.blob_count()), (before, 0));
}

#[test]
fn one_who_is_full_is_refused_at_the_end_when_the_reply_is_his_alone() {
    let office = Office::open();
    let to = office.recipients(&["ana@mired.org", "bob@mired.org"]);
    office.set_quota("ana@mired.org", 50);
    assert!(office.recipient("ana@mired.org", 0).is_ok(), "nothing was announced");
    // The quota in the recipient is that of RCPT; it is asked for again.
    let to_ana = office.recipients(&["ana@mired.org"]);
    assert_eq!(now(office.begin(origin(), MESSAGE).finish(&to_ana)), Err(Refusal::MailboxFull));
    let both = [to_ana[0].clone(), to[1].clone()];
    let delivered = now(office.begin(lmtp(), MESSAGE).finish(&both)).unwrap();
    assert_eq!(delivered.recipients, [Err(Refusal::MailboxFull), Ok(Taken::Filed)]);
    assert_eq!((office.inbox("ana@mired.org").len(), office.inbox("bob@mired.org").len()), (0, 1));
}

#[test]
fn under_one_reply_all_get_it_or_none() {
    let office = Office::open();
    office.add_alias("team@mired.org", &["ana@mired.org", "bob@mired.org"]);
    office.set_quota("ana@mired.org", 50);
    // Ana has room for something, and nobody said how large it is: it may pass by one message.
    let to = office.recipients(&["ana@mired.org", "bob@mired.org"]);
    let delivered = now(office.begin(origin(), MESSAGE).finish(&to)).unwrap();
    assert_eq!(delivered.recipients, [Ok(Taken::Filed), Ok(Taken::Filed)]);
    // Now she is full: nobody gets it, and the sender comes again.
    assert_eq!(now(office.begin(origin(), MESSAGE).finish(&to)), Err(Refusal::MailboxFull));
    let team = Refusal::MailboxFull;
    assert_eq!(office.recipient("team@mired.org", 0).map(drop), Err(team));
    assert_eq!((office.inbox("ana@mired.org").len(), office.inbox("bob@mired.org").len()), (1, 1));

    // Too large for one of them is too large.
    office.set(
        "ana@mired.org",
        AccountChange { quota_bytes: Some(None), size_max: Some(Some(9)), ..Default::default() },
    );
    let to = office.recipients(&["ana@mired.org", "bob@mired.org"]);
    let too_large = Refusal::TooLarge { size_max: 9 };
    assert_eq!(now(office.begin(origin(), MESSAGE).finish(&to)), Err(too_large.clone()));
    let delivered = now(office.begin(lmtp(), MESSAGE).finish(&to)).unwrap();
    assert_eq!(delivered.recipients, [Err(too_large), Ok(Taken::Filed)]);
    assert_eq!((office.inbox("ana@mired.org").len(), office.inbox("bob@mired.org").len()), (1, 2));
}

#[test]
fn an_account_disabled_meanwhile_submits_no_more() {
    let office = Office::open();
    let ana = office.account("ana@mired.org");
    let to = office.recipients(&["bob@mired.org"]);
    let submission = || Origin { submitter: Some((ana.id, ana.address.clone())), ..origin() };
    let incoming = office.begin(submission(), MESSAGE);
    office.set("ana@mired.org", AccountChange { size_max: Some(Some(9)), ..Default::default() });
    assert_eq!(now(incoming.finish(&to)), Err(Refusal::TooLarge { size_max: 9 }));
    let incoming = office.begin(submission(), MESSAGE);
    office.set("ana@mired.org", AccountChange { disabled: Some(true), ..Default::default() });
    assert!(matches!(now(incoming.finish(&to)), Err(Refusal::NotPermitted(_))));
    assert!(office.inbox("bob@mired.org").is_empty());
}

#[test]
fn when_the_store_fails_nothing_is_promised() {
    let office = Office::open();
    let to = office.recipients(&["ana@mired.org"]);
    let incoming = office.begin(origin(), MESSAGE);
    office.store.unavailable(true);
    assert_eq!(now(incoming.finish(&to)), Err(Refusal::Unavailable));
    office.store.unavailable(false);
    assert!(office.inbox("ana@mired.org").is_empty());
}

#[test]
fn a_null_reverse_path_is_kept_and_nobody_is_no_recipient() {
    let office = Office::open();
    let to = office.recipients(&["ana@mired.org"]);
    let null = Origin { reverse_path: ReversePath(None), ..origin() };
    now(office.begin(null, MESSAGE).finish(&to)).unwrap();
    let inbox = office.inbox("ana@mired.org");
    assert!(inbox[0].starts_with("Return-Path: <>\r\nDelivered-To: ana@mired.org\r\nReceived:"));
    assert_eq!(now(office.begin(origin(), MESSAGE).finish(&[])), Err(Refusal::NoSuchRecipient));
}

#[test]
fn what_a_client_says_of_itself_makes_no_second_field() {
    let office = Office::open();
    let evil = Origin {
        helo: "x\r\nBcc: y".to_string(),
        peer: "IPv6:::1".to_string(),
        tls: Some("TLS1.3".to_string()),
        only_recipient: Some(address("ana@mired.org")),
        ..origin()
    };
    let to = office.recipients(&["ana@mired.org"]);
    let incoming = office.begin(evil, MESSAGE);
    let id = incoming.id().to_string();
    assert_eq!(now(incoming.finish(&to)).unwrap().id, id);
    let inbox = office.inbox("ana@mired.org");
    assert!(inbox[0].contains("([IPv6:::1])") && inbox[0].contains("for <ana@mired.org>;"));
    assert!(!inbox[0].contains("\nBcc"));
}

#[test]
fn every_call_can_be_made_by_a_task_of_a_server() {
    fn check<T: Send>(future: T) -> T {
        future
    }
    let office = Office::open();
    let to = office.recipients(&["ana@mired.org"]);
    let mut incoming = office.delivery.begin(origin());
    now(check(incoming.write(MESSAGE))).unwrap();
    now(check(incoming.finish(&to))).unwrap();
    let path = support::forward_path("ana@mired.org");
    let sender = ReversePath(None);
    now(check(office.delivery.recipient(&Asked::new(&path, &sender)))).unwrap();
}

#[test]
fn whoever_writes_in_another_s_name_is_named_as_sender() {
    let office = Office::open();
    office.add_alias("team@mired.org", &["ana@mired.org", "bob@mired.org"]);
    let ana = office.recipient("ana@mired.org", 0).unwrap().local[0].account.clone();
    let submission = || Origin { submitter: Some((ana.id, ana.address.clone())), ..origin() };
    let rest = "Date: x\r\nMessage-ID: <1@x>\r\n";
    let bob = office.recipients(&["bob@mired.org"]);
    for (fields, named) in [
        ("From: Ana <ana@mired.org>\r\n", false),
        ("From: ana+x@Mired.org\r\nSender: team@mired.org\r\n", false),
        ("From: bob@mired.org\r\n", true),
        ("From: The Boss <boss@elsewhere.org>\r\n", true),
        ("From: ana@mired.org\r\nFrom: bob@mired.org\r\n", true),
        ("From: ana@mired.org\r\nSender: bob@mired.org\r\n", true),
        ("From: bob\r\n", true),
    ] {
        let message = format!("{fields}{rest}\r\nx");
        let incoming = office.begin(submission(), message.as_bytes());
        now(incoming.finish(&bob)).unwrap();
        let filed = office.inbox("bob@mired.org").pop().unwrap();
        let sender = "\r\nSender: ana@mired.org\r\n";
        assert_eq!(filed.contains(sender), named, "{fields}");
        assert!(!named || filed.matches("Sender:").count() == 1, "{fields}");
    }
    // Who has not logged in is what their own server says.
    now(office.begin(origin(), b"From: bob@mired.org\r\n\r\nx").finish(&bob)).unwrap();
    assert!(!office.inbox("bob@mired.org").pop().unwrap().contains("Sender:"));
}
