//! One owner of mail.

use words_mail::{AccountId, Address, DeliverTo};

/// What servers may know of an account. Whoever holds one has been let in, or delivers to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its number, never given twice.
    pub id: AccountId,
    /// Its main address.
    pub address: Address,
    /// How much it may keep.
    pub quota: Quota,
    /// Largest message it may receive or send, in octets, if less than the server's limit.
    pub size_max: Option<u64>,
    /// Where its mail is filed, if not in its mailboxes here.
    pub deliver_to: Option<DeliverTo>,
}

/// How much an account may keep. `None` is without limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// Octets of messages.
    pub bytes: Option<u64>,
    /// Messages.
    pub messages: Option<u64>,
}

/// What a server needs for SCRAM-SHA-256 (RFC 5802 §3). For a name that nobody has they are made
/// up, the same each time, so that names cannot be probed.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramKeys {
    /// Octets.
    pub salt: Vec<u8>,
    /// PBKDF2 rounds.
    pub iterations: u32,
    /// Of each password that the client may know, the main one and those of devices; never none.
    pub pairs: Vec<ScramPair>,
}

/// The keys of one password.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramPair {
    /// H(ClientKey)
    pub stored_key: [u8; 32],
    /// HMAC(SaltedPassword, "Server Key")
    pub server_key: [u8; 32],
}
