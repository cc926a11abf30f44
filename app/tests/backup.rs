//! Backups of a running server: taken under load, killed halfway, restored elsewhere and message by
//! message.

mod support;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use support::client::Client;
use support::{Lab, binary};

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A command that needs no server.
fn estafeta(arguments: &[&str]) -> Output {
    Command::new(binary()).args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn good(output: Output) -> String {
    assert!(output.status.success(), "{output:?}");
    text(&output)
}

fn show(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn backups(lab: &Lab) -> PathBuf {
    lab.folder().join("backups")
}

/// Delivers one message to ana; its Message-ID names it.
fn deliver(client: &mut Client, id: &str, size: usize) {
    client.smtp("MAIL FROM:<sender@client.example>", 250);
    client.smtp("RCPT TO:<ana@mired.org>", 250);
    client.smtp("DATA", 354);
    let line = format!("{}\r\n", "x".repeat(70));
    let body = line.repeat(size / line.len());
    let message = format!("Message-ID: <{id}@client.example>\r\nSubject: {id}\r\n\r\n{body}.");
    client.smtp(&message, 250);
}

fn sender(lab: &Lab) -> Client {
    let mut client = Client::connect(lab.port("smtp"));
    client.reply().unwrap();
    client.smtp("EHLO sender.example", 250);
    client
}

fn reader(lab: &Lab) -> Client {
    let mut client = Client::connect(lab.port("imap"));
    client.read_line();
    client.imap("LOGIN ana ana");
    client
}

/// The names of the messages in a mailbox; every octet of each is read.
fn names(client: &mut Client, mailbox: &str) -> HashSet<String> {
    client.imap(&format!("SELECT {mailbox}"));
    let messages = client.imap("FETCH 1:* BODY.PEEK[]");
    let name = |line: &String| {
        let (_, rest) = line.split_once("Message-ID: <")?;
        Some(rest.split('@').next()?.to_string())
    };
    messages.iter().filter_map(name).collect()
}

/// Deliveries, flags and expunges until told to stop. What was acknowledged stands in `told`; what
/// may have been expunged has an odd number.
fn load(lab: &Lab, next: &AtomicU64, stop: &AtomicBool, told: &Mutex<Vec<u64>>) {
    let (mut client, mut imap) = (sender(lab), reader(lab));
    imap.imap("SELECT INBOX");
    while !stop.load(Ordering::Relaxed) {
        let number = next.fetch_add(1, Ordering::Relaxed);
        // Some are too large to travel inside the log.
        let size = if number.is_multiple_of(40) {
            400_000
        } else {
            1_000 + (number as usize * 37) % 6_000
        };
        deliver(&mut client, &format!("m{number}"), size);
        told.lock().unwrap().push(number);
        if number % 7 == 1 {
            let subject = format!("\"m{number}\"");
            imap.imap("NOOP");
            let found = imap.imap(&format!("UID SEARCH SUBJECT {subject}"));
            let uid = found.iter().find_map(|l| l.strip_prefix("* SEARCH ")).unwrap_or("");
            if !uid.is_empty() && number % 2 == 1 {
                let uids = uid.replace(' ', ",");
                imap.imap(&format!("UID STORE {uids} +FLAGS.SILENT (\\Deleted)"));
                imap.imap("EXPUNGE");
            }
        }
    }
}

/// Ends the load, whatever becomes of the test.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_backup_under_load_is_restored_elsewhere_with_all_that_was_acknowledged_before() {
    let mut lab = Lab::start();
    let directory = backups(&lab);
    let (next, stop, told) = (AtomicU64::new(0), AtomicBool::new(false), Mutex::new(Vec::new()));
    let mut promised = Vec::new();
    std::thread::scope(|scope| {
        let _stop = Stop(&stop);
        for _ in 0..3 {
            scope.spawn(|| load(&lab, &next, &stop, &told));
        }
        for round in 1..=3 {
            while told.lock().unwrap().len() < round * 150 {
                std::thread::yield_now();
            }
            promised = told.lock().unwrap().clone();
            let copy: &[&str] = if round == 2 { &["--copy"] } else { &[] };
            let taken = lab.estafeta(&[&["backup", show(&directory)], copy].concat());
            let report = good(taken);
            assert!(report.contains(&format!("backup {round} in")), "{report}");
        }
    });
    lab.kill();
    let list = good(estafeta(&["backup", "list", show(&directory)]));
    assert_eq!(list.lines().count(), 4, "{list}");
    let verified = good(estafeta(&["backup", "verify", show(&directory), "--all"]));
    assert!(verified.contains("all of it good"), "{verified}");
    let mut other = Lab::prepare();
    let to = other.data();
    let restored = good(estafeta(&["restore", show(&directory), "--to", show(&to)]));
    assert!(restored.contains("all of it good"), "{restored}");
    println!("{restored}");
    // Never over something.
    let again = estafeta(&["restore", show(&directory), "--to", show(&to)]);
    assert!(
        !again.status.success() && String::from_utf8_lossy(&again.stderr).contains("not empty")
    );
    other.run();
    let found = names(&mut reader(&other), "INBOX");
    // What may have been expunged by then has an odd number.
    let missing: Vec<u64> = promised
        .iter()
        .copied()
        .filter(|number| !(number % 7 == 1 && number % 2 == 1))
        .filter(|number| !found.contains(&format!("m{number}")))
        .collect();
    assert!(missing.is_empty(), "{missing:?} of {}", promised.len());
    println!("{} acknowledged before, {} found", promised.len(), found.len());
    // UIDs that clients may know from later are not given again.
    let mut client = reader(&other);
    let status = client.imap("STATUS INBOX (UIDNEXT)").join(" ");
    let uid_next = status.split("UIDNEXT ").nth(1).unwrap().trim_end_matches(')');
    assert!(uid_next.parse::<u64>().unwrap() > 1 << 20, "{status}");
    deliver(&mut sender(&other), "after", 100);
    assert!(names(&mut client, "INBOX").contains("after"));
    other.stop();
    good(other.estafeta(&["store", "check"]));
}

#[test]
fn a_backup_killed_halfway_never_counts_and_the_next_is_whole() {
    let mut lab = Lab::start();
    let directory = backups(&lab);
    let mut client = sender(&lab);
    for number in 0..40 {
        deliver(&mut client, &format!("m{number}"), 300_000);
    }
    // So slow that it is under way when the server is killed.
    let mut slow = Command::new(binary())
        .args(["backup", show(&directory), "--copy", "--rate", "1M", "--data"])
        .arg(lab.data())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let copied = || std::fs::read_dir(directory.join("large")).map_or(0, |files| files.count());
    let until = Instant::now() + Duration::from_secs(60);
    while copied() < 3 {
        assert!(Instant::now() < until, "it never begins");
        std::thread::sleep(Duration::from_millis(5));
    }
    lab.kill();
    assert!(!slow.wait().unwrap().success());
    let list = good(estafeta(&["backup", "list", show(&directory)]));
    assert!(list.contains("not complete"), "{list}");
    let verified = estafeta(&["backup", "verify", show(&directory)]);
    assert!(!verified.status.success(), "{verified:?}");
    let to = lab.folder().join("restored");
    let restored = estafeta(&["restore", show(&directory), "--to", show(&to)]);
    let said = String::from_utf8_lossy(&restored.stderr).into_owned();
    assert!(!restored.status.success() && said.contains("no complete backup"), "{said}");
    lab.run();
    let report = good(lab.estafeta(&["backup", show(&directory), "--copy", "-o", "json"]));
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert!(report["kept"]["files"].as_u64().unwrap() >= 1, "what was copied is used: {report}");
    let verified = good(estafeta(&["backup", "verify", show(&directory)]));
    assert!(verified.contains("all of it good"), "{verified}");
    assert!(!good(estafeta(&["backup", "list", show(&directory)])).contains("not complete"));
    // Without a server it is taken as well, and copies nothing but what is new.
    lab.stop();
    let report = good(lab.estafeta(&["backup", show(&directory), "--keep", "1", "-o", "json"]));
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert!(report["copied"]["bytes"].as_u64().unwrap() < 1_000_000, "{report}");
    assert_eq!(report["removed"].as_array().unwrap().len(), 1, "{report}");
}

/// The id that the topmost Received field of a message has.
fn trace(client: &mut Client, uid: &str) -> String {
    let header = client.imap(&format!("UID FETCH {uid} BODY.PEEK[HEADER.FIELDS (RECEIVED)]"));
    let header = header.join("\r\n");
    let (_, id) = header.split_once(" id ").expect("an id");
    id.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap().to_string()
}

#[test]
fn messages_come_back_by_their_names_into_the_running_server() {
    let lab = Lab::start();
    let directory = backups(&lab);
    let mut client = sender(&lab);
    for number in 0..4 {
        deliver(&mut client, &format!("m{number}"), 2_000);
    }
    let mut imap = reader(&lab);
    imap.imap("SELECT INBOX");
    imap.imap("UID STORE 1:2 +FLAGS (\\Flagged $label1)");
    let id = trace(&mut imap, "3");
    imap.imap("CREATE Projects");
    imap.imap("UID COPY 4 Projects");
    good(lab.estafeta(&["backup", show(&directory)]));
    imap.imap("UID STORE 1:3 +FLAGS.SILENT (\\Deleted)");
    imap.imap("EXPUNGE");
    imap.imap("DELETE Projects");
    let restore = |more: &[&str]| {
        let account = ["restore", show(&directory), "--account", "ana@mired.org"];
        lab.estafeta(&[&account, more].concat())
    };
    // By Message-ID, by UID, by the id in the log.
    let report = good(restore(&["--message", "<m0@client.example>"]));
    assert!(report.contains("1 of 1 messages brought back"), "{report}");
    let report = good(restore(&["--mailbox", "INBOX", "--message", "2"]));
    assert!(report.contains("1 of 1 messages brought back"), "{report}");
    let report = good(restore(&["--message", &id, "--to", "Found/again"]));
    assert!(report.contains("into Found/again (made anew): 1 brought back"), "{report}");
    // With their flags; and nothing twice.
    assert_eq!(names(&mut imap, "Found/again"), HashSet::from(["m2".to_string()]));
    assert_eq!(names(&mut imap, "INBOX").len(), 3);
    let flagged = imap.imap("UID SEARCH FLAGGED KEYWORD $label1").join(" ");
    assert_eq!(flagged.split(' ').filter(|w| w.parse::<u32>().is_ok()).count(), 2, "{flagged}");
    let report = good(restore(&["-o", "json"]));
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    // The mailbox that was removed comes back empty, as its message is in INBOX all the same.
    assert_eq!((report["wanted"].as_u64(), report["restored"].as_u64()), (Some(5), Some(0)));
    good(restore(&["--mailbox", "Projects", "--again"]));
    assert_eq!(names(&mut imap, "Projects"), HashSet::from(["m3".to_string()]));
    for (more, why) in [
        (&["--message", "nobody@client.example"][..], "no such message"),
        (&["--mailbox", "Nowhere"], "no such mailbox"),
        (&["--message", "2"], "--mailbox"),
        (&["--backup", "9"], "no complete backup 9"),
    ] {
        let refused = restore(more);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains(why), "{more:?}: {said}");
    }
}
