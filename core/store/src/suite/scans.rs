//! Scans: order, pages, what is left.

use super::{Demand, Subject, block_on, key};
use crate::{Batch, Direction, Key, Page, Scan, Value};

pub(super) const DEMANDS: &[Demand] = &[
    a_scan_is_in_order_and_within_its_range,
    pages_join_without_gap_or_repetition,
    a_page_ends_at_its_octets_but_holds_one_pair,
    a_page_that_reaches_the_end_has_no_rest,
    an_empty_range_has_no_pairs,
    a_prefix_has_just_its_keys,
    deleted_keys_are_passed_over,
];

fn scan(subject: &Subject, scan: Scan) -> Page {
    let snapshot = block_on(subject.store.snapshot()).expect("a snapshot");
    block_on(snapshot.scan(scan)).expect("a page")
}

fn keys(page: &Page) -> Vec<Key> {
    page.pairs.iter().map(|(key, _)| key.clone()).collect()
}

fn put_all(subject: &Subject, keys: &[&'static str]) {
    let mut batch = Batch::new();
    for name in keys {
        batch.put(key(name), key(name));
    }
    subject.must(batch);
}

fn a_scan_is_in_order_and_within_its_range(subject: &Subject) {
    put_all(subject, &["b", "a", "aa", "d", "c", "c\0"]);
    let rising = scan(subject, Scan::rising(key("aa")..key("d")));
    assert_eq!(keys(&rising), [key("aa"), key("b"), key("c"), key("c\0")]);
    let falling = scan(subject, Scan::falling(key("aa")..key("d")));
    assert_eq!(keys(&falling), [key("c\0"), key("c"), key("b"), key("aa")]);
}

fn numbered(number: u32) -> (Key, Value) {
    (format!("key {number:04}").into(), number.to_string().into())
}

fn pages_join_without_gap_or_repetition(subject: &Subject) {
    let mut batch = Batch::new();
    for (key, value) in (0..500).map(numbered) {
        batch.put(key, value.to_vec());
    }
    subject.must(batch);
    for direction in [Direction::Rising, Direction::Falling] {
        for count_max in [1, 7, 499, 500, 501] {
            let mut expected: Vec<_> = (0..500).map(numbered).collect();
            if direction == Direction::Falling {
                expected.reverse();
            }
            assert_eq!(all_pages(subject, direction, count_max), expected);
        }
    }
}

fn all_pages(subject: &Subject, direction: Direction, count_max: usize) -> Vec<(Key, Value)> {
    let mut pairs = Vec::new();
    let mut rest = Some(key("key")..key("kez"));
    while let Some(range) = rest {
        let page = scan(subject, Scan { direction, ..Scan::rising(range).at_most(count_max) });
        assert!(page.pairs.len() <= count_max);
        assert!(page.rest.is_none() || !page.pairs.is_empty(), "a page with a rest has a pair");
        pairs.extend(page.pairs);
        rest = page.rest;
    }
    pairs
}

fn a_page_ends_at_its_octets_but_holds_one_pair(subject: &Subject) {
    let mut batch = Batch::new();
    for number in 0..10_u8 {
        batch.put(vec![number], vec![0; 99]);
    }
    subject.must(batch);
    let range = Key::from_static(&[0])..Key::from_static(&[10]);
    for (bytes_max, count) in [(1, 1), (100, 1), (101, 2), (250, 3), (100_000, 10)] {
        let page = scan(subject, Scan { bytes_max, ..Scan::rising(range.clone()) });
        assert_eq!(page.pairs.len(), count, "{bytes_max} octets at most");
    }
}

fn a_page_that_reaches_the_end_has_no_rest(subject: &Subject) {
    put_all(subject, &["a", "b", "c"]);
    assert_eq!(scan(subject, Scan::rising(key("a")..key("z"))).rest, None);
    let page = scan(subject, Scan::rising(key("a")..key("z")).at_most(2));
    let rest = page.rest.expect("there is more");
    assert_eq!(keys(&scan(subject, Scan::rising(rest))), [key("c")]);
}

fn an_empty_range_has_no_pairs(subject: &Subject) {
    put_all(subject, &["a", "b"]);
    for range in [key("b")..key("b"), key("b")..key("a"), key("c")..key("d")] {
        for direction in [Direction::Rising, Direction::Falling] {
            let page = scan(subject, Scan { direction, ..Scan::rising(range.clone()) });
            assert!(page.pairs.is_empty() && page.rest.is_none());
        }
    }
}

fn a_prefix_has_just_its_keys(subject: &Subject) {
    put_all(subject, &["p", "pa", "pz", "q", "o"]);
    let page = scan(subject, Scan::rising(Scan::prefix(b"p")));
    assert_eq!(keys(&page), [key("p"), key("pa"), key("pz")]);
    let mut batch = Batch::new();
    batch.put(vec![0xff, 0xff], key("1")).put(vec![0xff, 0xff, 0xff], key("2"));
    subject.must(batch);
    let page = scan(subject, Scan::falling(Scan::prefix(&[0xff, 0xff])));
    assert_eq!(page.pairs.len(), 2);
}

fn deleted_keys_are_passed_over(subject: &Subject) {
    let mut batch = Batch::new();
    for (key, value) in (0..300).map(numbered) {
        batch.put(key, value.to_vec());
    }
    subject.must(batch);
    let mut batch = Batch::new();
    for number in (0..300).filter(|number| number % 100 != 50) {
        batch.delete(numbered(number).0);
    }
    subject.must(batch);
    let expected = [numbered(50), numbered(150), numbered(250)];
    assert_eq!(all_pages(subject, Direction::Rising, 2), expected);
    let falling: Vec<_> = expected.iter().rev().cloned().collect();
    assert_eq!(all_pages(subject, Direction::Falling, 2), falling);
}
