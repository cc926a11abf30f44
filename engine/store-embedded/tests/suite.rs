//! The embedded engine is an engine, with segments and checkpoints of every size.

use core_store::suite;
use core_store::{Blobs, Store};
use engine_store_embedded::{EmbeddedStore, Options};
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

fn run(options: Options) {
    let directories: RefCell<Vec<TempDir>> = RefCell::default();
    suite::run(|| {
        let directory = tempfile::tempdir().expect("a directory");
        let store = EmbeddedStore::open(directory.path(), options.clone()).expect("a store");
        directories.borrow_mut().push(directory);
        (store.clone() as Arc<dyn Store>, store as Arc<dyn Blobs>)
    });
}

#[test]
fn the_embedded_engine_passes_the_suite() {
    run(Options { segment_size: 1 << 20, ..Options::default() });
}

#[test]
fn it_passes_while_it_checkpoints_and_collects_all_the_time() {
    run(Options {
        segment_size: 128 << 10,
        checkpoint_log: 64 << 10,
        checkpoint_interval: Duration::from_millis(5),
        ..Options::default()
    });
}
