//! The plug is pulled, again and again: everything acknowledged must be there, nothing by halves.

use crate::disk::SimDisk;
use core_store::suite::model::{Model, random_change};
use core_store::suite::{Dice, Subject};
use core_store::{Batch, Value};
use engine_store_embedded::{EmbeddedStore, OpenError, Options};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Power cuts of a run.
const CUTS: usize = 5;
/// Writers at a time, each with keys of its own.
const LANES: usize = 3;
/// Batches that a writer commits between two cuts at most.
const STEPS_MAX: u64 = 40;
/// Changes of the disk after which the plug is pulled, at most.
const OPERATIONS_MAX: u64 = 700;

/// Small sizes and short times, so that segments, checkpoints and collections come often.
pub fn options(dice: &mut Dice) -> Options {
    Options {
        segment_size: 32 << (10 + dice.below(3)),
        cache_size: 1 << 20,
        checkpoint_log: 16 << (10 + dice.below(4)),
        checkpoint_memory: 1 << 20,
        checkpoint_interval: Duration::from_millis(1 + dice.below(20)),
        reserve: 0,
        copy_after: 16 << (10 + dice.below(6)),
        ..Options::default()
    }
}

/// One writer: what it was told is done, and the batch whose answer never came.
struct Lane {
    dice: Dice,
    model: Model,
    in_doubt: Option<Model>,
    step: u64,
}

/// What a run saw, to make sure that it saw something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Batches acknowledged.
    pub acknowledged: u64,
    /// Batches in doubt that turned out to be done,
    pub done: u64,
    /// and not done.
    pub undone: u64,
    /// Openings that replayed some of the log.
    pub replays: u64,
    /// Openings that cut off an unfinished batch.
    pub cuts: u64,
    /// Openings during which the plug was pulled.
    pub openings_cut: u64,
    /// Segments emptied by collection.
    pub collected: u64,
}

/// Opens the store on a simulated disk.
pub fn open(disk: &SimDisk, options: &Options) -> Result<Arc<EmbeddedStore>, OpenError> {
    EmbeddedStore::open_on(Arc::new(disk.clone()), Path::new("simulated"), options.clone())
}

/// The store as a subject of the suite.
pub fn subject(store: &Arc<EmbeddedStore>) -> Subject {
    Subject { store: store.clone(), blobs: store.clone() }
}

/// One run. Panics, after naming the seed, if the store breaks a promise.
pub fn run(seed: u64) -> Seen {
    let mut run = Run::new(seed);
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run.all()));
    if let Err(panic) = done {
        eprintln!("power: SIM_SEED={seed}");
        std::panic::resume_unwind(panic);
    }
    run.seen
}

struct Run {
    dice: Dice,
    disk: SimDisk,
    lanes: Vec<Lane>,
    seen: Seen,
}

impl Run {
    fn new(seed: u64) -> Run {
        let mut dice = Dice::new(seed);
        let lane = |lane: usize| Lane {
            dice: Dice::new(dice.roll()),
            model: Model::within(format!("lane {lane} ").as_bytes()),
            in_doubt: None,
            step: 0,
        };
        let lanes = (0..LANES).map(lane).collect();
        Run { dice, disk: SimDisk::new(), lanes, seen: Seen::default() }
    }

    fn all(&mut self) {
        for _ in 0..CUTS {
            self.until_the_next_cut();
            self.disk = self.disk.restart(&mut self.dice);
        }
        let store = self.reopen(None);
        let subject = subject(&store);
        self.audit(&subject);
        self.lanes.iter_mut().for_each(|lane| lane.model.release_all(&subject));
        store.close();
        assert_eq!(store.check(u64::MAX).findings, [], "nothing is wrong after the last close");
    }

    fn until_the_next_cut(&mut self) {
        let operations = 1 + self.dice.below(OPERATIONS_MAX);
        let store = self.reopen(Some(operations));
        let subject = subject(&store);
        let Ok(()) = self.audit_if_powered(&subject) else { return };
        thread::scope(|scope| {
            for lane in &mut self.lanes {
                let (subject, disk) = (&subject, &self.disk);
                scope.spawn(move || lane.work(subject, disk));
            }
        });
        if let Ok(stats) = store.stats() {
            self.seen.collected += stats.segments_collected;
            self.seen.acknowledged += stats.commits;
        }
        // Sometimes the store gets to say good-bye.
        if self.dice.once_in(4) {
            store.close();
        }
        self.disk.crash();
        store.close();
    }

    /// Opens the store; if the plug is pulled meanwhile, once more.
    fn reopen(&mut self, operations: Option<u64>) -> Arc<EmbeddedStore> {
        let options = options(&mut self.dice);
        if let Some(operations) = operations {
            // Half of the time in the log, where it should hurt.
            match self.dice.once_in(2) {
                true => self.disk.crash_on("seg/", operations / 8),
                false => self.disk.crash_after(operations),
            }
        }
        loop {
            match open(&self.disk, &options) {
                Ok(store) => {
                    self.seen.replays += u64::from(store.recovery().replayed > 0);
                    self.seen.cuts += u64::from(store.recovery().cut.is_some());
                    return store;
                }
                Err(error) => {
                    assert!(self.disk.is_dead(), "{error}");
                    self.seen.openings_cut += 1;
                    self.disk = self.disk.restart(&mut self.dice);
                }
            }
        }
    }

    /// Compares, unless the plug is pulled meanwhile.
    fn audit_if_powered(&mut self, subject: &Subject) -> Result<(), ()> {
        let operations = self.disk.operations();
        let audited =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.audit(subject)));
        match audited {
            Ok(()) => Ok(()),
            Err(_) if self.disk.is_dead() && self.disk.operations() >= operations => Err(()),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    /// Every lane must be as it was told, or with the batch in doubt.
    fn audit(&mut self, subject: &Subject) {
        for (number, lane) in self.lanes.iter_mut().enumerate() {
            let difference = lane.model.difference(subject);
            let Some(next) = lane.in_doubt.take() else {
                assert_eq!(difference, None, "lane {number}");
                continue;
            };
            if difference.is_none() {
                self.seen.undone += 1;
                continue;
            }
            let otherwise = next.difference(subject);
            if otherwise.is_some() {
                lane.in_doubt = Some(next);
                panic!("lane {number}: {difference:?}, and with the last batch: {otherwise:?}");
            }
            self.seen.done += 1;
            lane.model = next;
        }
    }
}

impl Lane {
    /// Commits until the power is gone.
    fn work(&mut self, subject: &Subject, disk: &SimDisk) {
        let steps = self.dice.below(STEPS_MAX);
        for _ in 0..steps {
            let mut batch = Batch::new();
            let Some(mut next) = self.change(subject, &mut batch) else {
                assert!(disk.is_dead(), "a body could not be written");
                return;
            };
            // Tells apart what holds and releases alone would not.
            self.step += 1;
            let key = next.key(b"step");
            batch.put(key.clone(), self.step.to_be_bytes().to_vec());
            next.values.insert(key, Value::copy_from_slice(&self.step.to_be_bytes()));
            match subject.commit(batch) {
                Ok(_) => self.model = next,
                Err(error) => {
                    assert!(disk.is_dead(), "{error}");
                    self.in_doubt = Some(next);
                    return;
                }
            }
        }
    }

    fn change(&mut self, subject: &Subject, batch: &mut Batch) -> Option<Model> {
        random_change(&mut self.dice, &self.model, subject, batch).ok()
    }
}
