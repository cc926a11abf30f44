//! Figures of a large queue on the embedded engine. Not a test of every day:
//! `cargo test --release -p core-queue --test measure -- --ignored --nocapture`

mod support;

use core_queue::{ByDomain, Contact, NoTrace, Onward, Options, Queue, Work};
use core_store::{Batch, Blobs, Store};
use core_world::testing::TestWorld;
use engine_store_embedded::EmbeddedStore;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use support::*;
use words_mail::ReversePath;

/// Rows for one dead destination.
const DEAD: usize = 100_000;
/// Rows for others,
const OTHERS: usize = 900_000;
/// in so many destinations.
const DESTINATIONS: usize = 100_000;
/// Messages that are added in one commit, so that filling does not take all day.
const TOGETHER: usize = 500;

#[test]
#[ignore = "a measurement: a million rows"]
fn a_million_rows() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let directory = tempfile::tempdir().unwrap();
    runtime.block_on(async {
        let world = TestWorld::new();
        {
            let (_store, queue, store) = open_all(directory.path(), &world);
            let empty = add_one_by_one(&queue, &store, &world, "before.org").await;
            println!("adding one by one to an empty queue: {empty:.0} a second");
            let begin = Instant::now();
            fill(&queue, &store, &world, DEAD, |_| "u@dead.test".to_string()).await;
            let far = |i| format!("u@d{}.test", i % DESTINATIONS);
            fill(&queue, &store, &world, OTHERS, far).await;
            println!("{} rows added in {:.1?}", DEAD + OTHERS, begin.elapsed());
        }
        let base = memory("VmRSS");
        println!("memory before the start: {base} MiB");
        let begin = Instant::now();
        let (_store, queue, store) = open_all(directory.path(), &world);
        println!("store and queue open: {:.1?}", begin.elapsed());
        let home = HomeLess;
        let begin = Instant::now();
        queue.work(&home, now(&world)).await.unwrap();
        let job = queue.take(now(&world)).await.unwrap().unwrap();
        println!("first job after a start: {:.1?}", begin.elapsed());
        drop(job);
        let begin = Instant::now();
        while queue.work(&home, now(&world)).await.unwrap() == Work::Again {}
        println!("all destinations found: {:.1?}", begin.elapsed());
        println!("memory then: {} MiB", memory("VmRSS"));
        let begin = Instant::now();
        let mut jobs = 0;
        while jobs < 20_000 {
            let Some(job) = queue.take(now(&world)).await.unwrap() else { break };
            let dead = job.destination.to_string() == "dead.test";
            let (outcome, contact) = match dead {
                true => (deferred(), Contact::Failed),
                false => (delivered(Onward::Reports), Contact::Reached),
            };
            let outcomes = all(&job, &outcome);
            queue.report(job, outcomes, contact, now(&world)).await.unwrap();
            jobs += 1;
        }
        let rate = f64::from(jobs) / begin.elapsed().as_secs_f64();
        println!("{jobs} jobs taken and reported by one lane: {rate:.0} a second");
        let full = add_one_by_one(&queue, &store, &world, "after.org").await;
        println!("adding one by one to the full queue: {full:.0} a second");
        let statistics = queue.statistics(None).await.unwrap();
        println!("a page of statistics: {} destinations", statistics.destinations.len());
        println!("memory at the end: {} MiB, most: {} MiB", memory("VmRSS"), memory("VmHWM"));
    });
}

fn open_all(
    directory: &Path,
    world: &Arc<TestWorld>,
) -> (Arc<EmbeddedStore>, Queue, Arc<EmbeddedStore>) {
    let store = EmbeddedStore::open(directory, engine_store_embedded::Options::default()).unwrap();
    let queue = Queue::new(
        store.clone(),
        store.clone(),
        world.world(),
        Arc::new(ByDomain),
        Arc::new(NoTrace),
        Options::new("mail.mired.org"),
    );
    (store.clone(), queue, store)
}

fn now(world: &Arc<TestWorld>) -> words_base::Timestamp {
    core_world::Clock::now(&**world)
}

async fn fill(
    queue: &Queue,
    store: &EmbeddedStore,
    world: &Arc<TestWorld>,
    rows: usize,
    to: impl Fn(usize) -> String,
) {
    for first in (0..rows).step_by(TOGETHER) {
        add(queue, store, world, first, TOGETHER, &to).await;
    }
}

async fn add(
    queue: &Queue,
    store: &EmbeddedStore,
    world: &Arc<TestWorld>,
    first: usize,
    count: usize,
    to: &impl Fn(usize) -> String,
) {
    let mut scene = Scene::new();
    let mut writer = store.begin();
    writer.write(b"Subject: hi\r\n\r\nHola.\r\n").await.unwrap();
    let body = writer.finish().await.unwrap();
    let (mut batch, mut added) = (Batch::new(), Vec::new());
    for i in first..first + count {
        let (mut message, _) = scene.message("ana@mired.org", &[(&to(i), "")]).await;
        message.id = format!("{:012x}{:06x}", body.id.0, i);
        message.blob = body.id;
        message.queued_at = now(world);
        message.reverse_path = ReversePath(None);
        added.push(queue.add(&message, &mut batch).unwrap());
    }
    batch.keep(body, count as u32);
    store.commit(batch).await.unwrap();
    added.into_iter().for_each(|added| queue.added(added));
}

/// Commits of one message each; how many a second.
async fn add_one_by_one(
    queue: &Queue,
    store: &EmbeddedStore,
    world: &Arc<TestWorld>,
    domain: &str,
) -> f64 {
    let begin = Instant::now();
    for i in 0..2_000 {
        add(queue, store, world, i, 1, &|i| format!("u{i}@{domain}")).await;
    }
    2_000.0 / begin.elapsed().as_secs_f64()
}

/// MiB of this process.
fn memory(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(what)).unwrap_or_default();
    let kib = line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

/// Nobody is told of anything here.
struct HomeLess;

impl core_queue::Homeward for HomeLess {
    fn begin<'a>(
        &'a self,
        _: &'a words_mail::Address,
    ) -> core_world::Later<'a, Result<Box<dyn core_queue::Homecoming>, words_mail::Refusal>> {
        Box::pin(std::future::ready(Err(words_mail::Refusal::Unavailable)))
    }
}
