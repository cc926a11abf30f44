//! How a talk of the client with a server is written:
//!
//! ```text
//! # what it shows
//! O: lmtp tls=required login=ana:secret cleartext     how the client is told to be
//! S: 220 mx.example ESMTP                             the server says
//! C: EHLO client.example                              the client sends
//! M: <a@x> to <b@y> NOTIFY=NEVER, <c@y> with SIZE=3   a transaction is begun when the client is ready
//! D: text                                             a line of its message; `D.` ends it
//! R: ready                                            what the client tells its caller
//! T: 5m                                               time passes
//! X: reset by peer                                    the connection ends
//! Q:                                                  the session is ended
//! ```

use proto_sasl::client::Credentials;
use proto_smtp::client::{
    Client, ClientOptions, Fate, Login, Mode, Recipient, Step, Tls, Transaction,
};
use proto_smtp::{BodyType, Cleartext, Notify, OriginalRecipient, Ret};
use std::time::{Duration, Instant};
use words_mail::{Address, ForwardPath, ReversePath};

/// Plays a talk and writes it as it went.
pub fn play(text: &str) -> String {
    let options = text.lines().find_map(|line| line.strip_prefix("O:")).unwrap_or_default();
    let mut player = Player {
        client: Client::new(read_options(options)),
        now: Instant::now(),
        went: String::new(),
        closed: false,
    };
    if options.contains("implicit") {
        player.client.secured(Some([7; 32]));
    }
    player.run();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let (kind, rest) = line.split_at(line.len().min(2));
        if matches!(kind, "C:" | "R:") {
            continue;
        }
        player.went += &format!("{line}\n");
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        match kind {
            "S:" => player.client.input(&unescape(rest)),
            "M:" => player.client.begin(read_transaction(rest)),
            "D:" => player.client.body(&unescape(rest)),
            "D." => player.client.body_end(),
            "D!" => player.client.body_broken(),
            "T:" => player.now += span(rest),
            "X:" => player.client.closed(rest),
            "Q:" => player.client.quit(),
            "# " | "O:" => continue,
            _ => panic!("what is {line:?}?"),
        }
        // What the server says at once comes at once.
        if kind == "S:" && lines.peek().is_some_and(|next| next.starts_with("S:")) {
            continue;
        }
        player.run();
    }
    player.went
}

struct Player {
    client: Client,
    now: Instant,
    went: String,
    closed: bool,
}

impl Player {
    fn run(&mut self) {
        while !self.closed {
            let told = match self.client.step(self.now) {
                Step::Send(octets) => {
                    for line in octets.split_inclusive(|b| *b == b'\n') {
                        self.went += &format!("C: {}\n", escape(line));
                    }
                    continue;
                }
                Step::Wait { .. } => return,
                Step::StartTls => {
                    self.went += "R: start TLS\n";
                    self.client.secured(None);
                    continue;
                }
                Step::Ready => "ready".to_string(),
                Step::NeedBody => "need body".to_string(),
                Step::Done(outcome) => {
                    for (i, fate) in outcome.recipients.iter().enumerate() {
                        self.went += &format!("R: {i}: {}\n", show(fate));
                    }
                    format!("done, DSN {:?}", outcome.dsn)
                }
                Step::Failed(fate) => format!("failed: {}", show(&fate)),
                Step::Closed => "closed".to_string(),
            };
            self.closed = told == "closed";
            self.went += &format!("R: {told}\n");
            if matches!(told.as_str(), "ready" | "need body") {
                return;
            }
        }
    }
}

fn show(fate: &Fate) -> String {
    let kind = match (fate.is_delivered(), fate.is_permanent(), fate.is_unknown()) {
        (true, false, false) => "delivered",
        (false, true, false) => "permanent",
        (false, false, true) => "unknown",
        (false, false, false) => "temporary",
        contradiction => panic!("{fate:?}: {contradiction:?}"),
    };
    format!("{kind}: {fate}")
}

fn read_options(text: &str) -> ClientOptions {
    let mut options = ClientOptions::new("client.example");
    let mut cleartext = Cleartext::Refused;
    let mut credentials = None;
    for word in text.split_whitespace() {
        match word.split_once('=').unwrap_or((word, "")) {
            ("lmtp", _) => options.mode = Mode::Lmtp,
            ("implicit", _) => {}
            ("tls", "never") => options.tls = Tls::Never,
            ("tls", "required") => options.tls = Tls::Required,
            ("cleartext", _) => cleartext = Cleartext::Allowed,
            ("login", who) => {
                let (name, password) = who.split_once(':').expect("name:password");
                credentials = Some(Credentials::password(name, password.into()));
            }
            ("token", who) => {
                let (name, token) = who.split_once(':').expect("name:token");
                credentials = Some(Credentials::token(name, token.into()));
            }
            other => panic!("what is {other:?}?"),
        }
    }
    let login = |credentials| Login { credentials, cleartext, nonce: [1; 18] };
    options.login = credentials.map(login);
    options
}

fn read_transaction(text: &str) -> Transaction {
    let (text, with) = text.split_once(" with ").unwrap_or((text, ""));
    let (from, to) = text.split_once(" to ").expect("<from> to <recipient>, <recipient>");
    let path = |text: &str| {
        let inner = text.strip_prefix('<').and_then(|t| t.strip_suffix('>')).expect("<path>");
        (!inner.is_empty()).then(|| Address::parse(inner).expect("an address"))
    };
    let recipients = to.split(", ").map(|recipient| {
        let mut words = recipient.split(' ');
        let address = match path(words.next().expect("a path")) {
            Some(address) => ForwardPath::Address(address),
            None => ForwardPath::Postmaster,
        };
        let mut read = Recipient { address, notify: Notify::Unsaid, orcpt: None };
        for word in words {
            match word.split_once('=').expect("keyword=value") {
                ("NOTIFY", value) => read.notify = Notify::parse(value).expect("a notify"),
                ("ORCPT", value) => read.orcpt = OriginalRecipient::parse(value),
                other => panic!("what is {other:?}?"),
            }
        }
        read
    });
    let mut transaction = Transaction::new(ReversePath(path(from)), recipients.collect());
    for word in with.split_whitespace() {
        match word.split_once('=').unwrap_or((word, "")) {
            ("SIZE", value) => transaction.size = Some(value.parse().expect("a size")),
            ("8BITMIME", _) => transaction.body = BodyType::EightBitMime,
            ("BINARYMIME", _) => transaction.body = BodyType::BinaryMime,
            ("SMTPUTF8", _) => transaction.smtputf8 = true,
            ("REQUIRETLS", _) => transaction.requiretls = true,
            ("RET", "FULL") => transaction.ret = Some(Ret::Full),
            ("RET", "HDRS") => transaction.ret = Some(Ret::Headers),
            ("ENVID", value) => transaction.envid = Some(value.to_string()),
            other => panic!("what is {other:?}?"),
        }
    }
    transaction
}

fn span(text: &str) -> Duration {
    let (number, unit) = text.split_at(text.len() - 1);
    let number: u64 = number.parse().expect("a number");
    Duration::from_secs(if unit == "m" { number * 60 } else { number })
}

/// A line as talks show it: its CRLF gone, other odd octets escaped, `\c` if it has no end.
fn escape(line: &[u8]) -> String {
    let (line, end) = match line.strip_suffix(b"\r\n") {
        Some(line) => (line, ""),
        None => (line, "\\c"),
    };
    line.escape_ascii().to_string() + end
}

fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        match b {
            b'\\' => match bytes.next() {
                Some(b'r') => out.push(b'\r'),
                Some(b'n') => out.push(b'\n'),
                Some(b'c') => return out,
                other => panic!("unknown escape {other:?} in {text:?}"),
            },
            b => out.push(b),
        }
    }
    out.extend_from_slice(b"\r\n");
    out
}
