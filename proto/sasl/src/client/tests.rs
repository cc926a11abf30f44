//! The client against the server of this crate, against the examples of the RFCs, and against
//! servers that lie.

use super::*;
use crate::{Answer, Ask, KeyPair, Keys, Proof, Turn, base64};
use hmac::{Hmac, Mac};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

const BINDING: Binding = Binding::TlsExporter([7; 32]);

fn keys(password: &[u8]) -> Keys {
    let salted = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(password, b"salt", 4);
    let sign = |key: &[u8], text: &[u8]| -> [u8; 32] {
        let mac = Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(text);
        mac.finalize().into_bytes().into()
    };
    let stored_key = Sha256::digest(sign(&salted, b"Client Key")).into();
    let pair = KeyPair { stored_key, server_key: sign(&salted, b"Server Key") };
    Keys { salt: b"salt".to_vec(), iterations: 4, pairs: vec![pair], nonce: [3; 18] }
}

/// Plays a whole login: what our server's side says, and ours.
fn login(mechanism: Mechanism, credentials: &Credentials, want: &[u8]) -> Result<bool, Failure> {
    let binding =
        if mechanism == Mechanism::ScramSha256Plus { BINDING } else { Binding::Unavailable };
    let server = crate::Mechanism::parse(mechanism.name().as_bytes()).unwrap();
    let (mut client, initial) = Exchange::start(mechanism, credentials, binding, [9; 18]);
    let initial = initial.as_ref().map(Secret::expose);
    let (mut exchange, mut turn) = crate::Exchange::start(server, initial, binding);
    loop {
        turn = match turn {
            Turn::Challenge(text) => exchange.respond(client.respond(text.as_bytes())?.expose()),
            Turn::Ask(Ask::Password { authcid, password, .. }) => {
                return Ok(authcid == credentials.name() && password.expose() == want);
            }
            Turn::Ask(Ask::Keys { .. }) => exchange.answer(Answer::Keys(keys(want))),
            Turn::Ask(Ask::Proven { proof: Proof::Wrong, .. }) => return Ok(false),
            Turn::Ask(Ask::Proven { .. }) => exchange.answer(Answer::Accepted),
            Turn::Accepted => return client.accepted().map(|()| true),
            Turn::Failed(failure) => panic!("{failure:?}"),
        }
    }
}

#[test]
fn our_own_server_lets_us_in_by_every_mechanism_it_has() {
    use Mechanism::{Login, Plain, ScramSha256, ScramSha256Plus};
    for mechanism in [ScramSha256Plus, ScramSha256, Plain, Login] {
        for name in ["ana", "a,=b", "ñandú"] {
            let credentials = Credentials::password(name, b"pencil".to_vec());
            assert_eq!(login(mechanism, &credentials, b"pencil"), Ok(true), "{mechanism:?}");
            assert_eq!(login(mechanism, &credentials, b"pen"), Ok(false), "{mechanism:?}");
        }
    }
}

/// One login with SCRAM whose messages are known.
struct Example {
    mechanism: Mechanism,
    nonce: &'static str,
    server: [&'static str; 2],
    client: [&'static str; 2],
}

/// RFC 5802 §5 and RFC 7677 §3. Their nonces are no base64 of 18 octets as ours are, so the nonce
/// is put in by hand.
#[test]
fn the_examples_of_the_rfcs_go_as_written() {
    for example in [
        Example {
            mechanism: Mechanism::ScramSha1,
            nonce: "fyko+d2lbbFgONRv9qkxdawL",
            server: [
                "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
                "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
            ],
            client: [
                "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
                "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,\
                 p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            ],
        },
        Example {
            mechanism: Mechanism::ScramSha256,
            nonce: "rOprNGfwEbeRWgbNEkqO",
            server: [
                "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                 s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
                "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
            ],
            client: [
                "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
                "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                 p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            ],
        },
    ] {
        let hash = match example.mechanism {
            Mechanism::ScramSha1 => scram::Hash::Sha1,
            _ => scram::Hash::Sha256,
        };
        let user = Credentials::password("user", b"pencil".to_vec());
        let mut client =
            scram::Scram::new(hash, example.mechanism, &user, Binding::Unavailable, [0; 18]);
        client.set_nonce(example.nonce);
        let text =
            |secret: Secret| String::from_utf8(base64::decode(secret.expose()).unwrap()).unwrap();
        assert_eq!(text(client.first()), example.client[0]);
        assert_eq!(text(client.respond(example.server[0]).unwrap()), example.client[1]);
        assert!(!client.is_proven());
        assert_eq!(client.respond(example.server[1]).unwrap().expose(), b"");
        assert!(client.is_proven());
    }
}

#[test]
fn a_server_that_does_not_know_the_password_is_found_out() {
    let ana = Credentials::password("ana", b"pencil".to_vec());
    let begin = || Exchange::start(Mechanism::ScramSha256, &ana, Binding::Unavailable, [9; 18]).0;
    let challenge = |text: &str| base64::encode(text.as_bytes());
    let nonce = base64::encode(&[9; 18]);
    let first = challenge(&format!("r={nonce}abc,s=c2FsdA==,i=4096"));

    // It accepts without a proof of its own.
    let mut exchange = begin();
    exchange.respond(first.as_bytes()).unwrap();
    assert_eq!(exchange.accepted(), Err(Failure::WrongServer));
    // Its proof is wrong.
    let wrong = challenge(&format!("v={}", base64::encode(&[0; 32])));
    assert_eq!(exchange.respond(wrong.as_bytes()), Err(Failure::WrongServer));
    assert_eq!(exchange.accepted(), Err(Failure::WrongServer));
    // It refuses: its reply will say so.
    let mut exchange = begin();
    exchange.respond(first.as_bytes()).unwrap();
    assert_eq!(exchange.respond(challenge("e=other-error").as_bytes()).unwrap().expose(), b"");
    assert_eq!(exchange.accepted(), Err(Failure::WrongServer));

    for (text, failure) in [
        ("r=abc,s=c2FsdA==,i=4096".to_string(), Failure::WrongServer),
        (format!("r={nonce},s=c2FsdA==,i=4096"), Failure::WrongServer),
        (format!("r={nonce}a,s=,i=4096"), Failure::Malformed("expected r=, s= and i=")),
        (format!("r={nonce}a,i=1,s=c2FsdA=="), Failure::Malformed("expected r=, s= and i=")),
        (
            format!("r={nonce}a,s=c2FsdA==,i=4000000000"),
            Failure::Malformed("expected 1 to 1,000,000 rounds"),
        ),
        (
            format!("r={nonce}a,s=c2FsdA==,i=0"),
            Failure::Malformed("expected 1 to 1,000,000 rounds"),
        ),
    ] {
        assert_eq!(begin().respond(challenge(&text).as_bytes()), Err(failure), "{text}");
    }
    assert!(matches!(begin().respond(b"???"), Err(Failure::Malformed(_))));
}

#[test]
fn tokens_go_as_their_documents_write_them() {
    let ana = Credentials::token("ana@x.org", b"ya29.vF9".to_vec());
    let start = |mechanism| {
        let (exchange, initial) = Exchange::start(mechanism, &ana, Binding::Unavailable, [0; 18]);
        (exchange, base64::decode(initial.unwrap().expose()).unwrap())
    };
    let (mut exchange, initial) = start(Mechanism::OauthBearer);
    assert_eq!(initial, b"n,a=ana@x.org,\x01auth=Bearer ya29.vF9\x01\x01");
    assert_eq!(exchange.respond(b"eyJzdGF0dXMiOiJ9").unwrap().expose(), b"AQ==");
    assert!(exchange.respond(b"").is_err());
    let (mut exchange, initial) = start(Mechanism::Xoauth2);
    assert_eq!(initial, b"user=ana@x.org\x01auth=Bearer ya29.vF9\x01\x01");
    assert_eq!(exchange.respond(b"eyJzdGF0dXMiOiJ9").unwrap().expose(), b"");
    assert_eq!(exchange.accepted(), Ok(()));
}

#[test]
fn the_best_that_may_be_used_is_used() {
    use Mechanism::*;
    let password = Credentials::password("ana", b"x".to_vec());
    let token = Credentials::token("ana", b"x".to_vec());
    let all = [
        "LOGIN",
        "plain",
        "XOAUTH2",
        "SCRAM-SHA-1",
        "GSSAPI",
        "SCRAM-SHA-256-PLUS",
        "OAUTHBEARER",
        "SCRAM-SHA-256",
        "PLAIN",
    ];
    let usable = |credentials: &Credentials, passage, binding| -> Vec<_> {
        credentials.usable(all, passage, binding)
    };
    assert_eq!(
        usable(&password, Passage::Protected, BINDING),
        [ScramSha256Plus, ScramSha256, ScramSha1, Plain, Login]
    );
    assert_eq!(usable(&password, Passage::Open, Binding::Unavailable), [ScramSha256, ScramSha1]);
    assert_eq!(usable(&token, Passage::Protected, BINDING), [OauthBearer, Xoauth2]);
    assert_eq!(usable(&token, Passage::Open, BINDING), []);
}

#[test]
fn no_secret_is_printed() {
    let password = Credentials::password("ana", b"hunter2".to_vec());
    let (exchange, initial) =
        Exchange::start(Mechanism::Plain, &password, Binding::Unavailable, [0; 18]);
    let shown = format!("{password:?} {exchange:?} {initial:?}");
    assert!(shown.contains("ana") && !shown.contains("hunter2"), "{shown}");
    assert!(!shown.contains(&base64::encode(b"hunter2")), "{shown}");
}

proptest! {
    #[test]
    fn no_challenge_panics(
        row in 0usize..7,
        texts in prop::collection::vec("\\PC{0,40}|[rsivc]=[a-zA-Z0-9,=]{0,30}", 0..4),
    ) {
        use Mechanism::*;
        let mechanism =
            [ScramSha256Plus, ScramSha256, ScramSha1, Plain, Login, OauthBearer, Xoauth2][row];
        let ana = Credentials::password("ana", b"x".to_vec());
        let (mut exchange, _) = Exchange::start(mechanism, &ana, BINDING, [1; 18]);
        for text in texts {
            let _ = exchange.respond(text.as_bytes());
            let _ = exchange.respond(base64::encode(text.as_bytes()).as_bytes());
        }
        let scram = matches!(mechanism, ScramSha256Plus | ScramSha256 | ScramSha1);
        prop_assert_eq!(exchange.accepted().is_err(), scram);
    }
}
