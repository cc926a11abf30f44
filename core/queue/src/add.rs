//! A message comes into the queue: pure puts.

use crate::bounce::Kind;
use crate::record::{self, Bounce, PREFIX_MAX, Row};
use crate::{Added, NewMessage, NextHop, QueuedMessage, Said, key};
use core_store::{Batch, Key};
use words_mail::{EnhancedStatus, Refusal};

/// Most octets that the records of one message may have: a batch has room for them and for more.
const RECORDS_MAX: usize = 2_000_000;
/// Most recipients of one message, likewise.
const RECIPIENTS_MAX: usize = 10_000;

/// What is to be written of a message, before anything is.
#[derive(Default)]
struct Records {
    pairs: Vec<(Key, Vec<u8>)>,
    bytes: usize,
}

impl Records {
    fn put(&mut self, key: Key, value: Vec<u8>) -> Result<(), Refusal> {
        self.bytes += key.len() + value.len();
        self.pairs.push((key, value));
        match self.bytes > RECORDS_MAX {
            true => Err(Refusal::Limit("octets of recipients of one message")),
            false => Ok(()),
        }
    }
}

/// Puts the records of `message` into `batch`.
pub(crate) fn add(
    message: &NewMessage,
    next_hop: &dyn NextHop,
    batch: &mut Batch,
) -> Result<Added, Refusal> {
    check(message)?;
    let mut records = Records::default();
    let mut added = Added { rows: Vec::new(), report: None };
    records.put(key::message(&message.id), record::encode_message(&queued(message)))?;
    let next = key::time(message.queued_at);
    for (number, recipient) in (0..).zip(&message.recipients) {
        let destination = message_destination(message, next_hop, recipient)?;
        let row = Row {
            queued_at: message.queued_at,
            attempts: 0,
            noticed: false,
            recipient: recipient.clone(),
            last: None,
        };
        let key = key::row(&destination, message.class, next, &message.id, number);
        records.put(key.clone(), row.encode())?;
        added.rows.push(key);
    }
    for (number, recipient) in (message.recipients.len() as u32..).zip(message.reported()) {
        let bounce = Bounce {
            at: message.queued_at,
            queued_at: message.queued_at,
            recipient: recipient.clone(),
            attempts: 0,
            expired: false,
            until: message.queued_at,
            said: Said::ours(EnhancedStatus(2, 1, 5), "delivered"),
        };
        let key = key::bounce(&message.id, number, Kind::Delivered.to_octet());
        records.put(key, bounce.encode())?;
        added.report = Some(message.id.clone());
    }
    for (key, value) in records.pairs {
        batch.put(key, value);
    }
    keep_least(&mut added.rows);
    Ok(added)
}

fn check(message: &NewMessage) -> Result<(), Refusal> {
    let id = &message.id;
    if id.is_empty() || id.len() > key::ID_MAX || id.contains('\0') {
        return Err(Refusal::Limit("id of a queued message"));
    }
    if message.prefix.len() > PREFIX_MAX {
        return Err(Refusal::Limit("fields in front of a queued message"));
    }
    if message.recipients.len() + message.delivered.len() > RECIPIENTS_MAX {
        return Err(Refusal::Limit("recipients of one message"));
    }
    Ok(())
}

fn message_destination(
    message: &NewMessage,
    next_hop: &dyn NextHop,
    recipient: &crate::NewRecipient,
) -> Result<String, Refusal> {
    let destination = next_hop.destination(message, &recipient.address).to_string();
    // A name that could not be read back would never be taken.
    match crate::Destination::parse(&destination) {
        Some(_) => Ok(destination),
        None => Err(Refusal::Limit("name of a route")),
    }
}

fn queued(message: &NewMessage) -> QueuedMessage {
    QueuedMessage {
        id: message.id.clone(),
        blob: message.blob,
        size: message.size,
        prefix: message.prefix.clone(),
        reverse_path: message.reverse_path.clone(),
        submitter: message.submitter,
        body: message.body,
        smtputf8: message.smtputf8,
        requiretls: message.requiretls,
        ret: message.ret,
        envid: message.envid.clone(),
        class: message.class,
        queued_at: message.queued_at,
        recipients: (message.recipients.len() + message.reported().count()) as u32,
    }
}

/// Of each destination the least key: it says where to begin to read.
fn keep_least(keys: &mut Vec<Key>) {
    keys.sort_unstable();
    keys.dedup_by(|later, earlier| {
        let destination = |key: &Key| key::parse_row(key).map(|row| row.destination.to_string());
        destination(later) == destination(earlier)
    });
}
