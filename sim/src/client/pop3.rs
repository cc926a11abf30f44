//! Somebody who fetches mail by POP3, and removes some of it.

use super::{Company, Line, Lost};
use crate::audit::is_intact;
use crate::house::Protocol;
use crate::letter;
use core_store::suite::Dice;

/// Sessions in a run at most.
const SESSIONS_MAX: u64 = 4;

/// Comes a few times.
pub async fn work(company: Company, (number, name): (usize, &'static str), mut dice: Dice) {
    for _ in 0..dice.below(SESSIONS_MAX) {
        for _ in 0..4 {
            company.pause(&mut dice).await;
        }
        if !company.goes_on() {
            return;
        }
        if let Ok(line) = company.connect(Protocol::Pop3, &mut dice) {
            let reader = Reader { line, company: &company, number, dice: &mut dice };
            let _ = reader.read(name).await;
        }
    }
}

struct Reader<'a> {
    line: Line,
    company: &'a Company,
    number: usize,
    dice: &'a mut Dice,
}

impl Reader<'_> {
    async fn say(&mut self, command: &str) -> Result<String, Lost> {
        self.line.send(format!("{command}\r\n").as_bytes());
        self.hear().await
    }

    async fn hear(&mut self) -> Result<String, Lost> {
        let line = self.line.line().await?;
        let text = String::from_utf8_lossy(&line).into_owned();
        match text.starts_with("+OK") {
            true => Ok(text),
            // Refused: temporary trouble.
            false => Err(Lost),
        }
    }

    async fn lines(&mut self) -> Result<Vec<u8>, Lost> {
        let mut octets = Vec::new();
        loop {
            let line = self.line.line().await?;
            if line == b"." {
                return Ok(octets);
            }
            octets.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            octets.extend_from_slice(b"\r\n");
        }
    }

    async fn read(mut self, name: &str) -> Result<(), Lost> {
        self.hear().await?;
        self.say(&format!("USER {name}")).await?;
        self.say(&format!("PASS {name}")).await?;
        self.say("UIDL").await?;
        let list = String::from_utf8_lossy(&self.lines().await?).into_owned();
        let uid = |line: &str| {
            let (nth, id) = line.split_once(' ')?;
            let validity = u32::from_str_radix(id.get(..8)?, 16).ok()?;
            let uid = u32::from_str_radix(id.get(8..16)?, 16).ok()?;
            Some((nth.parse::<u32>().ok()?, validity, uid))
        };
        let list: Vec<_> = list.lines().filter_map(uid).collect();
        let mut removed = Vec::new();
        for _ in 0..3 {
            if list.is_empty() {
                break;
            }
            let (nth, validity, uid) = list[self.dice.below(list.len() as u64) as usize];
            if self.say(&format!("RETR {nth}")).await.is_err() {
                // Somebody else has expunged it.
                continue;
            }
            let octets = self.lines().await?;
            self.check(validity, uid, &octets);
            if self.dice.once_in(2) && !removed.contains(&uid) {
                self.say(&format!("DELE {nth}")).await?;
                removed.push(uid);
            }
        }
        let inbox = self.company.ledger.borrow().accounts[self.number].inbox;
        let place = (self.number, inbox);
        let removal = || self.company.ledger.borrow_mut().begin_removal(place, &removed);
        let id = removal();
        let quit = self.say("QUIT").await;
        let number = self.number;
        let told = quit.is_ok();
        self.company.world.note(|| format!("pop3 {number} removes {removed:?} ({id}): {told}"));
        if told {
            self.company.ledger.borrow_mut().removed(place, &removed);
        }
        Ok(())
    }

    fn check(&self, validity: u32, uid: u32, octets: &[u8]) {
        let mut ledger = self.company.ledger.borrow_mut();
        ledger.counts.read += 1;
        let token = letter::token(octets);
        let sent = token.and_then(|token| ledger.letters.get(&token)).cloned();
        match sent {
            Some(sent) if is_intact(octets, &sent.octets) => {
                ledger.seen(self.number, validity, uid, sent.token);
            }
            _ => ledger.fault(format!("POP3 gave {token:?}, UID {uid}, not as it was sent")),
        }
    }
}
