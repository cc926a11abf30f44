//! The scrubber: reads everything once in a while, tells of damage, and goes on where it was.

use core_store::suite::{Dice, Subject, block_on};
use core_store::{Batch, Store};
use engine_store_embedded::{EmbeddedStore, Options, Stats};
use sim::disk::SimDisk;
use sim::power::{open, subject};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn options(scrub_every: Duration) -> Options {
    Options {
        segment_size: 128 << 10,
        cache_size: 1 << 20,
        checkpoint_interval: Duration::from_secs(3600),
        reserve: 0,
        scrub_every,
        ..Options::default()
    }
}

fn filled(disk: &SimDisk, scrub_every: Duration) -> (Arc<EmbeddedStore>, Subject) {
    let store = open(disk, &options(scrub_every)).expect("a store");
    let subject = subject(&store);
    (store, subject)
}

fn stats(store: &EmbeddedStore) -> Stats {
    store.stats().expect("numbers")
}

#[track_caller]
fn wait_until(is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it never happens");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn damage_is_found_whether_anybody_looks_or_not() {
    let disk = SimDisk::new();
    // Nothing is due yet.
    let (store, subject) = filled(&disk, Duration::from_secs(1 << 30));
    for number in 0..12 {
        subject.keep(&Dice::new(number).octets(30_000), 1);
    }
    let dead = subject.keep(&Dice::new(99).octets(30_000), 1);
    let large = subject.keep(&Dice::new(77).octets(400_000), 1);
    let mut batch = Batch::new();
    batch.release(dead);
    subject.must(batch);
    for number in 20..26 {
        subject.keep(&Dice::new(number).octets(30_000), 1);
    }
    assert_eq!(stats(&store).scrubbed_bytes, 0);
    store.close();
    drop((store, subject));
    // A body in use, one that nobody holds, and a large one.
    let segment = disk.content("seg/0000000000000001").expect("a segment");
    disk.flip("seg/0000000000000001", 20_000);
    let dead_octets = Dice::new(99).octets(30_000);
    let find = |name: &str| {
        let content = disk.content(name).unwrap_or_default();
        content.windows(16).position(|window| window == &dead_octets[..16])
    };
    let (name, at) = disk
        .names()
        .into_iter()
        .filter(|name| name.starts_with("seg/"))
        .find_map(|name| find(&name).map(|at| (name, at)))
        .expect("it is still there");
    disk.flip(&name, at + 100);
    disk.flip(&format!("large/{:016x}", large.0), 100_000);
    assert!(segment.len() > 100_000);
    // Now a round is due at once.
    let (store, subject) = filled(&disk, Duration::from_secs(0));
    wait_until(|| stats(&store).scrubs > 0);
    assert_eq!(stats(&store).scrubbed_damaged, 2, "{}", stats(&store));
    assert!(stats(&store).scrubbed_bytes > 400_000);
    // Others went on.
    assert!(block_on(store.snapshot()).is_ok());
    drop(subject);
}
