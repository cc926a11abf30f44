//! What no bytes of a stranger may do: depend on how they are cut, panic, or take memory.

use proto_line::{Secured, Session, Step};
use proto_smtp::{
    Answer, Ask, Cleartext, Finished, Mode, Options, Peer, SmtpSession, Standing, StartTls, reply,
};
use std::sync::Arc;
use std::time::Instant;
use words_mail::EnhancedStatus;

/// Everything that a session has said and asked, in order.
#[derive(Default, PartialEq, Debug)]
struct Record {
    sent: Vec<u8>,
    body: Vec<u8>,
    asked: Vec<String>,
    /// Largest piece handed to the desk.
    piece_max: usize,
    closed: bool,
}

struct Driver {
    session: SmtpSession,
    now: Instant,
    record: Record,
    /// Keep the body's octets, or only count them.
    keep: bool,
}

impl Driver {
    fn new(mode: Mode, standing: Standing, size_max: u64) -> Driver {
        let mut options = Options::new("mail.mired.org", mode);
        options.starttls = StartTls::Offered;
        options.size_max = size_max;
        let peer = Peer { standing, cleartext: Cleartext::Allowed };
        let session = SmtpSession::new(Arc::new(options), peer);
        Driver { session, now: Instant::now(), record: Record::default(), keep: true }
    }

    fn input(&mut self, bytes: &[u8]) {
        self.session.input(bytes);
        self.run();
    }

    fn run(&mut self) {
        while !self.record.closed {
            match self.session.step(self.now) {
                Step::Send(bytes) => {
                    self.record.sent.extend_from_slice(&bytes);
                    self.session.give_back(bytes);
                }
                Step::Ask(ask) => {
                    let answer = self.answer(ask);
                    self.session.answer(answer);
                }
                Step::Stream(never) => match never {},
                Step::Wait { .. } => return,
                Step::StartTls => {
                    let cipher = "TLS13_AES_256_GCM_SHA384".to_string();
                    let secured = Secured { version: "TLS1.3", cipher, exporter: None };
                    self.session.secured(secured);
                }
                Step::Close => self.record.closed = true,
            }
        }
    }

    fn answer(&mut self, ask: Ask) -> Answer {
        match ask {
            Ask::Write(octets) => {
                assert!(!octets.is_empty());
                self.record.piece_max = self.record.piece_max.max(octets.len());
                if self.keep {
                    self.record.body.extend_from_slice(&octets);
                }
                return Answer::Accepted;
            }
            ask => self.record.asked.push(format!("{ask:?}")),
        }
        let last = self.record.asked.last().map(String::as_str).unwrap_or_default();
        match last {
            "Finish" => {
                let text = "delivered";
                Answer::Finished(Finished::All(reply(250, EnhancedStatus(2, 0, 0), text)))
            }
            last if last.starts_with("Login(Keys") => {
                Answer::Refused(reply(535, EnhancedStatus(5, 7, 8), "no"))
            }
            last if last.starts_with("Login") => Answer::Login(proto_sasl::Answer::Accepted),
            last if last.contains("nobody") => {
                Answer::Refused(reply(550, EnhancedStatus(5, 1, 1), "no such recipient here"))
            }
            _ => Answer::Accepted,
        }
    }
}

/// xorshift: the same numbers on every machine.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below as u64) as usize
    }
}

const SESSION: &[u8] = b"EHLO client.example\r\nNOOP\nBOGUS\r\nAUTH LOGIN dXNlcg==\r\ncGFzcw==\r\n\
    MAIL FROM:<a@x.org> SIZE=100\r\nRCPT TO:<bob@mired.org>\r\nRCPT TO:<nobody@mired.org>\r\nDATA\r\n\
    Subject: x\r\n\r\n..stuffed\r\nbare\n.\nlf\r\r\n.\r\r\n.x\r\n.\r\n\
    MAIL FROM:<>\r\nRCPT TO:<bob@mired.org>\r\nBDAT 6\r\na\r\n.\r\nBDAT 3 LAST\r\n\r\n\r\
    RSET\r\nMAIL FROM:<>\r\nRCPT TO:<bob@mired.org>\r\nBDAT 6\r\na\r\n.\r\nRSET\r\nVRFY x\r\nQUIT\r\nNOOP\r\n";

#[test]
fn bytes_cut_anywhere_give_the_same_session() {
    let play = |pieces: &[&[u8]]| {
        let mut driver = Driver::new(Mode::Relay, Standing::Trusted, 1000);
        driver.run();
        pieces.iter().for_each(|piece| driver.input(piece));
        // A peer that sends everything at once gets larger pieces written.
        Record { piece_max: 0, ..driver.record }
    };
    let whole = play(&[SESSION]);
    assert!(whole.closed && whole.asked.iter().filter(|a| *a == "Finish").count() == 2);
    assert_eq!(
        whole.body,
        b"Subject: x\r\n\r\n.stuffed\r\nbare\r\n.\r\nlf\r\n\r\n.\r\n\r\nx\r\na\r\n.\r\n\r\n\r\n"
    );
    let octets: Vec<&[u8]> = SESSION.chunks(1).collect();
    assert_eq!(play(&octets), whole);
    for cut in 0..SESSION.len() {
        assert_eq!(play(&[&SESSION[..cut], &SESSION[cut..]]), whole, "cut at {cut}");
    }
}

#[test]
fn random_bytes_never_panic_and_always_are_answered() {
    let words: Vec<&[u8]> = [
        "EHLO a\r\n",
        "LHLO a\r\n",
        "HELO",
        "MAIL FROM:<a@b>",
        " SIZE=1",
        " BODY=BINARYMIME",
        "\r\n",
        "\n",
        "\r",
        "RCPT TO:<bob@mired.org>\r\n",
        "RCPT TO:<nobody@x>\r\n",
        "DATA\r\n",
        ".\r\n",
        "..",
        "BDAT 5\r\n",
        "BDAT 3 LAST\r\n",
        "BDAT ",
        "RSET\r\n",
        "AUTH PLAIN\r\n",
        "AUTH LOGIN =\r\n",
        "*\r\n",
        "AGEAYg==\r\n",
        "STARTTLS\r\n",
        "QUIT\r\n",
        "\0",
        "\u{ff}",
        "<>",
        "hello",
        "VRFY x\r\n",
        "HELP\r\n",
        "NOTIFY=NEVER",
        "AUTH SCRAM-SHA-256 biwsbj11c2VyLHI9YWJjZGVmZ2g=\r\n",
    ]
    .iter()
    .map(|w| w.as_bytes())
    .collect();
    for seed in 1..1500u64 {
        let mut numbers = Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mode = [Mode::Relay, Mode::Submission, Mode::Lmtp][numbers.next(3)];
        let standing = [Standing::Stranger, Standing::Trusted][numbers.next(2)];
        let mut driver = Driver::new(mode, standing, 64);
        for _ in 0..60 {
            match numbers.next(8) {
                0 => {
                    let len = numbers.next(40);
                    let noise: Vec<u8> = (0..len).map(|_| numbers.next(256) as u8).collect();
                    driver.input(&noise);
                }
                _ => driver.input(words[numbers.next(words.len())]),
            }
        }
        let sent = &driver.record.sent;
        assert!(sent.ends_with(b"\r\n"), "seed {seed}");
        for line in sent.split_inclusive(|b| *b == b'\n') {
            let digits = line.iter().take(3).all(u8::is_ascii_digit);
            assert!(digits && line.ends_with(b"\r\n"), "seed {seed}: {}", line.escape_ascii());
        }
    }
}

fn begun(size_max: u64, body: &str) -> Driver {
    let mut driver = Driver::new(Mode::Relay, Standing::Stranger, size_max);
    driver.keep = false;
    driver.run();
    driver.input(b"EHLO client.example\r\n");
    driver.input(format!("MAIL FROM:<a@x.org>{body}\r\nRCPT TO:<bob@mired.org>\r\n").as_bytes());
    driver
}

#[test]
fn a_small_message_is_one_write() {
    let mut driver = begun(50 << 20, "");
    driver.input(b"DATA\r\n");
    let line = [&[b'x'; 76][..], b"\r\n"].concat();
    line.repeat(52).chunks(1400).for_each(|segment| driver.input(segment));
    assert_eq!(driver.record.piece_max, 0);
    driver.input(b".\r\n");
    assert_eq!(driver.record.piece_max, 52 * 78);
}

#[test]
fn a_line_of_a_hundred_megabytes_streams_through() {
    let mut driver = begun(200 << 20, "");
    driver.input(b"DATA\r\n");
    let piece = vec![b'x'; 16 * 1024];
    for _ in 0..6400 {
        driver.input(&piece);
    }
    driver.input(b"\r\n.\r\n");
    assert!(driver.record.sent.ends_with(b"250 2.0.0 delivered\r\n"));
    assert!(driver.record.piece_max <= 64 * 1024);
}

#[test]
fn a_million_tiny_chunks_are_refused_and_few_writes_made() {
    let mut driver = begun(50 << 20, " BODY=BINARYMIME");
    for _ in 0..1_000_000 {
        driver.input(b"BDAT 1\r\nx");
    }
    assert!(driver.record.closed);
    assert_eq!(
        driver.record.piece_max, 0,
        "a coalesced piece went out before the message was refused"
    );
    assert!(driver.record.sent.len() < 1 << 20);
}

#[test]
fn tiny_chunks_within_the_limit_are_written_together() {
    let mut driver = begun(50 << 20, " BODY=BINARYMIME");
    for _ in 0..5000 {
        driver.input(b"BDAT 1\r\nx");
    }
    driver.input(b"BDAT 0 LAST\r\n");
    assert!(driver.record.sent.ends_with(b"250 2.0.0 delivered\r\n"));
    assert_eq!(driver.record.piece_max, 5000);
}

#[test]
fn more_than_the_chunks_of_one_message_are_refused() {
    let mut options = Options::new("mail.mired.org", Mode::Relay);
    options.commands_max = 1_000_000;
    options.errors_max = 3;
    let peer = Peer { standing: Standing::Trusted, cleartext: Cleartext::Allowed };
    let mut driver = begun(1, "");
    driver.record = Record::default();
    driver.session = SmtpSession::new(Arc::new(options), peer);
    driver.input(b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<bob@mired.org>\r\n");
    for _ in 0..10_001 {
        driver.input(b"BDAT 1\r\nx");
    }
    assert!(driver.record.sent.ends_with(b"552 5.3.4 more than 10000 chunks in one message\r\n"));
    assert_eq!(driver.record.asked.last().map(String::as_str), Some("Abort"));
    driver.input(b"BDAT 1\r\nxBDAT 1\r\nx");
    assert!(driver.record.closed);
}

#[test]
fn a_stranger_who_talks_before_the_greeting_is_sent_away() {
    let mut driver = Driver::new(Mode::Relay, Standing::Stranger, 1000);
    driver.input(b"EHLO client.example\r\n");
    assert_eq!(driver.record.sent, b"554 5.5.0 wait for the greeting\r\n");
    assert!(driver.record.closed);
}

#[test]
fn last_words_are_a_temporary_failure() {
    let driver = Driver::new(Mode::Relay, Standing::Stranger, 1000);
    assert!(driver.session.last_words().starts_with(b"421 4.3.0 "));
}
