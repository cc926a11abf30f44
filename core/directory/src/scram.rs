//! Keys for SCRAM-SHA-256 (RFC 5802 §3, RFC 7677).

use crate::{ScramKeys, ScramPair};
use core_world::Random;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

/// Rounds of PBKDF2: at least 4096 (RFC 7677 §4). The client pays for them at each login, we once.
pub(crate) const ITERATIONS: u32 = 10_000;
/// Octets.
const SALT_LEN: usize = 16;

/// A fresh salt.
pub(crate) fn salt(random: &dyn Random) -> Vec<u8> {
    let mut salt = vec![0; SALT_LEN];
    random.fill(&mut salt);
    salt
}

/// The keys of `password`.
///
/// Departs from RFC 5802 §2.2: passwords are taken as the octets of their UTF-8, without SASLprep.
pub(crate) fn derive(password: &[u8], salt: &[u8], iterations: u32) -> ScramPair {
    let salted: [u8; 32] = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(password, salt, iterations);
    let client_key = hmac(&salted, b"Client Key");
    let stored_key = Sha256::digest(client_key).into();
    ScramPair { stored_key, server_key: hmac(&salted, b"Server Key") }
}

/// Keys for a name that nobody has: the same each time for the same `secret`, and no password
/// fits them.
pub(crate) fn make_up(secret: &[u8; 32], name: &str) -> ScramKeys {
    let mut octets = [0; SALT_LEN + 64];
    blake3::Hasher::new_keyed(secret).update(name.as_bytes()).finalize_xof().fill(&mut octets);
    let (salt, keys) = octets.split_at(SALT_LEN);
    let mut pair = ScramPair { stored_key: [0; 32], server_key: [0; 32] };
    pair.stored_key.copy_from_slice(&keys[..32]);
    pair.server_key.copy_from_slice(&keys[32..]);
    ScramKeys { salt: salt.to_vec(), iterations: ITERATIONS, pairs: vec![pair] }
}

fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    // HMAC takes a key of any length, so there is nothing to fail.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes any key");
    mac.update(text);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The exchange of RFC 7677 §3, as the server checks it.
    #[test]
    fn the_keys_verify_the_example_of_rfc_7677() {
        let salt = vec![
            0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e, 0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36,
            0xfa, 0x81,
        ];
        let keys = derive(b"pencil", &salt, 4096);
        let auth_message = b"n=user,r=rOprNGfwEbeRWgbNEkqO,\
            r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
            c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        // v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=
        let verifier = [
            0xea, 0xba, 0xe2, 0x4d, 0x10, 0x62, 0xdb, 0x75, 0xa9, 0x45, 0x1f, 0xf0, 0xb6, 0xea,
            0x7e, 0x98, 0xc8, 0x54, 0x65, 0x49, 0xff, 0x74, 0x1e, 0x67, 0x2d, 0x32, 0x51, 0xb2,
            0x39, 0x7d, 0xe4, 0x6e,
        ];
        assert_eq!(hmac(&keys.server_key, auth_message), verifier);
    }

    #[test]
    fn made_up_keys_are_the_same_each_time_and_differ_by_name_and_secret() {
        let keys = make_up(&[1; 32], "zed@mired.org");
        assert!(keys == make_up(&[1; 32], "zed@mired.org"));
        assert!(keys != make_up(&[1; 32], "zoe@mired.org"));
        assert!(keys != make_up(&[2; 32], "zed@mired.org"));
        assert_eq!((keys.salt.len(), keys.iterations), (SALT_LEN, ITERATIONS));
    }
}
