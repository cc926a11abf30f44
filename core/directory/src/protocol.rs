//! By which protocols somebody may come.

use std::fmt;
use std::str::FromStr;

/// A protocol that people log in to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// IMAP (RFC 9051).
    Imap,
    /// POP3 (RFC 1939).
    Pop3,
    /// Submission (RFC 6409).
    Smtp,
}

impl Protocol {
    /// Every one.
    pub const ALL: [Protocol; 3] = [Protocol::Imap, Protocol::Pop3, Protocol::Smtp];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Imap => "imap",
            Protocol::Pop3 => "pop3",
            Protocol::Smtp => "smtp",
        }
    }

    /// In records.
    fn bit(self) -> u8 {
        match self {
            Protocol::Imap => 1,
            Protocol::Pop3 => 2,
            Protocol::Smtp => 4,
        }
    }

    /// In records.
    pub(crate) fn of_bit(bit: u8) -> Option<Protocol> {
        Protocol::ALL.into_iter().find(|protocol| protocol.bit() == bit)
    }
}

/// Several protocols. It prints, and is read, as `imap,smtp`, `any` or `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protocols(u8);

impl Protocols {
    /// Every one, those included that are yet to come.
    pub const ANY: Protocols = Protocols(u8::MAX);
    /// Not one.
    pub const NONE: Protocols = Protocols(0);

    /// Is this one among them?
    pub fn contains(self, protocol: Protocol) -> bool {
        self.0 & protocol.bit() != 0
    }

    /// Is it not one?
    pub fn is_none(self) -> bool {
        self == Protocols::NONE
    }

    /// As records have them.
    pub(crate) fn octet(self) -> u8 {
        self.0
    }

    /// As records have them.
    pub(crate) fn from_octet(octet: u8) -> Protocols {
        Protocols(octet)
    }
}

impl From<Protocol> for Protocols {
    fn from(protocol: Protocol) -> Protocols {
        Protocols(protocol.bit())
    }
}

impl FromIterator<Protocol> for Protocols {
    fn from_iter<T: IntoIterator<Item = Protocol>>(protocols: T) -> Protocols {
        Protocols(protocols.into_iter().fold(0, |bits, protocol| bits | protocol.bit()))
    }
}

impl fmt::Display for Protocols {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Protocols::ANY {
            return f.write_str("any");
        }
        let mut names = Protocol::ALL.into_iter().filter(|p| self.contains(*p)).map(Protocol::name);
        f.write_str(names.next().unwrap_or("none"))?;
        names.try_for_each(|name| write!(f, ",{name}"))
    }
}

impl FromStr for Protocols {
    type Err = String;

    fn from_str(text: &str) -> Result<Protocols, String> {
        match text {
            "any" => return Ok(Protocols::ANY),
            "none" => return Ok(Protocols::NONE),
            _ => {}
        }
        let protocols = text.split(',').map(|name| {
            let found = Protocol::ALL.into_iter().find(|p| p.name().eq_ignore_ascii_case(name));
            found.ok_or_else(|| format!("expected any, or some of imap,pop3,smtp; got {name:?}"))
        });
        protocols.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_protocols_read_as_they_print() {
        for text in ["any", "none", "imap", "imap,smtp", "imap,pop3,smtp"] {
            assert_eq!(text.parse::<Protocols>().unwrap().to_string(), text);
        }
        assert_eq!("SMTP,imap".parse::<Protocols>().unwrap().to_string(), "imap,smtp");
        for text in ["", "imap,", "imap smtp", "any,imap", "nntp"] {
            assert!(text.parse::<Protocols>().is_err(), "{text}");
        }
        let all: Protocols = Protocol::ALL.into_iter().collect();
        assert!(Protocol::ALL.into_iter().all(|p| all.contains(p) && Protocols::ANY.contains(p)));
        assert!(!Protocols::from(Protocol::Imap).contains(Protocol::Smtp));
    }
}
