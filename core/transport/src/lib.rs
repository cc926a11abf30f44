//! What other domains demand of the way to them ([`Policies::demand`]): their policies of MTA-STS,
//! fetched and kept in the store, and their TLSA records. What came of it ([`Policies::seen`]), counted
//! by policy and day, and told to those who want to know ([`Policies::work`], RFC 8460).
//! `rules/transport` decides; this room asks the DNS and the web, and remembers.

mod key;
mod mail;
mod octets;
mod policies;
mod record;
mod reporter;
mod tallies;

pub use policies::{Options, Place, Policies, Requirement, Seen};
pub use reporter::Work;
pub use rules_transport::{Demand, Obstacle, Wish};
