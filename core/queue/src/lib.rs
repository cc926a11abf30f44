//! What must leave: when to try again, when to give up, what to tell the sender.
//!
//! One durable row for each recipient of a message, put into the very commit that accepts the
//! message ([`Queue::add`]). Lanes [`Queue::take`] jobs — one message for one destination — and
//! [`Queue::report`] what became of them. Rows stay until they are reported on, so a kill at any
//! instant loses nothing. What a destination is like (how many jobs at once, whether it can be
//! reached at all) is kept for the destination: while it is dead, its rows cost nothing.
//!
//! It knows no protocol and looks no name up: a [`NextHop`] says which destination a recipient
//! belongs to, a [`Homeward`] takes reports to senders, a [`Tracer`] remembers attempts.

mod add;
mod aging;
mod board;
mod bounce;
mod decide;
mod dsn;
mod filter;
mod home;
mod job;
mod key;
mod lease;
mod list;
mod message;
mod octets;
mod operate;
mod options;
mod outcome;
mod queue;
mod record;
mod report;
mod reports;
mod schedule;
mod settle;
mod site;
mod take;
mod walk;
mod work;

pub use filter::{
    Change, Changed, DestinationCount, Filter, LastWords, Listed, Listing, Position, RowState,
    Statistics,
};
pub use home::{Homecoming, Homeward};
pub use job::{Job, JobRecipient, QueuedMessage};
pub use message::{ByDomain, Class, Destination, NewMessage, NewRecipient, NextHop};
pub use options::Options;
pub use outcome::{
    Attempt, Contact, Fate, NoTrace, Onward, Outcome, RecipientOutcome, Said, Tracer,
};
pub use queue::{Added, Queue};
pub use schedule::{Next, Schedule, next_attempt};
pub use work::Work;
