//! The client talks with our own server in memory, with every combination of what can be offered.

use proto_line::{Secured, Session, Step as ServerStep};
use proto_sasl::client::Credentials;
use proto_smtp::client::{
    self, Client, ClientOptions, Fate, Login, Outcome, Recipient, Stage, Step, Transaction,
};
use proto_smtp::{
    Answer, Ask, BodyType, Cleartext, Dsn, Finished, Mode, Notify, Options, OriginalRecipient,
    Peer, RequireTls, Ret, SmtpSession, Standing, StartTls, reply,
};
use std::sync::Arc;
use std::time::Instant;
use words_mail::{Address, EnhancedStatus, ReversePath};

const EXPORTER: [u8; 32] = [7; 32];

/// What the server's core has been told.
#[derive(Default)]
struct Office {
    body: Vec<u8>,
    recipients: usize,
    asked: Vec<String>,
    kept: Vec<Vec<u8>>,
    logins: usize,
}

impl Office {
    fn answer(&mut self, ask: Ask, mode: Mode) -> Answer {
        match ask {
            Ask::Login(proto_sasl::Ask::Keys { .. }) => {
                // Nobody is known by SCRAM here; the client tries what else was offered.
                return Answer::Refused(reply(534, EnhancedStatus(5, 7, 9), "not for you"));
            }
            Ask::Login(_) => {
                self.logins += 1;
                return Answer::Login(proto_sasl::Answer::Accepted);
            }
            Ask::Sender(sender) => {
                self.recipients = 0;
                self.asked.push(format!("{} {:?}", sender.reverse_path, sender.parameters));
            }
            Ask::Recipient(recipient) => {
                let text = format!("{} {:?}", recipient.forward_path, recipient.parameters);
                if text.contains("nobody") {
                    let text = "nobody of that name";
                    return Answer::Refused(reply(550, EnhancedStatus(5, 1, 1), text));
                }
                self.asked.push(text);
                self.recipients += 1;
            }
            Ask::Come | Ask::SpokeEarly => {}
            Ask::Begin => self.body.clear(),
            Ask::Write(octets) => self.body.extend_from_slice(&octets),
            Ask::Abort => self.body.clear(),
            Ask::Finish => {
                self.kept.push(std::mem::take(&mut self.body));
                let yes = reply(250, EnhancedStatus(2, 0, 0), "kept");
                return Answer::Finished(match mode {
                    Mode::Lmtp => Finished::Each(vec![yes; self.recipients]),
                    Mode::Relay | Mode::Submission => Finished::All(yes),
                });
            }
        }
        Answer::Accepted
    }
}

/// Two machines, and a wire between them that loses what is not offered.
struct Talk {
    client: Client,
    server: SmtpSession,
    office: Office,
    mode: Mode,
    now: Instant,
    /// Keywords that the server does not offer after all.
    hidden: Vec<&'static str>,
    /// Has the server hung up?
    closed: bool,
    log: String,
}

impl Talk {
    fn new(mode: Mode, options: ClientOptions, hidden: Vec<&'static str>) -> Talk {
        let mut server = Options::new("mail.mired.org", mode);
        server.starttls = StartTls::Offered;
        server.dsn = Dsn::Offered;
        server.requiretls = RequireTls::Offered;
        let peer = Peer { standing: Standing::Stranger, cleartext: Cleartext::Refused };
        Talk {
            client: Client::new(options),
            server: SmtpSession::new(Arc::new(server), peer),
            office: Office::default(),
            mode,
            now: Instant::now(),
            hidden,
            closed: false,
            log: String::new(),
        }
    }

    /// Lets the server say all it has to say; the reply to EHLO without what is hidden.
    fn serve(&mut self) {
        loop {
            match self.server.step(self.now) {
                ServerStep::Send(octets) => {
                    let text = String::from_utf8(octets).unwrap();
                    let ehlo = text.contains("ENHANCEDSTATUSCODES\r\n");
                    let lines = text.split_inclusive('\n').filter(|line| {
                        let keyword = line.get(4..).unwrap_or_default();
                        !ehlo || !self.hidden.iter().any(|hidden| keyword.starts_with(hidden))
                    });
                    let mut text: String = lines.collect();
                    if ehlo {
                        // The last of those that are left ends the reply.
                        let last = text.trim_end().rfind('\n').map_or(0, |at| at + 1);
                        text.replace_range(last + 3..last + 4, " ");
                    }
                    self.log += &text;
                    self.client.input(text.as_bytes());
                }
                ServerStep::Ask(ask) => {
                    let answer = self.office.answer(ask, self.mode);
                    self.server.answer(answer);
                }
                ServerStep::Stream(never) => match never {},
                // Both sides begin with TLS at once, when the client does.
                ServerStep::Wait { .. } | ServerStep::StartTls => return,
                ServerStep::Close => {
                    self.closed = true;
                    return self.client.closed("");
                }
            }
        }
    }

    /// Goes on until the client is ready, or done with a transaction.
    fn run(&mut self, body: &[u8]) -> Step {
        loop {
            match self.client.step(self.now) {
                Step::Send(octets) => {
                    self.log += &String::from_utf8_lossy(&octets);
                    self.server.input(&octets);
                }
                Step::Wait { .. } => {
                    let before = self.log.len();
                    self.serve();
                    let moved = self.log.len() > before || self.closed;
                    assert!(moved, "both wait:\n{}", self.log);
                }
                Step::StartTls => {
                    self.server.secured(Secured {
                        version: "TLS1.3",
                        cipher: "TLS13_AES_256_GCM_SHA384".to_string(),
                        exporter: Some(EXPORTER),
                    });
                    self.client.secured(Some(EXPORTER));
                }
                Step::NeedBody => {
                    body.chunks(1000).for_each(|piece| self.client.body(piece));
                    self.client.body_end();
                }
                other => return other,
            }
        }
    }

    fn send(&mut self, transaction: Transaction, body: &[u8]) -> Outcome {
        self.client.begin(transaction);
        match self.run(body) {
            Step::Done(outcome) => outcome,
            other => panic!("{other:?}\n{}", self.log),
        }
    }
}

fn recipient(address: &str) -> Recipient {
    Recipient::new(Address::parse(address).unwrap())
}

fn transaction(to: &[&str]) -> Transaction {
    let from = ReversePath(Some(Address::parse("ana@exterior.test").unwrap()));
    Transaction::new(from, to.iter().map(|address| recipient(address)).collect())
}

fn options(mode: client::Mode) -> ClientOptions {
    let mut options = ClientOptions::new("client.example");
    options.mode = mode;
    options
}

/// Longer than a chunk, with dots where they matter.
fn message() -> Vec<u8> {
    let mut text = b"Subject: hola\r\n\r\n.\r\n..\r\n".to_vec();
    for line in 0..3000 {
        text.extend_from_slice(format!(".{line} and some words behind a dot\r\n").as_bytes());
    }
    text
}

const KEYWORDS: [&str; 5] = ["PIPELINING", "CHUNKING", "DSN", "SIZE", "STARTTLS"];

#[test]
fn every_combination_of_extensions_carries_the_same_message() {
    let message = message();
    for (mode, own) in [(Mode::Relay, client::Mode::Smtp), (Mode::Lmtp, client::Mode::Lmtp)] {
        for bits in 0..1 << KEYWORDS.len() {
            let hidden: Vec<_> =
                (0..KEYWORDS.len()).filter(|i| bits >> i & 1 == 1).map(|i| KEYWORDS[i]).collect();
            let mut talk = Talk::new(mode, options(own), hidden.clone());
            assert_eq!(talk.run(b""), Step::Ready, "{}", talk.log);
            assert_eq!(talk.client.is_secured(), !hidden.contains(&"STARTTLS"));

            let mut with = transaction(&["bob@mired.org", "nobody@mired.org", "eva@mired.org"]);
            with.size = Some(message.len() as u64);
            with.ret = Some(Ret::Headers);
            with.envid = Some("a+b".to_string());
            with.recipients[0].notify = Notify::parse("SUCCESS").unwrap();
            with.recipients[2].orcpt = OriginalRecipient::parse("rfc822;x@y.org");
            let outcome = talk.send(with, &message);
            let delivered: Vec<bool> = outcome.recipients.iter().map(Fate::is_delivered).collect();
            assert_eq!(delivered, [true, false, true], "{hidden:?}\n{}", talk.log);
            assert!(outcome.recipients[1].is_permanent());
            let asked = talk.office.asked.join("\n");
            let dsn = !hidden.contains(&"DSN");
            for text in ["ret: Some(Headers)", "envid: Some(\"a+b\")", "success: true", "x@y.org"] {
                assert_eq!(asked.contains(text), dsn, "{text} {hidden:?} {asked}");
            }
            assert_eq!(outcome.dsn == client::Dsn::Passed, dsn);
            assert_eq!(
                asked.contains(&format!("size: Some({})", message.len())),
                !hidden.contains(&"SIZE")
            );

            // Nobody takes the second; the third goes over the same connection.
            let refused = talk.send(transaction(&["nobody@mired.org"]), &message);
            assert!(refused.recipients[0].is_permanent(), "{hidden:?}\n{}", talk.log);
            let third = talk.send(transaction(&["bob@mired.org"]), b"Subject: 3\n\n.\nend");
            assert!(third.recipients[0].is_delivered(), "{hidden:?}\n{}", talk.log);
            assert_eq!(talk.office.kept[0], message, "{hidden:?}");
            assert_eq!(talk.office.kept.last().unwrap(), b"Subject: 3\r\n\r\n.\r\nend\r\n");
            assert_eq!(talk.run(b""), Step::Ready);
            talk.client.quit();
            assert_eq!(talk.run(b""), Step::Closed);
        }
    }
}

#[test]
fn what_was_promised_for_the_whole_way_is_promised_on() {
    let mut talk = Talk::new(Mode::Relay, options(client::Mode::Smtp), Vec::new());
    assert_eq!(talk.run(b""), Step::Ready);
    let mut with = transaction(&["ñ@mired.org"]);
    with.requiretls = true;
    with.body = BodyType::BinaryMime;
    let outcome = talk.send(with, b"Subject: x\n\n\0\xff\r");
    assert!(outcome.recipients[0].is_delivered(), "{}", talk.log);
    let asked = &talk.office.asked[0];
    assert!(asked.contains("requiretls: true") && asked.contains("smtputf8: true"), "{asked}");
    assert_eq!(talk.office.kept, [b"Subject: x\n\n\0\xff\r"]);
}

#[test]
fn what_our_server_does_not_offer_is_not_sent() {
    let hidden = vec!["SMTPUTF8", "REQUIRETLS", "8BITMIME", "BINARYMIME"];
    let mut talk = Talk::new(Mode::Relay, options(client::Mode::Smtp), hidden);
    assert_eq!(talk.run(b""), Step::Ready);
    let before = talk.log.len();
    let plain = || transaction(&["bob@mired.org"]);
    for with in [
        transaction(&["ñ@mired.org"]),
        Transaction { requiretls: true, ..plain() },
        Transaction { body: BodyType::EightBitMime, ..plain() },
        Transaction { body: BodyType::BinaryMime, ..plain() },
        Transaction { size: Some(1 << 40), ..plain() },
    ] {
        let outcome = talk.send(with.clone(), b"");
        assert!(matches!(outcome.recipients[..], [Fate::NotOffered(_)]), "{with:?} {outcome:?}");
    }
    assert_eq!(&talk.log[before..], "");
    assert!(talk.send(plain(), b"x").recipients[0].is_delivered());
}

#[test]
fn our_server_lets_us_in() {
    let credentials = Credentials::password("ana", b"ana".to_vec());
    let login = Login { credentials, cleartext: Cleartext::Refused, nonce: [1; 18] };
    let with = ClientOptions { login: Some(login), ..options(client::Mode::Smtp) };
    let mut talk = Talk::new(Mode::Submission, with.clone(), vec!["AUTH SCRAM"]);
    // Without TLS nothing but SCRAM is offered, and that was hidden.
    let failed = talk.run(b"");
    assert!(matches!(failed, Step::Failed(Fate::NotOffered(_))), "{failed:?} {}", talk.log);
    // SCRAM is refused by the core for what it is, and PLAIN follows.
    let mut talk = Talk::new(Mode::Submission, with, Vec::new());
    assert_eq!(talk.run(b""), Step::Ready, "{}", talk.log);
    assert!(talk.client.is_logged_in() && talk.office.logins == 1);
}

#[test]
fn a_crowd_is_named_in_groups_that_no_buffer_is_too_small_for() {
    let many: Vec<String> = (0..999).map(|i| format!("somebody{i:04}@mired.org")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let mut talk = Talk::new(Mode::Relay, options(client::Mode::Smtp), Vec::new());
    assert_eq!(talk.run(b""), Step::Ready);
    talk.client.begin(transaction(&many));
    let mut largest = 0;
    let outcome = loop {
        match talk.client.step(talk.now) {
            Step::Send(octets) => {
                largest = largest.max(octets.len());
                talk.server.input(&octets);
            }
            Step::Wait { .. } => talk.serve(),
            Step::NeedBody => talk.client.body_end(),
            Step::Done(outcome) => break outcome,
            other => panic!("{other:?}"),
        }
    };
    assert!(outcome.recipients.iter().all(Fate::is_delivered) && largest < 10_000, "{largest}");
}

#[test]
fn a_server_that_ends_is_told_apart_from_one_that_refuses() {
    let mut talk = Talk::new(Mode::Relay, options(client::Mode::Smtp), Vec::new());
    assert_eq!(talk.run(b""), Step::Ready);
    talk.client.closed("reset by peer");
    let outcome = talk.send(transaction(&["bob@mired.org"]), b"x");
    let [Fate::Lost(lost)] = &outcome.recipients[..] else { panic!("{outcome:?}") };
    assert_eq!(lost.stage, Stage::Mail);
    assert_eq!(talk.run(b""), Step::Closed);
}
