//! Many at once, over a store that lets others go first, conflicts, and fails: nothing that was
//! acknowledged is lost or doubled, and everything adds up in the end.

mod support;

use core_mailbox::{FlagChange, Mailboxes, View};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use support::{ANA, BOB, Office, audit, deposit, flags, name};
use words_mail::{ModSeq, NumberSet, Refusal, SystemFlag, Uid};

/// What the tasks of a storm were told.
#[derive(Default)]
struct Told {
    /// Texts that were acknowledged as filed with Ana.
    filed: Mutex<Vec<String>>,
    /// Texts of messages that an expunge may have taken, acknowledged or not.
    doomed: Mutex<Vec<String>>,
}

async fn deliverer(office: Arc<Office>, told: Arc<Told>, who: usize) {
    for nth in 0..12 {
        let letter = format!("Subject: {who}-{nth}\r\n\r\nletter {who}-{nth}.");
        let to = vec![deposit(ANA, "INBOX"), deposit(BOB, "INBOX")];
        if let Ok(results) = office.deliver(&letter, to).await {
            assert!(results.iter().all(Result::is_ok), "{results:?}");
            told.filed.lock().unwrap().push(format!("letter {who}-{nth}."));
        }
    }
}

async fn appender(office: Arc<Office>, told: Arc<Told>, who: usize) {
    for nth in 0..6 {
        let texts = [0, 1].map(|half| format!("Subject: a\r\n\r\nletter {who}-{nth}-{half}."));
        let Ok(archive) = office.ana().find(&name("Archive")).await else { continue };
        if office.append(archive.id, &[&texts[0], &texts[1]]).await.is_ok() {
            let halves = [0, 1].map(|half| format!("letter {who}-{nth}-{half}."));
            told.filed.lock().unwrap().extend(halves);
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

/// Takes out some, and notes which before it tries.
async fn expunger(ana: Mailboxes, told: Arc<Told>) {
    for _ in 0..8 {
        let Some(view) = open(&ana, "Trash").await else { continue };
        let Some((_, row)) = view.rows().iter_from(0).next().map(|(p, r)| (p, r.clone())) else {
            tokio::task::yield_now().await;
            continue;
        };
        let Ok(content) = ana.content(&view, &row).await else { continue };
        let Ok(octets) = content.read(0, 10_000).await else { continue };
        told.doomed.lock().unwrap().push(letter_in(&octets));
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

/// How often each letter is in Ana's mailboxes that nobody copies to.
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
        tasks.spawn(expunger(ana(), told.clone()));
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
    let doomed = told.doomed.lock().unwrap().clone();
    for letter in told.filed.lock().unwrap().iter() {
        let count = letters.get(letter).copied().unwrap_or_default();
        let lost = count == 0 && !doomed.contains(letter);
        assert!(!lost && count < 2, "{letter}: {count} times");
    }
    assert!(letters.values().all(|count| *count == 1), "moved, never doubled: {letters:?}");
    let bob = office.mail.account(BOB).open(&name("INBOX")).await.unwrap();
    assert!(bob.rows().len() + 2 * 6 >= told.filed.lock().unwrap().len());
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
