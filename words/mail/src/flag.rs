//! Flags and keywords of messages.

use std::fmt;
use std::sync::Arc;

/// Longest keyword, in octets.
const KEYWORD_MAX: usize = 100;

/// A flag that begins with a backslash (RFC 9051 §2.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SystemFlag {
    /// `\Seen`
    Seen = 1,
    /// `\Answered`
    Answered = 2,
    /// `\Flagged`
    Flagged = 4,
    /// `\Deleted`
    Deleted = 8,
    /// `\Draft`
    Draft = 16,
}

impl SystemFlag {
    /// Every system flag that a client may set.
    pub const ALL: [SystemFlag; 5] = [
        SystemFlag::Answered,
        SystemFlag::Flagged,
        SystemFlag::Deleted,
        SystemFlag::Seen,
        SystemFlag::Draft,
    ];

    /// As it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            SystemFlag::Seen => "\\Seen",
            SystemFlag::Answered => "\\Answered",
            SystemFlag::Flagged => "\\Flagged",
            SystemFlag::Deleted => "\\Deleted",
            SystemFlag::Draft => "\\Draft",
        }
    }

    /// Reads one, in any case.
    pub fn parse(text: &str) -> Option<SystemFlag> {
        SystemFlag::ALL.into_iter().find(|f| f.as_str().eq_ignore_ascii_case(text))
    }
}

/// A word that a client sets on a message, like `$Junk`; compared without regard to ASCII case.
#[derive(Clone, Debug)]
pub struct Keyword(Arc<str>);

impl Keyword {
    /// Reads an atom; `None` if it cannot be a keyword.
    pub fn parse(text: &str) -> Option<Keyword> {
        let good = |b: u8| b.is_ascii_graphic() && !b"(){%*\"\\]".contains(&b);
        let fits = !text.is_empty() && text.len() <= KEYWORD_MAX;
        (fits && text.bytes().all(good)).then(|| Keyword(text.into()))
    }

    /// As the client first wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Keyword {
    fn eq(&self, other: &Keyword) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Keyword {}

/// The flags of one message. At most [`Flags::KEYWORDS_MAX`] keywords, each once.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    system: u8,
    keywords: Vec<Keyword>,
}

impl Flags {
    /// Most keywords on one message; more are dropped.
    pub const KEYWORDS_MAX: usize = 50;

    /// None set.
    pub const fn new() -> Flags {
        Flags { system: 0, keywords: Vec::new() }
    }

    /// From the bits of [`Flags::system_bits`] and keywords, as a stored record holds them.
    pub fn from_parts(system: u8, keywords: Vec<Keyword>) -> Flags {
        let mut flags = Flags { system: system & 31, keywords: Vec::new() };
        keywords.into_iter().for_each(|k| flags.insert_keyword(k));
        flags
    }

    /// The system flags as a sum of [`SystemFlag`] values.
    pub fn system_bits(&self) -> u8 {
        self.system
    }

    /// The keywords, in the order in which they were set.
    pub fn keywords(&self) -> &[Keyword] {
        &self.keywords
    }

    /// Is `flag` set?
    pub fn contains(&self, flag: SystemFlag) -> bool {
        self.system & flag as u8 != 0
    }

    /// Is `keyword` set?
    pub fn contains_keyword(&self, keyword: &Keyword) -> bool {
        self.keywords.contains(keyword)
    }

    /// Sets `flag`.
    pub fn insert(&mut self, flag: SystemFlag) {
        self.system |= flag as u8;
    }

    /// Sets `keyword`.
    pub fn insert_keyword(&mut self, keyword: Keyword) {
        if !self.keywords.contains(&keyword) && self.keywords.len() < Flags::KEYWORDS_MAX {
            self.keywords.push(keyword);
        }
    }

    /// Sets all that `other` has.
    pub fn add(&mut self, other: &Flags) {
        self.system |= other.system;
        other.keywords.iter().for_each(|k| self.insert_keyword(k.clone()));
    }

    /// Unsets all that `other` has.
    pub fn remove(&mut self, other: &Flags) {
        self.system &= !other.system;
        self.keywords.retain(|k| !other.keywords.contains(k));
    }

    /// Is nothing set?
    pub fn is_empty(&self) -> bool {
        self.system == 0 && self.keywords.is_empty()
    }
}

/// The same set; the order of keywords does not count.
impl PartialEq for Flags {
    fn eq(&self, other: &Flags) -> bool {
        self.system == other.system
            && self.keywords.len() == other.keywords.len()
            && self.keywords.iter().all(|k| other.keywords.contains(k))
    }
}

impl Eq for Flags {}

/// Without the brackets: `\Seen $Junk`.
impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let system = SystemFlag::ALL.into_iter().filter(|s| self.contains(*s)).map(|s| s.as_str());
        for (i, name) in system.chain(self.keywords.iter().map(Keyword::as_str)).enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            f.write_str(name)?;
        }
        Ok(())
    }
}
