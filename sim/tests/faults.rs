//! Disks that fail in other ways than by losing power.

use core_store::suite::{Dice, Subject};
use core_store::{Batch, BlobId, StoreError};
use engine_store_embedded::{EmbeddedStore, OpenError, Options};
use sim::disk::{Faults, SimDisk};
use sim::power::{open, subject};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Later than any test ends.
const NEVER: Duration = Duration::from_secs(3600);

/// No checkpoint but the last, so that the log is where everything is.
fn options() -> Options {
    Options {
        segment_size: 256 << 10,
        cache_size: 1 << 20,
        checkpoint_interval: NEVER,
        reserve: 32 << 20,
        reopen_after: NEVER,
        ..Options::default()
    }
}

fn store(disk: &SimDisk) -> (Arc<EmbeddedStore>, Subject) {
    let store = open(disk, &options()).expect("a store");
    let subject = subject(&store);
    (store, subject)
}

/// Background work is waited for, but not for ever.
#[track_caller]
fn wait_until(is_so: impl Fn() -> bool) {
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

#[test]
fn after_a_failed_sync_nothing_is_committed_and_everything_can_be_read() {
    for (write, sync) in [(Some("seg/"), None), (None, Some("seg/"))] {
        let disk = SimDisk::new();
        let (store, subject) = store(&disk);
        put(&subject, b"before").expect("the disk is well");
        let blob = subject.keep(b"octets", 1);
        disk.set_faults(Faults {
            write: write.map(str::to_owned),
            sync: sync.map(str::to_owned),
            ..Faults::default()
        });
        assert_eq!(put(&subject, b"during"), Err(StoreError::OutcomeUnknown));
        disk.set_faults(Faults::default());
        let syncs = disk.syncs("seg/");
        // The disk is well again, but what it holds is not known: a sync is never tried again.
        let Err(StoreError::Unavailable(why)) = put(&subject, b"after") else {
            panic!("it stopped")
        };
        assert!(
            why.contains("writing the log failed") && why.contains("opens itself again"),
            "{why}"
        );
        assert_eq!(disk.syncs("seg/"), syncs);
        assert!(store.failure().is_some());
        assert_eq!(subject.get(b"before").as_deref(), Some(&b"before"[..]));
        assert_eq!(subject.read(blob).as_deref(), Ok(&b"octets"[..]));
        assert_eq!(subject.get(b"during"), None);
    }
}

#[test]
fn a_failed_batch_is_whole_or_absent_when_the_store_is_opened_again() {
    let disk = SimDisk::new();
    let (store, subject) = store(&disk);
    put(&subject, b"before").expect("the disk is well");
    disk.set_faults(Faults { sync: Some("seg/".into()), ..Faults::default() });
    let mut batch = Batch::new();
    batch.put(&b"left"[..], &b"1"[..]).put(&b"right"[..], &b"1"[..]);
    assert_eq!(subject.commit(batch), Err(StoreError::OutcomeUnknown));
    drop((store, subject));
    let disk = disk.restart(&mut Dice::new(1));
    let (_store, subject) = self::store(&disk);
    assert_eq!(subject.get(b"left").is_some(), subject.get(b"right").is_some());
    assert!(subject.get(b"before").is_some());
    put(&subject, b"after").expect("it works again");
}

#[test]
fn a_full_disk_refuses_bodies_first_then_everything_and_heals() {
    let disk = SimDisk::new();
    let (_store, subject) = store(&disk);
    let blob = subject.keep(b"octets", 1);
    let full = |free| Faults { full: Some(free), ..Faults::default() };
    let keep = || {
        let mut batch = Batch::new();
        batch.keep(subject.body(b"new", 10), 1);
        subject.commit(batch).map(drop)
    };
    let refusal = Err(StoreError::Full);
    // The next segment is prepared and the first is full.
    subject.keep(&vec![1; 100_000], 1);
    wait_until(|| {
        disk.content("seg/0000000000000002").is_some_and(|content| content.len() == 256 << 10)
    });
    subject.keep(&vec![1; 100_000], 1);
    subject.keep(&vec![1; 100_000], 1);
    // Below the reserve: no mail comes in, but a message can be deleted.
    disk.set_faults(full(16 << 20));
    assert_eq!(keep(), refusal);
    let mut batch = Batch::new();
    batch.release(blob);
    assert_eq!(subject.commit(batch).map(drop), Ok(()));
    disk.set_faults(full(1 << 20));
    assert_eq!(put(&subject, b"key"), refusal);
    // Room again: nothing has to be restarted.
    disk.set_faults(Faults::default());
    assert_eq!(keep(), Ok(()));
}

#[test]
fn a_disk_that_is_full_without_telling_refuses_and_heals() {
    // Before anything was prepared, and with the first segment almost full.
    for kept in [0, 2] {
        let disk = SimDisk::new();
        let (store, subject) = store(&disk);
        for _ in 0..kept {
            subject.keep(&vec![1; 100_000], 1);
        }
        put(&subject, b"before").expect("there is room");
        disk.set_faults(Faults { full: Some(u64::MAX), ..Faults::default() });
        let mut refused = 0;
        for _ in 0..8 {
            let mut batch = Batch::new();
            batch.keep(subject.body(&vec![2; 100_000], 50_000), 1).put(&b"body"[..], &b"kept"[..]);
            match subject.commit(batch) {
                Ok(_) => {}
                Err(StoreError::Full) => refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
        assert!(refused > 0 && store.failure().is_none());
        disk.set_faults(Faults::default());
        put(&subject, b"after").expect("there is room again");
        disk.crash();
        drop((store, subject));
        let (_store, subject) = self::store(&disk.restart(&mut Dice::new(kept)));
        assert!(subject.get(b"before").is_some() && subject.get(b"after").is_some());
        assert_eq!(subject.get(b"body").is_some(), refused < 8);
    }
}

fn kept(subject: &Subject, size: usize) -> BlobId {
    subject.keep(&Dice::new(size as u64).octets(size), 1)
}

#[test]
fn an_octet_that_turned_over_is_never_served() {
    let disk = SimDisk::new();
    let (store, subject) = store(&disk);
    let small = kept(&subject, 5_000);
    let middle = kept(&subject, 100_000);
    let large = kept(&subject, 400_000);
    assert!(store.check(u64::MAX).is_clean());
    disk.flip("seg/0000000000000001", 1_000);
    assert!(matches!(subject.read(small), Err(StoreError::Corrupt(_))));
    let segment = disk.content("seg/0000000000000001").expect("the first segment");
    disk.flip("seg/0000000000000001", segment.len().min(90_000));
    assert!(matches!(subject.read(middle), Err(StoreError::Corrupt(_))));
    let name = disk.names().into_iter().find(|name| name.starts_with("large/")).expect("a file");
    disk.flip(&name, 300_000);
    assert!(matches!(subject.read(large), Err(StoreError::Corrupt(_))));
    // Another part of it is still good.
    let part = core_store::suite::block_on(subject.blobs.read(large, 0..1000));
    assert_eq!(part.map(|part| part.len()), Ok(1000));
    let report = store.check(u64::MAX);
    assert!(report.findings.len() >= 2, "{report}");
}

#[test]
fn damage_in_the_middle_of_the_log_is_reported_and_nothing_is_cut_off() {
    for segments in [1, 3] {
        let disk = SimDisk::new();
        let (store, subject) = store(&disk);
        while disk.names().iter().filter(|name| name.starts_with("seg/")).count() <= segments {
            kept(&subject, 30_000);
            put(&subject, b"key").expect("the disk is well");
        }
        put(&subject, b"last").expect("the disk is well");
        // The power goes before any checkpoint.
        disk.crash();
        drop((store, subject));
        let disk = disk.restart(&mut Dice::new(segments as u64));
        disk.flip("seg/0000000000000001", 20_000);
        let before = disk.content("seg/0000000000000001");
        let Err(error) = open(&disk, &options()) else { panic!("it is damaged") };
        let OpenError::Corrupt { file, offset, .. } = &error else { panic!("{error}") };
        assert_eq!(file, "seg/0000000000000001");
        assert!(*offset < 20_000);
        assert!(error.to_string().ends_with("run `estafeta store check`"), "{error}");
        assert_eq!(disk.content("seg/0000000000000001"), before, "nothing was touched");
    }
}

#[test]
fn a_lost_segment_is_reported() {
    let disk = SimDisk::new();
    let (store, subject) = store(&disk);
    for _ in 0..30 {
        kept(&subject, 30_000);
    }
    disk.crash();
    drop((store, subject));
    let disk = disk.restart(&mut Dice::new(1));
    engine_store_embedded::disk::Disk::remove(&disk, "seg/0000000000000002").expect("removed");
    assert!(matches!(open(&disk, &options()).map(drop), Err(OpenError::Corrupt { .. })));
}

#[test]
fn released_space_comes_back() {
    let disk = SimDisk::new();
    let options = Options {
        segment_size: 128 << 10,
        checkpoint_interval: Duration::from_millis(5),
        copy_after: 64 << 10,
        ..options()
    };
    let store = open(&disk, &options).expect("a store");
    let subject = subject(&store);
    let blobs: Vec<_> = (0..100).map(|number| kept(&subject, 5_000 + number)).collect();
    let (survivors, released) = blobs.split_at(10);
    let survivor = survivors[5];
    for blob in released.iter().chain(&survivors[..5]).chain(&survivors[6..]) {
        let mut batch = Batch::new();
        batch.release(*blob);
        subject.must(batch);
    }
    let segments = || disk.names().iter().filter(|name| name.starts_with("seg/")).count();
    let mut rounds = 0;
    while segments() > 3 || store.stats().expect("numbers").segments_collected == 0 {
        // Each commit lets a checkpoint happen, and with it a step of collection.
        put(&subject, b"key").expect("the disk is well");
        std::thread::sleep(Duration::from_millis(5));
        rounds += 1;
        assert!(rounds < 2_000, "{} segments", segments());
    }
    assert_eq!(subject.read(survivor).map(|octets| octets.len()), Ok(5_005));
    let stats = store.stats().expect("numbers");
    assert_eq!(stats.blobs, 1);
    assert!(store.check(u64::MAX).is_clean());
}
