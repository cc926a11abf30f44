//! A report as XML (RFC 7489 appendix C).

use super::{AggregateReport, ReportRow};

/// Writes a report.
pub fn write_report(report: &AggregateReport) -> String {
    let mut out = Writer(String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
    out.within("feedback", |out| {
        out.text("version", "1.0");
        out.within("report_metadata", |out| {
            out.text("org_name", &report.organisation);
            out.text("email", &report.contact);
            out.text("report_id", &report.id);
            out.within("date_range", |out| {
                out.text("begin", &report.begin.to_string());
                out.text("end", &report.end.to_string());
            });
        });
        out.within("policy_published", |out| {
            let published = &report.published;
            out.text("domain", &published.domain);
            out.text("adkim", &published.dkim);
            out.text("aspf", &published.spf);
            out.text("p", &published.policy);
            out.text("sp", &published.subdomain_policy);
            out.text("pct", "100");
        });
        report.rows.iter().for_each(|row| write_row(row, out));
    });
    out.0
}

fn write_row(row: &ReportRow, out: &mut Writer) {
    let word = |pass: bool| if pass { "pass" } else { "fail" };
    out.within("record", |out| {
        out.within("row", |out| {
            out.text("source_ip", &row.source);
            out.text("count", &row.count.to_string());
            out.within("policy_evaluated", |out| {
                out.text("disposition", &row.disposition);
                out.text("dkim", word(row.dkim));
                out.text("spf", word(row.spf));
                if let Some(reason) = &row.reason {
                    out.within("reason", |out| out.text("type", reason));
                }
            });
        });
        out.within("identifiers", |out| {
            out.text("envelope_from", &row.envelope_from);
            out.text("header_from", &row.header_from);
        });
        out.within("auth_results", |out| {
            for signature in &row.signatures {
                out.within("dkim", |out| {
                    out.text("domain", &signature.domain);
                    out.text("selector", &signature.selector);
                    out.text("result", &signature.result);
                });
            }
            if let Some(server) = &row.server {
                out.within("spf", |out| {
                    out.text("domain", &server.domain);
                    out.text("scope", &server.scope);
                    out.text("result", &server.result);
                });
            }
        });
    });
}

struct Writer(String);

impl Writer {
    fn within(&mut self, name: &str, inside: impl FnOnce(&mut Writer)) {
        self.0.push_str(&format!("<{name}>\n"));
        inside(self);
        self.0.push_str(&format!("</{name}>\n"));
    }

    fn text(&mut self, name: &str, text: &str) {
        self.0.push_str(&format!("<{name}>"));
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&apos;"),
                // XML has no control characters, not even escaped (XML 1.0 §2.2).
                c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => self.0.push('?'),
                c => self.0.push(c),
            }
        }
        self.0.push_str(&format!("</{name}>\n"));
    }
}
