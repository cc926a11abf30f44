//! Special-use attributes of mailboxes.

use std::fmt;

/// What a mailbox is for (RFC 6154 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum SpecialUse {
    /// `\Archive`
    Archive = 1,
    /// `\Drafts`
    Drafts = 2,
    /// `\Junk`
    Junk = 3,
    /// `\Sent`
    Sent = 4,
    /// `\Trash`
    Trash = 5,
}

impl SpecialUse {
    /// Every one that a mailbox here may have.
    pub const ALL: [SpecialUse; 5] = [
        SpecialUse::Archive,
        SpecialUse::Drafts,
        SpecialUse::Junk,
        SpecialUse::Sent,
        SpecialUse::Trash,
    ];

    /// The attribute as it stands on the wire.
    pub const fn attribute(self) -> &'static str {
        match self {
            SpecialUse::Archive => "\\Archive",
            SpecialUse::Drafts => "\\Drafts",
            SpecialUse::Junk => "\\Junk",
            SpecialUse::Sent => "\\Sent",
            SpecialUse::Trash => "\\Trash",
        }
    }

    /// Reads an attribute, in any case.
    pub fn parse(attribute: &str) -> Option<SpecialUse> {
        SpecialUse::ALL.into_iter().find(|u| u.attribute().eq_ignore_ascii_case(attribute))
    }

    /// The one whose number in stored records is `number`.
    pub fn from_number(number: u8) -> Option<SpecialUse> {
        SpecialUse::ALL.into_iter().find(|u| *u as u8 == number)
    }
}

impl fmt::Display for SpecialUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.attribute())
    }
}
