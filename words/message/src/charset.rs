//! Charsets to UTF-8, in a stream.

use encoding_rs::{Decoder, Encoding, REPLACEMENT, UTF_8, WINDOWS_1252};

/// Octets decoded at once.
const BLOCK: usize = 16 * 1024;

/// The charset a label names. `None` for one nobody knows, and for `us-ascii`: octets over 127
/// under that name are whatever the sender's machine meant.
pub(crate) fn charset_of(label: &str) -> Option<&'static Encoding> {
    let is_ascii = ["us-ascii", "ascii", "ansi_x3.4-1968", "unknown-8bit"];
    if is_ascii.iter().any(|name| label.trim().eq_ignore_ascii_case(name)) {
        return None;
    }
    Encoding::for_label(label.as_bytes()).filter(|found| *found != REPLACEMENT)
}

/// Octets without a label: UTF-8 where they are that, else windows-1252.
pub(crate) fn decode_unlabelled(bytes: &[u8], out: &mut String) {
    match std::str::from_utf8(bytes) {
        Ok(text) => out.push_str(text),
        Err(_) => out.push_str(&WINDOWS_1252.decode_without_bom_handling(bytes).0),
    }
}

/// Turns the octets of a text into UTF-8, in chunks cut anywhere. Octets that mean nothing in the
/// charset become U+FFFD. Without a known charset, what is UTF-8 is read as that, and every other
/// octet as windows-1252.
#[derive(Debug)]
pub struct CharsetDecoder {
    kind: Kind,
}

// One decoder a text: its size does not matter.
#[allow(clippy::large_enum_variant)]
enum Kind {
    Labelled(Decoder),
    Unlabelled { held: Vec<u8> },
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Kind::Labelled(decoder) => f.write_str(decoder.encoding().name()),
            Kind::Unlabelled { .. } => f.write_str("unlabelled"),
        }
    }
}

impl CharsetDecoder {
    /// For the charset that `label` names, as in `charset=iso-8859-1`.
    pub fn new(label: Option<&str>) -> CharsetDecoder {
        let kind = match label.and_then(charset_of) {
            Some(charset) => Kind::Labelled(charset.new_decoder_without_bom_handling()),
            None => Kind::Unlabelled { held: Vec::new() },
        };
        CharsetDecoder { kind }
    }

    /// Appends to `out` what `chunk` means.
    pub fn feed(&mut self, chunk: &[u8], out: &mut String) {
        match &mut self.kind {
            Kind::Labelled(decoder) => decode(decoder, chunk, false, out),
            Kind::Unlabelled { held } => decode_mixed(held, chunk, out),
        }
    }

    /// Appends to `out` what was held back; the text is over.
    pub fn finish(mut self, out: &mut String) {
        match &mut self.kind {
            Kind::Labelled(decoder) => decode(decoder, b"", true, out),
            Kind::Unlabelled { held } => {
                out.push_str(&WINDOWS_1252.decode_without_bom_handling(held).0);
            }
        }
    }
}

fn decode(decoder: &mut Decoder, chunk: &[u8], last: bool, out: &mut String) {
    let mut rest = chunk;
    loop {
        let block = &rest[..rest.len().min(BLOCK)];
        let is_last = last && block.len() == rest.len();
        // No charset needs more than three octets of UTF-8 for one of its own; the reserve is for
        // what the decoder held back.
        out.reserve(3 * block.len() + 16);
        let (_, read, _) = decoder.decode_to_string(block, out, is_last);
        rest = &rest[read..];
        if rest.is_empty() {
            return;
        }
    }
}

/// What is UTF-8 as that, every other octet as windows-1252; a character cut short at the end of
/// the chunk is held.
fn decode_mixed(held: &mut Vec<u8>, chunk: &[u8], out: &mut String) {
    let joined;
    let bytes = match held.is_empty() {
        true => chunk,
        false => {
            joined = [&held[..], chunk].concat();
            held.clear();
            &joined
        }
    };
    let mut at = 0;
    for piece in bytes.utf8_chunks() {
        out.push_str(piece.valid());
        at += piece.valid().len() + piece.invalid().len();
        if at == bytes.len() && may_go_on(piece.invalid()) {
            held.extend_from_slice(piece.invalid());
        } else {
            out.push_str(&WINDOWS_1252.decode_without_bom_handling(piece.invalid()).0);
        }
    }
}

/// Could more octets make it a character?
fn may_go_on(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

/// Is an ASCII text in this charset just its octets, and nothing but ASCII?
pub(crate) fn keeps_ascii(label: Option<&str>) -> bool {
    label.and_then(charset_of).is_none_or(|charset| charset == UTF_8 || charset.is_single_byte())
}

/// Appends `text` made equal but for case: each character in lower case, the final sigma as any
/// sigma. It is the comparison of SEARCH, SORT and THREAD.
///
/// Departs from RFC 5051 (`i;unicode-casemap`): nothing is decomposed, so that a letter with its
/// accent in two characters differs from the same letter in one; and `ß` is not `ss`.
pub fn casefold(text: &str, out: &mut String) {
    if text.is_ascii() {
        let start = out.len();
        out.push_str(text);
        out[start..].make_ascii_lowercase();
        return;
    }
    for char in text.chars() {
        match char {
            c if c.is_ascii() => out.push(c.to_ascii_lowercase()),
            '\u{3c2}' => out.push('\u{3c3}'),
            c => out.extend(c.to_lowercase()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(label: Option<&str>, text: &[u8], expected: &str) {
        for size in 1..=text.len().max(1) {
            let mut decoder = CharsetDecoder::new(label);
            let mut out = String::new();
            text.chunks(size).for_each(|chunk| decoder.feed(chunk, &mut out));
            decoder.finish(&mut out);
            assert_eq!(out, expected, "{label:?} {text:?} by {size}");
        }
    }

    #[test]
    fn charsets_are_read_however_cut() {
        check(Some("iso-8859-1"), b"a\xf1o", "a\u{f1}o");
        check(
            Some("UTF-8"),
            "a\u{f1}o \u{20ac} \u{1f600}".as_bytes(),
            "a\u{f1}o \u{20ac} \u{1f600}",
        );
        check(Some("utf-8"), b"a\xffb", "a\u{fffd}b");
        check(Some("iso-2022-jp"), b"\x1b$B$\"\x1b(B!", "\u{3042}!");
        check(Some("shift_jis"), b"\x82\xa0", "\u{3042}");
        check(Some("utf-16le"), b"a\0b\0", "ab");
        check(Some("x-nobody-knows"), b"a\xf1o", "a\u{f1}o");
    }

    #[test]
    fn unlabelled_octets_are_utf_8_or_windows_1252() {
        for label in [None, Some("us-ascii"), Some("iso-2022-kr")] {
            check(label, "a\u{f1}o \u{1f600}".as_bytes(), "a\u{f1}o \u{1f600}");
            check(label, b"a\xf1o \x80 \xe2\x82", "a\u{f1}o \u{20ac} \u{e2}\u{201a}");
            check(label, b"\xe2\x82\xe2\x82\xac", "\u{e2}\u{201a}\u{20ac}");
        }
    }

    #[test]
    fn case_is_folded() {
        let fold = |text: &str| {
            let mut out = String::from("x");
            casefold(text, &mut out);
            out
        };
        assert_eq!(fold("ABC"), "xabc");
        assert_eq!(fold("\u{d1}A \u{3a3}\u{3c2}\u{3c3}"), "x\u{f1}a \u{3c3}\u{3c3}\u{3c3}");
    }
}
