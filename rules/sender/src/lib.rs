//! Is this sender genuine? SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 7489), ARC (RFC 8617) and iprev
//! (RFC 8601 §3), evaluated on what others hand over: no name is looked up here and no signature
//! verified. An evaluation that needs more says so: `next(found)` is a question or the verdict.
//!
//! [`Verdicts`] is what was found, [`authentication_results`] tells it to whom the message goes,
//! [`Policy`] draws the consequence, [`srs`] rewrites the reverse-path of what is forwarded.

mod dmarc;
mod policy;
mod results;
pub mod srs;
mod tags;
mod verdict;

pub use dmarc::{Alignment, DmarcPublished, ReportAddress};
pub use policy::{Consequence, Decision, Policy};
pub use results::{authentication_results, claims_to_be_from};
pub use verdict::{
    Aligned, ArcVerdict, DkimFlaw, DkimVerdict, DmarcPolicy, DmarcVerdict, Identity, IprevVerdict,
    ResultWord, SpfVerdict, Verdicts,
};
