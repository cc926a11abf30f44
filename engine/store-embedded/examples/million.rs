//! The storage measurement: durable deliveries of 4 KB messages with five keys each, by 1, 8 and 64
//! producers, then a kill and the time to open again.
//!
//! ```text
//! cargo run --release -p engine-store-embedded --example million -- --messages 1000000
//! ```
//!
//! `--messages N` is what 64 producers deliver (8 deliver a tenth, 1 a fiftieth); `--directory DIR`
//! says where, and what is there stays. It only prints; nothing depends on the time it takes.

use core_store::suite::{Dice, block_on};
use core_store::{Batch, Blobs, Store};
use engine_store_embedded::{EmbeddedStore, Options};
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const BODY_SIZE: usize = 4096;
const MAILBOXES: u64 = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut messages = 5_000;
    let mut directory = None;
    let mut depth = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or("every option has a value")?;
        match name.as_str() {
            "--messages" => messages = value.parse()?,
            "--directory" => directory = Some(PathBuf::from(value)),
            "--load" => depth = Some(value.parse()?),
            _ => return Err(format!("unknown option {name}").into()),
        }
    }
    match (depth, directory) {
        (Some(depth), Some(directory)) => load(&directory, depth, messages),
        (None, Some(directory)) => measure(&directory, messages),
        _ => {
            let directory = tempfile::tempdir_in(".")?;
            measure(directory.path(), messages)
        }
    }
}

/// Each depth in a process of its own, which is killed when it has said its result.
fn measure(directory: &Path, messages: u64) -> Result<(), Box<dyn Error>> {
    println!(
        "depth  messages   msgs/s   p50 ms   p99 ms   max ms  syncs/msg  write ampl.  memory MB"
    );
    for (depth, messages) in [(1, messages / 50), (8, messages / 10), (64, messages)] {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--load", &depth.to_string(), "--messages", &messages.max(1).to_string()])
            .arg("--directory")
            .arg(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().ok_or("the loading process has no output")?;
        let line = BufReader::new(output).lines().next();
        child.kill()?;
        child.wait()?;
        println!("{}", line.ok_or("the loading process failed")??);
    }
    let begun = Instant::now();
    let store = EmbeddedStore::open(directory, Options::default())?;
    let after_kill = begun.elapsed();
    let replayed = store.recovery().replayed >> 20;
    store.close();
    drop(store);
    let begun = Instant::now();
    let store = EmbeddedStore::open(directory, Options::default())?;
    println!(
        "opened after the kill in {after_kill:?} ({replayed} MiB replayed), after closing in {:?}",
        begun.elapsed()
    );
    println!("{}", store.stats()?);
    println!("{}", store.check(u64::MAX));
    Ok(())
}

/// Delivers, prints one line, and waits to be killed.
fn load(directory: &Path, depth: u64, messages: u64) -> Result<(), Box<dyn Error>> {
    let store = EmbeddedStore::open(directory, Options::default())?;
    let (next, base) = (AtomicU64::new(0), store.stats()?.blobs);
    let written = written_bytes();
    let begun = Instant::now();
    let mut times: Vec<Duration> = thread::scope(|scope| {
        let producer = |_| {
            scope.spawn(|| {
                let mut times = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= messages {
                        return times;
                    }
                    let begun = Instant::now();
                    deliver(&store, base + number);
                    times.push(begun.elapsed());
                }
            })
        };
        let producers: Vec<_> = (0..depth).map(producer).collect();
        producers.into_iter().flat_map(|producer| producer.join().unwrap_or_default()).collect()
    });
    let elapsed = begun.elapsed();
    times.sort_unstable();
    let at = |percent: usize| {
        times.get((times.len() * percent / 100).min(times.len() - 1)).map_or(0.0, millis)
    };
    let stats = store.stats()?;
    let payload = messages * (BODY_SIZE as u64 + METADATA_SIZE);
    println!(
        "{depth:>5}  {messages:>8}  {:>7.0}  {:>7.2}  {:>7.2}  {:>7.1}  {:>9.3}  {:>11.2}  {:>9}",
        messages as f64 / elapsed.as_secs_f64(),
        at(50),
        at(99),
        at(100),
        stats.log_syncs as f64 / messages as f64,
        written_bytes().saturating_sub(written) as f64 / payload as f64,
        resident_kilobytes() / 1024,
    );
    // Until the one who started this has read the line and kills.
    std::io::stdin().read_line(&mut String::new())?;
    Ok(())
}

fn millis(time: &Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Octets of keys and values of one message.
const METADATA_SIZE: u64 = 200 + 600 + 40 + 24 + 8 + 5 * 16;

fn deliver(store: &EmbeddedStore, number: u64) {
    let mut dice = Dice::new(number);
    let mut writer = store.begin();
    block_on(writer.write(&dice.octets(BODY_SIZE))).expect("a body is written");
    let body = block_on(writer.finish()).expect("a body is finished");
    let mailbox = dice.below(MAILBOXES).to_be_bytes();
    let key = |table: u8, rest: [u8; 8]| [&[table][..], &mailbox[2..], &rest, &[0]].concat();
    let mut batch = Batch::new();
    batch.put(key(b'r', number.to_be_bytes()), dice.octets(200));
    batch.put(key(b'h', number.to_be_bytes()), dice.octets(600));
    batch.put(key(b'c', number.to_be_bytes()), dice.octets(40));
    batch.add(key(b'n', [0; 8]), &[1, BODY_SIZE as i64, 1]);
    let epoch = (number / 1_000_000) as u8;
    batch.put([&[b'i', epoch][..], &dice.octets(14)].concat(), number.to_be_bytes().to_vec());
    batch.keep(body, 1);
    block_on(store.commit(batch)).expect("a message is delivered");
}

/// Octets that this process has written, prepared segments and checkpoints included, where the
/// system tells.
fn written_bytes() -> u64 {
    from_proc("/proc/self/io", "wchar:")
}

/// Memory in use, where the system tells.
fn resident_kilobytes() -> u64 {
    from_proc("/proc/self/status", "VmRSS:")
}

fn from_proc(file: &str, name: &str) -> u64 {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
