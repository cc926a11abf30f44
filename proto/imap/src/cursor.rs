//! Reads a command from left to right: the grammar of RFC 3501 §9, with what is forgiven.
//!
//! The octets are a whole command as it came: lines with the literals that they announce, so that
//! the place of a mistake is an octet that the client can count.

mod date;
mod flag;
mod mailbox;
mod set;

pub(crate) use set::Kind;

use crate::input::Literal;
use crate::print::{Utf8, is_atom_char};
use crate::tagged::Tagged;
use std::borrow::Cow;
use words_base::SyntaxError;

/// Why a command is not begun.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ParseError {
    /// BAD: it cannot be read.
    Syntax(SyntaxError),
    /// It can be read, and will not be done.
    Refused(Tagged),
}

impl From<SyntaxError> for ParseError {
    fn from(error: SyntaxError) -> ParseError {
        ParseError::Syntax(error)
    }
}

/// A place in a command.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    octets: &'a [u8],
    at: usize,
    /// How mailbox names are written.
    pub utf8: Utf8,
}

impl<'a> Cursor<'a> {
    /// At the beginning of a command.
    pub fn new(octets: &'a [u8], utf8: Utf8) -> Cursor<'a> {
        Cursor { octets, at: 0, utf8 }
    }

    /// A mistake at this place.
    pub fn expected<T>(&self, expected: &'static str) -> Result<T, SyntaxError> {
        Err(SyntaxError::new(self.at, expected))
    }

    /// The next octet.
    pub fn peek(&self) -> Option<u8> {
        self.octets.get(self.at).copied()
    }

    /// Octets read so far.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Everything not yet read.
    pub fn rest(&self) -> &'a [u8] {
        self.octets.get(self.at..).unwrap_or_default()
    }

    /// Moves on by `count` octets, at most to the end.
    pub fn advance(&mut self, count: usize) {
        self.at = self.at.saturating_add(count).min(self.octets.len());
    }

    /// Reads `octet` if it is next.
    pub fn take(&mut self, octet: u8) -> bool {
        let is_next = self.peek() == Some(octet);
        self.at += usize::from(is_next);
        is_next
    }

    /// Reads `octet`, or says that `what` was expected.
    pub fn expect(&mut self, octet: u8, what: &'static str) -> Result<(), SyntaxError> {
        if self.take(octet) { Ok(()) } else { self.expected(what) }
    }

    /// Reads `SP`; several are forgiven.
    pub fn space(&mut self) -> Result<(), SyntaxError> {
        let what = if self.rest().is_empty() { "an argument" } else { "a space" };
        self.expect(b' ', what)?;
        while self.take(b' ') {}
        Ok(())
    }

    /// The command must end here; spaces are forgiven.
    pub fn end(&mut self) -> Result<(), SyntaxError> {
        while self.take(b' ') {}
        if self.at < self.octets.len() { self.expected("the end of the command") } else { Ok(()) }
    }

    /// Is there nothing more but spaces?
    pub fn is_at_end(&self) -> bool {
        self.rest().iter().all(|b| *b == b' ')
    }

    /// Every next octet for which `wanted` holds.
    pub fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let len = rest.iter().position(|b| !wanted(*b)).unwrap_or(rest.len());
        self.at += len;
        &rest[..len]
    }

    /// `atom = 1*ATOM-CHAR`, or says that `what` was expected.
    pub fn atom(&mut self, what: &'static str) -> Result<&'a [u8], SyntaxError> {
        match self.take_while(is_atom_char) {
            [] => self.expected(what),
            atom => Ok(atom),
        }
    }

    /// Reads `word` in any case, if it is next and whole.
    pub fn word(&mut self, word: &str) -> bool {
        let start = self.at;
        if self.take_while(is_atom_char).eq_ignore_ascii_case(word.as_bytes()) {
            return true;
        }
        self.at = start;
        false
    }

    /// `astring = 1*ASTRING-CHAR / string`. Octets over 127 are forgiven everywhere: people type
    /// them, and after ENABLE UTF8=ACCEPT they are right.
    pub fn astring(&mut self, what: &'static str) -> Result<Cow<'a, [u8]>, SyntaxError> {
        if self.is_at_string() {
            return self.string(what);
        }
        match self.take_while(is_astring_char) {
            [] => self.expected(what),
            atom => Ok(Cow::Borrowed(atom)),
        }
    }

    /// Is a quoted string or a literal next? `~` begins a literal8 (RFC 3516 §4.4) or an atom.
    pub fn is_at_string(&self) -> bool {
        matches!(self.rest(), [b'"' | b'{', ..] | [b'~', b'{', ..])
    }

    /// An astring that is UTF-8.
    pub fn text(&mut self, what: &'static str) -> Result<String, SyntaxError> {
        let start = self.at;
        let octets = self.astring(what)?.into_owned();
        String::from_utf8(octets).or(Err(SyntaxError::new(start, "UTF-8")))
    }

    /// `string = quoted / literal`
    pub fn string(&mut self, what: &'static str) -> Result<Cow<'a, [u8]>, SyntaxError> {
        match self.peek() {
            Some(b'"') => self.quoted(),
            _ if self.is_at_string() => self.literal().map(Cow::Borrowed),
            _ => self.expected(what),
        }
    }

    /// `nstring = string / nil`
    pub fn nstring(&mut self, what: &'static str) -> Result<Option<Cow<'a, [u8]>>, SyntaxError> {
        if self.word("NIL") { Ok(None) } else { self.string(what).map(Some) }
    }

    fn quoted(&mut self) -> Result<Cow<'a, [u8]>, SyntaxError> {
        self.at += 1;
        let plain = self.take_while(|b| b != b'"' && b != b'\\' && b != b'\r' && b != b'\n');
        if self.take(b'"') {
            return Ok(Cow::Borrowed(plain));
        }
        let mut text = plain.to_vec();
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Cow::Owned(text));
                }
                Some(b'\r' | b'\n') | None => return self.expected("a closing quote"),
                // `quoted-specials` are the quote and the backslash; a backslash before anything
                // else is taken as itself, since people type Windows names.
                Some(b'\\') => {
                    self.at += 1;
                    if !matches!(self.peek(), Some(b'"' | b'\\')) {
                        text.push(b'\\');
                        continue;
                    }
                    text.extend(self.peek());
                }
                Some(octet) => text.push(octet),
            }
            self.at += 1;
        }
    }

    /// `literal = "{" number ["+"] "}" CRLF *CHAR8`, whose octets stand in the command.
    fn literal(&mut self) -> Result<&'a [u8], SyntaxError> {
        let rest = self.rest();
        let line_len = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
        let line = &rest[..line_len];
        let Some(literal) = Literal::at_end_of(line.strip_suffix(b"\r").unwrap_or(line)) else {
            return self.expected("a literal");
        };
        let start = line_len + 1;
        let octets =
            usize::try_from(literal.len).ok().and_then(|len| rest.get(start..)?.get(..len));
        match octets {
            // The announcement must be all that is left of the line.
            Some(octets) if literal.starts_at == 0 => {
                self.at += start + octets.len();
                Ok(octets)
            }
            _ => self.expected("a literal"),
        }
    }

    /// `number`; one that is too large is held at the greatest.
    pub fn number(&mut self) -> Result<u64, SyntaxError> {
        match self.take_while(|b| b.is_ascii_digit()) {
            [] => self.expected("a number"),
            digits => Ok(clipped(digits)),
        }
    }

    /// A number of 32 bits; one that is too large is held at the greatest.
    pub fn number32(&mut self) -> Result<u32, SyntaxError> {
        Ok(self.number()?.min(u64::from(u32::MAX)) as u32)
    }

    /// `"(" item *(SP item) ")"`; no item at all is forgiven.
    pub fn list<E: From<SyntaxError>>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.expect(b'(', "\"(\"")?;
        while self.take(b' ') {}
        while !self.take(b')') {
            let start = self.at;
            item(self)?;
            if !self.take(b' ') && self.peek() != Some(b')') {
                self.expected("a space or \")\"")?;
            }
            while self.take(b' ') {}
            debug_assert!(self.at > start, "an item reads something");
        }
        Ok(())
    }
}

fn is_astring_char(octet: u8) -> bool {
    is_atom_char(octet) || octet == b']' || octet >= 0x80
}

/// The value of decimal digits, at most `u64::MAX`.
pub(crate) fn clipped(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |n: u64, d| n.saturating_mul(10).saturating_add(u64::from(d - b'0')))
}

#[cfg(test)]
mod round_trip;

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(text: &str) -> Cursor<'_> {
        Cursor::new(text.as_bytes(), Utf8::Off)
    }

    #[test]
    fn strings_come_in_three_shapes() {
        for (text, want, rest) in [
            ("INBOX rest", "INBOX", " rest"),
            ("a]b", "a]b", ""),
            ("~peter/mail", "~peter/mail", ""),
            ("\"two words\" x", "two words", " x"),
            ("\"a\\\"b\\\\c\"", "a\"b\\c", ""),
            ("\"C:\\dir\"", "C:\\dir", ""),
            ("{3}\r\na\"b c", "a\"b", " c"),
            ("{3+}\r\nabc", "abc", ""),
            ("~{3+}\r\nabc", "abc", ""),
            ("{0}\r\n x", "", " x"),
            ("\"\"", "", ""),
            ("año", "año", ""),
        ] {
            let mut cursor = cursor(text);
            assert_eq!(cursor.astring("a string").unwrap().as_ref(), want.as_bytes(), "{text}");
            assert_eq!(cursor.rest(), rest.as_bytes(), "{text}");
        }
    }

    #[test]
    fn mistakes_say_where() {
        for (text, at) in
            [("", 0), ("(", 0), ("\"open", 5), ("{3}\r\nab", 0), ("{x}", 0), ("\"a\\", 3)]
        {
            assert_eq!(cursor(text).astring("a string").unwrap_err().at, at, "{text}");
        }
    }

    #[test]
    fn large_numbers_are_clipped() {
        assert_eq!(cursor("4294967296").number32(), Ok(u32::MAX));
        assert_eq!(cursor("99999999999999999999999").number(), Ok(u64::MAX));
        assert_eq!(cursor("0017").number(), Ok(17));
        assert!(cursor("x").number().is_err());
    }

    #[test]
    fn lists_forgive_spaces() {
        for (text, want) in [("(a b)", "a,b"), ("( a  b )", "a,b"), ("()", ""), ("(a)", "a")] {
            let mut words = Vec::new();
            let read = cursor(text).list::<SyntaxError>(|c| {
                words.push(String::from_utf8_lossy(c.atom("a word")?).into_owned());
                Ok(())
            });
            assert_eq!((read, words.join(",").as_str()), (Ok(()), want), "{text}");
        }
        for text in ["(a", "(a(", "a)", "(a \"b\")"] {
            let read = cursor(text).list::<SyntaxError>(|c| c.atom("a word").map(drop));
            assert!(read.is_err(), "{text}");
        }
    }
}
