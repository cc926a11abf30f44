//! Aggregate reports (RFC 7489 §7.2, appendix C): what receivers saw under a domain's name.

mod archive;
mod markup;
mod read;
mod write;

pub use archive::{REPORT_MAX, compress, unpack};
pub use read::read_report;
pub use write::write_report;

use crate::{Identity, ResultWord, Verdicts};
use serde::{Deserialize, Serialize};

/// What one receiver saw of one domain in one span of time.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AggregateReport {
    /// Who reports.
    pub organisation: String,
    /// How to reach them.
    pub contact: String,
    /// What names the report; unique for who reports.
    pub id: String,
    /// Where the span begins, in seconds since 1970.
    pub begin: u64,
    /// Where it ends.
    pub end: u64,
    /// What was published then.
    pub published: PublishedPolicy,
    /// What was seen.
    pub rows: Vec<ReportRow>,
}

/// The policy that a report is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct PublishedPolicy {
    /// Where it was found.
    pub domain: String,
    /// `adkim`: `r` or `s`.
    pub dkim: String,
    /// `aspf`
    pub spf: String,
    /// `p`
    pub policy: String,
    /// `sp`
    pub subdomain_policy: String,
}

/// Messages that were alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct ReportRow {
    /// From where they came.
    pub source: String,
    /// How many.
    pub count: u64,
    /// What was done with them: `none`, `quarantine`, `reject`.
    pub disposition: String,
    /// Did a signature stand for the author's domain?
    pub dkim: bool,
    /// Did the sending server?
    pub spf: bool,
    /// Why something else was done than the policy asks for: `local_policy` and the like.
    pub reason: Option<String>,
    /// The author's domain.
    pub header_from: String,
    /// The domain of the reverse-path; empty if it was null.
    pub envelope_from: String,
    /// Every signature.
    pub signatures: Vec<SignatureResult>,
    /// What SPF said of which domain; as `mfrom` or `helo`.
    pub server: Option<ServerResult>,
}

/// What was found of a signature.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct SignatureResult {
    /// `d=`
    pub domain: String,
    /// `s=`
    pub selector: String,
    /// As Authentication-Results has it.
    pub result: String,
}

/// What SPF found.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct ServerResult {
    /// Of which domain.
    pub domain: String,
    /// `mfrom` or `helo`.
    pub scope: String,
    /// As Authentication-Results has it.
    pub result: String,
}

/// Signatures of one row.
const SIGNATURES_MAX: usize = 10;

/// What `verdicts` add to a report, if the domain has a policy: the policy, and a row of one message
/// with which `disposition` was made of it.
pub fn report_row(verdicts: &Verdicts, disposition: &str) -> Option<(PublishedPolicy, ReportRow)> {
    let dmarc = &verdicts.dmarc;
    let published = dmarc.published.as_ref()?;
    if !matches!(dmarc.result, ResultWord::Pass | ResultWord::Fail) {
        return None;
    }
    let policy = PublishedPolicy {
        domain: published.domain.clone(),
        dkim: published.dkim.as_str().to_string(),
        spf: published.spf.as_str().to_string(),
        policy: published.policy.as_str().to_string(),
        subdomain_policy: published.subdomain_policy.as_str().to_string(),
    };
    let asked = dmarc.policy.as_str();
    let (envelope_from, scope) = match &verdicts.spf.identity {
        Identity::MailFrom(_) => (verdicts.spf.identity.domain().to_string(), "mfrom"),
        Identity::Helo(_) => (String::new(), "helo"),
    };
    let signature = |dkim: &crate::DkimVerdict| SignatureResult {
        domain: dkim.domain.clone(),
        selector: dkim.selector.clone(),
        result: dkim.result.to_string(),
    };
    let row = ReportRow {
        source: verdicts.iprev.address.to_string(),
        count: 1,
        disposition: disposition.to_string(),
        dkim: dmarc.aligned.dkim,
        spf: dmarc.aligned.spf,
        reason: (disposition != asked).then(|| "local_policy".to_string()),
        header_from: dmarc.from.clone(),
        envelope_from,
        signatures: verdicts.dkim.iter().take(SIGNATURES_MAX).map(signature).collect(),
        server: Some(ServerResult {
            domain: verdicts.spf.identity.domain().to_string(),
            scope: scope.to_string(),
            result: verdicts.spf.result.to_string(),
        }),
    };
    Some((policy, row))
}
