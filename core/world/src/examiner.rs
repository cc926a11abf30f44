//! Who looks whether a sender is genuine, and who signs for ours.

use crate::Later;
use rules_sender::{ArcVerdict, Verdicts};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use words_base::Timestamp;
use words_mail::ReversePath;

/// Looks whether senders are genuine.
pub trait Examiner: Send + Sync {
    /// Begins with one message.
    fn begin(&self, arrival: Arrival) -> Box<dyn Examination>;
}

/// Where a message comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The peer.
    pub ip: IpAddr,
    /// What it called itself.
    pub helo: String,
    /// From MAIL.
    pub reverse_path: ReversePath,
    /// Our own name: RFC 7208 §7.3 has a macro for it.
    pub host_name: String,
    /// Now: signatures expire.
    pub at: Timestamp,
}

/// The examination of one message, fed while the message comes. Its memory is bounded: nothing of
/// the body is kept.
pub trait Examination: Send {
    /// The header section as it came, whole, at most 1 MiB, with or without its empty line. Once,
    /// before any of the body.
    fn header(&mut self, header: &[u8]);

    /// The next piece of the body as it came.
    fn body(&mut self, piece: &[u8]);

    /// No more comes. Asks the DNS what is to be asked; ends within a bounded time.
    fn finish(self: Box<Self>) -> Later<'static, Verdicts>;
}

/// Signs for our domains, and makes keys for that.
pub trait Signer: Send + Sync {
    /// Begins to sign a message whose header section, as it will leave, is `header`: one signature
    /// for each key, all for the domain of the author, or the caller's choice. `None`: there is no
    /// author, or no key.
    fn begin(
        &self,
        header: &[u8],
        keys: &[Arc<SigningKey>],
        at: Timestamp,
    ) -> Option<Box<dyn Signing>>;

    /// Begins to seal a message that is handed on (RFC 8617 §5.1), its header section as it will
    /// leave, the fields of earlier sealers included.
    fn seal(&self, header: &[u8], key: &Arc<SigningKey>, at: Timestamp) -> Box<dyn Sealing>;

    /// Makes a key. Takes a second of a processor for RSA, which is spent elsewhere.
    fn make_key(&self, algorithm: KeyAlgorithm) -> Later<'static, Result<NewKey, KeyError>>;
}

/// A message that is being signed while it comes.
pub trait Signing: Send {
    /// The next piece of the body as it will leave.
    fn body(&mut self, piece: &[u8]);

    /// The DKIM-Signature fields with their line ends, to stand before the header.
    fn finish(self: Box<Self>) -> Vec<u8>;
}

/// A message that is being sealed while it comes.
pub trait Sealing: Send {
    /// The next piece of the body as it will leave.
    fn body(&mut self, piece: &[u8]);

    /// The three fields of our set, to stand before the header. `results` is what we found, as
    /// [`rules_sender::authentication_results`] writes it; `arc` what we found of the sets that came.
    /// Empty, if there can be no more sets or the chain is broken for good.
    fn finish(self: Box<Self>, results: &str, arc: &ArcVerdict) -> Vec<u8>;
}

/// How a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyAlgorithm {
    /// RSA of 2,048 bits (RFC 8301 §3.2).
    Rsa,
    /// Ed25519 (RFC 8463).
    Ed25519,
}

impl KeyAlgorithm {
    /// As `k=` of a key record has it (RFC 6376 §3.6.1, RFC 8463 §3.1).
    pub fn as_str(self) -> &'static str {
        match self {
            KeyAlgorithm::Rsa => "rsa",
            KeyAlgorithm::Ed25519 => "ed25519",
        }
    }
}

/// A key that signs for a domain.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// `d=`
    pub domain: String,
    /// `s=`
    pub selector: String,
    /// How it signs.
    pub algorithm: KeyAlgorithm,
    /// PKCS #8.
    pub secret: Secret,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}._domainkey.{})", self.selector, self.domain)
    }
}

/// Octets that are printed nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub Vec<u8>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A key just made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// PKCS #8.
    pub secret: Secret,
    /// What `p=` of its record has, before Base64: SubjectPublicKeyInfo for RSA, the 32 octets for
    /// Ed25519.
    pub public: Vec<u8>,
}

/// No key could be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyError;

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no key could be made; is there memory left?")
    }
}

impl std::error::Error for KeyError {}
