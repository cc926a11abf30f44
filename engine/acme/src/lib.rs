//! Certificates from an authority that gives them by itself (ACME, RFC 8555): [`Acme::run`] asks for
//! one, proves that the names are ours by TLS-ALPN-01 (RFC 8737) or HTTP-01 (RFC 8555 §8.3), renews it
//! when two thirds of its life are over, and hands each to whoever serves. Account, key and chain are
//! files of one directory; what was there at the start is used at once.
//!
//! Every failure is a line of the log that says what to do; then it is tried again, ever more rarely.

mod answerer;
mod client;
mod files;
mod order;
mod renewal;
mod run;

pub use files::Files;
pub use order::{AcmeError, Challenge};
pub use renewal::{after_failure, renew_at};
pub use run::{Acme, Options};
