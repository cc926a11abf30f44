//! One message at a time, to servers that do as they are told.

mod support;

use core_store::MemoryStore;
use core_world::Clock;
use core_world::testing::TestWorld;
use serve_relay::{Hop, HopTls, RecipientMatch, Route, Routes, SenderMatch, Turn};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use support::house::{House, Letter, now};
use support::town::{At, Fault, Town};
use words_mail::BodyType;

const ZONE: &str = "
    one.test MX 10 mx.one.test
    mx.one.test A 192.0.2.1
    two.test MX 10 a.two.test
    two.test MX 20 b.two.test
    a.two.test A 192.0.2.11
    b.two.test A 192.0.2.12
    dual.test MX 10 mx.dual.test
    mx.dual.test AAAA 2001:db8::1
    mx.dual.test A 192.0.2.21
    none.test MX 0 .
    signed.test MX 10 mx.signed.test
    signed.test SECURE
    mx.signed.test A 192.0.2.31
";

struct Scene {
    town: Arc<Town>,
    memory: Arc<MemoryStore>,
    house: House,
}

impl Scene {
    fn new() -> Scene {
        Scene::with(Routes::default())
    }

    fn with(routes: Routes) -> Scene {
        let town = Town::new(1, TestWorld::new());
        let memory = MemoryStore::new();
        let house = House::open(&memory, &town, ZONE, routes, &Arc::default());
        Scene { town, memory, house }
    }

    fn accept(&self, letter: Letter<'_>) {
        now(self.house.accept(letter));
    }

    /// Everything that is due is tried.
    fn run(&self) {
        while now(self.house.relay.turn()).unwrap() == Turn::Done {}
    }

    /// The last thing that was written down of a recipient.
    fn fate(&self, id: &str, to: &str) -> String {
        let fates = House::fates(&self.memory);
        fates.get(&(id.to_string(), to.to_string())).unwrap().last().unwrap().clone()
    }

    /// Sends one message to `to` and tells what became of it.
    fn send(&self, to: &str) -> String {
        self.accept(Letter::new("1", "ana@mired.org", &[to]));
        self.run();
        self.fate("1", to)
    }

    fn heard(&self) -> Vec<String> {
        self.town.ledger().heard.clone()
    }
}

#[test]
fn a_message_goes_out_with_its_prefix_in_three_flights() {
    let scene = Scene::new();
    let fate = scene.send("eva@one.test");
    assert_eq!(fate, "delivered 250 2.0.0 taken by mx.one.test [192.0.2.1]");
    let messages = scene.town.ledger().messages.clone();
    let whole = b"X-Prefix: here\r\nSubject: hola\r\n\r\n.hola\r\n".to_vec();
    assert_eq!(messages, [("192.0.2.1".to_string(), whole)]);
    // One for the arrival, one for the report, however many steps there were.
    assert_eq!(scene.house.store.commits.load(Ordering::Relaxed), 2);
    assert_eq!(scene.house.store.reads.load(Ordering::Relaxed), 1);
    assert_eq!(now(scene.house.waiting()), 0);
    assert_eq!(scene.memory.blob_count(), 0);
}

#[test]
fn each_stage_that_fails_says_what_follows() {
    const NOT_NOW: Fault = Fault::Say("451 4.7.1 later please");
    const NEVER: Fault = Fault::Say("554 5.7.1 go away");
    let by = "by mx.one.test [192.0.2.1]";
    for (at, fault, fate) in [
        (At::Connect, Fault::Close, "deferred 0 4.4.1 mx.one.test [192.0.2.1]: no connection: "),
        (At::Connect, Fault::Stall, "deferred 0 4.4.1 mx.one.test [192.0.2.1]: no answer in time"),
        (At::Greeting, NOT_NOW, "deferred 451 4.7.1 later please"),
        (At::Greeting, NEVER, "refused 554 5.7.1 go away"),
        (At::Greeting, Fault::Close, "deferred 0 4.4.2 mx.one.test"),
        (At::Greeting, Fault::Stall, "deferred 0 4.4.2 mx.one.test"),
        (At::Hello, NOT_NOW, "deferred 451 4.7.1 later please"),
        (At::Hello, Fault::Stall, "deferred 0 4.4.2 mx.one.test"),
        (At::Mail, NOT_NOW, "deferred 451 4.7.1 later please"),
        (At::Mail, NEVER, "refused 554 5.7.1 go away"),
        (At::Mail, Fault::Say("421 4.3.2 full"), "deferred 421 4.3.2 full"),
        (At::Mail, Fault::Close, "deferred 0 4.4.2 mx.one.test"),
        (At::Rcpt, NOT_NOW, "deferred 451 4.7.1 later please"),
        (At::Rcpt, NEVER, "refused 554 5.7.1 go away"),
        (At::Rcpt, Fault::Stall, "deferred 0 4.4.2 mx.one.test"),
        (At::Data, NOT_NOW, "deferred 451 4.7.1 later please"),
        (At::Data, NEVER, "refused 554 5.7.1 go away"),
        (At::Data, Fault::Close, "deferred 0 4.4.2 mx.one.test"),
        (At::Body, Fault::Close, "deferred 0 4.4.2 mx.one.test"),
        (At::End, NOT_NOW, "deferred 451 4.7.1 later please"),
        (At::End, NEVER, "refused 554 5.7.1 go away"),
        (At::End, Fault::Close, "deferred 0 4.4.2 mx.one.test"),
        (At::End, Fault::Stall, "deferred 0 4.4.2 mx.one.test"),
        (At::End, Fault::TakeAndClose, "deferred 0 4.4.2 mx.one.test"),
    ] {
        let scene = Scene::new();
        scene.town.script("192.0.2.1", at, fault);
        let found = scene.send("eva@one.test");
        assert!(found.starts_with(fate), "{at:?} {fault:?}: {found}");
        let quoted = matches!(fault, Fault::Say(_));
        assert_eq!(found.ends_with(by), quoted, "{at:?} {fault:?}: {found}");
        // What is not refused waits, and goes when the world heals.
        scene.town.script.lock().unwrap().clear();
        scene.town.world.pass_minutes(24 * 60);
        scene.run();
        let refused = fate.starts_with("refused");
        assert_eq!(scene.fate("1", "eva@one.test").starts_with("delivered"), !refused);
        assert_eq!(scene.town.ledger().broken, [""; 0]);
        let taken = scene.town.ledger().taken.values().sum::<u32>();
        let twice = fault == Fault::TakeAndClose;
        assert_eq!(taken, u32::from(!refused) + u32::from(twice), "{at:?} {fault:?}");
    }
}

#[test]
fn the_next_host_gets_what_the_first_does_not_let_in() {
    for (at, fault) in [
        (At::Connect, Fault::Close),
        (At::Greeting, Fault::Say("450 4.3.2 busy")),
        (At::Greeting, Fault::Say("554 5.3.2 no mail here")),
        (At::Greeting, Fault::Stall),
        (At::Hello, Fault::Say("421 4.3.2 busy")),
        (At::Mail, Fault::Say("421 4.3.2 busy")),
        (At::Rcpt, Fault::Close),
    ] {
        let scene = Scene::new();
        scene.town.script("192.0.2.11", at, fault);
        let fate = scene.send("eva@two.test");
        assert!(fate.ends_with("by b.two.test [192.0.2.12]"), "{at:?} {fault:?}: {fate}");
    }
}

#[test]
fn what_a_server_has_settled_is_asked_of_no_other() {
    for (at, fault) in [
        (At::Mail, Fault::Say("550 5.1.0 no")),
        (At::Rcpt, Fault::Say("550 5.1.1 no")),
        (At::Rcpt, Fault::Say("450 4.2.0 greylisted")),
        (At::Data, Fault::Say("554 5.6.0 no")),
        (At::End, Fault::Say("554 5.6.0 no")),
        (At::End, Fault::Close),
        (At::End, Fault::Stall),
        (At::End, Fault::TakeAndClose),
    ] {
        let scene = Scene::new();
        scene.town.script("192.0.2.11", at, fault);
        scene.send("eva@two.test");
        let heard = scene.heard();
        assert!(heard.iter().all(|line| line.starts_with("192.0.2.11 ")), "{at:?} {heard:?}");
    }
}

#[test]
fn ipv6_comes_first_and_ipv4_is_not_far() {
    let scene = Scene::new();
    let before = scene.town.world.now();
    scene.town.script("2001:db8::1", At::Connect, Fault::Stall);
    assert!(scene.send("eva@dual.test").ends_with("by mx.dual.test [192.0.2.21]"));
    let connects: Vec<String> =
        scene.heard().into_iter().filter(|line| line.ends_with("<connect>")).collect();
    assert_eq!(connects, ["2001:db8::1 <connect>", "192.0.2.21 <connect>"]);
    assert_eq!(scene.town.world.now().since(before).as_secs(), 5);
}

#[test]
fn one_bad_recipient_does_not_spoil_the_others() {
    let scene = Scene::new();
    let to = ["eva@one.test", "no-body@one.test", "grey-a@one.test", "pau@one.test"];
    scene.accept(Letter::new("1", "ana@mired.org", &to));
    scene.run();
    let fates: Vec<String> = to.iter().map(|to| scene.fate("1", to)).collect();
    let words: Vec<&str> = fates.iter().map(|fate| fate.split(" by").next().unwrap()).collect();
    assert_eq!(
        words,
        [
            "delivered 250 2.0.0 taken",
            "refused 550 5.1.1 nobody of that name",
            "deferred 450 4.2.0 come again",
            "delivered 250 2.0.0 taken"
        ]
    );
    assert_eq!(scene.town.ledger().messages.len(), 1);
    scene.town.world.pass_minutes(60);
    scene.run();
    assert!(scene.fate("1", "grey-a@one.test").starts_with("delivered"));
}

#[test]
fn a_server_that_takes_one_at_a_time_gets_one_at_a_time() {
    let scene = Scene::new();
    let to = ["one-a@one.test", "one-b@one.test", "one-c@one.test"];
    scene.accept(Letter::new("1", "ana@mired.org", &to));
    scene.run();
    assert!(to.iter().all(|to| scene.fate("1", to).starts_with("delivered")));
    let ledger = scene.town.ledger();
    assert_eq!((ledger.messages.len(), ledger.connections), (3, 1));
}

#[test]
fn a_connection_serves_several_messages_and_is_not_kept_for_ever() {
    let scene = Scene::new();
    for id in ["1", "2", "3"] {
        scene.accept(Letter::new(id, "ana@mired.org", &["eva@one.test"]));
    }
    scene.run();
    assert_eq!(scene.town.ledger().connections, 1);
    assert_eq!(scene.house.relay.tally().reused, 2);
    assert_eq!(scene.house.relay.idle(), 1);
    scene.town.world.pass_minutes(1);
    now(scene.house.relay.tidy());
    assert_eq!(scene.house.relay.idle(), 0);
    assert_eq!(scene.heard().last().unwrap(), "192.0.2.1 QUIT");
}

#[test]
fn a_kept_connection_that_is_gone_costs_nothing() {
    let scene = Scene::new();
    scene.accept(Letter::new("1", "ana@mired.org", &["eva@one.test"]));
    scene.run();
    scene.town.script("192.0.2.1", At::Mail, Fault::Close);
    scene.accept(Letter::new("2", "ana@mired.org", &["eva@one.test"]));
    // The connection that was kept is closed at MAIL; so is the next, and that counts.
    scene.run();
    assert!(scene.fate("2", "eva@one.test").starts_with("deferred"));
    assert_eq!(scene.town.ledger().connections, 2);
}

#[test]
fn what_is_not_offered_is_not_done_silently() {
    let wide = "Subject: ¡hola!\r\n\r\nhola\r\n".as_bytes();
    let plain = b"Subject: hola\r\n\r\nhola\r\n".as_slice();
    for (offers, body, smtputf8, octets, fate) in [
        (&[][..], BodyType::EightBitMime, false, wide, "refused 0 5.6.3"),
        (&["8BITMIME"], BodyType::EightBitMime, false, wide, "delivered"),
        (&["8BITMIME"], BodyType::EightBitMime, true, wide, "refused 0 5.6.7"),
        (&["8BITMIME", "SMTPUTF8"], BodyType::EightBitMime, true, wide, "delivered"),
        // There is nothing to convert.
        (&[], BodyType::EightBitMime, false, plain, "delivered"),
        (&["8BITMIME"], BodyType::EightBitMime, true, plain, "delivered"),
        (&["SIZE 10"], BodyType::SevenBit, false, plain, "refused 0 5.3.4"),
        (&["SIZE 1000", "CHUNKING"], BodyType::SevenBit, false, plain, "delivered"),
    ] {
        let scene = Scene::new();
        scene.town.offer("192.0.2.1", offers);
        let letter = Letter::new("1", "ana@mired.org", &["eva@one.test"]);
        scene.accept(Letter { body, smtputf8, octets, ..letter });
        scene.run();
        let found = scene.fate("1", "eva@one.test");
        assert!(found.starts_with(fate), "{offers:?} {body:?} {smtputf8}: {found}");
    }
    let scene = Scene::new();
    scene.town.offer("192.0.2.1", &["8BITMIME"]);
    assert!(scene.send("ñ@one.test").starts_with("refused 0 5.6.7"));
}

#[test]
fn tls_is_used_where_it_works_and_not_where_it_does_not() {
    for (fault, connections) in [(None, 1), (Some(Fault::Close), 2)] {
        let scene = Scene::new();
        scene.town.offer("192.0.2.1", &["STARTTLS", "PIPELINING"]);
        if let Some(fault) = fault {
            scene.town.script("192.0.2.1", At::Handshake, fault);
        }
        assert!(scene.send("eva@one.test").starts_with("delivered"));
        assert_eq!(scene.town.ledger().connections, connections);
        let started = scene.heard().iter().filter(|line| line.ends_with("STARTTLS")).count();
        assert_eq!(started, 1);
    }
}

fn to_host(tls: HopTls) -> Routes {
    let host = "192.0.2.1".to_string();
    let hop = Hop { host, port: 25, tls, mx: false, pin: None, login: None };
    let route = Route {
        name: "inside".to_string(),
        recipient: RecipientMatch::parse("inside.test").unwrap(),
        sender: SenderMatch::Any,
        account: None,
        hop: Some(hop),
    };
    Routes::new(vec![route], None)
}

#[test]
fn what_demands_tls_does_not_go_in_the_clear() {
    for (offers, tls, fate) in [
        (&["STARTTLS"][..], HopTls::None, "delivered"),
        (&["STARTTLS"], HopTls::Opportunistic, "delivered"),
        (&[], HopTls::Required, "deferred 0 4.7.10"),
        // The town has no certificate of an authority.
        (&["STARTTLS"], HopTls::Required, "deferred 0 4.7.5"),
    ] {
        let scene = Scene::with(to_host(tls));
        scene.town.offer("192.0.2.1", offers);
        let found = scene.send("eva@inside.test");
        assert!(found.starts_with(fate), "{offers:?} {tls:?}: {found}");
        let mails = scene.heard().iter().filter(|line| line.contains("MAIL")).count();
        assert_eq!(mails, usize::from(fate == "delivered"), "{offers:?} {tls:?}");
        let started = scene.heard().iter().any(|line| line.ends_with("STARTTLS"));
        assert_eq!(started, !offers.is_empty() && tls != HopTls::None);
    }
}

#[test]
fn requiretls_goes_nowhere_that_is_not_certain() {
    for (to, fate) in
        [("eva@one.test", "refused 0 5.7.30"), ("eva@signed.test", "deferred 0 4.7.5")]
    {
        let scene = Scene::new();
        scene.town.offer("192.0.2.31", &["STARTTLS", "REQUIRETLS"]);
        let all = [to];
        let letter = Letter::new("1", "ana@mired.org", &all);
        let letter = Letter { requiretls: true, ..letter };
        scene.accept(letter);
        scene.run();
        assert!(scene.fate("1", to).starts_with(fate), "{}", scene.fate("1", to));
        assert!(!scene.heard().iter().any(|line| line.contains("MAIL")));
    }
}

#[test]
fn names_that_lead_nowhere_are_told_apart() {
    for (to, fate) in [
        ("eva@unknown.test", "refused 0 5.1.2 unknown.test: there is no such name"),
        ("eva@none.test", "refused 0 5.1.10 none.test does not accept mail"),
    ] {
        let found = Scene::new().send(to);
        assert!(found.starts_with(fate), "{found}");
    }
}

#[test]
fn routes_of_today_hold_for_mail_of_yesterday() {
    let scene = Scene::with(to_host(HopTls::None));
    scene.town.script("192.0.2.1", At::Connect, Fault::Close);
    assert!(scene.send("eva@inside.test").starts_with("deferred"));
    // The route is taken away; the domain is unknown to the DNS.
    let house = House::open(&scene.memory, &scene.town, ZONE, Routes::default(), &Arc::default());
    let scene = Scene { house, ..scene };
    scene.town.world.pass_minutes(24 * 60);
    now(async {
        while scene.house.queue.work(&*scene.house.home, scene.town.world.now()).await
            == Ok(core_queue::Work::Again)
        {}
    });
    scene.run();
    let fates = House::fates(&scene.memory);
    let all: Vec<&String> = fates.values().flatten().collect();
    assert!(all.iter().any(|fate| fate.starts_with("refused 0 5.1.2")), "{all:?}");
}
