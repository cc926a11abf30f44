//! Messages that were removed come back, and mail that goes to a Maildir: through the real binary.

mod support;

use std::process::Output;
use support::Lab;
use support::client::Client;

fn good(lab: &Lab, arguments: &[&str]) -> String {
    let output = lab.estafeta(arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn complaint(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn send(lab: &Lab, to: &str, from: &str, subject: &str) -> (u16, String) {
    let mut client = Client::connect(lab.port("smtp"));
    client.reply().unwrap();
    client.smtp("EHLO client.example", 250);
    client.smtp("MAIL FROM:<x@elsewhere.org>", 250);
    client.smtp(&format!("RCPT TO:<{to}>"), 250);
    client.smtp("DATA", 354);
    let text = format!("From: {from}\r\nSubject: {subject}\r\n\r\nbody of {subject}\r\n.");
    client.send(&text);
    client.reply().unwrap()
}

fn ana(lab: &Lab) -> Client {
    let mut client = Client::connect(lab.port("imap"));
    client.read_line();
    client.imap("LOGIN ana ana");
    client
}

fn inbox(lab: &Lab) -> String {
    let mut client = ana(lab);
    client.imap("SELECT INBOX");
    client.imap("FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])").join("\n")
}

#[test]
fn removed_messages_come_back_beside_a_running_server_and_without_one() {
    let mut lab = Lab::start();
    let recover = ["account", "recover", "ana@mired.org"];
    let with = |more: &[&'static str]| [&recover[..], more].concat();
    for (from, subject) in [
        ("Carla <carla@x.org>", "one"),
        ("dora@x.org", "two"),
        ("dora@x.org", "=?utf-8?q?tr=C3=A9s?="),
    ] {
        assert_eq!(send(&lab, "ana@mired.org", from, subject).0, 250);
    }
    let mut client = ana(&lab);
    let before = client.imap("SELECT INBOX").len();
    client.imap("STORE 1:* +FLAGS (\\Deleted \\Flagged $Work)");
    client.imap("EXPUNGE");
    client.imap("LOGOUT");
    assert!(before > 0 && inbox(&lab).is_empty());
    let list = good(&lab, &with(&["--list"]));
    for want in ["INBOX", "Carla", "dora@x.org", "trés", "REMOVED"] {
        assert!(list.contains(want), "{list}");
    }
    let json = good(&lab, &with(&["--list", "--from", "carla", "-o", "json"]));
    assert!(json.contains("\"subject\": \"one\"") && !json.contains("two"), "{json}");
    assert!(good(&lab, &with(&["--list", "--until", "1h"])).contains("nothing"));
    let told = good(&lab, &with(&["--from", "CARLA@x", "--since", "1h"]));
    assert!(told.contains("1 message of ana@mired.org brought back\n1 into INBOX"), "{told}");
    let back = inbox(&lab);
    assert!(back.contains("Subject: one") && back.contains("\\Flagged") && back.contains("$Work"));
    assert!(!back.contains("\\Deleted"), "{back}");
    let complained = complaint(&lab.estafeta(&with(&["--since", "yesterday"])));
    assert!(complained.contains("3d"), "{complained}");
    lab.stop();
    let told = good(&lab, &with(&["--subject", "TRÉS", "--to", "Found/Here"]));
    assert!(told.contains("1 into Found/Here"), "{told}");
    let told = good(&lab, &with(&["--forget"]));
    assert!(told.contains("1 message of ana@mired.org given up"), "{told}");
    assert!(good(&lab, &recover).contains("0 messages"));
    assert!(good(&lab, &["store", "check"]).contains("good"));
    lab.run();
    assert_eq!(inbox(&lab), back);
    let mut client = ana(&lab);
    assert!(client.imap("STATUS Found/Here (MESSAGES)")[0].contains("MESSAGES 1"));
}

#[test]
fn mail_goes_to_a_maildir_if_the_account_says_so() {
    let lab = Lab::start();
    let home = lab.folder().join("home").join("ana");
    std::fs::create_dir_all(&home).unwrap();
    let place = format!("maildir:{}/home/{{user}}/Maildir", lab.folder().display());
    let set =
        good(&lab, &["account", "set", "ana@mired.org", "--deliver-to", &place, "-o", "json"]);
    assert!(set.contains("\"deliver_to\": \"maildir:"), "{set}");
    assert_eq!(send(&lab, "ana@mired.org", "x@y.org", "elsewhere").0, 250);
    let new = home.join("Maildir").join("new");
    let files: Vec<_> =
        std::fs::read_dir(&new).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1);
    let text = std::fs::read_to_string(&files[0]).unwrap();
    assert!(text.contains("\nSubject: elsewhere\n\nbody of elsewhere\n"), "{text}");
    assert!(files[0].display().to_string().contains(&format!(",S={},", text.len())));
    assert!(inbox(&lab).is_empty());
    // Without a home it is refused for the time being, and the log says why.
    std::fs::remove_dir_all(&home).unwrap();
    let (code, reply) = send(&lab, "ana@mired.org", "x@y.org", "again");
    assert_eq!(code / 100, 4, "{reply}");
    assert!(lab.logged("Maildir").contains("ana@mired.org"));
    let wrong = lab.estafeta(&["account", "set", "ana@mired.org", "--deliver-to", "maildir:../x"]);
    assert!(complaint(&wrong).contains("absolute path"));
    good(&lab, &["account", "set", "ana@mired.org", "--deliver-to", "none"]);
    assert_eq!(send(&lab, "ana@mired.org", "x@y.org", "here").0, 250);
    assert!(inbox(&lab).contains("Subject: here"));
}
