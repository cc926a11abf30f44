//! What is stored. The layout is written down in `docs/records.md`, section "Directory".

use crate::octets::{Reader, Writer};
use crate::{Quota, ScramKeys};
use words_mail::{AccountId, Address, Domain};

/// The version that every record of this build carries.
const VERSION: u8 = 1;

/// A value of the store that knows its own form.
pub(crate) trait Record: Sized {
    /// What it is, for the message that it cannot be read.
    const WHAT: &'static str;

    /// Its octets.
    fn encode(&self) -> Vec<u8>;

    /// Reads them back. `None`: they are not such a record.
    fn decode(octets: &[u8]) -> Option<Self>;
}

/// One of our domains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DomainRecord {
    /// Grows whenever a name is added to the domain, so that one who removes the domain because it
    /// is empty meets a conflict when it no longer is.
    pub(crate) revision: u64,
    /// What it is.
    pub(crate) kind: DomainKind,
}

/// What one of our domains is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DomainKind {
    /// It has names of its own.
    Own {
        /// Who gets mail for names that nobody has.
        catch_all: Option<Address>,
        /// Who is postmaster when no name says so; `None`: the first account of the domain.
        postmaster: Option<AccountId>,
    },
    /// Its names are those of another domain, which is no alias.
    Alias {
        /// Of which.
        of: Domain,
    },
}

impl Record for DomainRecord {
    const WHAT: &'static str = "domain";

    fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new(VERSION);
        out.number64(self.revision);
        match &self.kind {
            DomainKind::Own { catch_all, postmaster } => {
                out.octet(0);
                out.bytes(
                    catch_all.as_ref().map(Address::to_string).unwrap_or_default().as_bytes(),
                );
                out.maybe64(postmaster.map(|id| u64::from(id.0)));
            }
            DomainKind::Alias { of } => {
                out.octet(1).text(of);
            }
        }
        out.done()
    }

    fn decode(octets: &[u8]) -> Option<DomainRecord> {
        let mut from = Reader::new(VERSION, octets)?;
        let revision = from.number64()?;
        let kind = match from.octet()? {
            0 => {
                let catch_all = match from.text()? {
                    "" => None,
                    text => Some(Address::parse(text).ok()?),
                };
                let postmaster = match from.maybe64()? {
                    None => None,
                    Some(id) => Some(AccountId(u32::try_from(id).ok()?)),
                };
                DomainKind::Own { catch_all, postmaster }
            }
            1 => DomainKind::Alias { of: Domain::parse(from.text()?).ok()? },
            _ => return None,
        };
        from.done(DomainRecord { revision, kind })
    }
}

/// One account, without its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AccountRecord {
    /// Main address.
    pub(crate) address: Address,
    /// The other ones.
    pub(crate) addresses: Vec<Address>,
    /// How much it may keep.
    pub(crate) quota: Quota,
    /// Largest message.
    pub(crate) size_max: Option<u64>,
    /// May it not log in?
    pub(crate) disabled: bool,
}

impl Record for AccountRecord {
    const WHAT: &'static str = "account";

    fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new(VERSION);
        out.text(&self.address);
        write_addresses(&mut out, &self.addresses);
        out.maybe64(self.quota.bytes).maybe64(self.quota.messages).maybe64(self.size_max);
        out.octet(u8::from(self.disabled)).done()
    }

    fn decode(octets: &[u8]) -> Option<AccountRecord> {
        let mut from = Reader::new(VERSION, octets)?;
        let record = AccountRecord {
            address: Address::parse(from.text()?).ok()?,
            addresses: read_addresses(&mut from)?,
            quota: Quota { bytes: from.maybe64()?, messages: from.maybe64()? },
            size_max: from.maybe64()?,
            disabled: from.truth()?,
        };
        from.done(record)
    }
}

/// Who has a local-part in one of our domains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NameRecord {
    /// It is an account's own address.
    Account(AccountId),
    /// It stands for other addresses, here or elsewhere.
    Alias(Vec<Address>),
}

impl Record for NameRecord {
    const WHAT: &'static str = "name";

    fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new(VERSION);
        match self {
            NameRecord::Account(id) => {
                out.octet(0).number32(id.0);
            }
            NameRecord::Alias(targets) => write_addresses(out.octet(1), targets),
        }
        out.done()
    }

    fn decode(octets: &[u8]) -> Option<NameRecord> {
        let mut from = Reader::new(VERSION, octets)?;
        let record = match from.octet()? {
            0 => NameRecord::Account(AccountId(from.number32()?)),
            1 => NameRecord::Alias(read_addresses(&mut from)?),
            _ => return None,
        };
        from.done(record)
    }
}

/// An account's number, where nothing else is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OwnerRecord(pub(crate) AccountId);

impl Record for OwnerRecord {
    const WHAT: &'static str = "owner";

    fn encode(&self) -> Vec<u8> {
        Writer::new(VERSION).number32(self.0.0).done()
    }

    fn decode(octets: &[u8]) -> Option<OwnerRecord> {
        let mut from = Reader::new(VERSION, octets)?;
        let id = AccountId(from.number32()?);
        from.done(OwnerRecord(id))
    }
}

/// How an account proves who it is.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct CredentialsRecord {
    /// In PHC string form.
    pub(crate) hash: String,
    /// For SCRAM-SHA-256.
    pub(crate) scram: ScramKeys,
}

impl Record for CredentialsRecord {
    const WHAT: &'static str = "credentials";

    fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new(VERSION);
        out.text(&self.hash).bytes(&self.scram.salt).number32(self.scram.iterations);
        out.bytes(&self.scram.stored_key).bytes(&self.scram.server_key).done()
    }

    fn decode(octets: &[u8]) -> Option<CredentialsRecord> {
        let mut from = Reader::new(VERSION, octets)?;
        let hash = from.text()?.to_string();
        let scram = ScramKeys {
            salt: from.bytes()?.to_vec(),
            iterations: from.number32()?,
            stored_key: from.bytes()?.try_into().ok()?,
            server_key: from.bytes()?.try_into().ok()?,
        };
        from.done(CredentialsRecord { hash, scram })
    }
}

/// The secret from which keys for names that nobody has are made up.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SecretRecord(pub(crate) [u8; 32]);

impl Record for SecretRecord {
    const WHAT: &'static str = "secret";

    fn encode(&self) -> Vec<u8> {
        Writer::new(VERSION).bytes(&self.0).done()
    }

    fn decode(octets: &[u8]) -> Option<SecretRecord> {
        let mut from = Reader::new(VERSION, octets)?;
        let secret = from.bytes()?.try_into().ok()?;
        from.done(SecretRecord(secret))
    }
}

fn write_addresses(out: &mut Writer, addresses: &[Address]) {
    out.number32(addresses.len() as u32);
    for address in addresses {
        out.text(address);
    }
}

fn read_addresses(from: &mut Reader<'_>) -> Option<Vec<Address>> {
    let count = from.number32()?;
    (0..count).map(|_| Address::parse(from.text()?).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Debug;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    /// Reads back what it writes; no shorter or longer octets are taken for it.
    fn check<T: Record + PartialEq + Debug>(record: &T) {
        let octets = record.encode();
        assert_eq!(T::decode(&octets).as_ref(), Some(record));
        for len in 0..octets.len() {
            assert_eq!(T::decode(&octets[..len]), None, "{record:?} cut to {len}");
        }
        assert_eq!(T::decode(&[&octets[..], b"x"].concat()), None);
        let later = [&[VERSION + 1], &octets[1..]].concat();
        assert_eq!(T::decode(&later), None);
    }

    #[test]
    fn every_record_reads_back_and_nothing_else_does() {
        let own = |catch_all, postmaster| DomainKind::Own { catch_all, postmaster };
        check(&DomainRecord { revision: 0, kind: own(None, None) });
        check(&DomainRecord {
            revision: u64::MAX,
            kind: own(Some(address("\"a b\"@x.org")), Some(AccountId(u32::MAX))),
        });
        let of = Domain::parse("mired.org").unwrap();
        check(&DomainRecord { revision: 7, kind: DomainKind::Alias { of } });
        check(&AccountRecord {
            address: address("ana@mired.org"),
            addresses: vec![address("ñandú@mired.org"), address("a@b")],
            quota: Quota { bytes: Some(1), messages: None },
            size_max: Some(u64::MAX),
            disabled: true,
        });
        check(&NameRecord::Account(AccountId(3)));
        check(&NameRecord::Alias(vec![address("bob@mired.org"), address("b@elsewhere.org")]));
        check(&OwnerRecord(AccountId(1)));
    }

    #[test]
    fn records_of_the_first_release_are_read() {
        let octets = b"\x01\x00\x0dana@mired.org\x00\x00\x00\x01\x00\x0aana@ab.org\x01\x00\x00\x00\
            \x00\x00\x10\x00\x00\x00\x00\x00";
        let record = AccountRecord::decode(octets).unwrap();
        assert_eq!(record.address, address("ana@mired.org"));
        assert_eq!(record.quota, Quota { bytes: Some(1 << 20), messages: None });
        assert_eq!(record.encode(), octets);
    }
}
