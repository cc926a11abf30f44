//! What a server may say to our client: `cargo +nightly fuzz run replies`, from `proto/smtp`.
//! The first octet says how the client is; each zero octet ends what is said at one time.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proto_sasl::client::Credentials;
use proto_smtp::Cleartext;
use proto_smtp::client::{Client, ClientOptions, Login, Mode, Recipient, Step, Transaction};
use std::time::{Duration, Instant};
use words_mail::{Address, ReversePath};

fuzz_target!(|octets: &[u8]| {
    let Some((how, says)) = octets.split_first() else { return };
    let mut options = ClientOptions::new("client.example");
    if how & 1 == 1 {
        options.mode = Mode::Lmtp;
    }
    if how & 2 == 2 {
        let credentials = Credentials::password("ana", b"x".to_vec());
        options.login = Some(Login { credentials, cleartext: Cleartext::Allowed, nonce: [1; 18] });
    }
    let mut client = Client::new(options);
    let mut says = says.split(|b| *b == 0);
    let mut now = Instant::now();
    let mut begun = 0;
    // Each thing said brings a few steps; a client that turns in a circle does not end.
    for _ in 0..100 + 20 * octets.len() {
        match client.step(now) {
            Step::Wait { until } => match says.next() {
                Some(text) => client.input(text),
                None => now = until.max(now + Duration::from_secs(1)),
            },
            Step::StartTls => client.secured(None),
            Step::Ready if begun < 3 => {
                begun += 1;
                let to = ["b@y", "c@y"].map(|a| Recipient::new(Address::parse(a).unwrap()));
                client.begin(Transaction::new(ReversePath(None), to.to_vec()));
            }
            Step::Ready => client.quit(),
            Step::NeedBody => {
                client.body(b"Subject: x\r\n\r\n.\n");
                client.body_end();
            }
            Step::Done(outcome) => assert_eq!(outcome.recipients.len(), 2),
            Step::Send(_) | Step::Failed(_) => {}
            Step::Closed => return,
        }
    }
    panic!("no end");
});
