//! What an evaluation asks of the DNS, and what it was told.
//!
//! An evaluation is a function of what is [`Known`]. It is run again with every answer and stops at the
//! first question that has none: there are few, and running is cheap beside asking.

use std::collections::HashMap;
use std::net::IpAddr;

/// A question.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lookup {
    /// A DNS name in lower case, without the final dot. May be no name at all: strangers write it.
    pub name: String,
    /// What is asked of it.
    pub kind: LookupKind,
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LookupKind {
    /// Addresses of IPv4.
    A,
    /// Addresses of IPv6.
    Aaaa,
    /// Mail exchangers.
    Mx,
    /// Texts.
    Txt,
    /// Names of this address; [`Lookup::name`] is empty.
    Ptr(IpAddr),
}

impl Lookup {
    /// Asks for `kind` of `name`.
    pub fn new(name: &str, kind: LookupKind) -> Lookup {
        Lookup { name: name.trim_end_matches('.').to_ascii_lowercase(), kind }
    }
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// For A and AAAA.
    Addresses(Vec<IpAddr>),
    /// For MX, the preferred ones first, and for PTR.
    Names(Vec<String>),
    /// For TXT, the strings of each record put together.
    Texts(Vec<Vec<u8>>),
    /// There is no such name, or nothing of that kind.
    Nothing,
    /// It cannot be told now, for this reason.
    Temporary(String),
}

/// The answers so far.
#[derive(Clone, Debug, Default)]
pub struct Known {
    answers: HashMap<Lookup, Found>,
}

/// This must be known first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs(pub Lookup);

impl Known {
    /// Takes an answer.
    pub fn learn(&mut self, lookup: Lookup, found: Found) {
        self.answers.insert(lookup, found);
    }

    /// How many answers there are.
    pub fn count(&self) -> usize {
        self.answers.len()
    }

    /// The answer to `lookup`.
    pub(crate) fn ask(&self, lookup: Lookup) -> Result<&Found, Needs> {
        match self.answers.get(&lookup) {
            Some(found) => Ok(found),
            None => Err(Needs(lookup)),
        }
    }
}
