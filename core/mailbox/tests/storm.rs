//! Many at once, over a store that lets others go first, conflicts, and fails: nothing that was
//! acknowledged is lost or doubled, and everything adds up in the end.

mod support;

use core_mailbox::{
    Allowance, Brought, ExpungedFilter, FlagChange, Mailboxes, Query, SourceId, View,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use support::{ANA, BOB, Office, audit, deposit, flags, name};
use words_base::Timestamp;
use words_mail::{ModSeq, NumberSet, Refusal, SystemFlag, Uid};
use words_message::SummaryRef;

/// What the tasks of a storm were told.
#[derive(Default)]
struct Told {
    /// Texts that were acknowledged as filed with Ana.
    filed: Mutex<BTreeSet<String>>,
}

async fn deliverer(office: Arc<Office>, told: Arc<Told>, who: usize) {
    for nth in 0..12 {
        let letter = format!("Subject: {who}-{nth}\r\n\r\nletter {who}-{nth}.");
        let to = vec![deposit(ANA, "INBOX"), deposit(BOB, "INBOX")];
        if let Ok(results) = office.deliver(&letter, to).await {
            assert!(results.iter().all(Result::is_ok), "{results:?}");
            told.filed.lock().unwrap().insert(format!("letter {who}-{nth}."));
        }
    }
}

async fn appender(office: Arc<Office>, told: Arc<Told>, who: usize) {
    for nth in 0..6 {
        let names = [0, 1].map(|half| format!("{who}-{nth}-{half}"));
        let texts = names.clone().map(|n| format!("Subject: {n}\r\n\r\nletter {n}."));
        let Ok(archive) = office.ana().find(&name("Archive")).await else { continue };
        if office.append(archive.id, &[&texts[0], &texts[1]]).await.is_ok() {
            told.filed.lock().unwrap().extend(names.map(|n| format!("letter {n}.")));
        }
    }
}

async fn open(ana: &Mailboxes, mailbox: &str) -> Option<Arc<View>> {
    ana.open(&name(mailbox)).await.ok()
}

/// Changes flags of all, and watches that numbers only rise.
async fn flagger(ana: Mailboxes) {
    let mut newest = ModSeq(0);
    for nth in 0..20 {
        let Some(view) = open(&ana, "INBOX").await else { continue };
        assert!(view.highest_modseq() >= newest, "the mailbox's number never falls");
        newest = view.highest_modseq();
        let flag = SystemFlag::ALL[nth % 2];
        let change = match nth % 3 {
            0 => FlagChange::Remove(flags(&[flag])),
            _ => FlagChange::Add(flags(&[flag])),
        };
        let uids = NumberSet::from_range(nth as u32 / 2, u32::MAX);
        let _ = ana.store_flags(&view, &uids, &change, None).await;
    }
}

/// Moves one message after the other to and fro.
async fn mover(ana: Mailboxes, from: &str, to: &str) {
    for _ in 0..15 {
        let Some(view) = open(&ana, from).await else { continue };
        let Ok(target) = ana.find(&name(to)).await else { continue };
        let uids = view.rows().iter_from(0).step_by(3).map(|(_, row)| row.uid.0).collect();
        let _ = ana.move_to(&view, &uids, target.id).await;
        tokio::task::yield_now().await;
    }
}

/// Copies to a mailbox that comes and goes.
async fn copier(ana: Mailboxes) {
    for _ in 0..10 {
        let _ = ana.create(&name("Copies"), None).await;
        if let (Some(view), Ok(target)) =
            (open(&ana, "INBOX").await, ana.find(&name("Copies")).await)
        {
            let _ = ana.copy(&view, &NumberSet::from_range(1, u32::MAX), target.id).await;
        }
    }
}

/// Delivers to a mailbox that comes and goes.
async fn late_deliverer(office: Arc<Office>) {
    for _ in 0..30 {
        let _ = office.deliver("a: b\r\n\r\nlate", vec![deposit(ANA, "Copies")]).await;
    }
}

async fn remover(office: Arc<Office>) {
    for _ in 0..10 {
        let _ = office.ana().rename(&name("Copies"), &name("Other/Copies")).await;
        let _ = office.ana().delete(&name("Other/Copies")).await;
        let _ = office.ana().subscribe(&name("INBOX"), true).await;
        let _ = office.ana().subscribe(&name("INBOX"), false).await;
    }
}

/// Brings the same messages as others do, until all are there.
async fn bringer(office: Arc<Office>, ana: Mailboxes, told: Arc<Told>) {
    for nth in 0..3 {
        let names: Vec<String> = (0..4).map(|n| format!("brought-{nth}-{n}")).collect();
        for _ in 0..100 {
            let Ok(archive) = ana.find(&name("Archive")).await else { continue };
            let mut messages = Vec::new();
            for (n, subject) in names.iter().enumerate() {
                let arrival =
                    office.arrival(&format!("Subject: {subject}\r\n\r\nletter {subject}.")).await;
                messages.push(Brought {
                    body: arrival.body,
                    header: arrival.header,
                    flags: arrival.flags,
                    received_at: arrival.received_at,
                    uid: Some(Uid(nth * 1_000 + n as u32 * 2)),
                    unique_id: Some(subject.clone()),
                    source_key: subject.clone().into_bytes(),
                });
            }
            let source = SourceId(1);
            if ana.bring(archive.id, source, messages, Allowance::UNLIMITED).await.is_ok() {
                let letters = names.iter().map(|n| format!("letter {n}."));
                told.filed.lock().unwrap().extend(letters);
                break;
            }
        }
    }
}

/// Brings back what was expunged from Trash.
async fn recoverer(ana: Mailboxes) {
    for _ in 0..10 {
        let filter = ExpungedFilter {
            expunged_at: Timestamp::default()..Timestamp::from_millis(i64::MAX),
            mailbox: Some(name("Trash")),
            query: Query::And(Vec::new()),
        };
        if let Ok((found, _)) = ana.expunged(&filter, None).await {
            let ids: Vec<_> = found.iter().step_by(2).map(|one| one.id).collect();
            let _ = ana.recover(&ids, None).await;
        }
        tokio::task::yield_now().await;
    }
}

/// Takes out some.
async fn expunger(ana: Mailboxes) {
    for _ in 0..8 {
        let Some(view) = open(&ana, "Trash").await else { continue };
        let Some((_, row)) = view.rows().iter_from(0).next().map(|(p, r)| (p, r.clone())) else {
            tokio::task::yield_now().await;
            continue;
        };
        let uids = NumberSet::from_range(row.uid.0, row.uid.0);
        let _ = ana.remove(&view, &uids).await;
    }
}

fn letter_in(octets: &[u8]) -> String {
    let text = String::from_utf8(octets.to_vec()).unwrap();
    text.split("\r\n\r\n").nth(1).unwrap().to_string()
}

/// Follows INBOX, and checks each step against a view of its own.
async fn follower(office: Arc<Office>) {
    let ana = office.ana();
    let mut watch = office.mail.watch(ANA);
    let mut last = Uid(0);
    for _ in 0..30 {
        if let Some(view) = open(&ana, "INBOX").await {
            let older = view.rows();
            if let Ok(newer) = view.refresh().await {
                assert!(newer.uid_next() >= last, "UIDs only grow");
                last = newer.uid_next();
                let changes = newer.changes_from(&older);
                let count = older.len() - changes.expunged.len() + changes.arrived;
                assert_eq!(count, newer.len());
            }
        }
        let _ = support::poll_once(&mut Box::pin(watch.changed())).await;
        tokio::task::yield_now().await;
    }
}

/// How often each letter is in Ana's mailboxes that nobody copies to, or was expunged from there
/// and can be recovered.
async fn letters(office: &Office) -> BTreeMap<String, usize> {
    let ana = office.another().account(ANA);
    let mut letters = BTreeMap::new();
    for mailbox in ["INBOX", "Archive", "Trash"] {
        let view = ana.open(&name(mailbox)).await.unwrap();
        for (_, row) in view.rows().iter_from(0) {
            let content = ana.content(&view, row).await.unwrap();
            let octets = content.read(0, 10_000).await.unwrap();
            *letters.entry(letter_in(&octets)).or_default() += 1;
        }
    }
    for one in support::expunged(&ana, Query::And(Vec::new())).await {
        if ["INBOX", "Archive", "Trash"].contains(&one.mailbox.as_str()) {
            let subject = SummaryRef::new(&one.summary).unwrap().subject().unwrap().to_vec();
            let subject = String::from_utf8(subject).unwrap();
            *letters.entry(format!("letter {subject}.")).or_default() += 1;
        }
    }
    letters
}

async fn storm(office: Office) {
    let (office, told) = (Arc::new(office), Arc::new(Told::default()));
    office.store.set_wild(true);
    let mut tasks = tokio::task::JoinSet::new();
    for who in 0..4 {
        tasks.spawn(deliverer(office.clone(), told.clone(), who));
    }
    tasks.spawn(appender(office.clone(), told.clone(), 9));
    for mail in [&office.mail, &office.twin] {
        let ana = || mail.account(ANA);
        tasks.spawn(flagger(ana()));
        tasks.spawn(mover(ana(), "INBOX", "Archive"));
        tasks.spawn(mover(ana(), "Archive", "INBOX"));
        tasks.spawn(mover(ana(), "Archive", "Trash"));
        tasks.spawn(copier(ana()));
        tasks.spawn(expunger(ana()));
        tasks.spawn(recoverer(ana()));
        tasks.spawn(bringer(office.clone(), ana(), told.clone()));
    }
    tasks.spawn(late_deliverer(office.clone()));
    tasks.spawn(remover(office.clone()));
    tasks.spawn(follower(office.clone()));
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    office.store.set_wild(false);
    while !office.mail.clear_page().await.unwrap() {}
    audit(&office).await;
    let letters = letters(&office).await;
    for letter in told.filed.lock().unwrap().iter() {
        let count = letters.get(letter).copied().unwrap_or_default();
        assert_eq!(count, 1, "{letter}");
    }
    assert!(letters.values().all(|count| *count == 1), "moved, never doubled: {letters:?}");
    let bob = office.mail.account(BOB).open(&name("INBOX")).await.unwrap();
    assert!(bob.rows().len() + 2 * 6 + 12 >= told.filed.lock().unwrap().len());
}

#[test]
fn nothing_acknowledged_is_lost_or_doubled_whatever_the_store_does() {
    for seed in 0..60 {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            storm(Office::open_with(core_mailbox::Options::default(), seed).await).await;
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nor_when_threads_really_run_at_once() {
    storm(Office::open_with(core_mailbox::Options::default(), 7).await).await;
}

#[tokio::test]
async fn deliveries_at_once_get_uids_without_gaps_and_no_conflict() {
    let office = Arc::new(Office::open().await);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let office = office.clone();
        tasks.spawn(async move {
            let told = office.deliver("a: b\r\n\r\nc", vec![deposit(ANA, "INBOX")]).await;
            told.unwrap().remove(0).unwrap().uids[0].0
        });
    }
    let uids: NumberSet = tasks.join_all().await.into_iter().collect();
    assert_eq!(uids, NumberSet::from_range(1, 100));
    assert_eq!(office.store.take_commits(), 100, "none was tried twice");
    assert_eq!(office.ana().find(&name("Nowhere")).await, Err(Refusal::NoSuchMailbox));
}
