//! Tokens, quoted strings and parameters of MIME fields (RFC 2045 §5.1), read leniently.

use crate::header::unfold;
use crate::mime_field::{PARAMS_MAX, PART_TEXT_MAX};

/// A parameter as it was written, without quotes.
pub(crate) struct RawParam {
    pub name: Vec<u8>,
    pub value: Vec<u8>,
}

/// What is left of a field's value.
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Cursor<'a> {
        let mut cursor = Cursor { rest: bytes };
        cursor.skip_blanks();
        cursor
    }

    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let rest = self.rest.strip_prefix(&[byte]);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Passes over blanks and comments; a comment without an end ends with the value.
    pub(crate) fn skip_blanks(&mut self) {
        let mut depth = 0_usize;
        let mut bytes = self.rest.iter().enumerate();
        let end = loop {
            match bytes.next() {
                None => break self.rest.len(),
                Some((_, b'(')) => depth += 1,
                Some((_, b')')) if depth > 0 => depth -= 1,
                Some((_, b'\\')) if depth > 0 => drop(bytes.next()),
                Some((_, byte)) if depth > 0 || byte.is_ascii_whitespace() || *byte == 0 => {}
                Some((at, _)) => break at,
            }
        };
        self.rest = &self.rest[end..];
    }

    pub(crate) fn token(&mut self) -> &'a [u8] {
        let ends = |b: &u8| {
            b.is_ascii_whitespace() || matches!(b, 0 | b'/' | b';' | b'=' | b'(' | b',' | b'"')
        };
        let end = self.rest.iter().position(ends).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest;
        token
    }

    /// All that follow, each after a `;`. What is no parameter is passed over.
    pub(crate) fn params(&mut self) -> Vec<RawParam> {
        let mut params = Vec::new();
        while params.len() < PARAMS_MAX {
            let Some(semicolon) = memchr::memchr(b';', self.rest) else { break };
            self.rest = &self.rest[semicolon + 1..];
            self.skip_blanks();
            let name = self.token();
            self.skip_blanks();
            if !name.is_empty() && self.eat(b'=') {
                self.skip_blanks();
                let name = name[..name.len().min(PART_TEXT_MAX)].to_vec();
                params.push(RawParam { name, value: self.value() });
            }
        }
        params
    }

    fn value(&mut self) -> Vec<u8> {
        match self.eat(b'"') {
            true => self.quoted_string(),
            false => self.bare_value(),
        }
    }

    fn quoted_string(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        while let Some((byte, rest)) = self.rest.split_first() {
            self.rest = rest;
            match byte {
                b'"' => break,
                b'\\' => {
                    let (quoted, rest) = rest.split_first().unwrap_or((&b'\\', &[]));
                    out.push(*quoted);
                    self.rest = rest;
                }
                b'\r' | b'\n' => {}
                byte => out.push(*byte),
            }
        }
        out
    }

    /// A token; since careless senders forget the quotes, all up to the next `;`, without a
    /// comment at its end.
    fn bare_value(&mut self) -> Vec<u8> {
        let end = memchr::memchr(b';', self.rest).unwrap_or(self.rest.len());
        let (value, rest) = self.rest.split_at(end);
        self.rest = rest;
        let value = value.trim_ascii();
        let comment =
            value.windows(2).position(|pair| pair[0].is_ascii_whitespace() && pair[1] == b'(');
        let value = match comment.filter(|_| value.ends_with(b")")) {
            Some(at) => &value[..at],
            None => value,
        };
        unfold(value.trim_ascii()).into_owned()
    }
}
