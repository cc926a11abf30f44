//! Mailbox names in commands.

use super::{Cursor, ParseError};
use crate::print::{Utf8, is_atom_char};
use crate::tagged::{Code, Tagged};
use words_base::SyntaxError;
use words_mail::MailboxName;
use words_mail::modified_utf7;

impl Cursor<'_> {
    /// `mailbox = "INBOX" / astring`. A name that is readable but impossible is refused with
    /// `[CANNOT]`, since it is no mistake of grammar.
    pub fn mailbox(&mut self) -> Result<MailboxName, ParseError> {
        let start = self.at();
        let name = self.astring("a mailbox name")?.into_owned();
        let name = self.decoded(name, start)?;
        MailboxName::parse(&name).map_err(|error| {
            let text = format!("Mailbox name not possible: expected {}", error.expected);
            ParseError::Refused(Tagged::no(Code::Word("CANNOT"), text))
        })
    }

    /// `list-mailbox = 1*list-char / string`, where `list-char` may be a wildcard. May be empty.
    pub fn list_mailbox(&mut self) -> Result<String, SyntaxError> {
        let start = self.at();
        let pattern = match self.is_at_string() {
            true => self.string("a mailbox pattern")?.into_owned(),
            false => match self.take_while(is_list_char) {
                [] => return self.expected("a mailbox pattern"),
                pattern => pattern.to_vec(),
            },
        };
        self.decoded(pattern, start)
    }

    /// A reference: a mailbox name that may be empty.
    pub fn reference(&mut self) -> Result<String, SyntaxError> {
        let start = self.at();
        let name = self.astring("a reference name")?.into_owned();
        self.decoded(name, start)
    }

    /// Names are modified UTF-7, and UTF-8 alone once that was enabled: Thunderbird then writes
    /// `&` as it is. Without it, a name that is no modified UTF-7 is taken as it stands.
    fn decoded(&self, name: Vec<u8>, start: usize) -> Result<String, SyntaxError> {
        let name = String::from_utf8(name)
            .or(Err(SyntaxError::new(start, "a mailbox name in modified UTF-7 or UTF-8")))?;
        Ok(match self.utf8 {
            Utf8::Accepted => name,
            Utf8::Off => modified_utf7::decode(&name).unwrap_or(name),
        })
    }
}

/// `list-char = ATOM-CHAR / list-wildcards / resp-specials`
fn is_list_char(octet: u8) -> bool {
    is_atom_char(octet) || matches!(octet, b'%' | b'*' | b']') || octet >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailbox(text: &str, utf8: Utf8) -> Option<String> {
        Cursor::new(text.as_bytes(), utf8).mailbox().ok().map(|n| n.to_string())
    }

    #[test]
    fn the_encoding_depends_on_what_was_enabled() {
        for (text, off, accepted) in [
            ("inbox", "INBOX", "INBOX"),
            ("R&-D", "R&D", "R&-D"),
            ("\"R&D\"", "R&D", "R&D"),
            ("&APE-", "ñ", "&APE-"),
            ("\"Work/\"", "Work", "Work"),
            ("ñ", "ñ", "ñ"),
        ] {
            assert_eq!(mailbox(text, Utf8::Off).as_deref(), Some(off), "{text}");
            assert_eq!(mailbox(text, Utf8::Accepted).as_deref(), Some(accepted), "{text}");
        }
    }

    #[test]
    fn an_impossible_name_is_refused_and_a_missing_one_is_a_mistake() {
        let parse = |text: &'static str| Cursor::new(text.as_bytes(), Utf8::Off).mailbox();
        assert!(matches!(parse("a//b"), Err(ParseError::Refused(_))));
        assert!(matches!(parse("\"\""), Err(ParseError::Refused(_))));
        assert!(matches!(parse(""), Err(ParseError::Syntax(_))));
    }

    #[test]
    fn patterns_hold_wildcards() {
        for (text, want) in
            [("*", "*"), ("\"%/x\"", "%/x"), ("R&-D*", "R&D*"), ("~/%", "~/%"), ("\"\"", "")]
        {
            let read = Cursor::new(text.as_bytes(), Utf8::Off).list_mailbox();
            assert_eq!(read.as_deref(), Ok(want), "{text}");
        }
    }
}
