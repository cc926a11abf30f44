//! Who is in, and for how long.

mod support;

use core_directory::{AccountChange, NewPassword, Protocol};
use support::{Office, address, now};
use words_mail::Refusal;

fn set(office: &Office, account: &str, change: AccountChange) {
    now(office.directory.admin().set_account(&address(account), &change)).unwrap();
}

fn password(text: &str) -> AccountChange {
    let password = Some(NewPassword::Clear(text.as_bytes().to_vec()));
    AccountChange { password, ..Default::default() }
}

#[test]
fn a_new_password_ends_what_the_old_one_began() {
    let office = Office::mired();
    let pass = |text: &str| office.admit("ana", text.as_bytes(), Protocol::Imap).unwrap().pass;
    let old = pass("ana");
    let mut watch = office.directory.watch(old.account());
    assert!(now(office.directory.check(&old)).is_ok() && !watch.has_changed());
    set(&office, "bob@mired.org", password("x"));
    assert!(!watch.has_changed(), "that was another's");
    set(&office, "ana@mired.org", password("new"));
    assert!(watch.has_changed() && !watch.has_changed());
    assert_eq!(now(office.directory.check(&old)), Err(Refusal::LoginFailed));
    let new = pass("new");
    assert!(now(office.directory.check(&new)).is_ok());
    // The same text again is another password.
    set(&office, "ana@mired.org", password("ana"));
    assert_eq!(now(office.directory.check(&old)), Err(Refusal::LoginFailed));
    assert_eq!(now(office.directory.check(&new)), Err(Refusal::LoginFailed));
}

#[test]
fn what_is_changed_besides_ends_nothing() {
    let office = Office::mired();
    let pass = office.admit("ana", b"ana", Protocol::Imap).unwrap().pass;
    let mut watch = office.directory.watch(pass.account());
    set(&office, "ana@mired.org", AccountChange { size_max: Some(Some(9)), ..Default::default() });
    assert!(watch.has_changed(), "it is looked at");
    assert_eq!(now(office.directory.check(&pass)).unwrap().size_max, Some(9));
    let first = NewPassword::Hash("foreign:x".to_string());
    set(&office, "ana@mired.org", AccountChange { password: Some(first), ..Default::default() });
    let imported = office.admit("ana", b"x", Protocol::Imap).unwrap().pass;
    assert!(now(office.directory.check(&imported)).is_ok(), "its hash was just replaced");
}

#[test]
fn a_disabled_or_removed_account_is_left_by_all() {
    let office = Office::mired();
    let pass = office.admit("ana", b"ana", Protocol::Imap).unwrap().pass;
    let mut watch = office.directory.watch(pass.account());
    let disable = |disabled| AccountChange { disabled: Some(disabled), ..Default::default() };
    set(&office, "ana@mired.org", disable(true));
    assert!(watch.has_changed());
    assert_eq!(now(office.directory.check(&pass)), Err(Refusal::LoginFailed));
    set(&office, "ana@mired.org", disable(false));
    assert!(now(office.directory.check(&pass)).is_ok());
    watch.has_changed();
    now(office.directory.admin().remove_account(&address("ana@mired.org"))).unwrap();
    assert!(watch.has_changed());
    assert_eq!(now(office.directory.check(&pass)), Err(Refusal::LoginFailed));
}

#[test]
fn one_name_in_all_its_spellings_is_one() {
    let office = Office::mired();
    let who = |name: &str| now(office.directory.identify(name)).unwrap();
    assert_eq!(who("ana"), who("ANA@mired.org"));
    assert_ne!(who("ana"), who("bob"));
    assert_eq!(who("nobody"), who("Nobody@MIRED.org"));
    assert_ne!(who("nobody"), who("nobody2"));
    assert_ne!(who("x@elsewhere.org"), who("x"));
    who(&"x".repeat(100_000));
}
