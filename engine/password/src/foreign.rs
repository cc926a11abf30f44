//! Hashes that other servers made, compared in constant time.

use crate::scheme::{Scheme, ShaFunction};
use crate::{hash, memory::Memory};
use core_world::PasswordError;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use subtle::ConstantTimeEq;

/// Does `password` belong to the stored hash?
pub(crate) fn verify(
    stored: &str,
    password: &[u8],
    memory: &mut Memory,
) -> Result<bool, PasswordError> {
    match Scheme::parse(stored)? {
        Scheme::Argon2(phc) => hash::verify(&phc, password, memory),
        Scheme::Clear(clear) => Ok(is_same(&clear, password)),
        Scheme::ShaCrypt { function, rounds, salt, sum } => {
            let got = sha_crypt(function, rounds, &salt, password)?;
            Ok(is_same(got.as_bytes(), sum.as_bytes()))
        }
        // Compares in constant time itself.
        Scheme::Bcrypt(text) => {
            bcrypt::verify(password, &text).map_err(|_| PasswordError::UnknownHash)
        }
        Scheme::Yescrypt(yescrypt) => Ok(is_same(&yescrypt.sum_of(password)?, &yescrypt.sum)),
        Scheme::Digest { function, sum, salt } => {
            Ok(is_same(&digest(function, password, &salt), &sum))
        }
        Scheme::Pbkdf2 { salt, rounds, sum } => {
            let got: [u8; 20] = pbkdf2::pbkdf2_hmac_array::<Sha1, 20>(password, &salt, rounds);
            Ok(is_same(&got, &sum))
        }
    }
}

fn sha_crypt(
    function: ShaFunction,
    rounds: u32,
    salt: &str,
    password: &[u8],
) -> Result<String, PasswordError> {
    let (rounds, salt) = (rounds as usize, salt.as_bytes());
    let sum = match function {
        ShaFunction::Sha256 => sha_crypt::Sha256Params::new(rounds)
            .and_then(|params| sha_crypt::sha256_crypt_b64(password, salt, &params)),
        ShaFunction::Sha512 => sha_crypt::Sha512Params::new(rounds)
            .and_then(|params| sha_crypt::sha512_crypt_b64(password, salt, &params)),
        ShaFunction::Sha1 => return Err(PasswordError::UnknownHash),
    };
    sum.map_err(|_| PasswordError::UnknownHash)
}

fn digest(function: ShaFunction, password: &[u8], salt: &[u8]) -> Vec<u8> {
    fn of<D: Digest>(password: &[u8], salt: &[u8]) -> Vec<u8> {
        D::new().chain_update(password).chain_update(salt).finalize().to_vec()
    }
    match function {
        ShaFunction::Sha1 => of::<Sha1>(password, salt),
        ShaFunction::Sha256 => of::<Sha256>(password, salt),
        ShaFunction::Sha512 => of::<Sha512>(password, salt),
    }
}

fn is_same(got: &[u8], want: &[u8]) -> bool {
    got.ct_eq(want).into()
}
