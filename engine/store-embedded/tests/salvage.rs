//! Stores that are damaged in every way, and what comes over.

use core_store::suite::model::{Model, random_change};
use core_store::suite::{Dice, Subject, block_on};
use core_store::{Batch, BlobId, Scan, Store};
use engine_store_embedded::{EmbeddedStore, ORPHANS, Options, Origin, SalvageReport, salvage};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// No checkpoint but those that are asked for.
fn options(copy_after: u64) -> Options {
    Options {
        segment_size: 256 << 10,
        cache_size: 1 << 20,
        checkpoint_interval: Duration::from_secs(3600),
        checkpoint_log: 64 << 20,
        copy_after,
        reserve: 0,
        ..Options::default()
    }
}

struct Scene {
    root: TempDir,
}

impl Scene {
    fn new() -> Scene {
        Scene { root: tempfile::tempdir().expect("a directory") }
    }

    fn source(&self) -> PathBuf {
        self.root.path().join("source")
    }

    /// A copy of the files as they are now: what a killed process leaves.
    fn killed(&self, name: &str) -> PathBuf {
        let to = self.root.path().join(name);
        copy_tree(&self.source(), &to);
        to
    }

    fn salvage(&self, from: &Path, name: &str) -> (SalvageReport, Arc<EmbeddedStore>) {
        let before = contents(from);
        let to = self.root.path().join(name);
        let report = salvage(from, &to, &mut |_| {}).expect("something comes over");
        assert_eq!(contents(from), before, "nothing was changed in the source");
        let checked = EmbeddedStore::check_offline(&to).expect("a store");
        assert!(checked.is_clean(), "{checked}");
        (report, EmbeddedStore::open(&to, options(1 << 30)).expect("a store"))
    }
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        match entry.file_type().expect("a type").is_dir() {
            true => copy_tree(&entry.path(), &to.join(entry.file_name())),
            false => drop(fs::copy(entry.path(), to.join(entry.file_name())).expect("copied")),
        }
    }
}

fn contents(of: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(of).expect("a directory") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => all.extend(contents(&path)),
            false => drop(all.insert(path.clone(), fs::read(&path).expect("its octets"))),
        }
    }
    all
}

fn subject(store: &Arc<EmbeddedStore>) -> Subject {
    Subject { store: store.clone(), blobs: store.clone() }
}

/// Random work; a checkpoint and a second copy in the middle if `copied`.
fn worked(scene: &Scene, seed: u64, copied: bool) -> (Arc<EmbeddedStore>, Model) {
    let options = options(if copied { 1 } else { 1 << 30 });
    let store = EmbeddedStore::open(&scene.source(), options).expect("a store");
    let subject = subject(&store);
    let (mut dice, mut model) = (Dice::new(seed), Model::within(b"k"));
    for step in 0..120 {
        let mut batch = Batch::new();
        let next = random_change(&mut dice, &model, &subject, &mut batch).expect("a body");
        subject.must(batch);
        model = next;
        if step == 80 {
            checkpoint(&store, copied);
        }
    }
    (store, model)
}

fn checkpoint(store: &EmbeddedStore, copied: bool) {
    let before = store.stats().expect("numbers");
    store.checkpoint_soon();
    let begun = std::time::Instant::now();
    loop {
        let now = store.stats().expect("numbers");
        let is_copied = !copied || now.copies > before.copies;
        if now.checkpoints > before.checkpoints && is_copied {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "no checkpoint");
        std::thread::yield_now();
    }
}

#[test]
fn everything_comes_over_from_whatever_is_left_of_the_metadata() {
    let mut whole = 0;
    for seed in 0..2 {
        let scene = Scene::new();
        let (store, model) = worked(&scene, seed, true);
        let cases: [(&[&str], Origin); 3] = [
            (&[], Origin::Metadata),
            (&["metadata.redb"], Origin::Copy),
            (&["metadata.redb", "metadata.copy"], Origin::Log),
        ];
        let closed = |close: bool| {
            if close {
                store.close();
            }
            if close { "closed" } else { "killed" }
        };
        for close in [false, true] {
            let how = closed(close);
            for (number, (gone, origin)) in cases.iter().enumerate() {
                let from = scene.killed(&format!("{how} {number}"));
                for name in *gone {
                    fs::remove_file(from.join(name)).expect("it was there");
                }
                let (report, store) = scene.salvage(&from, &format!("{how} {number} out"));
                assert_eq!(report.origin, *origin, "{report}");
                assert!(report.damaged.is_empty(), "{report}");
                let subject = subject(&store);
                // The log alone has what was never given up: every body, and mostly all of the rest.
                if report.missing_batches > 0 {
                    assert_eq!(*origin, Origin::Log, "{report}");
                    for (blob, (octets, _)) in &model.blobs {
                        assert_eq!(subject.read(*blob).as_ref(), Ok(octets));
                    }
                } else {
                    whole += 1;
                    assert_eq!(report.orphans, 0, "{report}");
                    model.compare(&subject);
                    model.clone().release_all(&subject);
                }
                if seed == 0 && !close {
                    println!("without {gone:?}:\n{report}\n");
                }
            }
        }
    }
    assert!(whole >= 8, "{whole} of 12");
}

#[test]
fn a_metadata_file_with_a_flipped_octet_anywhere_is_noticed_and_replaced_by_its_copy() {
    let scene = Scene::new();
    let (store, model) = worked(&scene, 9, true);
    store.close();
    let len = fs::metadata(scene.source().join("metadata.redb")).expect("it is there").len();
    let mut dice = Dice::new(3);
    let mut noticed = 0;
    for round in 0..12 {
        let from = scene.killed(&format!("flipped {round}"));
        flip(&from.join("metadata.redb"), dice.below(len));
        let (report, store) = scene.salvage(&from, &format!("flipped {round} out"));
        noticed += u32::from(report.origin == Origin::Copy);
        assert!(report.origin != Origin::Log && report.damaged.is_empty(), "{report}");
        model.compare(&subject(&store));
        drop(store);
        fs::remove_dir_all(&from).expect("removed");
    }
    println!("{noticed} of 12 flipped octets were in pages that are in use");
}

/// A frame of a segment.
#[derive(Clone, Copy, Debug)]
struct Frame {
    kind: u8,
    offset: u64,
    payload: u64,
    blob: u64,
}

const BODY: u8 = 1;
const LARGE: u8 = 2;
const BATCH: u8 = 3;
const SEAL: u8 = 4;
const HEADER: u64 = 56;

fn frames(segment: &Path) -> Vec<Frame> {
    let octets = fs::read(segment).expect("a segment");
    let (mut frames, mut at) = (Vec::new(), 0);
    while octets.get(at..at + 4) == Some(b"EsFr") {
        let long = |from: usize| {
            u64::from_le_bytes(octets[at + from..at + from + 8].try_into().expect("eight"))
        };
        let (payload, blob) = (long(8) & 0xffff_ffff, long(32));
        frames.push(Frame { kind: octets[at + 5], offset: at as u64, payload, blob });
        at += (HEADER + payload).next_multiple_of(8) as usize;
    }
    frames
}

fn flip(file: &Path, offset: u64) {
    let mut octets = fs::read(file).expect("it is there");
    octets[offset as usize] ^= 0x55;
    fs::write(file, octets).expect("written");
}

/// Messages, as it were: number to a key and a body, each in a batch of its own.
struct Messages {
    store: Arc<EmbeddedStore>,
    bodies: Vec<(BlobId, Vec<u8>)>,
}

const COUNT: u32 = 60;

fn octets_of(number: u32) -> Vec<u8> {
    let len = match number % 10 {
        9 => 400_000,
        8 => 100_000,
        _ => 1_000 + number as usize,
    };
    let mut octets = Dice::new(number.into()).octets(len);
    octets[..4].copy_from_slice(&number.to_be_bytes());
    octets
}

fn key_of(number: u32) -> Vec<u8> {
    format!("message {number:03}").into_bytes()
}

fn messages(scene: &Scene, checkpointed: bool) -> Messages {
    let store = EmbeddedStore::open(&scene.source(), options(1 << 30)).expect("a store");
    let subject = subject(&store);
    let mut bodies = Vec::new();
    for number in 0..COUNT {
        let octets = octets_of(number);
        let body = subject.body(&octets, 50_000);
        bodies.push((body.id, octets));
        let mut batch = Batch::new();
        batch.put(key_of(number), bodies[number as usize].0.0.to_be_bytes().to_vec());
        batch.keep(body, 1);
        subject.must(batch);
    }
    if checkpointed {
        checkpoint(&store, false);
    }
    Messages { store, bodies }
}

/// What came over of the messages: which have a record, which a body with all octets.
struct Came {
    recorded: Vec<u32>,
    whole: Vec<u32>,
    orphans: Vec<u32>,
}

fn came(messages: &Messages, store: &Arc<EmbeddedStore>) -> Came {
    let subject = subject(store);
    let (mut recorded, mut whole) = (Vec::new(), Vec::new());
    for (number, (blob, octets)) in messages.bodies.iter().enumerate() {
        if subject.get(&key_of(number as u32)).is_some() {
            recorded.push(number as u32);
        }
        if subject.read(*blob).is_ok_and(|read| read == octets) {
            whole.push(number as u32);
        }
    }
    let snapshot = block_on(store.snapshot()).expect("a snapshot");
    let page = block_on(snapshot.scan(Scan::rising(Scan::prefix(ORPHANS)))).expect("a page");
    let number_of = |key: &[u8]| {
        let id = BlobId(u64::from_be_bytes(*key.last_chunk().expect("an id")));
        messages.bodies.iter().position(|(blob, _)| *blob == id).expect("one of ours") as u32
    };
    let orphans = page.pairs.iter().map(|(key, _)| number_of(key)).collect();
    Came { recorded, whole, orphans }
}

fn all_but(gone: &[u32]) -> Vec<u32> {
    (0..COUNT).filter(|number| !gone.contains(number)).collect()
}

/// The frames of the first segment with many of a kind, and the message each belongs to.
fn victim(messages: &Messages, source: &Path, kind: u8) -> (PathBuf, Frame, Option<u32>) {
    let mut segments: Vec<_> = fs::read_dir(source.join("seg"))
        .expect("segments")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    segments.sort();
    for segment in segments {
        let all = frames(&segment);
        // One in the middle, so that frames follow.
        if let Some(at) = all.iter().skip(4).position(|frame| frame.kind == kind) {
            let frame = all[at + 4];
            // A batch's bodies come before it.
            let named = if kind == BATCH { all[at + 3] } else { frame };
            let number = messages.bodies.iter().position(|(blob, _)| blob.0 == named.blob);
            return (segment, frame, number.map(|number| number as u32));
        }
    }
    panic!("no frame of kind {kind}")
}

#[test]
fn a_flipped_octet_costs_just_what_it_is_in() {
    for checkpointed in [true, false] {
        let scene = Scene::new();
        let messages = messages(&scene, checkpointed);
        for kind in [BODY, LARGE, BATCH, SEAL] {
            for part in ["header", "payload"] {
                let name = format!("{kind} {part}");
                let from = scene.killed(&name);
                let (segment, frame, number) = victim(&messages, &from, kind);
                if part == "payload" && frame.payload == 0 {
                    continue;
                }
                let at = if part == "header" { 20 } else { HEADER + frame.payload / 2 };
                flip(&segment, frame.offset + at);
                let (report, store) = scene.salvage(&from, &format!("{name} out"));
                let came = came(&messages, &store);
                println!(
                    "checkpointed: {checkpointed}, flipped in {part} of kind {kind}:\n{report}\n"
                );
                // A batch that no checkpoint covers is lost, but not its body.
                let unrecorded: Vec<u32> =
                    number.filter(|_| kind == BATCH && !checkpointed).into_iter().collect();
                assert_eq!(came.recorded, all_but(&unrecorded), "{name}: {report}");
                assert_eq!(came.orphans, unrecorded, "{name}: {report}");
                assert_eq!(report.missing_batches, unrecorded.len() as u64);
                // Of the bodies only that one is touched, if one is; a spoilt header or table leaves
                // its octets as they were.
                let spoilt = kind == BODY && part == "payload";
                let touched: Vec<u32> = number.filter(|_| spoilt).into_iter().collect();
                assert_eq!(came.whole, all_but(&touched), "{name}: {report}");
                let in_doubt = matches!(kind, BODY | LARGE);
                assert_eq!(report.damaged.len(), usize::from(in_doubt), "{report}");
                assert!(report.damaged.iter().all(|body| body.missing == 0), "{report}");
            }
        }
    }
}

#[test]
fn a_large_body_with_a_flipped_octet_is_kept_with_it_and_a_missing_one_says_so() {
    let scene = Scene::new();
    let messages = messages(&scene, true);
    let large = |from: &Path, number: usize| {
        from.join(format!("large/{:016x}", messages.bodies[number].0.0))
    };
    let from = scene.killed("killed");
    flip(&large(&from, 9), 200_000);
    fs::remove_file(large(&from, 19)).expect("removed");
    let cut = large(&from, 29);
    let octets = fs::read(&cut).expect("its octets");
    fs::write(&cut, &octets[..150_000]).expect("written");
    let (report, store) = scene.salvage(&from, "out");
    println!("{report}");
    for damaged in &report.damaged {
        println!("{damaged}");
    }
    let came = came(&messages, &store);
    assert_eq!(came.recorded, all_but(&[]));
    assert_eq!(came.whole, all_but(&[9, 19, 29]));
    let missing: Vec<u64> = report.damaged.iter().map(|body| body.missing).collect();
    assert_eq!(missing, [0, 400_000, 250_000]);
    let read = subject(&store).read(messages.bodies[29].0).expect("what is left of it");
    assert_eq!(read[..150_000], octets[..150_000]);
    assert!(read[150_000..].windows(24).any(|window| window == b"these octets were lost w"));
    assert_eq!(read.len(), octets.len());
}

#[test]
fn a_segment_cut_short_and_one_that_is_missing_cost_what_was_in_them() {
    let scene = Scene::new();
    let messages = messages(&scene, true);
    messages.store.close();
    for (name, gone) in [("cut", false), ("missing", true)] {
        for without in [&[][..], &["metadata.redb"]] {
            let name = format!("{name} {}", without.len());
            let from = scene.killed(&name);
            let segment = from.join("seg/0000000000000002");
            let all = frames(&segment);
            let half = all[all.len() / 2];
            let lost: Vec<u32> = all
                .iter()
                .filter(|frame| frame.kind == BODY && (gone || frame.offset >= half.offset))
                .filter_map(|frame| {
                    messages.bodies.iter().position(|(blob, _)| blob.0 == frame.blob)
                })
                .map(|number| number as u32)
                .collect();
            match gone {
                true => fs::remove_file(&segment).expect("removed"),
                false => {
                    let octets = fs::read(&segment).expect("its octets");
                    fs::write(&segment, &octets[..half.offset as usize + 10]).expect("written");
                }
            }
            for name in without {
                fs::remove_file(from.join(name)).expect("removed");
            }
            let (report, store) = scene.salvage(&from, &format!("{name} out"));
            println!("{name}, without {without:?}:\n{report}\n");
            let came = came(&messages, &store);
            assert!(!lost.is_empty() && lost.len() < 40, "the test means something");
            assert_eq!(came.whole, all_but(&lost), "{report}");
            match without.is_empty() {
                // The metadata knows them all; what is lost says so.
                true => {
                    assert_eq!(came.recorded, all_but(&[]));
                    assert!(report.damaged.len() >= lost.len(), "{report}");
                    assert!(report.damaged.iter().any(|body| body.missing == body.len));
                }
                // The log alone: what is not in it, nobody knows.
                false => {
                    assert!(report.missing_batches >= lost.len() as u64, "{report}");
                    assert!(came.recorded.len() >= (COUNT as usize) - lost.len() * 2);
                }
            }
        }
    }
}

#[test]
fn a_damaged_copy_without_a_metadata_file_gives_what_it_has_and_the_log_the_rest() {
    let scene = Scene::new();
    let (store, model) = worked(&scene, 5, true);
    let mut dice = Dice::new(1);
    for round in 0..6 {
        let from = scene.killed(&format!("{round}"));
        fs::remove_file(from.join("metadata.redb")).expect("removed");
        let copy = from.join("metadata.copy");
        let len = fs::metadata(&copy).expect("it is there").len();
        flip(&copy, dice.below(len));
        let (report, store) = scene.salvage(&from, &format!("{round} out"));
        assert_eq!(report.origin, Origin::Log, "{report}");
        model.compare(&subject(&store));
    }
    drop(store);
}

#[test]
fn what_is_salvaged_goes_on_working() {
    let scene = Scene::new();
    let (store, model) = worked(&scene, 11, true);
    store.close();
    fs::remove_file(scene.source().join("metadata.redb")).expect("removed");
    let (_, store) = scene.salvage(&scene.source(), "out");
    let subject = subject(&store);
    let (mut dice, mut model) = (Dice::new(12), model);
    for _ in 0..60 {
        let mut batch = Batch::new();
        let next = random_change(&mut dice, &model, &subject, &mut batch).expect("a body");
        subject.must(batch);
        model = next;
    }
    model.compare(&subject);
    assert!(store.check(u64::MAX).is_clean());
}
