//! The tokens of an address list (RFC 5322 §3.2), read leniently.

use crate::address::ADDRESS_TEXT_MAX;

/// Octets that are looked at to find the end of one encoded word (RFC 2047 §2 allows 75), or of a
/// domain literal.
const ENCODED_WORD_MAX: usize = 200;

/// The words and marks of an address list.
pub(crate) enum Token {
    Blank,
    Comment(Vec<u8>),
    /// An atom, an encoded word, a quoted string or a domain literal, as meant.
    Word(Vec<u8>),
    Special(u8),
}

/// The octets of an address list, token by token.
pub(crate) struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Input<'a> {
        Input { bytes, at: 0 }
    }

    pub(crate) fn next(&mut self) -> Option<Token> {
        let byte = self.bump()?;
        Some(match byte {
            b' ' | b'\t' | b'\r' | b'\n' | 0 => Token::Blank,
            b'(' => Token::Comment(self.comment()),
            b'"' => Token::Word(self.quoted_string()),
            b',' | b';' | b':' | b'<' | b'>' | b'@' => Token::Special(byte),
            _ => {
                self.at -= 1;
                Token::Word(self.word())
            }
        })
    }

    fn bump(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.at).copied()?;
        self.at += 1;
        Some(byte)
    }

    /// Inside of a comment, after its first parenthesis; without its end, up to the end of input.
    fn comment(&mut self) -> Vec<u8> {
        let (mut text, mut depth) = (Vec::new(), 1_usize);
        while let Some(byte) = self.bump() {
            match byte {
                b'(' => depth += 1,
                b')' if depth == 1 => break,
                b')' => depth -= 1,
                b'\\' => {
                    let quoted = self.bump();
                    push_text(&mut text, quoted.unwrap_or(b'\\'));
                    continue;
                }
                _ => {}
            }
            push_text(&mut text, byte);
        }
        text.trim_ascii().to_vec()
    }

    /// Inside of a quoted string, after its first quote; without its end, up to the end of input.
    fn quoted_string(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        while let Some(byte) = self.bump() {
            match byte {
                b'"' => break,
                b'\\' => push_text(&mut text, self.bump().unwrap_or(b'\\')),
                _ => push_text(&mut text, byte),
            }
        }
        text
    }

    fn word(&mut self) -> Vec<u8> {
        let rest = &self.bytes[self.at..];
        let length = encoded_word_length(rest).unwrap_or_else(|| atom_length(rest));
        self.at += length;
        rest[..length.min(ADDRESS_TEXT_MAX)].to_vec()
    }
}

/// Keeps a bounded number of octets, none of which ends a line or a string of C.
fn push_text(text: &mut Vec<u8>, byte: u8) {
    if text.len() < ADDRESS_TEXT_MAX && !matches!(byte, 0 | b'\r' | b'\n') {
        text.push(byte);
    }
}

/// Encoded words of careless senders hold commas and colons; taken whole, they do no harm.
fn encoded_word_length(bytes: &[u8]) -> Option<usize> {
    let window = &bytes[..bytes.len().min(ENCODED_WORD_MAX)];
    let rest = window.strip_prefix(b"=?")?;
    let mut marks = rest.iter().enumerate().filter(|(_, b)| **b == b'?').map(|(at, _)| at);
    let (_charset, encoding) = (marks.next()?, marks.next()?);
    let end = marks.find(|at| *at > encoding && rest.get(at + 1) == Some(&b'='))?;
    let has_blank = rest[..end].iter().any(|b| b.is_ascii_whitespace() || *b == 0);
    (!has_blank).then_some(end + 4)
}

/// Octets up to the next special. Brackets and lone backslashes are text: names have them.
fn atom_length(bytes: &[u8]) -> usize {
    let ends = |b: &u8| {
        matches!(
            b,
            b' ' | b'\t'
                | b'\r'
                | b'\n'
                | 0
                | b'('
                | b'"'
                | b','
                | b';'
                | b':'
                | b'<'
                | b'>'
                | b'@'
        )
    };
    // A domain literal keeps its colons: `[IPv6:::1]`.
    if bytes.first() == Some(&b'[') {
        let literal =
            bytes.iter().take(ENCODED_WORD_MAX).position(|b| *b == b']' || ends(b) && *b != b':');
        if let Some(end) = literal.filter(|end| bytes[*end] == b']') {
            return end + 1;
        }
    }
    bytes.iter().position(ends).unwrap_or(bytes.len()).max(1)
}
