//! Passwords that we draw, each for one device.

use crate::record::DeviceRecord;
use core_world::Random;
use subtle::ConstantTimeEq;
use words_mail::AccountId;

/// Symbols of a password, of five bits each: a hundred bits, so that nobody can guess one even at
/// the speed of a fast hash.
const LEN: usize = 20;
/// Symbols of a group, so that people can read them and type them.
const GROUP: usize = 4;
/// Without letters that look like a digit or another letter.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// What the digest is for, so that it is of use nowhere else.
const CONTEXT: &str = "estafeta device password 1";

/// A password as it is compared: no matter how the groups were set apart, and in which case.
pub(crate) struct DevicePassword([u8; LEN]);

impl DevicePassword {
    /// A new one.
    pub(crate) fn draw(random: &dyn Random) -> DevicePassword {
        let mut octets = [0; LEN];
        random.fill(&mut octets);
        // 256 is a multiple of 32, so that each symbol is as likely as any.
        DevicePassword(octets.map(|octet| ALPHABET[usize::from(octet % 32)]))
    }

    /// `password`, if it has the form of one.
    pub(crate) fn read(password: &[u8]) -> Option<DevicePassword> {
        let mut symbols = [0; LEN];
        let mut places = symbols.iter_mut();
        for octet in password.iter().filter(|octet| !matches!(octet, b' ' | b'-')) {
            let symbol = match octet.to_ascii_lowercase() {
                b'o' => b'0',
                b'i' | b'l' => b'1',
                symbol if ALPHABET.contains(&symbol) => symbol,
                _ => return None,
            };
            *places.next()? = symbol;
        }
        places.next().is_none().then_some(DevicePassword(symbols))
    }

    /// As people are shown it: `k3f9-…`.
    pub(crate) fn text(&self) -> String {
        let groups = self.0.chunks(GROUP).map(String::from_utf8_lossy);
        groups.collect::<Vec<_>>().join("-")
    }

    /// What is stored of it. The account is part of it: one password cannot be moved to another.
    pub(crate) fn digest(&self, account: AccountId) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        hasher.update(&account.0.to_be_bytes()).update(&self.0);
        hasher.finalize().into()
    }

    /// The device of `account` that has this password. Looks at all, in constant time.
    pub(crate) fn find<'a>(
        &self,
        account: AccountId,
        devices: &'a [(u32, DeviceRecord)],
    ) -> Option<&'a (u32, DeviceRecord)> {
        let digest = self.digest(account);
        devices.iter().fold(None, |found, device| {
            if device.1.digest.ct_eq(&digest).into() { Some(device) } else { found }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core_world::testing::TestWorld;

    #[test]
    fn a_password_is_read_however_it_is_typed() {
        let drawn = DevicePassword::draw(&*TestWorld::new());
        let text = drawn.text();
        assert_eq!(text.len(), 24);
        for typed in [
            text.clone(),
            text.to_uppercase(),
            text.replace('-', " "),
            text.replace('-', ""),
            format!(" {text}"),
            text.replace('0', "O").replace('1', "l"),
        ] {
            let read = DevicePassword::read(typed.as_bytes()).unwrap();
            assert_eq!(read.0, drawn.0, "{typed}");
        }
        for other in [&text[1..], &format!("{text}0"), &text.replace('-', "_"), "", "ana"] {
            assert!(DevicePassword::read(other.as_bytes()).is_none(), "{other}");
        }
    }

    #[test]
    fn every_symbol_is_drawn_and_no_password_twice() {
        let world = TestWorld::new();
        let drawn: Vec<String> = (0..200).map(|_| DevicePassword::draw(&*world).text()).collect();
        let seen: std::collections::BTreeSet<char> = drawn.concat().chars().collect();
        assert_eq!(seen.len(), ALPHABET.len() + 1, "{seen:?}");
        let different: std::collections::BTreeSet<&String> = drawn.iter().collect();
        assert_eq!(different.len(), drawn.len());
    }

    #[test]
    fn a_digest_is_of_one_account() {
        let password = DevicePassword::draw(&*TestWorld::new());
        assert_ne!(password.digest(AccountId(1)), password.digest(AccountId(2)));
    }
}
