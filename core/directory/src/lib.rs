//! Who: domains, accounts, addresses, aliases, credentials, quotas.
//! Knows nothing of mailboxes or protocols; asks the store and the world through their keyholes.
//!
//! [`Directory`] is for servers: log in, resolve a recipient. [`Admin`] is for the operator.

mod account;
mod directory;

pub use account::{Account, Quota, ScramKeys};
pub use directory::{Directory, LocalRecipient, Options, Resolved};
