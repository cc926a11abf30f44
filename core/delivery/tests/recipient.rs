//! May it come.

mod support;

use core_delivery::Asked;
use core_directory::AccountChange;
use support::{Office, SIZE_MAX, address, forward_path, now};
use words_mail::{Refusal, ReversePath};

#[test]
fn an_address_elsewhere_is_refused_by_who_asks_and_how_one_gets_there() {
    let office = Office::open();
    office.add_alias("mixed@mired.org", &["ana@mired.org", "x@elsewhere.org"]);
    office.add_alias("out@mired.org", &["x@elsewhere.org"]);
    office.add_alias("team@mired.org", &["ana@mired.org", "bob@mired.org"]);
    for (path, stranger, trusted) in [
        ("ana@mired.org", Ok(1), Ok(1)),
        ("Ana+x@mired.org", Ok(1), Ok(1)),
        ("team@mired.org", Ok(2), Ok(2)),
        ("postmaster", Ok(1), Ok(1)),
        ("postmaster@mired.org", Ok(1), Ok(1)),
        ("nobody@mired.org", Err(Refusal::NoSuchRecipient), Err(Refusal::NoSuchRecipient)),
        ("x@elsewhere.org", Err(Refusal::RelayDenied), Err(Refusal::NoRouteYet)),
        ("mixed@mired.org", Err(Refusal::NoRouteYet), Err(Refusal::NoRouteYet)),
        ("out@mired.org", Err(Refusal::NoRouteYet), Err(Refusal::NoRouteYet)),
    ] {
        for (is_trusted, want) in [(false, stranger), (true, trusted)] {
            let (path, sender) = (forward_path(path), ReversePath(None));
            let asked = Asked { trusted: is_trusted, ..Asked::new(&path, &sender) };
            let got = now(office.delivery.recipient(&asked));
            assert_eq!(got.map(|r| r.local.len()), want, "{path} {is_trusted}");
        }
    }
}

#[test]
fn a_full_mailbox_is_refused_at_once_with_what_was_announced() {
    let office = Office::open();
    office.add_alias("team@mired.org", &["ana@mired.org", "bob@mired.org"]);
    office.deliver(&["ana@mired.org"], b"Subject: x\r\n\r\nhi\r\n").unwrap();
    let used = office.inbox("ana@mired.org")[0].len() as u64;
    let check = |path: &str, size, want: Result<(), Refusal>| {
        assert_eq!(office.recipient(path, size).map(drop), want, "{path} {size}");
    };
    office.set_quota("ana@mired.org", used + 1_000);
    check("ana@mired.org", 0, Ok(()));
    check("ana@mired.org", 1_000, Ok(()));
    check("ana@mired.org", 1_001, Err(Refusal::MailboxFull));
    check("team@mired.org", 1_001, Err(Refusal::MailboxFull));
    check("bob@mired.org", 1_001, Ok(()));
    office.set_quota("ana@mired.org", used);
    check("ana@mired.org", 0, Err(Refusal::MailboxFull));
    let messages = AccountChange {
        quota_bytes: Some(None),
        quota_messages: Some(Some(1)),
        ..Default::default()
    };
    office.set("ana@mired.org", messages);
    check("ana@mired.org", 0, Err(Refusal::MailboxFull));
}

#[test]
fn a_message_that_is_too_large_is_refused_before_it_comes() {
    let office = Office::open();
    let change = AccountChange { size_max: Some(Some(10)), ..Default::default() };
    office.set("ana@mired.org", change);
    let too_large = |size_max| Err(Refusal::TooLarge { size_max });
    for (path, size, want) in [
        ("ana@mired.org", 10, Ok(())),
        ("ana@mired.org", 11, too_large(10)),
        ("bob@mired.org", SIZE_MAX, Ok(())),
        ("bob@mired.org", SIZE_MAX + 1, too_large(SIZE_MAX)),
    ] {
        assert_eq!(office.recipient(path, size).map(drop), want, "{path} {size}");
    }
    let ana = office.account("ana@mired.org");
    let path = |text| ReversePath(Some(address(text)));
    for (sender, from, size, want) in [
        (None, "x@elsewhere.org", SIZE_MAX, Ok(())),
        (None, "x@elsewhere.org", SIZE_MAX + 1, too_large(SIZE_MAX)),
        (Some(&ana), "ana@mired.org", 10, Ok(())),
        (Some(&ana), "ana@mired.org", 11, too_large(10)),
        (Some(&ana), "bob@mired.org", 0, Err(Refusal::SenderNotOwned)),
    ] {
        assert_eq!(now(office.delivery.sender(sender, &path(from), size)), want, "{from} {size}");
    }
    assert_eq!(now(office.delivery.sender(Some(&ana), &ReversePath(None), 0)), Ok(()));
}

#[test]
fn a_failing_store_is_a_temporary_answer() {
    let office = Office::open();
    office.store.unavailable(true);
    assert_eq!(office.recipient("ana@mired.org", 0).map(drop), Err(Refusal::Unavailable));
}
