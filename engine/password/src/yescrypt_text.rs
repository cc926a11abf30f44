//! `$y$params$salt$sum`, what Debian has in /etc/shadow since its eleventh release.

use core_world::PasswordError;
use yescrypt::Params;

/// Octets of memory that it may ask for, as for Argon2.
const MEMORY_MAX: u128 = 256 * 1024 * 1024;
/// Flavour, logarithm of the rounds and size of a block, without the options that crypt(3) never
/// writes and of which one multiplies the time.
const PARAMS_LEN: usize = 3;
/// Octets of the sum.
const SUM_LEN: usize = 32;
/// Longest salt, in octets.
const SALT_MAX: usize = 64;
const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A hash of yescrypt, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Yescrypt {
    params: Params,
    salt: Vec<u8>,
    /// What it must give.
    pub(crate) sum: Vec<u8>,
}

impl Yescrypt {
    /// Takes it apart. Errors: `UnknownHash`, `TooCostly`.
    pub(crate) fn parse(hash: &str) -> Result<Yescrypt, PasswordError> {
        let unknown = PasswordError::UnknownHash;
        let mut parts = hash.split('$').skip(2);
        let (Some(params), Some(salt), Some(sum), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(unknown);
        };
        let is_plain = params.len() == PARAMS_LEN && params.bytes().all(|b| digit(b).is_some());
        if !is_plain || !params.starts_with('j') {
            return Err(unknown);
        }
        let params: Params = params.parse().map_err(|_| PasswordError::UnknownHash)?;
        if 128 * u128::from(params.n()) * u128::from(params.r()) > MEMORY_MAX {
            return Err(PasswordError::TooCostly);
        }
        let (Some(salt), Some(sum)) = (decode(salt), decode(sum)) else { return Err(unknown) };
        if salt.len() > SALT_MAX || sum.len() != SUM_LEN {
            return Err(unknown);
        }
        Ok(Yescrypt { params, salt, sum })
    }

    /// The sum of `password`.
    pub(crate) fn sum_of(&self, password: &[u8]) -> Result<Vec<u8>, PasswordError> {
        let mut sum = vec![0; SUM_LEN];
        yescrypt::yescrypt(password, &self.salt, &self.params, &mut sum)
            .map_err(|_| PasswordError::UnknownHash)?;
        Ok(sum)
    }
}

fn digit(octet: u8) -> Option<u32> {
    let place = ALPHABET.iter().position(|symbol| *symbol == octet)?;
    u32::try_from(place).ok()
}

/// Its own base64: the low bits first.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len());
    for symbols in text.as_bytes().chunks(4) {
        let mut value = 0;
        for (place, symbol) in symbols.iter().enumerate() {
            value |= digit(*symbol)? << (6 * place);
        }
        let count = symbols.len() * 6 / 8;
        octets.extend_from_slice(value.to_le_bytes().get(..count)?);
        // A symbol too few, or bits that no octet has.
        if count == 0 || value >> (8 * count) != 0 {
            return None;
        }
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_none_is_unknown_and_what_costs_too_much_is_refused() {
        let sum = "FSLFRm43ej8sEbGTHWMG4Noo/OUcydBpTXhBmJjdRX3";
        for (text, want) in [
            ("$y$", PasswordError::UnknownHash),
            ("$y$j9T", PasswordError::UnknownHash),
            (&format!("$y$j9T$abcd${}", &sum[1..]), PasswordError::UnknownHash),
            (&format!("$y$j9T$a${sum}"), PasswordError::UnknownHash),
            (&format!("$y$j9T$\u{e9}${sum}"), PasswordError::UnknownHash),
            (&format!("$y$\u{e9}T$abcd${sum}"), PasswordError::UnknownHash),
            (&format!("$y$j9T0.$abcd${sum}"), PasswordError::UnknownHash),
            (&format!("$y$/9T$abcd${sum}"), PasswordError::UnknownHash),
            (&format!("$y$jzT$abcd${sum}"), PasswordError::UnknownHash),
            (&format!("$y$jFT$abcd${sum}"), PasswordError::TooCostly),
        ] {
            assert_eq!(Yescrypt::parse(text), Err(want), "{text}");
        }
        assert!(Yescrypt::parse(&format!("$y$j9T$${sum}")).is_ok(), "without salt");
    }
}
