//! What came, who vouched for it, and where it went at once.
//!
//! ```text
//! version 1 | part 0: marks 1, at 8, and texts: peer, helo, protocol, TLS, login, reverse-path,
//!   Message-ID; size 8; text: why it was refused as a whole; text: what was decided about it;
//!   count of findings 1, each: texts method, result, reason
//! | lines that had no room 4 | lines to the end, each: kind 1, text: recipient as named, text: address
//!   that it led to (empty: the same), and
//!     filed (1): account 4, mailbox 4, uid 8
//!     Maildir (2), queued (3): nothing more
//!     refused (4): text
//! ```

use crate::key;
use crate::octets::{Reader, put_text};
use core_store::{Batch, Key, Template};
use std::fmt::Display;
use words_base::Timestamp;
use words_mail::{AccountId, MailboxId, Uid};

/// The layout that is written now.
const VERSION: u8 = 1;
/// Octets of a row from which on it takes no more lines: far below what a store takes.
const ROW_MAX: usize = 48 * 1024;
/// Longest text of any kind that a stranger says.
const TEXT_MAX: usize = 500;
/// Most findings that are kept: one for each method, and some signatures.
const FINDINGS_MAX: usize = 24;
/// The sender had no address: `<>`. Told apart from one who had no time to say.
const HAS_REVERSE_PATH: u8 = 1;

const FILED: u8 = 1;
const MAILDIR: u8 = 2;
const QUEUED: u8 = 3;
const REFUSED: u8 = 4;

/// What came, as whoever writes it has it.
pub struct Came<'a> {
    /// When it began to come.
    pub at: Timestamp,
    /// The peer's address.
    pub peer: &'a str,
    /// What it called itself.
    pub helo: &'a str,
    /// `ESMTPS` and the like.
    pub protocol: &'a str,
    /// Version and cipher, if it came so.
    pub tls: Option<&'a str>,
    /// Who had logged in.
    pub login: Option<&'a dyn Display>,
    /// MAIL FROM, as it prints between the brackets; empty: the null path. `None`: not said.
    pub reverse_path: Option<&'a dyn Display>,
    /// Its Message-ID field.
    pub message_id: Option<&'a str>,
    /// Octets that came.
    pub size: u64,
    /// Why nobody got it, if one reason was for all.
    pub refused: Option<&'a dyn Display>,
    /// What was decided about it, in words.
    pub decision: Option<&'a str>,
    /// What was found out about its sender.
    pub findings: &'a [Finding],
}

/// What one method has found out about the sender (RFC 8601).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// `spf`, `dkim` …
    pub method: String,
    /// `pass`, `fail` …
    pub result: String,
    /// Of what, or why.
    pub reason: String,
}

/// A row of what came, being written: first what it is, then a line for each recipient.
pub struct Writing {
    row: Template,
    /// Where the number of lines without room stands.
    more_at: usize,
    more: u32,
}

impl Writing {
    /// The first row.
    pub fn begin(came: &Came<'_>) -> Writing {
        let mut row = Vec::with_capacity(320);
        let marks = if came.reverse_path.is_some() { HAS_REVERSE_PATH } else { 0 };
        row.extend_from_slice(&[VERSION, marks]);
        row.extend_from_slice(&came.at.millis().to_be_bytes());
        let none: &dyn Display = &"";
        let mut put = |text: &dyn Display| put_text(&mut row, text, TEXT_MAX);
        put(&came.peer);
        put(&came.helo);
        put(&came.protocol);
        put(&came.tls.unwrap_or_default());
        put(came.login.unwrap_or(none));
        put(came.reverse_path.unwrap_or(none));
        put(&came.message_id.unwrap_or_default());
        row.extend_from_slice(&came.size.to_be_bytes());
        put_text(&mut row, came.refused.unwrap_or(none), TEXT_MAX);
        put_text(&mut row, &came.decision.unwrap_or_default(), TEXT_MAX);
        let findings = &came.findings[..came.findings.len().min(FINDINGS_MAX)];
        row.push(findings.len() as u8);
        for Finding { method, result, reason } in findings {
            [method, result, reason]
                .into_iter()
                .for_each(|text| put_text(&mut row, text, TEXT_MAX));
        }
        Writing::lines_of(row)
    }

    /// A later row, of nothing but lines.
    pub fn more() -> Writing {
        Writing::lines_of(vec![VERSION])
    }

    fn lines_of(mut row: Vec<u8>) -> Writing {
        let more_at = row.len();
        row.extend_from_slice(&[0; 4]);
        Writing { row: row.into(), more_at, more: 0 }
    }

    /// Has it no more room for lines? They are then counted, not kept.
    pub fn is_full(&self) -> bool {
        self.row.bytes.len() >= ROW_MAX
    }

    fn line(&mut self, kind: u8, named: &dyn Display, address: &dyn Display) -> bool {
        if self.is_full() {
            self.more = self.more.saturating_add(1);
            return false;
        }
        let row = &mut self.row.bytes;
        row.push(kind);
        let named_at = row.len();
        put_text(row, named, TEXT_MAX);
        let address_at = row.len();
        put_text(row, address, TEXT_MAX);
        if row[named_at..address_at] == row[address_at..] {
            row.truncate(address_at);
            row.extend_from_slice(&[0; 2]);
        }
        true
    }

    /// It was filed; `push_uid` adds the UID, 8 octets.
    pub fn filed(
        &mut self,
        named: &dyn Display,
        address: &dyn Display,
        (account, mailbox): (AccountId, MailboxId),
        push_uid: impl FnOnce(&mut Template),
    ) {
        if self.line(FILED, named, address) {
            self.row.bytes.extend_from_slice(&account.0.to_be_bytes());
            self.row.bytes.extend_from_slice(&mailbox.0.to_be_bytes());
            push_uid(&mut self.row);
        }
    }

    /// It was filed in a Maildir of the file system.
    pub fn maildir(&mut self, named: &dyn Display, address: &dyn Display) {
        self.line(MAILDIR, named, address);
    }

    /// It was queued.
    pub fn queued(&mut self, named: &dyn Display, address: &dyn Display) {
        self.line(QUEUED, named, address);
    }

    /// It was refused for this recipient.
    pub fn refused(&mut self, named: &dyn Display, why: &dyn Display) {
        if self.line(REFUSED, named, named) {
            put_text(&mut self.row.bytes, why, TEXT_MAX);
        }
    }

    /// Adds the row to a batch; gives its key. `part` 0 is the first one. Does nothing without an id.
    pub fn put(self, id: &str, part: u16, batch: &mut Batch) -> Option<Key> {
        let (key, row) = self.finish(id, part)?;
        batch.put(key.clone(), row);
        Some(key.into())
    }

    pub(crate) fn finish(mut self, id: &str, part: u16) -> Option<(Vec<u8>, Template)> {
        let more = &mut self.row.bytes[self.more_at..self.more_at + 4];
        more.copy_from_slice(&self.more.to_be_bytes());
        Some((key::arrival(id, part)?, self.row))
    }
}

/// What came, as it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrival {
    /// When it began to come.
    pub at: Timestamp,
    /// The peer's address.
    pub peer: String,
    /// What it called itself.
    pub helo: String,
    /// `ESMTPS` and the like.
    pub protocol: String,
    /// Version and cipher, if it came so.
    pub tls: Option<String>,
    /// Who had logged in.
    pub login: Option<String>,
    /// The sender; empty: the null reverse-path. `None`: was not said.
    pub reverse_path: Option<String>,
    /// Its Message-ID field.
    pub message_id: Option<String>,
    /// Octets that came.
    pub size: u64,
    /// Why nobody got it, if one reason was for all.
    pub refused: Option<String>,
    /// What was decided about it, in words.
    pub decision: Option<String>,
    /// What was found out about its sender.
    pub findings: Vec<Finding>,
    /// Each recipient, as far as there was room.
    pub lines: Vec<Line>,
    /// Recipients that there was no room for.
    pub more: u32,
}

/// What became of the message for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// As the client named them.
    pub named: String,
    /// The address that led to.
    pub address: String,
    /// Where it went.
    pub to: Destination,
}

/// Where a message went at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Into a mailbox.
    Filed {
        /// Whose.
        account: AccountId,
        /// Which.
        mailbox: MailboxId,
        /// Under which UID.
        uid: Uid,
    },
    /// Into a Maildir of the file system.
    Maildir,
    /// Into the queue, to be brought elsewhere.
    Queued,
    /// Nowhere, for this reason.
    Refused(String),
}

/// Reads part 0 of any version. `None`: not one.
pub(crate) fn decode(row: &[u8]) -> Option<Arrival> {
    let mut reader = Reader(row);
    if reader.u8()? != VERSION {
        return None;
    }
    let marks = reader.u8()?;
    let mut arrival = Arrival {
        at: reader.time()?,
        peer: reader.text()?,
        helo: reader.text()?,
        protocol: reader.text()?,
        tls: reader.maybe_text()?,
        login: reader.maybe_text()?,
        reverse_path: Some(reader.text()?).filter(|_| marks & HAS_REVERSE_PATH != 0),
        message_id: reader.maybe_text()?,
        size: reader.u64()?,
        refused: reader.maybe_text()?,
        decision: reader.maybe_text()?,
        ..Arrival::default()
    };
    for _ in 0..reader.u8()? {
        let (method, result, reason) = (reader.text()?, reader.text()?, reader.text()?);
        arrival.findings.push(Finding { method, result, reason });
    }
    (arrival.more, arrival.lines) = decode_lines(reader)?;
    Some(arrival)
}

/// Reads a later part.
pub(crate) fn decode_more(row: &[u8]) -> Option<(u32, Vec<Line>)> {
    let mut reader = Reader(row);
    if reader.u8()? != VERSION {
        return None;
    }
    decode_lines(reader)
}

fn decode_lines(mut reader: Reader<'_>) -> Option<(u32, Vec<Line>)> {
    let more = reader.u32()?;
    let mut lines = Vec::new();
    while !reader.is_empty() {
        lines.push(decode_line(&mut reader)?);
    }
    Some((more, lines))
}

fn decode_line(reader: &mut Reader<'_>) -> Option<Line> {
    let kind = reader.u8()?;
    let named = reader.text()?;
    let address = reader.maybe_text()?.unwrap_or_else(|| named.clone());
    let to = match kind {
        FILED => {
            let (account, mailbox) = (AccountId(reader.u32()?), MailboxId(reader.u32()?));
            let uid = Uid(u32::try_from(reader.u64()?).ok()?);
            Destination::Filed { account, mailbox, uid }
        }
        MAILDIR => Destination::Maildir,
        QUEUED => Destination::Queued,
        REFUSED => Destination::Refused(reader.text()?),
        _ => return None,
    };
    Some(Line { named, address, to })
}
