//! Servers elsewhere, in memory: they speak SMTP, fail as told or by chance, and keep a ledger of
//! everything that they were asked and have said.

use super::Dice;
use core_world::testing::TestWorld;
use core_world::{Dial, DialError, Dialer, Fingerprint, Later, Protection, Trust, Wire, WireError};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;
use std::time::Duration;

/// Where something may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum At {
    Connect,
    Greeting,
    Hello,
    Handshake,
    Mail,
    Rcpt,
    Data,
    /// In the middle of the message.
    Body,
    /// After the final dot.
    End,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This reply.
    Say(&'static str),
    /// Nothing more is said.
    Stall,
    /// The connection is closed.
    Close,
    /// The message is taken, and the connection closed before the reply.
    TakeAndClose,
}

/// One recipient of one message, told apart by the reverse-path.
pub type Letter = (String, String);

/// What happened, as the servers saw it.
#[derive(Default)]
pub struct Ledger {
    /// How often each was taken.
    pub taken: BTreeMap<Letter, u32>,
    /// Taken, and the sender may not know it.
    pub unsure: BTreeSet<Letter>,
    /// Refused for ever, and in which life of the sender.
    pub refused: BTreeMap<Letter, u32>,
    /// Laws that were broken.
    pub broken: Vec<String>,
    /// Never to be taken again: the sender has written down that it was.
    pub closed: BTreeSet<Letter>,
    /// Lives of the sender.
    pub life: u32,
    /// Whole messages, in order of arrival, with the host that took them.
    pub messages: Vec<(String, Vec<u8>)>,
    /// Every command, with the address that got it.
    pub heard: Vec<String>,
    /// Greylisted once.
    pub known: BTreeSet<Letter>,
    /// Connections that were made.
    pub connections: u32,
}

/// All servers.
pub struct Town {
    pub dice: Dice,
    pub world: Arc<TestWorld>,
    pub ledger: Mutex<Ledger>,
    /// Do things go wrong by chance? One in so many; 0: no.
    pub trouble: Mutex<u64>,
    /// Does waiting turn the clock on?
    pub time_passes: AtomicBool,
    /// What goes wrong for certain at which address; once only, if it says so.
    pub script: Mutex<HashMap<(String, At), Fault>>,
    /// What each address offers beside the usual, in place of it.
    pub offers: Mutex<HashMap<String, Vec<&'static str>>>,
}

impl Town {
    pub fn new(seed: u64, world: Arc<TestWorld>) -> Arc<Town> {
        Arc::new(Town {
            dice: Dice::new(seed),
            world,
            ledger: Mutex::default(),
            trouble: Mutex::new(0),
            time_passes: AtomicBool::new(true),
            script: Mutex::default(),
            offers: Mutex::default(),
        })
    }

    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap()
    }

    pub fn script(&self, address: &str, at: At, fault: Fault) {
        self.script.lock().unwrap().insert((address.to_string(), at), fault);
    }

    pub fn offer(&self, address: &str, keywords: &[&'static str]) {
        self.offers.lock().unwrap().insert(address.to_string(), keywords.to_vec());
    }

    fn fault(&self, address: &str, at: At) -> Option<Fault> {
        if let Some(fault) = self.script.lock().unwrap().get(&(address.to_string(), at)) {
            return Some(*fault);
        }
        let trouble = *self.trouble.lock().unwrap();
        if trouble == 0 || !self.dice.once_in(trouble) {
            return None;
        }
        let faults = [
            Fault::Say("450 4.0.0 not now"),
            Fault::Say("550 5.0.0 never"),
            Fault::Stall,
            Fault::Close,
            Fault::TakeAndClose,
            Fault::Say("421 4.3.2 going down"),
        ];
        Some(faults[self.dice.below(faults.len() as u64) as usize])
    }

    fn wait(&self, within: Duration) {
        if self.time_passes.load(Ordering::Relaxed) {
            self.world.pass(within);
        }
    }

    /// Lets others go first, now and then.
    pub async fn give_way(&self) {
        let mut turns = self.dice.below(3);
        poll_fn(|cx| {
            if turns == 0 {
                return Poll::Ready(());
            }
            turns -= 1;
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

/// The way to the town.
pub struct Roads(pub Arc<Town>);

impl Dialer for Roads {
    fn dial<'a>(&'a self, to: &'a Dial) -> Later<'a, Result<Box<dyn Wire>, DialError>> {
        Box::pin(async move {
            let town = &self.0;
            town.give_way().await;
            let address = to.address.map(|a: IpAddr| a.to_string()).unwrap_or(to.host.clone());
            town.ledger().heard.push(format!("{address} <connect>"));
            match town.fault(&address, At::Connect) {
                Some(Fault::Stall) => {
                    town.wait(to.within);
                    return Err(DialError::TimedOut);
                }
                Some(_) => return Err(DialError::Unreachable(format!("{address}: refused"))),
                None => {}
            }
            town.ledger().connections += 1;
            let mut session = Session::new(town.clone(), address);
            session.greet();
            Ok(Box::new(session) as Box<dyn Wire>)
        })
    }
}

struct Session {
    town: Arc<Town>,
    address: String,
    inbox: Vec<u8>,
    outbox: Vec<u8>,
    silent: bool,
    closed: bool,
    protection: Option<Protection>,
    mail: Option<String>,
    refused: Option<String>,
    recipients: Vec<String>,
    /// The message so far, while it comes.
    body: Vec<u8>,
    reading: Reading,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Commands,
    Lines,
    Chunk { left: usize, last: bool },
}

impl Session {
    fn new(town: Arc<Town>, address: String) -> Session {
        Session {
            town,
            address,
            inbox: Vec::new(),
            outbox: Vec::new(),
            silent: false,
            closed: false,
            protection: None,
            mail: None,
            refused: None,
            recipients: Vec::new(),
            body: Vec::new(),
            reading: Reading::Commands,
        }
    }

    fn say(&mut self, line: &str) {
        if !self.silent && !self.closed {
            self.outbox.extend_from_slice(line.as_bytes());
            self.outbox.extend_from_slice(b"\r\n");
            self.closed |= line.starts_with("421");
        }
    }

    /// Does what goes wrong; the reply that was given, if one was. `None`: all goes well.
    fn wrong(&mut self, at: At) -> Option<&'static str> {
        match self.town.fault(&self.address, at)? {
            Fault::Say(line) => {
                self.say(line);
                Some(line)
            }
            Fault::Stall => {
                self.silent = true;
                Some("")
            }
            Fault::Close => {
                self.closed = true;
                Some("")
            }
            Fault::TakeAndClose if at == At::End => {
                self.take(false);
                self.closed = true;
                Some("")
            }
            Fault::TakeAndClose => None,
        }
    }

    fn greet(&mut self) {
        if self.wrong(At::Greeting).is_none() {
            self.say("220 town ESMTP");
        }
    }

    fn work(&mut self) {
        while !self.closed && !self.silent {
            match self.reading {
                Reading::Commands => {
                    let Some(line) = self.line() else { return };
                    self.command(&String::from_utf8(line).unwrap());
                }
                Reading::Lines => {
                    // Once, early in the message.
                    let early = !self.body.is_empty() && self.body.len() < 30;
                    if early && self.town.fault(&self.address, At::Body).is_some() {
                        self.closed = true;
                        return;
                    }
                    let Some(line) = self.line() else { return };
                    if line == b"." {
                        self.reading = Reading::Commands;
                        self.end();
                    } else {
                        let line = line.strip_prefix(b".").unwrap_or(&line);
                        self.body.extend_from_slice(line);
                        self.body.extend_from_slice(b"\r\n");
                    }
                }
                Reading::Chunk { left, last } => {
                    if self.inbox.len() < left {
                        return;
                    }
                    self.body.extend(self.inbox.drain(..left));
                    self.reading = Reading::Commands;
                    match last {
                        true => self.end(),
                        false => self.say("250 2.0.0 more"),
                    }
                }
            }
        }
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        let end = self.inbox.windows(2).position(|pair| pair == b"\r\n")?;
        let mut line: Vec<u8> = self.inbox.drain(..end + 2).collect();
        line.truncate(end);
        Some(line)
    }

    fn command(&mut self, line: &str) {
        self.town.ledger().heard.push(format!("{} {line}", self.address));
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" => self.hello(),
            "HELO" => self.say("250 town"),
            "STARTTLS" => {
                self.say("220 2.0.0 go on");
            }
            "MAIL" => self.mail(path(line)),
            "RCPT" => self.rcpt(path(line)),
            "DATA" if self.recipients.is_empty() => self.say("554 5.5.1 nobody"),
            "DATA" => {
                let wrong = self.wrong(At::Data);
                match wrong {
                    Some(line) => self.all_refused(line),
                    None => {
                        self.say("354 go on");
                        self.reading = Reading::Lines;
                        self.body.clear();
                    }
                }
            }
            "BDAT" => {
                let mut words = line.split(' ').skip(1);
                let left = words.next().unwrap().parse().unwrap();
                self.reading = Reading::Chunk { left, last: words.next().is_some() };
            }
            "RSET" => {
                self.forget();
                self.say("250 2.0.0 forgotten");
            }
            "QUIT" => {
                self.say("221 2.0.0 bye");
                self.closed = true;
            }
            _ => self.say("500 5.5.1 what"),
        }
    }

    fn hello(&mut self) {
        if self.wrong(At::Hello).is_some() {
            return;
        }
        let offers = self.town.offers.lock().unwrap().get(&self.address).cloned();
        let mut offers =
            offers.unwrap_or(vec!["PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"]);
        if self.protection.is_some() {
            offers.retain(|keyword| *keyword != "STARTTLS");
        }
        self.say(if offers.is_empty() { "250 town" } else { "250-town" });
        for (i, keyword) in offers.iter().enumerate() {
            let divider = if i + 1 == offers.len() { ' ' } else { '-' };
            self.say(&format!("250{divider}{keyword}"));
        }
    }

    fn forget(&mut self) {
        (self.mail, self.refused) = (None, None);
        self.recipients.clear();
    }

    fn mail(&mut self, from: String) {
        self.forget();
        match self.wrong(At::Mail) {
            Some(line) if line.starts_with('5') => self.refused = Some(from),
            Some(_) => {}
            None => {
                self.mail = Some(from);
                self.say("250 2.1.0 ok");
            }
        }
    }

    fn rcpt(&mut self, to: String) {
        let Some(from) = self.mail.clone() else {
            // It came behind MAIL, before the answer.
            if let Some(from) = self.refused.clone() {
                self.refuse((from, to));
            }
            return self.say("503 5.5.1 no sender");
        };
        let letter = (from, to.clone());
        self.check_asked(&letter);
        if to.starts_with("no-") {
            self.refuse(letter);
            return self.say("550 5.1.1 nobody of that name");
        }
        if to.starts_with("grey-") && self.town.ledger().known.insert(letter.clone()) {
            return self.say("450 4.2.0 come again");
        }
        if to.starts_with("one-") && !self.recipients.is_empty() {
            return self.say("452 4.5.3 one at a time");
        }
        match self.wrong(At::Rcpt) {
            Some(line) if line.starts_with('5') => self.refuse(letter),
            Some(_) => {}
            None => {
                self.recipients.push(to);
                self.say("250 2.1.5 ok");
            }
        }
    }

    fn check_asked(&self, letter: &Letter) {
        let mut ledger = self.town.ledger();
        let again = ledger.refused.get(letter) == Some(&ledger.life);
        if again {
            ledger.broken.push(format!("{letter:?} was asked for after a 5yz"));
        }
        if ledger.closed.contains(letter) {
            ledger.broken.push(format!("{letter:?} was asked for after it was settled"));
        }
    }

    fn refuse(&self, letter: Letter) {
        let mut ledger = self.town.ledger();
        let life = ledger.life;
        ledger.refused.insert(letter, life);
    }

    fn all_refused(&mut self, line: &str) {
        if line.starts_with('5') {
            let from = self.mail.clone().unwrap_or_default();
            self.recipients.iter().for_each(|to| self.refuse((from.clone(), to.clone())));
        }
    }

    fn end(&mut self) {
        match self.wrong(At::End) {
            Some(line) => self.all_refused(line),
            None => {
                self.take(true);
                self.say("250 2.0.0 taken");
            }
        }
        self.forget();
    }

    fn take(&mut self, sure: bool) {
        let mut ledger = self.town.ledger();
        let from = self.mail.clone().unwrap_or_default();
        for to in &self.recipients {
            let letter = (from.clone(), to.clone());
            let before = ledger.taken.get(&letter).copied().unwrap_or(0);
            if before > 0 && !ledger.unsure.contains(&letter) {
                ledger.broken.push(format!("{letter:?} was sent twice"));
            }
            ledger.taken.insert(letter.clone(), before + 1);
            if !sure {
                ledger.unsure.insert(letter);
            }
        }
        let message = (self.address.clone(), std::mem::take(&mut self.body));
        ledger.messages.push(message);
    }
}

/// What stands between the angle brackets.
fn path(line: &str) -> String {
    let begin = line.find('<').map_or(0, |at| at + 1);
    line[begin..line.find('>').unwrap_or(line.len())].to_string()
}

impl Wire for Session {
    fn read<'a>(
        &'a mut self,
        buffer: &'a mut [u8],
        within: Duration,
    ) -> Later<'a, Result<usize, WireError>> {
        Box::pin(async move {
            let town = self.town.clone();
            town.give_way().await;
            if self.outbox.is_empty() && !self.closed {
                town.wait(within);
                return Err(WireError::TimedOut);
            }
            let len = buffer.len().min(self.outbox.len());
            let len = if len > 1 { 1 + town.dice.below(len as u64) as usize } else { len };
            buffer[..len].copy_from_slice(&self.outbox[..len]);
            self.outbox.drain(..len);
            Ok(len)
        })
    }

    fn write<'a>(
        &'a mut self,
        bytes: &'a [u8],
        _within: Duration,
    ) -> Later<'a, Result<(), WireError>> {
        Box::pin(async move {
            let town = self.town.clone();
            town.give_way().await;
            if self.closed {
                return Err(WireError::Broken("reset by peer".to_string()));
            }
            self.inbox.extend_from_slice(bytes);
            self.work();
            Ok(())
        })
    }

    fn secure<'a>(
        &'a mut self,
        _host: &'a str,
        trust: &'a Trust,
        _within: Duration,
    ) -> Later<'a, Result<(), DialError>> {
        Box::pin(async move {
            if self.town.fault(&self.address, At::Handshake).is_some() {
                self.closed = true;
                return Err(DialError::Tls("handshake failure".to_string()));
            }
            // Nobody here has a certificate of an authority.
            if *trust != Trust::Anyone {
                self.closed = true;
                return Err(DialError::Tls("unknown issuer".to_string()));
            }
            self.inbox.clear();
            self.outbox.clear();
            self.protection = Some(Protection {
                version: "TLS1.3",
                cipher: "TLS13_AES_256_GCM_SHA384".to_string(),
                fingerprint: Fingerprint([7; 32]),
            });
            Ok(())
        })
    }

    fn protection(&self) -> Option<&Protection> {
        self.protection.as_ref()
    }
}
