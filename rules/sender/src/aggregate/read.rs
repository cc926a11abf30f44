//! Reports of others, read.

use super::markup::{Event, Markup, NoMarkup};
use super::{AggregateReport, ReportRow, ServerResult, SignatureResult};

/// Rows that are kept of one report; more are dropped.
const ROWS_MAX: usize = 10_000;
/// Signatures of one row.
const SIGNATURES_MAX: usize = 10;

/// Reads a report. `Err` says what is wrong with it.
pub fn read_report(text: &[u8]) -> Result<AggregateReport, &'static str> {
    let text = String::from_utf8_lossy(text);
    let mut markup = Markup::new(&text);
    let mut reading = Reading::default();
    loop {
        match markup.next().map_err(|NoMarkup| "the report is not XML that can be read")? {
            None => break,
            Some(Event::Begin(name)) => reading.begin(&name),
            Some(Event::End(name, text)) => reading.end(markup.parent(), &name, text),
        }
    }
    match reading.is_feedback && !reading.report.published.domain.is_empty() {
        true => Ok(reading.report),
        false => Err("it is no aggregate report"),
    }
}

#[derive(Default)]
struct Reading {
    report: AggregateReport,
    is_feedback: bool,
    row: ReportRow,
    signature: SignatureResult,
    server: ServerResult,
}

impl Reading {
    fn begin(&mut self, name: &str) {
        match name {
            "feedback" => self.is_feedback = true,
            "record" => self.row = ReportRow::default(),
            _ => {}
        }
    }

    /// An element has ended inside `parent`.
    fn end(&mut self, parent: &str, name: &str, text: String) {
        let Reading { report, row, signature, server, .. } = self;
        match (parent, name) {
            ("report_metadata", "org_name") => report.organisation = text,
            ("report_metadata", "email") => report.contact = text,
            ("report_metadata", "report_id") => report.id = text,
            ("date_range", "begin") => report.begin = text.parse().unwrap_or_default(),
            ("date_range", "end") => report.end = text.parse().unwrap_or_default(),
            ("policy_published", "domain") => report.published.domain = text.to_lowercase(),
            ("policy_published", "adkim") => report.published.dkim = text,
            ("policy_published", "aspf") => report.published.spf = text,
            ("policy_published", "p") => report.published.policy = text,
            ("policy_published", "sp") => report.published.subdomain_policy = text,
            ("row", "source_ip") => row.source = text,
            ("row", "count") => row.count = text.parse().unwrap_or_default(),
            ("policy_evaluated", "disposition") => row.disposition = text,
            ("policy_evaluated", "dkim") => row.dkim = text == "pass",
            ("policy_evaluated", "spf") => row.spf = text == "pass",
            ("reason", "type") => row.reason = Some(text),
            ("identifiers", "header_from") => row.header_from = text,
            ("identifiers", "envelope_from") => row.envelope_from = text,
            ("dkim", "domain") => signature.domain = text,
            ("dkim", "selector") => signature.selector = text,
            ("dkim", "result") => signature.result = text,
            ("spf", "domain") => server.domain = text,
            ("spf", "scope") => server.scope = text,
            ("spf", "result") => server.result = text,
            ("auth_results", "dkim") => {
                let signature = std::mem::take(signature);
                if row.signatures.len() < SIGNATURES_MAX {
                    row.signatures.push(signature);
                }
            }
            ("auth_results", "spf") => row.server = Some(std::mem::take(server)),
            ("feedback", "record") => {
                let row = std::mem::take(row);
                if report.rows.len() < ROWS_MAX {
                    report.rows.push(row);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{PublishedPolicy, write_report};
    use super::*;
    use proptest::prelude::*;

    fn sample(text: &str, count: u64) -> AggregateReport {
        let row = ReportRow {
            source: "2001:db8::1".to_string(),
            count,
            disposition: "quarantine".to_string(),
            dkim: true,
            spf: false,
            reason: Some("local_policy".to_string()),
            header_from: text.to_string(),
            envelope_from: String::new(),
            signatures: vec![SignatureResult {
                domain: text.to_string(),
                selector: "k1".to_string(),
                result: "pass".to_string(),
            }],
            server: Some(ServerResult {
                domain: "x.org".to_string(),
                scope: "helo".to_string(),
                result: "none".to_string(),
            }),
        };
        AggregateReport {
            organisation: text.to_string(),
            contact: "postmaster@mired.org".to_string(),
            id: "1".to_string(),
            begin: 86_400,
            end: 172_800,
            published: PublishedPolicy {
                domain: "mired.org".to_string(),
                dkim: "r".to_string(),
                spf: "s".to_string(),
                policy: "reject".to_string(),
                subdomain_policy: "none".to_string(),
            },
            rows: vec![row; 3],
        }
    }

    #[test]
    fn reports_as_others_write_them() {
        let text = br#"<?xml version="1.0"?><!-- a > b --><x:feedback xmlns:x="urn:>'">
            <x:policy_published><x:domain>Mired.org</x:domain><p/></x:policy_published>
            <x:record><x:row><x:count> 7 </x:count><source_ip><![CDATA[192.0.2.1]]></source_ip></x:row></x:record>
            </x:feedback>"#;
        let report = read_report(text).unwrap();
        assert_eq!(report.published.domain, "mired.org");
        assert_eq!((report.rows[0].count, report.rows[0].source.as_str()), (7, "192.0.2.1"));
    }

    #[test]
    fn what_is_refused() {
        let deep = "<a>".repeat(17);
        let entities = r#"<!DOCTYPE x [<!ENTITY a "aaaa">]><feedback>&a;</feedback>"#;
        for text in
            ["", "<a>", "<a></b>", "</a>", "<a", "<feedback></feedback>", "<!-- ", entities, &deep]
        {
            assert!(read_report(text.as_bytes()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(text in "[a-z<>&\"';ñ]{1,20}", count in any::<u64>()) {
            let report = sample(&text, count);
            prop_assert_eq!(read_report(write_report(&report).as_bytes()), Ok(report));
        }

        #[test]
        fn nothing_breaks_it(text in "(<[a-z/!?:\\[-]{0,9}[> ]|[a-z&;#x0-9\"'\\]>-]{0,5}){0,20}") {
            let _ = read_report(text.as_bytes());
        }
    }
}
