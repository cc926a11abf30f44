//! The part for programs: `message/delivery-status` (RFC 3464 §2), or its UTF-8 variant (RFC 6533 §4).

use crate::report::{Action, Recipient, Report};
use words_mail::Address;
use words_message::{DateTime, compose};

/// Octets of a diagnostic that are repeated.
const DIAGNOSTIC_MAX: usize = 900;

/// The whole part, CRLF line ends.
pub(crate) fn status_part(report: &Report<'_>) -> String {
    let mut out = String::new();
    let mut put = |name: &str, value: &str| {
        let value = if report.utf8 { value.to_string() } else { ascii(value) };
        out.push_str(&compose::field(name, &value));
    };
    if let Some(envid) = report.original.envid {
        put("Original-Envelope-Id", envid);
    }
    put("Reporting-MTA", &format!("dns; {}", report.reporting_mta));
    put("Arrival-Date", &DateTime::utc(report.original.accepted_at).to_field());
    for recipient in report.recipients {
        out.push_str("\r\n");
        let mut put = |name: &str, value: &str| {
            let value = if report.utf8 { value.to_string() } else { ascii(value) };
            out.push_str(&compose::field(name, &value));
        };
        recipient_fields(report, recipient, &mut put);
    }
    out
}

fn recipient_fields(report: &Report<'_>, recipient: &Recipient, put: &mut dyn FnMut(&str, &str)) {
    if let Some(orcpt) = &recipient.orcpt {
        put("Original-Recipient", &format!("{};{}", orcpt.kind, orcpt.address));
    }
    put("Final-Recipient", &final_recipient(&recipient.address));
    put("Action", recipient.action.word());
    put("Status", &recipient.status.to_string());
    if let Some(name) = recipient.by.as_deref().and_then(|by| by.split_whitespace().next()) {
        put("Remote-MTA", &format!("dns; {name}"));
    }
    let text = &recipient.text[..recipient.text.floor_char_boundary(DIAGNOSTIC_MAX)];
    match recipient.code {
        Some(code) => put("Diagnostic-Code", &format!("smtp; {code} {text}")),
        None if !text.is_empty() => put("Diagnostic-Code", &format!("x-estafeta; {text}")),
        None => {}
    }
    put("Last-Attempt-Date", &DateTime::utc(recipient.at).to_field());
    put("Final-Log-ID", report.original.id);
    if let Action::Delayed { until } = recipient.action {
        put("Will-Retry-Until", &DateTime::utc(until).to_field());
    }
}

/// An address with its type (RFC 3464 §2.3.2, RFC 6533 §3).
fn final_recipient(address: &Address) -> String {
    match address.is_ascii() {
        true => format!("rfc822;{address}"),
        false => format!("utf-8;{address}"),
    }
}

/// ASCII only: what is not is written as RFC 6533 §3 `utf-8-addr-xtext` writes it.
fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_ascii() {
            true => out.push(c),
            false => out.push_str(&format!("\\x{{{:X}}}", u32::from(c))),
        }
    }
    out
}
