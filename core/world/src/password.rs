//! Hashing of passwords.

use crate::Later;

/// Slow, salted hashing of passwords, done where it holds up nobody else.
pub trait Passwords: Send + Sync {
    /// A hash in PHC string form, with a fresh salt.
    fn hash(&self, password: &[u8]) -> Later<'_, Result<String, PasswordError>>;

    /// Does `password` belong to `hash`, ours or [`Maker::Elsewhere`]? Constant in time for a given
    /// cost.
    fn verify(&self, hash: &str, password: &[u8]) -> Later<'_, Result<bool, PasswordError>>;

    /// Who made `hash`? Read without computing it. Errors: `UnknownHash`, `TooCostly`.
    fn maker(&self, _hash: &str) -> Result<Maker, PasswordError> {
        Ok(Maker::Ours)
    }
}

/// Who made a stored hash.
#[derive(Clone, PartialEq, Eq)]
pub enum Maker {
    /// [`Passwords::hash`], or it is as good.
    Ours,
    /// Another server: to be replaced by one of ours as soon as the password is seen.
    Elsewhere,
    /// Nobody: it is the password itself, never to be stored.
    Nobody(Vec<u8>),
}

/// Why a password could not be hashed or compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordError {
    /// Too many wait already; try again.
    Busy,
    /// The stored hash is not one that this build reads.
    UnknownHash,
    /// The stored hash asks for more work or memory than one login may cost.
    TooCostly,
}
