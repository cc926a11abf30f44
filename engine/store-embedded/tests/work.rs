//! How much work a commit is: counted, not timed.

use core_store::suite::{Subject, block_on};
use core_store::{Batch, BlobId};
use engine_store_embedded::disk::{Directory, Disk, DiskFile, Mode};
use engine_store_embedded::{EmbeddedStore, Options};
use std::any::Any;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// A directory that counts what is asked of the first segment, and takes as long as a real disk.
#[derive(Debug)]
struct Counted {
    directory: Directory,
    log: Arc<Counts>,
    large: Arc<Counts>,
    other: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    writes: AtomicU64,
    syncs: AtomicU64,
    reads: AtomicU64,
}

impl Disk for Counted {
    fn create_dir(&self, name: &str) -> io::Result<()> {
        self.directory.create_dir(name)
    }
    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.directory.list(dir)
    }
    fn open(&self, name: &str, mode: Mode) -> io::Result<Arc<dyn DiskFile>> {
        let counts = match name {
            "seg/0000000000000001" => &self.log,
            name if name.starts_with("large/") => &self.large,
            _ => &self.other,
        };
        Ok(Arc::new(CountedFile(self.directory.open(name, mode)?, counts.clone())))
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.directory.rename(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.directory.remove(name)
    }
    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        self.directory.sync_dir(dir)
    }
    fn available(&self) -> io::Result<u64> {
        self.directory.available()
    }
    fn lock(&self) -> io::Result<Box<dyn Any + Send + Sync>> {
        self.directory.lock()
    }
}

#[derive(Debug)]
struct CountedFile(Arc<dyn DiskFile>, Arc<Counts>);

impl DiskFile for CountedFile {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.1.reads.fetch_add(1, Relaxed);
        self.0.read_at(buffer, offset)
    }
    fn read_cached(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.1.reads.fetch_add(1, Relaxed);
        self.0.read_at(buffer, offset)
    }
    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<()> {
        self.1.writes.fetch_add(1, Relaxed);
        self.0.write_at(octets, offset)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.1.syncs.fetch_add(1, Relaxed);
        thread::sleep(Duration::from_millis(1));
        self.0.sync_data()
    }
}

struct Bench {
    subject: Subject,
    store: Arc<EmbeddedStore>,
    log: Arc<Counts>,
    large: Arc<Counts>,
    _directory: TempDir,
}

fn bench() -> Bench {
    let directory = tempfile::tempdir().expect("a directory");
    let (log, large) = (Arc::<Counts>::default(), Arc::<Counts>::default());
    let disk = Counted {
        directory: Directory::new(directory.path()),
        log: log.clone(),
        large: large.clone(),
        other: Arc::default(),
    };
    let options = Options { segment_size: 32 << 20, ..Options::default() };
    let store = EmbeddedStore::open_on(Arc::new(disk), Path::new("counted"), options);
    let store = store.expect("a store");
    let subject = Subject { store: store.clone(), blobs: store.clone() };
    Bench { subject, store, log, large, _directory: directory }
}

fn deliver(subject: &Subject, number: u64, size: usize) -> BlobId {
    let body = subject.body(&vec![7; size], 16_384);
    let blob = body.id;
    let mut batch = Batch::new();
    batch.put(number.to_be_bytes().to_vec(), vec![1; 600]).add(&b"count"[..], &[1]).keep(body, 1);
    subject.must(batch);
    blob
}

#[test]
fn one_writer_alone_needs_one_write_and_one_sync_a_message() {
    let bench = bench();
    for number in 0..50 {
        deliver(&bench.subject, number, 4096);
    }
    assert_eq!(bench.log.writes.load(Relaxed), 50);
    assert_eq!(bench.log.syncs.load(Relaxed), 50);
    assert_eq!(bench.store.stats().expect("numbers").log_syncs, 50);
}

#[test]
fn sixty_four_writers_share_their_syncs() {
    let bench = bench();
    thread::scope(|scope| {
        for writer in 0..64 {
            let subject = &bench.subject;
            scope.spawn(move || {
                (0..20).for_each(|number| {
                    deliver(subject, writer * 100 + number, 4096);
                })
            });
        }
    });
    let syncs = bench.log.syncs.load(Relaxed);
    assert!(syncs * 5 < 64 * 20, "{syncs} syncs for {} messages", 64 * 20);
    assert_eq!(bench.log.writes.load(Relaxed), syncs, "one write a batch");
    let sum = bench.subject.get(b"count");
    assert_eq!(sum.as_deref(), Some(&(64_i64 * 20).to_le_bytes()[..]));
}

#[test]
fn a_batch_that_changes_nothing_writes_nothing() {
    let bench = bench();
    bench.subject.must(Batch::new());
    let mut batch = Batch::new();
    batch.expect_absent(&b"missing"[..]);
    bench.subject.must(batch);
    assert_eq!(bench.log.writes.load(Relaxed), 0);
}

#[test]
fn a_large_body_is_synced_by_its_writer_and_costs_the_log_a_small_frame() {
    let bench = bench();
    deliver(&bench.subject, 1, 8 << 20);
    assert_eq!(bench.large.syncs.load(Relaxed), 1);
    assert_eq!(bench.log.syncs.load(Relaxed), 1);
    assert!(bench.store.stats().expect("numbers").live_bytes < 4096);
}

#[test]
fn a_part_of_a_large_body_is_read_without_the_rest() {
    let bench = bench();
    let blob = deliver(&bench.subject, 1, 8 << 20);
    bench.large.reads.store(0, Relaxed);
    bench.log.reads.store(0, Relaxed);
    let part = block_on(bench.store_read(blob, 3_000_000..3_002_048));
    assert_eq!(part.map(|part| part.len()), Ok(2048));
    assert_eq!((bench.log.reads.load(Relaxed), bench.large.reads.load(Relaxed)), (1, 1));
}

#[test]
fn a_small_body_is_read_at_once() {
    let bench = bench();
    let blob = deliver(&bench.subject, 1, 4096);
    bench.log.reads.store(0, Relaxed);
    assert_eq!(bench.subject.read(blob).map(|octets| octets.len()), Ok(4096));
    assert_eq!(bench.log.reads.load(Relaxed), 1);
}

impl Bench {
    fn store_read(
        &self,
        blob: BlobId,
        range: std::ops::Range<u64>,
    ) -> core_store::Later<'_, bytes::Bytes> {
        self.subject.blobs.read(blob, range)
    }
}
