//! SCRAM-SHA-256-PLUS from the wire to the directory's keys and back (RFC 5802, RFC 7677).

mod support;

use hmac::{Hmac, Mac};
use proto_sasl::{decode, encode};
use proto_smtp::{Mode, Standing};
use sha2::{Digest, Sha256};
use support::{Client, Office};

fn hmac(key: &[u8], message: &str) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().into()
}

/// A challenge without its `334 `, decoded.
fn challenge(reply: &str) -> String {
    let text = reply.strip_prefix("334 ").unwrap_or_else(|| panic!("{reply}"));
    String::from_utf8(decode(text.as_bytes()).unwrap()).unwrap()
}

/// Logs in and gives the last reply.
fn log_in(client: &mut Client, name: &str, password: &str, exporter: [u8; 32]) -> String {
    let bare = format!("n={name},r=rOprNGfwEbeRWgbNEkqO");
    let initial = encode(format!("p=tls-exporter,,{bare}").as_bytes());
    let first = challenge(&client.say(&format!("AUTH SCRAM-SHA-256-PLUS {initial}")));
    let mut parts = first.split(',').map(|part| &part[2..]);
    let (nonce, salt, rounds) =
        (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let salt = decode(salt.as_bytes()).unwrap();
    let salted = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(
        password.as_bytes(),
        &salt,
        rounds.parse().unwrap(),
    );
    let binding = encode(&[b"p=tls-exporter,,".as_slice(), &exporter].concat());
    let last = format!("c={binding},r={nonce}");
    let message = format!("{bare},{first},{last}");
    let client_key = hmac(&salted, "Client Key");
    let signature = hmac(&Sha256::digest(client_key), &message);
    let proof: Vec<u8> = client_key.iter().zip(signature).map(|(k, s)| k ^ s).collect();
    let reply = client.say(&encode(format!("{last},p={}", encode(&proof)).as_bytes()));
    if !reply.starts_with("334 ") {
        return reply;
    }
    // The server proves that it knows the password, too.
    let signature = hmac(&hmac(&salted, "Server Key"), &message);
    assert_eq!(challenge(&reply), format!("v={}", encode(&signature)));
    client.say("")
}

fn client(office: &Office) -> Client {
    let mut client = office.connect(Mode::Submission, Standing::Stranger).secured();
    client.expect(&[("", "220 "), ("EHLO laptop", "250 ")]);
    client
}

#[test]
fn the_right_password_is_proved_without_being_sent() {
    let office = Office::mired();
    let mut client = client(&office);
    let reply = log_in(&mut client, "ana@mired.org", "ana", [7; 32]);
    assert_eq!(reply, "235 2.7.0 Authentication successful");
    client.expect(&[("MAIL FROM:<ana@mired.org>", "250 ")]);
}

#[test]
fn wrong_password_wrong_name_and_wrong_channel_are_told_alike() {
    let office = Office::mired();
    let mut client = client(&office);
    for (name, password, exporter) in
        [("ana", "bob", [7; 32]), ("eva", "eva", [7; 32]), ("ana", "ana", [8; 32])]
    {
        let reply = log_in(&mut client, name, password, exporter);
        assert!(reply.starts_with("535 5.7.8 "), "{name} {password}: {reply}");
    }
    client.expect(&[("MAIL FROM:<ana@mired.org>", "530 ")]);
}

#[test]
fn a_device_proves_its_own_password_beside_the_main_one() {
    let office = Office::mired();
    let phone = office.add_device("ana@mired.org", "phone", "smtp");
    let reader = office.add_device("ana@mired.org", "reader", "imap");
    for (password, want) in [(phone.as_str(), "235 2.7.0"), ("ana", "235 2.7.0"), (&reader, "535 ")]
    {
        let reply = log_in(&mut client(&office), "ana", password, [7; 32]);
        assert!(reply.starts_with(want), "{password}: {reply}");
    }
}
