//! Traces: written, found, expired, followed.

use core_store::{Batch, MemoryStore, Store};
use core_trace::{
    Attempt, Came, Destination, Event, Filter, Finding, Found, Options, Order, Outcome, Trace,
    Tried, Writing, attempt, new_id,
};
use core_world::testing::TestWorld;
use std::sync::Arc;
use std::time::Duration;
use words_base::Timestamp;
use words_mail::{AccountId, MailboxId, Refusal, Uid};

struct Office {
    store: Arc<MemoryStore>,
    outside: Arc<TestWorld>,
    trace: Trace,
}

impl Office {
    fn open() -> Office {
        let (store, outside) = (MemoryStore::new(), TestWorld::new());
        let options = Options { keep: Duration::from_secs(1_000) };
        let trace = Trace::new(store.clone(), outside.world(), options);
        Office { store, outside, trace }
    }

    fn now(&self) -> Timestamp {
        self.outside.world().clock.now()
    }

    fn id(&self) -> String {
        new_id(self.now(), &*self.outside.world().random)
    }

    /// A message comes to `to`: filed under UID 7, if it is of mired.org, else queued.
    async fn come(&self, from: Option<&str>, to: &[&str], message_id: &str) -> String {
        let id = self.id();
        let mut writing =
            Writing::begin(&Came { message_id: Some(message_id), ..came(self, &from) });
        let mut batch = Batch::new();
        let uids = batch.assign(&b"uids"[..], 1);
        for to in to {
            match to.ends_with("@mired.org") {
                true => writing.filed(to, &to.to_lowercase(), INBOX, |row| row.push_slot(uids, 6)),
                false => writing.queued(to, to),
            }
        }
        let key = writing.put(&id, 0, &mut batch).unwrap();
        self.store.commit(batch).await.unwrap();
        self.trace.written(key);
        id
    }

    async fn attempt(&self, id: &str, to: &str, outcome: Outcome, words: &str) {
        let tried = Tried { address: to.to_string(), outcome, words: words.to_string() };
        let attempted = Attempt {
            id: id.to_string(),
            at: self.now(),
            destination: "elsewhere.org".to_string(),
            peer: Some("mx.elsewhere.org [192.0.2.1]".to_string()),
            tried: vec![tried],
            ..Attempt::default()
        };
        let mut batch = Batch::new();
        let key = attempt(&attempted, &mut batch).unwrap();
        self.store.commit(batch).await.unwrap();
        self.trace.written(key);
    }

    async fn find(&self, filter: &Filter) -> Vec<String> {
        let found = self.trace.find(filter, Order::OldestFirst, None, 100).await.unwrap();
        assert_eq!(found.rest, None);
        found.traced.into_iter().map(|traced| traced.id).collect()
    }
}

const INBOX: (AccountId, MailboxId) = (AccountId(3), MailboxId(1));

fn came<'a>(office: &Office, from: &'a Option<&'a str>) -> Came<'a> {
    Came {
        at: office.now(),
        peer: "192.0.2.7",
        helo: "client.example",
        protocol: "ESMTPS",
        tls: Some("TLS1.3 AES"),
        login: None,
        reverse_path: from.as_ref().map(|from| from as _),
        message_id: None,
        size: 1_234,
        refused: None,
        decision: None,
        findings: &[],
    }
}

fn filter(change: impl FnOnce(&mut Filter)) -> Filter {
    let mut filter = Filter::default();
    change(&mut filter);
    filter
}

#[tokio::test]
async fn what_came_and_every_try_stand_together_in_the_order_of_time() {
    let office = Office::open();
    let to = ["Ana@mired.org", "x@elsewhere.org"];
    let id = office.come(Some("y@there.org"), &to, "<1@there>").await;
    office.outside.pass(Duration::from_secs(60));
    let other = office.come(Some(""), &["ana@mired.org"], "<2@there>").await;
    let retry_at = Some(office.now());
    // The queue names one of several that share a body by a suffix.
    let deferred = Outcome::Deferred { retry_at };
    office.attempt(&format!("{id}.2"), to[1], deferred, "450 4.2.0 later").await;
    office.outside.pass(Duration::from_secs(60));
    office.attempt(&id, to[1], Outcome::Delivered, "250 ok").await;
    for order in [Order::OldestFirst, Order::NewestFirst] {
        let Found { traced, rest } =
            office.trace.find(&Filter::default(), order, None, 9).await.unwrap();
        assert_eq!((traced.len(), rest), (2, None));
        let traced = traced.into_iter().find(|traced| traced.id == id).unwrap();
        let arrival = traced.arrivals().next().unwrap();
        assert_eq!(arrival.reverse_path.as_deref(), Some("y@there.org"));
        assert_eq!((arrival.size, arrival.tls.as_deref()), (1_234, Some("TLS1.3 AES")));
        let filed = &arrival.lines[0];
        assert_eq!((&*filed.named, &*filed.address), ("Ana@mired.org", "ana@mired.org"));
        let (account, mailbox) = INBOX;
        assert_eq!(filed.to, Destination::Filed { account, mailbox, uid: Uid(7) });
        assert_eq!(arrival.lines[1].to, Destination::Queued);
        let words: Vec<_> = traced.attempts().map(|a| a.tried[0].words.as_str()).collect();
        assert_eq!(words, ["450 4.2.0 later", "250 ok"]);
        assert_eq!(traced.attempts().next().unwrap().tried[0].outcome, deferred);
    }
    let null = filter(|f| f.sender = Some("<>".to_string()));
    assert_eq!(office.find(&null).await, [other]);
}

#[tokio::test]
async fn messages_are_found_by_all_that_one_may_know_of_them() {
    let office = Office::open();
    let begin = office.now();
    let one = office.come(Some("boss@Firm.org"), &["ana@mired.org"], "<abc@firm>").await;
    office.outside.pass(Duration::from_secs(60));
    let middle = office.now();
    let two = office.come(Some("bob@mired.org"), &["ÑU@elsewhere.org"], "<abcd@firm>").await;
    office.attempt(&two, "forward@third.org", Outcome::Failed, "550 no").await;
    let all = || vec![one.clone(), two.clone()];
    let text = |text: &str| Some(text.to_string());
    for (wanted, want) in [
        (filter(|_| ()), all()),
        (filter(|f| f.sender = text("firm.ORG")), vec![one.clone()]),
        (filter(|f| f.sender = text("<bob@mired.org>")), vec![two.clone()]),
        (filter(|f| f.recipient = text("ñu@")), vec![two.clone()]),
        (filter(|f| f.recipient = text("third.org")), vec![two.clone()]),
        (filter(|f| f.message_id = text("abc")), all()),
        (filter(|f| f.message_id = text("<abc@firm>")), vec![one.clone()]),
        (filter(|f| f.id = text(&one)), vec![one.clone()]),
        (filter(|f| f.id = text(&format!("{two}.2"))), vec![two.clone()]),
        (filter(|f| f.id = text("nonsense")), vec![]),
        (filter(|f| f.since = Some(middle)), vec![two.clone()]),
        (filter(|f| f.until = Some(middle)), vec![one.clone()]),
        (filter(|f| f.until = Some(begin)), vec![]),
        (filter(|f| (f.since, f.until) = (Some(middle), Some(begin))), vec![]),
        (
            Filter { sender: text("boss"), recipient: text("elsewhere"), ..Filter::default() },
            vec![],
        ),
    ] {
        assert_eq!(office.find(&wanted).await, want, "{wanted:?}");
    }
}

#[tokio::test]
async fn a_long_stretch_is_read_piece_by_piece_and_nothing_is_told_twice() {
    let office = Office::open();
    let mut ids = Vec::new();
    for n in 0..57 {
        office.outside.pass(Duration::from_millis(5));
        let id = office.come(None, &["x@elsewhere.org"], "<1@x>").await;
        for _ in 0..n % 3 {
            office.outside.pass(Duration::from_millis(5));
            office.attempt(&id, "x@elsewhere.org", Outcome::Delivered, "250 ok").await;
        }
        ids.push(id);
    }
    for (order, count_max) in
        [(Order::OldestFirst, 1), (Order::OldestFirst, 10), (Order::NewestFirst, 7)]
    {
        let (mut found, mut rest) = (Vec::new(), None);
        loop {
            let page = office.trace.find(&Filter::default(), order, rest, count_max).await.unwrap();
            assert!(page.traced.len() <= count_max);
            found.extend(page.traced);
            rest = page.rest;
            if rest.is_none() {
                break;
            }
        }
        let attempts: usize = found.iter().map(|traced| traced.attempts().count()).sum();
        assert_eq!(attempts, 57, "{order:?}");
        let mut found: Vec<_> = found.into_iter().map(|traced| traced.id).collect();
        if order == Order::NewestFirst {
            found.reverse();
        }
        assert_eq!(found, ids);
    }
}

#[tokio::test]
async fn many_recipients_are_counted_where_there_is_no_room() {
    let office = Office::open();
    let address = format!("{}@elsewhere.org", "x".repeat(200));
    let to = vec![&*address; 1_000];
    let id = office.come(Some("y@there.org"), &to, "<1@x>").await;
    let mut more = Writing::more();
    more.refused(&"z@elsewhere.org", &Refusal::MailboxFull);
    let mut batch = Batch::new();
    more.put(&id, 1, &mut batch).unwrap();
    office.store.commit(batch).await.unwrap();
    let wanted = filter(|f| f.recipient = Some("z@".to_string()));
    let found = office.trace.find(&wanted, Order::default(), None, 9).await.unwrap();
    let arrivals: Vec<_> = found.traced[0].arrivals().collect();
    assert_eq!(arrivals[0].lines.len() + arrivals[0].more as usize, 1_000);
    assert!(arrivals[0].lines.len() > 100);
    assert_eq!(arrivals[1].lines[0].to, Destination::Refused("mailbox full".to_string()));
}

#[tokio::test]
async fn what_was_refused_is_written_a_little_later_and_no_more_than_there_is_room_for() {
    let office = Office::open();
    let finding = |n: usize| Finding {
        method: "spf".to_string(),
        result: "fail".to_string(),
        reason: format!("{n}"),
    };
    for n in 0..600 {
        office.outside.pass(Duration::from_millis(1));
        let refused = Came {
            refused: Some(&Refusal::RelayDenied),
            decision: Some("rejected"),
            findings: &[finding(n)],
            ..came(&office, &Some("evil@x"))
        };
        office.trace.refused(&office.id(), &refused, |lines| {
            lines.refused(&"victim@elsewhere.org", &Refusal::RelayDenied);
        });
    }
    assert_eq!((office.find(&Filter::default()).await.len(), office.trace.dropped()), (0, 100));
    office.store.unavailable(true);
    assert_eq!(office.trace.write_pending().await, Err(Refusal::Unavailable));
    office.store.unavailable(false);
    assert_eq!(office.trace.dropped(), 120);
    office.trace.write_pending().await.unwrap();
    let found = office.trace.find(&Filter::default(), Order::OldestFirst, None, 99).await.unwrap();
    assert_eq!(found.traced.len(), 20);
    let arrival = found.traced[0].arrivals().next().unwrap();
    assert_eq!(arrival.refused.as_deref(), Some("relaying denied"));
    assert_eq!(
        (arrival.decision.as_deref(), &arrival.findings[0]),
        (Some("rejected"), &finding(20))
    );
    let id = office.id();
    office.trace.noted(&id, &came(&office, &Some("x@y.org")), |lines| {
        lines.maildir(&"ana@mired.org", &"ana@mired.org");
    });
    office.trace.write_pending().await.unwrap();
    assert_eq!(office.find(&filter(|f| f.id = Some(id.clone()))).await, [id], "before all refused");
    for _ in 0..30 {
        office.trace.write_pending().await.unwrap();
    }
    assert_eq!(office.store.pairs().len(), 481);
}

#[tokio::test]
async fn old_rows_go_page_by_page_and_young_ones_stay() {
    let office = Office::open();
    office
        .store
        .commit({
            let mut batch = Batch::new();
            batch.put(&b"su"[..], &b"before"[..]).put(&b"u"[..], &b"behind"[..]);
            batch
        })
        .await
        .unwrap();
    for _ in 0..1_200 {
        office.outside.pass(Duration::from_millis(1));
        let id = office.come(None, &["x@elsewhere.org"], "<1@x>").await;
        office.attempt(&id, "x@elsewhere.org", Outcome::Delivered, "250 ok").await;
    }
    office.outside.pass(Duration::from_secs(999));
    assert_eq!(office.trace.expire_page().await, Ok(true));
    // Those of the first 199 milliseconds have gone.
    assert_eq!(office.store.pairs().len(), 3 + 2 * (1_200 - 199));
    office.outside.pass(Duration::from_millis(2_500));
    let young = office.come(None, &["x@elsewhere.org"], "<1@x>").await;
    let mut pages = 1;
    while !office.trace.expire_page().await.unwrap() {
        pages += 1;
    }
    assert!(pages >= 5, "{pages}");
    assert_eq!(office.find(&Filter::default()).await, [young]);
    let others = office.store.pairs().into_iter().filter(|(key, _)| !key.starts_with(b"t"));
    assert_eq!(others.count(), 3);
}

#[tokio::test]
async fn who_looks_on_is_told_and_who_is_slow_misses_some() {
    let office = Office::open();
    let before = office.come(None, &["x@elsewhere.org"], "<1@x>").await;
    let mut follow = office.trace.follow();
    let id = office.come(None, &["x@elsewhere.org"], "<2@x>").await;
    office.attempt(&before, "x@elsewhere.org", Outcome::Delivered, "250 ok").await;
    let (told, event) = follow.next().await.unwrap();
    assert!(told == id && matches!(event, Event::Arrived(_)));
    let (told, event) = follow.next().await.unwrap();
    assert!(told == before && matches!(event, Event::Attempted(_)));
    for _ in 0..600 {
        office.come(None, &["x@elsewhere.org"], "<3@x>").await;
    }
    follow.next().await.unwrap();
    assert_eq!((follow.missed(), follow.missed()), (88, 0));
    drop(follow);
    office.come(None, &["x@elsewhere.org"], "<4@x>").await;
}

#[tokio::test]
async fn damaged_rows_and_those_of_a_later_version_hide_nothing_else() {
    let office = Office::open();
    let id = office.come(None, &["x@elsewhere.org"], "<1@x>").await;
    let (key, whole) = office.store.pairs().into_iter().find(|(k, _)| k.starts_with(b"t")).unwrap();
    for len in 0..whole.len() {
        let mut batch = Batch::new();
        batch.put(key.clone(), whole[..len].to_vec());
        office.store.commit(batch).await.unwrap();
        let found = office.trace.find(&Filter::default(), Order::default(), None, 9).await.unwrap();
        let traced = &found.traced[0];
        let whole_lines = traced.arrivals().all(|arrival| arrival.lines.is_empty());
        assert!(traced.id == id && traced.events.len() + traced.more as usize == 1 && whole_lines);
    }
    let mut later = whole.to_vec();
    later[0] = 200;
    let mut batch = Batch::new();
    batch.put(key, later);
    office.store.commit(batch).await.unwrap();
    let found = office.trace.find(&Filter::default(), Order::default(), None, 9).await.unwrap();
    assert_eq!(found.traced[0].more, 1);
}

proptest::proptest! {
    #[test]
    fn any_octets_are_read_without_harm(octets in proptest::collection::vec(0u8.., 0..300), part in 0u16..3) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let office = Office::open();
            let id = office.id();
            let mut octets = octets;
            if let Some(first) = octets.first_mut() {
                *first = 1;
            }
            let mut batch = Batch::new();
            for kind in [b'a', b'b'] {
                let mut key = vec![b't'];
                key.extend_from_slice(id.as_bytes());
                key.push(kind);
                key.extend_from_slice(&part.to_be_bytes());
                batch.put(key, octets.clone());
            }
            office.store.commit(batch).await.unwrap();
            let found = office.trace.find(&Filter::default(), Order::default(), None, 9).await.unwrap();
            assert_eq!(found.traced[0].events.len() + found.traced[0].more as usize, 2);
        });
    }
}
