//! Hours of moderate mail: memory, file descriptors and disk must not grow. `ESTAFETA_SOAK` says
//! for how many seconds (10); `ESTAFETA_SOAK_SVG` where the curves are drawn.

mod support;

use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use support::client::Client;
use support::server::Server;

const PEOPLE: [&str; 4] = ["ana", "bob", "carme", "dani"];
/// Messages that a mailbox keeps; older ones are archived, and from there removed.
const INBOX_MAX: usize = 300;
const ARCHIVE_MAX: usize = 300;
/// Messages a second, by all senders together.
const RATE: u64 = 20;
const SENDERS: u64 = 4;
/// Computers that read one person's mail.
const COMPUTERS: usize = 3;
/// Points of a curve.
const POINTS: u32 = 360;

/// One look at the process.
#[derive(Clone, Copy, Debug)]
struct Sample {
    seconds: f64,
    memory_kb: u64,
    descriptors: u64,
    disk_kb: u64,
    delivered: u64,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    delivered: AtomicU64,
    faults: AtomicU64,
}

impl Shared {
    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    /// Sleeps, but not beyond the end.
    fn rest(&self, time: Duration) {
        let until = Instant::now() + time;
        while self.goes_on() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20).min(time));
        }
    }
}

#[test]
fn nothing_grows_under_hours_of_mail() {
    let seconds = std::env::var("ESTAFETA_SOAK").map_or(10, |text| text.parse().unwrap());
    let server = serve();
    let shared = Shared::default();
    let samples = std::thread::scope(|scope| {
        for number in 0..SENDERS {
            let (server, shared) = (&server, &shared);
            scope.spawn(move || send(server.port("smtp"), number, shared));
        }
        for person in PEOPLE {
            for computer in 0..COMPUTERS {
                let (server, shared) = (&server, &shared);
                scope.spawn(move || read(server.port("imap"), person, computer, shared));
            }
        }
        scope.spawn(|| poll(server.port("pop3"), &shared));
        let samples = watch(&server, Duration::from_secs(seconds), &shared);
        shared.stop.store(true, Ordering::Relaxed);
        samples
    });
    let faults = shared.faults.load(Ordering::Relaxed);
    let delivered = shared.delivered.load(Ordering::Relaxed);
    println!("{seconds} s, {delivered} messages, {faults} faults");
    println!("first {:?}\nlast  {:?}", samples[0], samples[samples.len() - 1]);
    if let Some(path) = std::env::var_os("ESTAFETA_SOAK_SVG") {
        std::fs::write(path, svg(&samples)).unwrap();
    }
    assert_eq!(faults, 0);
    assert!(delivered > seconds * RATE / 2, "only {delivered} messages");
    // Growth can be told from filling up only when there was time to fill up.
    if seconds >= 600 {
        assert_flat("memory", &samples, |s| s.memory_kb, 8 * 1024);
        assert_flat("file descriptors", &samples, |s| s.descriptors, 10);
        assert_flat("disk", &samples, |s| s.disk_kb, 512 * 1024);
    }
    assert_eq!(server.estafeta(&["store", "check"]).status.code(), Some(0));
}

/// A server for four people that keeps nothing of what was removed.
fn serve() -> Server {
    let mut server = Server::init();
    server.configure("[mail]\nundelete_days = 0\n");
    for person in &PEOPLE[1..] {
        let address = format!("{person}@mired.org");
        let added = server.estafeta(&["account", "add", &address, "--password", person]);
        assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    }
    server.start();
    server
}

/// Sends at a steady pace; every tenth message in a session of its own.
fn send(port: u16, number: u64, shared: &Shared) {
    let pause = Duration::from_millis(1000 * SENDERS / RATE);
    let mut count = number * 1_000_000;
    while shared.goes_on() {
        let mut client = Client::connect(port);
        client.reply().unwrap();
        client.smtp("EHLO sender.example", 250);
        for _ in 0..10 {
            count += 1;
            let person = PEOPLE[(count % PEOPLE.len() as u64) as usize];
            client.smtp("MAIL FROM:<sender@client.example>", 250);
            client.smtp(&format!("RCPT TO:<{person}@mired.org>"), 250);
            client.smtp("DATA", 354);
            let size = match count % 100 {
                0 => 2_000_000,
                rest => 2_000 + rest as usize * 600,
            };
            let line = "y".repeat(70) + "\r\n";
            let body = line.repeat(size / line.len());
            client.smtp(
                &format!(
                    "Message-ID: <soak.{count}@client.example>\r\nSubject: {count}\r\n\r\n{body}."
                ),
                250,
            );
            shared.delivered.fetch_add(1, Ordering::Relaxed);
            shared.rest(pause);
        }
        client.smtp("QUIT", 221);
    }
}

/// One computer: looks, reads, flags; the first of each person also keeps order.
fn read(port: u16, person: &str, computer: usize, shared: &Shared) {
    while shared.goes_on() {
        let mut client = Client::connect(port);
        client.read_line();
        client.imap(&format!("LOGIN {person} {person}"));
        for _ in 0..20 {
            client.imap("SELECT INBOX");
            let found = client.imap("UID SEARCH UNSEEN");
            if let Some(uid) =
                found.iter().find_map(|l| l.strip_prefix("* SEARCH ")?.split(' ').nth(computer))
            {
                among_others(&mut client, &format!("UID FETCH {uid} (FLAGS BODY[])"));
                let store = format!("UID STORE {uid} +FLAGS (\\Answered $Label{computer})");
                among_others(&mut client, &store);
            }
            if computer == 0 {
                keep_order(&mut client);
            }
            shared.rest(Duration::from_secs(1));
            if !shared.goes_on() {
                return;
            }
        }
        client.imap("LOGOUT");
    }
}

/// A command on a message that another computer may be moving away at this moment, which the server
/// then has to say (RFC 5530, RFC 7162 §3.1.3).
fn among_others(client: &mut Client, command: &str) {
    let (_, said) = client.imap_answer(command);
    let is_gone = said.starts_with("NO [EXPUNGEISSUED]");
    assert!(said.starts_with("OK") || is_gone, "{command}: {said}");
}

fn keep_order(client: &mut Client) {
    let count = exists(client, "INBOX");
    if count > INBOX_MAX {
        client.imap(&format!("MOVE 1:{} Archive", count - INBOX_MAX));
    }
    let count = exists(client, "Archive");
    if count > ARCHIVE_MAX {
        client.imap(&format!("STORE 1:{} +FLAGS.SILENT (\\Deleted)", count - ARCHIVE_MAX));
        client.imap("EXPUNGE");
    }
}

fn exists(client: &mut Client, mailbox: &str) -> usize {
    let lines = client.imap(&format!("SELECT {mailbox}"));
    let count = |line: &String| line.strip_prefix("* ")?.strip_suffix(" EXISTS")?.parse().ok();
    lines.iter().find_map(count).unwrap()
}

/// One who still takes mail away by POP3.
fn poll(port: u16, shared: &Shared) {
    while shared.goes_on() {
        let mut client = Client::connect(port);
        client.read_line();
        for line in ["USER dani", "PASS dani", "STAT"] {
            client.send(line);
            if !client.read_line().is_some_and(|l| l.starts_with("+OK")) {
                shared.faults.fetch_add(1, Ordering::Relaxed);
            }
        }
        client.send("RETR 1");
        if client.read_line().is_some_and(|l| l.starts_with("+OK")) {
            while client.read_line().is_some_and(|l| l != ".") {}
            client.send("DELE 1");
            client.read_line();
        }
        client.send("QUIT");
        client.read_line();
        shared.rest(Duration::from_secs(2));
    }
}

fn watch(server: &Server, time: Duration, shared: &Shared) -> Vec<Sample> {
    let began = Instant::now();
    let mut samples = Vec::new();
    while began.elapsed() < time {
        std::thread::sleep((time / POINTS).max(Duration::from_millis(100)));
        let folder = format!("/proc/{}/fd", server.pid());
        samples.push(Sample {
            seconds: began.elapsed().as_secs_f64(),
            memory_kb: resident_kb(server),
            descriptors: std::fs::read_dir(folder).unwrap().count() as u64,
            disk_kb: disk_kb(&server.data()),
            delivered: shared.delivered.load(Ordering::Relaxed),
        });
    }
    samples
}

/// Memory of the process.
fn resident_kb(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Blocks in use below `folder`. What vanishes meanwhile takes no room.
fn disk_kb(folder: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .filter_map(|entry| Some((entry.path(), entry.metadata().ok()?)))
        .map(|(path, metadata)| match metadata.is_dir() {
            true => disk_kb(&path),
            false => metadata.blocks() / 2,
        })
        .sum()
}

/// The last third is, in the middle, no higher than the one before it, but for `slack`.
fn assert_flat(what: &str, samples: &[Sample], value: impl Fn(&Sample) -> u64, slack: u64) {
    let third = samples.len() / 3;
    let middle = |part: &[Sample]| {
        let mut values: Vec<u64> = part.iter().map(&value).collect();
        values.sort_unstable();
        values[values.len() / 2]
    };
    let (before, after) = (middle(&samples[third..2 * third]), middle(&samples[2 * third..]));
    println!("{what}: {before}, then {after}");
    assert!(after <= before + before / 10 + slack, "{what} grows: {before}, then {after}");
}

/// What a curve shows of a sample.
type Value = fn(&Sample) -> f64;

/// Three curves, one below the other.
fn svg(samples: &[Sample]) -> String {
    let curves: [(&str, Value); 3] = [
        ("memory, MB", |s| s.memory_kb as f64 / 1024.0),
        ("file descriptors", |s| s.descriptors as f64),
        ("disk, MB", |s| s.disk_kb as f64 / 1024.0),
    ];
    let (width, height, left) = (720.0, 120.0, 70.0);
    let last = samples[samples.len() - 1];
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" \
         fill=\"#fff\"/>\n<text x=\"{left}\" y=\"16\">{} messages in {:.0} minutes</text>\n",
        width + left + 20.0,
        3.0 * (height + 50.0) + 20.0,
        last.delivered,
        last.seconds / 60.0
    );
    for (place, (name, value)) in curves.iter().enumerate() {
        let top = 40.0 + place as f64 * (height + 50.0);
        let most = samples.iter().map(value).fold(1.0, f64::max) * 1.1;
        let points: Vec<String> = samples
            .iter()
            .map(|s| {
                let x = left + s.seconds / last.seconds * width;
                format!("{x:.1},{:.1}", top + height - value(s) / most * height)
            })
            .collect();
        let _ = write!(
            text,
            "<text x=\"{left}\" y=\"{:.0}\">{name}: at the end {:.0}</text>\n\
             <path d=\"M{left},{top} v{height} h{width}\" fill=\"none\" stroke=\"#999\"/>\n\
             <text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{most:.0}</text>\n\
             <text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">0</text>\n\
             <polyline points=\"{}\" fill=\"none\" stroke=\"#06c\" stroke-width=\"1.5\"/>\n",
            top - 6.0,
            value(&last),
            left - 6.0,
            top + 10.0,
            left - 6.0,
            top + height,
            points.join(" ")
        );
    }
    text + "</svg>\n"
}
