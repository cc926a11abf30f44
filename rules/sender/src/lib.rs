//! Is this sender genuine? SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 7489), ARC (RFC 8617) and iprev
//! (RFC 8601 §3), evaluated on what others hand over: no name is looked up here and no signature
//! verified. An evaluation that needs more says so: `next(found)` is a question or the verdict.
//!
//! [`Verdicts`] is what was found, [`authentication_results`] tells it to whom the message goes,
//! [`Policy`] draws the consequence, [`srs`] rewrites the reverse-path of what is forwarded.

mod aggregate;
mod arc;
mod canonical;
mod check;
mod dkim;
mod dmarc;
mod lookup;
mod policy;
mod results;
mod sign;
mod spf;
pub mod srs;
mod tags;
mod verdict;

pub use aggregate::{
    AggregateReport, PublishedPolicy, REPORT_MAX, ReportRow, ServerResult, SignatureResult,
    compress, read_report, report_row, unpack, write_report,
};
pub use canonical::{BodyDigest, BodyHash, BodyHashKind, Canonicalization, DigestAlgorithm};
pub use check::Check;
pub use dkim::{
    Digest, DkimCheck, FieldIndex, KeyKind, KeyRecord, Proof, Signature, SignatureAlgorithm,
    Verified, Verifier,
};
pub use dmarc::{Alignment, DmarcPublished, ReportAddress, organisation};
pub use lookup::{Found, Known, Lookup, LookupKind, Needs};
pub use policy::{Consequence, Decision, Policy};
pub use results::{authentication_results, claims_to_be_from};
pub use sign::{ArcDraft, DkimDraft, Sign, SignAs, author_domain};
pub use spf::SpfCheck;
pub use verdict::{
    Aligned, ArcVerdict, DkimFlaw, DkimVerdict, DmarcPolicy, DmarcVerdict, Identity, IprevVerdict,
    ResultWord, SpfVerdict, Verdicts,
};
