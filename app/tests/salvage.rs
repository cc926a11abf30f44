//! A damaged store, looked at and salvaged by an operator: what comes back is compared over IMAP.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use support::client::Client;
use support::{Lab, binary};

/// Messages for ana.
const COUNT: usize = 40;

/// A lab in which ana has mail with flags, in two mailboxes; not running any more.
fn scene(end: impl Fn(&mut Lab)) -> (Lab, Vec<String>) {
    let mut lab = Lab::start();
    let mut client = Client::connect(lab.port("smtp"));
    client.reply().unwrap();
    client.smtp("EHLO sender.example", 250);
    for number in 0..COUNT {
        client.smtp("MAIL FROM:<sender@client.example>", 250);
        client.smtp("RCPT TO:<ana@mired.org>", 250);
        if number % 4 == 0 {
            client.smtp("RCPT TO:<bob@mired.org>", 250);
        }
        client.smtp("DATA", 354);
        let size = if number == 7 { 400_000 } else { 500 + number * 10 };
        let body = format!("{}\r\n", "x".repeat(70)).repeat(1 + size / 72);
        let header =
            format!("Message-ID: <{number}@client.example>\r\nSubject: number {number}\r\n");
        let to = "From: <sender@client.example>\r\nTo: ana@mired.org";
        client.smtp(&format!("{header}{to}\r\n\r\n{body}."), 250);
    }
    let mut client = Client::connect(lab.port("imap"));
    client.read_line();
    client.imap("LOGIN ana ana");
    client.imap("CREATE Projects/Ñandú");
    client.imap("SELECT INBOX");
    client.imap("UID STORE 1:10 +FLAGS (\\Seen $Important)");
    client.imap("UID MOVE 11:15 Projects/Ñandú");
    client.imap("UID STORE 20 +FLAGS (\\Deleted)");
    client.imap("EXPUNGE");
    drop(client);
    let mail = mail(&lab);
    end(&mut lab);
    (lab, mail)
}

/// All that ana can see.
fn mail(lab: &Lab) -> Vec<String> {
    let mut client = Client::connect(lab.port("imap"));
    client.read_line();
    client.imap("LOGIN ana ana");
    let mut all = client.imap("STATUS INBOX (UIDVALIDITY UIDNEXT MESSAGES UNSEEN)");
    for mailbox in ["INBOX", "Projects/Ñandú", "lost+found"] {
        client.send(&format!("x SELECT \"{mailbox}\""));
        let mut is_there = false;
        while let Some(line) = client.read_line() {
            if let Some(rest) = line.strip_prefix("x ") {
                is_there = rest.starts_with("OK");
                break;
            }
        }
        if is_there {
            all.push(mailbox.to_string());
            all.extend(client.imap("UID FETCH 1:* (UID FLAGS INTERNALDATE BODY.PEEK[])"));
        }
    }
    all
}

fn estafeta(data: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(binary());
    command.args(arguments).arg("--data").arg(data).stdin(Stdio::null());
    command.output().unwrap()
}

fn text(output: &Output) -> String {
    let Output { stdout, stderr, .. } = output;
    String::from_utf8_lossy(stdout).into_owned() + &String::from_utf8_lossy(stderr)
}

/// Salvages into a folder beside the data; what the operator reads.
fn salvaged(lab: &Lab, more: &[&str]) -> (PathBuf, String) {
    let out = lab.folder().join("out");
    let arguments = [&["store", "salvage", out.to_str().unwrap()], more].concat();
    let output = estafeta(&lab.data(), &arguments);
    let text = text(&output);
    println!("{text}");
    assert!(output.status.success(), "{text}");
    (out, text)
}

/// The mail of a lab that serves what is in `out`.
fn served(out: &Path) -> Vec<String> {
    let mut lab = Lab::prepare();
    fs::create_dir_all(lab.data()).unwrap();
    fs::rename(out.join("store"), lab.data().join("store")).unwrap();
    lab.run();
    mail(&lab)
}

#[test]
fn a_lost_metadata_file_costs_nothing() {
    let (lab, before) = scene(Lab::stop);
    fs::remove_file(lab.data().join("store/metadata.redb")).unwrap();
    let (out, text) = salvaged(&lab, &[]);
    assert!(text.contains("lost           0 batches"), "{text}");
    let checked = estafeta(&out, &["store", "check"]);
    assert!(checked.status.success(), "{}", self::text(&checked));
    assert_eq!(served(&out), before);
}

/// Frames of a segment: kind and place.
fn frames(segment: &[u8]) -> Vec<(u8, usize)> {
    let (mut frames, mut at) = (Vec::new(), 0);
    while segment.get(at..at + 4) == Some(b"EsFr") {
        let len = u32::from_le_bytes(segment[at + 8..at + 12].try_into().unwrap());
        frames.push((segment[at + 5], at));
        at += (56 + len as usize).next_multiple_of(8);
    }
    frames
}

/// Turns an octet of the frame over that holds `needle`.
fn spoil(lab: &Lab, needle: &str) -> PathBuf {
    let segment = lab.data().join("store/seg/0000000000000001");
    let mut octets = fs::read(&segment).unwrap();
    let at = octets.windows(needle.len()).position(|window| window == needle.as_bytes()).unwrap();
    octets[at] ^= 1;
    fs::write(&segment, octets).unwrap();
    segment
}

#[test]
fn a_damaged_body_is_named_and_kept_and_the_rest_goes_on() {
    let (mut lab, before) = scene(Lab::stop);
    spoil(&lab, "Subject: number 3\r\n");
    let checked = estafeta(&lab.data(), &["store", "check"]);
    let told = text(&checked);
    assert!(!checked.status.success(), "{told}");
    for what in ["ana@mired.org: a message in INBOX, uid 4", "<3@client.example>"] {
        assert!(told.contains(what), "{what} in {told}");
    }
    assert!(!told.contains("uid 5"), "{told}");
    // The running server gives everything but that one.
    lab.run();
    let mut client = Client::connect(lab.port("imap"));
    client.read_line();
    client.imap("LOGIN ana ana");
    client.imap("SELECT INBOX");
    assert_eq!(client.imap("UID FETCH 5 BODY.PEEK[]").len(), 1);
    client.send("y UID FETCH 4 BODY.PEEK[]");
    let told: Vec<String> = std::iter::from_fn(|| client.read_line())
        .take_while(|line| line.starts_with('*'))
        .collect();
    println!("{told:?}");
    drop(client);
    lab.stop();
    let (out, text) = salvaged(&lab, &[]);
    assert!(text.contains("damaged        1 bodies") && text.contains("uid 4"), "{text}");
    let after = served(&out);
    let differences: Vec<_> = before.iter().zip(&after).filter(|(a, b)| a != b).collect();
    assert_eq!((before.len(), differences.len()), (after.len(), 1));
    assert!(differences[0].1.contains("<3@client.example>"));
}

#[test]
fn a_message_whose_batch_is_lost_is_found_again() {
    let (lab, before) = scene(Lab::kill);
    let segment = lab.data().join("store/seg/0000000000000001");
    let mut octets = fs::read(&segment).unwrap();
    // The batch behind the body of number 30; no checkpoint has been written by then, or the salvage
    // needs no batch at all.
    let needle = b"Subject: number 30\r\n";
    let at = octets.windows(needle.len()).position(|window| window == needle).unwrap();
    let batch = frames(&octets).into_iter().find(|(kind, from)| *kind == 3 && *from > at).unwrap();
    octets[batch.1 + 60] ^= 1;
    fs::write(&segment, octets).unwrap();
    for name in ["metadata.redb", "metadata.copy"] {
        let _ = fs::remove_file(lab.data().join("store").join(name));
    }
    let (out, text) = salvaged(&lab, &[]);
    assert!(text.contains("lost           1 batches"), "{text}");
    assert!(text.contains("lost+found     1 messages"), "{text}");
    let after = served(&out);
    let found =
        |mail: &[String], what: &str| mail.iter().filter(|line| line.contains(what)).count();
    for number in (0..COUNT).filter(|number| *number != 19) {
        let what = format!("Subject: number {number}\r\n");
        assert_eq!((found(&before, &what), found(&after, &what)), (1, 1), "{number}");
    }
    let place = after.iter().position(|line| line == "lost+found").unwrap();
    assert!(after[place + 1].contains("Subject: number 30\r\n"));
}

#[test]
fn maildirs_are_for_other_programs() {
    let (lab, _) = scene(Lab::stop);
    fs::remove_file(lab.data().join("store/metadata.redb")).unwrap();
    let (out, text) = salvaged(&lab, &["--maildir"]);
    assert!(text.contains("ana@mired.org"), "{text}");
    let count = |directory: PathBuf| {
        ["cur", "new"].iter().flat_map(|name| fs::read_dir(directory.join(name)).unwrap()).count()
    };
    assert_eq!(count(out.join("maildir/ana@mired.org")), COUNT - 6);
    assert_eq!(count(out.join("maildir/bob@mired.org")), COUNT / 4);
    assert!(!out.join("store").exists());
}
