//! What an exchange must learn from the core.

use crate::Secret;
use std::fmt;

/// A question for the core. `authcid` is who logs in, `authzid` as whom, empty for the same
/// (RFC 4422 §2); both are UTF-8 and as the client wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Is this the password? Answered with [`Answer::Accepted`], or refused.
    Password {
        /// Who logs in.
        authcid: String,
        /// As whom; empty for the same.
        authzid: String,
        /// What the client gave.
        password: Secret,
    },
    /// What are the account's SCRAM keys? Answered with [`Answer::Keys`], made up but always the
    /// same for a name that nobody has, so that names cannot be probed; or refused.
    Keys {
        /// Who logs in.
        authcid: String,
    },
    /// The client's proof was compared with the keys that were given. Answered with [`Answer::Accepted`] if it was right and the
    /// account may log in; otherwise refused.
    Proven {
        /// Who logs in.
        authcid: String,
        /// As whom; empty for the same.
        authzid: String,
        /// How the comparison ended.
        proof: Proof,
    },
}

/// Did the client know a password?
#[derive(Clone, PartialEq, Eq)]
pub enum Proof {
    /// It did: that one whose key is this StoredKey.
    Right {
        /// One of [`Keys::pairs`].
        stored_key: [u8; 32],
    },
    /// It did not: count the failure. Accepting is of no use, the exchange has failed.
    Wrong,
}

/// Without the key.
impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Proof::Right { .. } => "Right",
            Proof::Wrong => "Wrong",
        })
    }
}

/// What the core says. A refusal is not among them: it ends the exchange, in the words of the
/// protocol around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Logged in.
    Accepted,
    /// To [`Ask::Keys`].
    Keys(Keys),
}

/// What the directory keeps for SCRAM (RFC 5802 §3), and a fresh nonce.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// Salt of the password.
    pub salt: Vec<u8>,
    /// Rounds of PBKDF2.
    pub iterations: u32,
    /// Of each password that the client may know: of one account, under the same salt.
    pub pairs: Vec<KeyPair>,
    /// Never used before: this exchange's part of the nonce.
    pub nonce: [u8; 18],
}

/// The keys of one password.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyPair {
    /// H(ClientKey).
    pub stored_key: [u8; 32],
    /// Key of the server's signature.
    pub server_key: [u8; 32],
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}
