//! Bodies: octets come back as they went in, for as long as somebody holds them.

use super::{Demand, Dice, Subject, block_on};
use crate::{Batch, BlobId, StoreError};
use std::collections::BTreeSet;
use std::thread;

pub(super) const DEMANDS: &[Demand] = &[
    octets_come_back_as_they_went_in,
    a_range_is_cut_to_the_body,
    a_body_can_be_read_before_it_is_kept,
    ids_are_given_once_and_are_never_zero,
    an_uncommitted_body_is_not_there,
    the_last_release_gives_a_body_up,
    a_batch_may_hold_and_release_its_own_body,
    nobody_holds_what_is_not_there,
    one_batch_keeps_many_bodies,
    bodies_from_many_threads_do_not_mix,
];

/// Around every border that an engine might have.
const SIZES: [usize; 14] = [
    0, 1, 4_095, 4_096, 16_384, 65_535, 65_536, 65_537, 131_072, 262_143, 262_144, 262_145,
    524_289, 1_500_000,
];

fn octets_come_back_as_they_went_in(subject: &Subject) {
    for (size, piece) in SIZES.into_iter().zip([1, 1000, 65_536, 300_000].into_iter().cycle()) {
        let octets = Dice::new(size as u64).octets(size);
        let body = subject.body(&octets, piece.max(size / 1000));
        assert_eq!(body.len, size as u64);
        let blob = body.id;
        let mut batch = Batch::new();
        batch.keep(body, 1);
        subject.must(batch);
        assert!(subject.read(blob).expect("a body") == octets, "a body of {size} octets");
    }
}

fn a_range_is_cut_to_the_body(subject: &Subject) {
    for size in SIZES {
        let octets = Dice::new(size as u64).octets(size);
        let blob = subject.keep(&octets, 1);
        let len = size as u64;
        let borders =
            [0, 1, len / 2, 65_535, 65_536, 65_537, len.saturating_sub(1), len, len + 1, u64::MAX];
        for start in borders {
            for end in borders {
                let read = block_on(subject.blobs.read(blob, start..end)).expect("a part");
                let (from, to) = (start.min(len) as usize, end.min(len) as usize);
                let expected = octets.get(from..to).unwrap_or_default();
                assert!(read == expected, "{start}..{end} of {size} octets");
            }
        }
    }
}

fn a_body_can_be_read_before_it_is_kept(subject: &Subject) {
    for size in SIZES {
        let octets = Dice::new(size as u64).octets(size);
        let body = subject.body(&octets, 70_000);
        let len = size as u64;
        for (start, end) in
            [(0, u64::MAX), (0, 1), (65_535, 70_000), (len / 2, len), (len, len + 1)]
        {
            let read = block_on(subject.blobs.read_unkept(&body, start..end)).expect("a part");
            let (from, to) = (start.min(len) as usize, end.min(len) as usize);
            let expected = octets.get(from..to).unwrap_or_default();
            assert!(read == expected, "{start}..{end} of {size} octets");
        }
        let blob = body.id;
        let mut batch = Batch::new();
        batch.keep(body, 1);
        subject.must(batch);
        assert!(subject.read(blob).expect("a body") == octets, "a body of {size} octets");
    }
}

fn ids_are_given_once_and_are_never_zero(subject: &Subject) {
    let ids: BTreeSet<BlobId> = (0..100).map(|_| subject.body(b"octets", 10).id).collect();
    assert_eq!(ids.len(), 100);
    assert!(!ids.contains(&BlobId(0)));
}

fn an_uncommitted_body_is_not_there(subject: &Subject) {
    for size in [10, 300_000] {
        let body = subject.body(&vec![1; size], 50_000);
        let blob = body.id;
        assert_eq!(subject.read(blob), Err(StoreError::NoSuchBlob));
        drop(body);
        assert_eq!(subject.read(blob), Err(StoreError::NoSuchBlob));
    }
}

fn change(subject: &Subject, change: impl FnOnce(&mut Batch)) -> Result<(), StoreError> {
    let mut batch = Batch::new();
    change(&mut batch);
    subject.commit(batch).map(drop)
}

fn the_last_release_gives_a_body_up(subject: &Subject) {
    for size in [100, 300_000] {
        let octets = vec![7; size];
        let blob = subject.keep(&octets, 2);
        let hold = |batch: &mut Batch| {
            batch.hold(blob);
        };
        let release = |batch: &mut Batch| {
            batch.release(blob);
        };
        assert_eq!(change(subject, hold), Ok(()));
        for _ in 0..3 {
            assert!(subject.read(blob).expect("somebody holds it") == octets);
            assert_eq!(change(subject, release), Ok(()));
        }
        // Readers may still be served for a while, but nobody can hold it any more.
        assert_eq!(change(subject, hold), Err(StoreError::NoSuchBlob));
        assert_eq!(change(subject, release), Err(StoreError::NoSuchBlob));
    }
}

fn a_batch_may_hold_and_release_its_own_body(subject: &Subject) {
    let body = subject.body(b"octets", 10);
    let blob = body.id;
    let mut batch = Batch::new();
    batch.keep(body, 1).hold(blob).release(blob).hold(blob);
    subject.must(batch);
    let release = |batch: &mut Batch| {
        batch.release(blob).release(blob);
    };
    assert_eq!(change(subject, release), Ok(()));
    assert_eq!(
        change(subject, |batch| {
            batch.hold(blob);
        }),
        Err(StoreError::NoSuchBlob)
    );
}

fn nobody_holds_what_is_not_there(subject: &Subject) {
    let nowhere = BlobId(u64::MAX);
    assert_eq!(
        change(subject, |batch| {
            batch.hold(nowhere);
        }),
        Err(StoreError::NoSuchBlob)
    );
    assert_eq!(
        change(subject, |batch| {
            batch.release(nowhere);
        }),
        Err(StoreError::NoSuchBlob)
    );
    assert_eq!(subject.read(nowhere), Err(StoreError::NoSuchBlob));
    let blob = subject.keep(b"octets", 1);
    let too_often = change(subject, |batch| {
        batch.release(blob).release(blob);
    });
    assert_eq!(too_often, Err(StoreError::NoSuchBlob));
    assert_eq!(subject.read(blob).as_deref(), Ok(&b"octets"[..]));
}

fn one_batch_keeps_many_bodies(subject: &Subject) {
    let mut batch = Batch::new();
    let mut kept = Vec::new();
    for (number, size) in SIZES.into_iter().enumerate() {
        let octets = vec![number as u8; size];
        let body = subject.body(&octets, 20_000);
        kept.push((body.id, octets));
        batch.keep(body, 1);
    }
    subject.must(batch);
    for (blob, octets) in kept {
        assert!(subject.read(blob).expect("a body") == octets);
    }
}

fn bodies_from_many_threads_do_not_mix(subject: &Subject) {
    thread::scope(|scope| {
        for writer in 0..6_u64 {
            scope.spawn(move || {
                let mut dice = Dice::new(writer);
                for _ in 0..8 {
                    let size = dice.below(400_000) as usize;
                    let octets = dice.octets(size);
                    let blob = subject.keep(&octets, 1);
                    assert!(subject.read(blob).expect("a body") == octets);
                }
            });
        }
    });
}
