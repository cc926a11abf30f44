//! DKIM (RFC 6376, 8301, 8463): signatures read and judged. Who verifies with a key is handed in.

mod check;
mod index;
mod key;
mod signature;

/// A SHA-256 digest: what signatures are over.
pub type Digest = [u8; 32];

pub use check::{DkimCheck, Proof, Verified, Verifier};
pub use index::FieldIndex;
pub use key::{KeyKind, KeyRecord};
pub use signature::{Signature, SignatureAlgorithm};

pub(crate) use check::{key_lookup, verify_with};
pub(crate) use index::without_signature;
pub(crate) use signature::Kind;
