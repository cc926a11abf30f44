//! DMARC (RFC 7489): what a domain publishes, and who stands for the author's domain.

mod check;
mod record;

pub use check::organisation;
pub use record::{Alignment, DmarcPublished, ReportAddress};

pub(crate) use check::DmarcCheck;
