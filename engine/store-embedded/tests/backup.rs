//! Backups of a store at work: what is in them, what a second one costs, and what damage does.

use core_store::suite::model::{Model, random_change};
use core_store::suite::{Dice, Subject};
use core_store::{Batch, Value};
use engine_store_embedded::{
    BackupDirectory, BackupError, BackupOptions, BackupReport, BackupState, EmbeddedStore, Keep,
    Linking, Options, Progress,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// Writers at a time.
const LANES: usize = 3;

/// Small sizes and short times, so that segments, checkpoints and collections come often.
fn options() -> Options {
    Options {
        segment_size: 256 << 10,
        cache_size: 1 << 20,
        checkpoint_log: 64 << 10,
        checkpoint_memory: 1 << 20,
        checkpoint_interval: Duration::from_millis(10),
        reserve: 0,
        ..Options::default()
    }
}

/// A place for a store, its backups and what is restored.
struct Place(TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().expect("a directory"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn store(&self) -> Arc<EmbeddedStore> {
        open(&self.path("store"))
    }

    fn backups(&self) -> BackupDirectory {
        BackupDirectory::open(&self.path("backups")).expect("backups")
    }

    fn backup(&self, store: &EmbeddedStore, options: &BackupOptions) -> BackupReport {
        let report = store.backup(&self.path("backups"), options, &mut go_on).expect("a backup");
        assert!(report.is_good(), "{:?}", report.damage);
        report
    }

    fn restore(&self, number: Option<u64>, to: &str) -> Arc<EmbeddedStore> {
        let to = self.path(to);
        self.backups().restore(number, &to, &mut go_on).expect("restored");
        let check = EmbeddedStore::check_offline(&to).expect("a store");
        assert!(check.is_clean() && check.complete, "{check}");
        open(&to)
    }
}

fn open(path: &Path) -> Arc<EmbeddedStore> {
    EmbeddedStore::open(path, options()).expect("a store")
}

fn go_on(_: Progress<'_>) -> bool {
    true
}

fn subject(store: &Arc<EmbeddedStore>) -> Subject {
    Subject { store: store.clone(), blobs: store.clone() }
}

fn view(directory: &BackupDirectory, number: Option<u64>) -> Subject {
    let view = directory.view(number).expect("a backup");
    Subject { store: view.clone(), blobs: view }
}

/// One writer, and everything it was ever told is done.
struct Lane {
    name: String,
    dice: Dice,
    history: Mutex<Vec<Model>>,
    acknowledged: AtomicU64,
}

impl Lane {
    fn new(number: u64) -> Lane {
        let name = format!("lane {number} ");
        let history = Mutex::new(vec![Model::within(name.as_bytes())]);
        Lane { name, dice: Dice::new(number), history, acknowledged: AtomicU64::new(0) }
    }

    fn work(&self, subject: &Subject, stop: &AtomicBool) {
        let mut dice = self.dice.clone();
        let mut model = self.history.lock().unwrap()[0].clone();
        for step in 1.. {
            if stop.load(SeqCst) {
                return;
            }
            let mut batch = Batch::new();
            let mut next =
                random_change(&mut dice, &model, subject, &mut batch).expect("a body is written");
            let key = next.key(b"step");
            batch.put(key.clone(), step.to_string().into_bytes());
            next.values.insert(key, Value::from(step.to_string()));
            // Known before it is done, so that a backup can hold it in the moment between.
            self.history.lock().unwrap().push(next.clone());
            subject.must(batch);
            self.acknowledged.store(step, SeqCst);
            model = next;
        }
    }

    /// Compares what `subject` holds with what this lane held at the step it tells.
    fn compare(&self, subject: &Subject, acknowledged: u64) -> u64 {
        let step = subject.get(format!("{}step", self.name).as_bytes());
        let step: usize = step.map_or(0, |step| String::from_utf8_lossy(&step).parse().unwrap());
        assert!(step as u64 >= acknowledged, "{}: {step}, not {acknowledged}", self.name);
        let model = self.history.lock().unwrap()[step].clone();
        model.compare(subject);
        step as u64
    }
}

/// Stops the writers, whatever becomes of the test.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

#[test]
fn a_backup_under_load_is_one_moment_and_holds_all_that_was_acknowledged_before() {
    let place = Place::new();
    let store = place.store();
    let lanes: Vec<Lane> = (0..LANES as u64).map(Lane::new).collect();
    let stop = AtomicBool::new(false);
    let mut promised = Vec::new();
    thread::scope(|scope| {
        let _stop = Stop(&stop);
        for lane in &lanes {
            let (subject, stop) = (subject(&store), &stop);
            scope.spawn(move || lane.work(&subject, stop));
        }
        let total = || lanes.iter().map(|lane| lane.acknowledged.load(SeqCst)).sum::<u64>();
        for round in 1..=4 {
            // Enough of everything happens between two backups.
            while total() < round * 150 {
                thread::yield_now();
            }
            let told: Vec<u64> = lanes.iter().map(|lane| lane.acknowledged.load(SeqCst)).collect();
            let linking = if round % 2 == 0 { Linking::Yes } else { Linking::No };
            // Slow enough for checkpoints and collections to come and go meanwhile.
            let rate = Some(32 << 20);
            let options = BackupOptions { linking, rate, ..BackupOptions::default() };
            let number = place.backup(&store, &options).number;
            promised.push((number, told));
        }
    });
    let stats = store.stats().expect("numbers");
    assert!(stats.segments_collected > 0, "collection was at work");
    let directory = place.backups();
    let report = directory.verify_all(None, &mut go_on).expect("readable");
    assert!(report.is_good(), "{:?}", report.findings);
    assert_eq!(report.backups, (1..=4).collect::<Vec<_>>());
    for (number, told) in &promised {
        let view = view(&directory, Some(*number));
        let restored = place.restore(Some(*number), &format!("restored {number}"));
        for (lane, told) in lanes.iter().zip(told) {
            let step = lane.compare(&view, *told);
            assert_eq!(lane.compare(&subject(&restored), *told), step);
        }
        // It goes on working, and gives everything up just when it should.
        for lane in &lanes {
            let step = lane.compare(&subject(&restored), 0);
            let mut model = lane.history.lock().unwrap()[step as usize].clone();
            model.release_all(&subject(&restored));
        }
        restored.close();
        assert_eq!(restored.check(u64::MAX).findings, []);
    }
}

/// A store with segments, large bodies and a tail.
fn furnished(place: &Place) -> (Arc<EmbeddedStore>, Model) {
    let store = place.store();
    let subject = subject(&store);
    let (mut dice, mut model) = (Dice::new(7), Model::within(b"k "));
    let mut blobs = 0;
    while blobs < 60 {
        let mut batch = Batch::new();
        model = random_change(&mut dice, &model, &subject, &mut batch).expect("written");
        subject.must(batch);
        blobs = model.blobs.len();
    }
    for size in [300_000, 700_001] {
        let octets = dice.octets(size);
        let blob = subject.keep(&octets, 1);
        model.blobs.insert(blob, (octets.into(), 1));
    }
    (store, model)
}

#[test]
fn a_second_backup_copies_only_what_is_new() {
    let place = Place::new();
    let (store, mut model) = furnished(&place);
    let options = BackupOptions { linking: Linking::No, ..BackupOptions::default() };
    let first = place.backup(&store, &options);
    let bodies = first.copies.copied.bytes - first.metadata_bytes;
    assert!(bodies >= first.body_bytes && first.copies.kept.files == 0, "{first:?}");
    // Nothing happened: nothing is copied, the metadata neither.
    let second = place.backup(&store, &options);
    assert_eq!((second.number, second.copies.copied.bytes), (2, 0));
    assert_eq!(second.copies.kept.bytes, first.copies.copied.bytes);
    // A few octets more, and a body of its own.
    let subject = subject(&store);
    let octets = Dice::new(9).octets(400_000);
    let large = subject.keep(&octets, 1);
    model.blobs.insert(large, (octets.into(), 1));
    let small = subject.keep(b"a small body", 1);
    model.blobs.insert(small, (Value::from_static(b"a small body"), 1));
    let third = place.backup(&store, &options);
    let new = third.copies.copied.bytes - third.metadata_bytes;
    assert!((400_000..404_096).contains(&new), "{new} octets for 400,012");
    model.compare(&view(&place.backups(), None));
    // In links nothing is copied but the metadata and the log's end; it is the same backup.
    let linked = place.path("linked");
    let report = store.backup(&linked, &BackupOptions::default(), &mut go_on).expect("a backup");
    assert!(report.copies.linked.files > 3, "{report:?}");
    assert!(report.copies.copied.bytes < report.metadata_bytes + (256 << 10), "{report:?}");
    let linked = BackupDirectory::open(&linked).expect("backups");
    model.compare(&view(&linked, None));
    assert!(linked.verify(None, None, &mut go_on).expect("readable").is_good());
}

#[test]
fn old_backups_go_as_asked_and_take_along_what_only_they_need() {
    let place = Place::new();
    let (store, mut model) = furnished(&place);
    let subject = subject(&store);
    let day = Duration::from_secs(86_400);
    let begun = SystemTime::now();
    for number in 1..=6_u32 {
        let keep = Keep { count: Some(3), age: None };
        let options = BackupOptions { keep, now: begun + day * number, ..BackupOptions::default() };
        let octets = Dice::new(number.into()).octets(300_000);
        let blob = subject.keep(&octets, 1);
        model.blobs.insert(blob, (octets.into(), 1));
        let report = place.backup(&store, &options);
        let gone = (number > 3).then(|| u64::from(number) - 3);
        assert_eq!(report.removed, gone.into_iter().collect::<Vec<_>>());
        // Yesterday's body is given up, so that only older backups need it.
        let mut batch = Batch::new();
        batch.release(blob);
        subject.must(batch);
        model.blobs.remove(&blob);
    }
    let directory = place.backups();
    let numbers: Vec<u64> = directory.list().expect("a list").iter().map(|l| l.number).collect();
    assert_eq!(numbers, [4, 5, 6]);
    let report = directory.verify_all(None, &mut go_on).expect("readable");
    assert!(report.is_good(), "{:?}", report.findings);
    // The bodies of three days, and the two of the beginning.
    let large = fs::read_dir(place.path("backups/large")).expect("a directory").count();
    assert_eq!(large - model.blobs.values().filter(|(b, _)| b.len() > 262_144).count(), 3);
    let keep = Keep { count: None, age: Some(day * 2) };
    let options = BackupOptions { keep, now: begun + day * 7, ..BackupOptions::default() };
    assert_eq!(place.backup(&store, &options).removed, [4]);
}

/// The first file of a kind in the directory of backups.
fn file_of(place: &Place, kind: &str) -> PathBuf {
    let mut files: Vec<_> = fs::read_dir(place.path("backups").join(kind))
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    files.first().expect("a file").clone()
}

#[test]
fn one_octet_turned_over_in_each_kind_of_file_is_named() {
    let place = Place::new();
    let (store, _) = furnished(&place);
    let taking = BackupOptions { linking: Linking::No, ..BackupOptions::default() };
    place.backup(&store, &taking);
    let mut dice = Dice::new(3);
    for kind in ["meta", "seg", "tail", "large", "manifest"] {
        let path = file_of(&place, kind);
        let whole = fs::read(&path).expect("readable");
        for _ in 0..8 {
            let at = dice.below(whole.len() as u64) as usize;
            let mut spoilt = whole.clone();
            spoilt[at] ^= 0x10;
            fs::write(&path, &spoilt).expect("writable");
            let report = place.backups().verify_all(None, &mut go_on).expect("readable");
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let named = report.findings.iter().any(|finding| finding.file.contains(&name));
            assert!(!report.is_good() && named, "{kind} at {at}: {:?}", report.findings);
            let refused = place.backups().restore(Some(1), &place.path("spoilt"), &mut go_on);
            assert!(matches!(refused, Err(BackupError::Damaged { .. })), "{kind} at {at}");
            // What was begun is no store; of the manifest nothing could be begun.
            if kind != "manifest" {
                assert!(EmbeddedStore::open(&place.path("spoilt"), options()).is_err());
            }
            let _ = fs::remove_dir_all(place.path("spoilt"));
        }
        fs::write(&path, &whole).expect("writable");
        // Without its manifest it would be no backup at all.
        if kind != "manifest" {
            fs::remove_file(&path).expect("removable");
            let report = place.backups().verify_all(None, &mut go_on).expect("readable");
            assert!(!report.is_good(), "{kind} is missing");
            // The next backup makes it whole again, as the store still has it.
            let next = place.backup(&store, &taking);
            let report = place.backups().verify(Some(next.number), None, &mut go_on);
            assert!(report.expect("readable").is_good(), "{kind}");
        }
        fs::write(&path, &whole).expect("writable");
    }
    assert!(place.backups().verify_all(None, &mut go_on).expect("readable").is_good());
}

#[test]
fn damage_in_the_store_is_told_by_every_backup_and_does_not_stop_it() {
    let place = Place::new();
    let (store, model) = furnished(&place);
    // A segment that is needed, as a good backup tells.
    let good = place.path("good");
    store.backup(&good, &BackupOptions::default(), &mut go_on).expect("a backup");
    let segment = fs::read_dir(good.join("seg")).expect("segments").next().unwrap().unwrap();
    let segment = segment.file_name().to_string_lossy()[..16].to_owned();
    store.close();
    let path = place.path("store/seg").join(&segment);
    let mut octets = fs::read(&path).expect("readable");
    octets[100] ^= 1;
    // A new file: the other has a link in the good backup.
    fs::remove_file(&path).expect("removable");
    fs::write(&path, octets).expect("writable");
    let large = fs::read_dir(place.path("store/large")).expect("bodies").next().unwrap().unwrap();
    fs::remove_file(large.path()).expect("removable");
    let store = place.store();
    for _ in 0..2 {
        let report = store
            .backup(&place.path("backups"), &BackupOptions::default(), &mut go_on)
            .expect("a backup");
        assert!(!report.is_good());
        let named = |name: &str| report.damage.iter().any(|finding| finding.file.contains(name));
        assert!(named(&segment) && named("large/"), "{:?}", report.damage);
    }
    // Everything else is there.
    let view = view(&place.backups(), None);
    let read = model
        .blobs
        .iter()
        .filter(|(blob, (octets, _))| view.read(**blob).is_ok_and(|read| read == octets));
    assert!(read.count() + 3 >= model.blobs.len());
}

#[test]
fn what_is_no_directory_of_backups_stays_as_it_is() {
    let place = Place::new();
    let (store, _) = furnished(&place);
    let other = place.path("other");
    fs::create_dir(&other).expect("a directory");
    fs::write(other.join("letter"), "dear").expect("a file");
    let options = BackupOptions::default();
    let refused = store.backup(&other, &options, &mut go_on);
    assert!(matches!(refused, Err(BackupError::NotABackup(_))), "{refused:?}");
    assert_eq!(fs::read_dir(&other).expect("a directory").count(), 1);
    assert!(matches!(BackupDirectory::open(&other), Err(BackupError::NotABackup(_))));
    place.backup(&store, &options);
    let refused = place.backups().restore(None, &place.path("store"), &mut go_on);
    assert!(matches!(refused, Err(BackupError::NotEmpty(_))), "{refused:?}");
    let refused = place.backups().restore(Some(7), &place.path("new"), &mut go_on);
    assert!(matches!(refused, Err(BackupError::NoSuchBackup { .. })), "{refused:?}");
}

#[test]
fn stopped_halfway_it_is_unfinished_and_the_next_uses_what_was_copied() {
    let place = Place::new();
    let (store, model) = furnished(&place);
    let options = BackupOptions { linking: Linking::No, ..BackupOptions::default() };
    let mut stop = |progress: Progress<'_>| progress.what != "large bodies";
    let stopped = store.backup(&place.path("backups"), &options, &mut stop);
    assert!(matches!(stopped, Err(BackupError::Stopped)), "{stopped:?}");
    let list = place.backups().list().expect("a list");
    assert_eq!((list.len(), &list[0].state), (1, &BackupState::Unfinished));
    assert!(matches!(place.backups().view(None), Err(BackupError::NoSuchBackup { .. })));
    assert!(!place.backups().verify_all(None, &mut go_on).expect("readable").is_good());
    let report = place.backup(&store, &options);
    assert!(report.copies.kept.files > 0, "{report:?}");
    let list = place.backups().list().expect("a list");
    assert!(matches!(list[..], [ref one] if matches!(one.state, BackupState::Complete { .. })));
    model.compare(&view(&place.backups(), None));
}

#[test]
fn what_is_given_up_while_a_backup_is_taken_is_in_it_and_goes_afterwards() {
    let place = Place::new();
    let (store, model) = furnished(&place);
    let subject = subject(&store);
    let files = |kind| fs::read_dir(place.path("store").join(kind)).expect("files").count();
    let checkpoints = || store.stats().expect("numbers").checkpoints;
    // In the middle of it, everything is given up, and enough checkpoints follow for all to go.
    let mut given_up = false;
    let mut watch = |progress: Progress<'_>| {
        if progress.what == "segments" && !std::mem::replace(&mut given_up, true) {
            model.clone().release_all(&subject);
            for round in 0..4_u32 {
                let before = checkpoints();
                subject.put(b"round", &round.to_le_bytes());
                while checkpoints() == before {
                    thread::yield_now();
                }
            }
        }
        true
    };
    let taken = store.backup(&place.path("backups"), &BackupOptions::default(), &mut watch);
    let taken = taken.expect("a backup");
    assert!(given_up && taken.is_good(), "{:?}", taken.damage);
    assert!(place.backups().verify(None, None, &mut go_on).expect("readable").is_good());
    model.compare(&view(&place.backups(), None));
    // Nobody needs them any more. (Segments may be needed by the second copy of the metadata.)
    for round in 4_u32.. {
        if files("large") == 0 {
            break;
        }
        assert!(round < 100, "{} bodies stay", files("large"));
        let before = checkpoints();
        subject.put(b"round", &round.to_le_bytes());
        while checkpoints() == before {
            thread::yield_now();
        }
    }
}
