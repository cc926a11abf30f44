//! What IMAP ENVELOPE, SORT, THREAD and the search of headers need of a message, taken from its
//! header once, when it arrives. [`crate::SummaryRef`] reads the stored form.

use crate::address::{Mailbox, parse_addresses};
use crate::date::{DATE_TEXT_MAX, DateTime};
use crate::header::{Field, Header};
use crate::message_id::{message_ids, normalize_message_id};
use crate::record;
use crate::summary_ref::SummaryRef;

/// Most octets of an encoded summary.
pub const SUMMARY_MAX: usize = 16 * 1024;
/// Most octets of a summary that is made anew because the stored one was cut.
pub const SUMMARY_WHOLE_MAX: usize = 256 * 1024;
/// Octets kept of the subject.
pub const SUBJECT_MAX: usize = 2048;
/// Octets kept of `Message-ID`, of `In-Reply-To`, and of one entry of `References`.
pub const MESSAGE_ID_MAX: usize = 998;
/// Octets kept of all of `References`: the first, then as many of the last as fit.
pub const REFERENCES_MAX: usize = 2048;
/// Fields of one name that are read as one list of addresses.
pub const LIST_FIELDS_MAX: usize = 16;

/// What is kept of a header. Values are unfolded but not decoded; they hold no NUL, CR or LF and
/// may hold octets over 127.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The `Date` field as it was written.
    pub date: Option<Vec<u8>>,
    /// The `Date` field as it was meant; `None` if nobody can tell.
    pub sent: Option<DateTime>,
    /// The `Subject` field.
    pub subject: Option<Vec<u8>>,
    /// The `From` field. `Sender` and `Reply-To` are as sent: who prints an ENVELOPE lets them
    /// take this one's value when they are empty.
    pub from: Vec<Mailbox>,
    /// The `Sender` field.
    pub sender: Vec<Mailbox>,
    /// The `Reply-To` field.
    pub reply_to: Vec<Mailbox>,
    /// The `To` field.
    pub to: Vec<Mailbox>,
    /// The `Cc` field.
    pub cc: Vec<Mailbox>,
    /// The `Bcc` field.
    pub bcc: Vec<Mailbox>,
    /// The `In-Reply-To` field.
    pub in_reply_to: Option<Vec<u8>>,
    /// The `Message-ID` field, with its angle brackets.
    pub message_id: Option<Vec<u8>>,
    /// The identifiers of the `References` field, normalized, without angle brackets, oldest first.
    pub references: Vec<Vec<u8>>,
    /// Something was left out to keep a limit; the header itself tells more.
    pub cut: bool,
}

/// The address lists, in the order in which they are given room.
const LISTS: [&str; 6] = ["From", "Sender", "Reply-To", "To", "Cc", "Bcc"];
const TEXTS: [&str; 5] = ["Date", "Subject", "In-Reply-To", "Message-ID", "References"];

impl Summary {
    /// Reads the octets of a header section. Of a field that may occur once only, the first
    /// counts; recipients of repeated fields are put together.
    pub fn of_header(header: &[u8]) -> Summary {
        Summary::of_header_within(header, SUMMARY_MAX)
    }

    /// As [`Summary::of_header`], with room for more addresses: for the rare message whose stored
    /// summary says that it was cut. At most [`SUMMARY_WHOLE_MAX`] is heeded.
    pub fn of_header_within(header: &[u8], octets_max: usize) -> Summary {
        let mut found = Found::default();
        Header::new(header).fields().for_each(|field| found.take(field));
        let mut summary = Summary::default();
        summary.read_texts(&found.texts);
        summary.read_lists(&found.lists, octets_max.min(SUMMARY_WHOLE_MAX));
        summary
    }

    /// The stored form; of what [`Summary::of_header`] read, at most [`SUMMARY_MAX`] octets.
    /// Addresses that do not fit are left out.
    pub fn encode(&self) -> Vec<u8> {
        self.encode_within(SUMMARY_MAX)
    }

    /// As [`Summary::encode`], with room for more addresses; not to be stored.
    pub fn encode_within(&self, octets_max: usize) -> Vec<u8> {
        record::encode(self, octets_max.min(SUMMARY_WHOLE_MAX))
    }

    /// Reads the stored form. `None` if the octets are not one, or of a version not yet known.
    pub fn decode(bytes: &[u8]) -> Option<Summary> {
        SummaryRef::new(bytes).map(|summary| summary.to_summary())
    }

    fn read_texts(&mut self, texts: &[Option<&[u8]>; 5]) {
        let [date, subject, in_reply_to, message_id, references] = *texts;
        self.sent = date.and_then(DateTime::parse_field);
        self.date = date.map(|value| self.keep(value, DATE_TEXT_MAX));
        self.subject = subject.map(|value| self.keep(value, SUBJECT_MAX));
        self.in_reply_to = in_reply_to.map(|value| self.keep(value, MESSAGE_ID_MAX));
        self.message_id = message_id.map(|value| self.keep(value, MESSAGE_ID_MAX));
        self.references = self.keep_references(references.unwrap_or_default());
    }

    /// `value` on one line, at most `max` octets of it.
    fn keep(&mut self, value: &[u8], max: usize) -> Vec<u8> {
        let value = value.trim_ascii_end();
        let mut kept = value.iter().copied().filter(|b| !matches!(b, 0 | b'\r' | b'\n'));
        let text: Vec<u8> = kept.by_ref().take(max).collect();
        self.cut |= kept.next().is_some();
        text
    }

    fn keep_references(&mut self, value: &[u8]) -> Vec<Vec<u8>> {
        let bounded = |id: &[u8]| {
            let id = normalize_message_id(id);
            id[..id.len().min(MESSAGE_ID_MAX)].to_vec()
        };
        // Two octets for the length of each.
        let mut room = REFERENCES_MAX;
        let mut fits = |id: &Vec<u8>| {
            let fits = id.len() + 2 <= room;
            room = room.saturating_sub(id.len() + 2);
            fits
        };
        let mut ids = message_ids(value);
        let first = ids.next().map(bounded).filter(&mut fits);
        let rest: Vec<&[u8]> = ids.collect();
        let mut last: Vec<Vec<u8>> =
            rest.iter().rev().map(|id| bounded(id)).take_while(fits).collect();
        self.cut |= last.len() < rest.len();
        last.extend(first);
        last.reverse();
        last
    }

    fn read_lists(&mut self, lists: &[Vec<&[u8]>; 6], octets_max: usize) {
        let mut room = octets_max.saturating_sub(record::encoded_length(self));
        for (values, slot) in lists.iter().zip(0..) {
            let mut read = Vec::new();
            let mut cut = false;
            for value in values {
                cut |= !read_list(value, &mut read, &mut room);
            }
            self.cut |= cut;
            *self.list_mut(slot) = read;
        }
    }

    fn list_mut(&mut self, slot: usize) -> &mut Vec<Mailbox> {
        match slot {
            0 => &mut self.from,
            1 => &mut self.sender,
            2 => &mut self.reply_to,
            3 => &mut self.to,
            4 => &mut self.cc,
            _ => &mut self.bcc,
        }
    }

    /// The address lists, in the order of their names in an ENVELOPE.
    pub(crate) fn lists(&self) -> [&Vec<Mailbox>; 6] {
        [&self.from, &self.sender, &self.reply_to, &self.to, &self.cc, &self.bcc]
    }
}

/// Adds the addresses of `value` while they fit into `room`. False if one did not.
fn read_list(value: &[u8], list: &mut Vec<Mailbox>, room: &mut usize) -> bool {
    let mut in_group = false;
    let mut fits = true;
    parse_addresses(value, |mailbox| {
        let begins = mailbox.host.is_none() && mailbox.local.is_some();
        // The room for the end of a group is taken with its beginning.
        let length = match (begins, mailbox.local.is_none()) {
            (true, _) => record::mailbox_length(&mailbox) + record::GROUP_END_LENGTH,
            (_, true) => 0,
            _ => record::mailbox_length(&mailbox),
        };
        fits = length <= *room;
        if fits {
            *room -= length;
            in_group = begins || in_group && mailbox.local.is_some();
            list.push(mailbox);
        }
        fits
    });
    if in_group {
        list.push(Mailbox::default());
    }
    fits
}

/// The values of the fields that matter.
#[derive(Default)]
struct Found<'a> {
    texts: [Option<&'a [u8]>; 5],
    lists: [Vec<&'a [u8]>; 6],
}

impl<'a> Found<'a> {
    fn take(&mut self, field: Field<'a>) {
        if let Some(slot) = TEXTS.iter().position(|name| field.is_named(name)) {
            self.texts[slot].get_or_insert(field.value);
        } else if let Some(slot) = LISTS.iter().position(|name| field.is_named(name)) {
            // One author field: a second one is a forger's (RFC 5322 §3.6 allows one).
            let values_max = if slot < 2 { 1 } else { LIST_FIELDS_MAX };
            if self.lists[slot].len() < values_max {
                self.lists[slot].push(field.value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailbox(name: Option<&str>, local: &str, host: &str) -> Mailbox {
        let bytes = |text: &str| text.as_bytes().to_vec();
        Mailbox { name: name.map(bytes), local: Some(bytes(local)), host: Some(bytes(host)) }
    }

    fn check_round_trip(summary: &Summary) {
        let encoded = summary.encode();
        assert!(encoded.len() <= SUMMARY_MAX, "{}", encoded.len());
        assert_eq!(Summary::decode(&encoded).as_ref(), Some(summary));
    }

    #[test]
    fn an_ordinary_header_is_read() {
        let summary = Summary::of_header(
            b"Received: x\r\nDate: Tue, 24 Nov 2026 08:29:44 +0100\r\nFrom: Ana <ana@mired.org>\r\n\
              To: bob@x.org,\r\n c@y.org\r\nTo: d@z.org\r\nFrom: second@x\r\nSubject: one\r\n two\r\n\
              Message-ID: <3@x>\r\nIn-Reply-To: <2@x>\r\nReferences: <1@x>\r\n <\"2\"@x>\r\n\r\n",
        );
        assert_eq!(summary.subject.as_deref(), Some(&b"one two"[..]));
        assert_eq!(summary.date.as_deref(), Some(&b"Tue, 24 Nov 2026 08:29:44 +0100"[..]));
        assert_eq!(summary.sent.unwrap().zone_minutes, 60);
        assert_eq!(summary.from, [mailbox(Some("Ana"), "ana", "mired.org")]);
        let to = [("bob", "x.org"), ("c", "y.org"), ("d", "z.org")];
        assert_eq!(summary.to, to.map(|(local, host)| mailbox(None, local, host)));
        assert_eq!(summary.message_id.as_deref(), Some(&b"<3@x>"[..]));
        assert_eq!(summary.references, [b"1@x", b"2@x"]);
        assert!(!summary.cut && summary.cc.is_empty());
        check_round_trip(&summary);
    }

    #[test]
    fn an_empty_field_is_not_a_missing_field() {
        let summary = Summary::of_header(b"Subject:\r\nTo:\r\n\r\n");
        assert_eq!(summary.subject.as_deref(), Some(&b""[..]));
        assert_eq!(Summary::of_header(b"").subject, None);
        check_round_trip(&summary);
        check_round_trip(&Summary::of_header(b""));
    }

    #[test]
    fn half_a_million_recipients_are_cut_and_say_so() {
        let header = format!("To: {}\r\nCc: last@x\r\nFrom: ana@x\r\n", "a@b,".repeat(250_000));
        let summary = Summary::of_header(header.as_bytes());
        assert!(summary.cut);
        assert!(summary.to.len() > 1000);
        assert_eq!(summary.from.len(), 1, "whoever sent it is kept");
        check_round_trip(&summary);
    }

    #[test]
    fn what_was_cut_can_be_made_whole_from_the_header() {
        let header = format!("To: {}\r\n", "someone@example.org,".repeat(5000));
        assert!(Summary::of_header(header.as_bytes()).cut);
        let whole = Summary::of_header_within(header.as_bytes(), SUMMARY_WHOLE_MAX);
        let encoded = whole.encode_within(SUMMARY_WHOLE_MAX);
        assert!(!whole.cut && encoded.len() > SUMMARY_MAX);
        assert_eq!(SummaryRef::new(&encoded).unwrap().to().count(), 5000);
    }

    #[test]
    fn a_cut_group_is_still_closed() {
        let header = format!("To: all: {};\r\n", "someone@example.org,".repeat(10_000));
        let summary = Summary::of_header(header.as_bytes());
        assert!(summary.cut);
        assert_eq!(summary.to.last(), Some(&Mailbox::default()));
        check_round_trip(&summary);
    }

    #[test]
    fn long_texts_and_many_references_are_cut() {
        let ids: String = (0..1000).map(|n| format!("<{n}@example.org> ")).collect();
        let header = format!("Subject: {}\r\nReferences: {ids}\r\n", "s".repeat(5000));
        let summary = Summary::of_header(header.as_bytes());
        assert_eq!(summary.subject.as_ref().map(Vec::len), Some(SUBJECT_MAX));
        assert_eq!(summary.references.first().unwrap(), b"0@example.org");
        assert_eq!(summary.references.last().unwrap(), b"999@example.org");
        assert!(summary.cut);
        check_round_trip(&summary);
    }

    #[test]
    fn a_summary_made_by_hand_is_encoded_within_the_limit() {
        let everybody = vec![mailbox(Some("name"), "local", "host"); 10_000];
        let summary = Summary { to: everybody.clone(), cc: everybody, ..Summary::default() };
        let encoded = summary.encode();
        assert!(encoded.len() <= SUMMARY_MAX);
        let decoded = Summary::decode(&encoded).unwrap();
        assert!(decoded.cut && decoded.to.len() > 500);
    }
}
