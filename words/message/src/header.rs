//! The header section: finding its end in a stream, and reading its fields without copying.
//!
//! A line ends at LF; a CR before it is part of the line's end. A header ends with the first empty
//! line, or with the message. A line that is no field and continues none is kept as a field
//! without a name, so that every octet of a header belongs to exactly one field or to the empty
//! line.

use memchr::memchr;
use std::borrow::Cow;
use std::fmt;

/// Most octets of a header section that are kept, its empty line included.
pub const HEADER_MAX: usize = 1 << 20;

/// The header section is longer than [`HEADER_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderTooLarge;

impl fmt::Display for HeaderTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "header section over the limit of {HEADER_MAX} octets")
    }
}

impl std::error::Error for HeaderTooLarge {}

/// Finds the empty line that ends a header section, in chunks cut anywhere.
#[derive(Clone, Debug)]
pub(crate) struct EmptyLine {
    line: Line,
}

/// What the line holds so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Empty,
    OnlyCr,
    Filled,
    /// The empty line has been seen.
    Over,
}

impl EmptyLine {
    pub(crate) fn new() -> EmptyLine {
        EmptyLine { line: Line::Empty }
    }

    /// How many octets of `chunk` belong to the header, the empty line included.
    pub(crate) fn feed(&mut self, chunk: &[u8]) -> usize {
        let mut at = 0;
        while let Some(rest) = chunk.get(at..).filter(|rest| !rest.is_empty()) {
            match (self.line, rest[0]) {
                (Line::Over, _) => return at,
                (Line::Empty | Line::OnlyCr, b'\n') => {
                    self.line = Line::Over;
                    return at + 1;
                }
                (Line::Empty, b'\r') => {
                    self.line = Line::OnlyCr;
                    at += 1;
                }
                _ => at += self.skip_line(rest),
            }
        }
        chunk.len()
    }

    fn skip_line(&mut self, rest: &[u8]) -> usize {
        match memchr(b'\n', rest) {
            Some(end) => {
                self.line = Line::Empty;
                end + 1
            }
            None => {
                self.line = Line::Filled;
                rest.len()
            }
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.line == Line::Over
    }
}

/// Collects the header section of a message that comes in chunks.
///
/// ```
/// use words_message::{Header, HeaderCollector};
/// let mut collector = HeaderCollector::new();
/// for chunk in [&b"Subject: h"[..], b"i\r\n\r", b"\nbody"] {
///     collector.feed(chunk).unwrap();
/// }
/// assert!(collector.is_complete());
/// assert_eq!(collector.bytes(), b"Subject: hi\r\n\r\n");
/// assert_eq!(Header::new(collector.bytes()).find("subject").unwrap().value, b"hi");
/// ```
#[derive(Clone, Debug)]
pub struct HeaderCollector {
    kept: Vec<u8>,
    end: EmptyLine,
}

impl Default for HeaderCollector {
    fn default() -> HeaderCollector {
        HeaderCollector::new()
    }
}

impl HeaderCollector {
    /// Before the first octet of a message.
    pub fn new() -> HeaderCollector {
        HeaderCollector { kept: Vec::new(), end: EmptyLine::new() }
    }

    /// Takes the next chunk of the message; octets after the header section are passed over.
    /// Returns how many of the chunk belonged to the header.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<usize, HeaderTooLarge> {
        let length = self.end.feed(chunk);
        if self.kept.len() + length > HEADER_MAX {
            return Err(HeaderTooLarge);
        }
        self.kept.extend_from_slice(&chunk[..length]);
        Ok(length)
    }

    /// Has the empty line been seen? A message may also end without one.
    pub fn is_complete(&self) -> bool {
        self.end.is_over()
    }

    /// The header section so far, with its empty line; where it ends, the body begins.
    pub fn bytes(&self) -> &[u8] {
        &self.kept
    }

    /// The header section, with its empty line.
    pub fn into_bytes(self) -> Vec<u8> {
        self.kept
    }
}

/// A header section, to be read field by field.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    bytes: &'a [u8],
}

impl<'a> Header<'a> {
    /// Over the octets of a header section; whatever follows its empty line is passed over.
    pub fn new(bytes: &'a [u8]) -> Header<'a> {
        Header { bytes }
    }

    /// The fields, in their order.
    pub fn fields(self) -> Fields<'a> {
        Fields { rest: self.bytes }
    }

    /// The first field of that name, in any case of letters.
    pub fn find(self, name: &str) -> Option<Field<'a>> {
        self.fields().find(|field| field.is_named(name))
    }

    /// Every field of that name, in any case of letters.
    pub fn find_all(self, name: &str) -> impl Iterator<Item = Field<'a>> {
        self.fields().filter(move |field| field.is_named(name))
    }
}

/// One field of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// As written, without the colon; empty if the line is no field at all.
    pub name: &'a [u8],
    /// The whole of it: name, colon, folding and the final line end.
    pub raw: &'a [u8],
    /// What follows the colon and blanks, without the final line end, still folded.
    pub value: &'a [u8],
}

impl<'a> Field<'a> {
    /// Is it of that name, in any case of letters?
    pub fn is_named(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The value on one line: line ends are taken out, the blanks around them stay
    /// (RFC 5322 §2.2.3). Borrowed where nothing was folded.
    pub fn unfolded(&self) -> Cow<'a, [u8]> {
        unfold(self.value)
    }

    fn of(raw: &'a [u8]) -> Field<'a> {
        let content = strip_line_end(raw);
        let colon = content.iter().position(|b| !(0x21..=0x7e).contains(b) || *b == b':');
        // Obsolete syntax has blanks before the colon (RFC 5322 §4.5).
        let gap =
            |at: usize| content[at..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        match colon.map(|at| (at, at + gap(at))) {
            Some((end, colon)) if end > 0 && content.get(colon) == Some(&b':') => {
                let value = &content[colon + 1..];
                Field { name: &content[..end], raw, value: value.trim_ascii_start() }
            }
            _ => Field { name: b"", raw, value: content },
        }
    }
}

/// Takes the line ends out of `value`.
pub(crate) fn unfold(value: &[u8]) -> Cow<'_, [u8]> {
    let is_line_end = |b: &u8| matches!(b, b'\r' | b'\n');
    if !value.iter().any(is_line_end) {
        return Cow::Borrowed(value);
    }
    Cow::Owned(value.iter().copied().filter(|b| !is_line_end(b)).collect())
}

fn strip_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The fields of a header, in their order.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        if matches!(self.rest, [] | [b'\n', ..] | [b'\r', b'\n', ..]) {
            self.rest = &[];
            return None;
        }
        let mut end = line_length(self.rest);
        while matches!(self.rest.get(end), Some(b' ' | b'\t')) {
            end += line_length(&self.rest[end..]);
        }
        let (raw, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(Field::of(raw))
    }
}

/// Octets of the first line of `bytes`, its end included.
fn line_length(bytes: &[u8]) -> usize {
    memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_and_values(header: &[u8]) -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Header::new(header).fields().map(|f| (text(f.name), text(&f.unfolded()))).collect()
    }

    fn check(header: &str, expected: &[(&str, &str)]) {
        let expected: Vec<_> =
            expected.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
        assert_eq!(names_and_values(header.as_bytes()), expected, "{header:?}");
    }

    #[test]
    fn fields_of_every_spelling_are_read() {
        check("A: 1\r\nB:2\r\n\r\nC: 3\r\n", &[("A", "1"), ("B", "2")]);
        check("A: 1\n folded\n\tmore\nB:\n\nC: 3\n", &[("A", "1 folded\tmore"), ("B", "")]);
        check("A : 1\r\nB\t :2", &[("A", "1"), ("B", "2")]);
        check("no colon\r\nA: 1\r\n", &[("", "no colon"), ("A", "1")]);
        check(" starts folded\r\nA: 1\r\n", &[("", " starts folded"), ("A", "1")]);
        check(
            "From x@y Mon Jan  1 00:00\r\nA: 1\r\n",
            &[("", "From x@y Mon Jan  1 00:00"), ("A", "1")],
        );
        check(": nameless\r\n\r\n", &[("", ": nameless")]);
        check("A: 1\r\n \r\n\r\n", &[("A", "1 ")]);
        check("\r\nA: 1", &[]);
        check("", &[]);
        check("\rA: 1\r\n", &[("", "A: 1")]);
    }

    #[test]
    fn every_octet_belongs_to_one_field_or_to_the_empty_line() {
        let header = b"A: 1\r\n x\r\njunk\r\n\0\xff: 2\r\nB:\r\n\r\n";
        let raw: Vec<u8> = Header::new(header).fields().flat_map(|f| f.raw.to_vec()).collect();
        assert_eq!([&raw[..], b"\r\n"].concat(), header);
    }

    #[test]
    fn a_header_cut_anywhere_is_the_same_header() {
        for message in [
            &b"A: 1\r\nB: 2\r\n\r\nbody\r\n\r\n"[..],
            b"A: 1\n\nbody",
            b"\r\nbody",
            b"\nbody",
            b"A: 1\r\n\rx\r\n\r\n",
            b"no end",
            b"",
        ] {
            let mut whole = HeaderCollector::new();
            whole.feed(message).unwrap();
            for size in 1..=message.len() {
                let mut cut = HeaderCollector::new();
                message.chunks(size).for_each(|chunk| assert!(cut.feed(chunk).is_ok()));
                assert_eq!(cut.bytes(), whole.bytes(), "{message:?} by {size}");
                assert_eq!(cut.is_complete(), whole.is_complete());
            }
        }
    }

    #[test]
    fn a_header_over_the_limit_is_refused_and_not_kept() {
        let mut collector = HeaderCollector::new();
        let chunk = [b'x'; 1 << 16];
        let fed = (0..1000).take_while(|_| collector.feed(&chunk).is_ok()).count();
        assert_eq!(fed, HEADER_MAX / chunk.len());
        assert_eq!(collector.bytes().len(), HEADER_MAX);
    }

    #[test]
    fn ten_thousand_fields_are_ten_thousand_fields() {
        let header: String = (0..10_000).map(|n| format!("X-{n}: {n}\r\n")).collect();
        assert_eq!(Header::new(header.as_bytes()).fields().count(), 10_000);
        assert_eq!(Header::new(header.as_bytes()).find("x-9999").unwrap().value, b"9999");
        let same = "Received: x\r\n".repeat(100);
        assert_eq!(Header::new(same.as_bytes()).find_all("RECEIVED").count(), 100);
    }
}
