//! What printing costs. `cargo test --release -p proto-imap --test speed -- --ignored --nocapture`

use bytes::Bytes;
use proto_imap::ask::{FetchCursor, FetchPage, FetchRow};
use proto_imap::{Answer, Ask, ImapServer, Options};
use proto_line::{Session, Step};
use std::sync::Arc;
use std::time::{Duration, Instant};
use words_base::Timestamp;
use words_mail::{Flags, ModSeq, SeqNum, SystemFlag, Uid};
use words_message::Summary;

const ROWS: u64 = 100_000;
const PAGE: u64 = 256;

fn page(from: u64, summary: &Bytes) -> FetchPage {
    let mut flags = Flags::new();
    flags.insert(SystemFlag::Seen);
    let row = |n: u64| FetchRow {
        seq: SeqNum(n as u32),
        uid: Uid(n as u32 * 3),
        flags: flags.clone(),
        flags_changed: false,
        modseq: ModSeq(n * 7),
        size: 4096 + n,
        received_at: Timestamp::from_seconds(1_700_000_000 + n as i64),
        saved_at: Timestamp::from_seconds(1_700_000_000),
        email_id: n,
        summary: Some(summary.clone()),
        structure: None,
        sections: Vec::new(),
    };
    let next = (from + PAGE < ROWS).then_some(FetchCursor(from + PAGE));
    let rows = (from..(from + PAGE).min(ROWS)).map(|n| row(n + 1)).collect();
    FetchPage { rows, next, ..FetchPage::default() }
}

/// Time within the session alone, and octets printed.
fn fetch(items: &str) -> (Duration, usize) {
    let header =
        b"Date: Wed, 17 Jul 1996 02:23:25 -0700\r\nFrom: Terry Gray <gray@cac.example>\r\n\
        Subject: minutes of the meeting\r\nTo: imap@cac.example, John <john@mit.example>\r\n\
        Message-ID: <B27397-0100000@cac.example>\r\n\r\n";
    let summary: Bytes = Summary::of_header(header).encode().into();
    let options = Options { cleartext_login: true, ..Options::default() };
    let mut session = ImapServer::new(Arc::new(options));
    session.input(b"a LOGIN ana ana\r\nb SELECT INBOX\r\n");
    session.input(format!("c FETCH 1:* {items}\r\n").as_bytes());
    let (mut spent, mut octets, now) = (Duration::ZERO, 0, Instant::now());
    loop {
        let began = Instant::now();
        let step = session.step(now);
        spent += began.elapsed();
        match step {
            Step::Send(bytes) => {
                octets += bytes.len();
                session.give_back(bytes);
            }
            Step::Ask(ask) => session.answer(match ask {
                Ask::Login(_) => Answer::Login(proto_sasl::Answer::Accepted),
                Ask::Select(_) => Answer::Selected(Box::new(proto_imap::ask::Selected {
                    exists: ROWS as u32,
                    first_unseen: None,
                    uid_next: Uid(1),
                    uid_validity: words_mail::UidValidity(1),
                    highest_modseq: ModSeq(1),
                    mailbox_id: "F1".to_string(),
                    keywords: Vec::new(),
                    vanished_earlier: None,
                    changed: Vec::new(),
                })),
                Ask::Fetch(fetch) => {
                    Answer::Fetched(page(fetch.cursor.map_or(0, |c| c.0), &summary))
                }
                _ => Answer::Changes(proto_imap::ask::Changes::default()),
            }),
            _ => return (spent, octets),
        }
    }
}

#[test]
#[ignore = "measures; run it in release, on a quiet machine"]
fn a_row_costs_less_than_a_microsecond() {
    for items in ["FLAGS", "(UID FLAGS MODSEQ)", "FAST", "ENVELOPE", "ALL"] {
        let (spent, octets) = (0..5).map(|_| fetch(items)).min().expect("a run");
        let a_row = spent.as_nanos() as u64 / ROWS;
        println!("{items}: {a_row} ns a row, {octets} octets");
        assert!(a_row < 1000, "{items}: {a_row} ns a row");
    }
}
