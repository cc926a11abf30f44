//! A real disk that fills up under load, and gets room again: nothing is lost, nothing restarted. Needs
//! the right to mount; says so where it has none.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use support::Lab;
use support::client::Client;

/// A file system of its own, unmounted with the test.
struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = run("umount", &["-l", self.0.to_str().unwrap_or_default()]);
    }
}

fn run(program: &str, arguments: &[&str]) -> bool {
    let timed = ["--kill-after=5", "60", program];
    let mut command = Command::new("timeout");
    command.args(timed).args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn tmpfs(at: &Path) -> bool {
    run("mount", &["-t", "tmpfs", "-o", "size=280m", "tmpfs", at.to_str().unwrap()])
}

fn ext4(at: &Path) -> bool {
    let image = at.with_extension("image");
    let file = fs::File::create(&image).unwrap();
    file.set_len(280 << 20).unwrap();
    let image = image.to_str().unwrap();
    run("mkfs.ext4", &["-q", "-F", "-m", "0", image])
        && run("mount", &["-o", "loop", image, at.to_str().unwrap()])
}

/// Takes all the room but so many octets.
fn fill(data: &Path, leave: u64) {
    let filler = data.join("filler");
    let mut file = fs::OpenOptions::new().create(true).append(true).open(filler).unwrap();
    let piece = vec![1; 256 << 10];
    while free(data) > leave {
        if file.write_all(&piece).is_err() {
            return;
        }
    }
    let _ = file.sync_all();
}

fn free(data: &Path) -> u64 {
    let stat = rustix::fs::statvfs(data).unwrap();
    stat.f_bavail * stat.f_frsize
}

/// Sends as fast as it is let; a refusal for want of room is what it waits out. Anything else that is
/// not a yes is a fault.
fn sender(
    port: u16,
    next: &AtomicU64,
    stop: &AtomicBool,
    acknowledged: &Mutex<BTreeSet<u64>>,
) -> u64 {
    let mut refused = 0;
    while !stop.load(Relaxed) {
        let mut client = Client::connect(port);
        client.reply().unwrap();
        client.smtp("EHLO sender.example", 250);
        while !stop.load(Relaxed) {
            let id = next.fetch_add(1, Relaxed);
            match send(&mut client, id) {
                true => drop(acknowledged.lock().unwrap().insert(id)),
                // It comes again some time later, as others do.
                false => {
                    refused += 1;
                    std::thread::sleep(Duration::from_millis(50));
                    break;
                }
            }
        }
    }
    refused
}

/// Was it taken? If not, for want of room.
fn send(client: &mut Client, id: u64) -> bool {
    let size = if id.is_multiple_of(20) { 400_000 } else { 4_000 };
    let body = format!("{}\r\n", "x".repeat(70)).repeat(size / 72);
    let message = format!("Message-ID: <full.{id}@client.example>\r\n\r\n{body}.");
    let exchanges = [
        ("MAIL FROM:<sender@client.example>", 250),
        ("RCPT TO:<ana@mired.org>", 250),
        ("DATA", 354),
        (&message, 250),
    ];
    exchanges.into_iter().all(|(text, wanted)| {
        client.send(text);
        let (code, line) = client.reply().unwrap();
        assert!(code == wanted || line.starts_with("452 4.3.1"), "{line}");
        code == wanted
    })
}

/// Lets the senders end, also when the test fails.
struct Stops<'a>(&'a AtomicBool);

impl Drop for Stops<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

#[track_caller]
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what} never happens");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn fills_up(name: &str, mount: impl Fn(&Path) -> bool) {
    let mut lab = Lab::prepare();
    fs::create_dir_all(lab.data()).unwrap();
    if !mount(&lab.data()) {
        eprintln!("skipped: {name} cannot be mounted here");
        return;
    }
    let _mounted = Mounted(lab.data());
    lab.run();
    // A checkpoint comes some seconds after something was changed.
    wait_until("a reserve", || lab.data().join("store/reserve").exists());
    let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let acknowledged = Mutex::new(BTreeSet::new());
    let port = lab.port("smtp");
    let count = || acknowledged.lock().unwrap().len();
    let mut refused = 0;
    std::thread::scope(|scope| {
        let _stops = Stops(&stop);
        let send = || sender(port, &next, &stop, &acknowledged);
        let senders = [scope.spawn(send), scope.spawn(send)];
        wait_until("mail", || count() > 200);
        // Nearly full: no mail, but everything else.
        fill(&lab.data(), 20 << 20);
        lab.logged("the disk is nearly full");
        let mut reader = Client::connect(lab.port("imap"));
        reader.read_line();
        reader.imap("LOGIN ana ana");
        reader.imap("SELECT INBOX");
        assert_eq!(reader.imap("UID FETCH 5 BODY.PEEK[]").len(), 1);
        reader.imap("UID STORE 1:3 +FLAGS.SILENT (\\Seen)");
        reader.imap("UID STORE 1:50 +FLAGS.SILENT (\\Deleted)");
        reader.imap("EXPUNGE");
        // What was prepared and is not needed may have given some room back.
        wait_until("a refusal", || {
            fill(&lab.data(), 20 << 20);
            append(&lab).starts_with("x NO [UNAVAILABLE]")
        });
        // Full to the last octet: reading goes on, and deleting too, out of the reserve.
        fill(&lab.data(), 0);
        // What was half prepared gives room back, once or twice; then only the reserve is left, and it
        // takes a moment until the file system has its octets.
        let is_reserved = || lab.data().join("store/reserve").exists();
        wait_until("a change out of the reserve", || {
            if is_reserved() {
                fill(&lab.data(), 0);
            }
            change_something(&lab) && !is_reserved()
        });
        assert!(!reader.imap("UID FETCH 60:70 BODY.PEEK[]").is_empty());
        let before = count();
        // Room again.
        fs::remove_file(lab.data().join("filler")).unwrap();
        wait_until("mail again", || count() > before + 200);
        lab.logged("the disk has room again");
        stop.store(true, Relaxed);
        for sender in senders {
            refused += sender.join().unwrap();
        }
    });
    assert!(refused > 0);
    lab.kill();
    let checked = lab.estafeta(&["store", "check"]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    lab.run();
    let there = message_ids(&lab);
    let acknowledged = acknowledged.into_inner().unwrap();
    let missing: Vec<_> = acknowledged.iter().filter(|id| !there.contains(id)).collect();
    // Those that were expunged on purpose are the first.
    assert!(missing.len() <= 60, "{} missing: {missing:?}", missing.len());
    assert!(missing.iter().all(|id| **id < 80), "{missing:?}");
    println!(
        "{name}: {} acknowledged, {refused} refused with 452 4.3.1, none lost",
        acknowledged.len()
    );
    lab.kill();
}

/// What APPEND is told.
fn append(lab: &Lab) -> String {
    let mut client = Client::connect(lab.port("imap"));
    client.read_line();
    client.imap("LOGIN bob bob");
    client.send("x APPEND INBOX {5}");
    let line = client.read_line().unwrap();
    if line.starts_with('+') {
        client.send("a: b\n");
        return client.read_line().unwrap();
    }
    line
}

/// Needs room in the log alone; was it done?
fn change_something(lab: &Lab) -> bool {
    let mut reader = Client::connect(lab.port("imap"));
    reader.read_line();
    reader.imap("LOGIN ana ana");
    reader.imap("SELECT INBOX");
    reader.send("x STORE 1 +FLAGS.SILENT (\\Seen)");
    let line = reader.read_line().unwrap();
    assert!(line.starts_with("x OK") || line.starts_with("x NO [UNAVAILABLE]"), "{line}");
    line.starts_with("x OK")
}

fn message_ids(lab: &Lab) -> BTreeSet<u64> {
    let mut client = Client::connect(lab.port("imap"));
    client.read_line();
    client.imap("LOGIN ana ana");
    client.imap("SELECT INBOX");
    let lines = client.imap("FETCH 1:* BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]");
    let id = |line: &String| line.split_once("<full.")?.1.split_once('@')?.0.parse().ok();
    lines.iter().filter_map(id).collect()
}

#[test]
fn a_tmpfs_fills_up_and_gets_room_again() {
    fills_up("tmpfs", tmpfs);
}

#[test]
fn a_small_ext4_fills_up_and_gets_room_again() {
    fills_up("ext4", ext4);
}
