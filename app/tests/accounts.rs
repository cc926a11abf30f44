//! Accounts moved in from another server, and devices, as an operator sees them: commands beside a
//! running server, clients on its ports.

mod support;

use serde_json::Value;
use std::io::Write;
use std::process::{Command, Output, Stdio};
use support::client::Client;
use support::{Lab, binary};

fn good(lab: &Lab, arguments: &[&str]) -> String {
    let output = lab.estafeta(arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn json(lab: &Lab, arguments: &[&str]) -> Value {
    serde_json::from_str(&good(lab, &[arguments, &["-o", "json"]].concat())).unwrap()
}

/// `account add --from -` with `file` on standard input.
fn add_from(lab: &Lab, file: &str) -> Output {
    let mut child = Command::new(binary())
        .args(["account", "add", "--from", "-", "--domain", "mired.org", "--data"])
        .arg(lab.data())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(file.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn connect(lab: &Lab) -> Client {
    let mut client = Client::connect(lab.port("imap"));
    client.read_line();
    client
}

/// What a login is told.
fn login(lab: &Lab, name: &str, password: &str) -> String {
    let mut client = connect(lab);
    client.send(&format!("a LOGIN {name} \"{password}\""));
    client.read_line().unwrap()
}

fn is_imported(lab: &Lab, name: &str) -> bool {
    let shown = json(lab, &["account", "show", &format!("{name}@mired.org")]);
    shown[0]["has_foreign_hash"].as_bool().unwrap()
}

#[test]
fn passwords_of_another_server_are_good_and_replaced_at_the_first_login() {
    let lab = Lab::start();
    // Made by doveadm and openssl, all of the same password.
    let file = "# users\n\
        carla:{SHA512-CRYPT}$6$XUo.Ut/UPg2oScZO$5wz2Tl1qkgkxLFN43kFtsGX1IvR31NbYk0tdNxNJtBqYHVlqFh671VTXy/5Hdhchc1J657GnVHf9hQ5ya/AKw0:1000:1000::/home/carla::userdb_quota_rule=*:storage=1G\n\
        dan@mired.org:{SSHA256}gETjn7ngWaUPoe226BqFoO7i+B4jbV9xWKVjVk71zDTUY5cN\n\
        eva:$6$abcdefgh$2WGBVJ0laAeN9.xWGtqbAQyI.rmGdiEKzhmeJWDkXtCyiySerUlKILGbqsOZV.5S3Le8yKjm2M8Ikt.sFDX000:19000:0:99999:7:::\n\
        gina:$y$j9T$F5Jx5fExrKuPp53xLKQ..1$FSLFRm43ej8sEbGTHWMG4Noo/OUcydBpTXhBmJjdRX3:19000:0:99999:7:::\n\
        fina:{PLAIN}corréct hörse\n\
        guim:!:19000:0:99999:7:::\n";
    let added = add_from(&lab, file);
    let notes = String::from_utf8(added.stderr).unwrap();
    assert!(added.status.success(), "{notes}");
    assert!(
        notes.contains("ignored in 4 line(s)") && notes.contains("1 account(s) without"),
        "{notes}"
    );
    assert!(!is_imported(&lab, "fina"), "what is known is hashed at once");
    for name in ["carla", "dan", "eva", "gina", "fina"] {
        let before = is_imported(&lab, name);
        assert!(login(&lab, name, "corréct horse").contains("AUTHENTICATIONFAILED"), "{name}");
        assert_eq!(is_imported(&lab, name), before);
        for _ in 0..2 {
            let heard = login(&lab, name, "corréct hörse");
            assert!(heard.starts_with("a OK"), "{name}: {heard}");
            assert!(!is_imported(&lab, name));
        }
    }
    assert!(login(&lab, "guim", "!").contains("AUTHENTICATIONFAILED"));

    let refused =
        lab.estafeta(&["account", "set", "dan@mired.org", "--password-hash", "{LANMAN}x"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("{SHA512-CRYPT}"), "{refused:?}");
    let refused = add_from(&lab, "hugo:ab12:1:1::/home/hugo:/bin/sh\n");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("line 1: "), "{refused:?}");
}

#[test]
fn a_device_is_added_used_listed_and_revoked_while_it_waits() {
    let lab = Lab::start();
    let ana = "ana@mired.org";
    let added = json(&lab, &["device", "add", ana, "phone", "--for", "imap,smtp"]);
    let password = added["password"].as_str().unwrap();
    assert_eq!(password.len(), 24, "{password}");
    let again = lab.estafeta(&["device", "add", ana, "Phone"]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("already"), "{again:?}");

    let mut phone = connect(&lab);
    phone.imap(&format!("LOGIN ana {password}"));
    phone.imap("SELECT INBOX");
    phone.send("x IDLE");
    assert_eq!(phone.read_line().as_deref(), Some("+ idling"));
    let mut laptop = connect(&lab);
    laptop.imap("LOGIN ana ana");

    let listed = json(&lab, &["device", "list", ana]);
    let used = &listed[0]["used"];
    assert_eq!((&used["protocol"], &listed[0]["protocols"]), (&"imap".into(), &"imap,smtp".into()));
    assert!(used["address"].as_str().unwrap().starts_with("127.0.0.1:"), "{used}");
    assert!(good(&lab, &["device", "list", ana]).contains("phone"));

    assert!(good(&lab, &["device", "remove", ana, "phone"]).contains("revoked"));
    let bye = phone.read_line();
    assert!(bye.as_ref().is_some_and(|line| line.starts_with("* BYE ")), "{bye:?}");
    assert_eq!(phone.read_line(), None);
    laptop.imap("NOOP");
    assert!(login(&lab, "ana", password).contains("AUTHENTICATIONFAILED"));

    // From now on devices alone, and then everything again.
    let tablet = json(&lab, &["device", "add", ana, "tablet", "--expires-in-days", "30"]);
    good(&lab, &["account", "set", ana, "--device-passwords-only"]);
    assert!(laptop.read_line().is_some_and(|line| line.starts_with("* BYE ")));
    assert!(login(&lab, "ana", "ana").contains("AUTHENTICATIONFAILED"));
    assert!(login(&lab, "ana", tablet["password"].as_str().unwrap()).starts_with("a OK"));
    good(&lab, &["account", "set", ana, "--device-passwords-only=none"]);
    assert!(login(&lab, "ana", "ana").starts_with("a OK"));
}
