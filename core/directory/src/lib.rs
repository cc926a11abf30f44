//! Who: domains, accounts, addresses, aliases, credentials, quotas.
//! Knows nothing of mailboxes or protocols; asks the store and the world through their keyholes.
//!
//! [`Directory`] is for servers: log in, resolve a recipient. [`Admin`] is for the operator.
//! People whom an [`core_world::Authority`] knows get an account when they first come, or get mail.
//! A disabled account cannot log in; mail for it still comes, since nobody else would keep it.

mod account;
mod admin;
mod device;
mod directory;
mod dkim;
mod elsewhere;
mod key;
mod login;
mod lookup;
mod octets;
mod pass;
mod protocol;
mod record;
mod scram;
mod verified;
mod walk;

pub use account::{Account, Quota, ScramKeys, ScramPair};
pub use admin::{
    AccountChange, AccountEntry, Admin, AdminError, AliasEntry, DeviceEntry, DkimKeyEntry,
    DomainChange, DomainEntry, NewAccount, NewDevice, NewPassword, Removed, Used,
};
pub use directory::{Directory, LocalRecipient, Options, Resolved};
pub use dkim::{KeyState, Rotated};
pub use elsewhere::{Elsewhere, Provision};
pub use login::{Coming, Identity};
pub use pass::{AccountWatch, Admitted, Pass};
pub use protocol::{Protocol, Protocols};
