//! Which messages are wanted.

use core_mailbox::{Mailboxes, Row, Rows, View};
use words_mail::{MailboxName, Refusal, Uid};
use words_message::{Header, SummaryRef};

/// Octets of a message in which its trace fields are looked for.
const TRACE_MAX: usize = 32 * 1024;
/// Summaries read at once.
const PAGE: usize = 500;

/// What is to be restored of an account.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Only of this mailbox.
    pub mailbox: Option<MailboxName>,
    /// Only this message.
    pub message: Option<Choice>,
    /// Into this mailbox; else each into the one it was in.
    pub to: Option<MailboxName>,
    /// What of messages that the account has in another mailbox by now?
    pub elsewhere: Elsewhere,
}

/// What of messages that the account has in another mailbox by now?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elsewhere {
    /// They are not lost: they stay where they are.
    Leave,
    /// They come once more.
    Restore,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// By its UID in its mailbox.
    Uid(Uid),
    /// By its Message-ID, without angle brackets.
    MessageId(String),
    /// By the id it was given when it came in, as the log and its topmost Received field have it.
    Trace(String),
}

impl Choice {
    /// As people write it: a number is a UID, what has an `@` a Message-ID.
    pub fn parse(text: &str) -> Choice {
        let text = text.trim();
        let bare = text.trim_start_matches('<').trim_end_matches('>');
        match text.parse() {
            Ok(uid) => Choice::Uid(Uid(uid)),
            Err(_) if bare.len() < text.len() || bare.contains('@') => {
                Choice::MessageId(bare.to_owned())
            }
            Err(_) => Choice::Trace(bare.to_owned()),
        }
    }
}

/// The places of the wanted rows.
pub(crate) async fn places(
    mailboxes: &Mailboxes,
    view: &View,
    rows: &Rows,
    choice: Option<&Choice>,
) -> Result<Vec<usize>, Refusal> {
    match choice {
        None => Ok((0..rows.len()).collect()),
        Some(Choice::Uid(uid)) => Ok(rows.find(*uid).into_iter().collect()),
        Some(Choice::MessageId(id)) => by_message_id(mailboxes, view, rows, id).await,
        Some(Choice::Trace(id)) => by_trace(mailboxes, view, rows, id).await,
    }
}

async fn by_message_id(
    mailboxes: &Mailboxes,
    view: &View,
    rows: &Rows,
    id: &str,
) -> Result<Vec<usize>, Refusal> {
    let mut places = Vec::new();
    for start in (0..rows.len()).step_by(PAGE) {
        let summaries = mailboxes.summaries(view, rows, start, PAGE).await?;
        for (nth, summary) in summaries.iter().enumerate() {
            let summary = summary.as_ref().and_then(|octets| SummaryRef::new(octets));
            let own = summary.and_then(|summary| summary.message_id()).unwrap_or_default();
            let own = own.trim_ascii();
            let bare = own.strip_prefix(b"<").and_then(|own| own.strip_suffix(b">"));
            if bare.unwrap_or(own) == id.as_bytes() {
                places.push(start + nth);
            }
        }
    }
    Ok(places)
}

async fn by_trace(
    mailboxes: &Mailboxes,
    view: &View,
    rows: &Rows,
    id: &str,
) -> Result<Vec<usize>, Refusal> {
    let mut places = Vec::new();
    for (place, row) in rows.iter_from(0) {
        // One that cannot be read may be the one; the others are looked at all the same.
        if has_trace(mailboxes, view, row, id).await.unwrap_or(false) {
            places.push(place);
        }
    }
    Ok(places)
}

async fn has_trace(
    mailboxes: &Mailboxes,
    view: &View,
    row: &Row,
    id: &str,
) -> Result<bool, Refusal> {
    let front = mailboxes.content(view, row).await?.read(0, TRACE_MAX).await?;
    let received = Header::new(&front).find("Received").map(|field| field.unfolded().into_owned());
    Ok(received.is_some_and(|field| names_id(&field, id)))
}

/// Does a Received field have `id` and this (RFC 5321 §4.4)?
fn names_id(field: &[u8], id: &str) -> bool {
    let mut words = field.split(|octet| b" \t\r\n;()".contains(octet)).filter(|w| !w.is_empty());
    while let Some(word) = words.next() {
        if word.eq_ignore_ascii_case(b"id") {
            return words.next() == Some(id.as_bytes());
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_named_as_people_name_it() {
        for (text, choice) in [
            ("17", Choice::Uid(Uid(17))),
            (" <17> ", Choice::MessageId("17".into())),
            ("a.b@example.org", Choice::MessageId("a.b@example.org".into())),
            ("<a.b@example.org>", Choice::MessageId("a.b@example.org".into())),
            ("0D0N5ABCDEF0123456", Choice::Trace("0D0N5ABCDEF0123456".into())),
        ] {
            assert_eq!(Choice::parse(text), choice, "{text}");
        }
    }

    #[test]
    fn an_id_is_found_in_its_field_only() {
        let field =
            b"Received: from client (HELO id) by mail.example with ESMTPS\r\n id 0D0N5ABC; now";
        assert!(!names_id(field, "0D0N5ABC"), "the first id is the client's own name");
        let field =
            b"Received: from client.example by mail.example with ESMTPS\r\n id 0D0N5ABC; now";
        assert!(names_id(field, "0D0N5ABC"));
        for other in ["0D0N5AB", "mail.example", "0D0N5ABC;"] {
            assert!(!names_id(field, other), "{other}");
        }
    }
}
