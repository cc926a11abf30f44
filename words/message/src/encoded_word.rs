//! Encoded words in a header (RFC 2047), read.

use crate::charset::{casefold, charset_of, decode_unlabelled};
use crate::header::unfold;
use crate::transfer::{TransferDecoder, TransferEncoding, hex_pair, is_base64};
use encoding_rs::Encoding;
use memchr::memmem;

/// The text that a field's value shows: unfolded, encoded words decoded. Octets over 127 outside
/// of them are read as UTF-8, or else as windows-1252; a word that is broken, or whose charset
/// nobody knows, stays as it is.
///
/// Blanks between two encoded words are not shown (RFC 2047 §6.2). Adjacent words of one charset
/// are joined before that is decoded, since many senders cut characters in two.
///
/// ```
/// use words_message::decode_header;
/// assert_eq!(decode_header(b"=?utf-8?Q?a=C3?= =?UTF-8?B?sW8=?= x"), "a\u{f1}o x");
/// ```
pub fn decode_header(value: &[u8]) -> String {
    let value = unfold(value);
    let mut text = Text { out: String::with_capacity(value.len()), run: None };
    let mut rest = &value[..];
    while let Some(at) = memmem::find(rest, b"=?") {
        let (before, from_mark) = rest.split_at(at);
        match parse_word(from_mark) {
            Some((word, length)) => {
                text.take_plain_before_word(before);
                text.take_word(word);
                rest = &from_mark[length..];
            }
            None => {
                // Only the `=` is passed: `=?=?utf-8?…` has a word in it.
                text.take_plain(&rest[..at + 1]);
                rest = &rest[at + 1..];
            }
        }
    }
    text.take_plain(rest);
    text.finish()
}

/// Does the text that `value` shows contain `needle`, which is case-folded already
/// (see [`casefold`])?
pub fn header_contains(value: &[u8], needle: &str) -> bool {
    let mut folded = String::new();
    casefold(&decode_header(value), &mut folded);
    memmem::find(folded.as_bytes(), needle.as_bytes()).is_some()
}

/// One encoded word, its transfer encoding undone.
struct Word {
    charset: Option<&'static Encoding>,
    bytes: Vec<u8>,
}

/// `"=?" charset ["*" language] "?" encoding "?" encoded-text "?="` at the beginning of `text`,
/// and how many octets it is.
fn parse_word(text: &[u8]) -> Option<(Word, usize)> {
    let mut pieces = text.strip_prefix(b"=?")?.splitn(4, |b| *b == b'?');
    let (charset, encoding, encoded) = (pieces.next()?, pieces.next()?, pieces.next()?);
    if pieces.next()?.first() != Some(&b'=')
        || encoded.iter().any(|b| matches!(b, b' ' | b'\t' | 0))
    {
        return None;
    }
    let bytes = match encoding {
        b"B" | b"b" if is_base64(encoded) => decode_b(encoded),
        b"Q" | b"q" => decode_q(encoded),
        _ => return None,
    };
    // RFC 2231 §5 adds a language.
    let label = charset.split(|b| *b == b'*').next()?;
    let label = std::str::from_utf8(label).ok()?;
    let found = charset_of(label);
    if found.is_none() && !label.eq_ignore_ascii_case("us-ascii") {
        return None;
    }
    let length = 2 + charset.len() + 1 + encoding.len() + 1 + encoded.len() + 2;
    Some((Word { charset: found, bytes }, length))
}

fn decode_b(encoded: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut decoder = TransferDecoder::new(TransferEncoding::Base64);
    decoder.feed(encoded, &mut out);
    decoder.finish(&mut out);
    out
}

/// RFC 2047 §4.2.
fn decode_q(encoded: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'_', _) => out.push(b' '),
            (b'=', [high, low, after @ ..]) if hex_pair(*high, *low).is_some() => {
                out.extend(hex_pair(*high, *low));
                rest = after;
            }
            _ => out.push(*byte),
        }
    }
    out
}

/// The text so far.
struct Text {
    out: String,
    /// Encoded words, one after the other, whose charset is not decoded yet.
    run: Option<Word>,
}

impl Text {
    fn take_plain(&mut self, plain: &[u8]) {
        if !plain.is_empty() {
            self.end_run();
            decode_unlabelled(plain, &mut self.out);
        }
    }

    fn take_plain_before_word(&mut self, plain: &[u8]) {
        let only_blanks = plain.iter().all(|b| matches!(b, b' ' | b'\t'));
        if !(only_blanks && self.run.is_some()) {
            self.take_plain(plain);
        }
    }

    fn take_word(&mut self, word: Word) {
        match &mut self.run {
            Some(run) if run.charset == word.charset => run.bytes.extend_from_slice(&word.bytes),
            _ => {
                self.end_run();
                self.run = Some(word);
            }
        }
    }

    fn end_run(&mut self) {
        match self.run.take() {
            Some(Word { charset: Some(charset), bytes }) => {
                self.out.push_str(&charset.decode_without_bom_handling(&bytes).0);
            }
            Some(Word { charset: None, bytes }) => decode_unlabelled(&bytes, &mut self.out),
            None => {}
        }
    }

    fn finish(mut self) -> String {
        self.end_run();
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_2047_section_8_read_as_it_says() {
        for (value, expected) in [
            ("=?ISO-8859-1?Q?a?=", "a"),
            ("=?ISO-8859-1?Q?a?= b", "a b"),
            ("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"),
            ("=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=", "ab"),
            ("=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=", "ab"),
            ("=?ISO-8859-1?Q?a_b?=", "a b"),
            ("=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b"),
            ("=?US-ASCII?Q?Keith_Moore?=", "Keith Moore"),
            ("=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=", "If you can read this yo"),
        ] {
            assert_eq!(decode_header(value.as_bytes()), expected, "{value}");
        }
    }

    #[test]
    fn words_of_the_wild_are_read_or_left() {
        for (value, expected) in [
            (&b"plain"[..], "plain"),
            (b"", ""),
            (b"a\xc3\xb1o", "a\u{f1}o"),
            (b"a\xf1o \x80", "a\u{f1}o \u{20ac}"),
            (b"=?utf-8*es?Q?a=C3=B1o?=", "a\u{f1}o"),
            (b"=?utf-8?B?w?= =?utf-8?B?7E=?=", "\u{fffd}"),
            (b"=?utf-8?Q?a=C3?= =?utf-8?Q?=B1o?=", "a\u{f1}o"),
            (b"x=?utf-8?Q?y?=z", "xyz"),
            (b"=?=?utf-8?Q?y?=", "=?y"),
            (b"=?utf-8?Q?open", "=?utf-8?Q?open"),
            (b"=?utf-8?Q?a b?=", "=?utf-8?Q?a b?="),
            (b"=?utf-8?X?a?=", "=?utf-8?X?a?="),
            (b"=?utf-8?B?%%?=", "=?utf-8?B?%%?="),
            (b"=?nobody?Q?a?=", "=?nobody?Q?a?="),
            (b"=?utf-8?Q?a=ZZ=?=", "a=ZZ="),
            (b"=?utf-8?Q??= x", " x"),
            (b"=?iso-2022-jp?B?GyRCJCIbKEI=?=", "\u{3042}"),
        ] {
            assert_eq!(decode_header(value), expected, "{:?}", String::from_utf8_lossy(value));
        }
    }

    #[test]
    fn a_needle_is_found_in_what_is_shown() {
        assert!(header_contains(b"=?utf-8?Q?A=C3=91O?= nuevo", "a\u{f1}o nue"));
        assert!(!header_contains(b"=?utf-8?Q?A=C3=91O?=", "utf"));
        assert!(header_contains(b"anything", ""));
    }

    #[test]
    fn a_hundred_thousand_marks_are_read_in_one_pass() {
        for text in ["=?", "=?a?q?", "=?utf-8?q?a", "?=", "=?utf-8?q?a?= "] {
            decode_header(text.repeat(100_000 / text.len()).as_bytes());
        }
    }
}
