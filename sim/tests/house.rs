//! The whole house, simulated. `SIM_SEEDS=100000 cargo test --release -p sim --test house` looks at
//! so many runs; `cargo run --release -p sim -- --seed N` replays one with its trace.

use sim::fault::{ALL, Broken};
use sim::many::run_all;
use sim::run::{Settings, run};

/// Runs unless more are asked for.
const SEEDS: u64 = 48;
/// A fault put in on purpose is found within so many runs.
const FOUND_WITHIN: u64 = 200;

fn seeds() -> u64 {
    std::env::var("SIM_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(SEEDS)
}

#[test]
fn every_law_holds_whatever_happens() {
    let summary = run_all(0..seeds(), Broken::Nothing, u64::MAX, seeds() > SEEDS);
    println!("{summary}");
    assert!(summary.failures.is_empty(), "{summary}");
    let (counts, events) = (summary.counts, summary.events);
    let saw = [
        counts.delivered,
        counts.appended,
        counts.copied,
        counts.moved,
        counts.flags,
        counts.expunged,
        counts.names,
        counts.read,
        counts.doubts,
        counts.resyncs,
        events.kills,
        events.cuts,
        events.ends,
        events.failures,
        events.mended,
        events.full,
        events.unreadable,
        events.slow,
        events.jumps,
        events.openings_cut,
        events.checkpoints,
        events.collected,
    ];
    assert!(saw.iter().all(|count| *count > 0), "something never happened: {summary}");
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 0..4 {
        let settings = Settings { seed, ..Settings::default() };
        assert_eq!(run(settings).hash, run(settings).hash, "seed {seed}");
    }
    let other = Settings { seed: 5, ..Settings::default() };
    assert_ne!(run(other).hash, run(Settings::default()).hash);
}

#[test]
fn faults_put_in_on_purpose_are_found() {
    for (name, broken) in ALL {
        let summary = run_all(0..FOUND_WITHIN, broken, 1, false);
        assert!(!summary.failures.is_empty(), "{name} is not found in {FOUND_WITHIN} runs");
        println!("{name}: {:?}", summary.failures[0]);
    }
}
