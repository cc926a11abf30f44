//! Keys: public ones verify, our own sign.

use aws_lc_rs::digest::{self, SHA256};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ED25519, Ed25519KeyPair, KeyPair, ParsedPublicKey,
    RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RSA_PKCS1_SHA256, RsaKeyPair,
};
use core_world::{KeyAlgorithm, KeyError, NewKey, Secret, SigningKey};
use rules_sender::{Digest, Proof, SignatureAlgorithm, Verified, Verifier};

/// An RSA key of at least 1,024 bits is this long, as a record has it, bits and a few octets more.
const RSA_1024_OCTETS: usize = 128;

/// Verifies with aws-lc-rs.
pub struct PublicKeys;

impl Verifier for PublicKeys {
    fn verify(&self, proof: &Proof<'_>) -> Verified {
        match proof.algorithm {
            SignatureAlgorithm::Ed25519Sha256 => verify_ed25519(proof),
            SignatureAlgorithm::RsaSha256 => verify_rsa(proof),
            // Nobody asks for it (RFC 8301 §3.1).
            SignatureAlgorithm::RsaSha1 => Verified::No,
        }
    }
}

fn verify_ed25519(proof: &Proof<'_>) -> Verified {
    let Ok(key) = ParsedPublicKey::new(&ED25519, proof.public) else { return Verified::NoKey };
    // The message is the digest (RFC 8463 §3).
    said(key.verify_sig(proof.digest, proof.signature).is_ok())
}

fn verify_rsa(proof: &Proof<'_>) -> Verified {
    if proof.public.len() < RSA_1024_OCTETS {
        return Verified::KeyTooShort;
    }
    let algorithm = &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY;
    let Ok(key) = ParsedPublicKey::new(algorithm, proof.public) else { return Verified::NoKey };
    let Ok(digest) = digest::Digest::import_less_safe(proof.digest, &SHA256) else {
        return Verified::No;
    };
    said(key.verify_digest_sig(&digest, proof.signature).is_ok())
}

fn said(right: bool) -> Verified {
    if right { Verified::Yes } else { Verified::No }
}

/// A key of ours, ready to sign.
pub enum SecretKey {
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SecretKey {
    /// Reads it. `None`: it is none.
    pub fn read(key: &SigningKey) -> Option<SecretKey> {
        let octets = &key.secret.0;
        match key.algorithm {
            KeyAlgorithm::Rsa => RsaKeyPair::from_pkcs8(octets).ok().map(SecretKey::Rsa),
            KeyAlgorithm::Ed25519 => {
                Ed25519KeyPair::from_pkcs8_maybe_unchecked(octets).ok().map(SecretKey::Ed25519)
            }
        }
    }

    /// Signs. `None`: it failed.
    pub fn sign(&self, digest: &Digest) -> Option<Vec<u8>> {
        match self {
            SecretKey::Rsa(key) => {
                let digest = digest::Digest::import_less_safe(digest, &SHA256).ok()?;
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign_digest(&RSA_PKCS1_SHA256, &digest, &mut signature).ok()?;
                Some(signature)
            }
            SecretKey::Ed25519(key) => {
                key.try_sign(digest).ok().map(|signature| signature.as_ref().to_vec())
            }
        }
    }
}

/// Makes a key. For RSA this takes a while.
pub fn make(algorithm: KeyAlgorithm) -> Result<NewKey, KeyError> {
    match algorithm {
        KeyAlgorithm::Rsa => {
            let key = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError)?;
            let secret =
                AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&key).map_err(|_| KeyError)?;
            let public = key.public_key();
            let public = AsDer::<PublicKeyX509Der<'_>>::as_der(public).map_err(|_| KeyError)?;
            Ok(NewKey {
                secret: Secret(secret.as_ref().to_vec()),
                public: public.as_ref().to_vec(),
            })
        }
        KeyAlgorithm::Ed25519 => {
            let secret =
                Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| KeyError)?;
            let key = Ed25519KeyPair::from_pkcs8(secret.as_ref()).map_err(|_| KeyError)?;
            let public = key.public_key().as_ref().to_vec();
            Ok(NewKey { secret: Secret(secret.as_ref().to_vec()), public })
        }
    }
}
