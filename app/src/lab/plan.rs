//! The test plan of the course: what a post office has to do before anybody relies on it, done by
//! talking to it, and told as it was seen on the wire.

use super::talk::{Line, Talk};
use crate::service::Service;
use anyhow::{Result, anyhow, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use words_mail::Domain;

/// How long a message may be on its way.
const ARRIVES_WITHIN: Duration = Duration::from_secs(30);
/// How often it is looked whether it has arrived.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// More than any message may be.
const HUGE: u64 = 4 << 30;

/// A post office that is tried.
#[derive(Clone, Debug)]
pub struct Office {
    /// Whose mail it keeps.
    pub domain: Domain,
    /// Its ports.
    pub addresses: Vec<(Service, SocketAddr)>,
}

impl Office {
    fn at(&self, service: Service) -> Result<SocketAddr> {
        let found = self.addresses.iter().find(|(other, _)| *other == service);
        found.map(|(_, at)| *at).ok_or_else(|| anyhow!("{} has no port for {service}", self.domain))
    }
}

/// Everything that is tried, and who listens to the DNS.
pub struct Lab {
    /// `mired.org`, with ana, bob and full, whose mailbox is full.
    pub home: Office,
    /// `exterior.test`, with eva.
    pub outside: Office,
    /// What the DNS server was asked since the beginning.
    pub asked: Arc<Mutex<Vec<String>>>,
}

/// What came of one test.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was tried.
    pub what: &'static str,
    /// Did it go as it should?
    pub passed: bool,
    /// What was seen, the most telling lines.
    pub seen: Vec<String>,
    /// All that was said.
    pub wire: Vec<Line>,
}

/// What was seen so far.
#[derive(Default)]
struct Seen {
    telling: Vec<String>,
    wire: Vec<Line>,
}

impl Seen {
    fn tell(&mut self, line: impl Into<String>) {
        self.telling.push(line.into());
    }

    fn keep(&mut self, talk: &mut Talk) {
        self.wire.append(&mut talk.lines);
    }
}

/// A message as a person writes it.
struct Letter<'a> {
    office: &'a Office,
    name: &'a str,
    to: String,
    subject: String,
}

impl Lab {
    /// Tries everything, one after the other.
    pub async fn run(&self, mut tell: impl FnMut(&Outcome)) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        macro_rules! test {
            ($what:literal, $test:ident) => {
                let mut seen = Seen::default();
                let result = self.$test(&mut seen).await;
                if let Err(error) = &result {
                    seen.tell(format!("{error:#}"));
                }
                let Seen { telling, wire } = seen;
                let outcome = Outcome { what: $what, passed: result.is_ok(), seen: telling, wire };
                tell(&outcome);
                outcomes.push(outcome);
            };
        }
        test!("local to local", local_to_local);
        test!("local to outside", local_to_outside);
        test!("outside to local", outside_to_local);
        test!("unknown user: the message comes back", unknown_user);
        test!("relaying for a stranger is refused", relay_refused);
        test!("a message too large is refused", too_large);
        test!("a full mailbox takes no more", mailbox_full);
        outcomes
    }

    async fn local_to_local(&self, seen: &mut Seen) -> Result<()> {
        let to = format!("bob@{}", self.home.domain);
        let letter = Letter { office: &self.home, name: "ana", to, subject: subject("local") };
        letter.send(seen).await?;
        arrived(&self.home, "bob", &letter.subject, seen).await.map(drop)
    }

    async fn local_to_outside(&self, seen: &mut Seen) -> Result<()> {
        let to = format!("eva@{}", self.outside.domain);
        let letter = Letter { office: &self.home, name: "ana", to, subject: subject("outside") };
        let before = self.asked().len();
        letter.send(seen).await?;
        let message = arrived(&self.outside, "eva", &letter.subject, seen).await?;
        self.tell_dns(before, &self.outside.domain, seen)?;
        tell_received(&message, seen)
    }

    async fn outside_to_local(&self, seen: &mut Seen) -> Result<()> {
        let to = format!("ana@{}", self.home.domain);
        let letter = Letter { office: &self.outside, name: "eva", to, subject: subject("home") };
        let before = self.asked().len();
        letter.send(seen).await?;
        let message = arrived(&self.home, "ana", &letter.subject, seen).await?;
        self.tell_dns(before, &self.home.domain, seen)?;
        tell_received(&message, seen)?;
        let results = field(&message, "Authentication-Results");
        let results = results.ok_or_else(|| anyhow!("the message was not examined"))?;
        seen.tell(results.clone());
        ensure!(results.contains("spf=pass"), "the sender is not found to be genuine");
        Ok(())
    }

    async fn unknown_user(&self, seen: &mut Seen) -> Result<()> {
        let to = format!("nobody@{}", self.outside.domain);
        let letter = Letter { office: &self.home, name: "ana", to, subject: subject("nobody") };
        letter.send(seen).await?;
        let report = arrived(&self.home, "ana", &letter.to, seen).await?;
        let status = report.iter().find(|line| line.starts_with("Status:"));
        let words = report.iter().find(|line| line.starts_with("Diagnostic-Code:"));
        for line in [status, words].into_iter().flatten() {
            seen.tell(line.clone());
        }
        ensure!(status.is_some_and(|line| line.contains("5.1.1")), "the report does not say why");
        Ok(())
    }

    async fn relay_refused(&self, seen: &mut Seen) -> Result<()> {
        let mut talk = Talk::open(self.home.at(Service::Smtp)?).await?;
        talk.reply().await?;
        talk.ask("EHLO stranger.example").await?;
        talk.ask("MAIL FROM:<mallory@stranger.example>").await?;
        let reply = talk.ask(&format!("RCPT TO:<eva@{}>", self.outside.domain)).await?;
        talk.ask("QUIT").await?;
        seen.keep(&mut talk);
        seen.tell(reply.clone());
        ensure!(reply.starts_with("55"), "it was not refused");
        Ok(())
    }

    async fn too_large(&self, seen: &mut Seen) -> Result<()> {
        let mut talk = Talk::open(self.home.at(Service::Smtp)?).await?;
        talk.reply().await?;
        talk.ask("EHLO mx.exterior.example").await?;
        let reply = talk.ask(&format!("MAIL FROM:<eva@exterior.example> SIZE={HUGE}")).await?;
        talk.ask("QUIT").await?;
        seen.keep(&mut talk);
        seen.tell(reply.clone());
        ensure!(reply.starts_with("552"), "it was not refused");
        Ok(())
    }

    async fn mailbox_full(&self, seen: &mut Seen) -> Result<()> {
        let mut talk = Talk::open(self.home.at(Service::Smtp)?).await?;
        talk.reply().await?;
        talk.ask("EHLO mx.exterior.example").await?;
        talk.ask("MAIL FROM:<eva@exterior.example> SIZE=5000").await?;
        let reply = talk.ask(&format!("RCPT TO:<full@{}>", self.home.domain)).await?;
        talk.ask("QUIT").await?;
        seen.keep(&mut talk);
        seen.tell(reply.clone());
        ensure!(reply.starts_with("452 4.2.2"), "it was not refused for that");
        Ok(())
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells which question for the MX record of `domain` was asked since then, and its answer.
    fn tell_dns(&self, before: usize, domain: &Domain, seen: &mut Seen) -> Result<()> {
        let asked = self.asked();
        let wanted = format!("{domain} MX");
        let since = asked.get(before..).unwrap_or_default();
        // An earlier test may have asked, and the answer still be good.
        let found = since.iter().chain(&asked).find(|line| line.starts_with(&wanted));
        let found = found.ok_or_else(|| anyhow!("nobody asked the DNS for {wanted}"))?;
        seen.tell(format!("DNS: {found}"));
        Ok(())
    }
}

impl Letter<'_> {
    /// Hands it in where people do, with a password.
    async fn send(&self, seen: &mut Seen) -> Result<()> {
        let mut talk = Talk::open(self.office.at(Service::Submission)?).await?;
        let result = self.hand_in(&mut talk).await;
        seen.keep(&mut talk);
        let reply = result?;
        seen.tell(format!("submission: {reply}"));
        ensure!(reply.starts_with("250"), "it was not taken");
        Ok(())
    }

    async fn hand_in(&self, talk: &mut Talk) -> Result<String> {
        let from = format!("{}@{}", self.name, self.office.domain);
        talk.reply().await?;
        talk.ask("EHLO client.example").await?;
        talk.ask("AUTH LOGIN").await?;
        talk.ask(&base64(self.name)).await?;
        // In the lab the password is the name.
        let reply = talk.ask(&base64(self.name)).await?;
        ensure!(reply.starts_with("235"), "{} could not log in: {reply}", self.name);
        talk.ask(&format!("MAIL FROM:<{from}>")).await?;
        let reply = talk.ask(&format!("RCPT TO:<{}>", self.to)).await?;
        ensure!(reply.starts_with("250"), "{} was refused: {reply}", self.to);
        talk.ask("DATA").await?;
        for line in [
            &format!("From: <{from}>"),
            &format!("To: <{}>", self.to),
            &format!("Subject: {}", self.subject),
            "",
            "A test of the post office.",
        ] {
            talk.say(line).await?;
        }
        let reply = talk.ask(".").await?;
        talk.ask("QUIT").await?;
        Ok(reply)
    }
}

/// Waits until `name` has a message that holds `text`, and gives its lines.
async fn arrived(office: &Office, name: &str, text: &str, seen: &mut Seen) -> Result<Vec<String>> {
    let mut talk = Talk::open(office.at(Service::Imap)?).await?;
    talk.hear().await?;
    talk.command(&format!("LOGIN {name} {name}")).await?;
    let until = Instant::now() + ARRIVES_WITHIN;
    loop {
        // What was said in vain is no news.
        talk.lines.clear();
        talk.command("SELECT INBOX").await?;
        let found = talk.command(&format!("UID SEARCH TEXT \"{text}\"")).await?;
        let uids = found.iter().find_map(|line| line.strip_prefix("* SEARCH "));
        if let Some(uid) = uids.and_then(|uids| uids.split(' ').next_back()) {
            let message = talk.command(&format!("UID FETCH {uid} BODY.PEEK[]")).await?;
            talk.command("LOGOUT").await?;
            seen.keep(&mut talk);
            seen.tell(format!("IMAP: {name}@{} has it as UID {uid}", office.domain));
            return Ok(message);
        }
        if Instant::now() > until {
            seen.keep(&mut talk);
            bail!("it did not arrive within {} s", ARRIVES_WITHIN.as_secs());
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Tells how the last server got it.
fn tell_received(message: &[String], seen: &mut Seen) -> Result<()> {
    let received = field(message, "Received");
    seen.tell(received.ok_or_else(|| anyhow!("it has no trace of its road"))?);
    Ok(())
}

/// The first field of that name, on one line.
fn field(message: &[String], name: &str) -> Option<String> {
    let start = format!("{}:", name.to_ascii_lowercase());
    let at = message.iter().position(|line| line.to_ascii_lowercase().starts_with(&start))?;
    let more = message[at + 1..].iter().take_while(|line| line.starts_with([' ', '\t']));
    let lines = std::iter::once(&message[at]).chain(more);
    Some(lines.map(|line| line.trim()).collect::<Vec<_>>().join(" "))
}

/// One that no other message has.
fn subject(about: &str) -> String {
    let moment = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    format!("lab test {about} {}", moment.map(|span| span.as_nanos()).unwrap_or_default())
}

/// As AUTH LOGIN wants it.
fn base64(text: &str) -> String {
    STANDARD.encode(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folded_field_is_told_on_one_line() {
        let message = ["A: b", "Received: from x", "\tby y", " id z", "To: w"].map(String::from);
        assert_eq!(field(&message, "received").unwrap(), "Received: from x by y id z");
        assert_eq!(field(&message, "Cc"), None);
    }
}
