//! The road in: who gets it, may it come, file it. And the road out as far as the queue: what must go
//! elsewhere is put there in the commit that files the rest. A message that [`Incoming::finish`] has
//! said yes to is durable in every recipient's mailbox, or in the queue.

mod companion;
mod compose;
mod delivery;
mod filing;
mod genuine;
mod homeward;
mod incoming;
mod maildir;
mod names;
mod noted;
mod owner;
mod plan;
mod recipient;
mod rewrite;
mod way_out;

pub use delivery::{Delivery, Options};
pub use incoming::{Delivered, Incoming, Origin, Taken};
pub use maildir::Trouble;
pub use noted::AttemptsTraced;
pub use owner::owner;
pub use recipient::{Asked, Forward, Recipient};
pub use way_out::Parameters;
