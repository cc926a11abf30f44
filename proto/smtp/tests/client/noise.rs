//! What no server may do to us by what it says: depend on how it is cut, panic, or keep us for ever.

use proptest::prelude::*;
use proto_sasl::client::Credentials;
use proto_smtp::Cleartext;
use proto_smtp::client::{Client, ClientOptions, Fate, Login, Mode, Recipient, Step, Transaction};
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use words_mail::{Address, ReversePath};

/// Everything that the client has sent and told, when the server says `says`, one thing each time
/// that the client waits, in pieces of `size` octets.
fn talk(mode: Mode, says: &[Vec<u8>], size: usize) -> String {
    let mut options = ClientOptions::new("client.example");
    options.mode = mode;
    let credentials = Credentials::password("ana", b"x".to_vec());
    options.login = Some(Login { credentials, cleartext: Cleartext::Allowed, nonce: [1; 18] });
    let mut client = Client::new(options);
    let mut now = Instant::now();
    let mut says = says.iter();
    let mut coming: VecDeque<u8> = VecDeque::new();
    let mut went = String::new();
    let mut begun = 0;
    // Far more than any talk needs: a machine that turns in a circle is found out.
    for _ in 0..20_000 {
        match client.step(now) {
            Step::Send(octets) => went += &octets.escape_ascii().to_string(),
            Step::Wait { until } => {
                if coming.is_empty() {
                    match says.next() {
                        Some(text) => coming.extend(text),
                        None => now = until.max(now + Duration::from_secs(1)),
                    }
                }
                let piece: Vec<u8> = coming.drain(..size.min(coming.len())).collect();
                client.input(&piece);
            }
            Step::StartTls => client.secured(None),
            Step::Ready if begun < 2 => {
                begun += 1;
                let to = ["b@y", "c@y"].map(|a| Recipient::new(Address::parse(a).unwrap()));
                client.begin(Transaction::new(ReversePath(None), to.to_vec()));
            }
            Step::Ready => client.quit(),
            Step::NeedBody => {
                client.body(b"Subject: x\r\n\r\n.\n");
                client.body_end();
            }
            Step::Done(outcome) => {
                assert_eq!(outcome.recipients.len(), 2);
                for fate in &outcome.recipients {
                    let claims = [fate.is_delivered(), fate.is_permanent(), fate.is_unknown()];
                    assert!(claims.iter().filter(|claim| **claim).count() <= 1, "{fate:?}");
                    assert!(!matches!(fate, Fate::Said(s) if s.reply.to_string().contains('\n')));
                }
                went += &format!("{outcome:?}");
            }
            Step::Failed(fate) => went += &format!("{fate:?}"),
            Step::Closed => return went,
        }
    }
    panic!("no end: {went}")
}

/// One reply, or something near it, as servers say it one at a time.
fn reply() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => "(220|250|354|235|334) [a-z]{0,8}\r\n",
        2 => "250-mx\r\n(250-(PIPELINING|CHUNKING|SIZE 9|AUTH PLAIN|STARTTLS|DSN)\r\n){0,4}250 ok\r\n",
        2 => "[45][0-9]{2}[- ]?([45]\\.1\\.1 )?[a-z]{0,4}\r?\n",
        1 => "[ -~]{0,9}\r\n",
    ]
    .prop_map(String::into_bytes)
}

proptest! {
    #[test]
    fn cut_anywhere_the_talk_is_the_same(
        says in prop::collection::vec(reply(), 0..24),
        size in 1usize..6,
        lmtp: bool,
    ) {
        let mode = if lmtp { Mode::Lmtp } else { Mode::Smtp };
        // Several things said at once are another talk: what stands behind STARTTLS is dropped.
        let says: Vec<Vec<u8>> =
            says.iter().flat_map(|s| s.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec)).collect();
        prop_assert_eq!(talk(mode, &says, size), talk(mode, &says, usize::MAX));
    }

    #[test]
    fn whatever_a_server_says_the_talk_ends(
        says in prop::collection::vec(
            prop_oneof![reply(), prop::collection::vec(any::<u8>(), 0..80)], 0..30),
        lmtp: bool,
    ) {
        talk(if lmtp { Mode::Lmtp } else { Mode::Smtp }, &says, 7);
    }
}

/// A server that says its greeting for ever gets no memory and no end of our time.
#[test]
fn an_endless_greeting_is_given_up() {
    let mut client = Client::new(ClientOptions::new("client.example"));
    let now = Instant::now();
    for count in 0.. {
        assert!(count < 2000, "it is listened to for ever");
        client.input(b"220-welcome\r\n");
        if matches!(client.step(now), Step::Failed(Fate::Lost(_))) {
            break;
        }
    }
    assert_eq!(client.step(now), Step::Closed);
}
