//! One run: clients work, the process dies in the middle of something, starts again on what the disk
//! kept, and is looked at; again and again.

use crate::audit::audit;
use crate::client::Company;
use crate::disk::{Faults, SimDisk};
use crate::executor::{Micros, Side, World};
use crate::fault::Broken;
use crate::house::{House, NAMES};
use crate::ledger::{Counts, Ledger};
use crate::outside::Outside;
use crate::trace::Trace;
use core_store::suite::Dice;
use engine_store_embedded::{Options, Steps};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Deaths of a run, at least and in addition at most.
const DEATHS_MIN: u64 = 2;
const DEATHS_MORE: u64 = 4;
/// Turns of a life at most.
const TURNS_MAX: u64 = 1_500;
/// Turns after which the last life is taken for one that never ends.
const TURNS_LAST: u64 = 200_000;
/// What the store may hold in memory for what was committed, beyond its own limit.
const MEMORY_SLACK: u64 = 4 << 20;

/// What a run is to be.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings {
    /// Everything follows from it.
    pub seed: u64,
    /// A fault put in on purpose.
    pub broken: Broken,
    /// Print what happens?
    pub print: bool,
}

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The broken laws.
    pub wrong: Vec<String>,
    /// Of everything that happened.
    pub hash: u64,
    /// What was said yes to.
    pub counts: Counts,
    /// How often which thing happened.
    pub events: Events,
}

/// How often which thing happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Events {
    /// The process was killed,
    pub kills: u64,
    /// the plug was pulled,
    pub cuts: u64,
    /// the process was asked to end,
    pub ends: u64,
    /// the store stopped after a failed write or sync.
    pub failures: u64,
    /// Times that it opened itself again.
    pub mended: u64,
    /// Times that the disk was full, failed reads, was slow.
    pub full: u64,
    /// See above.
    pub unreadable: u64,
    /// See above.
    pub slow: u64,
    /// Somebody set the clock.
    pub jumps: u64,
    /// Openings that were cut off themselves.
    pub openings_cut: u64,
    /// Checkpoints.
    pub checkpoints: u64,
    /// Segments emptied by collection.
    pub collected: u64,
}

impl Events {
    /// Adds those of another run.
    pub fn add(&mut self, other: &Events) {
        self.kills += other.kills;
        self.cuts += other.cuts;
        self.ends += other.ends;
        self.failures += other.failures;
        self.mended += other.mended;
        self.full += other.full;
        self.unreadable += other.unreadable;
        self.slow += other.slow;
        self.jumps += other.jumps;
        self.openings_cut += other.openings_cut;
        self.checkpoints += other.checkpoints;
        self.collected += other.collected;
    }
}

/// How a life ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Death {
    Kill,
    Cut,
    End,
}

struct Run {
    world: World,
    dice: Dice,
    disk: SimDisk,
    options: Options,
    outside: Arc<Outside>,
    company: Company,
    broken: Broken,
    busy_until: Micros,
    checkpoint_at: Micros,
    slow: bool,
    /// Does the store open itself again when it has failed, or does somebody start it anew?
    mends: bool,
    /// Turns until the present fault is over.
    fault_left: u64,
    events: Events,
    wrong: Vec<String>,
}

/// A store in which the accounts are made, and that was closed well: made once, as it costs more
/// than a run.
fn founded() -> &'static SimDisk {
    static FOUNDED: OnceLock<SimDisk> = OnceLock::new();
    FOUNDED.get_or_init(|| {
        let disk = SimDisk::new();
        let options = Options { segment_size: SEGMENT_MIN, reserve: 0, ..Options::default() };
        let made = House::open(&disk, &options, &Outside::new(1), Broken::Nothing);
        let mut house = made.expect("an empty disk can be used");
        house.settle();
        house.close();
        disk
    })
}

/// Octets of a segment at least.
const SEGMENT_MIN: u64 = 16 << 10;

/// Runs one seed.
pub fn run(settings: Settings) -> Outcome {
    let mut run = Run::new(settings);
    run.all();
    let counts = run.company.ledger.borrow().counts;
    let outcome = Outcome {
        wrong: std::mem::take(&mut run.wrong),
        hash: run.world.hash(),
        counts,
        events: run.events,
    };
    // What the world still holds refers to it.
    run.world.end_all();
    outcome
}

impl Run {
    fn new(Settings { seed, broken, print }: Settings) -> Run {
        let world = World::new(seed, Trace::new(print));
        let mut dice = world.dice();
        let disk = founded().copy();
        disk.lie(broken.unsynced(), broken == Broken::NameSync);
        let options = Options {
            segment_size: SEGMENT_MIN << dice.below(4),
            cache_size: 1 << 20,
            checkpoint_log: 8 << (10 + dice.below(5)),
            checkpoint_memory: 1 << 20,
            checkpoint_interval: Duration::from_millis(20 + dice.below(1_000)),
            reserve: 1 << 20,
            ..Options::default()
        };
        let company = Company {
            world: world.clone(),
            house: Rc::default(),
            ledger: Rc::new(RefCell::new(Ledger::new(NAMES.len()))),
            closing: Rc::new(Cell::new(false)),
            letters: Rc::default(),
            lines: Rc::default(),
        };
        Run {
            outside: Outside::new(dice.roll()),
            world,
            dice,
            disk,
            options,
            company,
            broken,
            busy_until: 0,
            checkpoint_at: 0,
            slow: false,
            mends: false,
            fault_left: 0,
            events: Events::default(),
            wrong: Vec::new(),
        }
    }

    fn all(&mut self) {
        let mut house = match self.open() {
            Some(house) => house,
            None => return,
        };
        self.look(&mut house, "the beginning");
        self.move_in(house);
        self.company.start();
        let deaths = DEATHS_MIN + self.dice.below(DEATHS_MORE);
        for _ in 0..deaths {
            let death = self.live();
            if !self.die(death) {
                return;
            }
        }
        self.company.closing.set(true);
        let mut turns = 0;
        while self.world.count(Side::Client) > 0 && self.turn() {
            turns += 1;
            if turns > TURNS_LAST {
                self.wrong.push("somebody waits for ever".to_owned());
                return;
            }
        }
        // Once more as it is, and once from what the disk holds.
        for death in [Death::End, Death::Kill] {
            if !self.die(death) {
                return;
            }
        }
    }

    fn note(&self, line: impl FnOnce() -> String) {
        self.world.note(line);
    }

    fn open(&mut self) -> Option<House> {
        if self.dice.once_in(8) && self.events.kills + self.events.cuts > 0 {
            self.disk.crash_after(self.dice.below(60));
        }
        loop {
            match House::open(&self.disk, &self.options, &self.outside, self.broken) {
                Ok(house) if !self.disk.is_dead() => return Some(house),
                Ok(house) => drop(house),
                Err(_) if self.disk.is_dead() => {}
                Err(error) => {
                    self.wrong.push(format!("it does not start: {error}"));
                    return None;
                }
            }
            self.events.openings_cut += 1;
            self.disk = self.disk.restart(&mut self.dice);
        }
    }

    fn move_in(&mut self, house: House) {
        // The plug may have been meant to be pulled during the start only.
        self.disk.set_process(true);
        let mail = house.mail.clone();
        let world = self.world.clone();
        *self.company.house.borrow_mut() = Some(house);
        self.world.spawn(Side::Server, async move {
            loop {
                world.sleep(200_000).await;
                // As the background worker does.
                while let Ok(false) = mail.tidy_page().await {
                    world.give_way().await;
                }
            }
        });
        self.checkpoint_at = self.world.now();
    }

    /// One life; how it ends.
    fn live(&mut self) -> Death {
        let turns = self.dice.below(TURNS_MAX);
        let death = [Death::Kill, Death::Cut, Death::Cut, Death::End][self.dice.below(4) as usize];
        if death == Death::Cut {
            // In the middle of something, preferably where it should hurt.
            match self.dice.below(4) {
                0 => self.disk.crash_after(turns / 2),
                1 => self.disk.crash_on("seg/", turns / 8),
                2 => self.disk.crash_on("metadata", turns / 20),
                _ => {}
            }
        }
        self.slow = self.dice.once_in(8);
        self.events.slow += u64::from(self.slow);
        self.mends = self.dice.once_in(2);
        let mut dying = None;
        for _ in 0..turns {
            if self.disk.is_dead() {
                return Death::Cut;
            }
            self.trouble();
            if !self.turn() {
                break;
            }
            let failed =
                self.company.house.borrow().as_ref().is_some_and(|h| h.store.failure().is_some());
            if failed && self.mends {
                self.mend();
            } else if failed {
                // The operator takes a while to notice.
                let left = dying.get_or_insert_with(|| self.dice.below(200));
                if *left == 0 {
                    self.events.failures += 1;
                    return Death::Kill;
                }
                *left -= 1;
            }
        }
        if self.disk.is_dead() { Death::Cut } else { death }
    }

    /// The store tries to open itself again, once in a while.
    fn mend(&mut self) {
        if !self.dice.once_in(20) {
            return;
        }
        let mut house = self.company.house.borrow_mut();
        let Some(house) = house.as_mut() else { return };
        if let Some(steps) = house.steps.take() {
            steps.close();
        }
        let reopened = house.store.reopen_stepped();
        self.world.note(|| format!("open again: {}", reopened.is_ok()));
        if let Ok(steps) = reopened {
            house.steps = Some(steps);
            self.events.mended += 1;
        }
    }

    /// Something fails, or is well again; somebody sets the clock.
    fn trouble(&mut self) {
        if self.fault_left > 0 {
            self.fault_left -= 1;
            if self.fault_left == 0 {
                self.note(|| "the disk is well again".to_owned());
                self.disk.set_faults(Faults::default());
            }
            return;
        }
        if self.dice.once_in(400) {
            let millis = self.dice.below(7_200_000) as i64 - 3_600_000;
            self.note(|| format!("the clock jumps by {millis} ms"));
            self.outside.jump(millis);
            self.events.jumps += 1;
        }
        if !self.dice.once_in(1_500) {
            return;
        }
        let mut faults = Faults::default();
        match self.dice.below(6) {
            0 => faults.write = Some("seg/".to_owned()),
            1 => faults.sync = Some("seg/".to_owned()),
            2 => faults.sync = Some("metadata".to_owned()),
            3 => {
                faults.read = Some(["seg/", "large/"][self.dice.below(2) as usize].to_owned());
                self.events.unreadable += 1;
            }
            _ => {
                faults.full = Some([0, 512 << 10, 1 << 30][self.dice.below(3) as usize]);
                self.events.full += 1;
            }
        }
        self.note(|| format!("{faults:?}"));
        self.fault_left = 1 + self.dice.below(200);
        self.disk.set_faults(faults);
    }

    /// One thing happens somewhere. `false` if nothing ever will.
    fn turn(&mut self) -> bool {
        self.outside.set((self.world.now() / 1_000) as i64);
        if self.world.now() >= self.checkpoint_at {
            let interval = self.options.checkpoint_interval.as_micros() as Micros;
            self.checkpoint_at = self.world.now() + interval;
            if let Some(house) = self.company.house.borrow_mut().as_mut() {
                house.steps.iter_mut().for_each(Steps::checkpoint_due);
            }
        }
        if self.dice.once_in(3) && self.work(false) || self.world.turn() || self.work(true) {
            return true;
        }
        let busy = (self.busy_until > self.world.now()).then_some(self.busy_until);
        self.world.pass(busy.or(Some(self.checkpoint_at)))
    }

    /// The engine does one thing, if the disk has time.
    fn work(&mut self, any: bool) -> bool {
        if self.world.now() < self.busy_until {
            return false;
        }
        let mut house = self.company.house.borrow_mut();
        let Some(steps) = house.as_mut().and_then(|house| house.steps.as_mut()) else {
            return false;
        };
        let first = self.dice.below(8);
        let tries = if any { 4 } else { 1 };
        let mut done = false;
        for offset in 0..tries {
            done = match (first + offset) % 8 {
                1 | 5 => steps.checkpoint(),
                2 | 6 => steps.collect(),
                3 | 7 => steps.prepare_segment(),
                _ => steps.commit(),
            };
            if done {
                break;
            }
        }
        if done {
            let most = if self.slow { 400_000 } else { 4_000 };
            self.busy_until = self.world.now() + self.dice.below(most);
        }
        done
    }

    /// The process ends, starts again and is looked at. `false` if it cannot.
    fn die(&mut self, death: Death) -> bool {
        self.note(|| format!("{death:?}"));
        if death == Death::End && !self.end() {
            return false;
        }
        self.disk.set_faults(Faults::default());
        self.fault_left = 0;
        self.count();
        if death != Death::End {
            // Nothing that is still to be cleaned up reaches the disk.
            self.disk.crash();
        }
        self.world.end_server();
        drop(self.company.house.borrow_mut().take());
        match death {
            Death::Kill => {
                self.events.kills += 1;
                self.disk.set_process(true);
            }
            Death::Cut => {
                self.events.cuts += 1;
                self.disk = self.disk.restart(&mut self.dice);
            }
            Death::End => self.events.ends += 1,
        }
        // What was on its way to clients arrives, so that they know what they were told.
        while self.company.lines.get() > 0 && self.turn() {}
        let Some(mut house) = self.open() else { return false };
        if !self.look(&mut house, "the start") {
            return self.wrong.is_empty() && self.die_again();
        }
        self.move_in(house);
        self.wrong.is_empty()
    }

    /// The plug was pulled while it was looked at.
    fn die_again(&mut self) -> bool {
        self.events.cuts += 1;
        self.disk = self.disk.restart(&mut self.dice);
        let Some(mut house) = self.open() else { return false };
        self.disk.set_process(true);
        self.look(&mut house, "the next start");
        self.move_in(house);
        self.wrong.is_empty()
    }

    /// The server goes down as it should.
    fn end(&mut self) -> bool {
        self.disk.set_faults(Faults::default());
        let stopping = self.company.house.borrow().as_ref().map(|house| house.stopping.clone());
        stopping.into_iter().for_each(|stopping| stopping.borrow_mut().tell());
        for _ in 0..2_000 {
            // The background worker goes on until it is ended.
            if self.world.count(Side::Server) <= 1 || !self.turn() {
                break;
            }
        }
        self.world.end_server();
        self.count();
        if let Some(house) = self.company.house.borrow_mut().take() {
            house.close();
        }
        true
    }

    fn count(&mut self) {
        if let Some(house) = self.company.house.borrow().as_ref()
            && let Ok(stats) = house.store.stats()
        {
            self.events.checkpoints += stats.checkpoints;
            self.events.collected += stats.segments_collected;
            let most = 2 * self.options.checkpoint_memory as u64 + MEMORY_SLACK;
            if stats.memtable_bytes > most {
                self.wrong.push(format!("{} octets in memory", stats.memtable_bytes));
            }
        }
    }

    /// Looks whether every law holds. `false` if the plug was pulled meanwhile.
    fn look(&mut self, house: &mut House, when: &str) -> bool {
        // It shall be looked at, not fail again.
        self.disk.set_process(true);
        let wrong = audit(&mut self.company.ledger.borrow_mut(), house);
        let report = house.store.check(u64::MAX);
        let findings = report.findings.iter().map(|finding| format!("store check: {finding:?}"));
        let found: Vec<String> = wrong.into_iter().chain(findings).collect();
        self.wrong.extend(found.into_iter().map(|what| format!("at {when}: {what}")));
        !self.disk.is_dead()
    }
}
