//! Whatever a stranger sends, the session neither panics nor grows.

use proptest::prelude::*;
use proto_line::{Session, Step};
use proto_pop3::{Answer, Ask, Entry, Listing, Options, Pop3Server};
use std::time::Instant;

const MESSAGE: &[u8] = b"Subject: x\r\n\r\n.one\r\n..\r\nlast";

fn answer(ask: Ask) -> Answer {
    match ask {
        Ask::Login(_) => Answer::Login(proto_sasl::Answer::Accepted),
        Ask::Open => Answer::Opened { count: 3, size: 3 * MESSAGE.len() as u64 },
        Ask::List { from, count_max, listing } => {
            let entries = (from..=3).take(count_max as usize).map(|n| match listing {
                Listing::Sizes => Entry::Size(MESSAGE.len() as u64),
                Listing::UniqueIds => Entry::UniqueId(format!("id{n}")),
            });
            Answer::Listed(entries.collect())
        }
        Ask::Size(_) => Answer::Size(MESSAGE.len() as u64),
        Ask::Read { offset, .. } => {
            Answer::Octets(MESSAGE[(offset as usize).min(MESSAGE.len())..].to_vec().into())
        }
        Ask::Remove(_) => Answer::Removed,
    }
}

/// What a client gets for `pieces`.
fn talk(pieces: &[&[u8]]) -> Vec<u8> {
    let mut session = Pop3Server::new(Options { cleartext_login: true, ..Options::default() });
    let now = Instant::now();
    let mut got = Vec::new();
    for piece in std::iter::once(&[][..]).chain(pieces.iter().copied()) {
        session.input(piece);
        loop {
            match session.step(now) {
                Step::Send(bytes) => got.extend(bytes),
                Step::Ask(Ask::Login(proto_sasl::Ask::Keys { .. })) => {
                    session.answer(Answer::Refused(words_mail::Refusal::LoginFailed));
                }
                Step::Ask(ask) => session.answer(answer(ask)),
                Step::Stream(never) => match never {},
                Step::Wait { .. } => break,
                Step::StartTls | Step::Close => return got,
            }
        }
    }
    got
}

fn line() -> impl Strategy<Value = String> {
    let verb = prop::sample::select(vec![
        "USER",
        "PASS",
        "STAT",
        "LIST",
        "UIDL",
        "RETR",
        "TOP",
        "DELE",
        "RSET",
        "NOOP",
        "QUIT",
        "CAPA",
        "AUTH PLAIN",
        "AUTH",
        "LAST",
        "UTF8",
        "",
    ]);
    (verb, "[ -~]{0,12}|[0-4]|[0-4] [0-4]|").prop_map(|(verb, rest)| format!("{verb} {rest}\r\n"))
}

proptest! {
    #[test]
    fn bytes_split_anywhere_give_the_same(lines in prop::collection::vec(line(), 0..30), size in 1usize..40) {
        let text = format!("USER ana\r\nPASS ana\r\n{}", lines.concat());
        let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
        prop_assert_eq!(talk(&pieces), talk(&[text.as_bytes()]));
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        talk(&[&bytes]);
    }
}

#[test]
fn a_line_of_a_hundred_megabytes_is_one_mistake() {
    let mut pieces: Vec<&[u8]> = vec![&[b'x'; 65_536]; 1600];
    pieces.push(b"\r\nNOOP\r\n");
    let got = String::from_utf8(talk(&pieces)).unwrap();
    assert_eq!(got.matches("-ERR").count(), 1, "{got}");
    assert!(got.ends_with("+OK here\r\n"), "{got}");
}
