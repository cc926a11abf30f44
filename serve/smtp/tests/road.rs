//! The road of a message from the wire into mailboxes, and every way in which it may end earlier.

mod support;

use proto_smtp::{Mode, Standing};
use support::Office;

const ANA: u32 = 1;
const BOB: u32 = 2;

#[test]
fn a_session_typed_by_hand_delivers_before_it_says_yes() {
    let office = Office::mired();
    let mut client = office.connect(Mode::Relay, Standing::Trusted);
    client.expect(&[
        ("", "220 mail.mired.org ESMTP"),
        ("EHLO correo.mired.org", "250 "),
        ("MAIL FROM:<ana@mired.org>", "250 2.1.0"),
        ("RCPT TO:<bob@mired.org>", "250 2.1.5"),
        ("DATA", "354 "),
        ("Subject: asunto\n\nTexto del mensaje\n\n.", "250 2.0.0 delivered as "),
    ]);
    let [message] = &office.inbox(BOB)[..] else { panic!("one message") };
    assert!(message.starts_with("Return-Path: <ana@mired.org>\r\n"), "{message}");
    assert!(message.contains("from correo.mired.org"), "{message}");
    assert!(message.contains("192.0.2.7"), "{message}");
    assert!(message.contains("with ESMTP"), "{message}");
    assert!(message.contains("for <bob@mired.org>"), "{message}");
    assert!(message.ends_with("Subject: asunto\r\n\r\nTexto del mensaje\r\n\r\n"), "{message}");
    assert_eq!(office.inbox(ANA).len(), 0);
    client.expect(&[("QUIT", "221 ")]);
}

#[test]
fn a_submission_over_tls_is_completed_and_names_its_road() {
    let office = Office::mired();
    let mut client = office.connect(Mode::Submission, Standing::Stranger).secured();
    client.expect(&[
        ("", "220 "),
        ("EHLO laptop", "250 "),
        ("MAIL FROM:<ana@mired.org>", "530 5.7.0"),
        ("AUTH PLAIN AGFuYQBib2I=", "535 5.7.8"),
        ("AUTH PLAIN AGFuYQBhbmE=", "235 2.7.0"),
        ("MAIL FROM:<bob@mired.org>", "553 5.7.1"),
        ("MAIL FROM:<ana@mired.org>", "250 "),
        ("RCPT TO:<bob@mired.org>", "250 "),
        ("RCPT TO:<ana@mired.org>", "250 "),
        ("RCPT TO:<eva@elsewhere.example>", "550 5.4.4"),
        ("DATA", "354 "),
        ("Subject: x\nBcc: eva@mired.org\n\nhi\n.", "250 2.0.0 delivered as "),
    ]);
    for number in [ANA, BOB] {
        let [message] = &office.inbox(number)[..] else { panic!("one message") };
        assert!(message.contains("with ESMTPSA"), "{message}");
        assert!(message.contains("TLS1.3"), "{message}");
        assert!(message.contains("\r\nMessage-ID: <") && message.contains("\r\nDate: "));
        assert!(!message.contains("Bcc") && !message.contains("for <"), "{message}");
    }
}

#[test]
fn the_name_of_a_login_lasts_over_a_second_greeting() {
    let office = Office::mired();
    let mut client = office.connect(Mode::Submission, Standing::Stranger).secured();
    client.expect(&[
        ("", "220 "),
        ("EHLO NPIF65E56", "250 "),
        ("AUTH LOGIN YW5h", "334 UGFzc3dvcmQ6"),
        ("YW5h", "235 2.7.0"),
        ("EHLO NPIF65E56", "250 "),
        ("MAIL FROM: ana@mired.org SIZE= AUTH=<>", "250 "),
    ]);
}

#[test]
fn strangers_reach_our_people_and_nobody_else() {
    let office = Office::mired();
    let mut client = office.connect(Mode::Relay, Standing::Stranger);
    client.expect(&[
        ("", "220 "),
        ("EHLO mx.example", "250 "),
        ("MAIL FROM:<>", "250 "),
        ("RCPT TO:<eva@elsewhere.example>", "550 5.7.1"),
        ("RCPT TO:<nobody@mired.org>", "550 5.1.1"),
        ("DATA", "554 5.5.1"),
        ("RCPT TO:<postmaster>", "250 "),
        ("RCPT TO:<ANA+list@mired.org>", "250 "),
        ("DATA", "354 "),
        ("Subject: report\n\n.", "250 2.0.0"),
    ]);
    let inbox = office.inbox(ANA);
    assert!(!inbox.is_empty() && inbox[0].starts_with("Return-Path: <>\r\n"), "{inbox:?}");
}

#[test]
fn a_full_mailbox_is_refused_for_a_while_and_at_once() {
    let office = Office::mired();
    office.set_quota("bob@mired.org", 100);
    let mut client = office.connect(Mode::Relay, Standing::Stranger);
    client.expect(&[
        ("", "220 "),
        ("EHLO mx.example", "250 "),
        ("MAIL FROM:<x@mx.example> SIZE=200", "250 "),
        ("RCPT TO:<bob@mired.org>", "452 4.2.2"),
        ("RCPT TO:<ana@mired.org>", "250 "),
        ("RSET", "250 "),
        ("MAIL FROM:<x@mx.example> SIZE=2000000", "552 5.3.4"),
    ]);
}

#[test]
fn lmtp_tells_each_recipient_its_own() {
    let office = Office::mired();
    office.set_quota("bob@mired.org", 100);
    let mut client = office.connect(Mode::Lmtp, Standing::Stranger);
    client.expect(&[
        ("", "220 mail.mired.org LMTP"),
        ("LHLO mx.example", "250 "),
        ("MAIL FROM:<x@mx.example>", "250 "),
        ("RCPT TO:<bob@mired.org>", "250 "),
        ("RCPT TO:<ana@mired.org>", "250 "),
        ("DATA", "354 "),
    ]);
    let last = client.say(&format!("Subject: x\n\n{}\n.", "long ".repeat(100)));
    assert!(last.starts_with("250 2.0.0 delivered as "), "{last}");
    assert_eq!((office.inbox(ANA).len(), office.inbox(BOB).len()), (1, 0));
}

#[test]
fn when_the_store_stops_nothing_is_promised() {
    let office = Office::mired();
    let mut client = office.connect(Mode::Relay, Standing::Trusted);
    client.expect(&[
        ("", "220 "),
        ("EHLO mx.example", "250 "),
        ("MAIL FROM:<x@mx.example>", "250 "),
        ("RCPT TO:<bob@mired.org>", "250 "),
        ("DATA", "354 "),
    ]);
    office.store.unavailable(true);
    client
        .expect(&[("Subject: x\n\nhi\n.", "451 4.3.0"), ("AUTH PLAIN AGFuYQBhbmE=", "454 4.7.0")]);
    office.store.unavailable(false);
    client.expect(&[
        ("MAIL FROM:<x@mx.example>", "250 "),
        ("RCPT TO:<bob@mired.org>", "250 "),
        ("BDAT 4\nab", "250 2.0.0 4 octets"),
        ("RSET", "250 "),
        ("MAIL FROM:<x@mx.example>", "250 "),
        ("RCPT TO:<bob@mired.org>", "250 "),
        ("BDAT 4 LAST\ncd", "250 2.0.0 delivered"),
    ]);
    let [message] = &office.inbox(BOB)[..] else { panic!("one message") };
    assert!(message.contains("cd\r\n") && !message.contains("ab\r\n"), "{message}");
    assert_eq!(office.store.blob_count(), 1);
}

#[test]
fn a_loop_ends_with_a_refusal() {
    let office = Office::mired();
    let mut client = office.connect(Mode::Relay, Standing::Stranger);
    client.expect(&[
        ("", "220 "),
        ("EHLO mx.example", "250 "),
        ("MAIL FROM:<x@mx.example>", "250 "),
        ("RCPT TO:<bob@mired.org>", "250 "),
        ("DATA", "354 "),
    ]);
    let received = "Received: from a by b; Tue, 24 Nov 2026 09:00:00 +0000\n".repeat(60);
    let last = client.say(&format!("{received}\nhi\n."));
    assert!(last.starts_with("554 5.4.6"), "{last}");
    assert_eq!(office.inbox(BOB).len(), 0);
}

#[test]
fn a_smuggled_message_reaches_nobody() {
    let office = Office::mired();
    let mut client = office.connect(Mode::Relay, Standing::Stranger);
    client.expect(&[
        ("", "220 "),
        ("EHLO mx.example", "250 "),
        ("MAIL FROM:<x@mx.example>", "250 "),
        ("RCPT TO:<bob@mired.org>", "250 "),
        ("DATA", "354 "),
    ]);
    let inner = "hi\r.\rMAIL FROM:<ana@mired.org>\rRCPT TO:<bob@mired.org>\rDATA\rSubject: forged";
    let last = client.say(&format!("Subject: x\n\n{inner}\n."));
    assert!(last.starts_with("550 5.6.11"), "{last}");
    assert_eq!((office.inbox(BOB).len(), office.store.blob_count()), (0, 0));
}

fn logged_in(office: &Office, password: &str) -> support::Client {
    let mut client = office.connect(Mode::Submission, Standing::Stranger).secured();
    let initial = proto_sasl::encode(format!("\0ana\0{password}").as_bytes());
    client.expect(&[
        ("", "220 "),
        ("EHLO laptop", "250 "),
        (&format!("AUTH PLAIN {initial}"), "235 2.7.0"),
    ]);
    client
}

#[test]
fn a_new_password_ends_sessions_between_two_messages() {
    let office = Office::mired();
    let (mut silent, mut busy, mut sending) =
        (logged_in(&office, "ana"), logged_in(&office, "ana"), logged_in(&office, "ana"));
    sending.expect(&[
        ("MAIL FROM:<ana@mired.org>", "250 "),
        ("RCPT TO:<bob@mired.org>", "250 "),
        ("DATA", "354 "),
    ]);
    assert_eq!(silent.news(), None);
    office.set_password("ana@mired.org", "new");
    let gone = "421 4.7.0 the account may no longer log in, or its password was changed";
    assert_eq!(silent.news().as_deref(), Some(gone));
    assert_eq!(busy.say("MAIL FROM:<ana@mired.org>"), gone);
    // What was begun comes to its end.
    assert_eq!(sending.news().as_deref(), Some(""));
    sending.expect(&[("Subject: x\n\nhi\n.", "421 4.7.0")]);
    assert_eq!(office.inbox(BOB).len(), 1);
    logged_in(&office, "new");
}

#[test]
fn a_device_submits_if_it_may_and_is_told_if_not() {
    let office = Office::mired();
    let printer = office.add_device("ana@mired.org", "printer", "smtp");
    let mut client = logged_in(&office, &printer);
    client.expect(&[("MAIL FROM:<ana@mired.org>", "250 "), ("MAIL FROM:<bob@mired.org>", "5")]);
    let reader = office.add_device("ana@mired.org", "reader", "imap");
    let mut client = office.connect(Mode::Submission, Standing::Stranger).secured();
    let initial = proto_sasl::encode(format!("\0ana\0{reader}").as_bytes());
    client.expect(&[
        ("", "220 "),
        ("EHLO laptop", "250 "),
        (&format!("AUTH PLAIN {initial}"), "535 5.7.8 not permitted: this device password is for"),
    ]);
}

#[test]
fn who_guesses_is_told_to_come_later() {
    let office = Office::mired();
    for n in 0..serve_login::OF_PAIR.burst {
        let mut client = office.connect(Mode::Submission, Standing::Stranger).secured();
        let guess = proto_sasl::encode(format!("\0ana\0guess{n}").as_bytes());
        client.expect(&[("EHLO x", "250 "), (&format!("AUTH PLAIN {guess}"), "535 5.7.8")]);
    }
    let mut client = office.connect(Mode::Submission, Standing::Stranger).secured();
    let right = proto_sasl::encode(b"\0ana\0ana");
    client.expect(&[("EHLO x", "250 "), (&format!("AUTH PLAIN {right}"), "454 4.7.0")]);
}
