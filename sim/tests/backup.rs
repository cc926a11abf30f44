//! Backups whose disk loses power at every step: an unfinished one never counts, one that counted
//! before stays whole, and the next is whole again.

use core_store::Batch;
use core_store::suite::model::{Model, random_change};
use core_store::suite::{Dice, Subject};
use engine_store_embedded::{
    BackupDirectory, BackupError, BackupOptions, BackupState, EmbeddedStore, Keep, Options,
    Progress,
};
use sim::disk::{Faults, SimDisk};
use sim::power::{open, subject};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// No checkpoint but those that backups ask for, so that each run is like the other.
fn options() -> Options {
    Options {
        segment_size: 64 << 10,
        cache_size: 1 << 20,
        checkpoint_interval: Duration::from_secs(3600),
        reserve: 0,
        ..Options::default()
    }
}

fn go_on(_: Progress<'_>) -> bool {
    true
}

fn backup(store: &EmbeddedStore, disk: &SimDisk) -> Result<u64, BackupError> {
    let options =
        BackupOptions { keep: Keep { count: Some(1), age: None }, ..BackupOptions::default() };
    let taken =
        store.backup_on(Arc::new(disk.clone()), Path::new("simulated"), &options, &mut go_on);
    taken.map(|report| {
        assert!(report.is_good(), "{:?}", report.damage);
        report.number
    })
}

fn directory(disk: &SimDisk) -> Result<BackupDirectory, BackupError> {
    BackupDirectory::open_on(Arc::new(disk.clone()), Path::new("simulated"))
}

/// Which complete backups there are; each must hold what it held.
fn complete(disk: &SimDisk, models: &[Model]) -> Vec<u64> {
    // A directory that is not yet one holds no backup.
    let Ok(directory) = directory(disk) else { return Vec::new() };
    let mut numbers = Vec::new();
    for listed in directory.list().expect("a list") {
        match listed.state {
            BackupState::Complete { .. } => {}
            BackupState::Unfinished => continue,
            BackupState::Damaged(what) => panic!("backup {}: {what}", listed.number),
        }
        let report = directory.verify(Some(listed.number), None, &mut go_on).expect("readable");
        assert!(report.is_good(), "{:?}", report.findings);
        let view = directory.view(Some(listed.number)).expect("readable");
        let view = Subject { store: view.clone(), blobs: view };
        let held = models.iter().any(|model| model.difference(&view).is_none());
        assert!(held, "backup {} is of no moment", listed.number);
        numbers.push(listed.number);
    }
    numbers
}

fn change(subject: &Subject, dice: &mut Dice, model: &mut Model, steps: usize) {
    for _ in 0..steps {
        let mut batch = Batch::new();
        *model = random_change(dice, model, subject, &mut batch).expect("written");
        subject.must(batch);
    }
}

/// A store, a disk with a first backup of it, what that holds, and what the store holds now.
fn furnished() -> (Arc<EmbeddedStore>, SimDisk, Vec<Model>) {
    let store = open(&SimDisk::new(), &options()).expect("a store");
    let subject = subject(&store);
    let (mut dice, mut model) = (Dice::new(11), Model::within(b"k "));
    change(&subject, &mut dice, &mut model, 40);
    let disk = SimDisk::new();
    assert_eq!(backup(&store, &disk).expect("a backup"), 1);
    let first = model.clone();
    change(&subject, &mut dice, &mut model, 20);
    let octets = dice.octets(300_000);
    model.blobs.insert(subject.keep(&octets, 1), (octets.into(), 1));
    (store, disk, vec![first, model])
}

#[test]
fn power_lost_at_any_step_leaves_whole_backups_and_the_next_is_whole() {
    let (store, first, models) = furnished();
    let mut dice = Dice::new(5);
    let (mut cuts, mut unfinished, mut late) = (0, 0, 0);
    // Over an empty disk, and over one with an older backup, which goes when the new one is there.
    for with_first in [false, true] {
        for step in 0.. {
            let disk = match with_first {
                true => first.restart(&mut dice),
                false => SimDisk::new(),
            };
            disk.crash_after(step);
            let taken = backup(&store, &disk);
            if !disk.is_dead() {
                taken.expect("a backup with power is taken");
                break;
            }
            cuts += 1;
            let disk = disk.restart(&mut dice);
            let found = complete(&disk, &models);
            if with_first {
                assert!(!found.is_empty(), "step {step}: the older one is gone");
            }
            match taken {
                Ok(number) => assert!(found.contains(&number), "step {step}: it was promised"),
                Err(_) if found.contains(&2) || (!with_first && found.contains(&1)) => late += 1,
                Err(_) => unfinished += 1,
            }
            let next = backup(&store, &disk).expect("the next one is taken");
            assert_eq!(complete(&disk, &models), [next], "step {step}");
            let names = disk.names();
            assert!(names.iter().all(|name| !name.ends_with(".new")), "{names:?}");
        }
    }
    println!("{cuts} cuts: {unfinished} unfinished backups, {late} complete just before");
    assert!(cuts > 100 && unfinished > 50, "{cuts} cuts, {unfinished} unfinished");
}

#[test]
fn power_lost_while_restoring_leaves_no_store_that_is_not_whole() {
    let (_store, backups, models) = furnished();
    let directory = directory(&backups).expect("backups");
    let mut dice = Dice::new(6);
    for step in (0..).step_by(3) {
        let disk = SimDisk::new();
        disk.crash_after(step);
        let target = Arc::new(disk.clone());
        let restored = directory.restore_on(None, target, Path::new("simulated"), &mut go_on);
        if !disk.is_dead() {
            restored.expect("with power it is restored");
            break;
        }
        let disk = disk.restart(&mut dice);
        let is_store = disk.content("VERSION").is_some();
        match open(&disk, &options()) {
            Ok(store) if is_store => models[0].compare(&subject(&store)),
            // The plug was pulled before the first file was there.
            Ok(store) => assert_eq!(store.stats().expect("numbers").records, 0),
            Err(error) => assert!(!is_store, "step {step}: {error}"),
        }
    }
}

#[test]
fn a_target_that_is_full_or_fails_is_told_and_heals() {
    let (store, first, models) = furnished();
    let disk = first.restart(&mut Dice::new(1));
    disk.set_faults(Faults { full: Some(0), ..Faults::default() });
    assert!(matches!(backup(&store, &disk), Err(BackupError::Full(_))));
    for prefix in ["seg/", "meta/", "manifest/", "large/", "tail/"] {
        let disk = first.restart(&mut Dice::new(2));
        disk.set_faults(Faults { sync: Some(prefix.into()), ..Faults::default() });
        let failed = backup(&store, &disk);
        assert!(matches!(failed, Err(BackupError::Io { .. })), "{prefix}: {failed:?}");
        disk.set_faults(Faults::default());
        assert_eq!(complete(&disk, &models), [1], "{prefix}");
        let next = backup(&store, &disk).expect("the disk is well again");
        assert_eq!(complete(&disk, &models), [next], "{prefix}");
    }
    disk.set_faults(Faults::default());
    let next = backup(&store, &disk).expect("the disk is well again");
    assert_eq!(complete(&disk, &models), [next]);
    // The store noticed nothing.
    models[1].compare(&subject(&store));
}
