//! The road out: where a message goes next ([`Routes`], [`road`]), and how it is taken there
//! ([`Relay`]). Lanes take jobs from `core/queue`, talk SMTP by `proto/smtp`'s client over a
//! connection of `core/world`'s dialer, and report what became of every recipient in the peer's own
//! words. Nothing here spawns, sleeps or reads a clock: the app runs as many lanes as it likes.

mod attempt;
mod body;
mod demand;
mod line;
mod options;
mod pool;
mod relay;
pub mod road;
mod routes;
mod trouble;
mod verdict;

pub use core_transport::{Seen, Wish};
pub use demand::{Demand, Policy, Unasked};
pub use options::{Options, Ourselves, Source};
pub use relay::{Doors, Relay, Tally, Turn};
pub use routes::{Hop, HopTls, Origin, RecipientMatch, Route, Routes, SenderMatch};
pub use trouble::Trouble;
