//! Entries of the change log: one commit, one number, one entry.
//!
//! ```text
//! version 1 | events, each: kind 1, mailbox 4, and
//!   arrived (1): first uid 8, count 4
//!   flags (2), expunged (3): count of ranges 4, each first uid 4, last uid 4
//!   mailbox (4): nothing more
//! ```

use crate::Event;
use crate::octets::Reader;
use core_store::{Assigned, Template};
use words_mail::{MailboxId, NumberSet};

/// The layout that is written now.
const VERSION: u8 = 1;

const ARRIVED: u8 = 1;
const FLAGS: u8 = 2;
const EXPUNGED: u8 = 3;
const MAILBOX: u8 = 4;

/// An entry that is being written.
pub(crate) struct Entry(Template);

impl Entry {
    pub fn new() -> Entry {
        Entry(Template::from(vec![VERSION]))
    }

    fn event(&mut self, kind: u8, mailbox: MailboxId) -> &mut Vec<u8> {
        self.0.bytes.push(kind);
        self.0.bytes.extend_from_slice(&mailbox.0.to_be_bytes());
        &mut self.0.bytes
    }

    /// `count` messages came, whose UIDs only the commit knows.
    pub fn arrived(&mut self, mailbox: MailboxId, uids: Assigned, count: u32) {
        self.event(ARRIVED, mailbox);
        self.0.push_slot(uids, 0);
        self.0.bytes.extend_from_slice(&count.to_be_bytes());
    }

    /// Flags changed.
    pub fn flags(&mut self, mailbox: MailboxId, uids: &NumberSet) {
        put_set(self.event(FLAGS, mailbox), uids);
    }

    /// Messages left.
    pub fn expunged(&mut self, mailbox: MailboxId, uids: &NumberSet) {
        put_set(self.event(EXPUNGED, mailbox), uids);
    }

    /// The mailbox itself changed.
    pub fn mailbox(&mut self, mailbox: MailboxId) {
        self.event(MAILBOX, mailbox);
    }

    pub fn into_template(self) -> Template {
        self.0
    }
}

fn put_set(octets: &mut Vec<u8>, set: &NumberSet) {
    octets.extend_from_slice(&(set.ranges().len() as u32).to_be_bytes());
    for (first, last) in set.ranges() {
        octets.extend_from_slice(&first.to_be_bytes());
        octets.extend_from_slice(&last.to_be_bytes());
    }
}

/// Reads an entry of any version. `None`: not one.
pub(crate) fn decode(entry: &[u8]) -> Option<Vec<Event>> {
    let mut reader = Reader(entry);
    if reader.u8()? != VERSION {
        return None;
    }
    let mut events = Vec::new();
    while !reader.is_empty() {
        events.push(decode_event(&mut reader)?);
    }
    Some(events)
}

fn decode_event(reader: &mut Reader<'_>) -> Option<Event> {
    let kind = reader.u8()?;
    let mailbox = MailboxId(reader.u32()?);
    match kind {
        ARRIVED => {
            let first = u32::try_from(reader.u64()?).ok()?;
            let last = first.checked_add(reader.u32()?.checked_sub(1)?)?;
            Some(Event::Arrived(mailbox, NumberSet::from_range(first, last)))
        }
        FLAGS => Some(Event::Flags(mailbox, decode_set(reader)?)),
        EXPUNGED => Some(Event::Expunged(mailbox, decode_set(reader)?)),
        MAILBOX => Some(Event::Mailbox(mailbox)),
        _ => None,
    }
}

fn decode_set(reader: &mut Reader<'_>) -> Option<NumberSet> {
    let mut set = NumberSet::new();
    for _ in 0..reader.u32()? {
        set.insert_range(reader.u32()?, reader.u32()?);
    }
    Some(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let (a, b) = (MailboxId(1), MailboxId(2));
        let set: NumberSet = [1, 2, 3, 9].into_iter().collect();
        let mut entry = Entry::new();
        entry.arrived(a, Assigned(1), 3);
        entry.flags(b, &set);
        entry.expunged(a, &set);
        entry.mailbox(b);
        let octets = entry.into_template().fill(&[0, 40]).unwrap();
        let events = vec![
            Event::Arrived(a, NumberSet::from_range(40, 42)),
            Event::Flags(b, set.clone()),
            Event::Expunged(a, set),
            Event::Mailbox(b),
        ];
        assert_eq!(decode(&octets), Some(events));
        assert_eq!(decode(&octets[..octets.len() - 1]), None);
    }
}
