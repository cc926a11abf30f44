//! `estafeta test send`: what it shows, what it hides, how it ends.

mod support;

use std::process::{Command, Output, Stdio};
use support::{Lab, binary};

fn send(arguments: &[&str]) -> Output {
    Command::new(binary())
        .args(["test", "send", "--timeout", "20"])
        .args(arguments)
        .env("ESTAFETA_TEST_PASSWORD", "ana")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_message_is_sent_and_its_dialogue_shown() {
    let mut lab = Lab::start();
    let server = format!("127.0.0.1:{}", lab.port("smtp"));

    let good = send(&["--server", &server, "--to", "ana@mired.org", "--body", ".dot\nñ"]);
    let shown = text(&good);
    assert_eq!(good.status.code(), Some(0), "{good:?}");
    for line in [
        "<- 220 ",
        "-> STARTTLS",
        "== TLS1.3",
        "-> MAIL FROM:<>",
        "== ana@mired.org: delivered: 250 ",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }

    let bad = send(&["--server", &server, "--to", "nobody@mired.org", "--from", "x@y.org"]);
    assert_eq!(bad.status.code(), Some(1), "{bad:?}");
    assert!(text(&bad).contains("== nobody@mired.org: refused: 550 5.1.1"), "{bad:?}");

    let both = ["--to", "nobody@mired.org", "--to", "bob@mired.org", "-o", "json"];
    let json = send(&[&["--server", &server, "--tls", "none"], &both[..]].concat());
    let value: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(value["good"], false);
    assert_eq!(value["recipients"][0]["result"], "refused");
    assert_eq!(value["recipients"][1]["result"], "delivered");
    assert!(!text(&json).contains(": \"STARTTLS\""), "TLS was not asked for: {value}");
    lab.stop();

    let gone = send(&["--server", &server, "--to", "ana@mired.org"]);
    assert_eq!(gone.status.code(), Some(75), "{gone:?}");
}

#[test]
fn a_password_is_never_shown_and_goes_to_nobody_unknown() {
    let lab = Lab::start();
    let server = format!("localhost:{}", lab.port("submissions"));
    let tls = ["--server", &server, "--tls", "implicit", "--user", "ana@mired.org"];
    let message = ["--from", "ana@mired.org", "--to", "bob@mired.org"];
    let authority = lab.data().join("ca.pem");
    let known = ["--ca", authority.to_str().unwrap()];

    let good = send(&[&tls[..], &message[..], &known[..]].concat());
    let shown = text(&good);
    assert_eq!(good.status.code(), Some(0), "{good:?}");
    assert!(shown.contains("-> AUTH SCRAM-SHA-256") && shown.contains("<- 235 "), "{shown}");
    assert!(shown.contains("-> ********"), "{shown}");

    let unknown = send(&[&tls[..], &message[..]].concat());
    assert_eq!(unknown.status.code(), Some(75), "{unknown:?}");
    assert!(text(&unknown).contains("not trusted") && !text(&unknown).contains("EHLO"));
}
