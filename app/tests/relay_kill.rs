//! The real process, killed with SIGKILL while mail is submitted to it and leaves it again, for a
//! server that says "later", refuses, is slow, or takes a message and hangs up. What was acknowledged
//! arrives, or comes back once. `ESTAFETA_KILLS` says how often (3; 20 with `ESTAFETA_HEAVY=1`).

#[path = "relay_kill/letter.rs"]
mod letter;
#[path = "relay_kill/sink.rs"]
mod sink;
mod support;

use letter::Wish;
use sink::{Record, Sink};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use support::client::Client;
use support::{Lab, binary};

/// Sessions that submit, and the least time between two messages of one.
const SESSIONS: usize = 5;
const PACE: Duration = Duration::from_millis(10);
/// How long the test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(180);
/// How often it looks whether it has.
const GLANCE: Duration = Duration::from_millis(50);
/// Most conversations with one destination at once: so many may be cut off by one kill.
const UNDER_WAY_MAX: usize = 20;
/// UIDs read at once.
const PAGE: u32 = 1_000;

/// What those who send were told.
#[derive(Default)]
struct Told {
    next: AtomicU64,
    acknowledged: Mutex<BTreeSet<u64>>,
    /// What our server had against a message. Nothing, that is to say.
    refused: Mutex<Vec<String>>,
}

impl Told {
    fn count(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    /// Submits until told to stop or cut off.
    fn submit_all(&self, port: u16, stop: &AtomicBool) {
        let result = (|| {
            let mut client = submission(port)?;
            while !stop.load(Ordering::Relaxed) {
                self.submit(&mut client, self.next.fetch_add(1, Ordering::Relaxed))?;
                std::thread::sleep(PACE);
            }
            Ok(())
        })();
        self.note(result);
    }

    fn submit(&self, client: &mut Client, id: u64) -> std::io::Result<()> {
        exchange(client, &format!("MAIL FROM:<{}>\r\n", letter::SENDER), 250)?;
        for address in letter::recipients(id) {
            exchange(client, &format!("RCPT TO:<{address}>\r\n"), 250)?;
        }
        exchange(client, "DATA\r\n", 354)?;
        exchange(client, &letter::written(id), 250)?;
        self.acknowledged.lock().unwrap().insert(id);
        Ok(())
    }

    /// To be cut off is what happens here; to be refused is not.
    fn note(&self, result: std::io::Result<()>) {
        if let Err(error) = result
            && error.kind() == std::io::ErrorKind::Other
        {
            self.refused.lock().unwrap().push(error.to_string());
        }
    }
}

/// Ends those who submit, also when the test fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn submission(port: u16) -> std::io::Result<Client> {
    let mut client = Client::try_connect(port)?;
    client.reply()?;
    exchange(&mut client, "EHLO client.example\r\n", 250)?;
    exchange(&mut client, "AUTH PLAIN AGFuYQBhbmE=\r\n", 235)?;
    Ok(client)
}

fn exchange(client: &mut Client, text: &str, code: u16) -> std::io::Result<()> {
    client.try_send(text.as_bytes())?;
    let (got, reply) = client.reply()?;
    if got != code {
        let asked = text.lines().next().unwrap_or_default();
        return Err(std::io::Error::other(format!("{asked}: {reply}")));
    }
    Ok(())
}

fn run(lab: &mut Lab, sink: &Sink) {
    let mut command = Command::new(binary());
    command.args(lab.arguments());
    command.args(["--route", &format!("sink.test=127.0.0.1:{}", sink.port)]);
    lab.spawn(command);
}

/// What waits and is not being tried is tried now.
fn retry(lab: &Lab) {
    let output = lab.estafeta(&["queue", "retry", "--all"]);
    assert!(output.status.success(), "{output:?}");
}

/// How many recipients wait.
fn waiting(lab: &Lab) -> usize {
    let output = lab.estafeta(&["queue", "list", "-o", "json"]);
    assert!(output.status.success(), "{output:?}");
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    value.as_array().unwrap().len()
}

/// Looks again and again. Has it come?
fn comes(mut what: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + PATIENCE;
    while !what() {
        if Instant::now() > until {
            return false;
        }
        std::thread::sleep(GLANCE);
    }
    true
}

/// Every message of an INBOX.
fn inbox(lab: &Lab, user: &str) -> Vec<String> {
    let mut client = Client::connect(lab.port("imap"));
    client.read_line();
    client.imap(&format!("LOGIN {user} {user}"));
    let selected = client.imap("SELECT INBOX");
    let next = selected.iter().find_map(|line| line.split_once("[UIDNEXT "));
    let next: u32 = next.unwrap().1.split(']').next().unwrap().parse().unwrap();
    let fetch = |first: u32| {
        let last = first + PAGE - 1;
        client.imap(&format!("UID FETCH {first}:{last} BODY.PEEK[]"))
    };
    let lines = (1..next).step_by(PAGE as usize).flat_map(fetch);
    lines.filter(|line| line.contains("BODY[]")).collect()
}

/// How often each message stands in bob's INBOX, whole.
fn at_bob(lab: &Lab) -> BTreeMap<u64, usize> {
    let mut found = BTreeMap::new();
    for text in inbox(lab, "bob") {
        let id = letter::id_in(&text).expect("nobody else writes to bob");
        assert!(text.contains(&format!("\r\n\r\n{}", letter::body(id))), "{id} is not whole");
        *found.entry(id).or_default() += 1;
    }
    found
}

/// How many reports ana has of each message.
fn reports(lab: &Lab) -> BTreeMap<u64, usize> {
    let mut found = BTreeMap::new();
    for text in inbox(lab, "ana") {
        let id = letter::id_in(&text).unwrap_or_else(|| panic!("not a report:\n{text}"));
        for part in [
            "report-type=delivery-status".to_string(),
            "Action: failed".to_string(),
            format!("Final-Recipient: rfc822;{}", letter::sink_address(id)),
        ] {
            assert!(text.replace("; ", ";").contains(&part.replace("; ", ";")), "{part}:\n{text}");
        }
        *found.entry(id).or_default() += 1;
    }
    found
}

/// A message that comes back, and has: what was to be reported before it was begun before it.
fn come_and_go(lab: &Lab, told: &Told) {
    let id = told.next.load(Ordering::Relaxed).next_multiple_of(24) + 7;
    assert_eq!(letter::wish(id), Wish::RefusedRecipient);
    told.next.store(id + 1, Ordering::Relaxed);
    let mut client = submission(lab.port("submission")).unwrap();
    told.submit(&mut client, id).unwrap();
    assert!(comes(|| reports(lab).contains_key(&id)), "no report of {id}:\n{}", lab.log());
}

/// What was counted, and which laws were broken.
#[derive(Debug, Default)]
struct Judgement {
    /// Copies too many at the sink after it had closed without a reply,
    copies_closed: usize,
    /// and after the process had been killed; by how often it had been before.
    copies_killed: BTreeMap<u64, usize>,
    bounces: usize,
    broken: Vec<String>,
}

impl Judgement {
    fn of(
        told: &Told,
        sink: &Record,
        bob: &BTreeMap<u64, usize>,
        ana: &BTreeMap<u64, usize>,
    ) -> Self {
        let mut judgement = Judgement::default();
        let acknowledged = told.acknowledged.lock().unwrap();
        for id in 0..told.next.load(Ordering::Relaxed) {
            let count = |found: &BTreeMap<u64, usize>| found.get(&id).copied().unwrap_or(0);
            let taken = sink.receipts.get(&id).map_or(0, Vec::len);
            let known = acknowledged.contains(&id);
            judgement.law(id, "at bob's", count(bob), letter::is_for_bob(id), known);
            let refused = matches!(letter::wish(id), Wish::RefusedRecipient | Wish::RefusedMessage);
            judgement.law(id, "reported", count(ana), refused, known);
            // More often than once is looked at below.
            let wanted = letter::wish(id) == Wish::Taken;
            judgement.law(id, "at the sink", taken.min(1), wanted, known);
            judgement.bounces += count(ana);
        }
        sink.receipts.iter().for_each(|(id, receipts)| judgement.copies(*id, receipts));
        for (life, copies) in &judgement.copies_killed {
            if *copies > UNDER_WAY_MAX {
                judgement.broken.push(format!("kill {life}: {copies} were not under way"));
            }
        }
        judgement.broken.extend(sink.faults.iter().cloned());
        judgement.broken.extend(told.refused.lock().unwrap().iter().cloned());
        judgement
    }

    /// Where it is wanted it is once, if that was promised; else perhaps. Where not, never.
    fn law(&mut self, id: u64, place: &str, found: usize, wanted: bool, known: bool) {
        let good = match (wanted, known) {
            (true, true) => found == 1,
            (true, false) => found <= 1,
            (false, _) => found == 0,
        };
        if !good {
            self.broken.push(format!("{id} (acknowledged: {known}): {found} times {place}"));
        }
    }

    /// Each copy after the first needs a reason in the one before.
    fn copies(&mut self, id: u64, receipts: &[sink::Receipt]) {
        let mut receipts = receipts.to_vec();
        // What a dead process had sent may be read after what the next one sends.
        receipts.sort_by_key(|receipt| receipt.life);
        for pair in receipts.windows(2) {
            if !pair[0].answered {
                self.copies_closed += 1;
            } else if pair[0].life < pair[1].life {
                *self.copies_killed.entry(pair[0].life).or_default() += 1;
            } else {
                self.broken.push(format!("{id} came again for no reason: {receipts:?}"));
            }
        }
    }
}

/// Lets everybody work, and kills in the midst of it.
fn live_and_die(lab: &mut Lab, sink: &Sink, told: &Told, kill: u64) {
    let stop = AtomicBool::new(false);
    let port = lab.port("submission");
    let before = (told.count(), sink.taken());
    std::thread::scope(|scope| {
        let ends = Stop(&stop);
        for _ in 0..SESSIONS {
            scope.spawn(|| told.submit_all(port, &stop));
        }
        let busy = || told.count() > before.0 && sink.taken() > before.1;
        assert!(comes(busy), "nothing goes on:\n{}", lab.log());
        // Different each time, so that it falls on different work.
        let pause = Duration::from_millis(40 + (kill * 397) % 900);
        std::thread::sleep(pause / 2);
        retry(lab);
        std::thread::sleep(pause / 2);
        // Every other time just when the sink has taken something, and most often not said so.
        if !kill.is_multiple_of(2) {
            assert!(sink.wait_beyond(sink.taken(), PATIENCE), "nothing leaves:\n{}", lab.log());
        }
        drop(ends);
        lab.kill();
    });
    sink.next_life();
    run(lab, sink);
}

#[test]
fn what_was_acknowledged_leaves_or_comes_back_whatever_is_killed() {
    let kills: u64 = match std::env::var("ESTAFETA_KILLS") {
        Ok(count) => count.parse().unwrap(),
        Err(_) if std::env::var_os("ESTAFETA_HEAVY").is_some() => 20,
        Err(_) => 3,
    };
    let begun = Instant::now();
    let (sink, told) = (Sink::start(), Told::default());
    let mut lab = Lab::prepare();
    run(&mut lab, &sink);
    for kill in 0..kills {
        live_and_die(&mut lab, &sink, &told, kill);
    }
    let waited = waiting(&lab);
    sink.heal();
    let empty = comes(|| {
        retry(&lab);
        waiting(&lab) == 0
    });
    assert!(empty, "{} still wait:\n{}", waiting(&lab), lab.log());
    come_and_go(&lab, &told);
    // Whatever of reports is left is found again after a start.
    lab.stop();
    run(&mut lab, &sink);
    come_and_go(&lab, &told);

    let record = sink.record();
    let judgement = Judgement::of(&told, &record, &at_bob(&lab), &reports(&lab));
    assert_eq!(waiting(&lab), 0);
    println!(
        "{kills} kills in {} s: {} acknowledged; {waited} waited after the last kill; \
         the sink took {} (451 {} times, 550 or 554 {} times, closed {} times); \
         copies: {} after it had closed, {} after kills (by life: {:?}); {} reports",
        begun.elapsed().as_secs(),
        told.count(),
        record.taken(),
        record.later,
        record.refused,
        record.closed,
        judgement.copies_closed,
        judgement.copies_killed.values().sum::<usize>(),
        judgement.copies_killed,
        judgement.bounces,
    );
    assert!(judgement.broken.is_empty(), "{}", judgement.broken.join("\n"));
    assert!(told.count() as u64 > 10 * kills, "only {} acknowledged", told.count());
    lab.stop();
    let check = lab.estafeta(&["store", "check"]);
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
    println!("{}", String::from_utf8_lossy(&check.stdout).trim());
}
