//! What is stored. The layout is written down in `docs/records.md`, section "Directory".

mod credentials;
mod device;
mod dkim;

pub(crate) use credentials::CredentialsRecord;
pub(crate) use device::{DeviceRecord, UseRecord};
pub(crate) use dkim::DkimKeyRecord;

use crate::octets::{Reader, Writer};
use crate::{Protocols, Quota};
use std::fmt;
use words_mail::{AccountId, Address, DeliverTo, Domain};

/// The version of records that have had no other.
const VERSION: u8 = 1;
/// The version of [`AccountRecord`].
const ACCOUNT_VERSION: u8 = 2;

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
    /// By which protocols it comes with device passwords alone, not with its main one.
    pub(crate) devices_only: Protocols,
    /// Who says whether its main password is right, if not we.
    pub(crate) origin: Option<Origin>,
    /// Where its mail is filed, if not in its mailboxes.
    pub(crate) deliver_to: Option<DeliverTo>,
}

impl Record for AccountRecord {
    const WHAT: &'static str = "account";

    fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new(ACCOUNT_VERSION);
        out.text(&self.address);
        write_addresses(&mut out, &self.addresses);
        out.maybe64(self.quota.bytes).maybe64(self.quota.messages).maybe64(self.size_max);
        out.octet(u8::from(self.disabled)).octet(self.devices_only.octet());
        let origin = self.origin.as_ref().map(Origin::to_string);
        out.text(&origin.unwrap_or_default());
        let deliver_to = self.deliver_to.as_ref().map(DeliverTo::to_string);
        out.text(&deliver_to.unwrap_or_default()).done()
    }

    fn decode(octets: &[u8]) -> Option<AccountRecord> {
        let (version, mut from) = Reader::open(octets)?;
        let mut record = AccountRecord {
            address: Address::parse(from.text()?).ok()?,
            addresses: read_addresses(&mut from)?,
            quota: Quota { bytes: from.maybe64()?, messages: from.maybe64()? },
            size_max: from.maybe64()?,
            disabled: from.truth()?,
            devices_only: Protocols::NONE,
            origin: None,
            deliver_to: None,
        };
        match version {
            // It ends here.
            1 => {}
            ACCOUNT_VERSION => {
                record.devices_only = Protocols::from_octet(from.octet()?);
                record.origin = match from.text()? {
                    "" => None,
                    text => Some(Origin::parse(text)?),
                };
                let deliver_to = Some(from.text()?).filter(|text| !text.is_empty());
                record.deliver_to = deliver_to.map(DeliverTo::parse).transpose().ok()?;
            }
            _ => return None,
        }
        from.done(record)
    }
}

/// Longest name by which an authority knows somebody, in octets.
const USER_MAX: usize = 255;

/// Where an account comes from, if not from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The name of the authority that verifies its main password.
    pub(crate) authority: String,
    /// By which that one knows who it is.
    pub(crate) user: String,
}

impl Origin {
    /// `None`: it could not be written.
    pub(crate) fn new(authority: &str, user: &str) -> Option<Origin> {
        let good = |text: &str| {
            !text.is_empty() && text.len() <= USER_MAX && !text.contains(char::is_control)
        };
        let is_good = good(authority) && good(user) && !authority.contains(':');
        is_good.then(|| Origin { authority: authority.to_string(), user: user.to_string() })
    }

    /// As it prints: `ldap:ana`.
    pub(crate) fn parse(text: &str) -> Option<Origin> {
        let (authority, user) = text.split_once(':')?;
        Origin::new(authority, user)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.authority, self.user)
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
    use crate::{Protocol, ScramPair};
    use words_base::Timestamp;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    /// Reads back what it writes; no shorter or longer octets are taken for it.
    fn check<T: Record + PartialEq>(record: &T) {
        let octets = record.encode();
        assert!(T::decode(&octets).as_ref() == Some(record), "{}", T::WHAT);
        for len in 0..octets.len() {
            assert!(T::decode(&octets[..len]).is_none(), "{} cut to {len}", T::WHAT);
        }
        assert!(T::decode(&[&octets[..], b"x"].concat()).is_none(), "{} and more", T::WHAT);
        let later = [&[octets[0] + 1], &octets[1..]].concat();
        assert!(T::decode(&later).is_none());
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
            devices_only: Protocols::from(Protocol::Smtp),
            origin: Origin::parse("ldap:ana"),
            deliver_to: DeliverTo::parse("maildir:/home/{user}/Maildir").ok(),
        });
        let scram = ScramPair { stored_key: [1; 32], server_key: [2; 32] };
        let credentials = CredentialsRecord {
            generation: 7,
            devices_made: 3,
            hash: Some("$argon2id$".to_string()),
            salt: vec![5; 16],
            iterations: 10_000,
            scram: Some(scram.clone()),
        };
        check(&credentials);
        check(&CredentialsRecord { hash: None, scram: None, ..credentials });
        let device = DeviceRecord {
            name: "el móvil".to_string(),
            protocols: Protocols::ANY,
            created_at: Timestamp::from_seconds(1_795_514_400),
            expires_at: Some(Timestamp::from_millis(-1)),
            digest: [3; 32],
            scram,
        };
        check(&device);
        check(&DeviceRecord { expires_at: None, ..device });
        check(&UseRecord {
            at: Timestamp::from_millis(1),
            protocol: Protocol::Pop3,
            address: "[2001:db8::1]:993".to_string(),
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
        assert_eq!((record.disabled, record.devices_only), (false, Protocols::NONE));
        assert_eq!(record.deliver_to, None);
        assert!(AccountRecord::decode(&record.encode()) == Some(record));

        let octets = [
            b"\x01\x00\x05$argo\x00\x02\xff\xfe\x00\x00\x27\x10\x00\x20",
            &[1; 32][..],
            b"\x00\x20",
            &[2; 32],
        ];
        let record = CredentialsRecord::decode(&octets.concat()).unwrap();
        assert_eq!(record.hash.as_deref(), Some("$argo"));
        assert_eq!((record.generation, record.devices_made), (0, 0));
        assert_eq!((&record.salt[..], record.iterations), (&[0xff, 0xfe][..], 10_000));
        assert!(record.scram == Some(ScramPair { stored_key: [1; 32], server_key: [2; 32] }));
        assert!(CredentialsRecord::decode(&record.encode()) == Some(record));
    }
}
