//! The stored form of a summary.
//!
//! ```text
//! record   = version flags sent date subject in-reply-to message-id references
//!            from sender reply-to to cc bcc
//! version  = %x01
//! flags    = OCTET              ; bit 0: something was cut
//! section  = 0 / (length + 1) octets      ; 0: absent; the length a varint, low 7 bits first
//! sent     = section of 10: milliseconds i64, zone in minutes i16, little-endian
//! references, address lists = section of sections; an address is three: name, local, host
//! ```

use crate::address::Mailbox;
use crate::date::DateTime;
use crate::summary::Summary;

/// The version this module writes.
pub(crate) const VERSION: u8 = 1;
/// Sections of a record.
pub(crate) const SECTIONS: usize = 12;
/// Bit of the flags: something was left out.
pub(crate) const CUT: u8 = 1;
/// Octets of the entry that ends a group.
pub(crate) const GROUP_END_LENGTH: usize = 3;
/// Most octets of a section's length: no record is longer than 2 MiB.
const LENGTH_MAX: usize = 3;

/// Writes a summary; entries of address lists that do not fit are left out.
pub(crate) fn encode(summary: &Summary, octets_max: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    out.extend([VERSION, if summary.cut { CUT } else { 0 }]);
    put_section(&mut out, summary.sent.map(sent_bytes).as_ref().map(|b| &b[..]));
    for text in [&summary.date, &summary.subject, &summary.in_reply_to, &summary.message_id] {
        put_section(&mut out, text.as_deref());
    }
    let mut references = Vec::new();
    summary.references.iter().for_each(|id| put_section(&mut references, Some(id)));
    put_section(&mut out, Some(&references));
    let mut room = octets_max.saturating_sub(out.len() + 6 * LENGTH_MAX);
    for list in summary.lists() {
        let (entries, whole) = encode_list(list, &mut room);
        put_section(&mut out, Some(&entries));
        if !whole {
            out[1] |= CUT;
        }
    }
    out
}

/// The entries that fit into `room`, a begun group always ended; and whether they are all.
fn encode_list(list: &[Mailbox], room: &mut usize) -> (Vec<u8>, bool) {
    let mut out = Vec::new();
    let mut in_group = false;
    for mailbox in list {
        let begins = mailbox.host.is_none() && mailbox.local.is_some();
        let reserved = if begins || in_group { GROUP_END_LENGTH } else { 0 };
        let ends = mailbox.local.is_none();
        if !ends && out.len() + mailbox_length(mailbox) + reserved > *room {
            if in_group {
                put_mailbox(&mut out, &Mailbox::default());
            }
            *room = room.saturating_sub(out.len());
            return (out, false);
        }
        in_group = begins || in_group && !ends;
        put_mailbox(&mut out, mailbox);
    }
    *room = room.saturating_sub(out.len());
    (out, true)
}

/// Octets of the whole record but for the entries of its address lists, at most.
pub(crate) fn encoded_length(summary: &Summary) -> usize {
    let texts = [&summary.date, &summary.subject, &summary.in_reply_to, &summary.message_id];
    let texts: usize = texts.iter().map(|t| t.as_ref().map_or(0, Vec::len) + LENGTH_MAX).sum();
    let references: usize = summary.references.iter().map(|id| id.len() + LENGTH_MAX).sum();
    // Version, flags, time, length of the references and of the six lists.
    2 + 11 + texts + LENGTH_MAX + references + 6 * LENGTH_MAX
}

/// Octets of one address.
pub(crate) fn mailbox_length(mailbox: &Mailbox) -> usize {
    let length = |text: &Option<Vec<u8>>| match text.as_ref().map_or(0, |t| t.len() + 1) {
        0 => 1,
        coded @ 1..0x80 => coded,
        coded @ 0x80..0x4000 => coded + 1,
        coded => coded + 2,
    };
    length(&mailbox.name) + length(&mailbox.local) + length(&mailbox.host)
}

fn put_mailbox(out: &mut Vec<u8>, mailbox: &Mailbox) {
    for text in [&mailbox.name, &mailbox.local, &mailbox.host] {
        put_section(out, text.as_deref());
    }
}

fn put_section(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    let mut length = bytes.map_or(0, |bytes| bytes.len() + 1);
    while length >= 0x80 {
        out.push(length as u8 & 0x7f | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(bytes.unwrap_or_default());
}

/// Takes one section off the front of `rest`: `Some(None)` for an absent one, `None` if the
/// octets end too soon.
pub(crate) fn take_section<'a>(rest: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let length = take_length(rest)?;
    if length == 0 {
        return Some(None);
    }
    let (section, after) = rest.split_at_checked(length - 1)?;
    *rest = after;
    Some(Some(section))
}

fn take_length(rest: &mut &[u8]) -> Option<usize> {
    let mut length = 0_usize;
    for shift in 0..LENGTH_MAX {
        let (first, after) = rest.split_first()?;
        *rest = after;
        length |= usize::from(first & 0x7f) << (7 * shift);
        if first & 0x80 == 0 {
            return Some(length);
        }
    }
    None
}

fn sent_bytes(sent: DateTime) -> [u8; 10] {
    let mut bytes = [0; 10];
    bytes[..8].copy_from_slice(&sent.at.millis().to_le_bytes());
    bytes[8..].copy_from_slice(&sent.zone_minutes.to_le_bytes());
    bytes
}
