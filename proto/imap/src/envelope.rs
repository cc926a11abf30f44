//! ENVELOPE (RFC 3501 §7.4.2), printed from a stored summary without a copy.

use crate::print::{self, Utf8};
use words_message::{Mailboxes, SummaryRef, encode_words};

/// ```abnf
/// envelope = "(" env-date SP env-subject SP env-from SP env-sender SP env-reply-to SP env-to SP
///            env-cc SP env-bcc SP env-in-reply-to SP env-message-id ")"
/// ```
/// Octets that are no summary give an envelope of nothing.
pub(crate) fn envelope(out: &mut Vec<u8>, summary: &[u8], utf8: Utf8) {
    match SummaryRef::new(summary) {
        Some(summary) => of_summary(out, &summary, utf8),
        None => out.extend_from_slice(b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"),
    }
}

pub(crate) fn of_summary(out: &mut Vec<u8>, summary: &SummaryRef<'_>, utf8: Utf8) {
    out.push(b'(');
    text(out, summary.date(), utf8);
    out.push(b' ');
    text(out, summary.subject(), utf8);
    let from = || summary.from();
    // Sender and Reply-To take From's value where they are missing (RFC 3501 §7.4.2).
    let or_from = |list: Mailboxes<'_>| list.is_empty();
    let sender = if or_from(summary.sender()) { from() } else { summary.sender() };
    let reply_to = if or_from(summary.reply_to()) { from() } else { summary.reply_to() };
    for list in [from(), sender, reply_to, summary.to(), summary.cc(), summary.bcc()] {
        out.push(b' ');
        addresses(out, list, utf8);
    }
    out.push(b' ');
    text(out, summary.in_reply_to(), utf8);
    out.push(b' ');
    text(out, summary.message_id(), utf8);
    out.push(b')');
}

/// ```abnf
/// env-from = "(" 1*address ")" / nil
/// address  = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"
/// ```
fn addresses(out: &mut Vec<u8>, list: Mailboxes<'_>, utf8: Utf8) {
    if list.is_empty() {
        out.extend_from_slice(b"NIL");
        return;
    }
    out.push(b'(');
    for mailbox in list {
        out.push(b'(');
        text(out, mailbox.name, utf8);
        out.extend_from_slice(b" NIL ");
        text(out, mailbox.local, utf8);
        out.push(b' ');
        text(out, mailbox.host, utf8);
        out.push(b')');
    }
    out.push(b')');
}

/// A header's value. Octets over 127 go out as they are only to who asked for UTF-8; for others
/// they become encoded words, so that everything stays ASCII.
fn text(out: &mut Vec<u8>, value: Option<&[u8]>, utf8: Utf8) {
    match value {
        Some(value) if !value.is_ascii() && !is_sendable(value, utf8) => {
            let mut words = Vec::new();
            encode_words(value, &mut words);
            print::string(out, &words, Utf8::Off);
        }
        value => print::nstring(out, value, utf8),
    }
}

fn is_sendable(value: &[u8], utf8: Utf8) -> bool {
    utf8 == Utf8::Accepted && std::str::from_utf8(value).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use words_message::Summary;

    fn printed(header: &str, utf8: Utf8) -> String {
        let mut out = Vec::new();
        envelope(&mut out, &Summary::of_header(header.as_bytes()).encode(), utf8);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_envelope_of_rfc_3501_is_printed_as_there() {
        let header = "Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n\
                      From: Terry Gray <gray@cac.washington.edu>\r\n\
                      Subject: IMAP4rev1 WG mtg summary and minutes\r\n\
                      To: imap@cac.washington.edu\r\n\
                      cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n\
                      Message-Id: <B27397-0100000@cac.washington.edu>\r\n\r\n";
        let gray = "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\"))";
        let want = format!(
            "(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \
             \"IMAP4rev1 WG mtg summary and minutes\" {gray} {gray} {gray} \
             ((NIL NIL \"imap\" \"cac.washington.edu\")) \
             ((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")\
             (\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) NIL NIL \
             \"<B27397-0100000@cac.washington.edu>\")"
        );
        assert_eq!(printed(header, Utf8::Off), want);
    }

    #[test]
    fn raw_utf8_goes_only_to_who_asked_for_it() {
        let header = "Subject: año\r\n\r\n";
        let rest = "NIL NIL NIL NIL NIL NIL NIL NIL)";
        assert_eq!(printed(header, Utf8::Off), format!("(NIL \"=?utf-8?Q?a=C3=B1o?=\" {rest}"));
        assert_eq!(printed(header, Utf8::Accepted), format!("(NIL \"año\" {rest}"));
    }

    #[test]
    fn groups_quotes_and_nothing_keep_their_shape() {
        let header = "To: Friends: a@b.c;\r\nMessage-ID: <\"q\"@x>\r\nSubject:\r\n\r\n";
        assert_eq!(
            printed(header, Utf8::Off),
            "(NIL \"\" NIL NIL NIL ((NIL NIL \"Friends\" NIL)(NIL NIL \"a\" \"b.c\")\
             (NIL NIL NIL NIL)) NIL NIL NIL \"<\\\"q\\\"@x>\")"
        );
        let mut out = Vec::new();
        envelope(&mut out, b"no summary", Utf8::Off);
        assert_eq!(out, b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
    }
}
