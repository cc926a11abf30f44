//! One try to bring a message elsewhere.
//!
//! ```text
//! version 1 | at 8, texts: id in the queue, destination, peer, TLS | lines that had no room 4
//! | lines to the end, each: outcome 1, text: address, next try 8 (0: none), text: words
//! ```

use crate::key;
use crate::octets::{Reader, put_text};
use core_store::{Batch, Key};
use words_base::Timestamp;

/// The layout that is written now.
const VERSION: u8 = 1;
/// Octets of a row from which on it takes no more lines.
const ROW_MAX: usize = 48 * 1024;
/// Longest text that a peer says.
const TEXT_MAX: usize = 500;

/// One try to bring a message elsewhere, or what else became of recipients in the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attempt {
    /// The message's id in the queue.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// A domain, or a route.
    pub destination: String,
    /// The server that was spoken with: name and address.
    pub peer: Option<String>,
    /// How its connection was secured.
    pub tls: Option<String>,
    /// Each recipient, as far as there was room.
    pub tried: Vec<Tried>,
    /// Recipients that there was no room for.
    pub more: u32,
}

/// What became of one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Who.
    pub address: String,
    /// What.
    pub outcome: Outcome,
    /// In whose words, as they came: a peer's reply, or what failed here.
    pub words: String,
}

/// What became of one recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The peer took it.
    Delivered,
    /// It is tried again.
    Deferred {
        /// When.
        retry_at: Option<Timestamp>,
    },
    /// It was given up, and its sender told.
    Failed,
    /// An operator took it away, or held it.
    Operator,
}

impl Outcome {
    fn to_octet(self) -> u8 {
        match self {
            Outcome::Delivered => 1,
            Outcome::Deferred { .. } => 2,
            Outcome::Failed => 3,
            Outcome::Operator => 4,
        }
    }

    fn from_octet(octet: u8, retry_at: Timestamp) -> Option<Outcome> {
        let retry_at = Some(retry_at).filter(|at| at.millis() != 0);
        match octet {
            1 => Some(Outcome::Delivered),
            2 => Some(Outcome::Deferred { retry_at }),
            3 => Some(Outcome::Failed),
            4 => Some(Outcome::Operator),
            _ => None,
        }
    }
}

/// Adds the row of a try to the batch that writes down what came of it; gives its key, for
/// [`crate::Trace::written`] when the commit has returned. `None`: not a message's id, nothing added.
pub fn attempt(attempt: &Attempt, batch: &mut Batch) -> Option<Key> {
    let row = encode(attempt);
    let key = key::attempt(&attempt.id, attempt.at, mark(&row))?;
    batch.put(key.clone(), row);
    Some(key.into())
}

fn encode(attempt: &Attempt) -> Vec<u8> {
    let mut row = vec![VERSION];
    row.extend_from_slice(&attempt.at.millis().to_be_bytes());
    let (peer, tls) = (attempt.peer.as_deref(), attempt.tls.as_deref());
    let texts = [&*attempt.id, &*attempt.destination, peer.unwrap_or(""), tls.unwrap_or("")];
    texts.into_iter().for_each(|text| put_text(&mut row, &text, TEXT_MAX));
    let (more_at, mut more) = (row.len(), attempt.more);
    row.extend_from_slice(&[0; 4]);
    for tried in &attempt.tried {
        if row.len() >= ROW_MAX {
            more = more.saturating_add(1);
            continue;
        }
        row.push(tried.outcome.to_octet());
        put_text(&mut row, &tried.address, TEXT_MAX);
        let retry_at = match tried.outcome {
            Outcome::Deferred { retry_at } => retry_at.map_or(0, Timestamp::millis),
            Outcome::Delivered | Outcome::Failed | Outcome::Operator => 0,
        };
        row.extend_from_slice(&retry_at.to_be_bytes());
        put_text(&mut row, &tried.words, TEXT_MAX);
    }
    row[more_at..more_at + 4].copy_from_slice(&more.to_be_bytes());
    row
}

/// Tells rows of one moment apart: FNV-1a of their octets. Two that are alike are one.
fn mark(row: &[u8]) -> u64 {
    let fold = |hash: u64, octet: &u8| (hash ^ u64::from(*octet)).wrapping_mul(0x100_0000_01b3);
    row.iter().fold(0xcbf2_9ce4_8422_2325, fold)
}

/// Reads a row of any version. `None`: not one.
pub(crate) fn decode(row: &[u8]) -> Option<Attempt> {
    let mut reader = Reader(row);
    if reader.u8()? != VERSION {
        return None;
    }
    let at = reader.time()?;
    let (id, destination) = (reader.text()?, reader.text()?);
    let (peer, tls) = (reader.maybe_text()?, reader.maybe_text()?);
    let more = reader.u32()?;
    let mut tried = Vec::new();
    while !reader.is_empty() {
        let outcome = reader.u8()?;
        let address = reader.text()?;
        let outcome = Outcome::from_octet(outcome, reader.time()?)?;
        tried.push(Tried { address, outcome, words: reader.text()? });
    }
    Some(Attempt { id, at, destination, peer, tls, tried, more })
}
