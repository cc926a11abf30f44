//! What the queue promises, each in a scene.

mod support;

use core_queue::{
    Change, Class, Contact, Destination, Filter, Onward, Options, Outcome, RowState, Said,
};
use core_store::{MemoryStore, Outcome as CommitOutcome};
use std::sync::Arc;
use support::*;
use words_mail::{EnhancedStatus, Refusal};

#[tokio::test]
async fn a_message_leaves_and_nothing_of_it_stays() {
    let mut scene = Scene::new();
    let blob = scene.add("ana@mired.org", &[("bob@far.org", "")]).await;
    let job = scene.take().await.unwrap();
    assert_eq!(job.destination.to_string(), "far.org");
    assert_eq!((job.attempt, job.recipients.len()), (1, 1));
    assert!(scene.take().await.is_none());
    assert_eq!(scene.store.holders(blob), 1);
    scene.report(job, delivered(Onward::Reports), Contact::Reached).await;
    assert!(scene.is_empty());
    assert_eq!(scene.store.blob_count(), 0);
    scene.work().await;
    assert!(scene.home.reports().is_empty());
}

#[tokio::test]
async fn one_job_for_each_destination_and_the_body_goes_with_the_last() {
    let mut scene = Scene::new();
    let blob = scene
        .add("ana@mired.org", &[("bob@far.org", ""), ("eva@near.org", ""), ("pau@far.org", "")])
        .await;
    let (one, two) = (scene.take().await.unwrap(), scene.take().await.unwrap());
    assert!(scene.take().await.is_none());
    let mut sizes = [one.recipients.len(), two.recipients.len()];
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 2]);
    scene.report(one, delivered(Onward::Reports), Contact::Reached).await;
    assert_eq!(scene.store.holders(blob), 1);
    scene.report(two, delivered(Onward::Reports), Contact::Reached).await;
    assert!(scene.is_empty());
    assert_eq!(scene.store.blob_count(), 0);
}

#[tokio::test]
async fn many_recipients_of_one_domain_come_a_hundred_at_a_time() {
    let mut scene = Scene::new();
    let addresses: Vec<String> = (0..250).map(|i| format!("u{i}@far.org")).collect();
    let to: Vec<(&str, &str)> = addresses.iter().map(|a| (a.as_str(), "")).collect();
    scene.add("ana@mired.org", &to).await;
    let mut sizes = Vec::new();
    while let Some(job) = scene.take().await {
        sizes.push(job.recipients.len());
        scene.report(job, delivered(Onward::Reports), Contact::Reached).await;
    }
    assert_eq!(sizes.iter().sum::<usize>(), 250);
    assert!(sizes.iter().all(|size| *size <= 100) && sizes.len() <= 4, "{sizes:?}");
    assert!(scene.is_empty());
}

#[tokio::test]
async fn what_fails_for_now_comes_again_in_time_and_together() {
    let mut scene = Scene::new();
    scene.add("ana@mired.org", &[("bob@far.org", ""), ("eva@far.org", "")]).await;
    let job = scene.take().await.unwrap();
    scene.report(job, deferred(), Contact::Reached).await;
    assert!(scene.take().await.is_none());
    scene.world.pass(4 * MINUTE);
    assert!(scene.take().await.is_none());
    scene.world.pass(2 * MINUTE);
    scene.work().await;
    let job = scene.take().await.unwrap();
    assert_eq!((job.attempt, job.recipients.len()), (2, 2));
}

#[tokio::test]
async fn a_waiting_lane_is_woken_by_mail_and_by_time() {
    let mut scene = Scene::new();
    let wait = {
        let queue = scene.queue.clone();
        tokio::spawn(async move { queue.wait().await })
    };
    tokio::task::yield_now().await;
    scene.add("ana@mired.org", &[("bob@far.org", "")]).await;
    wait.await.unwrap();
    let job = scene.take().await.unwrap();
    scene.report(job, deferred(), Contact::Reached).await;
    let wait = {
        let queue = scene.queue.clone();
        tokio::spawn(async move { queue.wait().await })
    };
    tokio::task::yield_now().await;
    scene.work().await;
    assert!(!wait.is_finished());
    scene.world.pass(6 * MINUTE);
    scene.work().await;
    wait.await.unwrap();
    assert!(scene.take().await.is_some());
}

#[tokio::test]
async fn a_job_that_is_dropped_is_due_again() {
    let mut scene = Scene::new();
    scene.add("ana@mired.org", &[("bob@far.org", "")]).await;
    drop(scene.take().await.unwrap());
    let job = scene.take().await.unwrap();
    assert_eq!(job.attempt, 1);
    scene.kill();
    scene.work().await;
    assert!(scene.take().await.is_some());
    drop(job);
}

#[tokio::test]
async fn a_refusal_comes_home_in_plain_words_and_is_never_tried_again() {
    let mut scene = Scene::new();
    let (message, batch) = scene.message("ana@mired.org", &[("bob@far.org", "")]).await;
    let blob = scene.put(full(message), batch).await;
    let job = scene.take().await.unwrap();
    scene.report(job, failed(), Contact::Reached).await;
    assert_eq!(scene.store.holders(blob), 1);
    scene.work().await;
    assert!(scene.is_empty());
    assert_eq!(scene.store.blob_count(), 0);
    let pages = scene.home.pages();
    let [(to, page)] = &pages[..] else { panic!("{pages:?}") };
    assert_eq!(to, "ana@mired.org");
    for part in [
        "Subject: Not delivered: letter M0000001\r\n",
        "There is no such address.",
        "550 5.1.1 no such user",
        "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n",
        "Content-Type: message/rfc822\r\n\r\nX-Prefix: 1\r\nSubject: letter M0000001\r\n",
        "\r\n\r\nHola.\r\n\r\n--",
    ] {
        assert!(page.contains(part), "{part:?} in {page}");
    }
    scene.world.pass(10 * DAY);
    scene.work().await;
    assert!(scene.take().await.is_none());
    assert_eq!(scene.home.reports().len(), 1);
}

#[tokio::test]
async fn one_report_for_all_recipients_of_a_message() {
    let mut scene = Scene::new();
    scene.add("ana@mired.org", &[("bob@far.org", ""), ("eva@near.org", "")]).await;
    let (one, two) = (scene.take().await.unwrap(), scene.take().await.unwrap());
    scene.report(one, failed(), Contact::Reached).await;
    scene.work().await;
    assert!(scene.home.reports().is_empty());
    scene.report(two, failed(), Contact::Reached).await;
    scene.world.pass(2 * MINUTE);
    scene.work().await;
    assert_eq!(scene.home.said(), ["bob@far.org failed", "eva@near.org failed"]);
    assert_eq!(scene.home.reports().len(), 1);
    assert!(scene.is_empty());
}

#[tokio::test]
async fn to_the_null_path_nothing_is_reported() {
    let mut scene = Scene::new();
    scene.add("", &[("bob@far.org", "SUCCESS,FAILURE,DELAY")]).await;
    let job = scene.take().await.unwrap();
    scene.report(job, failed(), Contact::Reached).await;
    scene.work().await;
    assert!(scene.is_empty() && scene.home.reports().is_empty());
    assert_eq!(scene.store.blob_count(), 0);
}

#[tokio::test]
async fn successes_are_told_to_who_wants_to_know() {
    let mut scene = Scene::new();
    let (mut message, batch) =
        scene.message("ana@mired.org", &[("bob@far.org", "SUCCESS"), ("eva@far.org", "")]).await;
    message.delivered =
        vec![recipient("carme@mired.org", "SUCCESS"), recipient("joan@mired.org", "")];
    scene.put(message, batch).await;
    let job = scene.take().await.unwrap();
    scene.report(job, delivered(Onward::Silent), Contact::Reached).await;
    scene.work().await;
    assert_eq!(scene.home.said(), ["bob@far.org relayed", "carme@mired.org delivered"]);
    assert!(scene.is_empty());
    assert_eq!(scene.store.blob_count(), 0);
}

#[tokio::test]
async fn a_message_for_here_alone_is_reported_too() {
    let mut scene = Scene::new();
    let (mut message, batch) = scene.message("ana@mired.org", &[]).await;
    assert!(!message.has_work());
    message.delivered = vec![recipient("carme@mired.org", "SUCCESS")];
    assert!(message.has_work());
    scene.put(message, batch).await;
    scene.work().await;
    assert_eq!(scene.home.said(), ["carme@mired.org delivered"]);
    assert!(scene.is_empty());
    assert_eq!(scene.store.blob_count(), 0);
}

#[tokio::test]
async fn a_sender_hears_once_that_it_is_late_and_once_that_it_is_over() {
    let mut scene = Scene::new();
    scene.add("ana@mired.org", &[("bob@far.org", "")]).await;
    let mut attempts = 0;
    for _ in 0..200 {
        if let Some(job) = scene.take().await {
            attempts += 1;
            scene.report(job, deferred(), Contact::Reached).await;
        }
        scene.work().await;
        scene.world.pass(HOUR);
    }
    assert_eq!(scene.home.said(), ["bob@far.org delayed", "bob@far.org failed"]);
    assert!((30..45).contains(&attempts), "{attempts}");
    assert!(scene.is_empty());
    assert_eq!(scene.store.blob_count(), 0);
}

/// All jobs that can be had fail to reach anything; how many.
async fn all_unreachable(scene: &Scene) -> usize {
    let mut jobs = 0;
    while let Some(job) = scene.take().await {
        scene.report(job, deferred(), Contact::Failed).await;
        jobs += 1;
    }
    jobs
}

#[tokio::test]
async fn what_waits_for_the_dead_costs_nothing_and_others_go() {
    let mut scene = Scene::new();
    for i in 0..100 {
        scene.add("ana@mired.org", &[(&format!("u{i}@dead.test"), "")]).await;
    }
    assert!(all_unreachable(&scene).await <= 5);
    let before = scene.store.pairs();
    for _ in 0..10 {
        scene.work().await;
        scene.world.pass(20 * MINUTE);
        let probes = all_unreachable(&scene).await;
        assert!(probes <= 1, "{probes}");
    }
    let after = scene.store.pairs();
    let changed = after.iter().filter(|pair| !before.contains(pair)).count();
    assert!(changed <= 12, "{changed}");
    scene.add("ana@mired.org", &[("bob@far.org", "")]).await;
    assert_eq!(scene.take().await.unwrap().destination.to_string(), "far.org");
    // A start does not forget that it is dead.
    scene.kill();
    scene.work().await;
    let job = scene.take().await.unwrap();
    assert_eq!(job.destination.to_string(), "far.org");
    assert!(scene.take().await.is_none());
    drop(job);
    // When it lives again, all goes.
    scene.world.pass(2 * HOUR);
    scene.work().await;
    let mut left = 0;
    while let Some(job) = scene.take().await {
        scene.report(job, delivered(Onward::Reports), Contact::Reached).await;
        left += 1;
    }
    assert!(left >= 90, "{left}");
    scene.world.pass(4 * HOUR);
    scene.work().await;
    while let Some(job) = scene.take().await {
        scene.report(job, delivered(Onward::Reports), Contact::Reached).await;
        left += 1;
    }
    assert_eq!(left, 101);
    assert_eq!(scene.count(b"q"), 0);
}

#[tokio::test]
async fn what_waits_for_the_dead_is_reported_late_and_given_up_in_the_end() {
    let mut scene = Scene::new();
    for i in 0..40 {
        scene.add("ana@mired.org", &[(&format!("u{i}@dead.test"), "")]).await;
    }
    for _ in 0..(5 * 24 + 6) {
        all_unreachable(&scene).await;
        scene.work().await;
        scene.world.pass(HOUR);
    }
    let said = scene.home.said();
    assert_eq!(said.iter().filter(|s| s.ends_with("delayed")).count(), 40);
    assert_eq!(said.iter().filter(|s| s.ends_with("failed")).count(), 40);
    assert!(scene.is_empty());
    assert_eq!(scene.store.blob_count(), 0);
}

#[tokio::test]
async fn destinations_take_turns_and_people_go_before_bulk() {
    let mut scene = Scene::new();
    for i in 0..20 {
        let (mut message, batch) =
            scene.message("list@mired.org", &[(&format!("u{i}@big.org"), "")]).await;
        message.class = Class::Bulk;
        scene.put(message, batch).await;
    }
    for domain in ["a.org", "b.org", "c.org"] {
        for _ in 0..2 {
            scene.add("ana@mired.org", &[(&format!("bob@{domain}"), "")]).await;
        }
    }
    let mut order = Vec::new();
    while let Some(job) = scene.take().await {
        order.push(job.destination.to_string());
        scene.report(job, delivered(Onward::Reports), Contact::Reached).await;
    }
    let people: Vec<&String> = order.iter().take(7).filter(|d| *d != "big.org").collect();
    assert_eq!(people, ["a.org", "b.org", "c.org", "a.org", "b.org", "c.org"]);
    assert_eq!(order.len(), 26);
}

#[tokio::test]
async fn a_destination_gets_no_more_at_once_than_it_bears() {
    let mut scene = Scene::new();
    for i in 0..30 {
        scene.add("ana@mired.org", &[(&format!("u{i}@far.org"), "")]).await;
    }
    let mut out = Vec::new();
    while let Some(job) = scene.take().await {
        out.push(job);
    }
    assert_eq!(out.len(), 5);
    for job in out {
        scene.report(job, delivered(Onward::Reports), Contact::Reached).await;
    }
    let mut out = Vec::new();
    while let Some(job) = scene.take().await {
        out.push(job);
    }
    assert_eq!((out.len(), scene.queue.jobs()), (5, 5));
}

#[tokio::test]
async fn an_operator_sees_holds_releases_and_reroutes() {
    let mut scene = Scene::new();
    scene.add("ana@mired.org", &[("bob@far.org", ""), ("eva@near.org", "")]).await;
    scene.add("", &[("pau@far.org", "")]).await;
    let queue = scene.queue.clone();
    let find = |filter: Filter| {
        let queue = queue.clone();
        async move {
            let listing = queue.list(&filter, None, 100).await.unwrap();
            let line = |row: &core_queue::Listed| format!("{} {:?}", row.address, row.state);
            listing.rows.iter().map(line).collect::<Vec<_>>()
        }
    };
    assert_eq!(find(Filter::default()).await.len(), 3);
    assert_eq!(find(Filter { to: Some("BOB@".into()), ..Filter::default() }).await.len(), 1);
    assert_eq!(find(Filter { from: Some("<>".into()), ..Filter::default() }).await.len(), 1);
    assert_eq!(find(Filter { from: Some("ana".into()), ..Filter::default() }).await.len(), 2);
    assert_eq!(find(Filter { domain: Some("far.org".into()), ..Filter::default() }).await.len(), 2);
    assert_eq!(find(Filter { id: Some("M0000001".into()), ..Filter::default() }).await.len(), 2);
    assert_eq!(find(Filter { before: Some(scene.now()), ..Filter::default() }).await.len(), 0);
    assert_eq!(queue.show("M0000002").await.unwrap().unwrap().recipients, 1);
    assert!(queue.show("M0000009").await.unwrap().is_none());

    let far = Filter { domain: Some("far.org".into()), ..Filter::default() };
    let changed = queue.change(&far, &Change::Hold, None, scene.now()).await.unwrap();
    assert_eq!((changed.changed, changed.busy, changed.next), (2, 0, None));
    let again = queue.change(&far, &Change::Hold, None, scene.now()).await.unwrap();
    assert_eq!(again.changed, 0);
    let job = scene.take().await.unwrap();
    assert_eq!(job.destination.to_string(), "near.org");
    assert!(scene.take().await.is_none());
    let busy = Filter { domain: Some("near.org".into()), ..Filter::default() };
    let changed = queue.change(&busy, &Change::Delete, None, scene.now()).await.unwrap();
    assert_eq!((changed.changed, changed.busy), (0, 1));
    assert_eq!(find(busy).await, ["eva@near.org Underway"]);
    scene.report(job, delivered(Onward::Reports), Contact::Reached).await;

    let statistics = queue.statistics(None).await.unwrap();
    assert_eq!(statistics.destinations.len(), 1);
    assert_eq!((statistics.destinations[0].waiting, statistics.destinations[0].held), (0, 2));

    let route = Destination::Route("127.0.0.1:2525".into());
    let to_bob = Filter { to: Some("bob".into()), ..Filter::default() };
    queue.change(&to_bob, &Change::Release, None, scene.now()).await.unwrap();
    queue.change(&to_bob, &Change::Reroute(route.clone()), None, scene.now()).await.unwrap();
    let job = scene.take().await.unwrap();
    assert_eq!(job.destination, route);
    scene.report(job, deferred(), Contact::Reached).await;
    queue.change(&to_bob, &Change::Retry, None, scene.now()).await.unwrap();
    assert_eq!(scene.take().await.unwrap().attempt, 2);

    let held = Filter { held: Some(true), ..Filter::default() };
    let listing = queue.list(&held, None, 100).await.unwrap();
    assert_eq!(listing.rows[0].state, RowState::Held);
    queue.change(&held, &Change::Delete, None, scene.now()).await.unwrap();
    queue.change(&to_bob, &Change::Bounce, None, scene.now()).await.unwrap();
    scene.work().await;
    assert_eq!(scene.home.said(), ["bob@far.org failed"]);
    assert!(scene.is_empty());
    assert_eq!(scene.store.blob_count(), 0);
}

#[tokio::test]
async fn a_retry_does_not_wait_for_a_pause() {
    let mut scene = Scene::new();
    for i in 0..10 {
        scene.add("ana@mired.org", &[(&format!("u{i}@dead.test"), "")]).await;
    }
    all_unreachable(&scene).await;
    let listing = scene.queue.list(&Filter::default(), None, 100).await.unwrap();
    let paused = |row: &&core_queue::Listed| matches!(row.state, RowState::Paused { .. });
    assert!(listing.rows.iter().filter(paused).count() >= 5);
    scene.queue.change(&Filter::default(), &Change::Retry, None, scene.now()).await.unwrap();
    assert!(scene.take().await.is_some());
}

#[tokio::test]
async fn listings_go_on_where_they_ended() {
    let mut scene = Scene::new();
    for i in 0..25 {
        scene.add("ana@mired.org", &[(&format!("u{i:02}@d{}.org", i % 3), "")]).await;
    }
    let (mut from, mut found) = (None, Vec::new());
    loop {
        let listing = scene.queue.list(&Filter::default(), from, 4).await.unwrap();
        assert!(listing.rows.len() <= 4);
        found.extend(listing.rows.into_iter().map(|row| row.address.to_string()));
        match listing.next {
            Some(next) => from = Some(next),
            None => break,
        }
    }
    found.sort_unstable();
    found.dedup();
    assert_eq!(found.len(), 25);
}

#[tokio::test]
async fn a_report_that_cannot_be_written_is_kept_and_nothing_goes_meanwhile() {
    let mut scene = Scene::new();
    scene.add("ana@mired.org", &[("bob@far.org", "")]).await;
    scene.add("ana@mired.org", &[("eva@near.org", "")]).await;
    let job = scene.take().await.unwrap();
    scene.store.unavailable(true);
    let outcomes = all(&job, &delivered(Onward::Reports));
    scene.queue.report(job, outcomes, Contact::Reached, scene.now()).await.unwrap_err();
    scene.store.unavailable(false);
    assert!(scene.take().await.is_none());
    scene.work().await;
    let job = scene.take().await.unwrap();
    scene.report(job, delivered(Onward::Reports), Contact::Reached).await;
    assert!(scene.is_empty());
    assert!(scene.take().await.is_none());
}

#[tokio::test]
async fn an_outcome_that_is_not_known_is_written_once() {
    for done in [CommitOutcome::Done, CommitOutcome::NotDone] {
        let mut scene = Scene::new();
        scene.add("ana@mired.org", &[("bob@far.org", ""), ("eva@far.org", "")]).await;
        let job = scene.take().await.unwrap();
        scene.store.outcome_unknown_next(done);
        let outcomes = all(&job, &failed());
        scene.queue.report(job, outcomes, Contact::Reached, scene.now()).await.unwrap_err();
        scene.work().await;
        scene.kill();
        scene.work().await;
        assert!(scene.take().await.is_none());
        assert_eq!(scene.home.said(), ["bob@far.org failed", "eva@far.org failed"], "{done:?}");
        assert!(scene.is_empty());
        assert_eq!(scene.store.blob_count(), 0);
    }
}

#[tokio::test]
async fn a_report_home_waits_for_who_is_full_and_is_dropped_for_who_is_not_there() {
    let mut scene = Scene::new();
    scene.home.refuse("ana@mired.org", Some(Refusal::MailboxFull));
    scene.home.refuse("nobody@mired.org", Some(Refusal::NoSuchRecipient));
    for from in ["ana@mired.org", "nobody@mired.org"] {
        scene.add(from, &[("bob@far.org", "")]).await;
        let job = scene.take().await.unwrap();
        scene.report(job, failed(), Contact::Reached).await;
    }
    scene.work().await;
    assert!(scene.home.reports().is_empty());
    assert_eq!(scene.count(b"qb"), 1);
    scene.home.refuse("ana@mired.org", None);
    scene.world.pass(2 * HOUR);
    scene.work().await;
    assert_eq!(scene.home.said(), ["bob@far.org failed"]);
    assert!(scene.is_empty());
    assert_eq!(scene.store.blob_count(), 0);
}

#[tokio::test]
async fn a_report_home_is_delivered_once_even_if_nobody_hears_of_it() {
    let mut scene = Scene::new();
    scene.add("ana@mired.org", &[("bob@far.org", "")]).await;
    let job = scene.take().await.unwrap();
    scene.report(job, failed(), Contact::Reached).await;
    scene.home.lose_next();
    scene.work().await;
    scene.world.pass(2 * HOUR);
    scene.work().await;
    assert_eq!(scene.home.said(), ["bob@far.org failed"]);
    assert!(scene.is_empty());
}

#[tokio::test]
async fn too_much_is_refused_and_the_batch_is_as_it_was() {
    let mut scene = Scene::new();
    let (message, _) = scene.message("ana@mired.org", &[("bob@far.org", "")]).await;
    let mut batch = core_store::Batch::new();
    let mut long = message.clone();
    long.id = "x".repeat(65);
    assert!(matches!(scene.queue.add(&long, &mut batch), Err(Refusal::Limit(_))));
    let mut wide = message.clone();
    wide.prefix = vec![b'x'; 70_000].into();
    assert!(matches!(scene.queue.add(&wide, &mut batch), Err(Refusal::Limit(_))));
    let mut many = message;
    many.recipients = vec![recipient("bob@far.org", ""); 10_001];
    assert!(matches!(scene.queue.add(&many, &mut batch), Err(Refusal::Limit(_))));
    assert!(batch.operations.is_empty());
}

#[tokio::test]
async fn destinations_beyond_what_can_be_kept_in_mind_have_their_turn() {
    let mut options = Options::new("mail.mired.org");
    options.destinations_max = 10;
    let mut scene = Scene::with(options);
    for i in 0..50 {
        scene.add("ana@mired.org", &[(&format!("bob@d{i}.org"), "")]).await;
    }
    let mut left = 0;
    for _ in 0..40 {
        while let Some(job) = scene.take().await {
            scene.report(job, delivered(Onward::Reports), Contact::Reached).await;
            left += 1;
        }
        scene.work().await;
        scene.world.pass(2 * MINUTE);
    }
    assert_eq!(left, 50);
    assert!(scene.is_empty());
}

#[tokio::test]
async fn an_attempt_is_one_commit_and_reading_is_by_pages() {
    let counting = Arc::new(Counting { store: MemoryStore::new(), ..Counting::default() });
    let world = core_world::testing::TestWorld::new();
    let queue = core_queue::Queue::new(
        counting.clone(),
        counting.store.clone(),
        world.world(),
        Arc::new(core_queue::ByDomain),
        Arc::new(core_queue::NoTrace),
        Options::new("mail.mired.org"),
    );
    let mut scene = Scene::new();
    (scene.store, scene.world, scene.queue) = (counting.store.clone(), world, queue);
    for i in 0..500 {
        scene.add("ana@mired.org", &[(&format!("u{i}@far.org"), "")]).await;
    }
    let mut jobs = 0;
    while let Some(job) = scene.take().await {
        scene.report(job, delivered(Onward::Reports), Contact::Reached).await;
        jobs += 1;
    }
    assert_eq!(jobs, 500);
    assert_eq!(counting.commits(), 500);
    // A page for every 200 rows, and one that finds no more.
    assert!(counting.scans() <= 5, "{}", counting.scans());
    assert!(counting.gets() <= 510, "{}", counting.gets());
}

/// Counts what is asked of the store.
#[derive(Default)]
struct Counting {
    store: Arc<MemoryStore>,
    commits: std::sync::atomic::AtomicUsize,
    scans: Arc<std::sync::atomic::AtomicUsize>,
    gets: Arc<std::sync::atomic::AtomicUsize>,
}

impl Counting {
    fn commits(&self) -> usize {
        self.commits.load(std::sync::atomic::Ordering::SeqCst)
    }

    fn scans(&self) -> usize {
        self.scans.load(std::sync::atomic::Ordering::SeqCst)
    }

    fn gets(&self) -> usize {
        self.gets.load(std::sync::atomic::Ordering::SeqCst)
    }
}

impl core_store::Store for Counting {
    fn snapshot(&self) -> core_store::Later<'_, Arc<dyn core_store::Snapshot>> {
        let (scans, gets) = (self.scans.clone(), self.gets.clone());
        Box::pin(async move {
            let snapshot = self.store.snapshot().await?;
            let counted: Arc<dyn core_store::Snapshot> =
                Arc::new(Counted { snapshot, scans, gets });
            Ok(counted)
        })
    }

    fn commit(&self, batch: core_store::Batch) -> core_store::Later<'_, core_store::Committed> {
        self.commits.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        self.store.commit(batch)
    }

    fn limits(&self) -> core_store::Limits {
        self.store.limits()
    }
}

struct Counted {
    snapshot: Arc<dyn core_store::Snapshot>,
    scans: Arc<std::sync::atomic::AtomicUsize>,
    gets: Arc<std::sync::atomic::AtomicUsize>,
}

impl core_store::Snapshot for Counted {
    fn get<'a>(&'a self, key: &'a [u8]) -> core_store::Later<'a, Option<core_store::Value>> {
        self.gets.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        self.snapshot.get(key)
    }

    fn get_many<'a>(
        &'a self,
        keys: &'a [core_store::Key],
    ) -> core_store::Later<'a, Vec<Option<core_store::Value>>> {
        self.gets.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        self.snapshot.get_many(keys)
    }

    fn scan(&self, scan: core_store::Scan) -> core_store::Later<'_, core_store::Page> {
        self.scans.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        self.snapshot.scan(scan)
    }
}

#[tokio::test]
async fn a_peers_word_on_when_to_come_again_is_heard() {
    let mut scene = Scene::new();
    scene.add("ana@mired.org", &[("bob@far.org", "")]).await;
    let job = scene.take().await.unwrap();
    let said = Said::ours(EnhancedStatus(4, 7, 1), "not so fast");
    let retry_at = Some(scene.now() + MINUTE);
    scene.report(job, Outcome::Deferred { said, retry_at }, Contact::Reached).await;
    scene.world.pass(MINUTE);
    assert!(scene.take().await.is_some());
}
