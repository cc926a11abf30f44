//! The zone of a domain as a master file, and each of its records broken in turn.

use proptest::prelude::*;
use rules_zone::{
    Data, DkimAlgorithm, DkimKey, Facts, Finding, Found, Kind, Known, Port, Question, Service,
    State, compare, is_good, line, master_file, mta_sts_policy, needs, records, reverse_name,
};

/// What is published: names and what they say.
type Published = Vec<(String, Data)>;

fn facts() -> Facts {
    let mut facts = Facts::new("mired.org", "asterix.mired.org");
    facts.addresses = vec!["192.0.2.2".parse().unwrap(), "2001:db8::2".parse().unwrap()];
    let key = |selector: &str, algorithm, octets| DkimKey {
        selector: selector.to_string(),
        algorithm,
        public: vec![7; octets],
    };
    facts.dkim =
        vec![key("rsa-1", DkimAlgorithm::Rsa, 294), key("ed25519-1", DkimAlgorithm::Ed25519, 32)];
    facts.mta_sts = Some(mta_sts_policy("asterix.mired.org").1);
    facts.certificates = vec![[9; 32]];
    facts.issuers = vec!["ca.example".to_string()];
    facts.blocklists = vec!["list.example".to_string()];
    let port = |service, port| Port { service, port };
    facts.services = vec![port(Service::Submissions, 465), port(Service::Imaps, 993)];
    facts
}

/// Everything as it should be, and the names of the addresses.
fn published(facts: &Facts) -> Published {
    let mut all: Published =
        records(facts).into_iter().map(|record| (record.name, record.data)).collect();
    for address in &facts.addresses {
        all.push((reverse_name(*address, None), Data::Ptr(facts.host.clone())));
    }
    all
}

/// As a resolver answers: aliases are followed.
fn answer(published: &Published, question: &Question) -> Found {
    let mut name = question.name.clone();
    for _ in 0..8 {
        let here = published.iter().filter(|(n, _)| *n == name);
        let records: Vec<Data> = here
            .clone()
            .filter(|(_, d)| d.kind() == question.kind)
            .map(|(_, d)| d.clone())
            .collect();
        if !records.is_empty() {
            return Found::Records { records, is_secure: false };
        }
        let alias = here.into_iter().find_map(|(_, data)| match data {
            Data::Cname(to) => Some(to.clone()),
            _ => None,
        });
        match alias {
            Some(to) => name = to,
            None => return Found::Nothing,
        }
    }
    Found::Failed("aliases in a circle".to_string())
}

fn check(facts: &Facts, answer: impl Fn(&Question) -> Found) -> Vec<Finding> {
    let mut known = Known::default();
    loop {
        let questions = needs(facts, &known);
        if questions.is_empty() {
            return compare(facts, &known);
        }
        assert!(known.count() < 300, "{questions:?}");
        for question in questions {
            let found = answer(&question);
            known.learn(question, found);
        }
    }
}

fn bad(findings: &[Finding]) -> Vec<&Finding> {
    findings.iter().filter(|finding| finding.state != State::Right).collect()
}

#[test]
fn what_is_published_as_it_was_printed_is_right() {
    let facts = facts();
    let published = published(&facts);
    let findings = check(&facts, |question| answer(&published, question));
    assert_eq!(bad(&findings), Vec::<&Finding>::new());
    assert!(is_good(&findings) && findings.len() >= 20, "{}", findings.len());
}

#[test]
fn each_record_that_is_missing_is_named_with_the_line_that_mends_it() {
    let facts = facts();
    let whole = published(&facts);
    for index in 0..whole.len() {
        let mut published = whole.clone();
        let (name, data) = published.remove(index);
        let findings = check(&facts, |question| answer(&published, question));
        let wanted = line(&name, facts.ttl, &data);
        let named = findings.iter().any(|finding| {
            finding.name == name
                && finding.kind == data.kind()
                && finding.state != State::Right
                && finding.mend.as_ref().is_some_and(|mend| mend.contains(&wanted))
        });
        assert!(named, "{wanted}\n{:#?}", bad(&findings));
    }
}

fn text(text: &str) -> Data {
    Data::Txt(text.as_bytes().to_vec())
}

/// What stands in place of the records of one type at a name, and which words tell of it.
fn wrong_ones() -> Vec<(&'static str, Vec<Data>, &'static str)> {
    let spf = "v=spf1 mx -all";
    let mx = |name: &str| Data::Mx(10, name.to_string());
    let srv = |port, target: &str| Data::Srv(0, 1, port, target.to_string());
    vec![
        ("mired.org", vec![mx("other.example")], "elsewhere"),
        ("mired.org", vec![Data::Mx(0, String::new())], "takes no mail"),
        ("mired.org", vec![mx("asterix.mired.org"), mx("gone.example")], "it is nowhere"),
        ("asterix.mired.org", vec![Data::A([192, 0, 2, 9].into())], "no address of this server"),
        ("asterix.mired.org", vec![Data::Aaaa("2001:db8::9".parse().unwrap())], "no address"),
        ("mired.org", vec![text(spf), text("v=spf1 -all")], "2 SPF records"),
        ("mired.org", vec![text("v=spf1 +all")], "everybody"),
        ("mired.org", vec![text("v=spf1 mx ALL")], "everybody"),
        ("mired.org", vec![text("v=spf1 a:other.example -all")], "does not let"),
        ("mired.org", vec![text("v=spf1 -all")], "192.0.2.2, 2001:db8::2"),
        ("mired.org", vec![text("v=spf1 ip4:192.0.2.0/24 -all")], "2001:db8::2"),
        ("mired.org", vec![text("v=spf1 mix -all")], "error"),
        ("asterix.mired.org", vec![text("v=spf1 -all")], "does not let"),
        ("rsa-1._domainkey.mired.org", vec![text("v=DKIM1; k=rsa; p=")], "revoked"),
        ("rsa-1._domainkey.mired.org", vec![text("v=DKIM1; k=rsa; p=AAAA")], "another key"),
        ("rsa-1._domainkey.mired.org", vec![text("hello")], "no key"),
        (
            "ed25519-1._domainkey.mired.org",
            vec![text("v=DKIM1; p=BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=")],
            "for rsa",
        ),
        (
            "ed25519-1._domainkey.mired.org",
            vec![text("v=DKIM1; k=ed25519; t=y; p=BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=")],
            "try",
        ),
        ("rsa-1._domainkey.mired.org", vec![text("a"), text("b")], "chance"),
        ("_dmarc.mired.org", vec![text("v=DMARC1; rua=mailto:a@mired.org")], "no policy"),
        ("_dmarc.mired.org", vec![text("v=DMARC1; p=no")], "there is no policy"),
        ("_dmarc.mired.org", vec![text("v=DMARC1; p=none"), text("v=DMARC1; p=none")], "several"),
        ("_mta-sts.mired.org", vec![text("v=STSv1; id=")], "letters and digits"),
        ("_mta-sts.mired.org", vec![text("v=STSv1; id=a-b")], "letters and digits"),
        ("_mta-sts.mired.org", vec![text("v=STSv1; id=20200101")], "another policy"),
        ("_smtp._tls.mired.org", vec![text("v=TLSRPTv1; rua=postmaster@mired.org")], "where to"),
        ("_25._tcp.asterix.mired.org", vec![Data::Tlsa(3, 1, 1, vec![8; 32])], "not the key"),
        ("mired.org", vec![Data::Caa(false, "issue".into(), b"other.example".to_vec())], "may not"),
        ("_imaps._tcp.mired.org", vec![srv(993, "other.example")], "elsewhere"),
        ("_imaps._tcp.mired.org", vec![srv(994, "asterix.mired.org")], "elsewhere"),
        ("_submissions._tcp.mired.org", vec![srv(0, "")], "elsewhere"),
        ("mail.mired.org", vec![Data::Cname("other.example".into())], "elsewhere"),
        ("2.2.0.192.in-addr.arpa", vec![Data::Ptr("other.example".into())], "another name"),
    ]
}

#[test]
fn each_record_that_is_wrong_is_named_with_what_was_found_and_what_mends_it() {
    let facts = facts();
    let whole = published(&facts);
    for (name, instead, word) in wrong_ones() {
        let kind = instead[0].kind();
        let mut published = whole.clone();
        published.retain(|(n, data)| n != name || data.kind() != kind);
        published.extend(instead.iter().map(|data| (name.to_string(), data.clone())));
        published.push(("other.example".to_string(), Data::A([198, 51, 100, 1].into())));
        let findings = check(&facts, |question| answer(&published, question));
        assert!(!is_good(&findings), "{name} {instead:?}");
        let told = findings.iter().find(|finding| finding.why.contains(word) && !finding.is_good());
        let told = told.unwrap_or_else(|| panic!("{name} {word}: {:#?}", bad(&findings)));
        assert!(told.mend.as_ref().is_some_and(|mend| !mend.is_empty()), "{told:?}");
        if told.name == name {
            assert!(matches!(&told.state, State::Wrong { found } if !found.is_empty()), "{told:?}");
        }
    }
}

#[test]
fn what_mends_an_spf_record_keeps_what_else_it_allows() {
    let facts = facts();
    let mut published = published(&facts);
    for (name, data) in &mut published {
        if name == "mired.org" && data.kind() == Kind::Txt {
            *data = text("v=spf1 a:other.example include:list.example ~all");
        }
    }
    published.push(("other.example".to_string(), Data::A([198, 51, 100, 1].into())));
    published.push(("list.example".to_string(), text("v=spf1 ip4:198.51.100.2 -all")));
    let findings = check(&facts, |question| answer(&published, question));
    let [finding] = bad(&findings)[..] else { panic!("{:#?}", bad(&findings)) };
    let mended = "mired.org. 3600 IN TXT \"v=spf1 ip4:192.0.2.2 ip6:2001:db8::2 a:other.example \
                  include:list.example ~all\"";
    assert_eq!(finding.mend.as_deref(), Some(mended));
}

#[test]
fn an_exchanger_that_is_an_alias_is_told() {
    let facts = facts();
    let mut published = published(&facts);
    published.retain(|(name, _)| name != "asterix.mired.org");
    published.push(("asterix.mired.org".to_string(), Data::Cname("box.example".into())));
    published.push(("box.example".to_string(), Data::A([192, 0, 2, 2].into())));
    published.push(("box.example".to_string(), Data::Aaaa("2001:db8::2".parse().unwrap())));
    let findings = check(&facts, |question| answer(&published, question));
    let told = findings.iter().find(|f| f.kind == Kind::Cname && f.name == facts.host).unwrap();
    assert!(told.why.contains("alias") && !told.is_good());
}

#[test]
fn a_name_that_does_not_lead_back_is_told() {
    let mut facts = facts();
    let published = published(&facts);
    facts.addresses.push("192.0.2.3".parse().unwrap());
    let mut published = published;
    published.push(("3.2.0.192.in-addr.arpa".to_string(), Data::Ptr(facts.host.clone())));
    let findings = check(&facts, |question| answer(&published, question));
    let told = findings.iter().find(|finding| finding.name == "3.2.0.192.in-addr.arpa").unwrap();
    assert!(told.why.contains("does not lead back"));
    assert_eq!(told.mend.as_deref(), Some("asterix.mired.org. 3600 IN A 192.0.2.3"));
}

#[test]
fn a_blocklist_is_told_from_one_that_does_not_answer() {
    let facts = facts();
    let name = reverse_name(facts.addresses[0], Some("list.example"));
    for (octets, expected) in [
        ([127, 0, 0, 2], "is on list.example"),
        ([127, 255, 255, 254], "does not answer"),
        ([198, 51, 100, 1], "does not answer"),
    ] {
        let mut published = published(&facts);
        published.push((name.clone(), Data::A(octets.into())));
        let findings = check(&facts, |question| answer(&published, question));
        let told = findings.iter().find(|finding| finding.name == name).unwrap();
        assert!(told.why.contains(expected) && !told.is_good(), "{told:?}");
    }
}

#[test]
fn a_service_that_is_not_there_is_unneeded_and_no_fault() {
    let facts = facts();
    let mut published = published(&facts);
    let pop3s = Data::Srv(0, 1, 995, facts.host.clone());
    published.push(("_pop3s._tcp.mired.org".to_string(), pop3s));
    let findings = check(&facts, |question| answer(&published, question));
    let [finding] = bad(&findings)[..] else { panic!("{:#?}", bad(&findings)) };
    assert!(matches!(finding.state, State::Unneeded { .. }) && is_good(&findings));
}

#[test]
fn what_could_not_be_asked_is_neither_right_nor_missing() {
    let facts = facts();
    let whole = published(&facts);
    let silent = |_: &Question| Found::Failed("no answer in time".to_string());
    let findings = check(&facts, silent);
    assert!(findings.iter().all(|finding| finding.state == State::CouldNotAsk), "{findings:#?}");
    assert!(!is_good(&findings) && findings.len() > 10);
    // Each question in turn.
    for (name, data) in &whole {
        let findings = check(&facts, |question| match question.name == *name {
            true => silent(question),
            false => answer(&whole, question),
        });
        let told = findings.iter().any(|finding| finding.state == State::CouldNotAsk);
        assert!(told, "{name} {data:?}");
        assert!(!findings.iter().any(|finding| finding.state == State::Missing), "{name}");
    }
}

#[test]
fn a_domain_whose_server_is_elsewhere_needs_less() {
    let mut facts = facts();
    facts.host = "mail.provider.example".to_string();
    let all = records(&facts);
    assert!(all.iter().all(|record| facts.is_inside(&record.name)));
    assert!(!all.iter().any(|record| matches!(record.data.kind(), Kind::A | Kind::Tlsa)));
    let mut published = published(&facts);
    for address in &facts.addresses {
        published.push((facts.host.clone(), Data::address(*address)));
    }
    let tlsa = Data::Tlsa(3, 1, 1, vec![9; 32]);
    published.push(("_25._tcp.mail.provider.example".to_string(), tlsa));
    let findings = check(&facts, |question| answer(&published, question));
    assert_eq!(bad(&findings), Vec::<&Finding>::new());
}

#[test]
fn the_zone_of_the_course_comes_out() {
    let mut facts = Facts::new("mired.org", "asterix.mired.org");
    facts.addresses = vec!["192.168.100.2".parse().unwrap()];
    let text = master_file(&facts, &records(&facts), 2026112401);
    let has = |wanted: &str| {
        let words = |line: &str| line.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.lines().any(|line| words(line) == wanted), "{wanted}\n{text}");
    };
    has("$ORIGIN mired.org.");
    has("@ IN SOA asterix postmaster ( 2026112401 7200 1800 1209600 300 )");
    has("@ IN NS asterix");
    has("@ IN MX 10 asterix");
    has("asterix IN A 192.168.100.2");
    has("mail IN CNAME asterix");
    has("@ IN TXT \"v=spf1 mx -all\"");
    has("; 2.100.168.192.in-addr.arpa. 3600 IN PTR asterix.mired.org.");
}

/// Reads what [`Data::print`] wrote of a text (RFC 1035 §5.1).
fn read(text: &str) -> Vec<Vec<u8>> {
    let (mut strings, mut octets) = (Vec::new(), text.bytes());
    while let Some(octet) = octets.next() {
        if octet != b'"' {
            assert_eq!(octet, b' ');
            continue;
        }
        let mut string = Vec::new();
        loop {
            match octets.next().unwrap() {
                b'"' => break,
                b'\\' => match octets.next().unwrap() {
                    digit @ b'0'..=b'9' => {
                        let rest = [octets.next().unwrap(), octets.next().unwrap()];
                        let number = [digit, rest[0], rest[1]];
                        string.push(std::str::from_utf8(&number).unwrap().parse().unwrap());
                    }
                    octet => string.push(octet),
                },
                octet => string.push(octet),
            }
        }
        strings.push(string);
    }
    strings
}

proptest! {
    #[test]
    fn any_text_is_printed_on_one_line_in_strings_that_fit(
        text in prop::collection::vec(any::<u8>(), 0..1000),
    ) {
        let printed = Data::Txt(text.clone()).print(&|name| name.to_string());
        prop_assert!(printed.bytes().all(|octet| (b' '..=b'~').contains(&octet)));
        let strings = read(&printed);
        prop_assert!(!strings.is_empty() && strings.iter().all(|string| string.len() <= 255));
        prop_assert_eq!(strings.concat(), text);
    }

    #[test]
    fn whatever_is_published_is_judged(
        texts in prop::collection::vec("(v=spf1|v=DMARC1|v=STSv1|v=TLSRPTv1|v=DKIM1)?[ -~]{0,40}", 0..4),
    ) {
        let facts = facts();
        let mut published = published(&facts);
        for (name, data) in &mut published {
            if let (Data::Txt(_), Some(other)) = (&*data, texts.get(name.len() % 5)) {
                *data = text(other);
            }
        }
        for other in &texts {
            published.push(("mired.org".to_string(), text(other)));
        }
        let findings = check(&facts, |question| answer(&published, question));
        prop_assert!(findings.iter().all(|f| f.state == State::Right || f.mend.is_some()));
    }
}
