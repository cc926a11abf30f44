//! Power cuts. `SIM_SEEDS=1000 cargo test -p sim` looks at more of them (1,000 at most: the runs of
//! the whole house are the quicker ones), `SIM_SEED=n` at one.

use sim::power::{Seen, run};

/// Runs at most.
const SEEDS_MAX: u64 = 1_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn what_was_acknowledged_survives_any_power_cut() {
    let seeds = match number("SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SIM_SEEDS").unwrap_or(16).min(SEEDS_MAX),
    };
    let mut all = Seen::default();
    for seed in seeds.clone() {
        let seen = run(seed);
        all.acknowledged += seen.acknowledged;
        all.done += seen.done;
        all.undone += seen.undone;
        all.replays += seen.replays;
        all.cuts += seen.cuts;
        all.openings_cut += seen.openings_cut;
        all.collected += seen.collected;
    }
    println!("{all:?}");
    if seeds.end - seeds.start >= 16 {
        let Seen { acknowledged, done, undone, replays, cuts, .. } = all;
        assert!(acknowledged > 500 && replays > 20, "the runs did something: {all:?}");
        assert!(undone > 10 && done + cuts > 0, "the plug was pulled in many places: {all:?}");
    }
}
