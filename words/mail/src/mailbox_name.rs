//! Names of mailboxes.

use std::fmt;
use words_base::SyntaxError;

/// Longest name, in octets of UTF-8.
const NAME_MAX: usize = 1000;
/// Deepest hierarchy, in levels.
const LEVELS_MAX: usize = 32;

/// A mailbox's name in UTF-8, levels divided by `/`; `INBOX` is always so spelled (RFC 9051 §5.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MailboxName(String);

impl MailboxName {
    /// Between two levels of a name.
    pub const SEPARATOR: char = '/';

    /// The mailbox that every account has.
    pub fn inbox() -> MailboxName {
        MailboxName("INBOX".to_string())
    }

    /// Reads a name in UTF-8. One final separator is dropped, as clients write it; `inbox` in any
    /// case becomes `INBOX`, also as the first level.
    ///
    /// ```
    /// # use words_mail::MailboxName;
    /// assert_eq!(MailboxName::parse("inbox/Work/").unwrap().as_str(), "INBOX/Work");
    /// assert!(MailboxName::parse("a//b").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<MailboxName, SyntaxError> {
        let name = text.strip_suffix(MailboxName::SEPARATOR).unwrap_or(text);
        if name.is_empty() || name.len() > NAME_MAX {
            return Err(SyntaxError::new(0, "a name of 1 to 1000 octets"));
        }
        if name.split(MailboxName::SEPARATOR).count() > LEVELS_MAX {
            return Err(SyntaxError::new(0, "at most 32 levels"));
        }
        if name.split(MailboxName::SEPARATOR).any(str::is_empty) {
            return Err(SyntaxError::new(0, "a name on every level"));
        }
        if name.chars().any(|c| c.is_control() || c == '\u{2028}' || c == '\u{2029}') {
            return Err(SyntaxError::new(0, "no control characters"));
        }
        let (first, rest) = name.split_at(name.find(MailboxName::SEPARATOR).unwrap_or(name.len()));
        if first.eq_ignore_ascii_case("INBOX") {
            return Ok(MailboxName(format!("INBOX{rest}")));
        }
        Ok(MailboxName(name.to_string()))
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Is it `INBOX` itself?
    pub fn is_inbox(&self) -> bool {
        self.0 == "INBOX"
    }

    /// The name one level up, if there is one.
    pub fn parent(&self) -> Option<MailboxName> {
        self.0
            .rsplit_once(MailboxName::SEPARATOR)
            .map(|(parent, _)| MailboxName(parent.to_string()))
    }

    /// Is this below `other` in the hierarchy?
    pub fn is_below(&self, other: &MailboxName) -> bool {
        self.0.strip_prefix(&other.0).is_some_and(|rest| rest.starts_with(MailboxName::SEPARATOR))
    }
}

impl fmt::Display for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
