//! People whom an authority knows.

mod support;

use core_directory::{
    AccountChange, AdminError, Directory, Elsewhere, NewAccount, NewDevice, NewPassword, Options,
    Protocol, Protocols,
};
use core_store::{MemoryStore, Store};
use core_world::Person;
use core_world::testing::{TestAuthority, TestWorld};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use support::{Office, address, by, count, domain, now};
use words_mail::{AccountId, ForwardPath, Refusal};

/// An office with an authority that knows carl, and one that knows dora.
struct House {
    office: Office,
    ldap: Arc<TestAuthority>,
    system: Arc<TestAuthority>,
}

fn person(user: &str, addresses: &[&str]) -> Person {
    let addresses = addresses.iter().map(|address| address.to_string()).collect();
    Person { user: user.to_string(), addresses, ..Person::default() }
}

fn house() -> House {
    let (ldap, system) = (TestAuthority::new("ldap"), TestAuthority::new("system"));
    ldap.enter(person("carl", &["carl@mired.org", "c.gauss@mired.org"]), "primes");
    system.enter(person("dora", &[]), "explora");
    let office = office(MemoryStore::new(), &ldap, &system);
    office.add_domain("mired.org");
    office.add_account("ana@mired.org", "ana");
    House { office, ldap, system }
}

fn office(
    store: Arc<MemoryStore>,
    ldap: &Arc<TestAuthority>,
    system: &Arc<TestAuthority>,
) -> Office {
    let outside = TestWorld::new();
    let elsewhere = Elsewhere {
        authorities: vec![ldap.clone(), system.clone()],
        domain: None,
        // Stands for the mailboxes.
        provision: Some(Arc::new(|batch, AccountId(id)| {
            batch.put(format!("box{id}").into_bytes(), b"INBOX".to_vec());
        })),
    };
    let directory = Directory::new(store.clone(), outside.world(), Options::default());
    Office { store, outside, directory: directory.with_elsewhere(elsewhere) }
}

fn has_mailbox(office: &Office, id: AccountId) -> bool {
    let key = format!("box{}", id.0);
    now(async { office.store.snapshot().await?.get(key.as_bytes()).await }).unwrap().is_some()
}

fn origin(office: &Office, name: &str) -> Option<String> {
    now(office.directory.admin().show_account(&address(name))).unwrap().authority
}

#[test]
fn who_logs_in_for_the_first_time_gets_an_account() {
    let House { office, ldap, .. } = house();
    let carl = office.login("carl", b"primes").unwrap();
    assert_eq!(carl.address, address("carl@mired.org"));
    assert!(has_mailbox(&office, carl.id));
    assert_eq!(origin(&office, "c.gauss@mired.org").as_deref(), Some("ldap:carl"));
    assert_eq!(ldap.asked(), ["carl? (carl@mired.org): primes"]);

    for name in ["Carl@Mired.org", "CARL", "c.gauss", "C.Gauss@mired.org"] {
        assert_eq!(office.login(name, b"primes").unwrap().id, carl.id, "{name}");
    }
    assert_eq!(count(&office, b"dA"), 2, "one account, and ana's");
    assert_eq!(office.login("carl", b"Primes"), Err(Refusal::LoginFailed));
}

#[test]
fn system_users_have_an_address_in_the_domain_of_the_house() {
    let House { office, .. } = house();
    let dora = office.login("dora@mired.org", b"explora").unwrap();
    assert_eq!(dora.address, address("dora@mired.org"));
    assert_eq!(office.login("dora", b"explora").unwrap().id, dora.id);
    assert_eq!(origin(&office, "dora@mired.org").as_deref(), Some("system:dora"));
    office.add_domain("ab.org");
    assert_eq!(office.resolve("dora@ab.org"), Err(Refusal::NoSuchRecipient));
    assert_eq!(office.login("dora@ab.org", b"explora"), Err(Refusal::LoginFailed));
    assert_eq!(office.resolve("dora@elsewhere.org").unwrap(), ["-> dora@elsewhere.org"]);
}

#[test]
fn who_gets_mail_for_the_first_time_gets_an_account() {
    let House { office, ldap, system } = house();
    assert_eq!(
        office.resolve("Carl+x@mired.org").unwrap(),
        ["carl@mired.org at Carl+x@mired.org (x)"]
    );
    assert_eq!(ldap.asked(), ["carl+x? (carl+x@mired.org)", "carl? (carl@mired.org)"]);
    system.asked();
    assert_eq!(
        office.resolve("c.gauss@mired.org").unwrap(),
        ["carl@mired.org at c.gauss@mired.org"]
    );
    assert!(ldap.asked().is_empty() && system.asked().is_empty(), "he is known now");
    let carl = office.login("carl", b"primes").unwrap();
    assert!(has_mailbox(&office, carl.id));

    // By another address than the main one.
    let House { office, .. } = house();
    assert_eq!(
        office.resolve("c.gauss@mired.org").unwrap(),
        ["carl@mired.org at c.gauss@mired.org"]
    );
    assert_eq!(office.resolve("nobody@mired.org"), Err(Refusal::NoSuchRecipient));
    assert_eq!(count(&office, b"dA"), 2);
}

#[test]
fn an_address_is_theirs_only_if_the_authority_says_so() {
    let House { office, ldap, .. } = house();
    office.add_domain("ab.org");
    ldap.enter(person("eva", &["eva.lu@ab.org", "eva@elsewhere.org"]), "x");
    for name in ["eva@mired.org", "eva@ab.org", "carl@ab.org"] {
        assert_eq!(office.resolve(name), Err(Refusal::NoSuchRecipient), "{name}");
    }
    assert_eq!(office.login("carl@ab.org", b"primes"), Err(Refusal::LoginFailed));
    assert_eq!(office.login("eva@ab.org", b"x"), Err(Refusal::LoginFailed));
    assert_eq!(count(&office, b"dA"), 1);
    // By the name that the authority knows, in the domain of such names.
    let eva = office.login("eva@mired.org", b"x").unwrap();
    assert_eq!(eva.address, address("eva.lu@ab.org"));
    ldap.asked();
    assert_eq!(office.login("eva", b"x").unwrap().id, eva.id);
    assert_eq!(office.login("eva@mired.org", b"x").unwrap().id, eva.id);
    assert!(ldap.asked().is_empty(), "remembered like any other");

    ldap.enter(person("fay", &["fay@elsewhere.org"]), "x");
    assert_eq!(office.login("fay", b"x"), Err(Refusal::LoginFailed), "nobody of ours");
}

#[test]
fn who_is_entered_here_comes_first() {
    let House { office, ldap, system } = house();
    ldap.enter(person("ana", &["ana@mired.org"]), "other");
    ldap.enter(person("a.b", &["ana@mired.org", "a.b@mired.org"]), "other");
    assert_eq!(office.login("ana", b"other"), Err(Refusal::LoginFailed));
    assert!(ldap.asked().is_empty(), "nobody is asked about her");
    assert_eq!(office.login("a.b", b"other"), Err(Refusal::LoginFailed));
    assert_eq!(office.resolve("a.b@mired.org"), Err(Refusal::NoSuchRecipient));
    office.add_alias("carl@mired.org", &["ana@mired.org"]);
    assert_eq!(office.login("carl@mired.org", b"primes"), Err(Refusal::LoginFailed));
    assert_eq!(office.resolve("carl@mired.org").unwrap(), ["ana@mired.org"]);
    // The first authority that knows a name has it.
    system.enter(person("carlo", &[]), "system");
    ldap.enter(person("carlo", &["carlo@mired.org"]), "ldap");
    assert_eq!(office.login("carlo", b"system"), Err(Refusal::LoginFailed));
    assert!(office.login("carlo", b"ldap").is_ok());
}

#[test]
fn an_authority_that_is_gone_is_no_wrong_password_and_no_unknown_name() {
    let House { office, ldap, system } = house();
    office.login("dora", b"explora").unwrap();
    ldap.set_gone(true);
    system.set_gone(true);
    for (name, password) in [("carl", "primes"), ("carl", "no"), ("nobody", "x"), ("dora", "no")] {
        let refused = office.login(name, password.as_bytes());
        assert_eq!(refused, Err(Refusal::Unavailable), "{name} {password}");
    }
    assert_eq!(office.resolve("carl@mired.org"), Err(Refusal::Unavailable));
    assert_eq!(office.resolve("nobody@mired.org"), Err(Refusal::Unavailable));
    assert!(office.login("ana", b"ana").is_ok(), "who is entered here needs nobody");
    assert_eq!(office.login("ana", b"no"), Err(Refusal::LoginFailed));
    assert_eq!(office.resolve("ana@mired.org").unwrap(), ["ana@mired.org"]);
    assert_eq!(office.resolve("dora@mired.org").unwrap(), ["dora@mired.org"]);
    assert!(office.login("dora", b"explora").is_ok(), "as long as the last login is remembered");
    office.outside.pass_minutes(5);
    assert_eq!(office.login("dora", b"explora"), Err(Refusal::Unavailable));
    ldap.set_gone(false);
    system.set_gone(false);
    assert!(office.login("dora", b"explora").is_ok() && office.login("carl", b"primes").is_ok());
    assert_eq!(count(&office, b"dA"), 3);
}

#[test]
fn an_authority_that_is_not_configured_is_as_good_as_gone() {
    let House { office, .. } = house();
    office.login("carl", b"primes").unwrap();
    let alone = Office::on(office.store.clone(), Options::default());
    assert_eq!(alone.login("carl", b"primes"), Err(Refusal::Unavailable));
    assert_eq!(alone.login("dora", b"explora"), Err(Refusal::LoginFailed));
    assert_eq!(alone.resolve("carl@mired.org").unwrap(), ["carl@mired.org"]);
}

#[test]
fn who_is_gone_there_can_no_longer_log_in_but_gets_mail() {
    let House { office, ldap, .. } = house();
    office.login("carl", b"primes").unwrap();
    ldap.forget("carl");
    office.outside.pass_minutes(5);
    assert_eq!(office.login("carl", b"primes"), Err(Refusal::LoginFailed));
    assert_eq!(office.resolve("carl@mired.org").unwrap(), ["carl@mired.org"]);
    // Somebody else has got his address there.
    ldap.enter(person("carla", &["carl@mired.org"]), "new");
    assert_eq!(office.login("carl@mired.org", b"new"), Err(Refusal::LoginFailed));
    assert_eq!(office.login("carla", b"new"), Err(Refusal::LoginFailed), "the address is taken");
}

#[test]
fn a_new_password_there_is_heeded_and_the_old_one_not_for_long() {
    let House { office, ldap, .. } = house();
    office.login("carl", b"primes").unwrap();
    ldap.enter(person("carl", &["carl@mired.org"]), "new");
    assert!(office.login("carl", b"new").is_ok());
    office.outside.pass_minutes(5);
    assert_eq!(office.login("carl", b"primes"), Err(Refusal::LoginFailed));
    assert!(office.login("carl", b"new").is_ok());
}

#[test]
fn refusals_cost_a_hash_and_the_memory_of_logins_spares_questions() {
    let House { office, ldap, system } = house();
    office.login("carl", b"primes").unwrap();
    let hashes = |name: &str, password: &str| {
        let before = office.outside.slow();
        let result = office.login(name, password.as_bytes());
        (office.outside.slow() - before, result.is_ok())
    };
    ldap.asked();
    assert_eq!(hashes("carl", "primes"), (0, true));
    assert!(ldap.asked().is_empty());
    for name in ["carl", "dora", "nobody", "nobody@mired.org", "ana", "x@elsewhere.org", "a\0b"] {
        assert_eq!(hashes(name, "no"), (1, false), "{name}");
        assert_eq!(hashes(name, ""), (1, false), "{name}");
    }
    let asked = [ldap.asked(), system.asked()].concat();
    assert!(asked.iter().all(|asked| asked.ends_with(": no")), "{asked:?}: no empty password");
    assert!(!asked.iter().any(|asked| asked.contains("elsewhere.org")), "{asked:?}");
    office.outside.busy.store(true, SeqCst);
    assert!(matches!(office.login("nobody", b"x"), Err(Refusal::Limit(_))));
    assert!(office.login("dora", b"explora").is_ok(), "who is right does not wait for the hash");
}

#[test]
fn device_passwords_and_what_the_operator_says_hold_for_them_too() {
    let House { office, ldap, .. } = house();
    office.login("carl", b"primes").unwrap();
    let admin = office.directory.admin();
    let carl = address("carl@mired.org");
    let new = NewDevice { name: "phone".into(), protocols: Protocols::ANY, expires_at: None };
    let (_, phone) = now(admin.add_device(&carl, &new)).unwrap();
    ldap.set_gone(true);
    let admitted = office.admit("carl", phone.as_bytes(), Protocol::Smtp).unwrap();
    assert_eq!(admitted.device.as_deref(), Some("phone"));
    assert!(office.scram_login("carl").is_ok(), "by the device's keys");
    ldap.set_gone(false);

    let main = office.admit("carl", b"primes", Protocol::Imap).unwrap();
    assert!(now(office.directory.check(&main.pass)).is_ok());
    let set = |change| now(admin.set_account(&carl, &change));
    let devices_only = Some(Protocols::from(Protocol::Imap));
    set(AccountChange { devices_only, ..Default::default() }).unwrap();
    assert_eq!(now(office.directory.check(&main.pass)), Err(Refusal::LoginFailed));
    assert_eq!(office.login("carl", b"primes"), Err(Refusal::LoginFailed));
    assert!(office.admit("carl", b"primes", Protocol::Pop3).is_ok());
    let devices_only = Some(Protocols::NONE);
    set(AccountChange { devices_only, disabled: Some(true), ..Default::default() }).unwrap();
    assert_eq!(office.login("carl", b"primes"), Err(Refusal::LoginFailed));
    set(AccountChange { disabled: Some(false), ..Default::default() }).unwrap();
    assert!(office.login("carl", b"primes").is_ok());
}

#[test]
fn an_account_can_be_handed_to_an_authority_and_back() {
    let House { office, ldap, .. } = house();
    let admin = office.directory.admin();
    let ana = address("ana@mired.org");
    let set = |name: &str, change| now(admin.set_account(&address(name), &change));
    let to = |text: &str| AccountChange {
        authority: Some((text != "none").then(|| text.to_string())),
        ..Default::default()
    };
    let password = || Some(NewPassword::Clear(b"fresh".to_vec()));
    ldap.enter(person("ana", &["ana@mired.org"]), "there");
    let pass = office.admit("ana", b"ana", Protocol::Imap).unwrap().pass;
    let entry = set("ana@mired.org", to("ldap")).unwrap();
    assert_eq!((entry.authority.as_deref(), entry.has_password), (Some("ldap:ana"), true));
    assert_eq!(now(office.directory.check(&pass)), Err(Refusal::LoginFailed));
    assert_eq!(office.login("ana", b"ana"), Err(Refusal::LoginFailed));
    assert_eq!(office.scram_login("ana"), Err(Refusal::LoginFailed));
    let pass = office.admit("ana", b"there", Protocol::Imap).unwrap().pass;
    let refused =
        set("ana@mired.org", AccountChange { password: password(), ..Default::default() });
    assert!(matches!(refused, Err(AdminError::PasswordElsewhere { .. })), "{refused:?}");

    office.add_account("bob@mired.org", "bob");
    let taken = set("bob@mired.org", to("ldap:Ana"));
    assert!(matches!(taken, Err(AdminError::OriginTaken { .. })), "{taken:?}");
    for bad in ["", ":", "ldap:", ":ana", "ldap:a\nb"] {
        let refused = set("bob@mired.org", to(bad));
        assert!(matches!(refused, Err(AdminError::BadOrigin(_))), "{bad:?} {refused:?}");
    }
    set("ana@mired.org", AccountChange { password: password(), ..to("none") }).unwrap();
    assert_eq!(now(office.directory.check(&pass)), Err(Refusal::LoginFailed));
    assert_eq!(office.login("ana", b"there"), Err(Refusal::LoginFailed));
    assert!(office.login("ana", b"fresh").is_ok());
    assert!(set("bob@mired.org", to("ldap:Ana")).is_ok(), "nobody has it any more");
    now(admin.remove_account(&ana)).unwrap();
    now(admin.remove_account(&address("bob@mired.org"))).unwrap();
    assert_eq!(count(&office, b"dE"), 0);
    let both = NewAccount { authority: Some("ldap".into()), ..NewAccount::new(ana, Some(vec![1])) };
    let refused = now(admin.add_account(&both, |_, _| {}));
    assert!(matches!(refused, Err(AdminError::PasswordElsewhere { .. })));
}

#[test]
fn addresses_and_quota_are_kept_up() {
    let House { office, ldap, .. } = house();
    let with = |addresses: &[&str], bytes| {
        let told = Person { quota_bytes: bytes, ..person("carl", addresses) };
        ldap.enter(told, "primes");
        office.outside.pass_minutes(5);
        office.login("carl", b"primes").unwrap()
    };
    let carl = with(&["carl@mired.org"], Some(1 << 30));
    assert_eq!(carl.quota.bytes, Some(1 << 30));
    with(&["carl@mired.org", "ana@mired.org", "gauss@mired.org"], Some(2 << 30));
    let entry = now(office.directory.admin().show_account(&carl.address)).unwrap();
    assert_eq!(entry.addresses, ["gauss@mired.org"], "ana keeps hers");
    assert_eq!(entry.quota_bytes, Some(2 << 30));
    let same = with(&["fritz@mired.org"], None);
    assert_eq!((same.id, same.quota.bytes), (carl.id, Some(2 << 30)));
    assert_eq!(office.resolve("fritz@mired.org").unwrap(), ["carl@mired.org at fritz@mired.org"]);
    // A new address, by mail to it.
    ldap.enter(person("carl", &["carl@mired.org", "friedrich@mired.org"]), "primes");
    let resolved = office.resolve("friedrich@mired.org").unwrap();
    assert_eq!(resolved, ["carl@mired.org at friedrich@mired.org"]);
}

#[test]
fn catch_alls_aliases_and_alias_domains_go_on_working() {
    let House { office, ldap, .. } = house();
    let admin = office.directory.admin();
    now(admin.add_domain_alias(&domain("mired.net"), &domain("mired.org"))).unwrap();
    assert_eq!(office.resolve("carl@mired.net").unwrap(), ["carl@mired.org at carl@mired.net"]);
    office.add_alias("team@mired.org", &["ana@mired.org", "dora@mired.org"]);
    assert_eq!(count(&office, b"dA"), 3, "a target gets an account");
    assert_eq!(office.resolve("team@mired.org").unwrap(), ["ana@mired.org", "dora@mired.org"]);
    let refused = now(admin.add_alias(&address("x@mired.org"), &[address("nobody@mired.org")]));
    assert!(matches!(refused, Err(AdminError::NoSuchTarget(_))));
    let change = core_directory::DomainChange {
        catch_all: Some(Some(address("ana@mired.org"))),
        ..Default::default()
    };
    now(admin.set_domain(&domain("mired.org"), &change)).unwrap();
    ldap.enter(person("gina", &["gina@mired.org"]), "x");
    assert_eq!(office.resolve("gina@mired.org").unwrap(), ["gina@mired.org"]);
    assert_eq!(office.resolve("nobody@mired.org").unwrap(), ["ana@mired.org"]);
    ldap.set_gone(true);
    assert_eq!(office.resolve("hans@mired.org"), Err(Refusal::Unavailable), "it may be his");
    let refused = now(admin.add_alias(&address("x@mired.org"), &[address("hans@mired.org")]));
    assert!(matches!(refused, Err(AdminError::AuthoritySilent(_))));
    assert!(now(office.directory.resolve(&ForwardPath::Postmaster)).is_ok());
    let by_ana = now(office.directory.login("ana", b"ana", by(Protocol::Imap))).unwrap();
    assert_eq!(by_ana.account.address, address("ana@mired.org"));
}

#[test]
fn the_first_of_all_accounts_may_come_from_elsewhere() {
    let House { ldap, system, .. } = house();
    let office = office(MemoryStore::new(), &ldap, &system);
    assert_eq!(office.login("dora", b"explora"), Err(Refusal::LoginFailed), "no domain");
    office.add_domain("mired.org");
    assert!(office.login("dora", b"explora").is_ok());
}
