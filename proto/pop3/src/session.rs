//! The session: lines in, replies and questions out.

use crate::command::{Command, Marked, Mistake, Stage};
use crate::login::{capabilities, password_ask};
use crate::reply::refused;
use crate::retrieval::Retrieval;
use crate::state::{Maildrop, Pending, State, out_of_order};
use crate::{Answer, Ask, Entry, Listing};
use proto_line::{LineBuffer, News, Secured, Session, Step};
use proto_sasl::{Binding, Exchange, Mechanism, Turn};
use std::time::{Duration, Instant};
use words_mail::Refusal;

/// Longest command line. RFC 2449 §4 says 255; a SASL response may be longer.
const LINE_MAX: usize = 12 * 1024;
/// Bytes of replies gathered before they are sent.
const SEND_SIZE: usize = 16 * 1024;
/// Entries of a listing asked for at a time.
const LISTING_PAGE: u32 = 1000;
/// Mistakes before the session is closed.
const MISTAKES_MAX: u32 = 20;
/// Failed logins before the session is closed.
const LOGIN_FAILURES_MAX: u32 = 5;

/// What a POP3 session needs to be told.
#[derive(Clone, Debug)]
pub struct Options {
    /// The server's name, for the greeting.
    pub host_name: String,
    /// Is SCRAM among the mechanisms? Where passwords are verified elsewhere it fails, and clients
    /// try nothing else.
    pub scram: bool,
    /// May passwords cross a connection without TLS?
    pub cleartext_login: bool,
    /// Is STLS to be had?
    pub tls_available: bool,
    /// Silence after which the session is closed, before login.
    pub timeout_login: Duration,
    /// Who is not logged in so long after the session began is sent away, however much it says.
    pub deadline_login: Duration,
    /// The same after login; RFC 1939 §3 wants at least 10 minutes.
    pub timeout: Duration,
}

impl Options {
    /// The mechanisms of which a client may use one.
    pub(crate) fn mechanisms(
        &self,
        cleartext: bool,
        binding: &Binding,
    ) -> impl Iterator<Item = Mechanism> + use<> {
        let scram = self.scram;
        let rows = Mechanism::offered(cleartext, binding);
        rows.filter(move |row| scram || row.spec().reveals_password)
    }
}

impl Default for Options {
    fn default() -> Options {
        Options {
            host_name: "localhost".to_string(),
            scram: true,
            cleartext_login: false,
            tls_available: true,
            timeout_login: Duration::from_secs(180),
            deadline_login: Duration::from_secs(300),
            timeout: Duration::from_secs(600),
        }
    }
}

/// The protocol state of one POP3 connection.
#[derive(Debug)]
pub struct Pop3Server {
    options: Options,
    state: State,
    pending: Pending,
    input: LineBuffer,
    out: Vec<u8>,
    /// What [`Session::step`] must give next, once `out` is sent.
    next: Option<Next>,
    spare: Vec<u8>,
    secured: Option<Secured>,
    greeted: bool,
    mistakes: u32,
    login_failures: u32,
    /// When something was last heard; set by the first step after it.
    heard_at: Option<Instant>,
    /// When the session began; set by the first step.
    began_at: Option<Instant>,
}

#[derive(Debug)]
enum Next {
    Ask(Ask),
    StartTls,
    Close,
}

impl Pop3Server {
    /// A session that has yet to greet.
    pub fn new(options: Options) -> Pop3Server {
        Pop3Server {
            options,
            state: State::Authorization { user: None },
            pending: Pending::Nothing,
            input: LineBuffer::new(),
            out: Vec::new(),
            next: None,
            spare: Vec::new(),
            secured: None,
            greeted: false,
            mistakes: 0,
            login_failures: 0,
            heard_at: None,
            began_at: None,
        }
    }

    fn ok(&mut self, text: &str) {
        self.reply("+OK ", text);
    }

    fn err(&mut self, text: &str) {
        self.reply("-ERR ", text);
    }

    fn reply(&mut self, status: &str, text: &str) {
        self.line(&[status, text]);
    }

    fn line(&mut self, pieces: &[&str]) {
        pieces.iter().for_each(|p| self.out.extend_from_slice(p.as_bytes()));
        self.out.extend_from_slice(b"\r\n");
    }

    fn ask(&mut self, ask: Ask, pending: Pending) {
        self.next = Some(Next::Ask(ask));
        self.pending = pending;
    }

    fn close(&mut self) {
        self.state = State::Closing;
        self.next = Some(Next::Close);
    }

    fn cleartext(&self) -> bool {
        self.options.cleartext_login || self.secured.is_some()
    }

    fn binding(&self) -> Binding {
        Binding::from_exporter(self.secured.as_ref().and_then(|s| s.exporter))
    }

    /// When the session has said too little, or has gone on for too long without a login.
    fn until(&mut self, now: Instant) -> Instant {
        let heard_at = *self.heard_at.get_or_insert(now);
        let began_at = *self.began_at.get_or_insert(now);
        match self.state.stage() {
            Stage::Authorization => {
                let deadline = began_at + self.options.deadline_login;
                deadline.min(heard_at + self.options.timeout_login)
            }
            Stage::Transaction => heard_at + self.options.timeout,
        }
    }

    /// Uses one line, if there is one. `false` if there is none.
    fn take_line(&mut self) -> bool {
        let Some(line) = self.input.line(LINE_MAX) else { return false };
        let Ok(line) = line else {
            self.mistake("line too long, expected at most 12288 octets");
            return true;
        };
        match std::mem::replace(&mut self.pending, Pending::Nothing) {
            Pending::Response(mut exchange) => {
                let turn = exchange.respond(&line);
                self.turn(exchange, turn);
            }
            pending => {
                self.pending = pending;
                match Command::parse(&line, self.state.stage()) {
                    Ok(command) => self.obey(command),
                    Err(mistake) => self.explain(mistake),
                }
            }
        }
        true
    }

    fn explain(&mut self, mistake: Mistake) {
        match mistake {
            Mistake::Unknown => self.mistake("unknown command"),
            Mistake::Arguments(expected) => self.mistake(expected),
            Mistake::WrongStage(spec) => {
                let when = if spec.stages.contains(&Stage::Transaction) {
                    "log in first, with USER and PASS"
                } else {
                    "already logged in"
                };
                self.mistake(&format!("{}: {when}", spec.verb));
            }
        }
    }

    fn mistake(&mut self, text: &str) {
        self.mistakes += 1;
        self.err(text);
        if self.mistakes >= MISTAKES_MAX {
            self.err("too many mistakes, good-bye");
            self.close();
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::User(name) => self.user(name),
            Command::Pass(password) => self.pass(password),
            Command::Auth(None) => self.list_mechanisms(),
            Command::Auth(Some((name, initial))) => self.auth(&name, initial.as_deref()),
            Command::Stls => self.stls(),
            Command::Apop => self.err("APOP is not offered, use USER and PASS, or AUTH"),
            Command::Capa => self.capa(),
            Command::Utf8 => self.ok("UTF-8 it is"),
            Command::Stat => self.stat(),
            Command::List(number) => self.listing(Listing::Sizes, number),
            Command::Uidl(number) => self.listing(Listing::UniqueIds, number),
            Command::Retr(number) => self.retrieve(number, None),
            Command::Top(number, lines) => self.retrieve(number, Some(lines)),
            Command::Dele(number) => {
                if self.checked(number) {
                    self.ask(Ask::Size(number), Pending::Mark(number));
                }
            }
            Command::Rset => self.rset(),
            Command::Last => self.err("LAST is not offered, use UIDL"),
            Command::Noop => self.ok("here"),
            Command::Quit => self.quit(),
        }
    }

    fn user(&mut self, name: String) {
        if !self.cleartext() {
            return self.err("passwords need TLS here: send STLS first, or use the TLS port");
        }
        self.state = State::Authorization { user: Some(name) };
        self.ok("now the password, with PASS");
    }

    fn pass(&mut self, password: Vec<u8>) {
        let State::Authorization { user: Some(name) } = &mut self.state else {
            return self.mistake("PASS: say who you are first, with USER");
        };
        let name = std::mem::take(name);
        self.state = State::Authorization { user: None };
        self.ask(Ask::Login(password_ask(name, password)), Pending::Login(None));
    }

    fn list_mechanisms(&mut self) {
        self.ok("mechanisms follow");
        let offered: Vec<_> = self.options.mechanisms(self.cleartext(), &self.binding()).collect();
        offered.iter().for_each(|m| self.line(&[m.name()]));
        self.line(&["."]);
    }

    fn auth(&mut self, name: &str, initial: Option<&[u8]>) {
        let mechanism = Mechanism::parse(name.as_bytes());
        let binding = self.binding();
        let offered =
            |m: &Mechanism| self.options.mechanisms(self.cleartext(), &binding).any(|o| o == *m);
        let Some(mechanism) = mechanism.filter(offered) else {
            return self.mistake("expected a mechanism that CAPA lists");
        };
        let (exchange, turn) = Exchange::start(mechanism, initial, binding);
        self.turn(exchange, turn);
    }

    fn turn(&mut self, exchange: Exchange, turn: Turn) {
        match turn {
            Turn::Challenge(text) => {
                self.reply("+ ", &text);
                self.pending = Pending::Response(exchange);
            }
            Turn::Ask(ask) => self.ask(Ask::Login(ask), Pending::Login(Some(exchange))),
            Turn::Accepted => self.ask(Ask::Open, Pending::Open),
            Turn::Failed(failure) => {
                self.pending = Pending::Nothing;
                self.login_failed(&format!("[AUTH] {}", failure.text()));
            }
        }
    }

    fn login_failed(&mut self, text: &str) {
        self.err(text);
        self.login_failures += 1;
        if self.login_failures >= LOGIN_FAILURES_MAX {
            self.close();
        }
    }

    fn stls(&mut self) {
        match (self.secured.is_some(), self.options.tls_available) {
            (true, _) => self.mistake("TLS is on already"),
            (false, false) => self.mistake("TLS is not to be had here"),
            (false, true) => {
                self.ok("begin TLS");
                self.next = Some(Next::StartTls);
            }
        }
    }

    fn capa(&mut self) {
        self.ok("capabilities follow");
        let logged_in = self.state.stage() == Stage::Transaction;
        let tls = self.secured.is_some();
        let (cleartext, binding) = (self.cleartext(), self.binding());
        for line in capabilities(&self.options, cleartext, tls, &binding, logged_in) {
            self.line(&[&line]);
        }
        self.line(&["."]);
    }

    fn maildrop(&mut self) -> Option<&mut Maildrop> {
        match &mut self.state {
            State::Transaction(maildrop) => Some(maildrop),
            State::Authorization { .. } | State::Closing => None,
        }
    }

    fn counts(&mut self) -> (u64, u64) {
        self.maildrop().map_or((0, 0), |m| {
            (u64::from(m.count) - m.marked.numbers.len(), m.size - m.marked.size)
        })
    }

    fn stat(&mut self) {
        let (count, size) = self.counts();
        self.ok(&format!("{count} {size}"));
    }

    /// Is there such a message? If not, says so.
    fn checked(&mut self, number: u32) -> bool {
        let Some(maildrop) = self.maildrop() else { return false };
        if maildrop.has(number) {
            return true;
        }
        let text = match (number, maildrop.count) {
            (n, count) if n >= 1 && n <= count => format!("message {n} is marked as deleted"),
            (_, 0) => "no such message, the mailbox is empty".to_string(),
            (_, count) => format!("no such message, expected 1 to {count}"),
        };
        self.err(&text);
        false
    }

    fn listing(&mut self, listing: Listing, number: Option<u32>) {
        let (from, only) = match number {
            Some(number) if !self.checked(number) => return,
            Some(number) => (number, true),
            None => (1, false),
        };
        if !only {
            let (count, size) = self.counts();
            match listing {
                Listing::Sizes => self.ok(&format!("{count} messages ({size} octets)")),
                Listing::UniqueIds => self.ok("unique ids follow"),
            }
        }
        self.list_from(listing, from, only);
    }

    fn list_from(&mut self, listing: Listing, from: u32, only: bool) {
        let count_max = if only { 1 } else { LISTING_PAGE };
        let pending = Pending::Listing { listing, next: from, only };
        self.ask(Ask::List { from, count_max, listing }, pending);
    }

    fn listed(&mut self, listing: Listing, next: u32, only: bool, entries: &[Entry]) {
        if only {
            match entries.first() {
                Some(entry) => self.entry("+OK ", next, entry),
                None => self.err("[SYS/TEMP] the message cannot be listed"),
            }
            return;
        }
        let mut number = next;
        for entry in entries {
            if self.maildrop().is_some_and(|m| m.has(number)) {
                self.entry("", number, entry);
            }
            number += 1;
        }
        if entries.is_empty() || self.maildrop().is_none_or(|m| number > m.count) {
            return self.line(&["."]);
        }
        self.list_from(listing, number, false);
    }

    fn entry(&mut self, status: &str, number: u32, entry: &Entry) {
        let number = number.to_string();
        match entry {
            Entry::Size(size) => self.line(&[status, &number, " ", &size.to_string()]),
            Entry::UniqueId(id) => self.line(&[status, &number, " ", id]),
        }
    }

    fn retrieve(&mut self, number: u32, lines: Option<u64>) {
        if self.checked(number) {
            let retrieval = Retrieval::new(number, lines);
            self.ask(Ask::Size(number), Pending::RetrievalSize(retrieval));
        }
    }

    fn read_on(&mut self, retrieval: Retrieval) {
        let ask = Ask::Read { number: retrieval.number, offset: retrieval.offset };
        self.ask(ask, Pending::Retrieval(retrieval));
    }

    fn rset(&mut self) {
        if let Some(maildrop) = self.maildrop() {
            maildrop.marked = Marked::default();
        }
        let (count, size) = self.counts();
        self.ok(&format!("{count} messages ({size} octets)"));
    }

    fn quit(&mut self) {
        let marked = self.maildrop().map(|m| std::mem::take(&mut m.marked.numbers));
        match marked {
            Some(numbers) if !numbers.is_empty() => {
                self.ask(Ask::Remove(numbers), Pending::Removal);
            }
            _ => self.bye(),
        }
    }

    fn bye(&mut self) {
        self.ok("good-bye");
        self.close();
    }

    fn accept(&mut self, answer: Answer) {
        match (std::mem::replace(&mut self.pending, Pending::Nothing), answer) {
            (Pending::Login(Some(mut exchange)), Answer::Login(answer)) => {
                let turn = exchange.answer(answer);
                self.turn(exchange, turn);
            }
            (Pending::Login(None), Answer::Login(_)) => self.ask(Ask::Open, Pending::Open),
            (Pending::Login(_), Answer::Refused(refusal)) => self.login_failed(&refused(&refusal)),
            (Pending::Open, Answer::Opened { count, size }) => {
                self.state =
                    State::Transaction(Maildrop { count, size, marked: Marked::default() });
                self.ok(&format!("{count} messages ({size} octets)"));
            }
            (Pending::Listing { listing, next, only }, Answer::Listed(entries)) => {
                self.listed(listing, next, only, &entries);
            }
            (Pending::Mark(number), Answer::Size(size)) => self.mark(number, size),
            (Pending::RetrievalSize(mut retrieval), Answer::Size(size)) => {
                retrieval.size = Some(size);
                self.ok(&format!("{size} octets"));
                self.read_on(retrieval);
            }
            (Pending::Retrieval(retrieval), Answer::Octets(octets)) => {
                self.retrieved(retrieval, &octets);
            }
            (Pending::Removal, Answer::Removed) => self.bye(),
            (Pending::Removal, Answer::Refused(refusal)) => {
                self.err(&format!("{}; nothing was deleted", refused(&refusal)));
                self.close();
            }
            // The status line is out already, and so may be half the answer: hang up, so that the
            // client does not take half for the whole.
            (Pending::Retrieval(_) | Pending::Listing { only: false, .. }, Answer::Refused(_)) => {
                self.close();
            }
            // The account was disabled or removed meanwhile, or its password replaced.
            (_, Answer::Refused(Refusal::LoginFailed)) => {
                self.shut_out();
            }
            (_, Answer::Refused(refusal)) => self.err(&refused(&refusal)),
            (_, answer) => out_of_order(&answer),
        }
    }

    /// Marked messages stay.
    fn shut_out(&mut self) {
        self.err("[AUTH] the account may no longer log in, or its password was changed");
        self.close();
    }

    fn mark(&mut self, number: u32, size: u64) {
        if let Some(maildrop) = self.maildrop() {
            maildrop.marked.numbers.insert(number);
            maildrop.marked.size += size;
        }
        self.ok(&format!("message {number} marked, goes at QUIT"));
    }

    fn retrieved(&mut self, mut retrieval: Retrieval, octets: &[u8]) {
        let enough = octets.is_empty()
            || retrieval.feed(octets, &mut self.out)
            || retrieval.size.is_some_and(|size| retrieval.offset >= size);
        match enough {
            true => retrieval.end(&mut self.out),
            false => self.read_on(retrieval),
        }
    }
}

impl Session for Pop3Server {
    type Ask = Ask;
    type Answer = Answer;
    /// Bodies go out dot-stuffed, hence never as they are stored.
    type Stretch = std::convert::Infallible;

    fn input(&mut self, bytes: &[u8]) {
        self.heard_at = None;
        self.input.extend(bytes);
    }

    fn answer(&mut self, answer: Answer) {
        self.accept(answer);
    }

    fn news(&mut self, news: News) {
        match news {
            News::Changed => {}
            News::ShuttingDown => {
                // Marked messages stay: only QUIT removes them (RFC 1939 §6).
                self.err("[SYS/TEMP] the server is going down");
                self.close();
            }
            News::ShutOut => self.shut_out(),
        }
    }

    fn secured(&mut self, secured: Secured) {
        self.input.clear();
        self.secured = Some(secured);
        self.state = State::Authorization { user: None };
        self.pending = Pending::Nothing;
    }

    fn step(&mut self, now: Instant) -> Step<Ask, Self::Stretch> {
        if !self.greeted {
            self.greeted = true;
            let greeting = format!("{} POP3 server ready", self.options.host_name);
            self.ok(&greeting);
        }
        let until = self.until(now);
        if now >= until && self.next.is_none() {
            self.err("[SYS/TEMP] nothing heard for too long, good-bye");
            self.close();
        }
        while self.next.is_none() && self.out.len() < SEND_SIZE && self.take_line() {}
        // Replies before a question go out with what the question brings, unless they are many.
        let gather = matches!(self.next, Some(Next::Ask(_))) && self.out.len() < SEND_SIZE;
        if !self.out.is_empty() && !gather {
            return Step::Send(std::mem::replace(&mut self.out, std::mem::take(&mut self.spare)));
        }
        match self.next.take() {
            Some(Next::Ask(ask)) => Step::Ask(ask),
            Some(Next::StartTls) => Step::StartTls,
            Some(Next::Close) => Step::Close,
            None => Step::Wait { until },
        }
    }

    fn give_back(&mut self, mut buffer: Vec<u8>) {
        // A large one is not worth keeping for a session that may sleep next.
        if buffer.capacity() <= 4 * SEND_SIZE {
            buffer.clear();
            self.spare = buffer;
        }
    }

    fn last_words(&self) -> Vec<u8> {
        b"-ERR [SYS/TEMP] internal fault, nothing was deleted\r\n".to_vec()
    }
}
