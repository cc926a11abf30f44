//! IMAP users whose server is killed under them: each keeps a list of what it was told, and compares
//! it after every start.

use crate::support::Lab;
use crate::support::client::Client;
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

/// Messages that a user keeps, about.
const KEPT: usize = 15;
/// Octets of a message that is made to be thrown away.
const RUBBISH: usize = 60_000;

/// A message as its user knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Known {
    /// In the first or the second of the user's mailboxes.
    second: bool,
    uid: u32,
    flagged: bool,
}

/// What was asked for and not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doubt {
    Nothing,
    Append(u64),
    Flag(u64),
    Move(u64),
    Expunge(u64),
}

/// How much a user was told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub appended: u64,
    pub flagged: u64,
    pub moved: u64,
    pub expunged: u64,
    pub doubts: u64,
}

/// One user of two mailboxes.
pub struct User {
    number: usize,
    known: BTreeMap<u64, Known>,
    doubt: Doubt,
    next: u64,
    dice: u64,
    pub counts: Counts,
}

impl User {
    pub fn new(number: usize) -> User {
        let (known, doubt) = (BTreeMap::new(), Doubt::Nothing);
        let dice = number as u64 * 7_919 + 1;
        User { number, known, doubt, next: 0, dice, counts: Counts::default() }
    }

    fn mailbox(&self, second: bool) -> String {
        format!("{}{}", if second { "Done" } else { "Work" }, self.number)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040);
        (self.dice >> 33) % end
    }

    /// Works until told to stop or cut off.
    pub fn work(&mut self, port: u16, stop: &AtomicBool) {
        let _: io::Result<()> = (|| {
            let mut client = Session::open(port, "ana")?;
            for second in [false, true] {
                // It may be there.
                client.say(&format!("CREATE {}", self.mailbox(second)))?;
            }
            while !stop.load(Ordering::Relaxed) {
                self.deed(&mut client)?;
            }
            Ok(())
        })();
        self.counts.doubts += u64::from(self.doubt != Doubt::Nothing);
    }

    fn deed(&mut self, client: &mut Session) -> io::Result<()> {
        let nth = self.below(self.known.len().max(1) as u64) as usize;
        let picked = self.known.iter().nth(nth).map(|(id, known)| (*id, *known));
        let roll = self.below(4);
        match picked {
            Some((id, known)) if self.known.len() >= KEPT || roll > 0 => match roll {
                1 => self.flag(client, id, known),
                2 => self.shift(client, id, known),
                _ => self.expunge(client, id, known),
            },
            _ => self.append(client),
        }
    }

    fn append(&mut self, client: &mut Session) -> io::Result<()> {
        let id = self.next;
        self.next += 1;
        let text = format!("Message-ID: <user.{id}@client.example>\r\n\r\n{}\r\n", "y".repeat(900));
        self.doubt = Doubt::Append(id);
        let mailbox = self.mailbox(false);
        let told = client.must(&format!("APPEND {mailbox} {{{}+}}\r\n{text}", text.len()))?;
        let uid = number_after(&told, "[APPENDUID ", 1)?;
        self.known.insert(id, Known { second: false, uid, flagged: false });
        self.counts.appended += 1;
        self.doubt = Doubt::Nothing;
        Ok(())
    }

    fn flag(&mut self, client: &mut Session, id: u64, known: Known) -> io::Result<()> {
        client.must(&format!("SELECT {}", self.mailbox(known.second)))?;
        self.doubt = Doubt::Flag(id);
        let sign = if known.flagged { '-' } else { '+' };
        client.must(&format!("UID STORE {} {sign}FLAGS.SILENT (\\Flagged)", known.uid))?;
        self.known.insert(id, Known { flagged: !known.flagged, ..known });
        self.counts.flagged += 1;
        self.doubt = Doubt::Nothing;
        Ok(())
    }

    fn shift(&mut self, client: &mut Session, id: u64, known: Known) -> io::Result<()> {
        client.must(&format!("SELECT {}", self.mailbox(known.second)))?;
        self.doubt = Doubt::Move(id);
        let to = self.mailbox(!known.second);
        let told = client.must(&format!("UID MOVE {} {to}", known.uid))?;
        let uid = number_after(&told, "[COPYUID ", 2)?;
        self.known.insert(id, Known { second: !known.second, uid, ..known });
        self.counts.moved += 1;
        self.doubt = Doubt::Nothing;
        Ok(())
    }

    fn expunge(&mut self, client: &mut Session, id: u64, known: Known) -> io::Result<()> {
        client.must(&format!("SELECT {}", self.mailbox(known.second)))?;
        self.doubt = Doubt::Expunge(id);
        client.must(&format!("UID STORE {} +FLAGS.SILENT (\\Deleted)", known.uid))?;
        client.must(&format!("UID EXPUNGE {}", known.uid))?;
        self.known.remove(&id);
        self.counts.expunged += 1;
        self.doubt = Doubt::Nothing;
        Ok(())
    }

    /// Everything must be as it was told; what was in doubt is one or the other, and then certain.
    pub fn compare(&mut self, lab: &Lab) {
        let found = self.found(lab);
        let doubt = std::mem::replace(&mut self.doubt, Doubt::Nothing);
        for (id, known) in &self.known {
            let here = found.get(id).copied();
            let right = match doubt {
                Doubt::Flag(doubted) if doubted == *id => {
                    here.is_some_and(|here| Known { flagged: known.flagged, ..here } == *known)
                }
                Doubt::Move(doubted) if doubted == *id => {
                    here.is_some_and(|here| here == *known || here.second != known.second)
                }
                Doubt::Expunge(doubted) if doubted == *id => here.is_none_or(|here| here == *known),
                _ => here == Some(*known),
            };
            assert!(right, "user {}: {id} was {known:?}, is {here:?} ({doubt:?})", self.number);
        }
        for id in found.keys().filter(|id| !self.known.contains_key(id)) {
            assert_eq!(doubt, Doubt::Append(*id), "user {}: {id} came from nowhere", self.number);
        }
        self.known = found;
    }

    /// What there is; each message once.
    fn found(&self, lab: &Lab) -> BTreeMap<u64, Known> {
        let mut client = Client::connect(lab.port("imap"));
        client.read_line();
        client.imap("LOGIN ana ana");
        let mut found = BTreeMap::new();
        for second in [false, true] {
            let name = self.mailbox(second);
            // Killed before it was made.
            if client.imap(&format!("LIST \"\" {name}")).is_empty() {
                continue;
            }
            client.imap(&format!("SELECT {name}"));
            let lines = client.imap("UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])");
            for line in lines {
                let Some((_, rest)) = line.split_once("<user.") else { continue };
                let id = rest.split('@').next().unwrap().parse().unwrap();
                let uid = number_after(&line, "UID ", 0).unwrap();
                let flagged = line.contains("\\Flagged");
                let twice = found.insert(id, Known { second, uid, flagged });
                assert_eq!(twice, None, "user {}: {id} is there twice", self.number);
            }
        }
        found
    }
}

/// Fills a mailbox and empties it, so that there is always something to be collected.
pub fn litter(port: u16, stop: &AtomicBool) {
    let _: io::Result<()> = (|| {
        let mut client = Session::open(port, "bob")?;
        client.say("CREATE Litter")?;
        let line = format!("{}\r\n", "z".repeat(70));
        let text = format!("Subject: litter\r\n\r\n{}", line.repeat(RUBBISH / line.len()));
        while !stop.load(Ordering::Relaxed) {
            for _ in 0..10 {
                client.must(&format!("APPEND Litter {{{}+}}\r\n{text}", text.len()))?;
            }
            client.must("SELECT Litter")?;
            client.must("STORE 1:* +FLAGS.SILENT (\\Deleted)")?;
            client.must("EXPUNGE")?;
        }
        Ok(())
    })();
}

/// A client that may be cut off at any moment.
struct Session {
    client: Client,
    tag: u32,
}

impl Session {
    fn open(port: u16, name: &str) -> io::Result<Session> {
        let mut session = Session { client: Client::try_connect(port)?, tag: 0 };
        session.line()?;
        session.must(&format!("LOGIN {name} {name}"))?;
        Ok(session)
    }

    fn line(&mut self) -> io::Result<String> {
        self.client.try_read_line()?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// Everything that is said, the tagged line last. Nothing asked for here has literals.
    fn say(&mut self, command: &str) -> io::Result<String> {
        self.tag += 1;
        let tag = format!("k{} ", self.tag);
        self.client.try_send(format!("{tag}{command}\r\n").as_bytes())?;
        let mut said = String::new();
        loop {
            let line = self.line()?;
            said.push_str(&line);
            said.push('\n');
            if line.starts_with(&tag) {
                return Ok(said);
            }
        }
    }

    fn must(&mut self, command: &str) -> io::Result<String> {
        let said = self.say(command)?;
        let last = said.lines().last().unwrap_or_default();
        match last.split(' ').nth(1) {
            Some("OK") => Ok(said),
            _ => Err(io::Error::other(last.to_owned())),
        }
    }
}

/// The number that is so many words behind `mark`.
fn number_after(text: &str, mark: &str, words: usize) -> io::Result<u32> {
    let word = text.split_once(mark).and_then(|(_, rest)| rest.split([' ', ']', ')']).nth(words));
    let number = word.and_then(|word| word.parse().ok());
    number.ok_or_else(|| io::Error::other(format!("no number behind {mark} in {text}")))
}
