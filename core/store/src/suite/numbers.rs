//! Counters, slots and sums.

use super::{Demand, Subject, block_on, key};
use crate::{Batch, StoreError, Template};
use std::collections::BTreeSet;
use std::thread;

pub(super) const DEMANDS: &[Demand] = &[
    a_counter_begins_at_one,
    assigned_numbers_fill_slots_of_keys_and_values,
    one_batch_may_assign_from_one_counter_twice,
    a_counter_may_be_told_the_least_number_to_give,
    a_failed_batch_takes_no_numbers,
    numbers_are_given_once,
    sums_begin_at_nothing_and_may_fall,
    a_shorter_sum_leaves_later_numbers,
    sums_see_what_came_before_in_the_batch,
    a_slot_outside_of_its_template_is_refused,
];

fn a_counter_begins_at_one(subject: &Subject) {
    let mut batch = Batch::new();
    batch.assign(key("counter"), 3);
    assert_eq!(subject.must(batch).assigned, [1]);
    assert_eq!(subject.get(b"counter").as_deref(), Some(&3_u64.to_be_bytes()[..]));
    let mut batch = Batch::new();
    batch.assign(key("counter"), 1);
    batch.assign(key("another"), 5);
    assert_eq!(subject.must(batch).assigned, [4, 1]);
}

fn assigned_numbers_fill_slots_of_keys_and_values(subject: &Subject) {
    subject.put(b"counter", &41_u64.to_be_bytes());
    let mut batch = Batch::new();
    let number = batch.assign(key("counter"), 2);
    for plus in [0, 1] {
        let mut slotted = Template::from(&b"row "[..]);
        slotted.push_slot(number, plus);
        let mut value = Template::from(&b"<"[..]);
        value.push_slot(number, plus);
        value.bytes.push(b'>');
        batch.put(slotted, value);
    }
    subject.must(batch);
    for number in [42_u64, 43] {
        let row = [&b"row "[..], &number.to_be_bytes()].concat();
        let value = [&b"<"[..], &number.to_be_bytes(), b">"].concat();
        assert_eq!(subject.get(&row).as_deref(), Some(&value[..]));
    }
}

fn one_batch_may_assign_from_one_counter_twice(subject: &Subject) {
    let mut batch = Batch::new();
    batch.assign(key("counter"), 2);
    batch.assign(key("counter"), 1);
    assert_eq!(subject.must(batch).assigned, [1, 3]);
}

fn a_counter_may_be_told_the_least_number_to_give(subject: &Subject) {
    let mut batch = Batch::new();
    for (least, count) in [(5, 2), (3, 1), (10, 1), (20, 0), (0, 1), (20, 1)] {
        batch.assign_from(key("counter"), least, count);
    }
    assert_eq!(subject.must(batch).assigned, [5, 7, 10, 19, 20, 21]);
    assert_eq!(subject.get(b"counter").as_deref(), Some(&21_u64.to_be_bytes()[..]));
}

fn a_failed_batch_takes_no_numbers(subject: &Subject) {
    let mut batch = Batch::new();
    batch.expect(key("missing"), key("value")).assign(key("counter"), 7);
    assert!(subject.commit(batch).is_err());
    let mut batch = Batch::new();
    batch.assign(key("counter"), 1);
    assert_eq!(subject.must(batch).assigned, [1]);
}

fn numbers_are_given_once(subject: &Subject) {
    let take = || {
        let mut taken = Vec::new();
        for _ in 0..20 {
            let mut batch = Batch::new();
            batch.assign(key("counter"), 1);
            taken.extend(block_on(subject.store.commit(batch)).expect("a commit").assigned);
        }
        assert!(taken.is_sorted(), "later commits get later numbers");
        taken
    };
    let taken: BTreeSet<u64> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    assert!(taken.into_iter().eq(1..=80));
}

fn sum(numbers: &[i64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn sums_begin_at_nothing_and_may_fall(subject: &Subject) {
    for (numbers, expected) in [([5, -2], [5, -2]), ([-7, 3], [-2, 1])] {
        let mut batch = Batch::new();
        batch.add(key("sum"), &numbers);
        subject.must(batch);
        assert_eq!(subject.get(b"sum").as_deref(), Some(&sum(&expected)[..]));
    }
}

fn a_shorter_sum_leaves_later_numbers(subject: &Subject) {
    subject.put(b"sum", &sum(&[1, 2, 3]));
    let mut batch = Batch::new();
    batch.add(key("sum"), &[10]);
    subject.must(batch);
    assert_eq!(subject.get(b"sum").as_deref(), Some(&sum(&[11, 2, 3])[..]));
}

fn sums_see_what_came_before_in_the_batch(subject: &Subject) {
    let mut batch = Batch::new();
    batch.put(key("sum"), sum(&[100])).add(key("sum"), &[1]).add(key("sum"), &[1, 1]);
    subject.must(batch);
    assert_eq!(subject.get(b"sum").as_deref(), Some(&sum(&[102, 1])[..]));
}

fn a_slot_outside_of_its_template_is_refused(subject: &Subject) {
    let mut batch = Batch::new();
    let number = batch.assign(key("counter"), 1);
    let mut value = Template::default();
    value.push_slot(number, 0);
    value.bytes.pop();
    batch.put(key("key"), value);
    assert!(matches!(subject.commit(batch), Err(StoreError::TooLarge(_))));
    assert_eq!(subject.get(b"counter"), None);
}
