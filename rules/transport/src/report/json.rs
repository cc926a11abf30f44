//! A report as it is sent (RFC 8460 §4.4).

use super::tally::{Counted, PolicyOf, Tally};
use crate::Means;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The longest report that is read, unpacked.
pub const REPORT_SIZE_MAX: usize = 8 << 20;

/// A report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ReportJson {
    /// Who reports.
    pub organization_name: String,
    /// Which time it is about.
    pub date_range: RangeJson,
    /// Whom to ask.
    pub contact_info: String,
    /// Unique at the reporter.
    pub report_id: String,
    /// The results, by policy.
    pub policies: Vec<ResultsJson>,
}

/// From when to when, in RFC 3339's form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RangeJson {
    /// The beginning.
    pub start_datetime: String,
    /// The end.
    pub end_datetime: String,
}

/// The results under one policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ResultsJson {
    /// The policy.
    pub policy: PolicyJson,
    /// How many went well.
    pub summary: SummaryJson,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failure_details: Vec<DetailJson>,
}

/// A policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PolicyJson {
    /// `sts`, `tlsa` or `no-policy-found`.
    pub policy_type: String,
    /// Its lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policy_string: Vec<String>,
    /// The domain that it belongs to.
    pub policy_domain: String,
    /// The hosts that it allows.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "one_or_many")]
    pub mx_host: Vec<String>,
}

/// How many sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SummaryJson {
    /// Went well.
    pub total_successful_session_count: u64,
    /// Did not.
    pub total_failure_session_count: u64,
}

/// One kind of failure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DetailJson {
    /// What went wrong, see [`super::FailureType`].
    pub result_type: String,
    /// From which address it was tried.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sending_mta_ip: String,
    /// At which host.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub receiving_mx_hostname: String,
    /// At which address.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub receiving_ip: String,
    /// How often.
    pub failed_session_count: u64,
    /// In the reporter's words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub failure_reason_code: String,
}

/// The RFC's own examples differ: some senders write one host as a text, others a list.
fn one_or_many<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    Ok(match OneOrMany::deserialize(from)? {
        OneOrMany::One(host) => vec![host],
        OneOrMany::Many(hosts) => hosts,
    })
}

/// Why something is no report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportError {
    /// It is longer than [`REPORT_SIZE_MAX`].
    TooLong,
    /// It is not JSON of a report; says where.
    NotAReport(String),
}

impl fmt::Display for ReportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReportError::TooLong => write!(f, "longer than {REPORT_SIZE_MAX} octets"),
            ReportError::NotAReport(why) => write!(f, "not a TLS report: {why}"),
        }
    }
}

impl std::error::Error for ReportError {}

impl ReportJson {
    /// Reads a report, unpacked.
    pub fn parse(text: &[u8]) -> Result<ReportJson, ReportError> {
        if text.len() > REPORT_SIZE_MAX {
            return Err(ReportError::TooLong);
        }
        serde_json::from_slice(text).map_err(|error| ReportError::NotAReport(error.to_string()))
    }

    /// As it is sent, not packed.
    pub fn print(&self) -> Vec<u8> {
        // Texts and numbers can always be written.
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }

    /// The policies' part of a report about `domain`.
    pub fn policies_of(domain: &str, tally: &Tally) -> Vec<ResultsJson> {
        tally.policies.iter().map(|(policy, counted)| results(domain, policy, counted)).collect()
    }
}

fn results(domain: &str, policy: &PolicyOf, counted: &Counted) -> ResultsJson {
    let policy_type = match policy.means {
        Means::Nothing => "no-policy-found",
        Means::Sts => "sts",
        Means::Dane => "tlsa",
    };
    let details = counted.details.iter().map(|(detail, count)| DetailJson {
        result_type: detail.failure.as_str().to_string(),
        receiving_mx_hostname: detail.host.clone(),
        failed_session_count: *count,
        failure_reason_code: detail.reason.clone(),
        ..DetailJson::default()
    });
    ResultsJson {
        policy: PolicyJson {
            policy_type: policy_type.to_string(),
            policy_string: policy.lines.clone(),
            policy_domain: domain.to_string(),
            mx_host: policy.mx.clone(),
        },
        summary: SummaryJson {
            total_successful_session_count: counted.good,
            total_failure_session_count: counted.bad,
        },
        failure_details: details.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Detail, FailureType};

    fn report() -> ReportJson {
        let mut tally = Tally::default();
        let sts = PolicyOf {
            means: Means::Sts,
            lines: vec!["version: STSv1".to_string(), "mode: testing".to_string()],
            mx: vec!["*.mail.company-y.example".to_string()],
        };
        let nothing = PolicyOf { means: Means::Nothing, lines: Vec::new(), mx: Vec::new() };
        tally.count(&sts, None);
        let failure = FailureType::CertificateExpired;
        let (host, reason) = ("mx1.mail.company-y.example".to_string(), "old \"one\"".to_string());
        tally.count(&sts, Some(Detail { failure, host, reason }));
        tally.count(&nothing, None);
        ReportJson {
            organization_name: "Company-X".to_string(),
            date_range: RangeJson {
                start_datetime: "2016-04-01T00:00:00Z".to_string(),
                end_datetime: "2016-04-01T23:59:59Z".to_string(),
            },
            contact_info: "sts-reporting@company-x.example".to_string(),
            report_id: "5065427c-23d3-47ca-b6e0-946ea0e8c4be".to_string(),
            policies: ReportJson::policies_of("company-y.example", &tally),
        }
    }

    #[test]
    fn a_report_is_read_as_it_is_written() {
        let report = report();
        let text = report.print();
        assert_eq!(ReportJson::parse(&text), Ok(report));
        let text = String::from_utf8(text).unwrap();
        for part in [
            "\"organization-name\": \"Company-X\"",
            "\"policy-type\": \"sts\"",
            "\"policy-type\": \"no-policy-found\"",
            "\"total-failure-session-count\": 1",
            "\"result-type\": \"certificate-expired\"",
            "\"receiving-mx-hostname\": \"mx1.mail.company-y.example\"",
        ] {
            assert!(text.contains(part), "{text} lacks {part}");
        }
    }

    /// RFC 8460, appendix B, shortened; its `mx-host` is a list, other reporters' a text.
    #[test]
    fn others_reports_are_read() {
        let text = |mx: &str| {
            format!(
                r#"{{"organization-name":"Company-X","date-range":{{"start-datetime":"2016-04-01T00:00:00Z",
                "end-datetime":"2016-04-01T23:59:59Z"}},"contact-info":"a@x.example","report-id":"1",
                "policies":[{{"policy":{{"policy-type":"sts","policy-string":["version: STSv1"],
                "policy-domain":"company-y.example","mx-host":{mx}}},"summary":
                {{"total-successful-session-count":5326,"total-failure-session-count":303}},
                "failure-details":[{{"result-type":"certificate-expired","sending-mta-ip":"2001:db8::1",
                "receiving-mx-hostname":"mx1.example","failed-session-count":100}},
                {{"result-type":"starttls-not-supported","receiving-ip":"203.0.113.56",
                "failed-session-count":200,"additional-information":"https://x.example/y"}}]}}]}}"#
            )
        };
        for mx in [r#""*.mail.example""#, r#"["*.mail.example"]"#] {
            let report = ReportJson::parse(text(mx).as_bytes()).unwrap();
            let results = &report.policies[0];
            assert_eq!(results.policy.mx_host, ["*.mail.example"]);
            assert_eq!(results.summary.total_successful_session_count, 5326);
            assert_eq!(results.failure_details[1].failed_session_count, 200);
        }
        for wrong in ["", "{}", "[]", "null", &text("7"), &"[".repeat(100_000)] {
            let error = ReportJson::parse(wrong.as_bytes()).unwrap_err();
            assert!(matches!(error, ReportError::NotAReport(_)), "{wrong:.20}");
        }
        assert_eq!(ReportJson::parse(&vec![b' '; REPORT_SIZE_MAX + 1]), Err(ReportError::TooLong));
    }
}
