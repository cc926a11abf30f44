//! Nobody sends elsewhere through us but our own people: each trick on its own line.

mod support;

use proto_smtp::{Mode, Standing};
use support::Office;

/// What a stranger asks, and how the answer begins.
const TRICKS: &[(&str, &str)] = &[
    // Just asked.
    ("RCPT TO:<victim@elsewhere.org>", "550 5.7.1"),
    ("RCPT TO:<VICTIM@ELSEWHERE.ORG>", "550 5.7.1"),
    ("RCPT TO:<victim@elsewhere.org.>", "550 5.7.1"),
    // The percent hack.
    ("RCPT TO:<victim%elsewhere.org@mired.org>", "550 5.1.1"),
    ("RCPT TO:<victim%elsewhere.org>", "5"),
    ("RCPT TO:<victim%elsewhere.org@[192.0.2.1]>", "550 5.7.1"),
    ("RCPT TO:<victim%elsewhere.org@mail.mired.org>", "550 5.7.1"),
    // Source routes: the last address counts (RFC 5321 §4.1.1.3).
    ("RCPT TO:<@mired.org:victim@elsewhere.org>", "550 5.7.1"),
    ("RCPT TO:<@mired.org,@x.org:victim@elsewhere.org>", "550 5.7.1"),
    ("RCPT TO:<@mail.mired.org:victim@elsewhere.org>", "550 5.7.1"),
    // Quoted local-parts with an @ inside.
    ("RCPT TO:<\"victim@elsewhere.org\"@mired.org>", "550 5.1.1"),
    ("RCPT TO:<\"victim@elsewhere.org\">", "5"),
    ("RCPT TO:<\"victim%elsewhere.org\"@mired.org>", "550 5.1.1"),
    ("RCPT TO:<\"victim\"@elsewhere.org>", "550 5.7.1"),
    ("RCPT TO:<victim@elsewhere.org@mired.org>", "5"),
    ("RCPT TO:<victim@mired.org@elsewhere.org>", "5"),
    // Bang paths.
    ("RCPT TO:<elsewhere.org!victim>", "5"),
    ("RCPT TO:<elsewhere.org!victim@mired.org>", "550 5.1.1"),
    ("RCPT TO:<mired.org!victim@elsewhere.org>", "550 5.7.1"),
    // Address literals, ours and others'.
    ("RCPT TO:<victim@[127.0.0.1]>", "550 5.7.1"),
    ("RCPT TO:<ana@[192.0.2.7]>", "550 5.7.1"),
    ("RCPT TO:<victim@[IPv6:::1]>", "550 5.7.1"),
    ("RCPT TO:<victim@localhost>", "550 5.7.1"),
    ("RCPT TO:<victim@mail.mired.org>", "550 5.7.1"),
    // Postmaster of others.
    ("RCPT TO:<postmaster@elsewhere.org>", "550 5.7.1"),
    ("RCPT TO:<Postmaster@Elsewhere.org>", "550 5.7.1"),
    // Domains that look like ours.
    ("RCPT TO:<ana@mired.org.elsewhere.org>", "550 5.7.1"),
    ("RCPT TO:<ana@sub.mired.org>", "550 5.7.1"),
    ("RCPT TO:<ana@xmired.org>", "550 5.7.1"),
    ("RCPT TO:<ana@xn--mired-rqa.org>", "550 5.7.1"),
    ("RCPT TO:<victim@mired。org>", "5"),
    ("RCPT TO:<victim@mіred.org>", "5"),
    // Not one address.
    ("RCPT TO:<victim@elsewhere.org>,<ana@mired.org>", "5"),
    ("RCPT TO:<ana@mired.org,victim@elsewhere.org>", "5"),
    ("RCPT TO:ana@mired.org victim@elsewhere.org", "5"),
    ("RCPT TO:<victim@elsewhere.org\0@mired.org>", "5"),
    ("RCPT TO:<>", "5"),
    // A rewritten reverse-path that we have not made.
    ("RCPT TO:<SRS0=AAAAAA=AA=elsewhere.org=victim@mired.org>", "550 5.1.1"),
    ("RCPT TO:<SRS1=AAAAAA=elsewhere.org==AA=AA=x.org=victim@mired.org>", "550 5.1.1"),
];

/// As whom the stranger comes.
const SENDERS: &[&str] =
    &["x@elsewhere.org", "ana@mired.org", "root@mail.mired.org", "x@[127.0.0.1]", ""];

#[test]
fn a_stranger_sends_nowhere_through_us_whatever_they_try() {
    for sender in SENDERS {
        let office = Office::connected();
        for (trick, want) in TRICKS {
            let mut client = office.connect(Mode::Relay, Standing::Stranger);
            client.expect(&[("", "220 "), ("EHLO mired.org", "250 ")]);
            let mail = format!("MAIL FROM:<{sender}>");
            client.expect(&[(&mail, "250 "), (trick, want), ("DATA", "5")]);
        }
        assert_eq!(office.queued(), Vec::<String>::new(), "<{sender}>");
        assert_eq!(office.store.blob_count(), 0);
    }
}

#[test]
fn spellings_of_our_own_domain_are_ours_and_stay_here() {
    let office = Office::connected();
    let mut client = office.connect(Mode::Relay, Standing::Stranger);
    client.expect(&[
        ("", "220 "),
        ("EHLO x", "250 "),
        ("MAIL FROM:<ana@mired.org>", "250 "),
        ("RCPT TO:<ANA@MIRED.ORG>", "250 "),
        ("RCPT TO:<\"bob\"@Mired.Org>", "250 "),
        ("RCPT TO:<@x.org:bob@mired.org>", "250 "),
        ("RCPT TO:<Postmaster>", "250 "),
        ("RCPT TO:<victim@elsewhere.org>", "550 5.7.1"),
        ("DATA", "354 "),
        ("Subject: x\n\nhi\n.", "250 2.0.0 delivered as "),
    ]);
    assert_eq!((office.inbox(1).len(), office.inbox(2).len()), (1, 1));
    assert_eq!(office.queued(), Vec::<String>::new());
}

#[test]
fn an_alias_of_ours_leads_elsewhere_whoever_writes_to_it() {
    let office = Office::connected();
    let mut client = office.connect(Mode::Relay, Standing::Stranger);
    client.expect(&[
        ("", "220 "),
        ("EHLO x", "250 "),
        ("MAIL FROM:<z@third.org>", "250 "),
        ("RCPT TO:<list@mired.org>", "250 "),
        ("RCPT TO:<out@mired.org>", "250 "),
        ("DATA", "354 "),
        ("Subject: x\n\nhi\n.", "250 2.0.0 queued as "),
    ]);
    assert_eq!(office.inbox(1).len(), 1);
    let queued = office.queued();
    let [one] = &queued[..] else { panic!("{queued:?}") };
    let (path, to) = one.split_once(' ').unwrap();
    assert!(path.starts_with("<SRS0=") && path.ends_with("=third.org=z@mired.org>"), "{path}");
    assert_eq!(to, "x@elsewhere.org y@elsewhere.org");
}

#[test]
fn our_own_people_send_anywhere_with_all_that_they_ask() {
    let office = Office::connected();
    let mut client = office.connect(Mode::Submission, Standing::Stranger).secured();
    client.expect(&[
        ("", "220 "),
        ("EHLO laptop", "250 "),
        ("AUTH PLAIN AGFuYQBhbmE=", "235 2.7.0"),
        ("MAIL FROM:<eva@elsewhere.org>", "553 5.7.1"),
        ("MAIL FROM:<ana@mired.org>", "250 "),
        ("RCPT TO:<x@elsewhere.org>", "250 "),
        ("RCPT TO:<bob@mired.org>", "250 "),
        ("DATA", "354 "),
        ("Subject: x\nBcc: eva@mired.org\n\nhi\n.", "250 2.0.0 "),
    ]);
    assert_eq!(office.queued(), ["<ana@mired.org> x@elsewhere.org"]);
    let [message] = &office.inbox(2)[..] else { panic!("one message") };
    assert!(!message.contains("Bcc"), "{message}");
}

#[test]
fn a_trusted_network_sends_anywhere() {
    let office = Office::connected();
    let mut client = office.connect(Mode::Relay, Standing::Trusted);
    client.expect(&[
        ("", "220 "),
        ("EHLO printer", "250 "),
        ("MAIL FROM:<printer@mired.org>", "250 "),
        ("RCPT TO:<x@elsewhere.org>", "250 "),
        ("DATA", "354 "),
        ("Subject: x\n\nhi\n.", "250 2.0.0 queued as "),
    ]);
    assert_eq!(office.queued(), ["<printer@mired.org> x@elsewhere.org"]);
}

#[test]
fn what_was_refused_can_be_found_as_what_was_delivered_can() {
    let office = Office::connected();
    let mut client = office.connect(Mode::Relay, Standing::Stranger);
    client.expect(&[
        ("", "220 "),
        ("EHLO x", "250 "),
        ("MAIL FROM:<z@third.org>", "250 "),
        ("RCPT TO:<victim@elsewhere.org>", "550 5.7.1"),
        ("RCPT TO:<ana@mired.org>", "250 "),
        ("DATA", "354 "),
        ("Subject: x\nMessage-ID: <1@third>\n\nhi\n.", "250 2.0.0 delivered as "),
    ]);
    let traced = office.traced();
    let arrivals: Vec<_> = traced.iter().flat_map(|traced| traced.arrivals()).collect();
    let refused = arrivals.iter().find(|a| a.refused.is_some()).unwrap();
    assert_eq!(refused.refused.as_deref(), Some("relaying denied"));
    assert_eq!((&*refused.peer, &*refused.helo), ("192.0.2.7", "x"));
    assert_eq!(refused.lines[0].named, "victim@elsewhere.org");
    let filed = arrivals.iter().find(|a| a.refused.is_none()).unwrap();
    assert_eq!(filed.message_id.as_deref(), Some("<1@third>"));
    assert_eq!((arrivals.len(), filed.lines.len()), (2, 1));
}
