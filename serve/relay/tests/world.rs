//! A whole world of mail: names that cannot be looked up, servers that stall, close, refuse, greylist,
//! take a message and never say so, and a process that dies between any two steps and comes again.
//!
//! The laws: every message is delivered, or its sender is told once that it was not, or it is still queued;
//! nobody is asked again after a 5yz; a message is taken twice only if its sender could not know of
//! the first time; when the world heals, the queue empties and no body is left behind.

mod support;

use core_store::MemoryStore;
use core_world::testing::TestWorld;
use serve_relay::Routes;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use support::house::{House, Letter, Tasks, now};
use support::town::Town;

const ZONE: &str = "
    one.test MX 10 mx.one.test
    mx.one.test A 192.0.2.1
    two.test MX 10 a.two.test
    two.test MX 10 b.two.test
    two.test MX 20 c.two.test
    a.two.test A 192.0.2.11
    a.two.test AAAA 2001:db8::11
    b.two.test A 192.0.2.12
    c.two.test A 192.0.2.13
    bare.test A 192.0.2.21
    tls.test MX 10 mx.tls.test
    mx.tls.test A 192.0.2.31
    chunks.test MX 10 mx.chunks.test
    mx.chunks.test A 192.0.2.41
    none.test MX 0 .
";
/// Recipients that messages are sent to.
const PEOPLE: &[&str] = &[
    "eva@one.test",
    "pau@one.test",
    "no-body@one.test",
    "grey-ana@one.test",
    "eva@two.test",
    "one-a@two.test",
    "one-b@two.test",
    "eva@bare.test",
    "eva@tls.test",
    "no-body@tls.test",
    "eva@chunks.test",
    "grey-b@chunks.test",
    "eva@none.test",
    "eva@unknown.test",
];
const MESSAGES: usize = 12;
const LANES: usize = 3;

/// A message's id and its recipients.
type Accepted = (String, Vec<String>);

struct Run {
    town: Arc<Town>,
    memory: Arc<MemoryStore>,
    numbers: Arc<AtomicU64>,
    /// Messages whose acceptance was told, with their recipients.
    accepted: Rc<RefCell<Vec<Accepted>>>,
    begun: usize,
}

impl Run {
    fn new(seed: u64) -> Run {
        let town = Town::new(seed, TestWorld::new());
        // Each connection has its own time: a stall of one is no time-out of another.
        town.time_passes.store(false, Ordering::Relaxed);
        town.offer("192.0.2.31", &["STARTTLS", "PIPELINING"]);
        town.offer("192.0.2.41", &["CHUNKING", "PIPELINING", "SIZE"]);
        town.offer("192.0.2.21", &[]);
        Run {
            town,
            memory: MemoryStore::new(),
            numbers: Arc::default(),
            accepted: Rc::default(),
            begun: 0,
        }
    }

    fn open(&self) -> (Rc<House>, Tasks) {
        let house = House::open(&self.memory, &self.town, ZONE, Routes::default(), &self.numbers);
        let mut tasks = Tasks::new(self.town.world.clone());
        tasks.run(&house, LANES);
        (Rc::new(house), tasks)
    }

    /// One more message comes in.
    fn arrive(&mut self, house: &Rc<House>, tasks: &mut Tasks) {
        let id = format!("m{}", self.begun);
        self.begun += 1;
        let count = 1 + self.town.dice.below(5) as usize;
        let mut to: Vec<String> = (0..count)
            .map(|_| PEOPLE[self.town.dice.below(PEOPLE.len() as u64) as usize].to_string())
            .collect();
        to.sort();
        to.dedup();
        // Most are small; some take several pieces.
        let len_max = if self.town.dice.once_in(5) { 150_000 } else { 4_000 };
        let len = self.town.dice.below(len_max) as usize;
        let octets = [b"Subject: x\r\n\r\n".to_vec(), b"0123456789\r\n".repeat(len / 12)].concat();
        let (house, accepted) = (house.clone(), self.accepted.clone());
        tasks.add(async move {
            let from = format!("{id}@mired.org");
            let names: Vec<&str> = to.iter().map(String::as_str).collect();
            house.accept(Letter { octets: &octets, ..Letter::new(&id, &from, &names) }).await;
            accepted.borrow_mut().push((id, to));
        });
    }

    /// The process dies; what it had not written down it does not know.
    fn die(&self) {
        let fates = House::fates(&self.memory);
        let mut ledger = self.town.ledger();
        ledger.life += 1;
        let settled = |fates: &Vec<String>| fates.iter().any(|fate| !fate.starts_with("deferred"));
        for ((id, to), fates) in &fates {
            if settled(fates) {
                ledger.closed.insert((format!("{id}@mired.org"), to.clone()));
            }
        }
        let taken: Vec<_> = ledger.taken.keys().cloned().collect();
        for letter in taken {
            if !ledger.closed.contains(&letter) {
                ledger.unsure.insert(letter);
            }
        }
    }

    fn check(&self, seed: u64) {
        let ledger = self.town.ledger();
        assert_eq!(ledger.broken.first(), None, "seed {seed}");
        let fates = House::fates(&self.memory);
        let reports = House::reports(&self.memory);
        for (id, recipients) in self.accepted.borrow().iter() {
            for to in recipients {
                let letter = (format!("{id}@mired.org"), to.clone());
                let taken = ledger.taken.get(&letter).copied().unwrap_or(0);
                let fates = fates.get(&(id.clone(), to.clone())).cloned().unwrap_or_default();
                let count = |word: &str| fates.iter().filter(|f| f.starts_with(word)).count();
                let ends = count("delivered") + count("refused") + count("expired");
                assert_eq!(ends, 1, "seed {seed}: {letter:?} ended so: {fates:?}");
                let told = reports.iter().filter(|report| tells(report, &letter)).count();
                assert_eq!(told, 1 - count("delivered"), "seed {seed}: {letter:?} was told of");
                if count("delivered") == 1 {
                    assert!(taken >= 1, "seed {seed}: {letter:?} was never taken");
                } else if !ledger.unsure.contains(&letter) {
                    assert_eq!(taken, 0, "seed {seed}: {letter:?} was taken and given up");
                }
            }
        }
    }
}

/// Does the report tell the sender that the letter was not delivered?
fn tells(report: &str, (from, to): &(String, String)) -> bool {
    let failed = |block: &str| {
        block.contains(&format!("Final-Recipient: rfc822;{to}\r\n"))
            && block.contains("Action: failed")
    };
    report.starts_with(&format!("To: {from}\r\n")) && report.split("\r\n\r\n").any(failed)
}

/// One world; gives how often the process died and how many recipients there were.
fn run(seed: u64, deaths: usize) -> (usize, usize) {
    let mut run = Run::new(seed);
    *run.town.trouble.lock().unwrap() = 6 + seed % 20;
    let (mut house, mut tasks) = run.open();
    let mut died = 0;
    loop {
        let life = if died < deaths { 1 + run.town.dice.below(600) } else { 3_000 };
        for _ in 0..life {
            if run.begun < MESSAGES && run.town.dice.once_in(30) {
                run.arrive(&house, &mut tasks);
            }
            if !tasks.step(&run.town.dice) {
                // Nobody is in the middle of anything.
                run.town.world.pass(Duration::from_secs(run.town.dice.below(3_600)));
            }
        }
        if died == deaths {
            break;
        }
        drop(tasks);
        drop(house);
        run.die();
        died += 1;
        (house, tasks) = run.open();
    }
    // The world heals.
    *run.town.trouble.lock().unwrap() = 0;
    while run.begun < MESSAGES {
        run.arrive(&house, &mut tasks);
    }
    let mut rounds = 0;
    loop {
        for _ in 0..2_000 {
            tasks.step(&run.town.dice);
        }
        let empty = now(house.waiting()) == 0 && run.memory.blob_count() == 0;
        if tasks.len() == LANES + 1 && empty {
            break;
        }
        run.town.world.pass(Duration::from_secs(3600));
        rounds += 1;
        assert!(rounds < 24 * 14, "seed {seed}: the queue does not empty");
    }
    run.check(seed);
    let recipients = run.accepted.borrow().iter().map(|(_, to)| to.len()).sum();
    (died, recipients)
}

#[test]
fn nothing_is_lost_and_nothing_is_done_twice_however_often_the_process_dies() {
    let worlds: u64 =
        std::env::var("WORLDS").ok().and_then(|worlds| worlds.parse().ok()).unwrap_or(50);
    let first: u64 = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    let (mut died, mut recipients) = (0, 0);
    for seed in first..first + worlds {
        let (deaths, count) = run(seed, 20);
        died += deaths;
        recipients += count;
    }
    println!("{worlds} worlds, {died} deaths, {recipients} recipients");
    assert!(died as u64 == worlds * 20 && recipients as u64 > worlds * MESSAGES as u64);
}

#[test]
fn a_world_without_deaths_keeps_the_laws_too() {
    for seed in 1_000..1_020 {
        run(seed, 0);
    }
}
