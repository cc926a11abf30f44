//! What an IMAP server says, as far as these clients care.

use super::{Line, Lost};
use crate::ledger::FLAGS;

/// One response: its text, with `{}` for each literal, and the literals.
#[derive(Debug)]
pub struct Response {
    /// Without literals.
    pub text: String,
    /// In order.
    pub literals: Vec<Vec<u8>>,
}

/// What FETCH tells of a message.
#[derive(Clone, Debug, Default)]
pub struct Fetched {
    /// Its sequence number.
    pub seq: usize,
    /// Its UID, if told.
    pub uid: Option<u32>,
    /// Its flags, if told.
    pub flags: Option<[bool; FLAGS.len()]>,
    /// Its modseq, if told.
    pub modseq: Option<u64>,
    /// Its octets, if asked for.
    pub body: Option<Vec<u8>>,
}

impl Response {
    /// Reads the next one.
    pub async fn read(line: &mut Line) -> Result<Response, Lost> {
        let mut response = Response { text: String::new(), literals: Vec::new() };
        loop {
            let octets = line.line().await?;
            let text = String::from_utf8_lossy(&octets).into_owned();
            let announced = text.strip_suffix('}').and_then(|t| t.rsplit_once('{'));
            let announced = announced.and_then(|(head, len)| Some((head, len.parse().ok()?)));
            let Some((head, len)) = announced else {
                response.text.push_str(&text);
                return Ok(response);
            };
            response.text.push_str(head);
            response.text.push_str("{}");
            response.literals.push(line.exactly(len).await?);
        }
    }

    /// `* 5 EXISTS`: 5 for `EXISTS`.
    pub fn count(&self, what: &str) -> Option<usize> {
        let mut words = self.text.strip_prefix("* ")?.split(' ');
        let count = words.next()?.parse().ok()?;
        (words.next()? == what).then_some(count)
    }

    /// What follows `[NAME ` in a response code, up to `]`.
    pub fn code(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.text.split_once(&format!("[{name} "))?;
        rest.split(']').next()
    }

    /// The UIDs of a VANISHED.
    pub fn vanished(&self) -> Option<Vec<u32>> {
        let rest = self.text.strip_prefix("* VANISHED ")?;
        Some(numbers(rest.strip_prefix("(EARLIER) ").unwrap_or(rest)))
    }

    /// A FETCH.
    pub fn fetched(&self) -> Option<Fetched> {
        let seq = self.count("FETCH")?;
        let text = &self.text;
        let after = |name: &str| text.split_once(name).map(|(_, rest)| rest);
        let number = |rest: &str| rest.split([' ', ')']).next().map(str::to_owned);
        let flags = after("FLAGS (").and_then(|rest| rest.split(')').next());
        Some(Fetched {
            seq,
            uid: after("UID ").and_then(number).and_then(|uid| uid.parse().ok()),
            flags: flags.map(which),
            modseq: after("MODSEQ (").and_then(number).and_then(|modseq| modseq.parse().ok()),
            body: self.literals.first().cloned(),
        })
    }
}

fn which(flags: &str) -> [bool; FLAGS.len()] {
    FLAGS.map(|name| flags.split(' ').any(|flag| flag.eq_ignore_ascii_case(name)))
}

/// The numbers of a set without `*`.
pub fn numbers(set: &str) -> Vec<u32> {
    let mut numbers = Vec::new();
    for part in set.trim().split(',') {
        let (first, last) = part.split_once(':').unwrap_or((part, part));
        if let (Ok(first), Ok(last)) = (first.parse::<u32>(), last.parse::<u32>()) {
            numbers.extend(first.min(last)..=last.max(first));
        }
    }
    numbers
}
