//! A stored summary, read where it lies.

use crate::address::Mailbox;
use crate::date::DateTime;
use crate::message_id::message_ids;
use crate::record::{CUT, SECTIONS, VERSION, take_section};
use crate::summary::Summary;
use words_base::Timestamp;

/// A view of an encoded [`Summary`]: nothing is copied, nothing allocated. See there for what the
/// values are.
///
/// ```
/// use words_message::{Summary, SummaryRef};
/// let stored = Summary::of_header(b"Subject: hi\r\nTo: Bob <bob@x.org>\r\n\r\n").encode();
/// let summary = SummaryRef::new(&stored).unwrap();
/// assert_eq!(summary.subject(), Some(&b"hi"[..]));
/// assert_eq!(summary.to().next().unwrap().local, Some(&b"bob"[..]));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SummaryRef<'a> {
    cut: bool,
    sections: [Option<&'a [u8]>; SECTIONS],
}

impl<'a> SummaryRef<'a> {
    /// Over a stored form. `None` if the octets are not one, or of a version not yet known.
    pub fn new(bytes: &'a [u8]) -> Option<SummaryRef<'a>> {
        let [VERSION, flags, rest @ ..] = bytes else { return None };
        let mut rest = rest;
        let mut sections = [None; SECTIONS];
        for section in &mut sections {
            *section = take_section(&mut rest)?;
        }
        rest.is_empty().then_some(SummaryRef { cut: flags & CUT != 0, sections })
    }

    /// Was something left out to keep a limit?
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// The `Date` field as it was meant.
    pub fn sent(&self) -> Option<DateTime> {
        let (millis, zone) = self.sections[0]?.split_first_chunk::<8>()?;
        let zone_minutes = i16::from_le_bytes(zone.try_into().ok()?);
        Some(DateTime { at: Timestamp::from_millis(i64::from_le_bytes(*millis)), zone_minutes })
    }

    /// The `Date` field as it was written.
    pub fn date(&self) -> Option<&'a [u8]> {
        self.sections[1]
    }

    /// The `Subject` field.
    pub fn subject(&self) -> Option<&'a [u8]> {
        self.sections[2]
    }

    /// The `In-Reply-To` field.
    pub fn in_reply_to(&self) -> Option<&'a [u8]> {
        self.sections[3]
    }

    /// The `Message-ID` field, with its angle brackets.
    pub fn message_id(&self) -> Option<&'a [u8]> {
        self.sections[4]
    }

    /// The identifiers of the `References` field, oldest first.
    pub fn references(&self) -> References<'a> {
        References { rest: self.sections[5].unwrap_or_default() }
    }

    /// The identifiers of the messages above this one in its thread, oldest first: those of
    /// `References`, or else the first of `In-Reply-To` (RFC 5256 §3). The latter is not
    /// normalized: see [`crate::normalize_message_id`].
    pub fn ancestors(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let references = self.references();
        let replied_to = match references.rest.is_empty() {
            true => message_ids(self.in_reply_to().unwrap_or_default()).next(),
            false => None,
        };
        references.chain(replied_to)
    }

    /// The `From` field.
    pub fn from(&self) -> Mailboxes<'a> {
        self.list(6)
    }

    /// The `Sender` field as sent; who prints an ENVELOPE puts `From` in the place of an empty one.
    pub fn sender(&self) -> Mailboxes<'a> {
        self.list(7)
    }

    /// The `Reply-To` field as sent; who prints an ENVELOPE puts `From` in the place of an empty
    /// one.
    pub fn reply_to(&self) -> Mailboxes<'a> {
        self.list(8)
    }

    /// The `To` field.
    pub fn to(&self) -> Mailboxes<'a> {
        self.list(9)
    }

    /// The `Cc` field.
    pub fn cc(&self) -> Mailboxes<'a> {
        self.list(10)
    }

    /// The `Bcc` field.
    pub fn bcc(&self) -> Mailboxes<'a> {
        self.list(11)
    }

    fn list(&self, section: usize) -> Mailboxes<'a> {
        Mailboxes { rest: self.sections[section].unwrap_or_default() }
    }

    /// A copy that owns its values.
    pub fn to_summary(&self) -> Summary {
        let owned = |text: Option<&[u8]>| text.map(<[u8]>::to_vec);
        let list = |mailboxes: Mailboxes<'_>| mailboxes.map(|m| m.to_mailbox()).collect();
        Summary {
            date: owned(self.date()),
            sent: self.sent(),
            subject: owned(self.subject()),
            from: list(self.from()),
            sender: list(self.sender()),
            reply_to: list(self.reply_to()),
            to: list(self.to()),
            cc: list(self.cc()),
            bcc: list(self.bcc()),
            in_reply_to: owned(self.in_reply_to()),
            message_id: owned(self.message_id()),
            references: self.references().map(<[u8]>::to_vec).collect(),
            cut: self.cut,
        }
    }
}

/// One entry of a stored address list; see [`Mailbox`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailboxRef<'a> {
    /// The display name.
    pub name: Option<&'a [u8]>,
    /// The local-part, or the name of the group that begins here.
    pub local: Option<&'a [u8]>,
    /// The domain.
    pub host: Option<&'a [u8]>,
}

impl MailboxRef<'_> {
    /// A copy that owns its texts.
    pub fn to_mailbox(&self) -> Mailbox {
        let owned = |text: Option<&[u8]>| text.map(<[u8]>::to_vec);
        Mailbox { name: owned(self.name), local: owned(self.local), host: owned(self.host) }
    }
}

/// The entries of a stored address list.
#[derive(Clone, Copy, Debug)]
pub struct Mailboxes<'a> {
    rest: &'a [u8],
}

impl Mailboxes<'_> {
    /// Is there no entry?
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}

impl<'a> Iterator for Mailboxes<'a> {
    type Item = MailboxRef<'a>;

    fn next(&mut self) -> Option<MailboxRef<'a>> {
        let name = take_section(&mut self.rest)?;
        let local = take_section(&mut self.rest)?;
        let host = take_section(&mut self.rest)?;
        Some(MailboxRef { name, local, host })
    }
}

/// The entries of a stored `References` field, without angle brackets.
#[derive(Clone, Copy, Debug)]
pub struct References<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for References<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        take_section(&mut self.rest)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored() -> Vec<u8> {
        let header = b"From: Ana <ana@x>\r\nTo: g: a@b;\r\nDate: 24 Nov 2026 08:29:44 +0000\r\n\
            Subject: s\r\nMessage-ID: <2@x>\r\nIn-Reply-To: <1@x>\r\n\r\n";
        Summary::of_header(header).encode()
    }

    #[test]
    fn every_shorter_or_longer_record_is_refused() {
        let whole = stored();
        assert!(SummaryRef::new(&whole).is_some());
        for length in 0..whole.len() {
            assert!(SummaryRef::new(&whole[..length]).is_none(), "{length}");
        }
        assert!(SummaryRef::new(&[&whole[..], b"x"].concat()).is_none());
    }

    #[test]
    fn a_record_of_another_version_is_refused() {
        let mut other = stored();
        other[0] = 2;
        assert!(SummaryRef::new(&other).is_none());
    }

    #[test]
    fn a_spoilt_record_is_read_without_panic() {
        let whole = stored();
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut spoilt = whole.clone();
                spoilt[at] ^= 1 << bit;
                if let Some(summary) = SummaryRef::new(&spoilt) {
                    summary.to_summary();
                }
            }
        }
    }

    #[test]
    fn a_reply_without_references_hangs_below_what_it_replies_to() {
        let stored = stored();
        let summary = SummaryRef::new(&stored).unwrap();
        assert_eq!(summary.ancestors().collect::<Vec<_>>(), [b"1@x"]);
        let with =
            Summary::of_header(b"References: <0@x> <1@x>\r\nIn-Reply-To: <9@x>\r\n").encode();
        let with = SummaryRef::new(&with).unwrap();
        assert_eq!(with.ancestors().collect::<Vec<_>>(), [b"0@x", b"1@x"]);
    }

    #[test]
    fn a_record_of_the_first_version_reads_for_ever() {
        let bytes = b"\x01\x00\x0b\x40\x7f\x13\xb5\x9e\x01\x00\x00\x00\x00\x02d\x02s\x00\x04<i>\x01\x0b\x02n\x02l\x02h\x00\x02g\x00\x01\x01\x01\x01\x01";
        let summary = SummaryRef::new(bytes).unwrap();
        assert_eq!((summary.date(), summary.subject()), (Some(&b"d"[..]), Some(&b"s"[..])));
        assert_eq!(summary.message_id(), Some(&b"<i>"[..]));
        let from: Vec<_> = summary.from().collect();
        assert_eq!(from.len(), 2);
        assert_eq!((from[0].name, from[1].local), (Some(&b"n"[..]), Some(&b"g"[..])));
    }
}
