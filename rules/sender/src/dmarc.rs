//! DMARC (RFC 7489): what a domain publishes, and who stands for the author's domain.

mod record;

pub use record::{Alignment, DmarcPublished, ReportAddress};
