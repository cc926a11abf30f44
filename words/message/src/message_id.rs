//! Message identifiers (RFC 5322 §3.6.4), as threading compares them.

use memchr::memchr;
use std::borrow::Cow;

/// The identifiers in a `Message-ID`, `In-Reply-To` or `References` value, without their angle
/// brackets. Words between them, which RFC 822 allowed, are passed over.
///
/// ```
/// use words_message::message_ids;
/// let ids: Vec<&[u8]> = message_ids(b"Your mail <1@x> of\r\n <2@x>").collect();
/// assert_eq!(ids, [b"1@x", b"2@x"]);
/// ```
pub fn message_ids(value: &[u8]) -> MessageIds<'_> {
    MessageIds { rest: value }
}

/// Made by [`message_ids`].
#[derive(Clone, Debug)]
pub struct MessageIds<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for MessageIds<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let open = memchr(b'<', self.rest)? + 1;
            let rest = &self.rest[open..];
            let end = memchr::memchr2(b'<', b'>', rest)?;
            let (id, after) = rest.split_at(end);
            self.rest = after;
            if after.first() == Some(&b'>') && !id.trim_ascii().is_empty() {
                return Some(id.trim_ascii());
            }
        }
    }
}

/// Two spellings of one identifier made equal: quoting and blanks are taken out
/// (RFC 5256 §3, "normalized").
pub fn normalize_message_id(id: &[u8]) -> Cow<'_, [u8]> {
    let is_spelling = |b: &u8| matches!(b, b'"' | b'\\' | b' ' | b'\t' | b'\r' | b'\n' | 0);
    if !id.iter().any(is_spelling) {
        return Cow::Borrowed(id);
    }
    let mut out = Vec::with_capacity(id.len());
    let mut bytes = id.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => out.extend(bytes.next()),
            byte if is_spelling(&byte) => {}
            byte => out.push(byte),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, expected: &[&str]) {
        let found: Vec<_> = message_ids(value.as_bytes())
            .map(|id| String::from_utf8_lossy(&normalize_message_id(id)).into_owned())
            .collect();
        assert_eq!(found, expected, "{value}");
    }

    #[test]
    fn identifiers_are_found_among_words() {
        check("<1@x>", &["1@x"]);
        check("<1@x><2@x>\r\n\t<3@x>", &["1@x", "2@x", "3@x"]);
        check("(a comment) words <1@x> more", &["1@x"]);
        check("<\"01KF8JCEOCBS0045PS\"@xxx.yyy.com>", &["01KF8JCEOCBS0045PS@xxx.yyy.com"]);
        check("< 1@x >", &["1@x"]);
        check("<1@\r\n x>", &["1@x"]);
        check("<<1@x>", &["1@x"]);
        check("<> <1@x", &[]);
        check("1@x", &[]);
    }

    #[test]
    fn a_hundred_thousand_brackets_are_read_in_one_pass() {
        assert_eq!(message_ids(&b"<".repeat(100_000)).count(), 0);
        assert_eq!(message_ids(&b"<a>".repeat(30_000)).count(), 30_000);
    }
}
