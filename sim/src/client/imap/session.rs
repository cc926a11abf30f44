//! One IMAP session, and what its client believes of the selected mailbox.

use super::{Cache, Flags};
use crate::audit::is_intact;
use crate::client::response::{Fetched, Response};
use crate::client::{Company, Line, Lost};
use crate::letter::{self, Token};
use std::collections::{BTreeMap, BTreeSet};

/// A session.
pub struct Session {
    pub company: Company,
    pub number: usize,
    line: Line,
    tag: u32,
    /// The selected mailbox.
    pub name: String,
    pub validity: u32,
    uid_next: u32,
    modseq: u64,
    /// UIDs by sequence number, where known.
    pub places: Vec<Option<u32>>,
    /// Something vanished that had no UID yet: places are not known any more.
    places_lost: bool,
    /// Letters whose octets this session has read, by UID.
    pub known: BTreeMap<u32, Token>,
    flags: Flags,
    modseqs: BTreeMap<u32, u64>,
    /// Everything that was there when it was selected is in `flags`.
    complete: bool,
    vanished: BTreeSet<u32>,
    /// The last COPYUID or APPENDUID.
    pub uid_code: Option<String>,
}

/// A tagged response.
#[derive(Debug)]
pub struct Done {
    pub ok: bool,
    pub text: String,
}

impl Done {
    /// Refused for a reason that says that nothing was done.
    pub fn is_refused(&self) -> bool {
        !self.ok
            && self.text.contains('[')
            && !self.text.contains("[UNAVAILABLE]")
            && !self.text.contains("[SERVERBUG]")
    }
}

impl Session {
    pub fn new(company: Company, number: usize, line: Line) -> Session {
        Session {
            company,
            number,
            line,
            tag: 0,
            name: String::new(),
            validity: 0,
            uid_next: 0,
            modseq: 0,
            places: Vec::new(),
            places_lost: false,
            known: BTreeMap::new(),
            flags: Flags::new(),
            modseqs: BTreeMap::new(),
            complete: false,
            vanished: BTreeSet::new(),
            uid_code: None,
        }
    }

    /// Account and mailbox, as the ledger knows them.
    pub fn place(&self) -> (usize, u32) {
        (self.number, self.validity)
    }

    fn fault(&self, what: String) {
        let (number, name) = (self.number, &self.name);
        let fault = format!("account {number}, IMAP, {name}: {what}");
        self.company.ledger.borrow_mut().fault(fault);
    }

    pub async fn greeting(&mut self) -> Result<(), Lost> {
        let response = Response::read(&mut self.line).await?;
        if response.text.starts_with("* OK") { Ok(()) } else { Err(Lost) }
    }

    /// Sends a command; gives its tag.
    pub fn send(&mut self, command: &str) -> String {
        self.tag += 1;
        let tag = format!("a{}", self.tag);
        self.line.send(format!("{tag} {command}\r\n").as_bytes());
        tag
    }

    pub fn send_octets(&mut self, octets: &[u8]) {
        self.line.send(octets);
    }

    pub async fn listen(&mut self, micros: u64) -> Result<bool, Lost> {
        self.line.listen(micros).await
    }

    /// One response that is not tagged.
    pub async fn untagged(&mut self) -> Result<String, Lost> {
        let response = Response::read(&mut self.line).await?;
        self.take(&response);
        Ok(response.text)
    }

    /// Reads up to the tagged response.
    pub async fn until(&mut self, tag: &str) -> Result<Done, Lost> {
        loop {
            let response = Response::read(&mut self.line).await?;
            if let Some(rest) = response.text.strip_prefix(tag)
                && let Some(rest) = rest.strip_prefix(' ')
            {
                self.take_code(&response);
                // Its own client has removed it.
                if rest.contains("Select a mailbox first") {
                    return Err(Lost);
                }
                if rest.starts_with("BAD") {
                    self.fault(format!("BAD: {rest}"));
                }
                let (ok, text) = (rest.starts_with("OK"), rest.to_owned());
                let (number, name) = (self.number, self.name.clone());
                self.company.world.note(|| format!("imap {number} {name}: {tag} {text}"));
                return Ok(Done { ok, text });
            }
            if response.text.starts_with("* BYE") {
                return Err(Lost);
            }
            self.take(&response);
        }
    }

    pub async fn command(&mut self, command: &str) -> Result<Done, Lost> {
        let number = self.number;
        self.company.world.note(|| format!("imap {number} says {command}"));
        let tag = self.send(command);
        self.until(&tag).await
    }

    /// A command without which there is no going on.
    pub async fn must(&mut self, command: &str) -> Result<(), Lost> {
        if self.command(command).await?.ok { Ok(()) } else { Err(Lost) }
    }

    fn take_code(&mut self, response: &Response) {
        for code in ["COPYUID", "APPENDUID"] {
            if let Some(text) = response.code(code) {
                self.uid_code = Some(text.to_owned());
            }
        }
    }

    fn take(&mut self, response: &Response) {
        self.take_code(response);
        if let Some(count) = response.count("EXISTS") {
            if count < self.places.len() {
                self.fault(format!("EXISTS {count} after {}", self.places.len()));
            }
            self.places.resize(count, None);
        }
        if let Some(seq) = response.count("EXPUNGE") {
            self.expunged(seq);
        }
        if let Some(uids) = response.vanished() {
            let earlier = response.text.contains("(EARLIER)");
            uids.into_iter().for_each(|uid| self.vanish(uid, earlier));
        }
        if let Some(fetched) = response.fetched() {
            self.fetched(fetched);
        }
        let number = |name| response.code(name).and_then(|text| text.parse::<u64>().ok());
        if let Some(validity) = number("UIDVALIDITY") {
            self.validity = validity as u32;
        }
        if let Some(uid_next) = number("UIDNEXT") {
            self.uid_next = uid_next as u32;
        }
        if let Some(modseq) = number("HIGHESTMODSEQ") {
            self.modseq = modseq;
        }
    }

    fn expunged(&mut self, seq: usize) {
        if seq == 0 || seq > self.places.len() {
            return self.fault(format!("EXPUNGE {seq} of {}", self.places.len()));
        }
        if let Some(uid) = self.places.remove(seq - 1) {
            self.forget(uid);
        }
    }

    fn vanish(&mut self, uid: u32, earlier: bool) {
        self.vanished.insert(uid);
        if !earlier {
            match self.places.iter().position(|place| *place == Some(uid)) {
                Some(at) => drop(self.places.remove(at)),
                None => {
                    self.places_lost = true;
                    self.places.pop();
                }
            }
        }
        self.forget(uid);
    }

    fn forget(&mut self, uid: u32) {
        self.known.remove(&uid);
        self.flags.remove(&uid);
        self.modseqs.remove(&uid);
    }

    fn fetched(&mut self, fetched: Fetched) {
        let Some(place) = fetched.seq.checked_sub(1).and_then(|at| self.places.get_mut(at)) else {
            if !self.places_lost {
                self.fault(format!("FETCH of {} of {}", fetched.seq, self.places.len()));
            }
            return;
        };
        let uid = match (fetched.uid, *place) {
            (Some(uid), Some(was)) if uid != was && !self.places_lost => {
                return self.fault(format!("place {} is UID {uid}, was {was}", fetched.seq));
            }
            (Some(uid), _) => {
                *place = Some(uid);
                uid
            }
            (None, Some(uid)) => uid,
            (None, None) => return,
        };
        if let Some(flags) = fetched.flags {
            self.flags.insert(uid, flags);
        }
        if let Some(modseq) = fetched.modseq {
            let was = self.modseqs.insert(uid, modseq).unwrap_or(0);
            if modseq < was {
                self.fault(format!("UID {uid} has modseq {modseq} after {was}"));
            }
        }
        if let Some(body) = fetched.body {
            self.read(uid, &body);
        }
    }

    fn read(&mut self, uid: u32, octets: &[u8]) {
        let mut ledger = self.company.ledger.borrow_mut();
        ledger.counts.read += 1;
        let token = letter::token(octets);
        let sent = token.and_then(|token| ledger.letters.get(&token)).cloned();
        match sent {
            Some(sent) if is_intact(octets, &sent.octets) => {
                ledger.seen(self.number, self.validity, uid, sent.token);
                self.known.insert(uid, sent.token);
            }
            _ => {
                let len = octets.len();
                ledger.fault(format!("IMAP gave {token:?}, UID {uid}, {len} octets, not as sent"));
            }
        }
    }

    fn clear(&mut self, name: &str) {
        self.name = name.to_owned();
        self.places.clear();
        self.places_lost = false;
        self.known.clear();
        self.flags.clear();
        self.modseqs.clear();
        self.vanished.clear();
        (self.complete, self.validity, self.uid_next, self.modseq) = (false, 0, 0, 0);
    }

    /// Selects a mailbox. `false` if it cannot be.
    pub async fn select(&mut self, name: &str, parameters: Option<&str>) -> Result<bool, Lost> {
        self.clear(name);
        let marks = self.company.ledger.borrow().marks(self.number);
        let parameters = parameters.map_or(String::new(), |text| format!(" {text}"));
        let done = self.command(&format!("SELECT {name}{parameters}")).await?;
        if !done.ok {
            return Ok(false);
        }
        let told = (self.validity, self.uid_next, self.modseq);
        self.company.ledger.borrow_mut().selected(self.number, name, told, &marks);
        Ok(true)
    }

    /// Reads the octets of all messages that this session has not read.
    pub async fn read_new(&mut self) -> Result<(), Lost> {
        let from = self.known.keys().next_back().map_or(1, |uid| uid + 1);
        let modseq = self.modseq;
        let done = self.command(&format!("UID FETCH {from}:* (UID FLAGS BODY.PEEK[])")).await?;
        if done.ok && from == 1 && !self.complete {
            self.complete = true;
            // What was told of later changes is in `flags` already; to be told of it again is no harm.
            self.modseq = modseq;
        }
        Ok(())
    }

    /// UIDVALIDITY, UIDNEXT and HIGHESTMODSEQ of another mailbox.
    pub async fn status(&mut self, name: &str) -> Result<Option<(u32, u32, u64)>, Lost> {
        let tag = self.send(&format!("STATUS {name} (UIDVALIDITY UIDNEXT HIGHESTMODSEQ)"));
        loop {
            let text = self.untagged().await?;
            if text.starts_with(&tag) {
                return Ok(None);
            }
            if text.starts_with("* BYE") {
                return Err(Lost);
            }
            if text.starts_with("* STATUS") {
                let number = |name: &str| {
                    let (_, rest) = text.split_once(name)?;
                    rest.trim_start().split([' ', ')']).next()?.parse::<u64>().ok()
                };
                let told = (number("UIDVALIDITY"), number("UIDNEXT"), number("HIGHESTMODSEQ"));
                self.until(&tag).await?;
                return Ok(match told {
                    (Some(validity), Some(next), Some(modseq)) => {
                        Some((validity as u32, next as u32, modseq))
                    }
                    _ => None,
                });
            }
        }
    }

    /// What is to be remembered.
    pub fn cache(&self) -> Option<Cache> {
        self.complete.then(|| Cache {
            name: self.name.clone(),
            validity: self.validity,
            modseq: self.modseq,
            flags: self.flags.clone(),
        })
    }

    /// Selects a mailbox as one who knows it (RFC 7162 §3.2.5), and makes sure that what was told
    /// is all there was to tell.
    pub async fn resync(&mut self, cache: &Cache) -> Result<bool, Lost> {
        self.clear(&cache.name);
        self.flags = cache.flags.clone();
        let marks = self.company.ledger.borrow().marks(self.number);
        let Cache { name, validity, modseq, .. } = cache;
        let select = self.send(&format!("SELECT {name} (QRESYNC ({validity} {modseq}))"));
        let fetch = self.send("UID FETCH 1:* (UID FLAGS)");
        if !self.until(&select).await?.ok {
            // The second command has nothing to work on, which is BAD by right.
            return Err(Lost);
        }
        let told = (self.validity, self.uid_next, self.modseq);
        self.company.ledger.borrow_mut().selected(self.number, name, told, &marks);
        let same = self.validity == *validity;
        let before = std::mem::take(&mut self.flags);
        let (uid_next, highest) = (self.uid_next, self.modseq);
        self.vanished.clear();
        if !self.until(&fetch).await?.ok {
            return Err(Lost);
        }
        self.modseq = highest;
        self.complete = true;
        if same {
            self.company.ledger.borrow_mut().counts.resyncs += 1;
            self.compare(&before, uid_next, highest);
        }
        Ok(true)
    }

    fn compare(&self, before: &Flags, uid_next: u32, highest: u64) {
        for (uid, flags) in &self.flags {
            match before.get(uid) {
                None if *uid < uid_next => {
                    self.fault(format!("QRESYNC did not tell of UID {uid}"));
                }
                Some(was) if was != flags => {
                    let modseq = self.modseqs.get(uid).copied().unwrap_or(0);
                    if modseq <= highest {
                        self.fault(format!("QRESYNC told {was:?} of UID {uid}, it has {flags:?}"));
                    }
                }
                _ => {}
            }
        }
        for uid in before.keys() {
            if !self.flags.contains_key(uid) && !self.vanished.contains(uid) {
                self.fault(format!("QRESYNC did not tell that UID {uid} is gone"));
            }
        }
    }
}
