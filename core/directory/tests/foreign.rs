//! Hashes that another server made: accepted, and replaced as soon as the password is seen.

mod support;

use core_directory::{AccountChange, AccountEntry, AdminError, NewAccount, NewPassword, Protocol};
use core_store::Outcome;
use core_world::PasswordError;
use support::{Office, address, now};
use words_mail::Refusal;

/// Carl's password is `secret`, and only another server's hash of it is known.
fn imported() -> Office {
    let office = Office::mired();
    let mut new = NewAccount::new(address("carl@mired.org"), None);
    new.password = Some(NewPassword::Hash("foreign:secret".to_string()));
    now(office.directory.admin().add_account(&new, |_, _| {})).unwrap();
    office
}

fn carl(office: &Office) -> AccountEntry {
    now(office.directory.admin().show_account(&address("carl@mired.org"))).unwrap()
}

fn set(office: &Office, hash: &str) -> Result<AccountEntry, AdminError> {
    let password = Some(NewPassword::Hash(hash.to_string()));
    let change = AccountChange { password, ..Default::default() };
    now(office.directory.admin().set_account(&address("carl@mired.org"), &change))
}

#[test]
fn the_first_login_gives_the_account_a_hash_of_ours_and_scram_keys() {
    let office = imported();
    assert!(carl(&office).has_password && carl(&office).has_foreign_hash);
    let keys = || now(office.directory.scram_keys("carl", Protocol::Imap)).unwrap();
    let before = keys();
    assert_eq!(before.pairs.len(), 1, "like anybody's");
    assert_eq!(office.scram_login("carl"), Err(Refusal::LoginFailed), "no proof fits");

    assert_eq!(office.login("carl", b"Secret"), Err(Refusal::LoginFailed));
    assert!(carl(&office).has_foreign_hash, "a wrong password changes nothing");

    assert!(office.login("carl", b"secret").is_ok());
    assert!(carl(&office).has_password && !carl(&office).has_foreign_hash);
    let after = keys();
    assert!(after.pairs != before.pairs);
    assert_eq!(
        (&after.salt, after.iterations),
        (&before.salt, before.iterations),
        "nothing is to be seen from outside"
    );
    assert!(office.scram_login("carl").is_ok());

    // What was verified is known under the new hash.
    let slow = office.outside.slow();
    assert!(office.login("carl", b"secret").is_ok());
    assert_eq!(office.outside.slow(), slow);
    assert_eq!(office.login("carl", b"Secret"), Err(Refusal::LoginFailed));
}

#[test]
fn a_wrong_password_costs_at_least_as_much_as_a_wrong_name() {
    let office = imported();
    for (name, least) in [("nobody", 1), ("carl", 2), ("ana", 1)] {
        let before = office.outside.slow();
        assert_eq!(office.login(name, b"no"), Err(Refusal::LoginFailed));
        assert_eq!(office.outside.slow(), before + least, "{name}");
    }
}

#[test]
fn a_login_does_not_fail_because_the_hash_cannot_be_replaced() {
    let office = imported();
    office.store.outcome_unknown_next(Outcome::NotDone);
    assert!(office.login("carl", b"secret").is_ok());
    assert!(carl(&office).has_foreign_hash);
    office.outside.pass_minutes(10);
    assert!(office.login("carl", b"secret").is_ok());
    assert!(!carl(&office).has_foreign_hash, "the next login tries again");
}

#[test]
fn a_disabled_account_is_not_let_in_by_it() {
    let office = imported();
    let change = AccountChange { disabled: Some(true), ..Default::default() };
    now(office.directory.admin().set_account(&address("carl@mired.org"), &change)).unwrap();
    assert_eq!(office.login("carl", b"secret"), Err(Refusal::LoginFailed));
    assert!(carl(&office).has_foreign_hash);
}

#[test]
fn what_is_no_hash_is_refused_and_a_password_in_the_clear_is_hashed_at_once() {
    let office = imported();
    assert_eq!(set(&office, "nothing"), Err(AdminError::Password(PasswordError::UnknownHash)));
    assert_eq!(set(&office, "costly:x"), Err(AdminError::Password(PasswordError::TooCostly)));
    assert!(office.login("carl", b"secret").is_ok(), "nothing was changed");
    assert_eq!(set(&office, "clear:"), Err(AdminError::PasswordLength { max: 1024 }));

    let entry = set(&office, "clear:new").unwrap();
    assert!(entry.has_password && !entry.has_foreign_hash);
    assert!(office.login("carl", b"new").is_ok() && office.login("carl", b"secret").is_err());
    assert!(office.scram_login("carl").is_ok());
}
