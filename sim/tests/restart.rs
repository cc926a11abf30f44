//! A process that ends leaves with the system what the medium may not have. The next one builds on
//! what it finds, so it must first make sure of it.

use core_store::suite::{Dice, Subject};
use core_store::{Batch, StoreError};
use engine_store_embedded::Options;
use sim::disk::{Faults, SimDisk};
use sim::power::{open, subject};
use std::time::Duration;

/// What a power cut leaves differs; of so many the worst will be among them.
const CUTS: u64 = 40;

fn options() -> Options {
    Options {
        segment_size: 256 << 10,
        cache_size: 1 << 20,
        checkpoint_interval: Duration::from_secs(3600),
        reserve: 0,
        reopen_after: Duration::from_secs(3600),
        ..Options::default()
    }
}

fn put(subject: &Subject, key: &'static [u8]) -> Result<(), StoreError> {
    let mut batch = Batch::new();
    batch.put(key, key);
    subject.commit(batch).map(drop)
}

/// Starts the next process on the same machine, and does `work`; then the power goes. What is left?
fn left_after(disk: &SimDisk, cut: u64, work: impl FnOnce(&Subject)) -> SimDisk {
    disk.set_faults(Faults::default());
    disk.set_process(true);
    let store = open(disk, &options()).expect("the disk is well");
    work(&subject(&store));
    disk.crash();
    drop(store);
    disk.restart(&mut Dice::new(cut))
}

#[test]
fn what_is_promised_after_a_failed_sync_and_a_restart_survives_a_power_cut() {
    for cut in 0..CUTS {
        let disk = SimDisk::new();
        let store = open(&disk, &options()).expect("a store");
        put(&subject(&store), b"before").expect("the disk is well");
        disk.set_faults(Faults { sync: Some("seg/".into()), ..Faults::default() });
        assert_eq!(put(&subject(&store), b"during"), Err(StoreError::OutcomeUnknown));
        disk.set_process(false);
        drop(store);
        let disk = left_after(&disk, cut, |subject| {
            put(subject, b"after").expect("the disk is well");
        });
        let store = open(&disk, &options()).expect("nothing is damaged");
        let subject = subject(&store);
        assert!(subject.get(b"before").is_some() && subject.get(b"after").is_some(), "cut {cut}");
    }
}

#[test]
fn what_was_seen_after_a_kill_survives_a_power_cut() {
    for cut in 0..CUTS {
        let disk = SimDisk::new();
        let store = open(&disk, &options()).expect("a store");
        put(&subject(&store), b"before").expect("the disk is well");
        // Killed between the write and the sync: that is the second operation of a commit.
        disk.crash_on("seg/", 1);
        assert!(put(&subject(&store), b"during").is_err());
        disk.set_process(false);
        drop(store);
        let mut seen = None;
        let disk = left_after(&disk, cut, |subject| seen = subject.get(b"during"));
        let store = open(&disk, &options()).expect("nothing is damaged");
        assert!(seen.is_none() || subject(&store).get(b"during").is_some(), "cut {cut}");
        assert!(seen.is_some(), "it was written");
    }
}
