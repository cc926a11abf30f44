//! The road in: who gets it, may it come, file it. A message that [`Incoming::finish`] has said yes
//! to is durable in every recipient's mailbox.

mod compose;
mod delivery;
mod filing;
mod incoming;
mod maildir;
mod names;
mod owner;
mod plan;
mod rewrite;

pub use delivery::{Delivery, Options, Recipient};
pub use incoming::{Delivered, Incoming, Origin};
pub use maildir::Trouble;
pub use owner::owner;
