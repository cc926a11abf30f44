//! Messages that were elsewhere before.

mod support;

use bytes::Bytes;
use core_mailbox::{Allowance, Brought, BroughtAs, Mailboxes, SourceId, View};
use core_store::{Body, BodyBytes, Outcome};
use support::{ANA, Office, audit, deposit, flags, name, row, set, text, uids};
use words_base::Timestamp;
use words_mail::{Flags, Keyword, MailboxId, MailboxName, Refusal, SystemFlag, Uid, UidValidity};

const SOURCE: SourceId = SourceId(0x50_55_52_43_45);

/// A message that had this UID, and a text made of it.
async fn brought(office: &Office, uid: u32) -> Brought {
    let letter = format!("Subject: {uid}\r\n\r\nletter {uid}");
    Brought {
        body: office.body(&letter).await,
        header: Bytes::from(format!("Subject: {uid}\r\n")),
        flags: Flags::new(),
        received_at: Timestamp::from_seconds(1_000_000_000 + i64::from(uid)),
        uid: Some(Uid(uid)),
        unique_id: None,
        source_key: uid.to_string().into_bytes(),
    }
}

async fn bring(office: &Office, mailbox: MailboxId, wishes: &[u32]) -> Vec<BroughtAs> {
    let mut messages = Vec::new();
    for uid in wishes {
        messages.push(brought(office, *uid).await);
    }
    let told = office.ana().bring(mailbox, SOURCE, messages, Allowance::UNLIMITED).await;
    told.unwrap()
}

fn got(told: &[BroughtAs]) -> Vec<u32> {
    told.iter().map(|t| t.uid.0).collect()
}

async fn id(ana: &Mailboxes, mailbox: &str) -> MailboxId {
    ana.find(&name(mailbox)).await.unwrap().id
}

async fn unique_ids(ana: &Mailboxes, view: &View) -> Vec<String> {
    let rows = view.refresh().await.unwrap();
    let whole = ana.unique_ids(view, &rows, 0, rows.len()).await.unwrap();
    let mut pieces = Vec::new();
    while pieces.len() < rows.len() {
        pieces.extend(ana.unique_ids(view, &rows, pieces.len(), 2).await.unwrap());
    }
    assert_eq!(whole, pieces);
    whole
}

#[tokio::test]
async fn flags_dates_and_uids_are_kept_and_whoever_looks_on_sees_them_come() {
    let office = Office::open().await;
    let ana = office.ana();
    let view = ana.open(&name("Archive")).await.unwrap();
    let mut tagged = flags(&[SystemFlag::Seen, SystemFlag::Flagged]);
    tagged.insert_keyword(Keyword::parse("$Work").unwrap());
    let mut messages = Vec::new();
    for uid in [5, 6, 7, 100, 101, 4_000] {
        messages.push(Brought { flags: tagged.clone(), ..brought(&office, uid).await });
    }
    let modseq = office.mail.modseq(ANA).await.unwrap();
    office.store.take_commits();
    let told = ana.bring(view.mailbox().id, SOURCE, messages, Allowance::UNLIMITED).await.unwrap();
    assert_eq!(office.store.take_commits(), 1, "one commit for all");
    assert_eq!(office.mail.modseq(ANA).await.unwrap().0, modseq.0 + 1);
    assert_eq!(got(&told), [5, 6, 7, 100, 101, 4_000]);
    assert!(told.iter().all(|t| !t.is_repeated && !t.lost_unique_id));
    let before = view.rows();
    let changes = view.refresh().await.unwrap().changes_from(&before);
    assert_eq!((changes.arrived, uids(&view)), (6, vec![5, 6, 7, 100, 101, 4_000]));
    for uid in [5, 6, 7, 100, 101, 4_000] {
        let row = row(&view, uid);
        assert_eq!(row.received_at, Timestamp::from_seconds(1_000_000_000 + i64::from(uid)));
        assert_eq!((&row.flags, row.saved_at), (&tagged, office.mail_time()));
        let text = text(&ana, &view, &row).await;
        assert_eq!(text, format!("Subject: {uid}\r\n\r\nletter {uid}"));
    }
    assert_eq!(view.uid_next(), Uid(4_001));
    audit(&office).await;
}

#[tokio::test]
async fn a_uid_that_is_not_above_the_last_gives_way_to_the_next() {
    let office = Office::open().await;
    let ana = office.ana();
    let archive = id(&ana, "Archive").await;
    assert_eq!(got(&bring(&office, archive, &[10, 3, 11, 12, 40, 40_000]).await), {
        [10, 11, 12, 13, 40, 40_000]
    });
    office.append(archive, &["Subject: a\r\n\r\nb"]).await.unwrap();
    // The key of 40,001 is new, its UID is taken. Nobody may use up all the UIDs there are.
    assert_eq!(
        got(&bring(&office, archive, &[40_001, u32::MAX, 0]).await),
        [40_002, 40_003, 40_004]
    );
    audit(&office).await;
}

#[tokio::test]
async fn what_was_brought_once_is_not_brought_again() {
    let office = Office::open().await;
    let ana = office.ana();
    let archive = id(&ana, "Archive").await;
    bring(&office, archive, &[1, 2, 3]).await;
    // It stays away even if it was removed here, and goes on where it was moved to.
    let view = ana.open(&name("Archive")).await.unwrap();
    ana.remove(&view, &set(&[2])).await.unwrap();
    office.store.take_commits();
    let told = bring(&office, archive, &[1, 2, 3]).await;
    assert_eq!(office.store.take_commits(), 0, "nothing to do");
    assert_eq!(got(&told), [1, 2, 3]);
    assert!(told.iter().all(|t| t.is_repeated && t.mailbox == archive));
    // The same key twice in one call; new ones beside old ones.
    let told = bring(&office, archive, &[2, 9, 9, 4]).await;
    assert_eq!(got(&told), [2, 9, 9, 10]);
    let repeated: Vec<bool> = told.iter().map(|t| t.is_repeated).collect();
    assert_eq!(repeated, [true, false, true, false]);
    let keys = [b"1".to_vec(), b"77".to_vec(), b"4".to_vec()];
    let told = ana.brought(SOURCE, &keys).await.unwrap();
    assert_eq!(told, [Some((archive, Uid(1))), None, Some((archive, Uid(10)))]);
    assert_eq!(ana.brought(SourceId(1), &keys).await.unwrap(), [None; 3]);
    // Forgotten, the source may bring everything anew.
    ana.forget_source(SourceId(1)).await.unwrap();
    assert!(ana.brought(SOURCE, &keys).await.unwrap()[0].is_some());
    ana.forget_source(SOURCE).await.unwrap();
    assert_eq!(ana.brought(SOURCE, &keys).await.unwrap(), [None; 3]);
    assert_eq!(got(&bring(&office, archive, &[1]).await), [11]);
    audit(&office).await;
}

#[tokio::test]
async fn a_bringing_that_is_broken_off_anywhere_goes_on_without_doubles() {
    for commits in 0..4 {
        let office = Office::open().await;
        let archive = id(&office.ana(), "Archive").await;
        let wishes: Vec<u32> = (1..=2_500).collect();
        office.store.set_hanging_after(Some(commits));
        tokio::select! {
            _ = bring(&office, archive, &wishes) => assert_eq!(commits, 3),
            () = tokio::task::yield_now() => assert!(commits < 3),
        }
        office.store.set_hanging_after(None);
        let told = bring(&office, archive, &wishes).await;
        assert_eq!(got(&told), wishes);
        let repeated = told.iter().filter(|t| t.is_repeated).count();
        assert_eq!(repeated, (commits as usize * 1_000).min(2_500));
        assert_eq!(office.ana().status(archive).await.unwrap().messages, 2_500);
        audit(&office).await;
    }
}

#[tokio::test]
async fn a_conflict_or_an_unknown_outcome_makes_no_doubles() {
    let office = Office::open().await;
    let ana = office.ana();
    let archive = id(&ana, "Archive").await;
    office.memory.conflict_next(0);
    assert_eq!(got(&bring(&office, archive, &[1, 2]).await), [1, 2]);
    for (uid, outcome) in [(7, Outcome::Done), (9, Outcome::NotDone)] {
        office.memory.outcome_unknown_next(outcome);
        let message = brought(&office, uid).await;
        let told = ana.bring(archive, SOURCE, vec![message], Allowance::UNLIMITED).await;
        assert_eq!(told.err(), Some(Refusal::Unavailable));
        let told = bring(&office, archive, &[uid]).await;
        let is_done = outcome == Outcome::Done;
        assert_eq!((got(&told), told[0].is_repeated), (vec![uid], is_done));
    }
    // A message that an engine has spilled can be offered once; the next call brings it.
    let mut spilled = brought(&office, 8).await;
    spilled.body = Body { bytes: BodyBytes::Spilled(Box::new(())), ..spilled.body };
    office.memory.conflict_next(0);
    let told = ana.bring(archive, SOURCE, vec![spilled], Allowance::UNLIMITED).await;
    assert_eq!(told.err(), Some(Refusal::Unavailable));
    assert!(!bring(&office, archive, &[8]).await[0].is_repeated);
    audit(&office).await;
}

#[tokio::test]
async fn the_quota_counts_only_if_it_is_to() {
    let office = Office::open().await;
    let ana = office.ana();
    let archive = id(&ana, "Archive").await;
    bring(&office, archive, &[1, 2]).await;
    let three = Allowance { messages: Some(3), bytes: None };
    let messages = vec![brought(&office, 2).await, brought(&office, 3).await];
    ana.bring(archive, SOURCE, messages, three).await.unwrap();
    let messages = vec![brought(&office, 4).await];
    assert_eq!(ana.bring(archive, SOURCE, messages, three).await, Err(Refusal::MailboxFull));
    let messages = vec![brought(&office, 1).await];
    assert!(ana.bring(archive, SOURCE, messages, three).await.unwrap()[0].is_repeated);
    let gone = ana.bring(MailboxId(99), SOURCE, vec![brought(&office, 5).await], three).await;
    assert_eq!(gone, Err(Refusal::NoSuchMailbox));
    let mut long = brought(&office, 5).await;
    long.source_key = vec![0; 65];
    let refused = ana.bring(archive, SOURCE, vec![long], three).await;
    assert!(matches!(refused, Err(Refusal::Limit(_))));
    audit(&office).await;
}

#[tokio::test]
async fn unique_ids_are_kept_and_never_another_messages() {
    let office = Office::open().await;
    let ana = office.ana();
    let inbox = ana.adopt(&MailboxName::inbox(), UidValidity(0xabc), Uid(50)).await.unwrap();
    let ours = |uid: u32| format!("{:08x}{uid:08x}", 0xabc);
    office.deliver("a: b\r\n\r\nc", vec![deposit(ANA, "INBOX")]).await.unwrap();
    let mut messages = Vec::new();
    for (uid, unique_id) in [
        (60, Some("00000abc0000003c".to_string())),
        (61, Some("0000003d00000abc".to_string())),
        (3, Some(ours(3))),
        (4, Some(ours(50))),
        (70, Some("not one".to_string())),
        (71, Some("~".repeat(70))),
        (72, None),
    ] {
        messages.push(Brought { unique_id, ..brought(&office, uid).await });
    }
    let told = ana.bring(inbox.id, SOURCE, messages, Allowance::UNLIMITED).await.unwrap();
    assert_eq!(got(&told), [60, 61, 62, 63, 70, 71, 72]);
    let lost: Vec<bool> = told.iter().map(|t| t.lost_unique_id).collect();
    assert_eq!(lost, [false, false, true, true, true, false, false]);
    let view = ana.open(&MailboxName::inbox()).await.unwrap();
    let wanted = [
        ours(50),
        ours(60),
        "0000003d00000abc".to_string(),
        ours(62),
        ours(63),
        ours(70),
        "~".repeat(70),
        ours(72),
    ];
    assert_eq!(unique_ids(&ana, &view).await, wanted);
    // Flags may change; what is copied or moved is another message for POP3.
    let change = core_mailbox::FlagChange::Add(flags(&[SystemFlag::Seen]));
    ana.store_flags(&view, &set(&[61, 62]), &change, None).await.unwrap();
    assert_eq!(unique_ids(&ana, &view).await, wanted);
    let archive = id(&ana, "Archive").await;
    ana.copy(&view, &set(&[61]), inbox.id).await.unwrap();
    assert_eq!(unique_ids(&ana, &view).await[8], ours(73));
    ana.move_to(&view, &set(&[61]), archive).await.unwrap();
    ana.remove(&view, &set(&[71])).await.unwrap();
    let left: Vec<String> = [50, 60, 62, 63, 70, 72, 73].map(ours).into();
    assert_eq!(unique_ids(&ana, &view).await, left);
    audit(&office).await;
}

#[tokio::test]
async fn an_empty_mailbox_takes_over_another_ones_validity_and_uids() {
    let office = Office::open().await;
    let ana = office.ana();
    let (validity, inbox) = (UidValidity(1_700_000_000), MailboxName::inbox());
    let old = ana.open(&inbox).await.unwrap();
    office.deliver("a: b\r\n\r\nc", vec![deposit(ANA, "INBOX")]).await.unwrap();
    let left = ana.adopt(&inbox, validity, Uid(77)).await.unwrap();
    assert_eq!(&left, old.mailbox(), "there is a message in it");
    ana.remove(&old, &set(&[1])).await.unwrap();
    let adopted = ana.adopt(&inbox, validity, Uid(77)).await.unwrap();
    assert_eq!((adopted.uid_validity, adopted.subscribed), (validity, true));
    assert_eq!(old.refresh().await.err(), Some(Refusal::NoSuchMailbox));
    assert_eq!(ana.status(adopted.id).await.unwrap().uid_next, Uid(77));
    assert_eq!(got(&bring(&office, adopted.id, &[1, 80]).await), [77, 80]);
    // Once more: nothing is lost, and UIDs only rise.
    assert_eq!(ana.adopt(&inbox, validity, Uid(40)).await.unwrap(), adopted);
    assert_eq!(ana.status(adopted.id).await.unwrap().uid_next, Uid(81));
    assert_eq!(ana.adopt(&inbox, validity, Uid(90)).await.unwrap(), adopted);
    assert_eq!(ana.status(adopted.id).await.unwrap().uid_next, Uid(90));
    // A new one, two levels down; what is made later gets a greater validity.
    let made = ana.adopt(&name("New/One"), UidValidity(1_700_000_009), Uid(1)).await.unwrap();
    assert_eq!(made.uid_validity, UidValidity(1_700_000_009));
    assert_eq!(got(&bring(&office, made.id, &[5]).await), [5]);
    assert!(ana.create(&name("Later"), None).await.unwrap().uid_validity > made.uid_validity);
    // Two mailboxes may have the same one, as elsewhere; special uses stay.
    let trash = ana.adopt(&name("Trash"), validity, Uid(1)).await.unwrap();
    assert!(trash.special_use.is_some());
    for validity in [0, u32::MAX] {
        let ours = ana.adopt(&name("Odd"), UidValidity(validity), Uid(u32::MAX)).await.unwrap();
        assert!(ours.uid_validity.0 != validity && ours.uid_validity.0 > 0);
        assert_eq!(ana.status(ours.id).await.unwrap().uid_next, Uid(1));
    }
    assert!(ana.adopt(&name("INBOX/INBOX"), validity, Uid(1)).await.is_err());
    while !office.mail.clear_page().await.unwrap() {}
    audit(&office).await;
}

#[tokio::test]
async fn a_message_that_comes_meanwhile_keeps_its_mailbox() {
    let office = Office::open().await;
    let ana = office.ana();
    let twin = office.twin.clone();
    let body = office.body("a: b\r\n\r\nc").await;
    let at = office.mail_time();
    office.store.intrude(async move {
        let header = Bytes::from_static(b"a: b\r\n");
        twin.deliver(body, header, at, vec![deposit(ANA, "INBOX")], &()).await.unwrap();
    });
    let inbox = ana.adopt(&MailboxName::inbox(), UidValidity(5), Uid(9)).await.unwrap();
    assert_ne!(inbox.uid_validity, UidValidity(5));
    assert_eq!(ana.status(inbox.id).await.unwrap().messages, 1);
    audit(&office).await;
}
