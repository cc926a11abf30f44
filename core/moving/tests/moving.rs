//! In and out again, over files and a store in memory.

use core_mailbox::{Allowance, FlagChange, Mail, Mailboxes, Options};
use core_moving::{
    Body, ExportOptions, Folder, Found, ImportOptions, ImportReport, Importer, Item,
    MaildirOptions, MaildirSink, MaildirSource, MboxSink, MboxSource, Numbers, OpenFolder, Source,
    SourceError, SourceKind, SourceLater, Told, export,
};
use core_store::{Batch, MemoryStore, Store};
use core_world::testing::TestWorld;
use core_world::{Files, MemoryFiles, Tree};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use words_archive::mbox::Variant;
use words_base::Timestamp;
use words_mail::{AccountId, Flags, MailboxName, NumberSet, SystemFlag};

const ACCOUNT: AccountId = AccountId(1);

struct Silent;

impl Told for Silent {
    fn progress(&self, _folder: &str, _done: u64, _all: Option<u64>) {}
}

/// An office with one account, and files.
struct House {
    mail: Mail,
    importer: Importer,
    files: MemoryFiles,
}

impl House {
    async fn new() -> House {
        let store = MemoryStore::new();
        let world = TestWorld::new().world();
        let mail = Mail::new(store.clone(), store.clone(), world, Options::default());
        let mut batch = Batch::new();
        mail.provision(&mut batch, ACCOUNT, &[]);
        store.commit(batch).await.unwrap();
        let importer = Importer::new(mail.clone(), store);
        House { mail, importer, files: MemoryFiles::new() }
    }

    fn boxes(&self) -> Mailboxes {
        self.mail.account(ACCOUNT)
    }

    async fn tree(&self, path: &str) -> Arc<dyn Tree> {
        self.files.put_directory(path);
        self.files.root(Path::new(path)).await.unwrap()
    }

    fn options(&self) -> ImportOptions {
        ImportOptions {
            into: None,
            compare_bodies: true,
            allowance: Allowance::UNLIMITED,
            size_max: 100_000,
            aside: None,
        }
    }

    async fn maildir(&self, path: &str) -> MaildirSource {
        MaildirSource::new(self.tree(path).await, MaildirOptions::default())
    }

    async fn import_maildir(&self, path: &str) -> ImportReport {
        let mut source = self.maildir(path).await;
        self.importer.import(ACCOUNT, &mut source, &self.options(), &Silent).await
    }

    async fn import_mbox(&self, path: &str) -> ImportReport {
        let mut source = MboxSource::of_directory(self.tree(path).await, Variant::Auto);
        self.importer.import(ACCOUNT, &mut source, &self.options(), &Silent).await
    }

    /// What is in a mailbox: UID, unique id, flags, seconds, octets.
    async fn shown(&self, name: &str) -> Vec<(u32, String, String, i64, String)> {
        let boxes = self.boxes();
        let view = boxes.open(&MailboxName::parse(name).unwrap()).await.unwrap();
        let rows = view.rows();
        let ids = boxes.unique_ids(&view, &rows, 0, 10_000).await.unwrap();
        let mut shown = Vec::new();
        for ((_, row), id) in rows.iter_from(0).zip(ids) {
            let content = boxes.content(&view, row).await.unwrap();
            let octets = content.read(0, 1 << 20).await.unwrap();
            let text = String::from_utf8_lossy(&octets).into_owned();
            let at = row.received_at.seconds();
            shown.push((row.uid.0, id, sorted(&row.flags), at, text));
        }
        shown
    }

    async fn names(&self) -> Vec<String> {
        let list = self.boxes().list().await.unwrap();
        let mark = |s: bool| if s { "" } else { " -" };
        list.iter().map(|m| format!("{}{}", m.name, mark(m.subscribed))).collect()
    }
}

fn sorted(flags: &Flags) -> String {
    let mut words: Vec<String> = flags.to_string().split(' ').map(str::to_string).collect();
    words.sort();
    words.join(" ")
}

fn message(n: u32) -> Vec<u8> {
    format!("Subject: {n}\nFrom: a@x.org\n\nHello {n}\n>From afar\nFrom here\n").into_bytes()
}

fn with_crlf(n: u32) -> String {
    String::from_utf8(message(n)).unwrap().replace('\n', "\r\n")
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

/// A Maildir++ as Dovecot leaves it.
fn put_maildir(files: &MemoryFiles) {
    files.put("/m/dovecot-uidlist", UID_LIST.as_bytes(), at(0));
    files.put("/m/dovecot-keywords", b"0 $Junk\n1 work\n", at(0));
    files.put("/m/subscriptions", b"V\t2\n\nWork\nGone\n", at(0));
    files.put("/m/cur/1.M1.h,S=55,W=61:2,FSa", &message(1), at(1001));
    files.put("/m/cur/2.M2.h:2,RTPb", &message(2), at(1002));
    files.put("/m/new/3.M3.h", &message(3), at(1003));
    files.put("/m/.Work.Pl&AOE-n/cur/4.M4.h:2,D", &message(4), at(1004));
    files.put_directory("/m/.Work.Pl&AOE-n/new");
    files.put_directory("/m/.Work/cur");
    files.put("/m/.Work.Pl&AOE-n/tmp/x", b"not yet", at(0));
}

const UID_LIST: &str = "3 V777 N40 Gabc\n7 Polduidl :1.M1.h,S=55,W=61\n30 :2.M2.h\n31 :gone\n";

#[tokio::test]
async fn a_maildir_comes_with_everything() {
    let house = House::new().await;
    put_maildir(&house.files);
    house.files.put_link("/m/.Link");
    let report = house.import_maildir("/m").await;
    assert!(report.is_good(), "{report:#?}");
    assert_eq!(house.names().await, ["INBOX", "Work", "Work/Plán -"]);
    let gone = house.boxes().subscribed_without_mailbox().await.unwrap();
    assert_eq!(gone, [MailboxName::parse("Gone").unwrap()]);
    let inbox = house.boxes().find(&MailboxName::inbox()).await.unwrap();
    assert_eq!(inbox.uid_validity.0, 777);
    let shown = house.shown("INBOX").await;
    let own = |uid: u32| format!("{:08x}{:08x}", 777, uid);
    assert_eq!(
        shown,
        [
            (7, "olduidl".into(), "$Junk \\Flagged \\Seen".into(), 1001, with_crlf(1)),
            (
                30,
                "0000001e00000309".into(),
                "$Forwarded \\Answered \\Deleted work".into(),
                1002,
                with_crlf(2)
            ),
            (40, own(40), "".into(), 1003, with_crlf(3)),
        ]
    );
    let [(_, _, flags, at, text)] = &house.shown("Work/Plán").await[..] else { panic!() };
    assert_eq!((flags.as_str(), *at, text), ("\\Draft", 1004, &with_crlf(4)));
    let compared = &report.folders[0].compared;
    assert_eq!((compared.messages, compared.bodies_read, compared.uids), (3, 3, 0));
    assert!(report.remarks.iter().any(|r| r.contains(".Link")), "{report:#?}");
}

#[tokio::test]
async fn what_came_once_does_not_come_again() {
    let house = House::new().await;
    put_maildir(&house.files);
    house.import_maildir("/m").await;
    let before = house.shown("INBOX").await;
    let again = house.import_maildir("/m").await;
    let counts: Vec<_> = again.folders.iter().map(|f| (f.found, f.brought, f.already)).collect();
    assert_eq!(counts, [(3, 0, 3), (0, 0, 0), (1, 0, 1)]);
    assert!(again.is_good());
    assert_eq!(house.shown("INBOX").await, before);
    // Removed here, new there; and the same Maildir at another place is the same.
    let boxes = house.boxes();
    let view = boxes.open(&MailboxName::inbox()).await.unwrap();
    boxes.remove(&view, &NumberSet::from_range(7, 7)).await.unwrap();
    house.files.put("/m/new/5.M5.h", &message(5), at(1005));
    house.tree("/").await.rename(Path::new("m"), Path::new("elsewhere")).await.unwrap();
    let third = house.import_maildir("/elsewhere").await;
    let inbox = &third.folders[0];
    assert_eq!((inbox.found, inbox.brought, inbox.already, inbox.removed_here), (4, 1, 3, 1));
    assert!(third.is_good(), "{third:#?}");
    let uids: Vec<u32> = house.shown("INBOX").await.iter().map(|m| m.0).collect();
    assert_eq!(uids, [30, 40, 41]);
}

async fn set(house: &House, uid: u32, flag: SystemFlag) {
    let boxes = house.boxes();
    let view = boxes.open(&MailboxName::inbox()).await.unwrap();
    let flags = Flags::from_parts(flag as u8, Vec::new());
    let uids = NumberSet::from_range(uid, uid);
    boxes.store_flags(&view, &uids, &FlagChange::Add(flags), None).await.unwrap();
}

#[tokio::test]
async fn flags_that_change_there_change_here_unless_somebody_changed_them_here() {
    let house = House::new().await;
    put_maildir(&house.files);
    house.import_maildir("/m").await;
    let tree = house.tree("/m").await;
    let rename = async |from: &str, to: &str| {
        tree.rename(Path::new(from), Path::new(to)).await.unwrap();
    };
    rename("cur/1.M1.h,S=55,W=61:2,FSa", "cur/1.M1.h,S=55,W=61:2,RS").await;
    rename("cur/2.M2.h:2,RTPb", "cur/2.M2.h:2,S").await;
    set(&house, 30, SystemFlag::Flagged).await;
    set(&house, 40, SystemFlag::Seen).await;
    let report = house.import_maildir("/m").await;
    let inbox = &report.folders[0];
    assert_eq!((inbox.reflagged, inbox.kept_flags, inbox.compared.flags), (1, 1, 0));
    let flags =
        async || -> Vec<String> { house.shown("INBOX").await.into_iter().map(|m| m.2).collect() };
    let mine = "$Forwarded \\Answered \\Deleted \\Flagged work";
    assert_eq!(flags().await, ["\\Answered \\Seen", mine, "\\Seen"]);
    // Once decided it stays so.
    let again = house.import_maildir("/m").await;
    assert_eq!((again.folders[0].reflagged, again.folders[0].kept_flags), (0, 0));
    assert_eq!(flags().await, ["\\Answered \\Seen", mine, "\\Seen"]);
}

#[tokio::test]
async fn strange_messages_come_octet_for_octet_and_are_told() {
    let house = House::new().await;
    let strange: [(&str, Vec<u8>); 6] = [
        ("1.empty", b"".to_vec()),
        ("2.noheader", b"no header at all\n\0\xff\r\r\n".to_vec()),
        ("3.short,S=999", b"Subject: x\n\ncut".to_vec()),
        ("4.wide,S=14,W=99", b"Subject: x\n\ny\n".to_vec()),
        ("5.mixed", b"Subject: x\r\ny: z\n\r\nb\n".to_vec()),
        ("6.long", [b"X: ".as_slice(), &[b'a'; 5_000_000], b"\n\nbody\n"].concat()),
    ];
    for (name, octets) in &strange {
        house.files.put(format!("/m/cur/{name}:2,"), octets, at(1));
    }
    let mut source = house.maildir("/m").await;
    let options = ImportOptions { size_max: 10_000_000, ..house.options() };
    let report = house.importer.import(ACCOUNT, &mut source, &options, &Silent).await;
    let inbox = &report.folders[0];
    assert_eq!((inbox.brought, inbox.broken_count, inbox.failed_count), (6, 5, 0), "{inbox:#?}");
    assert_eq!((inbox.compared.bodies_read, inbox.compared.bodies), (6, 0));
    let shown = house.shown("INBOX").await;
    assert_eq!(shown[1].4, "no header at all\r\n\0\u{fffd}\r\r\n");
    assert_eq!(shown[4].4, "Subject: x\r\ny: z\r\n\r\nb\r\n");
}

#[tokio::test]
async fn a_message_that_is_too_large_is_kept_aside() {
    let house = House::new().await;
    let large = [b"Subject: x\n\n".as_slice(), &b"line\n".repeat(30_000)].concat();
    house.files.put("/m/cur/1.a:2,", &large, at(1));
    house.files.put("/m/cur/2.b:2,", &message(2), at(1));
    let aside = house.tree("/aside").await;
    let options = ImportOptions { aside: Some(aside), ..house.options() };
    let mut source = house.maildir("/m").await;
    let report = house.importer.import(ACCOUNT, &mut source, &options, &Silent).await;
    assert!(!report.is_good());
    let inbox = &report.folders[0];
    assert_eq!((inbox.brought, inbox.failed_count), (1, 1));
    let kept: Vec<PathBuf> =
        house.files.paths().into_iter().filter(|p| p.starts_with("/aside")).collect();
    assert_eq!(kept.len(), 1);
    assert!(inbox.failed[0].why.contains("messages/"), "{inbox:?}");
    let text = String::from_utf8(large).unwrap().replace('\n', "\r\n");
    assert_eq!(house.files.get(&kept[0]).unwrap(), text.into_bytes());
}

#[tokio::test]
async fn a_quota_ends_it_and_it_goes_on_when_there_is_room() {
    let house = House::new().await;
    for n in 0..20 {
        house.files.put(format!("/m/cur/{n}.a:2,S"), &message(n), at(1));
    }
    let allowance = Allowance { bytes: None, messages: Some(5) };
    let options = ImportOptions { allowance, ..house.options() };
    let mut source = house.maildir("/m").await;
    let report = house.importer.import(ACCOUNT, &mut source, &options, &Silent).await;
    assert!(report.ended.unwrap().contains("quota"));
    let report = house.import_maildir("/m").await;
    assert!(report.is_good());
    assert_eq!(report.folders[0].brought, 20);
    assert_eq!(house.shown("INBOX").await.len(), 20);
}

#[tokio::test]
async fn no_mail_is_told() {
    let house = House::new().await;
    house.files.put("/m/readme", b"x", at(1));
    let report = house.import_maildir("/m").await;
    assert!(report.ended.unwrap().contains("cur"));
    let report = house.import_mbox("/m").await;
    assert!(report.ended.unwrap().contains("no mbox"));
    let mut source = house.maildir("/m").await;
    let planned = house.importer.plan(None, &mut source, &house.options(), &Silent).await;
    assert!(matches!(planned, Err(core_moving::MoveError::Source(SourceError::Failed(_)))));
}

#[tokio::test]
async fn a_dry_run_tells_and_changes_nothing() {
    let house = House::new().await;
    put_maildir(&house.files);
    let mut source = house.maildir("/m").await;
    let options = house.options();
    let plan = house.importer.plan(Some(ACCOUNT), &mut source, &options, &Silent).await.unwrap();
    let counts: Vec<_> = plan.folders.iter().map(|f| (f.mailbox.as_str(), f.brought)).collect();
    assert_eq!(counts, [("INBOX", 3), ("Work", 0), ("Work/Plán", 1)]);
    assert_eq!(plan.folders[0].octets, Some(3 * message(1).len() as u64));
    assert_eq!(house.names().await, ["INBOX"]);
    house.import_maildir("/m").await;
    let plan = house.importer.plan(Some(ACCOUNT), &mut source, &options, &Silent).await.unwrap();
    assert_eq!((plan.folders[0].brought, plan.folders[0].already), (0, 3));
}

#[tokio::test]
async fn into_another_mailbox() {
    let house = House::new().await;
    put_maildir(&house.files);
    let mut source = house.maildir("/m").await;
    let into = Some(MailboxName::parse("Old").unwrap());
    let options = ImportOptions { into, ..house.options() };
    let report = house.importer.import(ACCOUNT, &mut source, &options, &Silent).await;
    assert!(report.is_good());
    assert_eq!(house.names().await, ["INBOX", "Old", "Old/Work", "Old/Work/Plán -"]);
    assert_eq!(house.shown("Old").await.len(), 3);
}

#[tokio::test]
async fn plain_trees_are_read() {
    let house = House::new().await;
    for (place, n) in [("INBOX", 1), ("Work/2024", 2), ("Work/.a.b", 3)] {
        house.files.put(format!("/m/{place}/cur/{n}.x:2,S"), &message(n), at(1));
    }
    house.files.put("/m/subscriptions", b"Work/2024\n", at(0));
    let report = house.import_maildir("/m").await;
    assert!(report.is_good(), "{report:#?}");
    let names = house.names().await;
    assert_eq!(names, ["INBOX", "Work", "Work/2024", "Work/a", "Work/a/b -"]);
}

/// Everything of two houses, compared.
async fn same(a: &House, b: &House) {
    assert_eq!(a.names().await, b.names().await);
    for mailbox in a.boxes().list().await.unwrap() {
        let (here, there) = (a.shown(mailbox.name.as_str()), b.shown(mailbox.name.as_str()));
        assert_eq!(here.await, there.await, "{}", mailbox.name);
        let other = b.boxes().find(&mailbox.name).await.unwrap();
        assert_eq!(mailbox.uid_validity, other.uid_validity);
    }
}

#[tokio::test]
async fn out_to_a_maildir_and_in_again_is_the_same() {
    let house = House::new().await;
    put_maildir(&house.files);
    house.import_maildir("/m").await;
    let tree = house.tree("/out").await;
    let write = async || {
        let mut sink = MaildirSink::new(tree.clone());
        let options = ExportOptions::default();
        export(&house.boxes(), &mut sink, &options, &Silent).await.unwrap()
    };
    let report = write().await;
    assert_eq!(report.folders.iter().map(|f| f.written).collect::<Vec<_>>(), [3, 0, 1]);
    let other = House { files: house.files.clone(), ..House::new().await };
    let report = other.import_maildir("/out").await;
    assert!(report.is_good(), "{report:#?}");
    same(&house, &other).await;
    // Again: only what is new, and flags.
    set(&house, 30, SystemFlag::Seen).await;
    house.files.put("/m/new/9.M9.h", &message(9), at(9));
    house.import_maildir("/m").await;
    let again = write().await;
    let inbox = &again.folders[0];
    assert_eq!((inbox.written, inbox.already, inbox.reflagged), (1, 3, 1));
    let other = House { files: house.files.clone(), ..House::new().await };
    other.import_maildir("/out").await;
    same(&house, &other).await;
}

#[tokio::test]
async fn out_to_mbox_files_and_in_again_is_the_same_but_for_pop3() {
    let house = House::new().await;
    put_maildir(&house.files);
    house.import_maildir("/m").await;
    let tree = house.tree("/out").await;
    let mut sink = MboxSink::new(tree.clone());
    let report = export(&house.boxes(), &mut sink, &ExportOptions::default(), &Silent).await;
    assert!(report.unwrap().is_good());
    let mut files: Vec<String> = house
        .files
        .paths()
        .iter()
        .filter_map(|p| Some(p.strip_prefix("/out").ok()?.display().to_string()))
        .collect();
    files.sort();
    assert_eq!(files, ["INBOX", "Work/Pl&AOE-n", "Work/mbox"]);
    let other = House { files: house.files.clone(), ..House::new().await };
    let report = other.import_mbox("/out").await;
    assert!(report.is_good(), "{report:#?}");
    let without_id = |list: Vec<(u32, String, String, i64, String)>| -> Vec<_> {
        list.into_iter().map(|(uid, _, flags, at, text)| (uid, flags, at, text)).collect()
    };
    for name in ["INBOX", "Work/Plán"] {
        let (here, there) = (house.shown(name).await, other.shown(name).await);
        assert_eq!(without_id(here), without_id(there), "{name}");
    }
    let inbox = other.boxes().find(&MailboxName::inbox()).await.unwrap();
    assert_eq!(inbox.uid_validity.0, 777);
    // A file that is there stays.
    let mut sink = MboxSink::new(tree);
    let again = export(&house.boxes(), &mut sink, &ExportOptions::default(), &Silent).await;
    assert_eq!(again.unwrap().folders[0].already, 3);
    let again = other.import_mbox("/out").await;
    assert_eq!(again.folders[0].brought, 0);
}

async fn mbox(text: &str, variant: Variant) -> (ImportReport, Vec<String>) {
    let house = House::new().await;
    house.files.put("/mail/box", text.as_bytes(), at(0));
    let tree = house.tree("/mail").await;
    let mut source = MboxSource::of_file(tree, PathBuf::from("box"), variant);
    let report = house.importer.import(ACCOUNT, &mut source, &house.options(), &Silent).await;
    let shown = house.shown("INBOX").await;
    (report, shown.into_iter().map(|m| format!("{}|{}|{}", m.2, m.3, m.4)).collect())
}

#[tokio::test]
async fn every_variant_of_mbox_is_read() {
    let from = "From ana@x.org Tue Nov 24 08:29:44 2026\n";
    let body = format!("{from}Subject: a\n\n>From x\n>>From y\n\nlast\n\n{from}Subject: b\n\n\n");
    let first = |body: &str| format!("|1795508984|Subject: a\r\n\r\n{body}");
    let b = "|1795508984|Subject: b\r\n\r\n".to_string();
    for (variant, want) in [
        (Variant::Auto, "From x\r\n>From y\r\n\r\nlast\r\n"),
        (Variant::Mboxrd, "From x\r\n>From y\r\n\r\nlast\r\n"),
        (Variant::Mboxcl2, ">From x\r\n>>From y\r\n\r\nlast\r\n"),
    ] {
        let (report, shown) = mbox(&body, variant).await;
        assert_eq!(shown, [first(want), b.clone()], "{variant:?} {report:?}");
    }
    // A length that holds is followed, also over what looks like a message.
    let inner = format!("x\n\n{from}Subject: inner\n\ny\n");
    let counted = format!(
        "{from}Subject: a\nStatus: RO\nX-Status: F\nContent-Length: {}\n\n{inner}\n{from}Subject: b\n\n",
        inner.len()
    );
    let (_, shown) = mbox(&counted, Variant::Auto).await;
    let want = format!("\\Flagged \\Seen{}", first(&inner.replace('\n', "\r\n")));
    assert_eq!(shown, [want, b.clone()]);
    assert_eq!(mbox(&counted, Variant::Mboxrd).await.1.len(), 3);
    // One that does not hold is not.
    let wrong = counted.replace("Content-Length: ", "Content-Length: 1");
    assert_eq!(mbox(&wrong, Variant::Auto).await.1.len(), 3);
    // CRLF line ends; a file that ends in the middle; the same message twice.
    let crlf = format!("{from}Subject: b\n\n\n{from}Subject: b\n\n\n{from}Subject: a")
        .replace('\n', "\r\n");
    let (report, shown) = mbox(&crlf, Variant::Auto).await;
    assert_eq!(shown, [b.clone(), b, "|1795508984|Subject: a".to_string()], "{report:?}");
    let (report, _) = mbox("no mbox\n", Variant::Auto).await;
    assert!(report.ended.unwrap().contains("no message begins"));
    let (report, shown) = mbox("", Variant::Auto).await;
    assert!(report.is_good() && shown.is_empty());
}

#[tokio::test]
async fn long_lines_and_large_bodies_pass_through_an_mbox() {
    let line = "x".repeat(300_000);
    let text = format!(
        "From - Tue Nov 24 08:29:44 2026\nX-Long: {line}\nX-Keywords: {line}\nSubject: a\n\n{line}\nFrom {line}\n\n"
    );
    let house = House::new().await;
    house.files.put("/mail/box", text.as_bytes(), at(0));
    let tree = house.tree("/mail").await;
    let mut source = MboxSource::of_file(tree, PathBuf::from("box"), Variant::Auto);
    let options = ImportOptions { size_max: 10_000_000, ..house.options() };
    let report = house.importer.import(ACCOUNT, &mut source, &options, &Silent).await;
    assert!(report.is_good(), "{report:#?}");
    let boxes = house.boxes();
    let view = boxes.open(&MailboxName::inbox()).await.unwrap();
    let rows = view.rows();
    assert_eq!(rows.len(), 1);
    let content = boxes.content(&view, rows.get(0).unwrap()).await.unwrap();
    let mut octets = Vec::new();
    while (octets.len() as u64) < content.len() {
        octets.extend(content.read(octets.len() as u64, 1 << 20).await.unwrap());
    }
    let want = format!("X-Long: {line}\r\nSubject: a\r\n\r\n{line}\r\nFrom {line}\r\n");
    assert!(octets == want.as_bytes(), "{} octets, not {}", octets.len(), want.len());
}

#[tokio::test]
async fn a_mailbox_with_mail_of_its_own_gives_new_uids() {
    let house = House::new().await;
    house.files.put("/first/cur/0.a:2,S", &message(0), at(1));
    house.import_maildir("/first").await;
    let own = house.boxes().find(&MailboxName::inbox()).await.unwrap().uid_validity;
    put_maildir(&house.files);
    let report = house.import_maildir("/m").await;
    let inbox = &report.folders[0];
    assert!(report.is_good(), "{report:#?}");
    assert_eq!((inbox.compared.uids, inbox.compared.unique_ids), (2, 0));
    assert_eq!((inbox.source_uid_validity, inbox.uid_validity), (777, own.0));
    let uids: Vec<u32> = house.shown("INBOX").await.iter().map(|m| m.0).collect();
    assert_eq!(uids, [1, 2, 3, 4]);
}

/// A source whose connection breaks after so many bodies.
struct Breaking {
    inner: MaildirSource,
    bodies: usize,
}

impl Source for Breaking {
    fn kind(&self) -> SourceKind {
        self.inner.kind()
    }

    fn folders(&mut self) -> SourceLater<'_, Found> {
        self.inner.folders()
    }

    fn open<'a>(&'a mut self, folder: &'a Folder) -> SourceLater<'a, Box<dyn OpenFolder + 'a>> {
        let left = &mut self.bodies;
        let inner = &mut self.inner;
        Box::pin(async move {
            let inner = inner.open(folder).await?;
            Ok(Box::new(BreakingFolder { inner, left }) as Box<dyn OpenFolder>)
        })
    }
}

struct BreakingFolder<'a> {
    inner: Box<dyn OpenFolder + 'a>,
    left: &'a mut usize,
}

impl OpenFolder for BreakingFolder<'_> {
    fn numbers(&self) -> Numbers {
        self.inner.numbers()
    }

    fn next(&mut self, count_max: usize) -> SourceLater<'_, Vec<Item>> {
        self.inner.next(count_max.min(10))
    }

    fn body<'a>(&'a mut self, item: &'a Item) -> SourceLater<'a, Body<'a>> {
        if *self.left == 0 {
            let broken = SourceError::Temporary("the connection broke".to_string());
            return Box::pin(async { Err(broken) });
        }
        *self.left -= 1;
        self.inner.body(item)
    }

    fn octets(&mut self) -> SourceLater<'_, u64> {
        self.inner.octets()
    }

    fn remarks(&mut self) -> Vec<String> {
        self.inner.remarks()
    }
}

#[tokio::test]
async fn wherever_it_breaks_nothing_is_lost_or_doubled() {
    for bodies in 0..35 {
        let house = House::new().await;
        for n in 0..30 {
            house.files.put(format!("/m/cur/{n:03}.a:2,S"), &message(n), at(n.into()));
        }
        let options = ImportOptions { compare_bodies: false, ..house.options() };
        let mut source = Breaking { inner: house.maildir("/m").await, bodies };
        let first = house.importer.import(ACCOUNT, &mut source, &options, &Silent).await;
        assert_eq!(first.ended.is_some(), bodies < 30, "{first:?}");
        let again = house.import_maildir("/m").await;
        assert!(again.is_good(), "{again:#?}");
        let inbox = &again.folders[0];
        assert_eq!(inbox.brought + inbox.already, 30);
        assert_eq!(inbox.already, (bodies as u64).min(30) / 10 * 10);
        let texts: Vec<String> = house.shown("INBOX").await.into_iter().map(|m| m.4).collect();
        assert_eq!(texts, (0..30).map(with_crlf).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn uids_of_messages_that_are_gone_are_not_given_again() {
    let house = House::new().await;
    house.files.put("/m/dovecot-uidlist", b"3 V9 N40\n7 :1.a\n", at(0));
    house.files.put("/m/cur/1.a:2,", &message(1), at(1));
    house.import_maildir("/m").await;
    // Whoever has the mailbox open sees so too.
    let view = house.boxes().open(&MailboxName::inbox()).await.unwrap();
    assert_eq!((view.uid_next().0, view.rows().len()), (40, 1));
}
