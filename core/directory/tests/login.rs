//! Who may come in, and what it costs.

mod support;

use core_directory::{AccountChange, NewPassword, Options, Protocol};
use std::sync::atomic::Ordering::SeqCst;
use support::{Office, address, addresses, domain, now};
use words_mail::{AccountId, Refusal};

fn set(office: &Office, account: &str, change: AccountChange) {
    now(office.directory.admin().set_account(&address(account), &change)).unwrap();
}

#[test]
fn one_logs_in_by_any_own_address_or_the_short_name_in_any_case() {
    let office = Office::mired();
    office.add_domain("other.org");
    let admin = office.directory.admin();
    now(admin.add_domain_alias(&domain("mired.example"), &domain("mired.org"))).unwrap();
    let more = addresses(&["a.n.a@other.org", "ana@other.org"]);
    set(&office, "ana@mired.org", AccountChange { add_addresses: more, ..Default::default() });
    office.add_account("bob@other.org", "bob");
    office.add_account("ñandú@other.org", "x");
    office.add_alias("team@mired.org", &["ana@mired.org"]);
    for (name, password, want) in [
        ("ana", "ana", Some("ana@mired.org")),
        ("ANA", "ana", Some("ana@mired.org")),
        ("Ana@Mired.ORG", "ana", Some("ana@mired.org")),
        ("ana@other.org", "ana", Some("ana@mired.org")),
        ("ana@mired.example", "ana", Some("ana@mired.org")),
        ("a.n.a", "ana", Some("ana@mired.org")),
        ("Ñandú", "x", Some("ñandú@other.org")),
        ("bob@mired.org", "bob", Some("bob@mired.org")),
        // Two have that short name, even with the same password.
        ("bob", "bob", None),
        ("ana", "Ana", None),
        ("ana", "", None),
        ("ana+x@mired.org", "ana", None),
        ("team@mired.org", "ana", None),
        ("postmaster@mired.org", "ana", None),
        ("ana@elsewhere.org", "ana", None),
        ("", "ana", None),
        ("@", "ana", None),
        ("an", "ana", None),
        ("ana\0mired.org", "ana", None),
    ] {
        let login = office.login(name, password.as_bytes());
        let login = login.map(|account| account.address.to_string());
        let want = want.map(str::to_string).ok_or(Refusal::LoginFailed);
        assert_eq!(login, want, "{name} {password}");
    }
}

#[test]
fn a_client_that_comes_again_pays_for_the_hash_once() {
    let office = Office::mired();
    let login = |password: &[u8]| office.login("ana", password).is_ok();
    let verified = || office.outside.verified.load(SeqCst);
    assert!(login(b"ana"));
    assert!(login(b"ana") && login(b"ana"));
    assert_eq!(verified(), 1);
    assert!(office.login("ANA@mired.org", b"ana").is_ok());
    assert_eq!(verified(), 1, "another spelling of the name is the same account");

    // Wrong passwords are never remembered, and cost their price each time.
    assert!(!login(b"no") && !login(b"no"));
    assert_eq!(verified(), 3);

    // Ten minutes from the last use, one hour in all.
    for _ in 0..6 {
        office.outside.pass_minutes(9);
        assert!(login(b"ana"));
    }
    assert_eq!(verified(), 3);
    office.outside.pass_minutes(9);
    assert!(login(b"ana"));
    assert_eq!(verified(), 4);
    office.outside.pass_minutes(10);
    assert!(login(b"ana"));
    assert_eq!(verified(), 5);
}

#[test]
fn a_verified_password_is_worth_nothing_for_another_account() {
    let office = Office::mired();
    office.add_account("ana2@mired.org", "ana");
    assert!(office.login("ana", b"ana").is_ok());
    assert!(office.login("ana2", b"ana").is_ok());
    assert_eq!(office.outside.verified.load(SeqCst), 2);
    assert!(office.login("bob", b"ana").is_err());
}

#[test]
fn a_new_password_ends_the_old_one_at_once() {
    let office = Office::mired();
    // A second process on the same store has its own memory, which nobody empties.
    let other = Office::on(office.store.clone(), Options::default());
    assert!(other.login("ana", b"ana").is_ok());
    assert!(office.login("ana", b"ana").is_ok());
    let password = Some(NewPassword::Clear(b"anb".to_vec()));
    set(&office, "ana@mired.org", AccountChange { password, ..Default::default() });
    for office in [&office, &other] {
        assert_eq!(office.login("ana", b"ana"), Err(Refusal::LoginFailed));
        assert!(office.login("ana", b"anb").is_ok());
    }
}

#[test]
fn a_disabled_account_is_shut_at_once_and_open_again_at_once() {
    let office = Office::mired();
    let ana = office.login("ana", b"ana").unwrap().id;
    let disable = |disabled| {
        let change = AccountChange { disabled: Some(disabled), ..Default::default() };
        set(&office, "ana@mired.org", change);
    };
    disable(true);
    let before = office.outside.slow();
    assert_eq!(office.login("ana", b"ana"), Err(Refusal::LoginFailed));
    assert_eq!(office.login("ana", b"ana"), Err(Refusal::LoginFailed));
    assert_eq!(office.outside.slow(), before + 2, "its price does not tell it apart");
    assert_eq!(office.scram_login("ana"), Err(Refusal::LoginFailed));
    assert_eq!(now(office.directory.account(ana)), Err(Refusal::LoginFailed));
    assert!(office.resolve("ana@mired.org").is_ok(), "its mail still comes");
    disable(false);
    assert!(office.login("ana", b"ana").is_ok());
    assert!(office.scram_login("ana").is_ok());
}

#[test]
fn a_name_that_nobody_has_costs_as_much() {
    let office = Office::mired();
    office.add_account("carl@mired.org", "x");
    let no_password = core_directory::NewAccount::new(address("dan@mired.org"), None);
    now(office.directory.admin().add_account(&no_password, |_, _| {})).unwrap();
    for name in ["nobody", "nobody", "nobody@mired.org", "x@elsewhere.org", "", "dan", "ana"] {
        let before = office.outside.slow();
        assert_eq!(office.login(name, b"no"), Err(Refusal::LoginFailed));
        assert_eq!(office.outside.slow(), before + 1, "{name}");
    }
}

#[test]
fn a_password_of_more_than_1024_octets_is_nobodys() {
    let office = Office::mired();
    let before = office.outside.slow();
    for name in ["ana", "nobody"] {
        assert_eq!(office.login(name, &[b'x'; 1025]), Err(Refusal::LoginFailed));
    }
    assert_eq!(office.outside.slow(), before);
}

#[test]
fn when_too_many_wait_the_answer_is_a_limit_whoever_asks() {
    let office = Office::mired();
    office.outside.busy.store(true, SeqCst);
    for name in ["ana", "nobody"] {
        let login = office.login(name, b"ana");
        assert!(matches!(login, Err(Refusal::Limit(_))), "{name}");
    }
    office.outside.busy.store(false, SeqCst);
    assert!(office.login("ana", b"ana").is_ok());
}

#[test]
fn scram_keys_are_of_the_account_under_all_its_names() {
    let office = Office::mired();
    let keys = |name| now(office.directory.scram_keys(name, Protocol::Imap)).unwrap();
    let ana = keys("ana");
    assert_eq!((ana.salt.len(), ana.iterations >= 4096), (16, true));
    assert!(ana == keys("ANA@mired.org"));
    assert!(ana.salt != keys("bob").salt);
    assert_eq!(office.scram_login("Ana").unwrap().id, AccountId(1));
    assert_eq!(office.scram_login("nobody"), Err(Refusal::LoginFailed));
    let password = Some(NewPassword::Clear(b"ana".to_vec()));
    set(&office, "ana@mired.org", AccountChange { password, ..Default::default() });
    assert!(ana != keys("ana"), "a new salt each time");
}

#[test]
fn keys_of_nobody_are_the_same_each_time_even_after_a_restart() {
    let office = Office::mired();
    let keys = |name| now(office.directory.scram_keys(name, Protocol::Imap)).unwrap();
    let nobody = keys("nobody@mired.org");
    assert_eq!(nobody.salt.len(), 16);
    assert_eq!(nobody.iterations, keys("ana").iterations);
    assert!(nobody == keys("Nobody@Mired.org"));
    assert!(nobody == keys("nobody"), "like real ones, under the short name too");
    assert!(nobody != keys("nobody2@mired.org"));
    let restarted = Office::on(office.store.clone(), Options::default());
    assert!(nobody == now(restarted.directory.scram_keys("nobody", Protocol::Imap)).unwrap());
}
