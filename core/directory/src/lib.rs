//! Who: domains, accounts, addresses, aliases, credentials, quotas.
//! Knows nothing of mailboxes or protocols; asks the store and the world through their keyholes.
//!
//! [`Directory`] is for servers: log in, resolve a recipient. [`Admin`] is for the operator.
//! A disabled account cannot log in; mail for it still comes, since nobody else would keep it.

mod account;
mod admin;
mod directory;
mod key;
mod login;
mod lookup;
mod octets;
mod record;
mod scram;
mod verified;
mod walk;

pub use account::{Account, Quota, ScramKeys};
pub use admin::{
    AccountChange, AccountEntry, Admin, AdminError, AliasEntry, DomainChange, DomainEntry,
    NewAccount, Removed,
};
pub use directory::{Directory, LocalRecipient, Options, Resolved};
