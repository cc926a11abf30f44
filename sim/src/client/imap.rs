//! Somebody who works by IMAP: flags, copies, moves, expunges, appends, mailboxes, IDLE; some with
//! QRESYNC (RFC 7162), and these remember what they were told when the connection is lost.

mod session;
mod work;

use super::{Company, Lost};
use crate::house::Protocol;
use crate::ledger::FLAGS;
use core_store::suite::Dice;
use session::Session;
use std::collections::BTreeMap;

/// Sessions in a run at most.
const SESSIONS_MAX: u64 = 9;
/// Things done in a session at most.
const DEEDS_MAX: u64 = 14;

/// Flags by UID.
pub type Flags = BTreeMap<u32, [bool; FLAGS.len()]>;

/// What a client remembers of a mailbox.
#[derive(Clone, Debug)]
pub struct Cache {
    name: String,
    validity: u32,
    modseq: u64,
    flags: Flags,
}

/// One person at one machine.
pub struct Worker {
    company: Company,
    number: usize,
    name: &'static str,
    is_gardener: bool,
    has_qresync: bool,
    dice: Dice,
    caches: BTreeMap<String, Cache>,
}

impl Worker {
    /// A gardener makes, renames and removes mailboxes as well.
    pub fn new(
        company: Company,
        (number, name): (usize, &'static str),
        is_gardener: bool,
        mut dice: Dice,
    ) -> Worker {
        let has_qresync = dice.once_in(2);
        let caches = BTreeMap::new();
        Worker { company, number, name, is_gardener, has_qresync, dice, caches }
    }

    /// Comes again and again.
    pub async fn work(mut self) {
        for _ in 0..2 + self.dice.below(SESSIONS_MAX) {
            let pause = self.company.clone();
            pause.pause(&mut self.dice).await;
            if !self.company.goes_on() {
                return;
            }
            let Ok(line) = self.company.connect(Protocol::Imap, &mut self.dice) else { continue };
            let session = Session::new(self.company.clone(), self.number, line);
            let _ = self.visit(session).await;
        }
    }

    async fn visit(&mut self, mut session: Session) -> Result<(), Lost> {
        session.greeting().await?;
        session.must(&format!("LOGIN {0} {0}", self.name)).await?;
        if self.has_qresync {
            session.must("ENABLE QRESYNC").await?;
        }
        for _ in 0..1 + self.dice.below(3) {
            let name = self.some_name();
            if !self.select(&mut session, &name).await? {
                continue;
            }
            let done = self.deeds(&mut session).await;
            self.remember(&session);
            done?;
        }
        if self.dice.once_in(2) {
            session.must("LOGOUT").await?;
        }
        Ok(())
    }

    /// A mailbox that is probably there.
    fn some_name(&mut self) -> String {
        if self.dice.once_in(2) {
            return "INBOX".to_owned();
        }
        let ledger = self.company.ledger.borrow();
        let folders = ledger.accounts[self.number].folders.values().filter(|folder| !folder.gone);
        let mut names: Vec<String> = folders.flat_map(|folder| folder.names.clone()).collect();
        names.sort();
        match names.is_empty() {
            true => "INBOX".to_owned(),
            false => names[self.dice.below(names.len() as u64) as usize].clone(),
        }
    }

    async fn select(&mut self, session: &mut Session, name: &str) -> Result<bool, Lost> {
        let cache = self.caches.get(name).filter(|_| self.has_qresync).cloned();
        let Some(cache) = cache else {
            if !session.select(name, None).await? {
                return Ok(false);
            }
            session.read_new().await?;
            return Ok(true);
        };
        if !session.resync(&cache).await? {
            self.caches.remove(name);
            return Ok(false);
        }
        session.read_new().await?;
        Ok(true)
    }

    fn remember(&mut self, session: &Session) {
        if let Some(cache) = session.cache().filter(|_| self.has_qresync) {
            self.caches.insert(cache.name.clone(), cache);
        }
    }
}
