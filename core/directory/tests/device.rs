//! Passwords of devices.

mod support;

use core_directory::{
    AccountChange, AdminError, Coming, DeviceEntry, NewDevice, NewPassword, Protocol, Protocols,
};
use support::{Office, address, by, count, now};
use words_base::Timestamp;
use words_mail::Refusal;

fn new(name: &str, protocols: &str) -> NewDevice {
    NewDevice { name: name.to_string(), protocols: protocols.parse().unwrap(), expires_at: None }
}

fn add(office: &Office, account: &str, device: &NewDevice) -> String {
    now(office.directory.admin().add_device(&address(account), device)).unwrap().1
}

fn list(office: &Office) -> Vec<DeviceEntry> {
    now(office.directory.admin().list_devices(&address("ana@mired.org"))).unwrap()
}

fn set(office: &Office, change: AccountChange) {
    now(office.directory.admin().set_account(&address("ana@mired.org"), &change)).unwrap();
}

#[test]
fn a_device_comes_in_by_its_own_password_and_its_own_protocols() {
    let office = Office::mired();
    let password = add(&office, "ana@mired.org", &new("phone", "imap,smtp"));
    let slow = office.outside.slow();
    for typed in [password.clone(), password.to_uppercase(), password.replace('-', " ")] {
        for protocol in [Protocol::Imap, Protocol::Smtp] {
            let admitted = office.admit("ANA@mired.org", typed.as_bytes(), protocol).unwrap();
            assert_eq!(admitted.account.address, address("ana@mired.org"));
            assert_eq!(admitted.device.as_deref(), Some("phone"));
        }
    }
    assert_eq!(office.outside.slow(), slow, "it needs no slow hash");
    let pop3 = office.admit("ana", password.as_bytes(), Protocol::Pop3);
    assert!(matches!(pop3, Err(Refusal::NotPermitted(_))), "{pop3:?}");
    assert_eq!(office.login("bob", password.as_bytes()), Err(Refusal::LoginFailed));
    assert_eq!(office.login("nobody", password.as_bytes()), Err(Refusal::LoginFailed));
    assert!(office.login("ana", b"ana").is_ok(), "the main one is as good as before");
}

#[test]
fn what_only_looks_like_one_costs_as_much_as_any_wrong_password() {
    let office = Office::mired();
    add(&office, "ana@mired.org", &new("phone", "any"));
    for name in ["ana", "bob", "nobody"] {
        let before = office.outside.slow();
        let guess = b"0000-0000-0000-0000-0000";
        assert_eq!(office.login(name, guess), Err(Refusal::LoginFailed));
        assert_eq!(office.outside.slow(), before + 1, "{name}");
    }
    // Somebody may have chosen such a main password.
    let password = Some(NewPassword::Clear(b"abcd-efgh-jkmn-pqrs-tvwx".to_vec()));
    set(&office, AccountChange { password, ..Default::default() });
    assert!(office.login("ana", b"abcd-efgh-jkmn-pqrs-tvwx").is_ok());
    assert!(office.login("ana", b"ABCD-efgh-jkmn-pqrs-tvwx").is_err());
}

#[test]
fn it_lasts_until_it_expires() {
    let office = Office::mired();
    let later = |hours: i64| {
        let morning = core_world::testing::MORNING.millis();
        Some(Timestamp::from_millis(morning + hours * 3_600_000))
    };
    let guest = NewDevice { expires_at: later(1), ..new("guest", "any") };
    let password = add(&office, "ana@mired.org", &guest);
    let pass = office.admit("ana", password.as_bytes(), Protocol::Imap).unwrap().pass;
    assert!(!list(&office)[0].expired);
    office.outside.pass_minutes(59);
    assert!(office.login("ana", password.as_bytes()).is_ok());
    assert!(now(office.directory.check(&pass)).is_ok());
    office.outside.pass_minutes(1);
    let login = office.login("ana", password.as_bytes());
    assert!(matches!(login, Err(Refusal::NotPermitted(_))), "{login:?}");
    assert_eq!(now(office.directory.check(&pass)), Err(Refusal::LoginFailed));
    assert!(list(&office)[0].expired);
    let keys = now(office.directory.scram_keys("ana", Protocol::Imap)).unwrap();
    assert_eq!(keys.pairs.len(), 1, "the main one alone");
}

#[test]
fn a_revoked_one_is_worth_nothing_at_once_and_no_later_one_takes_its_place() {
    let office = Office::mired();
    let phone = new("Phone", "any");
    let password = add(&office, "ana@mired.org", &phone);
    let tablet = add(&office, "ana@mired.org", &new("tablet", "any"));
    let pass =
        |password: &str| office.admit("ana", password.as_bytes(), Protocol::Imap).unwrap().pass;
    let (lost, kept) = (pass(&password), pass(&tablet));
    let mut watch = office.directory.watch(lost.account());
    let admin = office.directory.admin();
    now(admin.remove_device(&address("ana@mired.org"), "PHONE")).unwrap();
    assert!(watch.has_changed());
    assert_eq!(office.login("ana", password.as_bytes()), Err(Refusal::LoginFailed));
    assert_eq!(now(office.directory.check(&lost)), Err(Refusal::LoginFailed));
    assert!(now(office.directory.check(&kept)).is_ok());
    let again = add(&office, "ana@mired.org", &phone);
    assert_ne!(again, password);
    assert_eq!(now(office.directory.check(&lost)), Err(Refusal::LoginFailed));
    now(admin.remove_device(&address("ana@mired.org"), "tablet")).unwrap();
    add(&office, "ana@mired.org", &new("tablet", "any"));
    assert_eq!(now(office.directory.check(&kept)), Err(Refusal::LoginFailed));
}

#[test]
fn its_use_is_written_down_once_an_hour() {
    let office = Office::mired();
    let password = add(&office, "ana@mired.org", &new("phone", "any"));
    let login = |protocol, peer| {
        let coming = Coming { protocol, peer };
        now(office.directory.login("ana", password.as_bytes(), coming)).unwrap();
    };
    let used = || {
        let used = list(&office)[0].used.clone();
        used.map(|used| (used.at, used.protocol, used.address))
    };
    assert_eq!(used(), None);
    login(Protocol::Imap, "192.0.2.7");
    let morning = core_world::testing::MORNING.millis();
    let first = Some((morning, "imap".to_string(), "192.0.2.7".to_string()));
    assert_eq!(used(), first);
    office.outside.pass_minutes(59);
    login(Protocol::Smtp, "192.0.2.8");
    assert_eq!(used(), first);
    office.outside.pass_minutes(1);
    login(Protocol::Smtp, "192.0.2.8");
    let second = Some((morning + 3_600_000, "smtp".to_string(), "192.0.2.8".to_string()));
    assert_eq!(used(), second);
    office.outside.pass_minutes(60);
    office.store.outcome_unknown_next(core_store::Outcome::NotDone);
    login(Protocol::Imap, "192.0.2.9");
    assert_eq!(used(), second, "a store that does not write keeps nobody out");
}

#[test]
fn an_account_may_come_with_device_passwords_alone() {
    let office = Office::mired();
    let password = add(&office, "ana@mired.org", &new("phone", "any"));
    let main = office.admit("ana", b"ana", Protocol::Imap).unwrap().pass;
    let by_pop3 = office.admit("ana", b"ana", Protocol::Pop3).unwrap().pass;
    let device = office.admit("ana", password.as_bytes(), Protocol::Imap).unwrap().pass;
    let devices_only = Some("imap,smtp".parse().unwrap());
    set(&office, AccountChange { devices_only, ..Default::default() });
    let before = office.outside.slow();
    assert_eq!(office.login("ana", b"ana"), Err(Refusal::LoginFailed));
    assert_eq!(office.outside.slow(), before + 1, "nothing tells that it was the right one");
    assert!(office.admit("ana", b"ana", Protocol::Pop3).is_ok());
    assert!(office.login("ana", password.as_bytes()).is_ok());
    assert_eq!(now(office.directory.check(&main)), Err(Refusal::LoginFailed));
    assert!(now(office.directory.check(&by_pop3)).is_ok());
    assert!(now(office.directory.check(&device)).is_ok());
    let pairs = |protocol| now(office.directory.scram_keys("ana", protocol)).unwrap().pairs.len();
    assert_eq!((pairs(Protocol::Imap), pairs(Protocol::Pop3)), (1, 2));
}

#[test]
fn scram_knows_devices_too_and_a_new_main_password_leaves_them_theirs() {
    let office = Office::mired();
    add(&office, "ana@mired.org", &new("phone", "imap"));
    let keys = |protocol| now(office.directory.scram_keys("ana", protocol)).unwrap();
    let scram = |key: &[u8; 32], protocol| {
        let login = now(office.directory.scram_login("ana", key, by(protocol)));
        login.map(|admitted| admitted.device)
    };
    let before = keys(Protocol::Imap);
    assert_eq!((before.pairs.len(), keys(Protocol::Smtp).pairs.len()), (2, 1));
    let [main, phone] = [&before.pairs[0].stored_key, &before.pairs[1].stored_key];
    assert_eq!(scram(main, Protocol::Imap), Ok(None));
    assert_eq!(scram(phone, Protocol::Imap), Ok(Some("phone".to_string())));
    assert!(scram(phone, Protocol::Smtp).is_err());
    assert!(scram(&[0; 32], Protocol::Imap).is_err());

    let password = Some(NewPassword::Clear(b"new".to_vec()));
    set(&office, AccountChange { password, ..Default::default() });
    let after = keys(Protocol::Imap);
    assert_eq!(after.salt, before.salt, "the client learns one salt for all");
    assert!(after.pairs[0] != before.pairs[0] && after.pairs[1] == before.pairs[1]);
    assert_eq!(scram(main, Protocol::Imap), Err(Refusal::LoginFailed), "begun with the old one");
    assert!(scram(phone, Protocol::Imap).is_ok());
}

#[test]
fn an_account_without_a_main_password_may_have_devices() {
    let office = Office::mired();
    let dan = core_directory::NewAccount::new(address("dan@mired.org"), None);
    now(office.directory.admin().add_account(&dan, |_, _| {})).unwrap();
    let password = add(&office, "dan@mired.org", &new("printer", "smtp"));
    assert!(office.admit("dan", password.as_bytes(), Protocol::Smtp).is_ok());
    assert_eq!(office.login("dan", b""), Err(Refusal::LoginFailed));
    let entry = now(office.directory.admin().show_account(&address("dan@mired.org"))).unwrap();
    assert!(!entry.has_password && !entry.has_foreign_hash);
    now(office.directory.admin().remove_account(&address("dan@mired.org"))).unwrap();
    assert_eq!((count(&office, b"dV"), count(&office, b"dU"), count(&office, b"dP")), (0, 0, 2));
}

#[test]
fn names_and_numbers_of_devices_are_bounded() {
    let office = Office::mired();
    let ana = address("ana@mired.org");
    let try_add =
        |name: &str| now(office.directory.admin().add_device(&ana, &new(name, "any"))).map(drop);
    for name in ["", " ", "a\nb", &"x".repeat(65)] {
        assert_eq!(try_add(name), Err(AdminError::DeviceName { max: 64 }), "{name:?}");
    }
    assert_eq!(try_add("El móvil"), Ok(()));
    let (account, name) = (ana.clone(), "EL MÓVIL".to_string());
    assert_eq!(try_add("EL MÓVIL"), Err(AdminError::DeviceExists { account, name }));
    assert!((1..32).all(|n| try_add(&n.to_string()).is_ok()));
    let too_many = AdminError::TooMany { what: "devices of one account", max: 32 };
    assert_eq!(try_add("one more"), Err(too_many));
    let remove = now(office.directory.admin().remove_device(&ana, "none"));
    let (account, name) = (ana.clone(), "none".to_string());
    assert_eq!(remove, Err(AdminError::NoSuchDevice { account, name }));
    assert_eq!(list(&office).len(), 32);
    assert_eq!(Protocols::ANY.to_string(), list(&office)[0].protocols);
}
