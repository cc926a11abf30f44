//! Who gets mail for an address.

mod support;

use core_directory::{AccountChange, DomainChange, Options};
use core_store::MemoryStore;
use support::{Office, address, addresses, domain, now};
use words_mail::{Refusal, ReversePath};

fn check(office: &Office, table: &[(&str, &[&str])]) {
    for (path, want) in table {
        assert_eq!(
            office.resolve(path).as_deref(),
            Ok(&want[..].iter().map(|w| w.to_string()).collect::<Vec<_>>()[..]),
            "{path}"
        );
    }
}

fn check_refused(office: &Office, table: &[(&str, Refusal)]) {
    for (path, want) in table {
        assert_eq!(office.resolve(path).as_ref(), Err(want), "{path}");
    }
}

#[test]
fn an_account_is_found_in_any_case_and_with_its_detail() {
    let office = Office::mired();
    office.add_account("ñandú@mired.org", "x");
    office.add_account("c++@mired.org", "x");
    let also =
        AccountChange { add_addresses: addresses(&["a.n.a@mired.org"]), ..Default::default() };
    now(office.directory.admin().set_account(&address("ana@mired.org"), &also)).unwrap();
    check(
        &office,
        &[
            ("ana@mired.org", &["ana@mired.org"]),
            ("ANA@Mired.Org", &["ana@mired.org at ANA@mired.org"]),
            ("a.n.a@mired.org", &["ana@mired.org at a.n.a@mired.org"]),
            ("ana+cursos@mired.org", &["ana@mired.org at ana+cursos@mired.org (cursos)"]),
            ("Ana+Cursos+2@mired.org", &["ana@mired.org at Ana+Cursos+2@mired.org (Cursos+2)"]),
            ("a.n.a+x@mired.org", &["ana@mired.org at a.n.a+x@mired.org (x)"]),
            ("ÑANDÚ@mired.org", &["ñandú@mired.org at ÑANDÚ@mired.org"]),
            ("c++@mired.org", &["c++@mired.org"]),
            ("someone@elsewhere.org", &["-> someone@elsewhere.org"]),
        ],
    );
    check_refused(
        &office,
        &[
            ("nobody@mired.org", Refusal::NoSuchRecipient),
            ("+ana@mired.org", Refusal::NoSuchRecipient),
            ("ana-cursos@mired.org", Refusal::NoSuchRecipient),
        ],
    );
}

#[test]
fn the_separator_is_as_configured() {
    for (separator, plus, minus) in [(Some('-'), false, true), (None, false, false)] {
        let office = Office::on(MemoryStore::new(), Options { separator });
        office.add_domain("mired.org");
        office.add_account("ana@mired.org", "ana");
        assert_eq!(office.resolve("ana+x@mired.org").is_ok(), plus, "{separator:?}");
        assert_eq!(office.resolve("ana-x@mired.org").is_ok(), minus, "{separator:?}");
    }
}

#[test]
fn aliases_lead_to_each_account_once_and_to_the_outside() {
    let office = Office::mired();
    office.add_alias("team@mired.org", &["ana@mired.org", "bob@mired.org", "x@elsewhere.org"]);
    office.add_alias("all@mired.org", &["team@mired.org", "ana+all@mired.org", "X@elsewhere.org"]);
    office.add_alias("sales+eu@mired.org", &["bob@mired.org"]);
    office.add_alias("sales@mired.org", &["ana@mired.org"]);
    check(
        &office,
        &[
            ("team@mired.org", &["ana@mired.org", "bob@mired.org", "-> x@elsewhere.org"]),
            (
                "All@mired.org",
                &["ana@mired.org", "bob@mired.org", "-> x@elsewhere.org", "-> X@elsewhere.org"],
            ),
            ("sales@mired.org", &["ana@mired.org"]),
            ("sales+eu@mired.org", &["bob@mired.org"]),
            ("sales+us@mired.org", &["ana@mired.org (us)"]),
        ],
    );
}

#[test]
fn a_target_that_is_gone_is_passed_over_unless_it_was_the_last() {
    let office = Office::mired();
    office.add_alias("team@mired.org", &["ana@mired.org", "bob@mired.org"]);
    let removed = now(office.directory.admin().remove_account(&address("bob@mired.org"))).unwrap();
    assert_eq!(removed.aliases, ["team@mired.org"]);
    check(&office, &[("team@mired.org", &["ana@mired.org"])]);
    now(office.directory.admin().remove_account(&address("ana@mired.org"))).unwrap();
    check_refused(&office, &[("team@mired.org", Refusal::NoSuchRecipient)]);
}

#[test]
fn circles_and_endless_chains_are_refused() {
    let office = Office::mired();
    office.add_alias("a@mired.org", &["ana@mired.org"]);
    office.add_alias("b@mired.org", &["a@mired.org"]);
    office.add_alias("c@mired.org", &["b@mired.org", "a@mired.org"]);
    check(&office, &[("c@mired.org", &["ana@mired.org"])]);
    let to = |alias, targets: &[&str]| {
        now(office.directory.admin().set_alias(&address(alias), &addresses(targets))).unwrap();
    };
    to("a@mired.org", &["ana@mired.org", "c@mired.org"]);
    check_refused(&office, &[("a@mired.org", Refusal::Limit("aliases go in circles"))]);
    check_refused(&office, &[("b@mired.org", Refusal::Limit("aliases go in circles"))]);
    to("a@mired.org", &["ana@mired.org"]);

    office.add_alias("n0@mired.org", &["ana@mired.org"]);
    for n in 1..=10 {
        let (name, target) = (format!("n{n}@mired.org"), format!("n{}@mired.org", n - 1));
        office.add_alias(&name, &[&target]);
    }
    check(&office, &[("n9@mired.org", &["ana@mired.org"])]);
    check_refused(&office, &[("n10@mired.org", Refusal::Limit("aliases go too far"))]);
}

#[test]
fn many_aliases_to_the_same_many_do_not_multiply() {
    let office = Office::mired();
    let mut below = vec!["ana@mired.org".to_string(), "bob@mired.org".to_string()];
    for level in 0..9 {
        let names: Vec<String> = (0..8).map(|n| format!("l{level}-{n}@mired.org")).collect();
        let targets: Vec<&str> = below.iter().map(String::as_str).collect();
        names.iter().for_each(|name| office.add_alias(name, &targets));
        below = names;
    }
    check(&office, &[("l8-0@mired.org", &["ana@mired.org", "bob@mired.org"])]);
}

#[test]
fn an_alias_domain_has_the_names_of_the_real_one() {
    let office = Office::mired();
    let admin = office.directory.admin();
    now(admin.add_domain_alias(&domain("mired.example"), &domain("mired.org"))).unwrap();
    office.add_alias("team@mired.org", &["bob@mired.example"]);
    check(
        &office,
        &[
            ("ana+x@mired.example", &["ana@mired.org at ana+x@mired.example (x)"]),
            ("team@mired.example", &["bob@mired.org at bob@mired.example"]),
            ("postmaster@mired.example", &["ana@mired.org at postmaster@mired.example"]),
        ],
    );
    check_refused(&office, &[("nobody@mired.example", Refusal::NoSuchRecipient)]);
}

#[test]
fn a_catch_all_gets_what_nobody_has() {
    let office = Office::mired();
    office.add_domain("other.org");
    let admin = office.directory.admin();
    let to = |to: Option<&str>| {
        let change = DomainChange { catch_all: Some(to.map(address)), ..Default::default() };
        now(admin.set_domain(&domain("mired.org"), &change)).unwrap();
    };
    to(Some("bob+all@mired.org"));
    check(
        &office,
        &[
            ("ana@mired.org", &["ana@mired.org"]),
            ("ana+x@mired.org", &["ana@mired.org at ana+x@mired.org (x)"]),
            ("nobody@mired.org", &["bob@mired.org at bob+all@mired.org (all)"]),
            ("postmaster@mired.org", &["ana@mired.org at postmaster@mired.org"]),
        ],
    );
    check_refused(&office, &[("nobody@other.org", Refusal::NoSuchRecipient)]);
    to(Some("x@elsewhere.org"));
    check(&office, &[("nobody@mired.org", &["-> x@elsewhere.org"])]);
    to(None);
    check_refused(&office, &[("nobody@mired.org", Refusal::NoSuchRecipient)]);
}

#[test]
fn a_catch_all_whose_owner_is_gone_is_no_endless_walk() {
    let office = Office::mired();
    let admin = office.directory.admin();
    let change =
        DomainChange { catch_all: Some(Some(address("bob@mired.org"))), ..Default::default() };
    now(admin.set_domain(&domain("mired.org"), &change)).unwrap();
    let removed = now(admin.remove_account(&address("bob@mired.org"))).unwrap();
    assert_eq!(removed.catch_alls, ["mired.org"]);
    for path in ["nobody@mired.org", "bob@mired.org"] {
        check_refused(&office, &[(path, Refusal::NoSuchRecipient)]);
    }
}

#[test]
fn postmaster_is_always_somebody() {
    let office = Office::empty();
    check_refused(&office, &[("postmaster", Refusal::NoSuchRecipient)]);
    office.add_domain("mired.org");
    office.add_domain("a.org");
    check_refused(&office, &[("postmaster@mired.org", Refusal::NoSuchRecipient)]);
    office.add_account("zoe@mired.org", "zoe");
    office.add_account("ana@mired.org", "ana");
    // Nobody is in a.org: the eldest account of all.
    check(
        &office,
        &[
            ("postmaster", &["zoe@mired.org at postmaster@mired.org"]),
            ("PostMaster@mired.org", &["zoe@mired.org at PostMaster@mired.org"]),
            ("postmaster@a.org", &["zoe@mired.org at postmaster@a.org"]),
        ],
    );
    office.add_account("bob@a.org", "bob");
    check(&office, &[("postmaster@a.org", &["bob@a.org at postmaster@a.org"])]);

    let admin = office.directory.admin();
    let appoint = |who: Option<&str>| {
        let change = DomainChange { postmaster: Some(who.map(address)), ..Default::default() };
        now(admin.set_domain(&domain("mired.org"), &change)).unwrap()
    };
    assert_eq!(appoint(Some("Ana@mired.org")).postmaster.as_deref(), Some("ana@mired.org"));
    check(
        &office,
        &[
            ("postmaster", &["ana@mired.org at postmaster@mired.org"]),
            ("postmaster+x@mired.org", &["ana@mired.org at postmaster+x@mired.org"]),
        ],
    );
    now(admin.remove_account(&address("ana@mired.org"))).unwrap();
    check(&office, &[("postmaster", &["zoe@mired.org at postmaster@mired.org"])]);
    appoint(None);
    office.add_alias("postmaster@mired.org", &["bob@a.org"]);
    check(
        &office,
        &[("postmaster", &["bob@a.org"]), ("postmaster@a.org", &["bob@a.org at postmaster@a.org"])],
    );
}

#[test]
fn one_may_send_under_what_leads_to_oneself() {
    let office = Office::mired();
    let admin = office.directory.admin();
    office.add_alias("team@mired.org", &["bob@mired.org", "ana@mired.org"]);
    office.add_alias("just-bob@mired.org", &["bob@mired.org"]);
    now(admin.add_domain_alias(&domain("mired.example"), &domain("mired.org"))).unwrap();
    let change =
        DomainChange { catch_all: Some(Some(address("ana@mired.org"))), ..Default::default() };
    now(admin.set_domain(&domain("mired.org"), &change)).unwrap();
    let ana = office.login("ana", b"ana").unwrap();
    for (path, may) in [
        ("", true),
        ("ana@mired.org", true),
        ("Ana+cursos@mired.org", true),
        ("ana@mired.example", true),
        ("team@mired.org", true),
        ("team+x@mired.org", true),
        ("postmaster@mired.org", true),
        ("bob@mired.org", false),
        ("just-bob@mired.org", false),
        ("caught-by-catch-all@mired.org", false),
        ("ana@elsewhere.org", false),
    ] {
        let path = ReversePath((!path.is_empty()).then(|| address(path)));
        let want = if may { Ok(()) } else { Err(Refusal::SenderNotOwned) };
        assert_eq!(now(office.directory.may_send_as(&ana, &path)), want, "{path}");
    }
}

#[test]
fn a_failing_store_is_a_temporary_answer() {
    let office = Office::mired();
    let ana = office.login("ana", b"ana").unwrap();
    office.store.unavailable(true);
    check_refused(
        &office,
        &[("ana@mired.org", Refusal::Unavailable), ("postmaster", Refusal::Unavailable)],
    );
    let path = ReversePath(Some(address("bob@mired.org")));
    assert_eq!(now(office.directory.may_send_as(&ana, &path)), Err(Refusal::Unavailable));
    assert_eq!(office.login("ana", b"ana"), Err(Refusal::Unavailable));
}
