//! Which hosts take a domain's mail.

mod support;

use core_world::Standing;
use serve_relay::road::{Host, List, Patience, Places, Road, dial_order};
use serve_relay::{Hop, HopTls, Options, Ourselves};
use std::collections::HashSet;
use support::{Dice, Names};
use words_mail::Domain;

const ZONE: &str = "
    plain.test MX 10 mx.plain.test
    mx.plain.test A 192.0.2.1
    two.test MX 20 second.two.test
    two.test MX 10 FIRST.two.test.
    first.two.test A 192.0.2.2
    first.two.test AAAA 2001:db8::2
    second.two.test A 192.0.2.3
    equal.test MX 5 a.equal.test
    equal.test MX 5 b.equal.test
    equal.test MX 5 c.equal.test
    a.equal.test A 192.0.2.11
    b.equal.test A 192.0.2.12
    c.equal.test A 192.0.2.13
    none.test MX 0 .
    mixed.test MX 0 .
    mixed.test MX 10 mx.plain.test
    bare.test A 192.0.2.4
    bare6.test AAAA 2001:db8::4
    empty.test MX !temporary
    bogus.test MX !bogus
    nothing.test SECURE
    text.test MX 10 gone.text.test
    half.test MX 10 gone.half.test
    half.test MX 20 mx.plain.test
    broken.test MX 10 mx.broken.test
    mx.broken.test A !temporary
    lied.test MX 10 mx.lied.test
    mx.lied.test A 192.0.2.5
    mx.lied.test AAAA !bogus
    slow6.test MX 10 mx.slow6.test
    mx.slow6.test A 192.0.2.6
    mx.slow6.test AAAA !temporary
    bare-broken.test A !temporary
    us.test MX 10 mail.mired.org
    us.test MX 20 mx.plain.test
    backup.test MX 10 mx.plain.test
    backup.test MX 20 mail.mired.org
    backup.test MX 20 second.two.test
    backup.test MX 30 first.two.test
    hidden.test MX 10 mx.plain.test
    hidden.test MX 20 alias.test
    hidden.test MX 30 first.two.test
    alias.test A 198.51.100.1
    alone.test A 198.51.100.1
    nowhere.test A 0.0.0.0
    signed.test MX 10 mx.signed.test
    signed.test SECURE
    mx.signed.test A 192.0.2.7
    mx.signed.test SECURE
    many.test MX 1 first.two.test
    many.test MX 2 second.two.test
    many.test MX 3 mx.plain.test
    many.test MX 4 a.equal.test
    xn--maana-pta.test MX 10 mx.plain.test
";

fn options() -> Options {
    let mut options = Options::new("mail.mired.org");
    options.ourselves = Ourselves {
        names: vec!["mail.mired.org".to_string()],
        addresses: vec!["198.51.100.1:25".parse().unwrap()],
    };
    options.hosts_max = 3;
    options
}

/// The whole road in words: `name port address…`, or what was wrong.
async fn walk(road: Result<Road<'_>, serve_relay::Trouble>) -> Vec<String> {
    let mut seen = Vec::new();
    let mut road = match road {
        Ok(road) => road,
        Err(trouble) => return vec![trouble.said.status.to_string()],
    };
    while let Some(next) = road.next().await {
        seen.push(match next {
            Ok(Host { name, port, addresses, .. }) => {
                let addresses: Vec<String> = addresses.iter().map(|a| a.to_string()).collect();
                format!("{name}:{port} {}", addresses.join(" ")).trim_end().to_string()
            }
            Err(trouble) => trouble.said.status.to_string(),
        });
    }
    seen
}

async fn to(domain: &str, seed: u64) -> Vec<String> {
    let (names, dice, options) = (Names::read(ZONE), Dice::new(seed), options());
    let places = Places { resolver: &names, random: &dice, options: &options };
    walk(Road::to_domain(places, &Domain::parse(domain).unwrap()).await).await
}

#[tokio::test(flavor = "current_thread")]
async fn the_dns_says_who_takes_a_domains_mail() {
    const PLAIN: &str = "mx.plain.test:25 192.0.2.1";
    const FIRST: &str = "first.two.test:25 2001:db8::2 192.0.2.2";
    const SECOND: &str = "second.two.test:25 192.0.2.3";
    for (domain, road) in [
        ("plain.test", &[PLAIN][..]),
        ("two.test", &[FIRST, SECOND]),
        // RFC 7505.
        ("none.test", &["5.1.10"]),
        ("mixed.test", &[PLAIN]),
        // No MX record: the domain's own address.
        ("bare.test", &["bare.test:25 192.0.2.4"]),
        ("bare6.test", &["bare6.test:25 2001:db8::4"]),
        ("bare-broken.test", &["4.4.3"]),
        ("unknown.test", &["5.1.2"]),
        ("empty.test", &["4.4.3"]),
        ("bogus.test", &["4.4.3"]),
        // Exchangers without an address.
        ("text.test", &["5.4.4"]),
        ("half.test", &["5.4.4", PLAIN]),
        ("broken.test", &["4.4.3"]),
        ("lied.test", &["4.4.3"]),
        ("slow6.test", &["mx.slow6.test:25 192.0.2.6"]),
        // RFC 5321 §5.1: nobody sends to himself, nor to whoever is no better.
        ("us.test", &["5.4.6"]),
        ("backup.test", &[PLAIN]),
        ("hidden.test", &[PLAIN]),
        ("alone.test", &["5.4.6"]),
        ("nowhere.test", &["5.4.6"]),
        ("many.test", &[FIRST, SECOND, PLAIN]),
        ("mañana.test", &[PLAIN]),
        ("[192.0.2.9]", &["192.0.2.9:25 192.0.2.9"]),
        ("[IPv6:2001:db8::9]", &["2001:db8::9:25 2001:db8::9"]),
        ("[198.51.100.1]", &["5.4.6"]),
        ("[x-tag:1]", &["5.1.2"]),
        ("[2001:db8::9]", &["5.1.2"]),
    ] {
        assert_eq!(to(domain, 1).await, road, "{domain}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn exchangers_of_one_preference_take_turns() {
    let mut orders = HashSet::new();
    for seed in 0..100 {
        let mut road = to("equal.test", seed).await;
        orders.insert(road.join(", "));
        road.sort();
        assert_eq!(
            road,
            [
                "a.equal.test:25 192.0.2.11",
                "b.equal.test:25 192.0.2.12",
                "c.equal.test:25 192.0.2.13"
            ]
        );
    }
    assert_eq!(orders.len(), 6);
}

#[tokio::test(flavor = "current_thread")]
async fn a_route_leads_where_the_operator_says() {
    let (names, dice, options) = (Names::read(ZONE), Dice::new(1), options());
    let places = Places { resolver: &names, random: &dice, options: &options };
    for (host, port, mx, road) in [
        ("127.0.0.1", 2525, false, "127.0.0.1:2525 127.0.0.1"),
        ("::1", 2525, false, "::1:2525 ::1"),
        ("mx.plain.test", 587, false, "mx.plain.test:587 192.0.2.1"),
        ("plain.test", 587, true, "mx.plain.test:587 192.0.2.1"),
        // Only the machine's own files may know it.
        ("asterix", 25, false, "asterix:25"),
        ("alias.test", 25, false, "5.4.6"),
        ("alias.test", 26, false, "alias.test:26 198.51.100.1"),
        ("198.51.100.1", 25, false, "5.4.6"),
    ] {
        let host = host.to_string();
        let hop = Hop { host, port, tls: HopTls::None, mx, pin: None, login: None };
        assert_eq!(walk(Road::to_hop(places, &hop).await).await, [road], "{hop:?}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn what_is_signed_is_known_to_be() {
    let (names, dice, options) = (Names::read(ZONE), Dice::new(1), options());
    let places = Places { resolver: &names, random: &dice, options: &options };
    for (domain, listed, located) in [
        ("signed.test", Standing::Secure, Standing::Secure),
        ("plain.test", Standing::Insecure, Standing::Insecure),
    ] {
        let mut road = Road::to_domain(places, &Domain::parse(domain).unwrap()).await.unwrap();
        let host = road.next().await.unwrap().unwrap();
        // The denial of an AAAA record is part of what is known of the addresses.
        assert_eq!((host.listed, host.located, host.list), (listed, located, List::Mx));
    }
}

#[test]
fn families_take_turns_and_the_first_is_not_waited_for_long() {
    use Patience::{Full, Quick};
    for (addresses, order) in [
        (&["192.0.2.1"][..], &[("192.0.2.1", Full)][..]),
        (&["192.0.2.1", "::1"], &[("::1", Quick), ("192.0.2.1", Full)]),
        (
            &["::1", "::2", "192.0.2.1", "192.0.2.2"],
            &[("::1", Quick), ("192.0.2.1", Quick), ("::2", Quick), ("192.0.2.2", Full)],
        ),
        (&["::1", "::2"], &[("::1", Full), ("::2", Full)]),
        (&[], &[]),
    ] {
        let addresses: Vec<_> = addresses.iter().map(|text| text.parse().unwrap()).collect();
        let order: Vec<_> = order.iter().map(|(text, p)| (text.parse().unwrap(), *p)).collect();
        assert_eq!(dial_order(&addresses), order);
    }
}
