//! The arguments of MAIL and RCPT.

use crate::Address;
use std::fmt;

/// The argument of MAIL FROM; `None` is the null reverse-path `<>` (RFC 5321 §4.1.1.2, §4.5.5).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct ReversePath(pub Option<Address>);

impl ReversePath {
    /// Is it `<>`, as reports have it?
    pub fn is_null(&self) -> bool {
        self.0.is_none()
    }
}

impl fmt::Display for ReversePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(address) => write!(f, "<{address}>"),
            None => f.write_str("<>"),
        }
    }
}

/// The argument of RCPT TO (RFC 5321 §4.1.1.3).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ForwardPath {
    /// `<Postmaster>` without a domain, in any case.
    Postmaster,
    /// `<local-part@domain>`
    Address(Address),
}

impl fmt::Display for ForwardPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ForwardPath::Postmaster => f.write_str("<Postmaster>"),
            ForwardPath::Address(address) => write!(f, "<{address}>"),
        }
    }
}
