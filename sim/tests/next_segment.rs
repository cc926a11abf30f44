//! A segment that the log has taken, but cannot go on to yet, is the log's: nobody makes it again.

use core_store::suite::Dice;
use core_store::{Batch, Blobs, Store, StoreError};
use engine_store_embedded::{EmbeddedStore, Options, Steps};
use sim::disk::{Faults, SimDisk};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

const SEGMENT: u64 = 256 << 10;

fn open(disk: &SimDisk) -> (Arc<EmbeddedStore>, Steps) {
    let options = Options { segment_size: SEGMENT, reserve: 1 << 20, ..Options::default() };
    let disk = Arc::new(disk.clone());
    EmbeddedStore::open_stepped(disk, Path::new("simulated"), options).expect("nothing is damaged")
}

/// Waits for a future; the store commits when it is asked to, and does nothing else.
fn wait<T>(steps: &mut Steps, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..1_000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        steps.commit();
    }
    panic!("it waits for something else");
}

/// Keeps a body of so many octets, and sets a key.
fn put(
    store: &EmbeddedStore,
    steps: &mut Steps,
    key: &'static [u8],
    size: usize,
) -> Result<(), StoreError> {
    let mut body = store.begin();
    wait(steps, body.write(&vec![1; size]))?;
    let body = wait(steps, body.finish())?;
    let mut batch = Batch::new();
    batch.keep(body, 1).put(key, key);
    wait(steps, store.commit(batch)).map(drop)
}

#[test]
fn a_segment_taken_on_a_full_disk_keeps_its_name_and_its_octets() {
    for cut in 0..20 {
        let disk = SimDisk::new();
        let (store, mut steps) = open(&disk);
        put(&store, &mut steps, b"first", 100_000).expect("there is room");
        put(&store, &mut steps, b"second", 100_000).expect("there is room");
        assert!(steps.prepare_segment(), "the next is prepared");
        // The next is taken, and then there is no room to seal this one.
        disk.set_faults(Faults { full: Some(u64::MAX), ..Faults::default() });
        assert_eq!(put(&store, &mut steps, b"third", 100_000), Err(StoreError::Full));
        disk.set_faults(Faults::default());
        put(&store, &mut steps, b"small", 100).expect("this one has room for it");
        // Were the next one made again now, it would be removed for want of room.
        disk.set_faults(Faults { full: Some(0), ..Faults::default() });
        steps.prepare_segment();
        disk.set_faults(Faults::default());
        put(&store, &mut steps, b"third", 100_000).expect("there is room again");
        disk.crash();
        drop((store, steps));
        let (store, mut steps) = open(&disk.restart(&mut Dice::new(cut)));
        let moment = wait(&mut steps, store.snapshot()).expect("a moment");
        for key in [b"first", b"third"] {
            let value = wait(&mut steps, moment.get(key)).expect("it can be read");
            assert!(value.is_some(), "{key:?} is lost, cut {cut}");
        }
    }
}
