//! Accounts whose mail goes to a Maildir of the file system.

mod support;

use core_delivery::{Origin, Taken};
use core_directory::AccountChange;
use std::path::PathBuf;
use support::{Office, address, now, origin};
use words_base::Timestamp;
use words_mail::{DeliverTo, Refusal};

const HOME: &str = "maildir:/home/{user}/Maildir";

/// ana's and carla's mail goes to Maildirs, bob's to his mailboxes.
fn office() -> Office {
    let office = Office::open();
    office.add_account("carla@mired.org");
    for name in ["ana", "carla"] {
        set(&office, name, Some(HOME));
        office.files.put_directory(format!("/home/{name}"));
    }
    office
}

fn set(office: &Office, name: &str, text: Option<&str>) {
    let deliver_to = Some(text.map(|text| DeliverTo::parse(text).unwrap()));
    let change = AccountChange { deliver_to, ..AccountChange::default() };
    office.set(&format!("{name}@mired.org"), change);
}

fn message(n: usize) -> Vec<u8> {
    let lines = "a line\r\n".repeat(n);
    format!("From: x@elsewhere.org\r\nSubject: {n}\r\n\r\n{lines}").into_bytes()
}

/// Messages in a directory of a Maildir: names and texts.
fn there(office: &Office, directory: &str) -> Vec<(String, String)> {
    let files = office.files.paths().into_iter().filter(|path| path.starts_with(directory));
    let read = |path: PathBuf| {
        let text = String::from_utf8(office.files.get(&path).unwrap()).unwrap();
        (path.file_name().unwrap().to_str().unwrap().to_string(), text)
    };
    files.map(read).collect()
}

fn new(office: &Office, name: &str) -> Vec<(String, String)> {
    assert_eq!(there(office, &format!("/home/{name}/Maildir/tmp")), [], "nothing is left in tmp");
    there(office, &format!("/home/{name}/Maildir/new"))
}

fn lmtp() -> Origin {
    Origin { protocol: "LMTP", ..origin() }
}

#[test]
fn a_message_is_filed_with_the_line_ends_and_the_name_that_others_expect() {
    let office = office();
    // One that is read in several pieces.
    for lines in [1, 9_000] {
        office.deliver(&["ana@mired.org"], &message(lines)).unwrap();
    }
    let found = new(&office, "ana");
    assert_eq!(found.len(), 2);
    for (name, text) in &found {
        assert!(!text.contains('\r'));
        let lines: usize =
            text.split("Subject: ").nth(1).unwrap().split('\n').next().unwrap().parse().unwrap();
        assert!(text.starts_with("Return-Path: <x@elsewhere.org>\nDelivered-To: ana@mired.org\n"));
        assert!(text.contains("Received: ") && text.ends_with(&"a line\n".repeat(lines)));
        let (own, sizes) = name.split_once(',').unwrap();
        let virtual_size = text.len() + text.matches('\n').count();
        assert_eq!(sizes, format!("S={},W={virtual_size}", text.len()));
        assert!(own.starts_with("1795514400.") && own.ends_with("A1.mail.mired.org"), "{own}");
    }
    assert_ne!(found[0].0, found[1].0);
    assert_eq!(office.inbox("ana@mired.org"), [] as [&str; 0]);
    assert_eq!(office.store.blob_count(), 0, "nothing is kept twice");
    for directory in ["cur", "new", "tmp"] {
        let path = PathBuf::from("/home/ana/Maildir").join(directory);
        assert!(now(core_world::Files::root(&office.files, &path)).is_ok());
    }
}

#[test]
fn one_message_goes_to_mailboxes_and_maildirs_alike() {
    let office = office();
    office.add_alias("all@mired.org", &["ana@mired.org", "bob@mired.org", "carla@mired.org"]);
    let told = office.deliver(&["all@mired.org", "ana@mired.org"], &message(2)).unwrap();
    assert_eq!(told.recipients, [Ok(Taken::Filed), Ok(Taken::Filed)]);
    assert_eq!((new(&office, "ana").len(), new(&office, "carla").len()), (1, 1));
    assert_eq!(office.inbox("bob@mired.org").len(), 1);
    // Back to the mailboxes.
    set(&office, "ana", None);
    office.deliver(&["ana@mired.org"], &message(3)).unwrap();
    assert_eq!((new(&office, "ana").len(), office.inbox("ana@mired.org").len()), (1, 1));
}

#[test]
fn if_one_of_those_who_share_a_reply_cannot_have_it_none_has() {
    let office = office();
    let all = ["bob@mired.org", "ana@mired.org", "carla@mired.org"];
    office.add_account("dora@mired.org");
    set(&office, "dora", Some(HOME));
    let mut with_dora = all.to_vec();
    with_dora.push("dora@mired.org");
    let nothing = || {
        let bob = office.inbox("bob@mired.org").len();
        (bob, new(&office, "ana").len(), new(&office, "carla").len())
    };
    // She has no home.
    assert_eq!(office.deliver(&with_dora, &message(1)), Err(Refusal::Unavailable));
    assert_eq!(nothing(), (0, 0, 0));
    let troubles = office.troubles.lock().unwrap().clone();
    assert!(troubles[0].starts_with("dora@mired.org: /home/dora/Maildir"), "{troubles:?}");
    // Over LMTP it is she alone.
    let recipients = office.recipients(&with_dora);
    let told = now(office.begin(lmtp(), &message(1)).finish(&recipients)).unwrap();
    assert_eq!(
        told.recipients,
        [Ok(Taken::Filed), Ok(Taken::Filed), Ok(Taken::Filed), Err(Refusal::Unavailable)]
    );
    assert_eq!(nothing(), (1, 1, 1));
    // The disk is full, sooner or later: whoever is told no has nothing.
    for writes in 0..4 {
        office.files.fill_up_after(writes);
        assert_eq!(office.deliver(&all, &message(1)), Err(Refusal::StorageFull), "{writes}");
        assert_eq!(nothing(), (1, 1, 1), "{writes}");
    }
    office.files.fill_up_after(usize::MAX);
    // The store fails when the Maildirs have it already.
    let recipients = office.recipients(&all);
    let incoming = office.begin(origin(), &message(1));
    office.store.outcome_unknown_next(core_store::Outcome::NotDone);
    assert!(now(incoming.finish(&recipients)).is_err());
    assert_eq!(nothing(), (1, 1, 1));
    office.deliver(&all, &message(1)).unwrap();
    assert_eq!(nothing(), (2, 2, 2));
}

#[test]
fn nobody_is_led_to_somebody_elses_mail() {
    let office = office();
    office.deliver(&["carla@mired.org"], &message(1)).unwrap();
    office.files.put_link("/home/ana/Maildir");
    assert_eq!(office.deliver(&["ana@mired.org"], &message(1)), Err(Refusal::Unavailable));
    assert!(office.troubles.lock().unwrap()[0].contains("symbolic link"));
    let admin = office.directory.admin();
    office.add_account("a/../b@mired.org");
    let deliver_to = Some(Some(DeliverTo::parse(HOME).unwrap()));
    let change = AccountChange { deliver_to, ..AccountChange::default() };
    let told = now(admin.set_account(&address("a/../b@mired.org"), &change)).unwrap_err();
    assert!(told.to_string().contains("without {user}"), "{told}");
    // Nor may an address become such a one later.
    let change = AccountChange {
        add_addresses: vec![address("\"..\"@mired.org")],
        main_address: Some(address("\"..\"@mired.org")),
        ..AccountChange::default()
    };
    assert!(now(admin.set_account(&address("carla@mired.org"), &change)).is_err());
}

fn size_file(office: &Office) -> String {
    let text = office.files.get("/home/ana/Maildir/maildirsize").unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn the_quota_is_kept_in_maildirsize() {
    let office = office();
    let at = Timestamp::from_seconds(1);
    // What is there: with its size in the name and without, in folders; trash does not count.
    office.files.put("/home/ana/Maildir/cur/1.a.b,S=1000:2,S", b"x", at);
    office.files.put("/home/ana/Maildir/cur/2.a.b:2,ST", b"deleted", at);
    office.files.put("/home/ana/Maildir/new/3.a.b", &[b'x'; 500], at);
    office.files.put("/home/ana/Maildir/.Work/cur/4.a.b,S=200:2,", b"x", at);
    office.files.put("/home/ana/Maildir/.Trash/cur/5.a.b,S=9000:2,", b"x", at);
    office.files.put("/home/ana/Maildir/tmp/old", b"x", at);
    office.set_quota("ana@mired.org", 3_000);
    let message = message(10);
    office.deliver(&["ana@mired.org"], &message).unwrap();
    let filed = there(&office, "/home/ana/Maildir/new");
    let len = filed.iter().find(|(name, _)| name != "3.a.b").unwrap().1.len();
    assert_eq!(size_file(&office), format!("3000S\n1700 3\n{len} 1\n"));
    let rest = 3_000 - 1_700 - len;
    let fits = rest / (len + 30);
    for _ in 0..fits {
        office.deliver(&["ana@mired.org"], &message).unwrap();
    }
    let mut full = None;
    for _ in 0..3 {
        full = office.deliver(&["ana@mired.org"], &message).err();
    }
    assert_eq!(full, Some(Refusal::MailboxFull));
    let counted = 1_700 + len * (1 + fits);
    assert_eq!(size_file(&office), format!("3000S\n{counted} {}\n", 4 + fits), "counted anew");
    // Some are read and removed by another program, which does not count: noticed after a while.
    now(now(core_world::Files::root(&office.files, "/home/ana/Maildir".as_ref()))
        .unwrap()
        .remove("cur/1.a.b,S=1000:2,S".as_ref()))
    .unwrap();
    assert_eq!(office.deliver(&["ana@mired.org"], &message), Err(Refusal::MailboxFull));
    office.world.pass_minutes(16);
    office.deliver(&["ana@mired.org"], &message).unwrap();
    assert!(size_file(&office).starts_with(&format!("3000S\n{} ", counted - 1_000)));
}

#[test]
fn a_quota_that_another_program_has_set_is_kept_too() {
    let office = office();
    let put = |text: &str| {
        let path = "/home/ana/Maildir/maildirsize";
        office.files.put(path, text.as_bytes(), office.world.world().clock.now());
    };
    office.files.put_directory("/home/ana/Maildir/tmp");
    office.files.put_directory("/home/ana/Maildir/new");
    put("2C\n0 0\n");
    office.deliver(&["ana@mired.org"], &message(1)).unwrap();
    office.deliver(&["ana@mired.org"], &message(1)).unwrap();
    assert_eq!(office.deliver(&["ana@mired.org"], &message(1)), Err(Refusal::MailboxFull));
    // One that grew too long is made anew; one that makes no sense counts for nothing.
    put(&format!("5C\n{}", "100 0\n".repeat(2_000)));
    office.deliver(&["ana@mired.org"], &message(1)).unwrap();
    assert_eq!(size_file(&office).lines().count(), 3);
    assert!(size_file(&office).starts_with("5C\n"));
    put("nonsense");
    office.deliver(&["ana@mired.org"], &message(1)).unwrap();
    assert_eq!(size_file(&office), "nonsense");
    assert_eq!(new(&office, "ana").len(), 4);
}
