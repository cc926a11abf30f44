//! An account of one server moves to another over IMAP, while both run.

mod support;

use support::Lab;
use support::client::Client;

/// Name, UID, flags, date, size and octets of everything in `mailbox`.
fn all(lab: &Lab, user: &str, mailbox: &str) -> (String, Vec<String>) {
    let mut client = Client::connect(lab.port("imap"));
    client.read_line();
    client.imap(&format!("LOGIN {user} {user}"));
    let opened = client.imap(&format!("EXAMINE \"{mailbox}\""));
    let validity = opened.iter().find(|line| line.contains("UIDVALIDITY")).unwrap().clone();
    let items = "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])";
    let mut rows = client.imap(&format!("FETCH 1:* {items}"));
    // The order of flags says nothing.
    for row in &mut rows {
        let (before, rest) = row.split_once("FLAGS (").unwrap();
        let (flags, after) = rest.split_once(')').unwrap();
        let mut flags: Vec<&str> = flags.split(' ').filter(|f| *f != "\\Recent").collect();
        flags.sort_unstable();
        *row = format!("{before}FLAGS ({}){after}", flags.join(" "));
    }
    (validity, rows)
}

fn append(lab: &Lab, mailbox: &str, flags: &str, text: &str) {
    let mut client = Client::connect(lab.port("imap"));
    client.read_line();
    client.imap("LOGIN ana ana");
    let date = "\"17-Jul-1996 02:44:25 -0700\"";
    let command = format!("APPEND \"{mailbox}\" ({flags}) {date} {{{}+}}\r\n{text}", text.len());
    client.imap(&command);
}

fn import(from: &Lab, to: &Lab, more: &[&str]) -> (bool, String) {
    let server = format!("localhost:{}", from.port("imap"));
    let ca = from.data().join("ca.pem").display().to_string();
    let mut arguments = vec!["import", "imap", &server, "--user", "ana", "--password", "ana"];
    arguments.extend(["--tls", "starttls", "--ca", &ca, "--account", "bob@mired.org"]);
    arguments.extend(more);
    let output = to.estafeta(&arguments);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.success(), text + &String::from_utf8_lossy(&output.stderr))
}

#[test]
fn an_account_moves_over_imap_and_again_brings_only_what_is_new() {
    let (from, to) = (Lab::start(), Lab::start());
    let large = format!("Subject: large\r\n\r\n{}", "0123456789abcdef\r\n".repeat(60_000));
    let mut client = Client::connect(from.port("imap"));
    client.read_line();
    client.imap("LOGIN ana ana");
    client.imap("CREATE \"Any 2026/Juny\"");
    client.imap("CREATE R&AOk-s");
    for n in 0..40 {
        let flags = ["\\Seen", "\\Flagged $Label1", "", "\\Answered \\Seen NonJunk"][n % 4];
        append(&from, "INBOX", flags, &format!("Subject: {n}\r\n\r\nhello {n}\r\n"));
    }
    append(&from, "Any 2026/Juny", "\\Draft", &large);
    append(&from, "R&AOk-s", "\\Seen", "no header at all");
    // A hole in the UIDs stays a hole.
    client.imap("SELECT INBOX");
    client.imap("STORE 3,5 +FLAGS (\\Deleted)");
    client.imap("EXPUNGE");

    let (good, plan) = import(&from, &to, &["--dry-run"]);
    assert!(good && plan.contains("Any 2026/Juny"), "{plan}");
    let (good, report) = import(&from, &to, &["--compare"]);
    assert!(good && report.contains("Brought 40 messages"), "{report}");
    for mailbox in ["Any 2026/Juny", "R&AOk-s"] {
        assert_eq!(all(&from, "ana", mailbox), all(&to, "bob", mailbox), "{mailbox}");
    }
    // INBOX was there and empty: it takes over the numbers too.
    assert_eq!(all(&from, "ana", "INBOX"), all(&to, "bob", "INBOX"));

    append(&from, "INBOX", "", "Subject: new\r\n\r\nlate\r\n");
    client.imap("STORE 1 +FLAGS (\\Answered)");
    let (good, report) = import(&from, &to, &[]);
    assert!(good && report.contains("Brought 1 messages"), "{report}");
    assert_eq!(all(&from, "ana", "INBOX"), all(&to, "bob", "INBOX"));
    let (_, log) = (good, to.log());
    assert!(!log.contains("password=ana"), "{log}");
}

#[test]
fn what_is_wrong_is_said_with_the_next_step() {
    let (from, to) = (Lab::start(), Lab::start());
    let server = format!("localhost:{}", from.port("imap"));
    let secure = format!("localhost:{}", from.port("imaps"));
    let ca = from.data().join("ca.pem").display().to_string();
    let run = |arguments: &[&str]| {
        let fixed = ["import", "imap", "--account", "bob@mired.org", "--user", "ana"];
        let output = to.estafeta(&[&fixed, arguments].concat());
        assert!(!output.status.success());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text + &String::from_utf8_lossy(&output.stderr)
    };
    for (arguments, wanted) in [
        (&[&server[..], "--password", "no", "--tls", "none"][..], "login refused"),
        (&[&secure, "--password", "ana"], "fingerprint"),
        (&[&server, "--password", "ana", "--tls", "implicit", "--ca", &ca], "TLS"),
        (&["localhost:1", "--password", "ana"], "no connection"),
        (&[&server, "--tls", "starttls"], "--password-stdin"),
        (&[&secure, "--password", "ana", "--ca", "/none.pem"], "/none.pem"),
    ] {
        let said = run(arguments);
        assert!(said.contains(wanted), "{arguments:?}: {said}");
    }
}
