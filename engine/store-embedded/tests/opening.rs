//! Opening and closing a store in a real directory.

use core_store::suite::Subject;
use core_store::{Batch, StoreError};
use engine_store_embedded::{EmbeddedStore, OpenError, Options};
use std::fs;
use std::path::Path;
use std::sync::Arc;

fn open(directory: &Path) -> Result<Arc<EmbeddedStore>, OpenError> {
    EmbeddedStore::open(directory, Options { segment_size: 1 << 20, ..Options::default() })
}

fn subject(store: &Arc<EmbeddedStore>) -> Subject {
    Subject { store: store.clone(), blobs: store.clone() }
}

#[test]
fn what_was_committed_is_there_after_closing_and_after_not_closing() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut kept = Vec::new();
    for round in 0..6_u8 {
        let store = open(directory.path()).expect("a store");
        let subject = subject(&store);
        for (blob, octets) in &kept {
            assert!(subject.read(*blob).expect("a body of an earlier round") == *octets);
        }
        for earlier in 0..round {
            assert_eq!(subject.get(&[earlier]).as_deref(), Some(&[earlier][..]));
        }
        subject.put(&[round], &[round]);
        for size in [10, 70_000, 400_000] {
            let octets = vec![round; size];
            let blob = subject.keep(&octets, 1);
            assert!(kept.iter().all(|(earlier, _)| *earlier < blob), "ids rise");
            kept.push((blob, octets));
        }
        if round % 2 == 0 {
            store.close();
            assert_eq!(
                subject.commit(Batch::new()),
                Err(StoreError::Unavailable("the store is closed".into()))
            );
            store.close();
        }
    }
}

#[test]
fn a_store_is_open_once_at_a_time() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path()).expect("a store");
    let error = open(directory.path()).expect_err("it is open already");
    assert!(matches!(error, OpenError::Locked(_)));
    assert!(error.to_string().ends_with("stop that one first, or choose another data directory"));
    assert!(EmbeddedStore::check_offline(directory.path()).is_err());
    store.close();
    open(directory.path()).expect("it is closed");
}

#[test]
fn another_format_is_refused_by_name() {
    let directory = tempfile::tempdir().expect("a directory");
    open(directory.path()).expect("a store").close();
    fs::write(directory.path().join("VERSION"), "estafeta store 99\n").expect("written");
    let error = open(directory.path()).expect_err("another format").to_string();
    assert!(
        error.contains("\"estafeta store 99\"") && error.contains("\"estafeta store 1\""),
        "{error}"
    );
}

#[test]
fn a_directory_with_other_files_is_left_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("thesis.txt"), "unique").expect("written");
    let error = open(directory.path()).expect_err("no store");
    assert!(matches!(error, OpenError::NotAStore(_)), "{error}");
}

#[test]
fn orphans_of_large_bodies_go_when_the_store_is_opened() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path()).expect("a store");
    let blob = subject(&store).keep(&vec![1; 400_000], 1);
    store.close();
    let orphan = directory.path().join("large/00000000000000ff");
    fs::write(&orphan, "half a body").expect("written");
    let store = open(directory.path()).expect("a store");
    assert!(!orphan.exists());
    assert_eq!(subject(&store).read(blob).map(|octets| octets.len()), Ok(400_000));
}

#[test]
fn an_uncommitted_large_body_leaves_no_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path()).expect("a store");
    let files = || fs::read_dir(directory.path().join("large")).expect("listed").count();
    let body = subject(&store).body(&vec![1; 400_000], 50_000);
    assert_eq!(files(), 1);
    drop(body);
    assert_eq!(files(), 0);
    let body = subject(&store).body(&vec![1; 400_000], 50_000);
    let mut batch = Batch::new();
    batch.expect(&b"missing"[..], &b"value"[..]).keep(body, 1);
    assert!(subject(&store).commit(batch).is_err());
    assert_eq!(files(), 0, "a conflict gives the body up");
}

#[test]
fn a_good_store_is_found_good_open_and_closed() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path()).expect("a store");
    for size in [0, 10, 70_000, 400_000] {
        subject(&store).keep(&vec![1; size], 1);
    }
    let report = store.check(u64::MAX);
    assert_eq!((report.findings.len(), report.blobs, report.complete), (0, 4, true), "{report}");
    assert!(!store.check(1000).complete, "a small budget does not suffice");
    store.close();
    let report = EmbeddedStore::check_offline(directory.path()).expect("checked");
    assert_eq!((report.findings.len(), report.blobs, report.complete), (0, 4, true), "{report}");
}
