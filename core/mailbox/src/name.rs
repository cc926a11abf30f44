//! Records of mailboxes and their names.

use crate::Mailbox;
use crate::octets::Reader;
use words_mail::{MailboxId, MailboxName, SpecialUse, UidValidity};

/// The layout that is written now, of each record here.
const VERSION: u8 = 1;

/// What a name stands for: a mailbox, or a subscription without one, or both.
///
/// ```text
/// version 1 | mailbox 4, 0 for none | uid validity 4 | special use 1, 0 for none | subscribed 1
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    /// Which mailbox has the name.
    pub mailbox: Option<MailboxId>,
    /// Of its UIDs.
    pub uid_validity: UidValidity,
    /// What it is for.
    pub special_use: Option<SpecialUse>,
    /// Is the name subscribed?
    pub subscribed: bool,
}

impl Name {
    /// A name that is subscribed and that no mailbox has.
    pub fn subscription() -> Name {
        Name { mailbox: None, uid_validity: UidValidity(0), special_use: None, subscribed: true }
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut octets = vec![VERSION];
        octets.extend_from_slice(&self.mailbox.unwrap_or_default().0.to_be_bytes());
        octets.extend_from_slice(&self.uid_validity.0.to_be_bytes());
        octets.push(self.special_use.map_or(0, |u| u as u8));
        octets.push(self.subscribed.into());
        octets
    }

    pub fn decode(record: &[u8]) -> Option<Name> {
        let mut reader = Reader(record);
        if reader.u8()? != VERSION {
            return None;
        }
        let mailbox = MailboxId(reader.u32()?);
        Some(Name {
            mailbox: (mailbox.0 != 0).then_some(mailbox),
            uid_validity: UidValidity(reader.u32()?),
            special_use: SpecialUse::from_number(reader.u8()?),
            subscribed: reader.u8()? != 0,
        })
    }

    /// The mailbox of that name, as lists show it.
    pub fn to_mailbox(&self, name: &MailboxName) -> Option<Mailbox> {
        Some(Mailbox {
            id: self.mailbox?,
            name: name.clone(),
            special_use: self.special_use,
            subscribed: self.subscribed,
            uid_validity: self.uid_validity,
        })
    }
}

/// A mailbox by its number. That it is there is what an append relies on.
///
/// ```text
/// version 1 | uid validity 4 | name
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Numbered {
    pub uid_validity: UidValidity,
    pub name: MailboxName,
}

impl Numbered {
    pub fn encode(&self) -> Vec<u8> {
        let mut octets = vec![VERSION];
        octets.extend_from_slice(&self.uid_validity.0.to_be_bytes());
        octets.extend_from_slice(self.name.as_str().as_bytes());
        octets
    }

    pub fn decode(record: &[u8]) -> Option<Numbered> {
        let mut reader = Reader(record);
        if reader.u8()? != VERSION {
            return None;
        }
        let uid_validity = UidValidity(reader.u32()?);
        let name = MailboxName::parse(std::str::from_utf8(reader.0).ok()?).ok()?;
        Some(Numbered { uid_validity, name })
    }
}

/// A removed mailbox whose messages are still to be cleared away.
///
/// ```text
/// version 2 | name, empty: nobody will want its messages back
/// ```
///
/// Version 1 has no name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Doomed {
    pub name: Option<MailboxName>,
}

impl Doomed {
    pub fn encode(&self) -> Vec<u8> {
        let name = self.name.as_ref().map_or("", MailboxName::as_str);
        [&[2], name.as_bytes()].concat()
    }

    pub fn decode(record: &[u8]) -> Option<Doomed> {
        let mut reader = Reader(record);
        let name = match (reader.u8()?, reader.0) {
            (1, _) | (2, []) => None,
            (2, name) => Some(MailboxName::parse(std::str::from_utf8(name).ok()?).ok()?),
            _ => return None,
        };
        Some(Doomed { name })
    }
}

/// The account's tree record: every change of names replaces it, so two such changes never mix.
///
/// ```text
/// version 1 | last mailbox 4 | last uid validity 4 | changes so far 8
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TreeRecord {
    /// The last number given to a mailbox.
    pub last_mailbox: u32,
    /// The last validity given; the next is greater, so a name made again never repeats one.
    pub last_uid_validity: u32,
    /// How often names have changed.
    pub changes: u64,
}

impl TreeRecord {
    pub fn encode(&self) -> Vec<u8> {
        let mut octets = vec![VERSION];
        octets.extend_from_slice(&self.last_mailbox.to_be_bytes());
        octets.extend_from_slice(&self.last_uid_validity.to_be_bytes());
        octets.extend_from_slice(&self.changes.to_be_bytes());
        octets
    }

    pub fn decode(record: &[u8]) -> Option<TreeRecord> {
        let mut reader = Reader(record);
        if reader.u8()? != VERSION {
            return None;
        }
        let (last_mailbox, last_uid_validity) = (reader.u32()?, reader.u32()?);
        Some(TreeRecord { last_mailbox, last_uid_validity, changes: reader.u64()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let named = Name {
            mailbox: Some(MailboxId(8)),
            uid_validity: UidValidity(9),
            special_use: Some(SpecialUse::Trash),
            subscribed: false,
        };
        for name in [named, Name::subscription()] {
            assert_eq!(Name::decode(&name.encode()), Some(name));
        }
        let name = MailboxName::parse("Correo/Año").unwrap();
        let numbered = Numbered { uid_validity: UidValidity(3), name };
        assert_eq!(Numbered::decode(&numbered.encode()), Some(numbered));
        for name in [None, MailboxName::parse("Correo/Año").ok()] {
            let doomed = Doomed { name };
            assert_eq!(Doomed::decode(&doomed.encode()), Some(doomed));
        }
        let tree = TreeRecord { last_mailbox: 1, last_uid_validity: 2, changes: 3 };
        assert_eq!(TreeRecord::decode(&tree.encode()), Some(tree));
    }

    #[test]
    fn records_of_the_first_version_are_read() {
        let name = Name::decode(&[1, 0, 0, 0, 2, 0, 0, 0, 3, 5, 1]).unwrap();
        assert_eq!((name.mailbox, name.special_use), (Some(MailboxId(2)), Some(SpecialUse::Trash)));
        let numbered = Numbered::decode(b"\x01\0\0\0\x03INBOX").unwrap();
        assert!(numbered.name.is_inbox());
        assert_eq!(Doomed::decode(&[1]), Some(Doomed { name: None }));
        assert_eq!(Doomed::decode(&[3]), None);
        assert_eq!(Name::decode(&[2, 0, 0, 0, 2, 0, 0, 0, 3, 5, 1]), None);
    }
}
