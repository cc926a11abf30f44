//! What the operator gives and is shown: plain values that print as JSON.

use crate::{Protocols, Quota};
use serde::{Deserialize, Serialize};
use words_base::Timestamp;
use words_mail::{Address, DeliverTo};

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

/// A key that signs for a domain; its secret is told to nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DkimKeyEntry {
    /// The domain.
    pub domain: String,
    /// Its record stands at this name, `._domainkey.` and the domain.
    pub selector: String,
    /// `rsa` or `ed25519`.
    pub algorithm: String,
    /// Does it sign?
    pub state: crate::KeyState,
    /// When it was made, in milliseconds since 1970.
    pub made_at: i64,
    /// What `p=` of the record has, before Base64.
    pub public: Vec<u8>,
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
    /// Can it log in with a main password, ours or that of the authority it comes from?
    pub has_password: bool,
    /// Is that known only by the hash of another server, until the first login?
    #[serde(default)]
    pub has_foreign_hash: bool,
    /// By which protocols it may come with device passwords alone, as in `imap,smtp`; `none` for its
    /// main password everywhere.
    #[serde(default = "none")]
    pub device_passwords_only: String,
    /// Where its mail is filed, if not in its mailboxes here: `maildir:/home/{user}/Maildir`.
    #[serde(default)]
    pub deliver_to: Option<String>,
    /// Where it comes from, and where its main password is verified: `ldap:ana`. `None`: here.
    #[serde(default)]
    pub authority: Option<String>,
}

fn none() -> String {
    Protocols::NONE.to_string()
}

/// A device of an account. Times are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceEntry {
    /// What the owner calls it.
    pub name: String,
    /// By which protocols it may come, as in `imap,smtp` or `any`.
    pub protocols: String,
    /// When its password was made.
    pub created_at: i64,
    /// From when on it is worth nothing. `None`: it lasts.
    pub expires_at: Option<i64>,
    /// Is that over?
    pub expired: bool,
    /// When it was used of late. `None`: never.
    pub used: Option<Used>,
}

/// A use of a device password; the next ones of the same hour are not written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// By which protocol.
    pub protocol: String,
    /// From which address.
    pub address: String,
}

/// A device password to be made.
#[derive(Clone, Debug)]
pub struct NewDevice {
    /// What the owner calls it; no other device of the account has that name in any case.
    pub name: String,
    /// By which protocols it may come.
    pub protocols: Protocols,
    /// From when on it is worth nothing. `None`: it lasts.
    pub expires_at: Option<Timestamp>,
}

/// A main password, as it is given.
#[derive(Clone, PartialEq, Eq)]
pub enum NewPassword {
    /// Itself, as UTF-8.
    Clear(Vec<u8>),
    /// As another server stored it, in its own form (`{SHA512-CRYPT}$6$…`). Replaced by our own hash
    /// at the first login.
    Hash(String),
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
    /// Its password. `None`: it cannot log in yet.
    pub password: Option<NewPassword>,
    /// How much it may keep.
    pub quota: Quota,
    /// Octets of its largest message, if less than the server's limit.
    pub size_max: Option<u64>,
    /// Its other addresses; those that somebody has already it does not get.
    pub addresses: Vec<Address>,
    /// Where it comes from: `ldap:ana`, or `ldap` if it is known there by its local-part. Then it has
    /// no password here.
    pub authority: Option<String>,
}

impl NewAccount {
    /// With that address and password, and no limits.
    pub fn new(address: Address, password: Option<Vec<u8>>) -> NewAccount {
        let password = password.map(NewPassword::Clear);
        let (quota, size_max, addresses, authority) = Default::default();
        NewAccount { address, password, quota, size_max, addresses, authority }
    }
}

/// What is to be different in an account; `None` stays as it is. Addresses are added first, removed
/// last, so that one change can give an account another name.
#[derive(Clone, Default)]
pub struct AccountChange {
    /// A new password.
    pub password: Option<NewPassword>,
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
    /// By which protocols it may come with device passwords alone.
    pub devices_only: Option<Protocols>,
    /// Where its mail is filed; `Some(None)`: in its mailboxes here.
    pub deliver_to: Option<Option<DeliverTo>>,
    /// Where it comes from, as in [`NewAccount::authority`]; `Some(None)`: from here.
    pub authority: Option<Option<String>>,
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
