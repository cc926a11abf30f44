//! Two sessions do whatever comes to mind, one after the other, and a plain model does the same. What
//! they are told and what there is in the end are alike.

mod support;

use core_mailbox::{
    Allowance, Arrival, Brought, ExpungedId, FlagChange, Mailboxes, Query, Rows, SourceId, View,
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use support::{ANA, Office, audit, deposit, name};
use words_base::Timestamp;
use words_mail::{
    Flags, Keyword, MailboxId, ModSeq, NumberSet, Refusal, SystemFlag, Uid, UidValidity,
};

/// Names that the test uses; one is below another.
const NAMES: [&str; 5] = ["INBOX", "Archive", "Trash", "a", "a/b"];

/// What a session does.
#[derive(Clone, Debug)]
enum Deed {
    Open { session: usize, name: usize },
    Refresh { session: usize },
    Deliver { names: Vec<usize> },
    Append { name: usize, count: usize },
    Flags { session: usize, picks: u8, change: u8, flags: u8, stale: bool },
    Expunge { session: usize, picks: Option<u8> },
    Remove { session: usize, picks: u8 },
    Copy { session: usize, picks: u8, to: usize },
    Move { session: usize, picks: u8, to: usize },
    Create { name: usize },
    Delete { name: usize },
    Rename { from: usize, to: usize },
    Subscribe { name: usize, yes: bool },
    Bring { name: usize, wishes: Vec<u32> },
    Adopt { name: usize, uid_validity: u32, uid_next: u32 },
    Recover { picks: u8, to: Option<usize> },
    Forget { picks: u8 },
    Pass { days: i64 },
}

fn deed() -> impl Strategy<Value = Deed> {
    let (session, name) = (0..2_usize, 0..NAMES.len());
    prop_oneof![
        4 => (session.clone(), name.clone()).prop_map(|(session, name)| Deed::Open { session, name }),
        2 => session.clone().prop_map(|session| Deed::Refresh { session }),
        6 => prop::collection::vec(name.clone(), 1..4).prop_map(|names| Deed::Deliver { names }),
        3 => (name.clone(), 0..4_usize).prop_map(|(name, count)| Deed::Append { name, count }),
        6 => (session.clone(), any::<u8>(), 0..3_u8, 0..64_u8, any::<bool>()).prop_map(
            |(session, picks, change, flags, stale)| Deed::Flags {
                session, picks, change, flags, stale,
            }
        ),
        3 => (session.clone(), prop::option::of(any::<u8>()))
            .prop_map(|(session, picks)| Deed::Expunge { session, picks }),
        1 => (session.clone(), any::<u8>())
            .prop_map(|(session, picks)| Deed::Remove { session, picks }),
        2 => (session.clone(), any::<u8>(), name.clone())
            .prop_map(|(session, picks, to)| Deed::Copy { session, picks, to }),
        2 => (session, any::<u8>(), name.clone())
            .prop_map(|(session, picks, to)| Deed::Move { session, picks, to }),
        2 => name.clone().prop_map(|name| Deed::Create { name }),
        1 => name.clone().prop_map(|name| Deed::Delete { name }),
        1 => (name.clone(), name.clone()).prop_map(|(from, to)| Deed::Rename { from, to }),
        1 => (name.clone(), any::<bool>())
            .prop_map(|(name, yes)| Deed::Subscribe { name, yes }),
        2 => (name.clone(), prop::collection::vec(0..40_u32, 0..6))
            .prop_map(|(name, wishes)| Deed::Bring { name, wishes }),
        1 => (name.clone(), 1..4_u32, 0..30_u32).prop_map(
            |(name, uid_validity, uid_next)| Deed::Adopt { name, uid_validity, uid_next }
        ),
        2 => (any::<u8>(), prop::option::of(name))
            .prop_map(|(picks, to)| Deed::Recover { picks, to }),
        1 => any::<u8>().prop_map(|picks| Deed::Forget { picks }),
        1 => (0..10_i64).prop_map(|days| Deed::Pass { days }),
    ]
}

/// A mailbox as the model knows it.
#[derive(Clone, Debug, Default)]
struct Plain {
    name: String,
    uid_validity: u32,
    uid_last: u32,
    messages: BTreeMap<u32, (Flags, String, ModSeq)>,
}

impl Plain {
    fn file(&mut self, flags: Flags, text: String, modseq: ModSeq) -> Uid {
        self.file_from(0, flags, text, modseq)
    }

    fn file_from(&mut self, least: u32, flags: Flags, text: String, modseq: ModSeq) -> Uid {
        self.uid_last = least.max(self.uid_last + 1);
        self.messages.insert(self.uid_last, (flags, text, modseq));
        Uid(self.uid_last)
    }
}

/// An expunged message as the model knows it.
#[derive(Clone, Debug, PartialEq)]
struct Gone {
    at: Timestamp,
    from: MailboxId,
    name: String,
    uid: u32,
    flags: Flags,
    text: String,
}

impl Gone {
    fn id(&self) -> ExpungedId {
        ExpungedId { expunged_at: self.at, mailbox: self.from, uid: Uid(self.uid) }
    }
}

/// What one session has open, and what it last saw.
struct Session {
    view: Arc<View>,
    seen: Rows,
}

struct Game {
    office: Office,
    ana: Mailboxes,
    plain: BTreeMap<MailboxId, Plain>,
    sessions: [Option<Session>; 2],
    modseq: ModSeq,
    letters: usize,
    /// By time, mailbox and UID.
    gone: Vec<Gone>,
    /// What was brought, under which number.
    brought: BTreeMap<u32, (MailboxId, u32)>,
}

impl Game {
    async fn begin() -> Game {
        let office = Office::open().await;
        let ana = office.ana();
        let mut game = Game {
            plain: BTreeMap::new(),
            sessions: [None, None],
            modseq: office.mail.modseq(ANA).await.unwrap(),
            letters: 0,
            gone: Vec::new(),
            brought: BTreeMap::new(),
            office,
            ana,
        };
        game.learn_names().await;
        game
    }

    fn letter(&mut self) -> String {
        self.letters += 1;
        format!("Subject: {}\r\n\r\nletter {}", self.letters, self.letters)
    }

    fn id(&self, nth: usize) -> Option<MailboxId> {
        self.plain.iter().find(|(_, p)| p.name == NAMES[nth]).map(|(id, _)| *id)
    }

    /// Takes over new mailboxes, whose numbers the model does not foretell.
    async fn learn_names(&mut self) {
        for mailbox in self.ana.list().await.unwrap() {
            let plain = self.plain.entry(mailbox.id).or_default();
            plain.name = mailbox.name.to_string();
            plain.uid_validity = mailbox.uid_validity.0;
        }
    }

    /// The change of the last commit has the next number, and nothing else has happened.
    async fn newest(&mut self) -> ModSeq {
        let newest = self.office.mail.modseq(ANA).await.unwrap();
        assert!(newest >= self.modseq, "the counter never falls");
        self.modseq = newest;
        newest
    }

    /// The UIDs that picks choose among those the session last saw, and one that is not there.
    fn picked(&self, session: usize, picks: u8) -> NumberSet {
        let Some(session) = &self.sessions[session] else {
            return NumberSet::new();
        };
        let rows = session.seen.iter_from(0).map(|(_, row)| row.uid.0);
        let picked = rows.filter(|uid| picks & (1 << (uid % 8)) != 0);
        picked.chain([1_000_000]).collect()
    }

    async fn play(&mut self, deed: Deed) {
        match deed {
            Deed::Open { session, name: nth } => self.open(session, nth).await,
            Deed::Refresh { session } => self.refresh(session).await,
            Deed::Deliver { names } => self.deliver(names).await,
            Deed::Append { name: nth, count } => self.append(nth, count).await,
            Deed::Flags { session, picks, change, flags, stale } => {
                self.flags(session, picks, (change, flags), stale).await;
            }
            Deed::Expunge { session, picks } => self.expunge(session, picks).await,
            Deed::Remove { session, picks } => self.remove(session, picks).await,
            Deed::Copy { session, picks, to } => self.copy(session, picks, to, false).await,
            Deed::Move { session, picks, to } => self.copy(session, picks, to, true).await,
            Deed::Create { name: nth } => {
                let told = self.ana.create(&name(NAMES[nth]), None).await;
                assert_eq!(told.err(), self.id(nth).map(|_| Refusal::MailboxExists));
                self.learn_names().await;
            }
            Deed::Delete { name: nth } => self.delete(nth).await,
            Deed::Rename { from, to } => self.rename(from, to).await,
            Deed::Subscribe { name: nth, yes } => {
                self.ana.subscribe(&name(NAMES[nth]), yes).await.unwrap();
            }
            Deed::Bring { name: nth, wishes } => self.bring(nth, wishes).await,
            Deed::Adopt { name: nth, uid_validity, uid_next } => {
                self.adopt(nth, uid_validity, uid_next).await;
            }
            Deed::Recover { picks, to } => self.recover(picks, to).await,
            Deed::Forget { picks } => {
                let ids = self.gone_ids(picks);
                let told = self.ana.forget_expunged(&ids).await.unwrap();
                assert_eq!(told, ids.len() as u64);
                self.gone.retain(|gone| !ids.contains(&gone.id()));
            }
            Deed::Pass { days } => {
                self.office.pass(days * 24 * 3_600_000);
                while !self.office.mail.tidy_page().await.unwrap() {}
                let now = self.office.mail_time();
                let fortnight = Duration::from_secs(14 * 24 * 3600);
                if days > 0 {
                    self.gone.retain(|gone| now.since(gone.at) < fortnight);
                }
            }
        }
    }

    async fn open(&mut self, session: usize, nth: usize) {
        match self.ana.open(&name(NAMES[nth])).await {
            Ok(view) => {
                assert_eq!(self.id(nth), Some(view.mailbox().id));
                let seen = view.rows();
                self.compare(view.mailbox().id, &seen);
                self.sessions[session] = Some(Session { view, seen });
            }
            Err(refusal) => assert_eq!((refusal, self.id(nth)), (Refusal::NoSuchMailbox, None)),
        }
    }

    async fn refresh(&mut self, session: usize) {
        let Some(Session { view, seen }) = self.sessions[session].take() else { return };
        let id = view.mailbox().id;
        match view.refresh().await {
            Ok(rows) => {
                self.compare(id, &rows);
                replay(&seen, &rows);
                if let Some(vanished) = view.vanished_since(seen.highest_modseq()).await.unwrap() {
                    let gone = rows.changes_from(&seen).vanished;
                    assert!(gone.iter().all(|uid| vanished.contains(uid.0)));
                    assert!(vanished.iter().all(|uid| rows.find(Uid(uid)).is_err()));
                }
                self.sessions[session] = Some(Session { view, seen: rows });
            }
            Err(refusal) => {
                assert_eq!(refusal, Refusal::NoSuchMailbox);
                assert!(!self.plain.contains_key(&id));
            }
        }
    }

    /// The rows are what the model has, in everything.
    fn compare(&self, id: MailboxId, rows: &Rows) {
        let plain = &self.plain[&id];
        let rows: Vec<_> =
            rows.iter_from(0).map(|(_, row)| (row.uid.0, row.flags.clone(), row.modseq)).collect();
        let wanted: Vec<_> =
            plain.messages.iter().map(|(uid, (flags, _, m))| (*uid, flags.clone(), *m)).collect();
        assert_eq!(rows, wanted, "{}", plain.name);
    }

    async fn deliver(&mut self, names: Vec<usize>) {
        let letter = self.letter();
        let to: Vec<_> = names.iter().map(|nth| deposit(ANA, NAMES[*nth])).collect();
        let results = self.office.deliver(&letter, to).await.unwrap();
        let newest = self.newest().await;
        for (nth, result) in names.into_iter().zip(results) {
            match self.id(nth) {
                None => assert_eq!(result, Err(Refusal::NoSuchMailbox)),
                Some(id) => {
                    let plain = self.plain.get_mut(&id).unwrap();
                    let text = format!("Delivered-To: {ANA}@mired.org\r\n{letter}");
                    let uid = plain.file(Flags::new(), text, newest);
                    let appended = result.unwrap();
                    assert_eq!((appended.uids, appended.modseq), (vec![uid], newest));
                }
            }
        }
    }

    async fn append(&mut self, nth: usize, count: usize) {
        let Some(id) = self.id(nth) else { return };
        let letters: Vec<String> = (0..count).map(|_| self.letter()).collect();
        let texts: Vec<&str> = letters.iter().map(String::as_str).collect();
        let appended = self.office.append(id, &texts).await.unwrap();
        let newest = self.newest().await;
        let plain = self.plain.get_mut(&id).unwrap();
        let uids: Vec<Uid> =
            letters.into_iter().map(|text| plain.file(Flags::new(), text, newest)).collect();
        assert_eq!(appended.uids, uids);
    }

    async fn flags(&mut self, session: usize, picks: u8, what: (u8, u8), stale: bool) {
        let uids = self.picked(session, picks);
        let Some(Session { view, seen }) = &self.sessions[session] else { return };
        let (change, bits) = what;
        let keyword = Keyword::parse("$Junk").unwrap();
        let flags = Flags::from_parts(bits, if bits & 32 == 0 { vec![] } else { vec![keyword] });
        let change = match change {
            0 => FlagChange::Set(flags),
            1 => FlagChange::Add(flags),
            _ => FlagChange::Remove(flags),
        };
        let since = stale.then(|| seen.highest_modseq());
        let told = self.ana.store_flags(view, &uids, &change, since).await;
        let id = view.mailbox().id;
        let newest = self.newest().await;
        let Some(plain) = self.plain.get_mut(&id) else {
            assert_eq!(told, Err(Refusal::NoSuchMailbox));
            return;
        };
        let (mut done, mut modified) = (NumberSet::new(), NumberSet::new());
        for (uid, (flags, _, modseq)) in &mut plain.messages {
            if !uids.contains(*uid) {
                continue;
            }
            if since.is_some_and(|since| *modseq > since) {
                modified.insert(*uid);
                continue;
            }
            done.insert(*uid);
            let changed = change.apply(flags);
            if changed != *flags {
                (*flags, *modseq) = (changed, newest);
            }
        }
        let told = told.unwrap();
        assert_eq!((told.done, told.modified), (done, modified));
    }

    async fn bring(&mut self, nth: usize, wishes: Vec<u32>) {
        let Some(id) = self.id(nth) else { return };
        let mut messages = Vec::new();
        for wish in &wishes {
            let text = format!("Subject: brought\r\n\r\nletter {wish}");
            let Arrival { body, header, flags, received_at } = self.office.arrival(&text).await;
            let (uid, source_key) = (Some(Uid(*wish)), wish.to_be_bytes().to_vec());
            let unique_id = Some(format!("{wish:08x}"));
            let message = Brought { body, header, flags, received_at, uid, unique_id, source_key };
            messages.push(message);
        }
        let told = self.ana.bring(id, SourceId(7), messages, Allowance::UNLIMITED).await.unwrap();
        let newest = self.newest().await;
        for (wish, told) in wishes.into_iter().zip(told) {
            let before = self.brought.get(&wish).copied();
            assert_eq!(told.is_repeated, before.is_some());
            let (mailbox, uid) = before.unwrap_or_else(|| {
                let text = format!("Subject: brought\r\n\r\nletter {wish}");
                let plain = self.plain.get_mut(&id).unwrap();
                (id, plain.file_from(wish, Flags::new(), text, newest).0)
            });
            self.brought.insert(wish, (mailbox, uid));
            assert_eq!((told.mailbox, told.uid), (mailbox, Uid(uid)));
        }
    }

    async fn adopt(&mut self, nth: usize, uid_validity: u32, uid_next: u32) {
        let before = self.id(nth);
        let (wanted, validity) = (name(NAMES[nth]), UidValidity(uid_validity));
        let told = self.ana.adopt(&wanted, validity, Uid(uid_next)).await.unwrap();
        let kept = before.filter(|id| {
            let plain = &self.plain[id];
            plain.uid_validity == uid_validity || !plain.messages.is_empty()
        });
        if let Some(kept) = kept {
            assert_eq!(told.id, kept);
        } else if let Some(before) = before {
            assert_ne!(told.id, before);
            self.plain.remove(&before);
        }
        self.learn_names().await;
        let plain = self.plain.get_mut(&told.id).unwrap();
        if plain.uid_validity == uid_validity {
            plain.uid_last = plain.uid_last.max(uid_next.saturating_sub(1));
        }
    }

    fn gone_ids(&self, picks: u8) -> Vec<ExpungedId> {
        let picked = self.gone.iter().filter(|gone| picks & (1 << (gone.uid % 8)) != 0);
        picked.map(Gone::id).collect()
    }

    /// Mailboxes that are made for what comes back are taken over by name.
    async fn recover(&mut self, picks: u8, to: Option<usize>) {
        let mut ids = self.gone_ids(picks);
        ids.sort();
        let to = to.map(|nth| name(NAMES[nth]));
        let told = self.ana.recover(&ids, to.as_ref()).await.unwrap();
        self.learn_names().await;
        let newest = self.newest().await;
        for (id, told) in ids.iter().zip(told) {
            let at = self.gone.iter().position(|gone| gone.id() == *id).unwrap();
            let mut gone = self.gone.remove(at);
            let wanted = to.as_ref().map_or(gone.name.clone(), |to| to.to_string());
            let named = self.plain.iter().find(|(_, plain)| plain.name == wanted).map(|p| *p.0);
            let stays = to.is_none() && self.plain.contains_key(&gone.from);
            let target = if stays { gone.from } else { named.unwrap() };
            gone.flags.remove(&support::flags(&[SystemFlag::Deleted]));
            let plain = self.plain.get_mut(&target).unwrap();
            let uid = plain.file(gone.flags, gone.text, newest);
            assert_eq!(told, Some((target, uid)));
        }
        assert!(self.ana.recover(&ids, None).await.unwrap().iter().all(Option::is_none));
    }

    /// Messages have been expunged just now.
    fn bury(&mut self, from: MailboxId, messages: Vec<(u32, (Flags, String, ModSeq))>) {
        let (at, name) = (self.office.mail_time(), self.plain[&from].name.clone());
        for (uid, (flags, text, _)) in messages {
            self.gone.push(Gone { at, from, name: name.clone(), uid, flags, text });
        }
    }

    async fn expunge(&mut self, session: usize, picks: Option<u8>) {
        let uids = picks.map(|picks| self.picked(session, picks));
        let Some(Session { view, .. }) = &self.sessions[session] else { return };
        let told = self.ana.expunge(view, uids.as_ref()).await;
        let id = view.mailbox().id;
        let Some(plain) = self.plain.get_mut(&id) else {
            assert_eq!(told, Err(Refusal::NoSuchMailbox));
            return;
        };
        let goes = |uid: &u32, flags: &Flags| {
            flags.contains(SystemFlag::Deleted) && uids.as_ref().is_none_or(|u| u.contains(*uid))
        };
        let gone: NumberSet =
            plain.messages.iter().filter(|(u, m)| goes(u, &m.0)).map(|(u, _)| *u).collect();
        let buried = plain.messages.extract_if(.., |uid, _| gone.contains(*uid)).collect();
        self.bury(id, buried);
        assert_eq!(told, Ok(gone));
    }

    async fn remove(&mut self, session: usize, picks: u8) {
        let uids = self.picked(session, picks);
        let Some(Session { view, .. }) = &self.sessions[session] else { return };
        let told = self.ana.remove(view, &uids).await;
        let id = view.mailbox().id;
        let Some(plain) = self.plain.get_mut(&id) else {
            assert_eq!(told, Err(Refusal::NoSuchMailbox));
            return;
        };
        let gone: NumberSet =
            plain.messages.keys().copied().filter(|u| uids.contains(*u)).collect();
        let buried = plain.messages.extract_if(.., |uid, _| gone.contains(*uid)).collect();
        self.bury(id, buried);
        assert_eq!(told, Ok(gone));
    }

    async fn copy(&mut self, session: usize, picks: u8, to: usize, moves: bool) {
        let uids = self.picked(session, picks);
        let to = self.id(to);
        let Some(Session { view, .. }) = &self.sessions[session] else { return };
        let target = to.unwrap_or(MailboxId(9_999));
        let told = match moves {
            true => self.ana.move_to(view, &uids, target).await,
            false => self.ana.copy(view, &uids, target).await,
        };
        let from = view.mailbox().id;
        let newest = self.newest().await;
        if to.is_none() || !self.plain.contains_key(&from) {
            assert_eq!(told, Err(Refusal::NoSuchMailbox));
            return;
        }
        let source = self.plain.get_mut(&from).unwrap();
        let chosen: Vec<(u32, (Flags, String, ModSeq))> = source
            .messages
            .iter()
            .filter(|(uid, _)| uids.contains(**uid))
            .map(|(uid, message)| (*uid, message.clone()))
            .collect();
        if moves {
            source.messages.retain(|uid, _| !uids.contains(*uid));
        }
        let target = self.plain.get_mut(&target).unwrap();
        let pairs: Vec<(Uid, Uid)> = chosen
            .into_iter()
            .map(|(uid, (flags, text, _))| (Uid(uid), target.file(flags, text, newest)))
            .collect();
        assert_eq!(told.unwrap().uids, pairs);
    }

    async fn delete(&mut self, nth: usize) {
        let told = self.ana.delete(&name(NAMES[nth])).await;
        match self.id(nth) {
            _ if nth == 0 => assert!(matches!(told, Err(Refusal::NotPermitted(_)))),
            None => assert_eq!(told, Err(Refusal::NoSuchMailbox)),
            Some(id) => {
                assert_eq!(told, Ok(()));
                let buried = std::mem::take(&mut self.plain.get_mut(&id).unwrap().messages);
                self.bury(id, buried.into_iter().collect());
                self.plain.remove(&id);
            }
        }
    }

    /// The model takes over what the names became; what it knows of messages has to stay true.
    async fn rename(&mut self, from: usize, to: usize) {
        let told = self.ana.rename(&name(NAMES[from]), &name(NAMES[to])).await;
        let (source, target) = (self.id(from), self.id(to));
        if told.is_err() {
            assert!(
                source.is_none()
                    || target.is_some()
                    || name(NAMES[to]).is_below(&name(NAMES[from]))
                    || from == 3
            );
            return;
        }
        let source = source.unwrap();
        assert_eq!(target, None);
        self.learn_names().await;
        let newest = self.newest().await;
        if from == 0 {
            let messages = std::mem::take(&mut self.plain.get_mut(&source).unwrap().messages);
            let target = self.id(to).unwrap();
            let target = self.plain.get_mut(&target).unwrap();
            for (flags, text, _) in messages.into_values() {
                target.file(flags, text, newest);
            }
        } else {
            assert_eq!(self.id(to), Some(source));
        }
    }

    async fn end(mut self) {
        for session in 0..2 {
            self.refresh(session).await;
        }
        let list = self.ana.list().await.unwrap();
        let ids: Vec<_> = list.iter().map(|m| (m.id, m.name.to_string())).collect();
        let mut wanted: Vec<_> = self.plain.iter().map(|(id, p)| (*id, p.name.clone())).collect();
        wanted.sort_by_key(|(_, name)| (name != "INBOX", name.clone()));
        assert_eq!(ids, wanted);
        for (id, plain) in &self.plain {
            let view = self.ana.open(&name(&plain.name)).await.unwrap();
            self.compare(*id, &view.rows());
            for (_, row) in view.rows().iter_from(0) {
                let text = support::text(&self.ana, &view, row).await;
                assert_eq!(text, plain.messages[&row.uid.0].1);
            }
        }
        let found = support::expunged(&self.ana, Query::And(Vec::new())).await;
        let found: Vec<_> =
            found.into_iter().map(|f| (f.id, f.mailbox.to_string(), f.row.flags)).collect();
        self.gone.sort_by_key(Gone::id);
        let wanted: Vec<_> =
            self.gone.iter().map(|g| (g.id(), g.name.clone(), g.flags.clone())).collect();
        assert_eq!(found, wanted);
        audit(&self.office).await;
    }
}

/// The changes from one moment to the other, done to the one, give the other.
fn replay(older: &Rows, newer: &Rows) {
    let changes = newer.changes_from(older);
    let mut rows: Vec<_> = older.iter_from(0).map(|(_, row)| row.clone()).collect();
    for (place, uid) in changes.expunged.iter().zip(&changes.vanished).rev() {
        assert_eq!(rows.remove(*place).uid, *uid);
    }
    for place in changes.changed {
        rows[place] = newer.get(place).unwrap().clone();
    }
    rows.extend(newer.iter_from(newer.len() - changes.arrived).map(|(_, row)| row.clone()));
    let wanted: Vec<_> = newer.iter_from(0).map(|(_, row)| row.clone()).collect();
    assert_eq!(rows, wanted);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_two_sessions_do_a_plain_model_does_the_same(
        deeds in prop::collection::vec(deed(), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut game = Game::begin().await;
            for deed in deeds {
                game.play(deed).await;
            }
            game.end().await;
        });
    }
}
