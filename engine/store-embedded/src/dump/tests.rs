//! A dump against a model, and with every kind of damage.

use super::*;
use crate::base::Mark;
use crate::blob::{Entry, Locator};
use crate::disk::{Directory, Disk, DiskFile, Mode};
use crate::log::Position;
use crate::usage::SegmentUse;
use bytes::Bytes;
use core_store::suite::Dice;
use core_store::{BlobId, Key, Scan, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

const MARK: Mark = Mark {
    position: Position { segment: 7, offset: 4096 },
    sequence: 99,
    next_blob: 1 << 40,
    generation: 5,
};

struct Model {
    _directory: tempfile::TempDir,
    file: Arc<dyn DiskFile>,
    values: BTreeMap<Key, Value>,
    blobs: BTreeMap<u64, Entry>,
    written: Written,
}

fn entry(number: u64) -> Entry {
    let locator = Locator {
        segment: 1 + number % 7,
        offset: number * 8,
        len: number,
        large: number.is_multiple_of(2),
    };
    Entry { locator, holders: 1 + number as u32 % 3 }
}

/// A dump of so many values and half as many blobs.
fn model(seed: u64, count: u64) -> Model {
    let mut dice = Dice::new(seed);
    let directory = tempfile::tempdir().expect("a directory");
    let disk = Directory::new(directory.path());
    let file = disk.open("dump", Mode::Create).expect("a file");
    let mut values = BTreeMap::new();
    for _ in 0..count {
        let (key, value) = (1 + dice.below(30) as usize, dice.below(3000) as usize);
        values.insert(Bytes::from(dice.octets(key)), Bytes::from(dice.octets(value)));
    }
    let blobs: BTreeMap<u64, Entry> =
        (0..count / 2).map(|_| dice.below(1 << 30)).map(|number| (number, entry(number))).collect();
    let mut writer = DumpWriter::new(file.clone());
    let mut put = |item: Item| writer.put(&item).expect("in order");
    values.iter().for_each(|(key, value)| put(Item::Value(key.clone(), value.clone())));
    blobs.iter().for_each(|(blob, entry)| put(Item::Blob(BlobId(*blob), *entry)));
    put(Item::Segment(7, SegmentUse { written: 100, live: 50, blobs: 2 }));
    let written = writer.finish(&MARK).expect("written");
    Model { _directory: directory, file, values, blobs, written }
}

fn steps(file: &Arc<dyn DiskFile>) -> Vec<Step> {
    let mut scan = DumpScan::new(file.clone()).expect("a length");
    let mut steps = Vec::new();
    while let Some(step) = scan.next_step().expect("readable") {
        steps.push(step);
    }
    steps
}

#[test]
fn what_was_written_is_read_back_in_order() {
    for (seed, count) in [(1, 0), (2, 1), (3, 500)] {
        let model = model(seed, count);
        assert_eq!(model.file.len().ok(), Some(model.written.len));
        let mut steps = steps(&model.file);
        assert_eq!(steps.pop(), Some(Step::End(model.written.trailer)));
        let items: Vec<Item> = steps
            .into_iter()
            .flat_map(|step| match step {
                Step::Items(items) => items,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(items.len(), model.values.len() + model.blobs.len() + 1);
        let values = model.values.iter().map(|(k, v)| Item::Value(k.clone(), v.clone()));
        let blobs = model.blobs.iter().map(|(blob, entry)| Item::Blob(BlobId(*blob), *entry));
        assert!(values.chain(blobs).eq(items[..items.len() - 1].iter().cloned()));
        assert_eq!(model.written.trailer.mark, MARK);
    }
}

#[test]
fn keys_and_ranges_are_found_as_in_a_map() {
    let (model, mut dice) = (model(4, 800), Dice::new(5));
    let table = DumpTable::open(model.file.clone()).expect("whole");
    for _ in 0..300 {
        let start = Bytes::from(dice.octets(1 + (model.values.len() % 3)));
        let known = model.values.range(start.clone()..).next();
        if let Some((key, value)) = known {
            assert_eq!(table.value(key).expect("readable").as_ref(), Some(value));
        }
        assert_eq!(table.value(&start).expect("readable").as_ref(), model.values.get(&start));
        let end = Bytes::from(dice.octets(1));
        let range = start.clone()..end.clone();
        for scan in [Scan::rising(range.clone()), Scan::falling(range.clone())] {
            let scan = scan.at_most(1 + dice.below(70) as usize);
            let mut found = Vec::new();
            let mut rest = Some(range.clone());
            while let Some(range) = rest {
                let page = table.page(&Scan { range, ..scan.clone() }).expect("readable");
                assert!(page.pairs.len() <= scan.count_max);
                found.extend(page.pairs);
                rest = page.rest;
            }
            let all = (start < end).then(|| model.values.range(start.clone()..end.clone()));
            let mut want: Vec<_> =
                all.into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
            if scan.direction == core_store::Direction::Falling {
                want.reverse();
            }
            assert_eq!(found, want);
        }
    }
    for (blob, entry) in &model.blobs {
        assert_eq!(table.blob(BlobId(*blob)).expect("readable"), Some(*entry));
    }
    assert_eq!(table.blob(BlobId(1 << 50)).expect("readable"), None);
}

#[test]
fn a_flipped_octet_is_noticed_and_costs_one_block() {
    let (model, mut dice) = (model(6, 300), Dice::new(7));
    let whole = steps(&model.file).len();
    for _ in 0..300 {
        let at = dice.below(model.written.len);
        let mut octet = [0];
        model.file.read_at(&mut octet, at).expect("readable");
        model.file.write_at(&[octet[0] ^ 1], at).expect("writable");
        let steps = steps(&model.file);
        let is_damage = |step: &&Step| matches!(step, Step::Damaged { .. });
        assert!(steps.iter().any(|step| is_damage(&step)), "octet {at}");
        let blocks = steps.iter().filter(|step| matches!(step, Step::Items(_))).count();
        assert!(blocks + 2 >= whole - 1, "octet {at}: {blocks} of {whole}");
        model.file.write_at(&octet, at).expect("writable");
    }
    assert_eq!(steps(&model.file).len(), whole);
}

#[test]
fn a_dump_cut_anywhere_is_no_whole_dump() {
    let model = model(8, 60);
    for len in (0..model.written.len).rev().step_by(1009) {
        model.file.set_len(len).expect("writable");
        assert!(DumpTable::open(model.file.clone()).is_err(), "cut at {len}");
        let steps = steps(&model.file);
        assert!(!steps.iter().any(|step| matches!(step, Step::End(_))), "cut at {len}");
        assert!(steps.iter().any(|step| matches!(step, Step::Damaged { .. })), "cut at {len}");
    }
}

#[test]
fn records_out_of_order_are_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = Directory::new(directory.path()).open("dump", Mode::Create).expect("a file");
    let mut writer = DumpWriter::new(file);
    let item = |key: &'static [u8]| Item::Value(Bytes::from_static(key), Bytes::new());
    writer.put(&item(b"b")).expect("the first");
    assert!(writer.put(&item(b"b")).is_err());
    assert!(writer.put(&item(b"a")).is_err());
    writer.put(&item(b"c")).expect("the next");
}
