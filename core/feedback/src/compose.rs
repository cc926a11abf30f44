//! A report as a message (RFC 7489 §7.2.1.1).

use crate::Options;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rules_sender::{AggregateReport, compress, write_report};
use words_base::Timestamp;
use words_message::DateTime;

/// Width of a line of Base64 (RFC 2045 §6.8).
const WIDTH: usize = 76;

/// The packed report.
pub(crate) fn packed(report: &AggregateReport) -> Option<Vec<u8>> {
    compress(write_report(report).as_bytes()).ok()
}

/// The message that carries it.
pub(crate) fn compose(
    options: &Options,
    report: &AggregateReport,
    packed: &[u8],
    to: &[String],
    at: Timestamp,
) -> String {
    let domain = &report.published.domain;
    let host = &options.organisation;
    let file = format!("{host}!{domain}!{}!{}.xml.gz", report.begin, report.end);
    let boundary = format!("report-{}", report.begin);
    let symbols = STANDARD.encode(packed);
    let mut lines = String::with_capacity(symbols.len() + symbols.len() / 32);
    for (at, symbol) in symbols.chars().enumerate() {
        if at > 0 && at % WIDTH == 0 {
            lines.push_str("\r\n");
        }
        lines.push(symbol);
    }
    format!(
        "From: {host} <{from}>\r\nTo: {to}\r\nDate: {date}\r\nMessage-ID: <{id}@{host}>\r\n\
         Subject: Report Domain: {domain} Submitter: {host}\r\n Report-ID: <{id}>\r\n\
         Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n\
         --{boundary}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n\
         This is a DMARC aggregate report of {host} about {domain}.\r\n\r\n\
         --{boundary}\r\nContent-Type: application/gzip; name=\"{file}\"\r\n\
         Content-Disposition: attachment; filename=\"{file}\"\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{lines}\r\n--{boundary}--\r\n",
        from = options.contact,
        to = to.join(",\r\n "),
        date = DateTime::utc(at).to_field(),
        id = report.id,
    )
}
