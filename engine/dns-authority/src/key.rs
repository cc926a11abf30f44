//! The key that zones are signed with: made at the start, gone at the end.

use crate::AuthorityError;
use hickory_server::proto::dnssec::crypto::EcdsaSigningKey;
use hickory_server::proto::dnssec::rdata::{DNSKEY, DS};
use hickory_server::proto::dnssec::{
    Algorithm, DigestType, DnsSecError, DnssecSigner, PublicKey, PublicKeyBuf, SigningKey,
};
use hickory_server::proto::rr::Name;
use std::time::Duration;

/// How long a signature is good; the server does not outlive it.
const SIGNATURE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Small signatures, and everybody verifies them (RFC 8624 §3.1).
const ALGORITHM: Algorithm = Algorithm::ECDSAP256SHA256;

/// The key of all zones.
pub struct Key {
    private: Vec<u8>,
    public: PublicKeyBuf,
}

impl Key {
    /// A new one.
    pub fn make() -> Result<Key, AuthorityError> {
        let private = EcdsaSigningKey::generate_pkcs8(ALGORITHM)?;
        let public = EcdsaSigningKey::from_pkcs8(&private, ALGORITHM)?.to_public_key()?;
        Ok(Key { private: private.secret_pkcs8_der().to_vec(), public })
    }

    /// Signs the zone of this name.
    pub fn signer(&self, apex: &Name) -> Result<DnssecSigner, AuthorityError> {
        let private = self.private.as_slice().into();
        let key = EcdsaSigningKey::from_pkcs8(&private, ALGORITHM)?;
        let dnskey = DNSKEY::from_key(&self.public);
        Ok(DnssecSigner::new(dnskey, Box::new(key), apex.clone(), SIGNATURE))
    }

    /// What the zone above says of the key of the zone of this name.
    pub fn delegation(&self, apex: &Name) -> Result<DS, AuthorityError> {
        Ok(DS::from_key(&self.public, apex, DigestType::SHA256)?)
    }

    /// The number of the algorithm, and the key.
    pub fn anchor(&self) -> (u8, Vec<u8>) {
        (u8::from(ALGORITHM), self.public.public_bytes().to_vec())
    }
}

impl From<DnsSecError> for AuthorityError {
    fn from(error: DnsSecError) -> AuthorityError {
        AuthorityError::Unsigned(error.to_string())
    }
}
