//! The resolver against servers in this process: each kind of record, each way to fail, signatures.

mod scene;

use core_world::{Answer, LookupError, Question, Record, RecordKind, Resolver, Standing, Tlsa};
use engine_dns::{Anchor, DnsResolver, Dnssec, Options};
use engine_dns_authority::{Over, Said};
use scene::{Between, Scene, from, options, silent, zone};
use std::time::Duration;

async fn ask(resolver: &DnsResolver, name: &str, kind: RecordKind) -> Result<Answer, LookupError> {
    resolver.lookup(&Question::new(name, kind)).await
}

async fn records(resolver: &DnsResolver, name: &str, kind: RecordKind) -> Vec<Record> {
    ask(resolver, name, kind).await.unwrap_or_else(|error| panic!("{name}: {error}")).records
}

#[tokio::test]
async fn each_kind_of_record_comes_as_it_was_published() {
    let mut zone = zone("mired.org");
    let long: Vec<u8> = (0..=255u8).cycle().take(700).collect();
    let tlsa = Tlsa { usage: 3, selector: 1, matching: 1, data: vec![7; 32] };
    let srv =
        |target: &str| Record::Srv { priority: 1, weight: 2, port: 993, target: target.into() };
    let caa = |critical, tag: &str, value: &str| Record::Caa {
        critical,
        tag: tag.to_string(),
        value: value.as_bytes().to_vec(),
    };
    let all = [
        ("asterix.mired.org", RecordKind::A, Record::A([192, 168, 100, 2].into())),
        ("asterix.mired.org", RecordKind::Aaaa, Record::Aaaa("2001:db8::2".parse().unwrap())),
        (
            "mired.org",
            RecordKind::Mx,
            Record::Mx { preference: 10, exchange: "asterix.mired.org".into() },
        ),
        ("null.mired.org", RecordKind::Mx, Record::Mx { preference: 0, exchange: String::new() }),
        ("mired.org", RecordKind::Txt, Record::Txt(b"v=spf1 mx -all".to_vec())),
        ("long.mired.org", RecordKind::Txt, Record::Txt(long)),
        ("empty.mired.org", RecordKind::Txt, Record::Txt(Vec::new())),
        ("2.mired.org", RecordKind::Ptr, Record::Ptr("asterix.mired.org".into())),
        ("_25._tcp.asterix.mired.org", RecordKind::Tlsa, Record::Tlsa(tlsa)),
        ("_imaps._tcp.mired.org", RecordKind::Srv, srv("asterix.mired.org")),
        ("_pop3._tcp.mired.org", RecordKind::Srv, srv("")),
        ("mired.org", RecordKind::Caa, caa(true, "issue", "ca.example")),
        ("iodef.mired.org", RecordKind::Caa, caa(false, "iodef", "mailto:ana@mired.org")),
        ("mail.mired.org", RecordKind::Cname, Record::Cname("asterix.mired.org".into())),
        ("below.mired.org", RecordKind::Ns, Record::Ns("ns.elsewhere.test".into())),
    ];
    for (name, _, record) in &all {
        zone.add(name, record.clone());
    }
    let scene = Scene::of(vec![zone]).await;
    let resolver = scene.resolver();
    for (name, kind, record) in all {
        // A delegation is answered from below, where nobody is.
        if name != "below.mired.org" {
            assert_eq!(records(&resolver, name, kind).await, [record], "{name}");
        }
    }
    let servers = [Record::Ns("asterix.mired.org".into())];
    assert_eq!(records(&resolver, "mired.org", RecordKind::Ns).await, servers);
}

#[tokio::test]
async fn a_list_comes_whole_even_where_one_datagram_is_too_small() {
    let mut zone = zone("mired.org");
    for number in 0..=255 {
        zone.add("many.mired.org", Record::A([10, 0, 0, number].into()));
    }
    let scene = Scene::of(vec![zone]).await;
    let found = records(&scene.resolver(), "many.mired.org", RecordKind::A).await;
    assert_eq!(found.len(), 256);
    assert_eq!(scene.asked().last().map(|asked| asked.over), Some(Over::Tcp));
}

#[tokio::test]
async fn aliases_are_followed_through_zones_and_their_shortest_time_counts() {
    let (mut one, mut other) = (zone("mired.org"), zone("exterior.test"));
    one.add("www.mired.org", Record::Cname("mail.mired.org".into()));
    one.add("mail.mired.org", Record::Cname("eva.exterior.test".into()));
    one.entries.last_mut().unwrap().ttl = 20;
    other.add("eva.exterior.test", Record::A([192, 168, 100, 3].into()));
    let scene = Scene::of(vec![one, other]).await;
    let answer = ask(&scene.resolver(), "www.mired.org", RecordKind::A).await.unwrap();
    assert_eq!(answer.records, [Record::A([192, 168, 100, 3].into())]);
    assert_eq!(answer.standing, Standing::Insecure);
    assert_eq!(answer.ttl, Duration::from_secs(20));
}

#[tokio::test]
async fn an_alias_that_leads_to_nothing_says_which_nothing() {
    let mut zone = zone("mired.org");
    zone.add("gone.mired.org", Record::Cname("nobody.mired.org".into()));
    zone.add("away.mired.org", Record::Cname("nobody.nowhere.test".into()));
    zone.add("other.mired.org", Record::Cname("asterix.mired.org".into()));
    zone.add("asterix.mired.org", Record::A([192, 168, 100, 2].into()));
    let scene = Scene::of(vec![zone]).await;
    let resolver = scene.resolver();
    for (name, kind, expected) in [
        ("gone.mired.org", RecordKind::A, LookupError::NoSuchName(Standing::Insecure)),
        ("away.mired.org", RecordKind::A, LookupError::NoSuchName(Standing::Insecure)),
        ("other.mired.org", RecordKind::Mx, LookupError::NoRecords(Standing::Insecure)),
    ] {
        assert_eq!(ask(&resolver, name, kind).await, Err(expected), "{name}");
    }
}

#[tokio::test]
async fn aliases_in_a_circle_are_no_answer_and_no_denial() {
    let mut zone = zone("mired.org");
    zone.add("one.mired.org", Record::Cname("two.mired.org".into()));
    zone.add("two.mired.org", Record::Cname("one.mired.org".into()));
    zone.add("self.mired.org", Record::Cname("self.mired.org".into()));
    let scene = Scene::of(vec![zone]).await;
    for name in ["one.mired.org", "self.mired.org"] {
        let error = ask(&scene.resolver(), name, RecordKind::A).await.unwrap_err();
        assert!(matches!(&error, LookupError::Temporary(why) if why.contains("CNAME")), "{error}");
    }
}

#[tokio::test]
async fn nothing_there_is_told_from_no_such_name() {
    let mut zone = zone("mired.org");
    zone.add("asterix.mired.org", Record::A([192, 168, 100, 2].into()));
    let scene = Scene::of(vec![zone]).await;
    let resolver = scene.resolver();
    let insecure = Standing::Insecure;
    let cases = [
        ("nobody.mired.org", LookupError::NoSuchName(insecure)),
        ("mired.example", LookupError::NoSuchName(insecure)),
        ("asterix.mired.org", LookupError::NoRecords(insecure)),
        ("mired.org", LookupError::NoRecords(insecure)),
        // There is something below it.
        ("org", LookupError::NoRecords(insecure)),
    ];
    for (name, expected) in cases {
        assert!(expected.is_denial());
        assert_eq!(ask(&resolver, name, RecordKind::Mx).await, Err(expected), "{name}");
    }
}

#[tokio::test]
async fn names_that_other_resolvers_answer_by_themselves_are_asked() {
    let mut reverse = zone("127.in-addr.arpa");
    reverse.add("2.0.0.127.in-addr.arpa", Record::Ptr("mail.exterior.test".into()));
    let scene = Scene::of(vec![reverse]).await;
    let question = Question::names_of([127, 0, 0, 2].into());
    let answer = scene.resolver().lookup(&question).await.unwrap();
    assert_eq!(answer.records, [Record::Ptr("mail.exterior.test".into())]);
}

#[tokio::test]
async fn what_is_not_a_name_is_not_asked() {
    let scene = Scene::of(vec![zone("mired.org")]).await;
    for name in ["", "a b.org", "a..org", &"a".repeat(64)] {
        assert_eq!(ask(&scene.resolver(), name, RecordKind::A).await, Err(LookupError::BadName));
    }
    assert_eq!(scene.asked(), []);
}

#[tokio::test]
async fn an_answer_is_asked_for_once_and_again_when_forgotten() {
    let mut zone = zone("mired.org");
    zone.add("asterix.mired.org", Record::A([192, 168, 100, 2].into()));
    let scene = Scene::of(vec![zone.clone()]).await;
    let resolver = scene.resolver();
    for _ in 0..3 {
        records(&resolver, "asterix.mired.org", RecordKind::A).await;
        ask(&resolver, "nobody.mired.org", RecordKind::A).await.unwrap_err();
    }
    assert_eq!(scene.asked().len(), 2);

    zone.entries[0].record = Record::A([192, 168, 100, 9].into());
    zone.serial += 1;
    scene.authority.set(zone).unwrap();
    let known = records(&resolver, "asterix.mired.org", RecordKind::A).await;
    assert_eq!(known, [Record::A([192, 168, 100, 2].into())]);
    resolver.forget();
    let new = records(&resolver, "asterix.mired.org", RecordKind::A).await;
    assert_eq!(new, [Record::A([192, 168, 100, 9].into())]);

    scene.authority.remove("mired.org").unwrap();
    resolver.forget();
    let gone = ask(&resolver, "asterix.mired.org", RecordKind::A).await;
    assert_eq!(gone, Err(LookupError::NoSuchName(Standing::Insecure)));
}

#[tokio::test]
async fn a_server_that_cannot_tell_is_named_with_its_words() {
    let scene = Scene::of(vec![zone("mired.org")]).await;
    // The low four bits of the fourth octet are the RCODE (RFC 1035 §4.1.1).
    for (code, word) in [(2, "SERVFAIL"), (5, "REFUSED"), (1, "Form"), (4, "Impl")] {
        let between = Between::new(&scene, move |answer| answer[3] = answer[3] & 0xf0 | code).await;
        let resolver = DnsResolver::new(options(between.address()));
        let error = ask(&resolver, "mired.org", RecordKind::Mx).await.unwrap_err();
        let LookupError::Temporary(why) = &error else { panic!("{error:?}") };
        assert!(why.contains(&between.address().to_string()), "{why}");
        assert!(why.to_lowercase().contains(&word.to_lowercase()), "{why}");
        assert!(!error.is_denial());
    }
}

#[tokio::test]
async fn a_silent_server_is_given_up_and_named() {
    let (socket, address) = silent().await;
    let patience = Duration::from_millis(100);
    let options = Options { within: patience, repetitions: 0, ..options(address) };
    let error = ask(&DnsResolver::new(options), "mired.org", RecordKind::Mx).await.unwrap_err();
    let LookupError::Temporary(why) = error else { panic!("{error:?}") };
    assert!(why.contains(&address.to_string()), "{why}");

    let options = Options { within_all: patience, ..from(&[address]) };
    let error = ask(&DnsResolver::new(options), "mired.org", RecordKind::Mx).await.unwrap_err();
    assert!(matches!(&error, LookupError::Temporary(why) if why.contains("within")), "{error}");
    drop(socket);
}

#[tokio::test]
async fn the_second_server_is_asked_when_the_first_is_silent_or_gone() {
    let mut zone = zone("mired.org");
    zone.add("asterix.mired.org", Record::A([192, 168, 100, 2].into()));
    let scene = Scene::of(vec![zone]).await;
    let (socket, quiet) = silent().await;
    let gone = {
        let (_closed, address) = silent().await;
        address
    };
    for first in [quiet, gone] {
        let within = Duration::from_millis(300);
        let servers = [first, scene.authority.address()];
        let resolver = DnsResolver::new(Options { within, repetitions: 2, ..from(&servers) });
        let found = ask(&resolver, "asterix.mired.org", RecordKind::A).await;
        assert!(found.is_ok(), "{first}: {found:?}");
    }
    drop(socket);
}

#[tokio::test]
async fn who_asked_what_is_told() {
    let mut zone = zone("mired.org");
    zone.add("mired.org", Record::Mx { preference: 10, exchange: "asterix.mired.org".into() });
    let scene = Scene::of(vec![zone]).await;
    let resolver = scene.resolver();
    records(&resolver, "mired.org", RecordKind::Mx).await;
    ask(&resolver, "mired.org", RecordKind::Tlsa).await.unwrap_err();
    ask(&resolver, "obelix.mired.org", RecordKind::A).await.unwrap_err();
    let asked = scene.asked();
    let said: Vec<&Said> = asked.iter().map(|asked| &asked.said).collect();
    let mx = Said::Records(vec!["10 asterix.mired.org.".to_string()]);
    assert_eq!(said, [&mx, &Said::NoRecords, &Said::NoSuchName]);
    let lines: Vec<String> = asked.iter().map(ToString::to_string).collect();
    assert_eq!(lines[0], "mired.org MX: 10 asterix.mired.org.");
    assert_eq!(lines[1], "mired.org TLSA: no such record");
    assert!(asked.iter().all(|asked| asked.from.ip().is_loopback() && asked.over == Over::Udp));
}

/// `signed.test` is signed, `plain.test` is not, `mixed.test` is and leads out.
async fn signed() -> Scene {
    let fill = |apex: &str, is_signed| {
        let mut zone = zone(apex);
        zone.is_signed = is_signed;
        zone.add(&format!("mail.{apex}"), Record::A([192, 168, 100, 2].into()));
        zone.add(apex, Record::Mx { preference: 10, exchange: format!("mail.{apex}") });
        zone
    };
    let mut mixed = fill("mixed.test", true);
    mixed.add("in.mixed.test", Record::Cname("mail.signed.test".into()));
    mixed.add("out.mixed.test", Record::Cname("mail.plain.test".into()));
    mixed.add("none.mixed.test", Record::Cname("nobody.signed.test".into()));
    let zones = ["signed.test", "deep.signed.test", "plain.test", "lost.plain.test"];
    let mut zones = zones.map(|apex| fill(apex, !apex.ends_with("plain.test"))).to_vec();
    zones.push(mixed);
    Scene::of(zones).await
}

#[tokio::test]
async fn each_answer_says_how_far_it_can_be_believed() {
    let scene = signed().await;
    let resolver = scene.validating();
    for (name, kind, expected) in [
        ("signed.test", RecordKind::Mx, Standing::Secure),
        ("mail.signed.test", RecordKind::A, Standing::Secure),
        ("mail.deep.signed.test", RecordKind::A, Standing::Secure),
        ("plain.test", RecordKind::Mx, Standing::Insecure),
        ("mail.plain.test", RecordKind::A, Standing::Insecure),
        ("mail.lost.plain.test", RecordKind::A, Standing::Insecure),
        ("in.mixed.test", RecordKind::A, Standing::Secure),
        // The alias is signed, what it leads to is not.
        ("out.mixed.test", RecordKind::A, Standing::Insecure),
    ] {
        let answer = ask(&resolver, name, kind).await;
        assert_eq!(answer.map(|answer| answer.standing), Ok(expected), "{name}");
    }
}

#[tokio::test]
async fn each_denial_says_how_far_it_can_be_believed() {
    let scene = signed().await;
    let resolver = scene.validating();
    let (secure, insecure) = (Standing::Secure, Standing::Insecure);
    for (name, expected) in [
        ("_25._tcp.mail.signed.test", LookupError::NoSuchName(secure)),
        ("mail.signed.test", LookupError::NoRecords(secure)),
        ("none.mixed.test", LookupError::NoSuchName(secure)),
        ("_25._tcp.mail.plain.test", LookupError::NoSuchName(insecure)),
        ("mail.plain.test", LookupError::NoRecords(insecure)),
        ("nowhere.example", LookupError::NoSuchName(secure)),
    ] {
        assert_eq!(ask(&resolver, name, RecordKind::Tlsa).await, Err(expected), "{name}");
    }
}

#[tokio::test]
async fn nothing_is_secure_for_who_does_not_look() {
    let scene = signed().await;
    let answer = ask(&scene.resolver(), "signed.test", RecordKind::Mx).await.unwrap();
    assert_eq!(answer.standing, Standing::Insecure);
    let denial = ask(&scene.resolver(), "nobody.signed.test", RecordKind::Mx).await;
    assert_eq!(denial, Err(LookupError::NoSuchName(Standing::Insecure)));
}

/// Asks for what was altered on its way.
async fn altered(
    scene: &Scene,
    name: &str,
    kind: RecordKind,
    how: impl Fn(&mut Vec<u8>) + Send + 'static,
) -> Result<Answer, LookupError> {
    let between = Between::new(scene, how).await;
    let dnssec = Dnssec::ValidateFrom(scene.anchor());
    let resolver = DnsResolver::new(Options { dnssec, ..options(between.address()) });
    ask(&resolver, name, kind).await
}

fn replace(octets: &mut [u8], from: &[u8], to: &[u8]) {
    while let Some(at) = octets.windows(from.len()).position(|window| window == from) {
        octets[at..at + from.len()].copy_from_slice(to);
    }
}

#[tokio::test]
async fn an_answer_that_somebody_altered_is_bogus_in_a_signed_zone_alone() {
    let scene = signed().await;
    let (true_one, false_one) = ([192, 168, 100, 2], [192, 168, 100, 6]);
    let how = move |answer: &mut Vec<u8>| replace(answer, &true_one, &false_one);
    let lied = altered(&scene, "mail.signed.test", RecordKind::A, how).await;
    assert_eq!(lied, Err(LookupError::Bogus));
    let lied = altered(&scene, "mail.plain.test", RecordKind::A, how).await.unwrap();
    assert_eq!(lied.records, [Record::A(false_one.into())]);
    assert_eq!(lied.standing, Standing::Insecure);
}

#[tokio::test]
async fn signatures_that_somebody_took_out_are_missed() {
    let scene = signed().await;
    // RRSIG, 46, becomes a type that nobody knows; the class is IN.
    let how = |answer: &mut Vec<u8>| replace(answer, &[0, 46, 0, 1], &[0xff, 46, 0, 1]);
    let lied = altered(&scene, "mail.signed.test", RecordKind::A, how).await;
    assert_eq!(lied, Err(LookupError::Bogus));
}

#[tokio::test]
async fn a_denial_that_somebody_made_up_is_bogus() {
    let scene = signed().await;
    // The records of the answer are counted out, and there is said to be no such name.
    let how = |answer: &mut Vec<u8>| {
        if answer[7] > 0 && answer.windows(4).any(|window| window == [192, 168, 100, 2]) {
            answer[3] = answer[3] & 0xf0 | 3;
            answer[6..12].fill(0);
            let end = 12 + answer[12..].iter().position(|octet| *octet == 0).unwrap() + 5;
            answer.truncate(end);
        }
    };
    let lied = altered(&scene, "mail.signed.test", RecordKind::A, how).await;
    assert_eq!(lied, Err(LookupError::Bogus));
    let lied = altered(&scene, "mail.plain.test", RecordKind::A, how).await;
    assert_eq!(lied, Err(LookupError::NoSuchName(Standing::Insecure)));
}

#[tokio::test]
async fn a_key_that_nobody_gave_us_signs_nothing() {
    let (scene, other) = (signed().await, signed().await);
    let dnssec = Dnssec::ValidateFrom(other.anchor());
    let resolver = DnsResolver::new(Options { dnssec, ..options(scene.authority.address()) });
    for name in ["mail.signed.test", "mail.plain.test", "nobody.signed.test"] {
        assert_eq!(ask(&resolver, name, RecordKind::A).await, Err(LookupError::Bogus), "{name}");
    }
    // Nor does the one of the real root, nor none at all.
    for dnssec in [Dnssec::Validate, Dnssec::ValidateFrom(Anchor { keys: Vec::new() })] {
        let resolver = DnsResolver::new(Options { dnssec, ..options(scene.authority.address()) });
        let found = ask(&resolver, "mail.signed.test", RecordKind::A).await;
        assert_eq!(found, Err(LookupError::Bogus));
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_fetched_is_not_a_zone_without_one() {
    let scene = signed().await;
    // Whoever asks for a DNSKEY, type 48, hears SERVFAIL.
    let how = |answer: &mut Vec<u8>| {
        let end = 12 + answer[12..].iter().position(|octet| *octet == 0).unwrap() + 1;
        if answer[end..end + 2] == [0, 48] {
            answer[3] = answer[3] & 0xf0 | 2;
            answer[6..12].fill(0);
            answer.truncate(end + 4);
        }
    };
    for name in ["mail.signed.test", "mail.plain.test"] {
        let found = altered(&scene, name, RecordKind::A, how).await;
        assert_eq!(found, Err(LookupError::Bogus), "{name}");
    }
}
