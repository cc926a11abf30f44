//! A mail server of somebody else, that remembers what it was given, and is not always in the mood.

use crate::letter::{self, Wish};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// Octets of a line that are read.
const LINE_MAX: u64 = 4_096;
/// How long a client may say nothing.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// Of a hundred recipients, so many are to come later.
const LATER_AT_RCPT: u64 = 4;
/// Of a hundred messages that came to their dot, so many are to come later,
const LATER_AT_END: u64 = 5;
/// so many are taken, and the connection is closed without a word,
const CLOSED_AT_END: u64 = 4;
/// and so many are taken, and the client waits for the reply.
const SLOW_AT_END: u64 = 25;
/// The longest of these waits.
const SLOW_MILLIS: u64 = 60;

/// A message that was taken.
#[derive(Clone, Copy, Debug)]
pub struct Receipt {
    /// How often the client had been killed when it connected.
    pub life: u64,
    /// Was it told so?
    pub answered: bool,
}

/// What happened so far.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Who came, and how often.
    pub receipts: BTreeMap<u64, Vec<Receipt>>,
    /// Replies of 451.
    pub later: u64,
    /// Replies of 550 to a recipient, and of 554 to a message.
    pub refused: u64,
    /// Connections closed instead of a reply.
    pub closed: u64,
    /// What should never be.
    pub faults: Vec<String>,
}

impl Record {
    pub fn taken(&self) -> usize {
        self.receipts.values().map(Vec::len).sum()
    }
}

/// The server. Its threads end with the process.
pub struct Sink {
    pub port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    life: AtomicU64,
    healed: AtomicBool,
    dice: AtomicU64,
    record: Mutex<Record>,
    /// Rings when something is taken.
    taken: Condvar,
}

impl Sink {
    pub fn start() -> Sink {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let sink = Sink { port, shared: shared.clone() };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = shared.clone();
                // The client lives at this moment if it ever answers the greeting: what it sends
                // before it is killed counts for this life, whenever it is read.
                let life = shared.life.load(Ordering::SeqCst);
                std::thread::spawn(move || {
                    // Whoever breaks off is not heard of any more.
                    let _ = Session::new(&shared, life, stream).and_then(Session::serve);
                });
            }
        });
        sink
    }

    /// The client is dead, and the next one not born.
    pub fn next_life(&self) {
        self.shared.life.fetch_add(1, Ordering::SeqCst);
    }

    /// From now on only what is refused for ever is refused.
    pub fn heal(&self) {
        self.shared.healed.store(true, Ordering::SeqCst);
    }

    pub fn record(&self) -> Record {
        self.shared.record().clone()
    }

    /// How many messages were taken, copies counted.
    pub fn taken(&self) -> usize {
        self.shared.record().taken()
    }

    /// Waits until more than `before` are taken, but not for ever.
    pub fn wait_beyond(&self, before: usize, patience: Duration) -> bool {
        let record = self.shared.record();
        let wait = |record: &mut Record| record.taken() <= before;
        let waited = self.shared.taken.wait_timeout_while(record, patience, wait).unwrap();
        !waited.1.timed_out()
    }
}

impl Shared {
    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap()
    }

    /// A number below `end`.
    fn below(&self, end: u64) -> u64 {
        // A full period whatever the order of the threads (Knuth's MMIX).
        let step = |dice: u64| {
            Some(
                dice.wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407),
            )
        };
        let dice = self.dice.fetch_update(Ordering::SeqCst, Ordering::SeqCst, step).unwrap();
        (dice >> 33) % end
    }

    /// Of a hundred: no trouble after healing.
    fn mood(&self) -> u64 {
        if self.healed.load(Ordering::SeqCst) { 99 } else { self.below(100) }
    }
}

struct Session<'a> {
    shared: &'a Shared,
    life: u64,
    stream: BufReader<TcpStream>,
    recipients: Vec<String>,
}

/// Does the session go on?
#[derive(PartialEq, Eq)]
enum Next {
    Command,
    Close,
}

impl<'a> Session<'a> {
    fn new(shared: &'a Shared, life: u64, stream: TcpStream) -> std::io::Result<Session<'a>> {
        stream.set_read_timeout(Some(SILENCE_MAX))?;
        stream.set_nodelay(true)?;
        Ok(Session { shared, life, stream: BufReader::new(stream), recipients: Vec::new() })
    }

    fn say(&mut self, reply: &str) -> std::io::Result<Next> {
        self.stream.get_mut().write_all(format!("{reply}\r\n").as_bytes())?;
        Ok(Next::Command)
    }

    /// A line without its CRLF.
    fn line(&mut self) -> std::io::Result<String> {
        let mut line = Vec::new();
        (&mut self.stream).take(LINE_MAX).read_until(b'\n', &mut line)?;
        match line.strip_suffix(b"\r\n") {
            Some(line) => Ok(String::from_utf8_lossy(line).into_owned()),
            None => Err(std::io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn serve(mut self) -> std::io::Result<()> {
        self.say("220 sink.test ESMTP")?;
        loop {
            let line = self.line()?;
            if self.command(&line)? == Next::Close {
                return Ok(());
            }
        }
    }

    fn command(&mut self, line: &str) -> std::io::Result<Next> {
        let upper = line.to_ascii_uppercase();
        match upper.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" => {
                self.say("250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 1000000")
            }
            "MAIL" | "RSET" => {
                self.recipients.clear();
                self.say("250 2.0.0 ok")
            }
            "RCPT" => {
                let address = line.split(['<', '>']).nth(1).unwrap_or_default().to_string();
                self.recipient(address)
            }
            "DATA" if self.recipients.is_empty() => self.say("554 5.5.1 no valid recipients"),
            "DATA" => {
                self.say("354 go on")?;
                self.message()
            }
            "QUIT" => self.say("221 2.0.0 bye").map(|_| Next::Close),
            _ => self.say("502 5.5.1 what?"),
        }
    }

    fn recipient(&mut self, address: String) -> std::io::Result<Next> {
        if address.starts_with(letter::GONE) {
            self.shared.record().refused += 1;
            return self.say("550 5.1.1 nobody has that name");
        }
        if self.shared.mood() < LATER_AT_RCPT {
            self.shared.record().later += 1;
            return self.say("451 4.3.0 not now");
        }
        self.recipients.push(address);
        self.say("250 2.1.5 ok")
    }

    fn message(&mut self) -> std::io::Result<Next> {
        let mut text = String::new();
        loop {
            let line = self.line()?;
            if line == "." {
                break;
            }
            text.push_str(line.strip_prefix('.').unwrap_or(&line));
            text.push_str("\r\n");
        }
        let recipients = std::mem::take(&mut self.recipients);
        let Some(id) = letter::id_in(&text) else {
            self.shared.record().faults.push(format!("no id:\n{text}"));
            return self.say("554 5.6.0 what is this?");
        };
        if recipients != [letter::sink_address(id)] || !text.ends_with(&letter::body(id)) {
            let fault = format!("{id} came altered, or for somebody else: {recipients:?}");
            self.shared.record().faults.push(fault);
        }
        if letter::wish(id) == Wish::RefusedMessage {
            self.shared.record().refused += 1;
            return self.say("554 5.7.1 we do not like it");
        }
        let mood = self.shared.mood();
        if mood < LATER_AT_END {
            self.shared.record().later += 1;
            return self.say("451 4.3.0 not now");
        }
        let closes = mood < LATER_AT_END + CLOSED_AT_END;
        self.take(id, !closes);
        if closes {
            return Ok(Next::Close);
        }
        if mood < LATER_AT_END + CLOSED_AT_END + SLOW_AT_END {
            std::thread::sleep(Duration::from_millis(self.shared.below(SLOW_MILLIS)));
        }
        self.say("250 2.0.0 taken")
    }

    fn take(&self, id: u64, answered: bool) {
        let mut record = self.shared.record();
        record.closed += u64::from(!answered);
        record.receipts.entry(id).or_default().push(Receipt { life: self.life, answered });
        self.shared.taken.notify_all();
    }
}
