//! A report from elsewhere, read: lists learn from it whose address is dead.
//!
//! Lenient: whatever is not understood is passed over, and every limit has a name.

use words_mail::EnhancedStatus;
use words_message::{Header, StructureScanner, TransferDecoder, TransferEncoding};

/// Octets of a message in which a report is looked for.
pub const RECEIVED_MAX: usize = 1024 * 1024;
/// Octets of the part for programs that are read.
const STATUS_MAX: usize = 256 * 1024;
/// Recipients of one report that are read.
const RECIPIENTS_MAX: usize = 1_000;
/// Octets of one field's value that are kept.
const VALUE_MAX: usize = 1_000;

/// What a report says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceivedReport {
    /// Who reports, without the type of name.
    pub reporting_mta: Option<String>,
    /// The envelope id of the message that is reported on.
    pub envid: Option<String>,
    /// Of whom.
    pub recipients: Vec<ReceivedRecipient>,
    /// The Message-ID of the message that is reported on, if its header came back.
    pub message_id: Option<String>,
}

/// What a report says of one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedRecipient {
    /// Whom the message went to, without the type of address.
    pub final_recipient: String,
    /// Whom its sender meant, likewise.
    pub original_recipient: Option<String>,
    /// `failed`, `delayed`, `delivered`, `relayed`, `expanded`; in lower case.
    pub action: String,
    /// Why.
    pub status: Option<EnhancedStatus>,
    /// In the exact words, without their type.
    pub diagnostic: Option<String>,
}

/// The report in `message`, if it is one. Of a longer message than [`RECEIVED_MAX`] octets the
/// beginning counts.
pub fn read_report(message: &[u8]) -> Option<ReceivedReport> {
    let message = &message[..message.len().min(RECEIVED_MAX)];
    let mut scanner = StructureScanner::new();
    scanner.feed(message);
    let structure = scanner.finish();
    let octets = |range: &std::ops::Range<u64>| {
        let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(message.len());
        &message[at(range.start).min(at(range.end))..at(range.end)]
    };
    let mut report = None;
    let mut message_id = None;
    for part in structure.parts() {
        let kind = part.content_type();
        let is_status =
            kind.is("message", "delivery-status") || kind.is("message", "global-delivery-status");
        let is_header = kind.is("text", "rfc822-headers") || kind.is("message", "global-headers");
        if is_status && report.is_none() {
            report = Some(read_status(&decoded(octets(&part.header), octets(&part.body))));
        } else if is_header && message_id.is_none() {
            message_id = message_id_of(&decoded(octets(&part.header), octets(&part.body)));
        } else if let Some(inner) = part.message().filter(|_| message_id.is_none()) {
            message_id = message_id_of(octets(&inner.header));
        }
    }
    let mut report = report.filter(|report| !report.recipients.is_empty())?;
    report.message_id = message_id;
    Some(report)
}

/// A part's octets without their transfer encoding.
fn decoded(header: &[u8], body: &[u8]) -> Vec<u8> {
    let name = Header::new(header).find("Content-Transfer-Encoding").map(|f| f.unfolded());
    let name =
        name.map(|n| String::from_utf8_lossy(n.trim_ascii()).into_owned()).unwrap_or_default();
    let mut decoder = TransferDecoder::new(TransferEncoding::of(&name));
    let mut out = Vec::new();
    decoder.feed(&body[..body.len().min(STATUS_MAX)], &mut out);
    decoder.finish(&mut out);
    out
}

fn message_id_of(header: &[u8]) -> Option<String> {
    value(header, "Message-ID")
}

/// Reads the part for programs: groups of fields, between them empty lines (RFC 3464 §2.1).
pub fn read_status(part: &[u8]) -> ReceivedReport {
    let mut report = ReceivedReport::default();
    for group in groups(part).take(RECIPIENTS_MAX + 1) {
        if let Some(recipient) = recipient(group) {
            report.recipients.push(recipient);
        } else if report.recipients.is_empty() {
            report.reporting_mta = report.reporting_mta.or(typed(group, "Reporting-MTA"));
            report.envid = report.envid.or(value(group, "Original-Envelope-Id"));
        }
    }
    report
}

/// The groups of fields.
fn groups(part: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = part;
    std::iter::from_fn(move || {
        while let Some(after) = rest.strip_prefix(b"\r\n").or(rest.strip_prefix(b"\n")) {
            rest = after;
        }
        if rest.is_empty() {
            return None;
        }
        let mut end = rest.len();
        for at in 0..rest.len() {
            if rest[at] == b'\n'
                && matches!(rest.get(at + 1..), Some([b'\n', ..] | [b'\r', b'\n', ..]))
            {
                end = at + 1;
                break;
            }
        }
        let (group, after) = rest.split_at(end);
        rest = after;
        Some(group)
    })
}

fn recipient(group: &[u8]) -> Option<ReceivedRecipient> {
    Some(ReceivedRecipient {
        final_recipient: typed(group, "Final-Recipient")?,
        original_recipient: typed(group, "Original-Recipient"),
        action: value(group, "Action")?.to_ascii_lowercase(),
        status: value(group, "Status").and_then(|text| status(&text)),
        diagnostic: typed(group, "Diagnostic-Code"),
    })
}

/// A field's value; a comment behind it stays.
fn value(group: &[u8], name: &str) -> Option<String> {
    let field = Header::new(group).find(name)?;
    let unfolded = field.unfolded();
    let text = String::from_utf8_lossy(unfolded.trim_ascii());
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let text = text[..text.floor_char_boundary(VALUE_MAX)].to_string();
    (!text.is_empty()).then_some(text)
}

/// What stands behind the type and `;`.
fn typed(group: &[u8], name: &str) -> Option<String> {
    let value = value(group, name)?;
    let text = value.split_once(';').map_or(&*value, |(_, text)| text).trim();
    (!text.is_empty()).then(|| text.to_string())
}

/// `5.1.1`, and what may follow it.
fn status(text: &str) -> Option<EnhancedStatus> {
    let mut numbers = text.split_whitespace().next()?.split('.');
    let status = EnhancedStatus(
        numbers.next()?.parse().ok()?,
        numbers.next()?.parse().ok()?,
        numbers.next()?.parse().ok()?,
    );
    numbers.next().is_none().then_some(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    const THEIRS: &[u8] = b"From: MAILER-DAEMON@far.org\r\nContent-Type: multipart/report;\r\n \
        report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nSorry.\r\n--b\r\n\
        Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.far.org\r\n\
        X-Queue: 1\r\n\r\nFinal-Recipient: RFC822; bob@far.org\r\nAction: Failed\r\n\
        Status: 5.1.1 (nobody)\r\nDiagnostic-Code: smtp; 550 no\r\n such user\r\n\r\n\
        Final-Recipient: rfc822; eva@far.org\nAction: delayed\nStatus: 4.x\n\r\n--b\r\n\
        Content-Type: message/rfc822\r\n\r\nMessage-ID: <1@x>\r\n\r\nhi\r\n--b--\r\n";

    #[test]
    fn reports_of_others_are_read() {
        let report = read_report(THEIRS).unwrap();
        assert_eq!(report.reporting_mta.as_deref(), Some("mx.far.org"));
        assert_eq!(report.message_id.as_deref(), Some("<1@x>"));
        let [bob, eva] = &report.recipients[..] else { panic!("{report:?}") };
        assert_eq!((&*bob.final_recipient, &*bob.action), ("bob@far.org", "failed"));
        assert_eq!(bob.status, Some(EnhancedStatus(5, 1, 1)));
        assert_eq!(bob.diagnostic.as_deref(), Some("550 no such user"));
        assert_eq!((&*eva.action, eva.status), ("delayed", None));
    }

    #[test]
    fn what_is_no_report_is_none() {
        for message in [&b""[..], b"Subject: hi\r\n\r\nFinal-Recipient: rfc822;a@b\r\n", b"\r\n"] {
            assert_eq!(read_report(message), None);
        }
    }

    #[test]
    fn whatever_is_cut_or_bent_is_read_without_harm() {
        let mut state = 1_u64;
        for cut in 0..THEIRS.len() {
            let _ = read_report(&THEIRS[..cut]);
            let mut bent = THEIRS.to_vec();
            for _ in 0..4 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let at = (state >> 33) as usize % bent.len();
                bent[at] = (state >> 24) as u8;
            }
            if let Some(report) = read_report(&bent) {
                assert!(report.recipients.len() <= RECIPIENTS_MAX);
            }
        }
        let many = b"Final-Recipient: rfc822;a@b\nAction: failed\n\n".repeat(5_000);
        assert!(read_status(&many).recipients.len() <= RECIPIENTS_MAX + 1);
    }
}
