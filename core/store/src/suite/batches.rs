//! Batches: all or nothing, expectations, limits, snapshots.

use super::{Demand, Subject, block_on, key};
use crate::{Batch, BlobId, Limits, StoreError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

pub(super) const DEMANDS: &[Demand] = &[
    a_value_put_is_got,
    a_deleted_key_has_no_value,
    operations_happen_in_order,
    get_many_answers_in_order,
    an_expectation_that_fails_stops_the_whole_batch,
    expectations_that_hold_let_the_batch_happen,
    a_failing_operation_stops_the_whole_batch,
    what_is_too_large_is_refused,
    what_is_just_within_the_limits_is_taken,
    an_empty_batch_is_committed,
    a_snapshot_stays_as_it_was,
    a_snapshot_never_shows_half_a_batch,
    of_two_that_claim_a_key_one_wins,
    commits_from_many_threads_all_happen,
];

fn a_value_put_is_got(subject: &Subject) {
    assert_eq!(subject.get(b"key"), None);
    subject.put(b"key", b"value");
    assert_eq!(subject.get(b"key").as_deref(), Some(&b"value"[..]));
    subject.put(b"key", b"");
    assert_eq!(subject.get(b"key").as_deref(), Some(&b""[..]), "an empty value is a value");
}

fn a_deleted_key_has_no_value(subject: &Subject) {
    subject.put(b"key", b"value");
    let mut batch = Batch::new();
    batch.delete(key("key")).delete(key("never there"));
    subject.must(batch);
    assert_eq!(subject.get(b"key"), None);
}

fn operations_happen_in_order(subject: &Subject) {
    let mut batch = Batch::new();
    batch.put(key("a"), key("1")).delete(key("a")).put(key("b"), key("1")).put(key("b"), key("2"));
    batch.delete(key("c")).put(key("c"), key("3"));
    subject.must(batch);
    assert_eq!(subject.get(b"a"), None);
    assert_eq!(subject.get(b"b").as_deref(), Some(&b"2"[..]));
    assert_eq!(subject.get(b"c").as_deref(), Some(&b"3"[..]));
}

fn get_many_answers_in_order(subject: &Subject) {
    subject.put(b"a", b"1");
    subject.put(b"c", b"3");
    let snapshot = block_on(subject.store.snapshot()).expect("a snapshot");
    let values = block_on(snapshot.get_many(&[key("c"), key("b"), key("a")])).expect("values");
    assert_eq!(values, [Some(key("3")), None, Some(key("1"))]);
}

fn an_expectation_that_fails_stops_the_whole_batch(subject: &Subject) {
    subject.put(b"key", b"value");
    let cases: [fn(&mut Batch) -> &mut Batch; 3] = [
        |batch| batch.expect_absent(key("key")),
        |batch| batch.expect(key("key"), key("other")),
        |batch| batch.expect(key("missing"), key("value")),
    ];
    for case in cases {
        let body = subject.body(b"octets", 10);
        let blob = body.id;
        let mut batch = Batch::new();
        batch.expect_absent(key("new"));
        case(&mut batch).put(key("new"), key("value")).keep(body, 1);
        assert_eq!(subject.commit(batch), Err(StoreError::Conflict { expectation: 1 }));
        assert_eq!(subject.get(b"new"), None);
        assert_eq!(subject.read(blob), Err(StoreError::NoSuchBlob));
    }
}

fn expectations_that_hold_let_the_batch_happen(subject: &Subject) {
    subject.put(b"key", b"value");
    let mut batch = Batch::new();
    batch.expect(key("key"), key("value")).expect_absent(key("new")).put(key("new"), key("1"));
    subject.must(batch);
    assert_eq!(subject.get(b"new").as_deref(), Some(&b"1"[..]));
}

fn a_failing_operation_stops_the_whole_batch(subject: &Subject) {
    let mut batch = Batch::new();
    batch.put(key("key"), key("value")).hold(BlobId(u64::MAX));
    assert_eq!(subject.commit(batch), Err(StoreError::NoSuchBlob));
    assert_eq!(subject.get(b"key"), None);
}

fn what_is_too_large_is_refused(subject: &Subject) {
    let limits = Limits::FOUNDATION;
    let mut long_key = Batch::new();
    long_key.put(vec![1; limits.key + 1], key("value"));
    let mut long_value = Batch::new();
    long_value.put(key("key"), vec![1; limits.value + 1]);
    let mut long_batch = Batch::new();
    for number in 0..=limits.batch_bytes / limits.value {
        long_batch.put(number.to_be_bytes().to_vec(), vec![1; limits.value]);
    }
    let mut many = Batch::new();
    for _ in 0..=limits.batch_operations {
        many.delete(key("key"));
    }
    for batch in [long_key, long_value, long_batch, many] {
        assert!(matches!(subject.commit(batch), Err(StoreError::TooLarge(_))));
    }
    assert_eq!(subject.get(b"key"), None);
}

fn what_is_just_within_the_limits_is_taken(subject: &Subject) {
    let limits = Limits::FOUNDATION;
    let (longest_key, longest_value) = (vec![1; limits.key], vec![2; limits.value]);
    let mut batch = Batch::new();
    batch.put(longest_key.clone(), longest_value.clone());
    for number in 1..limits.batch_operations {
        batch.put(format!("{number:05}").into_bytes(), key("value"));
    }
    subject.must(batch);
    assert_eq!(subject.get(&longest_key).as_deref(), Some(&longest_value[..]));
    assert_eq!(subject.get(b"19999").as_deref(), Some(&b"value"[..]));
}

fn an_empty_batch_is_committed(subject: &Subject) {
    assert_eq!(subject.must(Batch::new()).assigned, []);
}

fn a_snapshot_stays_as_it_was(subject: &Subject) {
    subject.put(b"a", b"1");
    subject.put(b"b", b"1");
    let snapshot = block_on(subject.store.snapshot()).expect("a snapshot");
    for number in 0..20_u8 {
        let mut batch = Batch::new();
        batch.put(key("a"), vec![number]).delete(key("b")).put(key("c"), key("1"));
        subject.must(batch);
    }
    let values = block_on(snapshot.get_many(&[key("a"), key("b"), key("c")])).expect("values");
    assert_eq!(values, [Some(key("1")), Some(key("1")), None]);
    let scan = crate::Scan::rising(key("a")..key("z"));
    let page = block_on(snapshot.scan(scan)).expect("a page");
    assert_eq!(page.pairs, [(key("a"), key("1")), (key("b"), key("1"))]);
}

fn a_snapshot_never_shows_half_a_batch(subject: &Subject) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..200_u32 {
                let mut batch = Batch::new();
                let value = number.to_be_bytes().to_vec();
                batch.put(key("left"), value.clone()).put(key("right"), value);
                subject.must(batch);
            }
            done.store(true, Ordering::Relaxed);
        });
        while !done.load(Ordering::Relaxed) {
            let snapshot = block_on(subject.store.snapshot()).expect("a snapshot");
            let left = block_on(snapshot.get(b"left")).expect("a value");
            thread::yield_now();
            assert_eq!(block_on(snapshot.get(b"right")).expect("a value"), left);
        }
    });
}

fn of_two_that_claim_a_key_one_wins(subject: &Subject) {
    let claim = || {
        let mut batch = Batch::new();
        batch.expect_absent(key("claim")).put(key("claim"), key("taken"));
        subject.commit(batch)
    };
    let results: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(claim)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let lost = Err(StoreError::Conflict { expectation: 0 });
    assert_eq!(results.iter().filter(|result| **result == lost).count(), 7);
}

fn commits_from_many_threads_all_happen(subject: &Subject) {
    let store = Arc::clone(&subject.store);
    thread::scope(|scope| {
        for writer in 0..8_u8 {
            let store = &store;
            scope.spawn(move || {
                for number in 0..25_u8 {
                    let mut batch = Batch::new();
                    batch.put(vec![writer, number], vec![number]).add(key("sum"), &[1]);
                    block_on(store.commit(batch)).expect("a commit");
                }
            });
        }
    });
    for writer in 0..8 {
        for number in 0..25 {
            assert_eq!(subject.get(&[writer, number]).as_deref(), Some(&[number][..]));
        }
    }
    assert_eq!(subject.get(b"sum").as_deref(), Some(&200_i64.to_le_bytes()[..]));
}
