//! What is done in a session.

use super::session::{Done, Session};
use super::{DEEDS_MAX, Worker};
use crate::client::Lost;
use crate::client::response::numbers;
use crate::ledger::{Bit, FLAGS, state};
use std::collections::BTreeSet;

/// Names that a gardener gives.
const GARDEN: [&str; 4] = ["Roses", "Lilies", "Thyme", "Mint"];

fn set(uids: &[u32]) -> String {
    uids.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}

impl Worker {
    pub(super) async fn deeds(&mut self, session: &mut Session) -> Result<(), Lost> {
        for _ in 0..self.dice.below(DEEDS_MAX) {
            if !self.company.goes_on() {
                return Ok(());
            }
            match self.dice.below(16) {
                0..2 => session.read_new().await?,
                2..6 => self.flag(session).await?,
                6..8 => self.copy(session, false).await?,
                8..10 => self.copy(session, true).await?,
                10 => self.expunge_some(session).await?,
                11 => self.expunge(session).await?,
                12 => self.append(session).await?,
                13 => self.idle(session).await?,
                _ if self.is_gardener => self.garden(session).await?,
                _ => drop(session.command("NOOP").await?),
            }
            self.remember(session);
        }
        match self.dice.below(4) {
            0 => self.close(session).await,
            1 => session.must("UNSELECT").await,
            _ => Ok(()),
        }
    }

    /// A few of the messages that the session knows.
    fn some(&mut self, session: &Session) -> Vec<u32> {
        let all: Vec<u32> = session.known.keys().copied().collect();
        let mut some = BTreeSet::new();
        if !all.is_empty() {
            for _ in 0..1 + self.dice.below(3) {
                some.insert(all[self.dice.below(all.len() as u64) as usize]);
            }
        }
        some.into_iter().collect()
    }

    async fn flag(&mut self, session: &mut Session) -> Result<(), Lost> {
        let mut waiting = Vec::new();
        // Sometimes two at once.
        for _ in 0..1 + self.dice.below(4) / 3 {
            let uids = self.some(session);
            if uids.is_empty() {
                return Ok(());
            }
            let picked: Vec<usize> = (0..FLAGS.len()).filter(|_| self.dice.once_in(3)).collect();
            let how = ["+FLAGS", "-FLAGS", "FLAGS"][self.dice.below(3) as usize];
            let silent = if self.dice.once_in(3) { ".SILENT" } else { "" };
            let changes: Vec<(usize, bool)> = match how {
                "+FLAGS" => picked.iter().map(|flag| (*flag, true)).collect(),
                "-FLAGS" => picked.iter().map(|flag| (*flag, false)).collect(),
                _ => (0..FLAGS.len()).map(|flag| (flag, picked.contains(&flag))).collect(),
            };
            let names: Vec<&str> = picked.iter().map(|flag| FLAGS[*flag]).collect();
            let by_place = match self.dice.once_in(4) && waiting.is_empty() {
                true => places(session, &uids),
                false => None,
            };
            let target = by_place.map_or(format!("UID STORE {}", set(&uids)), |places| {
                format!("STORE {}", set(&places))
            });
            let text = format!("{target} {how}{silent} ({})", names.join(" "));
            let number = self.number;
            self.company.world.note(|| format!("imap {number} says {text}"));
            let write = {
                let mut ledger = self.company.ledger.borrow_mut();
                ledger.begin_flags(session.place(), &uids, &changes)
            };
            waiting.push((session.send(&text), write));
        }
        for (tag, write) in waiting {
            let done = session.until(&tag).await?;
            let mut ledger = self.company.ledger.borrow_mut();
            match done.ok {
                true => ledger.end_flags(write),
                false => ledger.counts.doubts += 1,
            }
        }
        Ok(())
    }

    async fn copy(&mut self, session: &mut Session, moves: bool) -> Result<(), Lost> {
        let uids = self.some(session);
        let to = self.some_name();
        if uids.is_empty() || moves && to == session.name {
            return Ok(());
        }
        let transfer = {
            let mut ledger = self.company.ledger.borrow_mut();
            ledger.begin_copy(session.place(), &uids, &to, moves)
        };
        session.uid_code = None;
        let verb = if moves { "MOVE" } else { "COPY" };
        let done = session.command(&format!("UID {verb} {} {to}", set(&uids))).await?;
        let code = session.uid_code.take();
        let mut ledger = self.company.ledger.borrow_mut();
        match code.as_deref().and_then(copy_uid) {
            Some((validity, pairs)) if done.ok => ledger.end_copy(transfer, validity, &pairs),
            // None of them was there any more.
            None if done.ok => ledger.not_copied(transfer),
            _ if done.is_refused() => ledger.not_copied(transfer),
            _ => ledger.counts.doubts += 1,
        }
        Ok(())
    }

    async fn expunge_some(&mut self, session: &mut Session) -> Result<(), Lost> {
        let uids = self.some(session);
        if uids.is_empty() {
            return Ok(());
        }
        let expunge = {
            let mut ledger = self.company.ledger.borrow_mut();
            ledger.begin_expunge(session.place(), Some(&uids))
        };
        let known = uids.iter().copied().collect();
        let done = session.command(&format!("UID EXPUNGE {}", set(&uids))).await?;
        self.expunged(&done, expunge, &known);
        Ok(())
    }

    async fn expunge(&mut self, session: &mut Session) -> Result<(), Lost> {
        let expunge = self.company.ledger.borrow_mut().begin_expunge(session.place(), None);
        let known = session.known.keys().copied().collect();
        let done = session.command("EXPUNGE").await?;
        self.expunged(&done, expunge, &known);
        Ok(())
    }

    async fn close(&mut self, session: &mut Session) -> Result<(), Lost> {
        let expunge = self.company.ledger.borrow_mut().begin_expunge(session.place(), None);
        let known = session.known.keys().copied().collect();
        let done = session.command("CLOSE").await?;
        self.expunged(&done, expunge, &known);
        if done.ok { Ok(()) } else { Err(Lost) }
    }

    fn expunged(&self, done: &Done, expunge: crate::ledger::Expunge, known: &BTreeSet<u32>) {
        let mut ledger = self.company.ledger.borrow_mut();
        match done.ok {
            true => ledger.end_expunge(expunge, known),
            false => ledger.counts.doubts += 1,
        }
    }

    async fn append(&mut self, session: &mut Session) -> Result<(), Lost> {
        let letter = self.company.letter(&mut self.dice);
        let name = self.some_name();
        let picked: Vec<usize> = (0..FLAGS.len()).filter(|_| self.dice.once_in(3)).collect();
        let names: Vec<&str> = picked.iter().map(|flag| FLAGS[*flag]).collect();
        let id = self.company.ledger.borrow_mut().bring(self.number, &name, vec![letter.token]);
        session.uid_code = None;
        let len = letter.octets.len();
        let waits = self.dice.once_in(2);
        let plus = if waits { "" } else { "+" };
        let token = letter.token;
        let number = self.number;
        self.company.world.note(|| format!("imap {number} appends letter {token} to {name}"));
        let tag = session.send(&format!("APPEND {name} ({}) {{{len}{plus}}}", names.join(" ")));
        if waits {
            loop {
                let text = session.untagged().await?;
                if text.starts_with('+') {
                    break;
                }
                if text.starts_with(&tag) {
                    self.company.ledger.borrow_mut().not_brought(self.number, id);
                    return Ok(());
                }
                if text.starts_with("* BYE") {
                    return Err(Lost);
                }
            }
        }
        session.send_octets(&letter.octets);
        session.send_octets(b"\r\n");
        let done = session.until(&tag).await?;
        let code = session.uid_code.take();
        let mut ledger = self.company.ledger.borrow_mut();
        let told = code.as_deref().and_then(|code| {
            let (validity, uid) = code.split_once(' ')?;
            Some((validity.parse().ok()?, uid.parse().ok()?))
        });
        match told {
            Some((validity, uid)) if done.ok => {
                let mut bits = [Bit::default(); FLAGS.len()];
                for (flag, bit) in bits.iter_mut().enumerate() {
                    bit.possible = state(picked.contains(&flag));
                }
                ledger.appended(self.number, id, validity, &[(uid, letter.token, bits)]);
            }
            _ if done.is_refused() => ledger.not_brought(self.number, id),
            _ => ledger.counts.doubts += 1,
        }
        Ok(())
    }

    async fn idle(&mut self, session: &mut Session) -> Result<(), Lost> {
        let tag = session.send("IDLE");
        while !session.untagged().await?.starts_with('+') {}
        for _ in 0..self.dice.below(4) {
            if session.listen(self.dice.below(400_000)).await? {
                session.untagged().await?;
            }
        }
        session.send_octets(b"DONE\r\n");
        session.until(&tag).await.map(drop)
    }

    async fn garden(&mut self, session: &mut Session) -> Result<(), Lost> {
        let number = self.number;
        let name = GARDEN[self.dice.below(GARDEN.len() as u64) as usize];
        let there = self.company.ledger.borrow().accounts[number].named(name);
        let Some(validity) = there else {
            let id = self.company.ledger.borrow_mut().begin_create(number, name);
            let done = session.command(&format!("CREATE {name}")).await?;
            {
                let mut ledger = self.company.ledger.borrow_mut();
                match done.ok {
                    true => ledger.created(number, id),
                    false if done.is_refused() => ledger.not_created(number, id),
                    false => ledger.counts.doubts += 1,
                }
            }
            if done.ok {
                let marks = self.company.ledger.borrow().marks(number);
                let told = session.status(name).await?;
                if let Some(told) = told {
                    self.company.ledger.borrow_mut().selected(number, name, told, &marks);
                }
            }
            return Ok(());
        };
        if self.dice.once_in(2) {
            let to = GARDEN[self.dice.below(GARDEN.len() as u64) as usize];
            if self.company.ledger.borrow().accounts[number].may_exist(to) {
                return Ok(());
            }
            self.company.ledger.borrow_mut().begin_rename(number, validity, to);
            let done = session.command(&format!("RENAME {name} {to}")).await?;
            let mut ledger = self.company.ledger.borrow_mut();
            match done.ok {
                true => ledger.renamed(number, validity, to),
                false if done.is_refused() => ledger.renamed(number, validity, name),
                false => ledger.counts.doubts += 1,
            }
            return Ok(());
        }
        self.company.ledger.borrow_mut().begin_delete(number, validity);
        let done = session.command(&format!("DELETE {name}")).await?;
        let mut ledger = self.company.ledger.borrow_mut();
        match done.ok {
            true => ledger.deleted(number, validity),
            false => ledger.counts.doubts += 1,
        }
        Ok(())
    }
}

/// The sequence numbers of these UIDs, if all are known.
fn places(session: &Session, uids: &[u32]) -> Option<Vec<u32>> {
    let place = |uid: &u32| session.places.iter().position(|place| *place == Some(*uid));
    uids.iter().map(|uid| place(uid).map(|at| at as u32 + 1)).collect()
}

/// UIDVALIDITY, and from which UID to which.
fn copy_uid(code: &str) -> Option<(u32, Vec<(u32, u32)>)> {
    let mut words = code.split(' ');
    let validity = words.next()?.parse().ok()?;
    let (from, to) = (numbers(words.next()?), numbers(words.next()?));
    Some((validity, from.into_iter().zip(to).collect()))
}
