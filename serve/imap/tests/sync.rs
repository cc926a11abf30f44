//! Several sessions on one mailbox: what each is told, and when.

mod support;

use core_mailbox::FlagChange;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use proto_imap::ask::{
    Answer, Ask, Changes, Expunges, FetchItems, FlagRow, Moving, Numbers, Qresync, SearchKey,
    Section, SectionItem, SectionText, Select, Store, StoreMode, Watching,
};
use support::{Asker, PostOffice, all_seqs, mailbox, now, poll_once, seqs, uids};
use words_mail::{
    Flags, Keyword, MailboxName, ModSeq, NumberSet, SeqNum, SystemFlag, Uid, UidValidity,
};

const TEXT: &str = "Subject: x\r\n\r\nbody\r\n";

fn flags(system: &[SystemFlag]) -> Flags {
    let mut flags = Flags::new();
    system.iter().for_each(|flag| flags.insert(*flag));
    flags
}

fn store(numbers: Numbers, mode: StoreMode, system: &[SystemFlag]) -> Ask {
    Ask::Store(Store { numbers, mode, flags: flags(system), unchanged_since: None })
}

/// `-seq` expunged, `+n` exists, `~seq` flags, `H` held back or nothing.
fn told(changes: &Changes) -> String {
    let expunged = changes.expunged.iter().map(|seq| format!("-{seq}"));
    let exists = changes.exists.iter().map(|count| format!("+{count}"));
    let flags = changes.flags.iter().map(|row| format!("~{}", row.seq));
    expunged.chain(exists).chain(flags).collect::<Vec<_>>().join(" ")
}

/// Two sessions of ana in INBOX, which has `count` messages.
fn two_sessions(office: &PostOffice, count: usize) -> (Asker, Asker) {
    let (mut one, mut other) = (office.ask_as_ana(), office.ask_as_ana());
    for _ in 0..count {
        one.append("INBOX", TEXT);
    }
    one.select_inbox();
    other.select_inbox();
    (one, other)
}

fn expunge(asker: &mut Asker, numbers: Numbers) {
    asker.ask(store(numbers, StoreMode::Add, &[SystemFlag::Deleted]));
    assert!(matches!(asker.ask(Ask::Expunge(None)), Answer::Done));
}

fn header_fields() -> FetchItems {
    let section = SectionItem { part: vec![], text: SectionText::Header, partial: None };
    FetchItems { envelope: true, sections: vec![section], ..FetchItems::default() }
}

#[test]
fn nothing_new_is_told_as_nothing() {
    let office = PostOffice::open();
    let (mut one, _) = two_sessions(&office, 3);
    for _ in 0..3 {
        let changes = one.sync(Expunges::Tell);
        assert_eq!(told(&changes), "");
        assert!(changes.highest_modseq.0 >= 1 && changes.keywords.is_none());
    }
}

#[test]
fn each_session_hears_what_the_other_did() {
    let office = PostOffice::open();
    let (mut one, mut other) = two_sessions(&office, 5);
    other.ask(store(seqs(2, 3), StoreMode::Add, &[SystemFlag::Flagged]));
    assert_eq!(told(&other.sync(Expunges::Tell)), "", "who did it was told by the answer");
    assert_eq!(told(&one.sync(Expunges::HoldBack)), "~2 ~3");
    expunge(&mut other, seqs(4, 4));
    other.append("INBOX", TEXT);
    assert_eq!(told(&other.sync(Expunges::Tell)), "-4 +5");
    let changes = one.sync(Expunges::Tell);
    assert_eq!((told(&changes).as_str(), changes.vanished.to_string().as_str()), ("-4 +5", "4"));
}

#[test]
fn several_expunges_count_after_one_another() {
    let office = PostOffice::open();
    let (mut one, mut other) = two_sessions(&office, 8);
    let numbers = Numbers::Seq(vec![(Some(2), Some(3)), (Some(5), Some(5)), (None, None)]);
    expunge(&mut other, numbers);
    assert_eq!(told(&one.sync(Expunges::Tell)), "-2 -2 -3 -5");
    let found = one.search(SearchKey::All);
    assert_eq!(found.numbers, [1, 2, 3, 4]);
}

#[test]
fn expunges_are_held_back_while_sequence_numbers_are_in_use() {
    let office = PostOffice::forgetful();
    let (mut one, mut other) = two_sessions(&office, 4);
    expunge(&mut other, seqs(1, 2));
    other.ask(store(uids(4, 4), StoreMode::Add, &[SystemFlag::Flagged]));
    let held = one.sync(Expunges::HoldBack);
    assert_eq!(told(&held), "");
    // Sequence numbers mean what they meant; what can still be told is told.
    let (rows, gone) = one.fetch(all_seqs(), FetchItems::default());
    assert_eq!(rows.iter().map(|row| row.uid.0).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!(!gone && rows[3].flags.contains(SystemFlag::Flagged), "flags are the newest");
    // What only the message itself tells is gone with it.
    let (rows, gone) = one.fetch(all_seqs(), header_fields());
    assert_eq!(rows.iter().map(|row| row.seq.0).collect::<Vec<_>>(), [3, 4]);
    assert!(gone);
    assert_eq!(one.search(SearchKey::All).numbers, [3, 4]);
    let Answer::Stored(stored) = one.ask(store(seqs(2, 3), StoreMode::Add, &[SystemFlag::Seen]))
    else {
        panic!("not stored")
    };
    assert!(stored.expunge_issued);
    assert_eq!(stored.rows.iter().map(|row| row.seq.0).collect::<Vec<_>>(), [3]);
    assert_eq!(told(&one.sync(Expunges::HoldBack)), "");
    // Of the last two, one was told by this session's STORE and one only now.
    assert_eq!(told(&one.sync(Expunges::Tell)), "-1 -1 ~2");
}

#[test]
fn a_silent_store_over_somebody_elses_change_is_told() {
    let office = PostOffice::open();
    let (mut one, mut other) = two_sessions(&office, 2);
    other.ask(store(seqs(1, 1), StoreMode::Add, &[SystemFlag::Flagged]));
    one.ask(store(seqs(1, 2), StoreMode::Add, &[SystemFlag::Seen]));
    assert_eq!(told(&one.sync(Expunges::Tell)), "~1");
}

#[test]
fn what_a_fetch_sets_is_told_once() {
    let office = PostOffice::open();
    let (mut one, mut other) = two_sessions(&office, 3);
    let section = SectionItem { part: vec![], text: SectionText::All, partial: None };
    let items = FetchItems { sections: vec![section], set_seen: true, ..FetchItems::default() };
    let (rows, _) = one.fetch(seqs(2, 3), items.clone());
    let seen =
        |row: &proto_imap::ask::FetchRow| row.flags_changed && row.flags.contains(SystemFlag::Seen);
    assert!(rows.len() == 2 && rows.iter().all(seen));
    let (rows, _) = one.fetch(seqs(2, 3), items);
    assert!(rows.iter().all(|row| !row.flags_changed));
    assert_eq!(told(&one.sync(Expunges::Tell)), "");
    assert_eq!(told(&other.sync(Expunges::Tell)), "~2 ~3");
}

#[test]
fn new_keywords_are_told_to_all() {
    let office = PostOffice::open();
    let (mut one, mut other) = two_sessions(&office, 1);
    let mut flags = Flags::new();
    flags.insert_keyword(Keyword::parse("$Work").unwrap());
    let ask = |flags: &Flags| {
        Ask::Store(Store {
            numbers: seqs(1, 1),
            mode: StoreMode::Add,
            flags: flags.clone(),
            unchanged_since: None,
        })
    };
    one.ask(ask(&flags));
    for asker in [&mut one, &mut other] {
        let keywords = asker.sync(Expunges::Tell).keywords;
        assert_eq!(keywords, Some(vec!["$Work".to_string()]));
        assert_eq!(asker.sync(Expunges::Tell).keywords, None);
    }
    flags.insert(SystemFlag::Seen);
    one.ask(ask(&flags));
    assert_eq!(one.sync(Expunges::Tell).keywords, None, "nothing new");
}

#[test]
fn a_mailbox_that_is_deleted_under_a_session_says_bye() {
    let office = PostOffice::open();
    let (mut one, mut other) = (office.ask_as_ana(), office.ask_as_ana());
    one.select(Select { name: mailbox("Work"), read_only: false, qresync: None });
    assert!(matches!(other.ask(Ask::Delete(mailbox("Work"))), Answer::Done));
    assert!(one.sync(Expunges::Tell).removed);
    assert!(!one.sync(Expunges::Tell).removed, "nothing is selected any more");
}

#[test]
fn a_move_leaves_one_mailbox_and_arrives_in_the_other() {
    let office = PostOffice::open();
    let (mut one, mut other) = two_sessions(&office, 3);
    other.select(Select { name: mailbox("Work"), read_only: false, qresync: None });
    let moved =
        one.ask(Ask::Copy { numbers: seqs(1, 2), to: mailbox("Work"), moving: Moving::Leave });
    let Answer::Copied { uids, .. } = moved else { panic!("{moved:?}") };
    assert_eq!(uids, [(Uid(1), Uid(1)), (Uid(2), Uid(2))]);
    assert_eq!(told(&one.sync(Expunges::Tell)), "-1 -1");
    assert_eq!(told(&other.sync(Expunges::Tell)), "+2");
}

#[test]
fn who_watches_is_told_and_who_does_not_is_not() {
    let office = PostOffice::open();
    let (mut one, mut other) = two_sessions(&office, 1);
    let waits = |asker: &mut Asker| {
        poll_once(std::pin::pin!(proto_line::Desk::news(&mut asker.desk))).is_none()
    };
    other.append("INBOX", TEXT);
    assert!(waits(&mut one), "nobody watches");
    one.ask(Ask::Watch(Watching::Begin));
    assert!(!waits(&mut one), "what came before the watch is news too");
    assert!(waits(&mut one), "once");
    assert_eq!(told(&one.sync(Expunges::Tell)), "+2");
    other.append("INBOX", TEXT);
    assert!(!waits(&mut one));
    assert_eq!(told(&one.sync(Expunges::Tell)), "+3");
    one.ask(Ask::Watch(Watching::End));
    other.append("INBOX", TEXT);
    assert!(waits(&mut one));
}

#[test]
fn a_message_that_goes_while_it_is_streamed_breaks_the_stream() {
    let office = PostOffice::forgetful();
    let mut one = office.ask_as_ana();
    one.append("INBOX", &format!("Subject: x\r\n\r\n{}", "x".repeat(100_000)));
    one.select_inbox();
    let section = SectionItem { part: vec![], text: SectionText::Text, partial: None };
    let items = FetchItems { sections: vec![section], ..FetchItems::default() };
    let (rows, _) = one.fetch(all_seqs(), items);
    let [Some(Section::Stretch(stretch))] = &rows[0].sections[..] else { panic!("{rows:?}") };
    assert_eq!(stretch.len, 100_000);
    let read =
        |one: &mut Asker, at| now(proto_line::Desk::read(&mut one.desk, stretch, at, 70_000));
    assert_eq!(read(&mut one, 0).unwrap(), "x".repeat(70_000).as_bytes());
    assert_eq!(read(&mut one, 70_000).unwrap(), "x".repeat(30_000).as_bytes());
    assert!(read(&mut one, 100_000).unwrap().is_empty(), "nothing behind its end");
    expunge(&mut one, all_seqs());
    assert_eq!(read(&mut one, 70_000), Err(proto_line::Broken));
}

#[test]
fn store_unchanged_since_names_what_it_left_alone() {
    let office = PostOffice::open();
    let (mut one, mut other) = two_sessions(&office, 3);
    let before = one.sync(Expunges::Tell).highest_modseq;
    other.ask(store(seqs(2, 2), StoreMode::Add, &[SystemFlag::Flagged]));
    expunge(&mut other, seqs(1, 1));
    let ask = |numbers| {
        Ask::Store(Store {
            numbers,
            mode: StoreMode::Add,
            flags: flags(&[SystemFlag::Seen]),
            unchanged_since: Some(before),
        })
    };
    let Answer::Stored(stored) = one.ask(ask(seqs(1, 3))) else { panic!("not stored") };
    assert_eq!(stored.modified.to_string(), "2");
    assert_eq!(stored.rows.iter().map(|row| row.seq.0).collect::<Vec<_>>(), [3]);
    assert!(stored.expunge_issued);
    assert_eq!(told(&one.sync(Expunges::Tell)), "-1 ~1");
    for (numbers, modified) in [(seqs(1, 1), "1"), (uids(2, 2), "2")] {
        let Answer::Stored(stored) = one.ask(ask(numbers)) else { panic!("not stored") };
        assert_eq!(stored.modified.to_string(), modified, "in the numbers of the command");
        assert!(stored.rows.is_empty());
    }
}

/// A client with a cache, as QRESYNC and CONDSTORE clients keep it.
#[derive(Clone, Debug, Default)]
struct Cache {
    uid_validity: UidValidity,
    modseq: ModSeq,
    /// By sequence number.
    messages: Vec<(Uid, Option<Flags>)>,
}

impl Cache {
    fn uids(&self) -> NumberSet {
        self.messages.iter().map(|(uid, _)| uid.0).collect()
    }

    fn vanish(&mut self, vanished: &NumberSet) {
        self.messages.retain(|(uid, _)| !vanished.contains(uid.0));
    }

    fn learn(&mut self, rows: &[FlagRow]) {
        for row in rows {
            let place = row.seq.0 as usize - 1;
            let (uid, flags) = &mut self.messages[place];
            assert_eq!(*uid, row.uid, "the sequence number means another message");
            *flags = Some(row.flags.clone());
        }
    }

    /// Takes in what a command's end tells.
    fn follow(&mut self, changes: &Changes) {
        let mut vanished = NumberSet::new();
        for SeqNum(seq) in &changes.expunged {
            vanished.insert(self.messages.remove(*seq as usize - 1).0.0);
        }
        assert_eq!(vanished, changes.vanished);
        // Flags of new messages are fetched, not told.
        if let Some(exists) = changes.exists {
            assert!(exists as usize > self.messages.len());
            self.messages.resize(exists as usize, (Uid(0), None));
        }
        let known: Vec<FlagRow> = changes
            .flags
            .iter()
            .filter(|r| self.messages[r.seq.0 as usize - 1].0 != Uid(0))
            .cloned()
            .collect();
        assert_eq!(known.len(), changes.flags.len(), "flags of a message that is new");
        self.learn(&known);
        self.modseq = changes.highest_modseq;
    }

    /// Asks for what it does not know of messages that are there.
    fn fill(&mut self, asker: &mut Asker) {
        let Some(first) = self.messages.iter().position(|(_, flags)| flags.is_none()) else {
            return;
        };
        let (rows, _) =
            asker.fetch(seqs(first as u32 + 1, self.messages.len() as u32), FetchItems::default());
        for row in rows {
            self.messages[row.seq.0 as usize - 1] = (row.uid, Some(row.flags));
        }
    }

    /// Comes back after a while, with what it knows.
    fn reconnect(&mut self, asker: &mut Asker, knows: Knows) {
        let qresync = Qresync {
            uid_validity: self.uid_validity,
            modseq: self.modseq,
            known_uids: (knows == Knows::Uids).then(|| self.uids()),
            seq_match: None,
        };
        let selected = asker.select(Select {
            name: MailboxName::inbox(),
            read_only: false,
            qresync: Some(qresync),
        });
        self.vanish(&selected.vanished_earlier.unwrap());
        let known = self.messages.len();
        // What came since is told among the changed: those behind what is known are new.
        self.messages.resize(selected.exists as usize, (Uid(0), None));
        for row in &selected.changed {
            let place = row.seq.0 as usize - 1;
            if place >= known {
                self.messages[place].0 = row.uid;
            }
        }
        let (old, new): (Vec<_>, Vec<_>) =
            selected.changed.into_iter().partition(|row| (row.seq.0 as usize) <= known);
        self.learn(&old);
        if knows == Knows::All {
            self.learn(&new);
        }
        self.modseq = selected.highest_modseq;
        self.messages.iter_mut().filter(|(uid, _)| *uid == Uid(0)).for_each(|m| m.1 = None);
        self.fill(asker);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Knows {
    All,
    Uids,
}

/// What somebody does to the mailbox.
#[derive(Clone, Debug)]
enum Deed {
    Append,
    Flag(u32, u8),
    Unflag(u32, u8),
    Expunge(u32),
    MoveAway(u32),
    /// The observed session ends a command here.
    Sync(Expunges),
    /// The observed client goes away and comes back.
    Return(Knows),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        3 => Just(Deed::Append),
        3 => (1..12_u32, 0..32_u8).prop_map(|(n, f)| Deed::Flag(n, f)),
        1 => (1..12_u32, 0..32_u8).prop_map(|(n, f)| Deed::Unflag(n, f)),
        2 => (1..12_u32).prop_map(Deed::Expunge),
        1 => (1..12_u32).prop_map(Deed::MoveAway),
        3 => Just(Deed::Sync(Expunges::Tell)),
        2 => Just(Deed::Sync(Expunges::HoldBack)),
        1 => Just(Deed::Return(Knows::All)),
        1 => Just(Deed::Return(Knows::Uids)),
    ];
    proptest::collection::vec(deed, 1..60)
}

/// Done by somebody else at the core itself.
fn act(office: &PostOffice, deed: &Deed) {
    let ana = office.ana();
    let view = now(ana.open(&MailboxName::inbox())).unwrap();
    let rows = now(view.refresh()).unwrap();
    let uid = |n: u32| {
        let place = n as usize % rows.len().max(1);
        rows.get(place).map(|row| NumberSet::from_range(row.uid.0, row.uid.0))
    };
    let change = |n: u32, change: FlagChange| {
        if let Some(uids) = uid(n) {
            now(ana.store_flags(&view, &uids, &change, None)).unwrap();
        }
    };
    match deed {
        Deed::Append => {
            office.ask_as_ana().append("INBOX", TEXT);
        }
        Deed::Flag(n, bits) => change(*n, FlagChange::Add(Flags::from_parts(*bits, vec![]))),
        Deed::Unflag(n, bits) => change(*n, FlagChange::Remove(Flags::from_parts(*bits, vec![]))),
        Deed::Expunge(n) => {
            if let Some(uids) = uid(*n) {
                now(ana.remove(&view, &uids)).unwrap();
            }
        }
        Deed::MoveAway(n) => {
            let work = now(ana.find(&mailbox("Work"))).unwrap();
            if let Some(uids) = uid(*n) {
                now(ana.move_to(&view, &uids, work.id)).unwrap();
            }
        }
        Deed::Sync(_) | Deed::Return(_) => {}
    }
}

fn check_same(office: &PostOffice, cache: &Cache) {
    let view = now(office.ana().open(&MailboxName::inbox())).unwrap();
    let rows = now(view.refresh()).unwrap();
    let want: Vec<(Uid, Option<Flags>)> =
        rows.iter_from(0).map(|(_, row)| (row.uid, Some(row.flags.clone()))).collect();
    assert_eq!(cache.messages, want);
}

/// The law of QRESYNC: a client that follows what it is told knows the mailbox.
#[test]
fn a_client_that_follows_knows_the_mailbox() {
    // One post office for all cases: its passwords cost more than everything else.
    let office = PostOffice::open();
    let mut runner = TestRunner::new(ProptestConfig::with_cases(128));
    let done = runner.run(&deeds(), |deeds| {
        let ana = office.ana();
        let view = now(ana.open(&MailboxName::inbox())).unwrap();
        now(ana.remove(&view, &NumberSet::from_range(1, u32::MAX))).unwrap();
        follow_all(&office, &deeds);
        Ok(())
    });
    done.unwrap();
}

fn follow_all(office: &PostOffice, deeds: &[Deed]) {
    let mut asker = office.ask_as_ana();
    asker.append("INBOX", TEXT);
    let selected = asker.select_inbox();
    let mut cache = Cache { uid_validity: selected.uid_validity, ..Cache::default() };
    cache.messages = vec![(Uid(0), None); selected.exists as usize];
    cache.modseq = selected.highest_modseq;
    cache.fill(&mut asker);
    for deed in deeds {
        act(office, deed);
        match deed {
            Deed::Sync(expunges) => {
                let changes = asker.sync(*expunges);
                assert!(*expunges == Expunges::Tell || changes.expunged.is_empty());
                cache.follow(&changes);
                cache.fill(&mut asker);
                if *expunges == Expunges::Tell {
                    check_same(office, &cache);
                }
            }
            Deed::Return(knows) => {
                asker = office.ask_as_ana();
                cache.reconnect(&mut asker, *knows);
                check_same(office, &cache);
            }
            _ => {}
        }
    }
    cache.follow(&asker.sync(Expunges::Tell));
    cache.fill(&mut asker);
    check_same(office, &cache);
}
