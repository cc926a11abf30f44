//! Where in the store what is kept. The layout is written down in `docs/records.md`.

use crate::record::Origin;
use core_store::{Key, Scan};
use std::ops::Range;
use words_mail::{AccountId, Address, Domain};

/// The key of the counter of accounts.
pub(crate) const ACCOUNTS: &[u8] = b"dC";
/// The key of the secret for made-up keys.
pub(crate) const SECRET: &[u8] = b"dX";
const DOMAIN: &[u8] = b"dD";
const NAME: &[u8] = b"dN";
const SHORT: &[u8] = b"dS";
const ACCOUNT: &[u8] = b"dA";
const CREDENTIALS: &[u8] = b"dP";
const MEMBER: &[u8] = b"dM";
const DEVICE: &[u8] = b"dV";
const USE: &[u8] = b"dU";
const DKIM: &[u8] = b"dK";
const ORIGIN: &[u8] = b"dE";
/// Between two texts of a key; neither domains nor local-parts can hold it.
const END: &[u8] = b"\0";

/// A local-part as it is looked up: letters lower, after Unicode.
///
/// Departs from RFC 5321 §2.4, which lets a host tell `Ana` from `ana`: no person does.
pub(crate) fn fold(local_part: &str) -> String {
    local_part.to_lowercase()
}

/// A name in one of our domains, as it is looked up. `domain` is no alias.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Name {
    domain: Domain,
    local_part: String,
}

impl Name {
    /// Of `local_part` in any case.
    pub(crate) fn new(local_part: &str, domain: &Domain) -> Name {
        Name { domain: domain.clone(), local_part: fold(local_part) }
    }

    /// Of an address whose domain is no alias.
    pub(crate) fn of(address: &Address) -> Name {
        Name::new(address.local_part(), address.domain())
    }

    /// In lower case.
    pub(crate) fn local_part(&self) -> &str {
        &self.local_part
    }

    /// As it is written.
    pub(crate) fn to_address(&self) -> Option<Address> {
        Address::new(&self.local_part, self.domain.clone()).ok()
    }

    /// Of the [`crate::record::NameRecord`].
    pub(crate) fn key(&self) -> Key {
        join(&[NAME, self.domain.as_str().as_bytes(), END, self.local_part.as_bytes()])
    }

    /// Of the entry in the index of short names.
    pub(crate) fn short_key(&self) -> Key {
        let local_part = self.local_part.as_bytes();
        join(&[SHORT, local_part, END, self.domain.as_str().as_bytes()])
    }
}

/// Of the [`crate::record::DomainRecord`].
pub(crate) fn domain(domain: &Domain) -> Key {
    join(&[DOMAIN, domain.as_str().as_bytes()])
}

/// Every domain.
pub(crate) fn domains() -> Range<Key> {
    Scan::prefix(DOMAIN)
}

/// The domain that such a key names.
pub(crate) fn read_domain(key: &[u8]) -> Option<Domain> {
    Domain::parse(std::str::from_utf8(key.strip_prefix(DOMAIN)?).ok()?).ok()
}

/// Of the [`crate::record::AccountRecord`].
pub(crate) fn account(id: AccountId) -> Key {
    join(&[ACCOUNT, &id.0.to_be_bytes()])
}

/// Every account, the eldest first.
pub(crate) fn accounts() -> Range<Key> {
    Scan::prefix(ACCOUNT)
}

/// The account that such a key names.
pub(crate) fn read_account(key: &[u8]) -> Option<AccountId> {
    let id = key.strip_prefix(ACCOUNT)?.try_into().ok()?;
    Some(AccountId(u32::from_be_bytes(id)))
}

/// Of the [`crate::record::CredentialsRecord`].
pub(crate) fn credentials(id: AccountId) -> Key {
    join(&[CREDENTIALS, &id.0.to_be_bytes()])
}

/// Of the [`crate::record::DeviceRecord`] of a device of an account.
pub(crate) fn device(account: AccountId, device: u32) -> Key {
    join(&[DEVICE, &account.0.to_be_bytes(), &device.to_be_bytes()])
}

/// The devices of an account, the eldest first.
pub(crate) fn devices(account: AccountId) -> Range<Key> {
    Scan::prefix(&join(&[DEVICE, &account.0.to_be_bytes()]))
}

/// The device that such a key names.
pub(crate) fn read_device(key: &[u8]) -> Option<u32> {
    let number = key.strip_prefix(DEVICE)?.get(4..)?.try_into().ok()?;
    Some(u32::from_be_bytes(number))
}

/// Of the [`crate::record::UseRecord`] of a device of an account.
pub(crate) fn device_use(account: AccountId, device: u32) -> Key {
    join(&[USE, &account.0.to_be_bytes(), &device.to_be_bytes()])
}

/// Of an account's entry in the index of accounts by the domain of their main address.
pub(crate) fn member(domain: &Domain, id: AccountId) -> Key {
    join(&[MEMBER, domain.as_str().as_bytes(), END, &id.0.to_be_bytes()])
}

/// The accounts whose main address is in `domain`, the eldest first.
pub(crate) fn members(domain: &Domain) -> Range<Key> {
    Scan::prefix(&join(&[MEMBER, domain.as_str().as_bytes(), END]))
}

/// Of the account that an authority knows by that name, in any case.
pub(crate) fn origin(origin: &Origin) -> Key {
    join(&[ORIGIN, origin.authority.as_bytes(), END, fold(&origin.user).as_bytes()])
}

/// Of the [`crate::record::DkimKeyRecord`] of a domain.
pub(crate) fn dkim_key(domain: &Domain, selector: &str) -> Key {
    join(&[DKIM, domain.as_str().as_bytes(), END, selector.as_bytes()])
}

/// The keys that sign for `domain`.
pub(crate) fn dkim_keys(domain: &Domain) -> Range<Key> {
    Scan::prefix(&join(&[DKIM, domain.as_str().as_bytes(), END]))
}

/// The selector that such a key names.
pub(crate) fn read_selector(key: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(key.strip_prefix(DKIM)?).ok()?;
    text.split_once('\0').map(|(_, selector)| selector.to_string())
}

/// Every name of `domain`, or of all.
pub(crate) fn names(domain: Option<&Domain>) -> Range<Key> {
    match domain {
        Some(domain) => Scan::prefix(&join(&[NAME, domain.as_str().as_bytes(), END])),
        None => Scan::prefix(NAME),
    }
}

/// The name that such a key is of.
pub(crate) fn read_name(key: &[u8]) -> Option<Name> {
    let text = std::str::from_utf8(key.strip_prefix(NAME)?).ok()?;
    let (domain, local_part) = text.split_once('\0')?;
    Some(Name { domain: Domain::parse(domain).ok()?, local_part: local_part.to_string() })
}

/// Every entry of a short name.
pub(crate) fn shorts(local_part: &str) -> Range<Key> {
    Scan::prefix(&join(&[SHORT, fold(local_part).as_bytes(), END]))
}

/// `range` without `key` and what stands before it.
pub(crate) fn behind(range: Range<Key>, key: &[u8]) -> Range<Key> {
    let start = join(&[key, END]);
    if start > range.start { start..range.end } else { range }
}

fn join(parts: &[&[u8]]) -> Key {
    parts.concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_what_they_were_made_of() {
        let mired = Domain::parse("mired.org").unwrap();
        assert_eq!(read_domain(&domain(&mired)), Some(mired.clone()));
        assert_eq!(read_account(&account(AccountId(258))), Some(AccountId(258)));
        assert_eq!(read_device(&device(AccountId(258), 513)), Some(513));
        let name = Name::new("ÑANDÚ", &mired);
        assert_eq!(name.local_part(), "ñandú");
        assert_eq!(read_name(&name.key()), Some(name));
    }

    #[test]
    fn a_range_holds_its_own_and_no_neighbour() {
        let domain = |text| Domain::parse(text).unwrap();
        let range = names(Some(&domain("a.org")));
        let holds = |d| range.contains(&Name::new("z", &domain(d)).key());
        assert_eq!((holds("a.org"), holds("a.orga"), holds("a.or")), (true, false, false));
        let range = devices(AccountId(1));
        let holds = |account| range.contains(&device(AccountId(account), u32::MAX));
        assert_eq!((holds(1), holds(0), holds(2), holds(256)), (true, false, false, false));
        let range = shorts("ana");
        let holds = |local_part| range.contains(&Name::new(local_part, &domain("x")).short_key());
        assert_eq!((holds("ANA"), holds("anab"), holds("an")), (true, false, false));
    }
}
