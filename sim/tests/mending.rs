//! Disks that fail or fill up for a while: the store mends itself without a restart.

use core_store::suite::{Dice, Subject, block_on};
use core_store::{Batch, BlobId, Blobs, Body, StoreError};
use engine_store_embedded::{EmbeddedStore, Options};
use sim::disk::{Faults, SimDisk};
use sim::power::{open, subject};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn options() -> Options {
    Options {
        segment_size: 256 << 10,
        cache_size: 1 << 20,
        checkpoint_interval: Duration::from_secs(3600),
        reserve: 32 << 20,
        reopen_after: Duration::from_millis(5),
        ..Options::default()
    }
}

fn store(disk: &SimDisk) -> (Arc<EmbeddedStore>, Subject) {
    let store = open(disk, &options()).expect("a store");
    let subject = subject(&store);
    (store, subject)
}

fn fails(write: Option<&str>, sync: Option<&str>) -> Faults {
    Faults { write: write.map(str::to_owned), sync: sync.map(str::to_owned), ..Faults::default() }
}

/// Background work is waited for, but not for ever.
#[track_caller]
fn wait_until(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it never happens");
        std::thread::yield_now();
    }
}

fn put(subject: &Subject, key: &'static [u8]) -> Result<(), StoreError> {
    let mut batch = Batch::new();
    batch.put(key, key);
    subject.commit(batch).map(drop)
}

fn body(store: &EmbeddedStore, octets: &[u8]) -> Result<Body, StoreError> {
    let mut writer = store.begin();
    block_on(writer.write(octets))?;
    block_on(writer.finish())
}

/// Two keys in one batch: both or none.
fn put_both(subject: &Subject) -> Result<(), StoreError> {
    let mut batch = Batch::new();
    batch.put(&b"left"[..], &b"1"[..]).put(&b"right"[..], &b"1"[..]);
    subject.commit(batch).map(drop)
}

/// `subject.get` panics while the store is being opened again.
fn must_get(store: &EmbeddedStore, key: &[u8]) -> bool {
    let snapshot = block_on(core_store::Store::snapshot(store)).expect("it is open");
    block_on(snapshot.get(key)).expect("it can be read").is_some()
}

#[test]
fn a_store_whose_log_cannot_be_written_opens_itself_again() {
    for (round, (write, sync)) in
        [(Some("seg/"), None), (None, Some("seg/"))].into_iter().enumerate()
    {
        let disk = SimDisk::new();
        let (store, subject) = store(&disk);
        put(&subject, b"before").expect("the disk is well");
        let blob = subject.keep(b"octets", 1);
        disk.set_faults(fails(write, sync));
        assert_eq!(put_both(&subject), Err(StoreError::OutcomeUnknown));
        // As long as nothing can be written, everything can be read, and whoever asks is told.
        assert!(matches!(put(&subject, b"refused"), Err(StoreError::Unavailable(_))));
        assert_eq!(subject.read(blob).as_deref(), Ok(&b"octets"[..]));
        assert!(store.failure().is_some());
        disk.set_faults(Faults::default());
        wait_until(|| put(&subject, b"after").is_ok());
        assert_eq!(store.failure(), None);
        assert!(must_get(&store, b"before") && must_get(&store, b"after"));
        assert!(!must_get(&store, b"left") && !must_get(&store, b"right"), "never promised");
        assert_eq!(subject.read(blob).as_deref(), Ok(&b"octets"[..]));
        assert!(store.check(u64::MAX).is_clean(), "{}", store.check(u64::MAX));
        // What was cut off does not come back with the power.
        disk.crash();
        drop((store, subject));
        let (store, _subject) = self::store(&disk.restart(&mut Dice::new(round as u64)));
        assert!(must_get(&store, b"before") && must_get(&store, b"after"));
        assert!(!must_get(&store, b"left") && !must_get(&store, b"refused"));
    }
}

#[test]
fn it_fails_and_mends_itself_a_hundred_times_and_keeps_every_promise() {
    let disk = SimDisk::new();
    let (store, subject) = store(&disk);
    let mut dice = Dice::new(7);
    let mut promised: Vec<(u64, BlobId)> = Vec::new();
    let mut failures = 0;
    for round in 0..400_u64 {
        if dice.once_in(4) {
            failures += 1;
            disk.set_faults(match dice.below(4) {
                0 => fails(Some("seg/"), None),
                1 => fails(None, Some("seg/")),
                2 => fails(None, Some("metadata")),
                _ => fails(Some("metadata"), None),
            });
            store.checkpoint_soon();
        }
        let len = [100, 5_000, 70_000][dice.below(3) as usize];
        let mut batch = Batch::new();
        let kept = body(&store, &Dice::new(round).octets(len)).map(|body| {
            let id = body.id;
            batch.keep(body, 1);
            id
        });
        batch.put(round.to_be_bytes().to_vec(), &b"there"[..]);
        if let (Ok(id), Ok(_)) = (kept, subject.commit(batch)) {
            promised.push((round, id));
        }
        disk.set_faults(Faults::default());
        if dice.once_in(3) {
            wait_until(|| put(&subject, b"well").is_ok());
        }
    }
    wait_until(|| put(&subject, b"well").is_ok());
    let check = |store: &EmbeddedStore, subject: &Subject| {
        for (round, id) in &promised {
            assert!(must_get(store, &round.to_be_bytes()), "{round}");
            let octets = subject.read(*id).expect("what was promised");
            assert_eq!(octets, Dice::new(*round).octets(octets.len()), "{round}");
        }
    };
    check(&store, &subject);
    assert!(store.check(u64::MAX).is_clean(), "{}", store.check(u64::MAX));
    disk.crash();
    drop((store, subject));
    let (store, subject) = self::store(&disk.restart(&mut dice));
    check(&store, &subject);
    println!("{failures} failures, {} of 400 commits promised", promised.len());
    assert!(failures > 60 && promised.len() > 150);
}

#[test]
fn a_large_body_does_not_outlive_the_opening_it_was_written_in() {
    let disk = SimDisk::new();
    let (store, subject) = store(&disk);
    let large = body(&store, &[7; 300_000]).expect("the disk is well");
    let small = body(&store, b"small").expect("the disk is well");
    disk.set_faults(fails(None, Some("seg/")));
    assert_eq!(put(&subject, b"during"), Err(StoreError::OutcomeUnknown));
    disk.set_faults(Faults::default());
    wait_until(|| put(&subject, b"after").is_ok());
    let keep = |body| {
        let mut batch = Batch::new();
        batch.keep(body, 1);
        subject.commit(batch).map(drop)
    };
    assert!(matches!(keep(large), Err(StoreError::Unavailable(_))), "its file is gone");
    assert_eq!(keep(small), Ok(()));
    let again = body(&store, &[7; 300_000]).expect("the disk is well");
    let id = again.id;
    assert_eq!(keep(again), Ok(()));
    assert_eq!(subject.read(id).map(|octets| octets.len()), Ok(300_000));
}

#[test]
fn a_failed_checkpoint_costs_no_promise() {
    for (write, sync) in [(Some("metadata"), None), (None, Some("metadata"))] {
        let disk = SimDisk::new();
        let (store, subject) = store(&disk);
        put(&subject, b"before").expect("the disk is well");
        disk.set_faults(fails(write, sync));
        store.checkpoint_soon();
        wait_until(|| store.failure().is_some());
        disk.set_faults(Faults::default());
        wait_until(|| put(&subject, b"after").is_ok());
        assert!(must_get(&store, b"before") && must_get(&store, b"after"));
        store.checkpoint_soon();
        wait_until(|| store.stats().is_ok_and(|stats| stats.checkpoints > 0));
        store.close();
        drop((store, subject));
        let (store, _subject) = self::store(&disk);
        assert!(must_get(&store, b"before") && must_get(&store, b"after"));
    }
}

#[test]
fn a_checkpoint_that_finds_no_room_waits_for_it_and_readers_go_on() {
    let disk = SimDisk::new();
    let (store, subject) = store(&disk);
    for key in [&b"one"[..], b"two", b"three"] {
        put(&subject, key).expect("there is room");
    }
    let many: Vec<Vec<u8>> = (0..200_u32).map(|n| n.to_be_bytes().to_vec()).collect();
    for key in &many {
        let mut batch = Batch::new();
        batch.put(key.clone(), vec![1; 10_000]);
        subject.must(batch);
    }
    // It tells that there is room for what brings no bodies, but nothing grows.
    disk.set_faults(Faults { full: Some(16 << 20), ..Faults::default() });
    store.checkpoint_soon();
    wait_until(|| store.stats().is_ok_and(|stats| stats.waits_for_room));
    assert!(must_get(&store, b"one") && must_get(&store, &many[150]));
    assert_eq!(store.failure(), None, "it only waits");
    let checkpoints = store.stats().expect("numbers").checkpoints;
    disk.set_faults(Faults::default());
    wait_until(|| store.stats().is_ok_and(|stats| stats.checkpoints > checkpoints));
    assert!(!store.stats().expect("numbers").waits_for_room);
    assert!(must_get(&store, b"one") && must_get(&store, &many[150]));
    put(&subject, b"after").expect("there is room");
}

#[test]
fn a_store_that_waits_for_room_can_be_closed_and_has_everything_afterwards() {
    let disk = SimDisk::new();
    let (store, subject) = store(&disk);
    put(&subject, b"before").expect("there is room");
    disk.set_faults(Faults { full: Some(16 << 20), ..Faults::default() });
    store.close();
    drop((store, subject));
    disk.set_faults(Faults::default());
    let (store, _subject) = self::store(&disk);
    assert!(must_get(&store, b"before"));
}

#[test]
fn a_body_begun_before_it_mended_itself_is_not_taken_for_one_begun_later() {
    let disk = SimDisk::new();
    let store = open(&disk, &options()).expect("a store");
    let subject = subject(&store);
    // Nothing is committed: all that is known of ids is what was begun.
    let mut old = store.begin();
    block_on(old.write(b"old")).expect("held in memory");
    disk.set_faults(fails(None, Some("seg/")));
    let mut batch = Batch::new();
    batch.put(&b"key"[..], &b"value"[..]);
    assert_eq!(subject.commit(batch), Err(StoreError::OutcomeUnknown));
    disk.set_faults(Faults::default());
    let begun = Instant::now();
    let new = loop {
        let mut batch = Batch::new();
        let body = subject.body(b"another", 10);
        let id = body.id;
        batch.keep(body, 1);
        if subject.commit(batch).is_ok() {
            break id;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "it mends itself");
        std::thread::yield_now();
    };
    let old = block_on(old.finish()).expect("a body");
    assert_ne!(old.id, new);
    let (id, mut batch) = (old.id, Batch::new());
    batch.keep(old, 1);
    subject.must(batch);
    assert_eq!(subject.read(id).as_deref(), Ok(&b"old"[..]));
    assert_eq!(subject.read(new).as_deref(), Ok(&b"another"[..]));
}
