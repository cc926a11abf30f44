//! What became of each message: where it came from, who vouched for it, where it was filed, and each
//! try to bring it elsewhere, in the words of those who were asked. Written in the commits that make it
//! true; a message that was refused leaves a row too, when there is time.
//!
//! Rows stand in the order in which messages came, since the id of a message begins with its time: to
//! find one is to read a stretch of time. There is no index to keep, and what is old goes from one end.

mod arrival;
mod attempt;
mod expiry;
mod filter;
mod find;
mod follow;
mod id;
mod key;
mod octets;
mod pending;
mod trace;

pub use arrival::{Arrival, Came, Destination, Finding, Line, Writing};
pub use attempt::{Attempt, Outcome, Tried, attempt};
pub use filter::Filter;
pub use find::{Event, Found, Order, Rest, Traced};
pub use follow::Follow;
pub use id::new_id;
pub use trace::{Options, Trace};
