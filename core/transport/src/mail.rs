//! A report as mail (RFC 8460 §5.3).

use crate::Options;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use rules_transport::report::{RangeJson, ReportJson, Tally};
use std::io::Write;
use words_base::Timestamp;
use words_mail::Address;
use words_message::{Date, DateTime};

/// What a packed report is (RFC 8460 §6.5).
pub(crate) const CONTENT_TYPE: &str = "application/tlsrpt+gzip";
/// Seconds of a day.
const DAY: i64 = 86_400;
/// Octets of a line of Base64.
const LINE: usize = 76;

/// A report on one domain and day, ready to be sent.
pub(crate) struct Report {
    /// JSON, packed with gzip.
    pub packed: Vec<u8>,
    fields: String,
    text: String,
    file_name: String,
    boundary: String,
}

impl Report {
    /// About `domain` on `day`, since 1970; `chance` makes it unique.
    pub fn new(
        options: &Options,
        day: u32,
        domain: &str,
        tally: &Tally,
        chance: u64,
        now: Timestamp,
    ) -> Report {
        let (begin, end) = (i64::from(day) * DAY, i64::from(day) * DAY + DAY - 1);
        let date = date(day);
        let host = &options.host_name;
        let id = format!("{date}-{chance:016x}@{host}");
        let report = ReportJson {
            organization_name: options.organization.clone(),
            date_range: RangeJson {
                start_datetime: format!("{date}T00:00:00Z"),
                end_datetime: format!("{date}T23:59:59Z"),
            },
            contact_info: options.contact.clone(),
            report_id: id.clone(),
            policies: ReportJson::policies_of(domain, tally),
        };
        let sums = tally.policies.values().fold((0, 0), |(good, bad): (u64, u64), counted| {
            (good.saturating_add(counted.good), bad.saturating_add(counted.bad))
        });
        let fields = format!(
            "{}From: <{}>\r\nMessage-ID: <tlsrpt.{chance:016x}@{host}>\r\n\
             Subject: Report Domain: {domain} Submitter: {host}\r\n Report-ID: <{id}>\r\n\
             TLS-Report-Domain: {domain}\r\nTLS-Report-Submitter: {host}\r\n\
             TLS-Required: No\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n",
            dated(now),
            options.contact,
        );
        let text = format!(
            "This is a report on how mail of {host} travelled to {domain} on {date}, as TLS is\r\n\
             concerned (RFC 8460). Connections that went as they should: {}; others: {}.\r\n\
             The attached file says more, in JSON.\r\n",
            sums.0, sums.1
        );
        Report {
            packed: pack(&report.print()),
            fields,
            text,
            file_name: format!("{host}!{domain}!{begin}!{end}!{chance:016x}.json.gz"),
            boundary: format!("=_tlsrpt_{chance:016x}"),
        }
    }

    /// The message to one of those who want it.
    pub fn message(&self, to: &Address) -> Vec<u8> {
        let Report { fields, text, file_name, boundary, .. } = self;
        let mut message = format!(
            "{fields}To: <{to}>\r\nContent-Type: multipart/report; report-type=\"tlsrpt\";\r\n\
             \tboundary=\"{boundary}\"\r\n\r\n--{boundary}\r\n\
             Content-Type: text/plain; charset=us-ascii\r\n\r\n{text}\r\n--{boundary}\r\n\
             Content-Type: {CONTENT_TYPE}\r\nContent-Transfer-Encoding: base64\r\n\
             Content-Disposition: attachment;\r\n\tfilename=\"{file_name}\"\r\n\r\n"
        );
        let encoded = STANDARD.encode(&self.packed);
        for line in encoded.as_bytes().chunks(LINE) {
            message.extend(line.iter().map(|c| char::from(*c)));
            message.push_str("\r\n");
        }
        message.push_str(&format!("--{boundary}--\r\n"));
        message.into_bytes()
    }
}

fn pack(text: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    // Memory takes everything.
    let _ = packer.write_all(text);
    packer.finish().unwrap_or_default()
}

/// `2026-11-24`
fn date(day: u32) -> String {
    let date = Date::from_days(day.into());
    format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day())
}

fn dated(now: Timestamp) -> String {
    format!("Date: {}\r\n", DateTime::utc(now).to_field())
}
