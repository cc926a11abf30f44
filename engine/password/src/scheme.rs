//! What a stored hash is: ours, or one of those that other servers keep. Read without computing
//! anything, costs bounded: an imported hash could ask for all of the machine.
//!
//! ```abnf
//! stored = "{" scheme [ "." ( "b64" / "hex" ) ] "}" hash / hash
//! ```
//! as Dovecot writes them; without a scheme the hash says itself what it is (`$6$`, `$2y$`,
//! `$argon2id$`), as in /etc/shadow.

use crate::yescrypt_text::Yescrypt;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use core_world::PasswordError;

/// Longest hash that is read, in octets.
const TEXT_MAX: usize = 1024;
/// Rounds of SHA-crypt and PBKDF2 that a stored hash may ask for: about half a second.
pub(crate) const ROUNDS_MAX: u32 = 1_000_000;
/// Rounds of SHA-crypt where the hash does not say.
const ROUNDS_USUAL: u32 = 5_000;
/// Fewest rounds of SHA-crypt; its makers raise what is less.
const ROUNDS_MIN: u32 = 1_000;
/// Logarithm of the rounds of bcrypt: about a second.
const BCRYPT_COST_MAX: u32 = 14;
/// Octets of a salt of SHA-crypt; its makers cut what is longer.
const CRYPT_SALT_MAX: usize = 16;
/// Octets of salt behind a salted digest, or of PBKDF2.
const SALT_MAX: usize = 256;

/// A stored hash, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// The password itself.
    Clear(Vec<u8>),
    /// Argon2, in PHC string form, which is ours.
    Argon2(String),
    /// `$5$` and `$6$`.
    ShaCrypt { function: ShaFunction, rounds: u32, salt: String, sum: String },
    /// `$2a$`, `$2b$`, `$2y$`.
    Bcrypt(String),
    /// `$y$`.
    Yescrypt(Yescrypt),
    /// A digest of the password and, if there is one, the salt behind it.
    Digest { function: ShaFunction, sum: Vec<u8>, salt: Vec<u8> },
    /// Dovecot's PBKDF2, with HMAC-SHA1: `$1$salt$rounds$hex`.
    Pbkdf2 { salt: Vec<u8>, rounds: u32, sum: Vec<u8> },
}

/// Which function of the SHA family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShaFunction {
    Sha1,
    Sha256,
    Sha512,
}

impl ShaFunction {
    /// Octets of its output.
    fn len(self) -> usize {
        match self {
            ShaFunction::Sha1 => 20,
            ShaFunction::Sha256 => 32,
            ShaFunction::Sha512 => 64,
        }
    }
}

/// How the octets of a hash are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    /// As the scheme does by itself.
    Usual,
    Base64,
    Hex,
}

/// Some leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Scheme {
    /// Takes a stored hash apart. Errors: `UnknownHash`, `TooCostly`.
    pub(crate) fn parse(text: &str) -> Result<Scheme, PasswordError> {
        if text.len() > TEXT_MAX {
            return Err(PasswordError::UnknownHash);
        }
        let Some(rest) = text.strip_prefix('{') else { return crypt(text) };
        let (name, hash) = rest.split_once('}').ok_or(PasswordError::UnknownHash)?;
        let name = name.to_ascii_uppercase();
        let (name, encoding) = match name.split_once('.') {
            None => (name.as_str(), Encoding::Usual),
            Some((name, "B64" | "BASE64")) => (name, Encoding::Base64),
            Some((name, "HEX")) => (name, Encoding::Hex),
            Some(_) => return Err(PasswordError::UnknownHash),
        };
        named(name, encoding, hash)
    }
}

fn named(name: &str, encoding: Encoding, hash: &str) -> Result<Scheme, PasswordError> {
    let digest = |function, salted| digest(function, salted, encoding, hash);
    match name {
        "PLAIN" | "CLEARTEXT" | "CLEAR" => {
            let octets = match encoding {
                Encoding::Usual => hash.as_bytes().to_vec(),
                encoding => decode(encoding, hash)?,
            };
            if octets.is_empty() { unknown() } else { Ok(Scheme::Clear(octets)) }
        }
        "SHA" | "SHA1" => digest(ShaFunction::Sha1, false),
        "SHA256" => digest(ShaFunction::Sha256, false),
        "SHA512" => digest(ShaFunction::Sha512, false),
        "SSHA" => digest(ShaFunction::Sha1, true),
        "SSHA256" => digest(ShaFunction::Sha256, true),
        "SSHA512" => digest(ShaFunction::Sha512, true),
        // What crypt(3) makes is text already.
        _ if encoding != Encoding::Usual => unknown(),
        "CRYPT" => crypt(hash),
        "SHA256-CRYPT" if hash.starts_with("$5$") => crypt(hash),
        "SHA512-CRYPT" if hash.starts_with("$6$") => crypt(hash),
        "BLF-CRYPT" | "BCRYPT" if hash.starts_with("$2") => crypt(hash),
        "ARGON2" | "ARGON2I" | "ARGON2ID" if hash.starts_with("$argon2") => crypt(hash),
        "PBKDF2" => pbkdf2(hash),
        _ => unknown(),
    }
}

/// A hash that says itself what it is.
fn crypt(hash: &str) -> Result<Scheme, PasswordError> {
    let id = hash.strip_prefix('$').and_then(|rest| rest.split('$').next());
    match id {
        Some("5") => sha_crypt(ShaFunction::Sha256, 43, hash),
        Some("6") => sha_crypt(ShaFunction::Sha512, 86, hash),
        Some("y") => Yescrypt::parse(hash).map(Scheme::Yescrypt),
        Some("2a" | "2b" | "2y") => bcrypt(hash),
        Some("argon2i" | "argon2d" | "argon2id") => Ok(Scheme::Argon2(hash.to_string())),
        _ => unknown(),
    }
}

/// `$6$[rounds=N$]salt$sum`
fn sha_crypt(function: ShaFunction, sum_len: usize, hash: &str) -> Result<Scheme, PasswordError> {
    let mut parts = hash.split('$').skip(2).peekable();
    let rounds = parts.peek().and_then(|part| part.strip_prefix("rounds="));
    let rounds = match rounds {
        None => ROUNDS_USUAL,
        Some(number) => number.parse::<u32>().map_err(|_| PasswordError::UnknownHash)?,
    };
    if rounds > ROUNDS_MAX {
        return Err(PasswordError::TooCostly);
    }
    if hash.contains("$rounds=") {
        parts.next();
    }
    let (Some(salt), Some(sum), None) = (parts.next(), parts.next(), parts.next()) else {
        return unknown();
    };
    if sum.len() != sum_len || !sum.bytes().all(is_crypt_octet) || !salt.is_ascii() {
        return unknown();
    }
    let salt = salt.get(..CRYPT_SALT_MAX).unwrap_or(salt).to_string();
    let rounds = rounds.max(ROUNDS_MIN);
    Ok(Scheme::ShaCrypt { function, rounds, salt, sum: sum.to_string() })
}

/// The alphabet of crypt(3).
fn is_crypt_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || octet == b'.' || octet == b'/'
}

/// `$2b$cost$` and 22 characters of salt and 31 of sum.
fn bcrypt(hash: &str) -> Result<Scheme, PasswordError> {
    let mut parts = hash.split('$').skip(2);
    let (Some(cost), Some(rest), None) = (parts.next(), parts.next(), parts.next()) else {
        return unknown();
    };
    if cost.len() != 2 || rest.len() != 53 || !rest.bytes().all(is_crypt_octet) {
        return unknown();
    }
    match cost.parse::<u32>() {
        Ok(4..=BCRYPT_COST_MAX) => Ok(Scheme::Bcrypt(hash.to_string())),
        Ok(cost) if cost > BCRYPT_COST_MAX => Err(PasswordError::TooCostly),
        _ => unknown(),
    }
}

/// The sum and, of a salted one, the salt behind it.
fn digest(
    function: ShaFunction,
    salted: bool,
    encoding: Encoding,
    hash: &str,
) -> Result<Scheme, PasswordError> {
    let octets = match encoding {
        // Unsalted ones stand in hexadecimal in some files.
        Encoding::Usual if !salted && hash.len() == 2 * function.len() => {
            decode(Encoding::Hex, hash)?
        }
        Encoding::Usual => decode(Encoding::Base64, hash)?,
        encoding => decode(encoding, hash)?,
    };
    let Some((sum, salt)) = octets.split_at_checked(function.len()) else { return unknown() };
    if salt.len() > SALT_MAX || (!salted && !salt.is_empty()) {
        return unknown();
    }
    Ok(Scheme::Digest { function, sum: sum.to_vec(), salt: salt.to_vec() })
}

fn pbkdf2(hash: &str) -> Result<Scheme, PasswordError> {
    let mut parts = hash.split('$');
    let (Some(""), Some("1"), Some(salt), Some(rounds), Some(sum), None) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return unknown();
    };
    let rounds = rounds.parse().map_err(|_| PasswordError::UnknownHash)?;
    if rounds > ROUNDS_MAX {
        return Err(PasswordError::TooCostly);
    }
    let sum = decode(Encoding::Hex, sum)?;
    if rounds == 0 || sum.len() != ShaFunction::Sha1.len() || salt.len() > SALT_MAX {
        return unknown();
    }
    Ok(Scheme::Pbkdf2 { salt: salt.as_bytes().to_vec(), rounds, sum })
}

fn decode(encoding: Encoding, text: &str) -> Result<Vec<u8>, PasswordError> {
    match encoding {
        Encoding::Hex => unhex(text).ok_or(PasswordError::UnknownHash),
        Encoding::Usual | Encoding::Base64 => {
            BASE64.decode(text).map_err(|_| PasswordError::UnknownHash)
        }
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |octet: u8| (octet as char).to_digit(16).map(|digit| digit as u8);
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect()
}

fn unknown<T>() -> Result<T, PasswordError> {
    Err(PasswordError::UnknownHash)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing that a file may hold makes this panic, and costs are refused before they are paid.
    #[test]
    fn what_is_no_hash_is_unknown_and_what_costs_too_much_is_refused() {
        let sum86 = "x".repeat(86);
        let sum53 = "x".repeat(53);
        let long = format!("{{PLAIN}}{}", "x".repeat(TEXT_MAX));
        for (text, want) in [
            ("", PasswordError::UnknownHash),
            ("secret", PasswordError::UnknownHash),
            ("{", PasswordError::UnknownHash),
            ("{PLAIN", PasswordError::UnknownHash),
            ("{PLAIN}", PasswordError::UnknownHash),
            ("{PLAIN.ROT13}x", PasswordError::UnknownHash),
            ("{}x", PasswordError::UnknownHash),
            ("{CRAM-MD5}abcd", PasswordError::UnknownHash),
            ("{SSHA}####", PasswordError::UnknownHash),
            ("{SSHA}AAAA", PasswordError::UnknownHash),
            ("{SHA256.HEX}0", PasswordError::UnknownHash),
            ("{CRYPT}", PasswordError::UnknownHash),
            ("{CRYPT}$1$ab$cdef", PasswordError::UnknownHash),
            ("{SHA512-CRYPT}$5$ab$cdef", PasswordError::UnknownHash),
            ("{SHA512-CRYPT.HEX}$6$ab$cdef", PasswordError::UnknownHash),
            ("$6$", PasswordError::UnknownHash),
            ("$6$rounds=", PasswordError::UnknownHash),
            ("$6$rounds=x$salt$sum", PasswordError::UnknownHash),
            ("$6$salt", PasswordError::UnknownHash),
            ("$6$salt$short", PasswordError::UnknownHash),
            ("$2b$", PasswordError::UnknownHash),
            ("{PBKDF2}$1$salt$0$00", PasswordError::UnknownHash),
            (&format!("$2b$03${sum53}"), PasswordError::UnknownHash),
            (&format!("$2b$xx${sum53}"), PasswordError::UnknownHash),
            (&long, PasswordError::UnknownHash),
            (&format!("$2b$15${sum53}"), PasswordError::TooCostly),
            (&format!("$6$rounds=1000001$salt${sum86}"), PasswordError::TooCostly),
            ("{PBKDF2}$1$salt$1000001$00", PasswordError::TooCostly),
        ] {
            assert_eq!(Scheme::parse(text), Err(want), "{text}");
        }
        for octet in 0..=0xff_u8 {
            for text in ["{\u{e9}SSHA}", "$6$\u{e9}$", "$2y$10$\u{e9}", "{SHA}\u{e9}"] {
                let _ = Scheme::parse(&format!("{text}{}", octet as char));
            }
        }
    }
}
