//! What is stored under the keys. Every record begins with its version.

use crate::{LastWords, NewRecipient, QueuedMessage, Said};
use core_store::BlobId;
use words_base::Timestamp;
use words_mail::{
    AccountId, Address, BodyType, EnhancedStatus, Notify, OriginalRecipient, Ret, ReversePath,
};

use crate::octets::{Reader, Writer};
use crate::{Class, key};

/// The version of all of them.
const VERSION: u8 = 1;
/// Longest prefix of a message, in octets.
pub(crate) const PREFIX_MAX: usize = 60_000;
/// Longest envelope id that is kept, in octets.
const ENVID_MAX: usize = 200;

/// A recipient who waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub queued_at: Timestamp,
    pub attempts: u32,
    /// Has the sender been told that it is late, or would he have been, did he want to be?
    pub noticed: bool,
    pub recipient: NewRecipient,
    pub last: Option<LastWords>,
}

const NOTICED: u8 = 1;
const HAS_LAST: u8 = 2;

impl Row {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new(VERSION);
        let flags =
            if self.noticed { NOTICED } else { 0 } | if self.last.is_some() { HAS_LAST } else { 0 };
        out.time(self.queued_at).u32(self.attempts).u8(flags);
        write_recipient(&mut out, &self.recipient);
        if let Some(LastWords { at, said }) = &self.last {
            out.time(*at);
            write_said(&mut out, said);
        }
        out.0
    }

    pub fn decode(octets: &[u8]) -> Option<Row> {
        let mut reader = versioned(octets)?;
        let (queued_at, attempts, flags) = (reader.time()?, reader.u32()?, reader.u8()?);
        let recipient = read_recipient(&mut reader)?;
        let last = match flags & HAS_LAST {
            0 => None,
            _ => Some(LastWords { at: reader.time()?, said: read_said(&mut reader)? }),
        };
        let noticed = flags & NOTICED != 0;
        reader.end(Row { queued_at, attempts, noticed, recipient, last })
    }
}

fn versioned(octets: &[u8]) -> Option<Reader<'_>> {
    let mut reader = Reader(octets);
    (reader.u8()? == VERSION).then_some(reader)
}

fn write_recipient(out: &mut Writer, recipient: &NewRecipient) {
    out.text(&recipient.address.to_string()).u8(recipient.notify.to_octet());
    match &recipient.orcpt {
        None => out.text("").text(""),
        Some(orcpt) => out.text(&orcpt.kind).text(&orcpt.address),
    };
}

fn read_recipient(reader: &mut Reader<'_>) -> Option<NewRecipient> {
    let address = Address::parse(reader.text()?).ok()?;
    let notify = Notify::from_octet(reader.u8()?)?;
    let (kind, meant) = (reader.text()?, reader.text()?);
    let orcpt = (!kind.is_empty())
        .then(|| OriginalRecipient { kind: kind.to_string(), address: meant.to_string() });
    Some(NewRecipient { address, notify, orcpt })
}

fn write_said(out: &mut Writer, said: &Said) {
    let said = said.bounded();
    let EnhancedStatus(class, subject, detail) = said.status;
    out.u16(said.code.unwrap_or(0)).u8(class).u16(subject).u16(detail);
    out.text(&said.text).text(said.by.as_deref().unwrap_or(""));
}

fn read_said(reader: &mut Reader<'_>) -> Option<Said> {
    let code = Some(reader.u16()?).filter(|code| *code != 0);
    let status = EnhancedStatus(reader.u8()?, reader.u16()?, reader.u16()?);
    let (text, by) = (reader.text()?.to_string(), reader.text()?);
    Some(Said { code, status, text, by: (!by.is_empty()).then(|| by.to_string()) })
}

const SMTPUTF8: u8 = 1;
const REQUIRETLS: u8 = 2;

/// A message.
pub(crate) fn encode_message(message: &QueuedMessage) -> Vec<u8> {
    let mut out = Writer::new(VERSION);
    let flags = if message.smtputf8 { SMTPUTF8 } else { 0 }
        | if message.requiretls { REQUIRETLS } else { 0 };
    out.u64(message.blob.0).u64(message.size).time(message.queued_at);
    out.u8(message.class.to_octet())
        .u8(flags)
        .u8(body_octet(message.body))
        .u8(ret_octet(message.ret));
    out.u32(message.recipients).u32(message.submitter.map_or(0, |account| account.0));
    out.text(&message.reverse_path.0.as_ref().map(Address::to_string).unwrap_or_default());
    let envid = message.envid.as_deref().unwrap_or("");
    out.text(&envid[..envid.floor_char_boundary(ENVID_MAX)]);
    out.octets(&message.prefix);
    out.0
}

/// The message `id` that [`encode_message`] has written.
pub(crate) fn decode_message(id: &str, octets: &[u8]) -> Option<QueuedMessage> {
    let mut reader = versioned(octets)?;
    let (blob, size, queued_at) = (BlobId(reader.u64()?), reader.u64()?, reader.time()?);
    let (class, flags) = (Class::from_octet(reader.u8()?)?, reader.u8()?);
    let (body, ret) = (body_of(reader.u8()?)?, ret_of(reader.u8()?)?);
    let (recipients, submitter) = (reader.u32()?, reader.u32()?);
    let reverse_path = match reader.text()? {
        "" => ReversePath(None),
        text => ReversePath(Some(Address::parse(text).ok()?)),
    };
    let envid = Some(reader.text()?.to_string()).filter(|envid| !envid.is_empty());
    let prefix = key::owned(reader.octets()?);
    reader.end(QueuedMessage {
        id: id.to_string(),
        blob,
        size,
        prefix,
        reverse_path,
        submitter: (submitter != 0).then_some(AccountId(submitter)),
        body,
        smtputf8: flags & SMTPUTF8 != 0,
        requiretls: flags & REQUIRETLS != 0,
        ret,
        envid,
        class,
        queued_at,
        recipients,
    })
}

fn body_octet(body: BodyType) -> u8 {
    match body {
        BodyType::SevenBit => 0,
        BodyType::EightBitMime => 1,
        BodyType::BinaryMime => 2,
    }
}

fn body_of(octet: u8) -> Option<BodyType> {
    [BodyType::SevenBit, BodyType::EightBitMime, BodyType::BinaryMime]
        .get(usize::from(octet))
        .copied()
}

fn ret_octet(ret: Option<Ret>) -> u8 {
    match ret {
        None => 0,
        Some(Ret::Headers) => 1,
        Some(Ret::Full) => 2,
    }
}

fn ret_of(octet: u8) -> Option<Option<Ret>> {
    [None, Some(Ret::Headers), Some(Ret::Full)].get(usize::from(octet)).copied()
}

/// How many rows and bounces a message still has.
pub(crate) fn encode_count(count: u32) -> Vec<u8> {
    let mut out = Writer::new(VERSION);
    out.u32(count);
    out.0
}

/// What [`encode_count`] has written.
pub(crate) fn decode_count(octets: &[u8]) -> Option<u32> {
    let mut reader = versioned(octets)?;
    let count = reader.u32()?;
    reader.end(count)
}

/// A destination that cannot be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pause {
    /// Until then.
    pub until: Timestamp,
    /// Pauses in a row, this one included.
    pub times: u32,
    /// When nothing was reached last,
    pub at: Timestamp,
    /// and what was said.
    pub said: Said,
}

impl Pause {
    /// An operator wants it tried now. If it fails, that is a first failure: somebody has seen to it,
    /// and to ask again and again must not make it wait longer and longer.
    pub fn lift(&mut self, now: Timestamp) {
        self.until = now.min(self.until);
        self.times = 0;
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new(VERSION);
        out.time(self.until).u32(self.times).time(self.at);
        write_said(&mut out, &self.said);
        out.0
    }

    pub fn decode(octets: &[u8]) -> Option<Pause> {
        let mut reader = versioned(octets)?;
        let (until, times, at) = (reader.time()?, reader.u32()?, reader.time()?);
        let said = read_said(&mut reader)?;
        reader.end(Pause { until, times, at, said })
    }
}

/// What is to be reported of a recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bounce {
    /// When it happened.
    pub at: Timestamp,
    /// When it was queued.
    pub queued_at: Timestamp,
    pub recipient: NewRecipient,
    pub attempts: u32,
    /// Was it given up because its time was over?
    pub expired: bool,
    /// Of a delay: until when it is tried.
    pub until: Timestamp,
    pub said: Said,
}

impl Bounce {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new(VERSION);
        out.time(self.at).time(self.queued_at).time(self.until);
        out.u32(self.attempts).u8(self.expired.into());
        write_recipient(&mut out, &self.recipient);
        write_said(&mut out, &self.said);
        out.0
    }

    pub fn decode(octets: &[u8]) -> Option<Bounce> {
        let mut reader = versioned(octets)?;
        let (at, queued_at, until) = (reader.time()?, reader.time()?, reader.time()?);
        let (attempts, expired) = (reader.u32()?, reader.u8()? != 0);
        let recipient = read_recipient(&mut reader)?;
        let said = read_said(&mut reader)?;
        reader.end(Bounce { at, queued_at, recipient, attempts, expired, until, said })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_millis(1_795_514_400_123);

    fn said() -> Said {
        Said {
            code: Some(550),
            status: EnhancedStatus(5, 1, 1),
            text: "5.1.1 no such user, señor".into(),
            by: Some("mx.x.org [192.0.2.1]".into()),
        }
    }

    fn recipient(orcpt: bool) -> NewRecipient {
        let meant = OriginalRecipient { kind: "rfc822".into(), address: "Bob+x@y.org".into() };
        NewRecipient {
            address: Address::parse("\"b o\"@ñ.org").unwrap(),
            notify: Notify::parse("SUCCESS,DELAY").unwrap(),
            orcpt: orcpt.then_some(meant),
        }
    }

    fn message(rich: bool) -> QueuedMessage {
        QueuedMessage {
            id: "ID".into(),
            blob: BlobId(7),
            size: 1234,
            prefix: if rich { "DKIM-Signature: x\r\n".into() } else { "".into() },
            reverse_path: ReversePath(rich.then(|| Address::parse("ana@mired.org").unwrap())),
            submitter: rich.then_some(AccountId(4)),
            body: if rich { BodyType::EightBitMime } else { BodyType::SevenBit },
            smtputf8: rich,
            requiretls: rich,
            ret: rich.then_some(Ret::Full),
            envid: rich.then(|| "envelope".into()),
            class: if rich { Class::Bulk } else { Class::Interactive },
            queued_at: AT,
            recipients: 3,
        }
    }

    /// Whole it is read back; cut, longer or of another version it is not.
    fn check<T: PartialEq + std::fmt::Debug>(
        value: T,
        octets: &[u8],
        decode: impl Fn(&[u8]) -> Option<T>,
    ) {
        assert_eq!(decode(octets), Some(value));
        for cut in 0..octets.len() {
            assert_eq!(decode(&octets[..cut]), None, "cut at {cut}");
        }
        assert_eq!(decode(&[octets, &[0]].concat()), None);
        assert_eq!(decode(&[&[2], &octets[1..]].concat()), None);
    }

    #[test]
    fn records_are_read_as_they_are_written() {
        for last in [None, Some(LastWords { at: AT, said: said() })] {
            let noticed = last.is_some();
            let row =
                Row { queued_at: AT, attempts: 3, noticed, recipient: recipient(noticed), last };
            check(row.clone(), &row.encode(), Row::decode);
        }
        for rich in [true, false] {
            let message = message(rich);
            check(message.clone(), &encode_message(&message), |o| decode_message("ID", o));
        }
        check(9, &encode_count(9), decode_count);
        let pause = Pause { until: AT, times: 2, at: AT, said: said() };
        check(pause.clone(), &pause.encode(), Pause::decode);
        let bounce = Bounce {
            at: AT,
            queued_at: AT,
            recipient: recipient(true),
            attempts: 1,
            expired: true,
            until: AT,
            said: Said { code: None, by: None, ..said() },
        };
        check(bounce.clone(), &bounce.encode(), Bounce::decode);
    }

    #[test]
    fn the_peers_words_are_cut_where_a_letter_ends() {
        let long = Said { text: "ñ".repeat(2000), by: Some("m".repeat(2000)), ..said() };
        let mut out = Writer(Vec::new());
        write_said(&mut out, &long);
        let kept = read_said(&mut Reader(&out.0)).unwrap();
        assert_eq!((kept.text.len(), kept.by.unwrap().len()), (Said::TEXT_MAX, Said::BY_MAX));
    }
}
