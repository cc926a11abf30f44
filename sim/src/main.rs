//! `cargo run --release -p sim -- --seed 7421` replays one run with its trace; `--seeds 100000` runs
//! so many on all cores; `--broken NAME` puts a fault in and counts the runs until it is found.

use sim::fault::{ALL, Broken};
use sim::run::{Settings, run};
use std::process::ExitCode;

const HELP: &str = "\
sim --seed N [--broken FAULT]              one run, with its trace
sim --seeds COUNT [--from N] [--broken FAULT]  so many runs, on all cores
sim --faults                               how many runs each fault put in on purpose takes to be found
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (mut seed, mut seeds, mut from, mut broken) = (None, None, 0, Broken::Nothing);
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|text| text.parse::<u64>().ok());
        match argument.as_str() {
            "--seed" => seed = number(),
            "--seeds" => seeds = number(),
            "--from" => from = number().unwrap_or(0),
            "--faults" => return faults(),
            "--broken" => match arguments.next().unwrap_or_default().parse() {
                Ok(named) => broken = named,
                Err(error) => {
                    eprintln!("{error}");
                    return ExitCode::FAILURE;
                }
            },
            _ => {
                print!("{HELP}");
                return ExitCode::FAILURE;
            }
        }
    }
    match (seed, seeds) {
        (Some(seed), _) => one(seed, broken),
        (None, Some(count)) => many(from, count, broken),
        (None, None) => {
            print!("{HELP}");
            ExitCode::FAILURE
        }
    }
}

fn one(seed: u64, broken: Broken) -> ExitCode {
    let outcome = run(Settings { seed, broken, print: true });
    println!("{:?}\n{:?}\nhash {:016x}", outcome.counts, outcome.events, outcome.hash);
    outcome.wrong.iter().for_each(|wrong| println!("BROKEN {wrong}"));
    if outcome.wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn many(from: u64, count: u64, broken: Broken) -> ExitCode {
    let summary = sim::many::run_all(from..from + count, broken, u64::MAX, true);
    print!("{summary}");
    if summary.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs until a fault is found, at most.
const FAULT_RUNS_MAX: u64 = 3_000;

fn faults() -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for (name, broken) in ALL {
        let summary = sim::many::run_all(0..FAULT_RUNS_MAX, broken, 1, false);
        match summary.failures.first() {
            Some((seed, wrong)) => println!("{name}: found by run {seed}: {wrong}"),
            None => {
                println!("{name}: not found in {FAULT_RUNS_MAX} runs");
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}
