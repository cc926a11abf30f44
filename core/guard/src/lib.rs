//! The door: how often each stranger comes and how they behave ([`Doorkeeper`]), whether others warn
//! of them ([`Blocklists`]), whether they come a second time ([`Greylist`]), and how much one's own
//! people send ([`SenderBook`]), so that a stolen password cannot burn the server's good name.
//!
//! Nothing here speaks a protocol: what is found is a value, and the caller spells the reply.

mod blocklist;
mod doorkeeper;
mod greylist;
mod network;
mod rate;
mod sender;

pub use blocklist::{Blocklists, Listed};
pub use doorkeeper::{Doorkeeper, Offence, Pace, Turned, Welcome};
pub use greylist::{Greylist, Judgement, Patience};
pub use network::Network;
pub use rate::{Debt, Rate};
pub use sender::{Allowed, SenderBook, SenderLimits, Sent};
