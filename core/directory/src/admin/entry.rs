//! What the operator gives and is shown: plain values that print as JSON.

use crate::Quota;
use serde::{Deserialize, Serialize};
use words_mail::Address;

/// One of our domains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainEntry {
    /// Its name.
    pub name: String,
    /// The domain whose names it has, if it is an alias.
    pub alias_of: Option<String>,
    /// Who gets mail for names that nobody has.
    pub catch_all: Option<String>,
    /// Who was made its postmaster. `None`: the eldest account of the domain is.
    pub postmaster: Option<String>,
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountEntry {
    /// Its number.
    pub id: u32,
    /// Its main address.
    pub address: String,
    /// Its other addresses.
    pub addresses: Vec<String>,
    /// Octets that it may keep. `None`: without limit.
    pub quota_bytes: Option<u64>,
    /// Messages that it may keep. `None`: without limit.
    pub quota_messages: Option<u64>,
    /// Octets of its largest message. `None`: the server's limit.
    pub size_max: Option<u64>,
    /// May it not log in? Mail for it comes all the same.
    pub disabled: bool,
    /// Can it log in with a password?
    pub has_password: bool,
}

/// One alias.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasEntry {
    /// The address that is no account's.
    pub address: String,
    /// Where mail for it goes.
    pub targets: Vec<String>,
}

/// What was removed with an account, and what still names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// The account as it was.
    pub account: AccountEntry,
    /// Aliases with a target that was one of its addresses.
    pub aliases: Vec<String>,
    /// Domains whose catch-all was one of its addresses.
    pub catch_alls: Vec<String>,
}

/// An account to be made.
#[derive(Clone)]
pub struct NewAccount {
    /// Its main address.
    pub address: Address,
    /// Its password, as UTF-8. `None`: it cannot log in yet.
    pub password: Option<Vec<u8>>,
    /// How much it may keep.
    pub quota: Quota,
    /// Octets of its largest message, if less than the server's limit.
    pub size_max: Option<u64>,
}

impl NewAccount {
    /// With that address, and no limits.
    pub fn new(address: Address, password: Option<Vec<u8>>) -> NewAccount {
        NewAccount { address, password, quota: Quota::default(), size_max: None }
    }
}

/// What is to be different in an account; `None` stays as it is. Addresses are added first, removed
/// last, so that one change can give an account another name.
#[derive(Clone, Default)]
pub struct AccountChange {
    /// A new password, as UTF-8.
    pub password: Option<Vec<u8>>,
    /// Addresses it gets.
    pub add_addresses: Vec<Address>,
    /// Which of its addresses is the main one.
    pub main_address: Option<Address>,
    /// Addresses it loses.
    pub remove_addresses: Vec<Address>,
    /// Octets that it may keep; `Some(None)` lifts the limit.
    pub quota_bytes: Option<Option<u64>>,
    /// Messages that it may keep; `Some(None)` lifts the limit.
    pub quota_messages: Option<Option<u64>>,
    /// Octets of its largest message; `Some(None)` lifts the limit.
    pub size_max: Option<Option<u64>>,
    /// May it not log in?
    pub disabled: Option<bool>,
}

/// What is to be different in a domain; `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct DomainChange {
    /// Who gets mail for names that nobody has; `Some(None)`: it is refused.
    pub catch_all: Option<Option<Address>>,
    /// An account's address: who is postmaster when no account or alias has that name;
    /// `Some(None)`: the eldest account of the domain.
    pub postmaster: Option<Option<Address>>,
}
