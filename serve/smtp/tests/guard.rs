//! Somebody stands at the door.

mod support;

use core_guard::{
    Blocklists, Doorkeeper, Greylist, Pace, Patience, Rate, SenderBook, SenderLimits,
};
use core_store::Store;
use core_world::{
    Answer, Later, LookupError, Question, Record, RecordKind, Resolver, Standing as Trust,
};
use serve_smtp::Guard;
use std::sync::Arc;
use std::time::Duration;
use support::{Client, Office};

/// A DNS in which `bad.test` lists 192.0.2.7, and nothing else is.
struct Names;

impl Resolver for Names {
    fn lookup<'a>(&'a self, question: &'a Question) -> Later<'a, Result<Answer, LookupError>> {
        let record = match (question.name.as_str(), question.kind) {
            ("7.2.0.192.bad.test", RecordKind::A) => Some(Record::A([127, 0, 0, 2].into())),
            ("7.2.0.192.bad.test", RecordKind::Txt) => Some(Record::Txt(b"ask bad.test".to_vec())),
            _ => None,
        };
        let answer = |record| Answer {
            records: vec![record],
            standing: Trust::Insecure,
            ttl: Duration::from_secs(60),
        };
        let answer = record.map(answer).ok_or(LookupError::NoSuchName(Trust::Insecure));
        Box::pin(std::future::ready(answer))
    }
}

fn guard(office: &Office, change: impl FnOnce(&mut Guard)) -> Arc<Guard> {
    let store: Arc<dyn Store> = office.store.clone();
    let pace = Pace {
        offences: Rate { burst: 10, every: Duration::from_secs(60) },
        greeting_delay: Duration::ZERO,
        ..Pace::default()
    };
    let mut guard = Guard {
        keeper: Arc::new(Doorkeeper::new(pace)),
        lists: Blocklists::new(Vec::new(), Arc::new(Names)),
        greylist: None,
        senders: SenderBook::new(store),
        limits: SenderLimits { hour: 3, day: 5 },
        clock: office.world.clock.clone(),
    };
    change(&mut guard);
    Arc::new(guard)
}

fn begun(mut client: Client) -> Client {
    client.expect(&[("", "220"), ("EHLO x.example", "250"), ("MAIL FROM:<x@x.example>", "250")]);
    client
}

#[test]
fn a_harvester_is_sent_away_and_does_not_come_back_until_forgiven() {
    let office = Office::mired();
    let guard = guard(&office, |_| {});
    let mut client = begun(office.come(&guard));
    for name in ["a", "b", "c", "d"] {
        client.expect(&[(&format!("RCPT TO:<{name}@mired.org>"), "550 5.1.1")]);
    }
    client.expect(&[("RCPT TO:<e@mired.org>", "421 4.7.0 192.0.2.7 named unknown recipients")]);
    office.come(&guard).expect(&[("", "421 4.7.0")]);
    assert!(guard.keeper.forgive("192.0.2.7".parse().unwrap()));
    office.come(&guard).expect(&[("", "220")]);
}

#[test]
fn who_wants_to_relay_again_and_again_is_sent_away() {
    let office = Office::mired();
    let guard = guard(&office, |_| {});
    begun(office.come(&guard)).expect(&[("RCPT TO:<x@elsewhere.org>", "421 4.7.0")]);
    office.come(&guard).expect(&[("", "421 4.7.0")]);
}

#[test]
fn who_is_on_a_list_hears_so_instead_of_a_greeting() {
    let office = Office::mired();
    let listed = |guard: &mut Guard| {
        guard.lists = Blocklists::new(vec!["bad.test".to_string()], Arc::new(Names));
    };
    let want = "554 5.7.1 192.0.2.7 is listed by bad.test ask bad.test";
    office.come(&guard(&office, listed)).expect(&[("", want)]);
}

#[test]
fn whoever_is_new_comes_again() {
    let office = Office::mired();
    let store = office.store.clone();
    let guard = guard(&office, |guard| {
        guard.greylist = Some(Greylist::new(store, Patience::default()));
    });
    begun(office.come(&guard)).expect(&[("RCPT TO:<ana@mired.org>", "451 4.7.1")]);
}

#[test]
fn one_account_writes_to_so_many_and_no_more() {
    let office = Office::connected();
    let guard = guard(&office, |_| {});
    let mut client = office.come(&guard);
    let ana = "AUTH PLAIN AGFuYQBhbmE=";
    client.expect(&[("", "220"), ("EHLO x.example", "250"), (ana, "235")]);
    let mail = ("MAIL FROM:<ana@mired.org>", "250");
    client.expect(&[
        mail,
        ("RCPT TO:<a@elsewhere.org>", "250"),
        ("RCPT TO:<b@elsewhere.org>", "250"),
    ]);
    client.expect(&[("DATA", "354"), ("Subject: x\n\nhi\n.", "250")]);
    // What was sent before counts; who is here does not.
    client.expect(&[
        mail,
        ("RCPT TO:<c@elsewhere.org>", "250"),
        ("RCPT TO:<bob@mired.org>", "250"),
    ]);
    client.expect(&[(
        "RCPT TO:<d@elsewhere.org>",
        "451 4.7.0 limit reached: recipients in one hour",
    )]);
}
