//! Many runs on all cores.

use crate::fault::Broken;
use crate::ledger::Counts;
use crate::run::{Events, Settings, run};
use std::fmt;
use std::io::IsTerminal;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How often it is told how far it is.
const TELL_EVERY: Duration = Duration::from_secs(10);
/// Failures that are named.
const NAMED_MAX: usize = 20;

/// What many runs came to.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Runs done.
    pub runs: u64,
    /// Seeds that broke a law, and the first of the broken laws.
    pub failures: Vec<(u64, String)>,
    /// Of all runs together.
    pub counts: Counts,
    /// Of all runs together.
    pub events: Events,
    /// How long it took.
    pub time: Duration,
}

/// Runs `seeds`, until `failures_max` have failed; `tell` says now and then how far it is.
pub fn run_all(seeds: Range<u64>, broken: Broken, failures_max: u64, tell: bool) -> Summary {
    let next = AtomicU64::new(seeds.start);
    let summary = Mutex::new(Summary::default());
    let begun = Instant::now();
    let told = Mutex::new(begun);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Relaxed);
                    let failed = lock(&summary).failures.len() as u64;
                    if seed >= seeds.end || failed >= failures_max {
                        return;
                    }
                    add(&mut lock(&summary), seed, broken_laws(seed, broken));
                    let mut told = lock(&told);
                    if tell && told.elapsed() >= TELL_EVERY {
                        *told = Instant::now();
                        tell_progress(&lock(&summary), seeds.end - seeds.start, begun);
                    }
                }
            });
        }
    });
    let mut summary = summary.into_inner().unwrap_or_else(PoisonError::into_inner);
    summary.failures.sort();
    summary.time = begun.elapsed();
    summary
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn broken_laws(seed: u64, broken: Broken) -> crate::run::Outcome {
    let settings = Settings { seed, broken, print: false };
    catch_unwind(AssertUnwindSafe(|| run(settings))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let wrong = vec![format!("panic: {}", text.unwrap_or_default())];
        crate::run::Outcome { wrong, ..Default::default() }
    })
}

fn add(summary: &mut Summary, seed: u64, outcome: crate::run::Outcome) {
    summary.runs += 1;
    summary.counts.add(&outcome.counts);
    summary.events.add(&outcome.events);
    if let Some(first) = outcome.wrong.into_iter().next() {
        eprintln!("seed {seed}: {first}");
        summary.failures.push((seed, first));
    }
}

fn tell_progress(summary: &Summary, count: u64, begun: Instant) {
    let rate = summary.runs as f64 / begun.elapsed().as_secs_f64();
    let left = (count - summary.runs) as f64 / rate;
    let end = if std::io::stderr().is_terminal() { "\r" } else { "\n" };
    let (runs, failed) = (summary.runs, summary.failures.len());
    eprint!(
        "{runs} of {count} runs, {failed} failed, {rate:.0} a second, {left:.0} s left   {end}"
    );
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { runs, failures, counts, events, time } = self;
        writeln!(f, "{runs} runs in {:.1} s: {} failed", time.as_secs_f64(), failures.len())?;
        writeln!(f, "{counts:?}\n{events:?}")?;
        for (seed, wrong) in failures.iter().take(NAMED_MAX) {
            writeln!(f, "cargo run --release -p sim -- --seed {seed}: {wrong}")?;
        }
        Ok(())
    }
}
