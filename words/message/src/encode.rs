//! Octets over 127 written in ASCII: encoded words (RFC 2047) and percent-encoding (RFC 2231).

/// Most octets of an encoded word (RFC 2047 §2).
const ENCODED_WORD_MAX: usize = 75;

/// Appends `text` in ASCII, for a peer that did not agree to UTF-8 (RFC 9051 §6.3.1 `ENABLE`):
/// as it is if it is ASCII already, else whole as encoded words, their charset UTF-8 or, where
/// that cannot be, windows-1252.
pub fn encode_words(text: &[u8], out: &mut Vec<u8>) {
    if text.is_ascii() {
        out.extend_from_slice(text);
        return;
    }
    match std::str::from_utf8(text) {
        Ok(text) => {
            let mut buffer = [0; 4];
            let chars = text.chars().map(|c| c.encode_utf8(&mut buffer).as_bytes().to_vec());
            put_words("utf-8", chars, out);
        }
        Err(_) => put_words("windows-1252", text.iter().map(|b| vec![*b]), out),
    }
}

/// Writes whole characters only into each word (RFC 2047 §5).
fn put_words(charset: &str, chars: impl Iterator<Item = Vec<u8>>, out: &mut Vec<u8>) {
    let open = format!("=?{charset}?Q?");
    let mut length = 0;
    for char in chars {
        let written: String = char.iter().map(|b| q_octet(*b)).collect();
        if length == 0 || length + written.len() + 2 > ENCODED_WORD_MAX {
            // A blank between two encoded words is not part of the text.
            let separator = if length == 0 { "" } else { "?= " };
            out.extend_from_slice(separator.as_bytes());
            out.extend_from_slice(open.as_bytes());
            length = open.len();
        }
        out.extend_from_slice(written.as_bytes());
        length += written.len();
    }
    out.extend_from_slice(b"?=");
}

/// RFC 2047 §4.2, with the letters that §5 (3) allows inside of a phrase.
fn q_octet(byte: u8) -> String {
    match byte {
        b' ' => "_".to_string(),
        b if b.is_ascii_alphanumeric() || b"!*+-/".contains(&b) => char::from(b).to_string(),
        b => format!("={b:02X}"),
    }
}

/// Appends `bytes`, those that are not `plain` as `%XX`.
pub(crate) fn percent_encode(bytes: &[u8], plain: impl Fn(u8) -> bool, out: &mut String) {
    for byte in bytes {
        match plain(*byte) {
            true => out.push(char::from(*byte)),
            false => out.push_str(&format!("%{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &[u8]) -> String {
        let mut out = Vec::new();
        encode_words(text, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn ascii_stays_and_the_rest_becomes_words() {
        assert_eq!(encoded(b"plain =?x?= text"), "plain =?x?= text");
        assert_eq!(encoded("a\u{f1}o: 1".as_bytes()), "=?utf-8?Q?a=C3=B1o=3A_1?=");
        assert_eq!(encoded(b"a\xf1o"), "=?windows-1252?Q?a=F1o?=");
    }

    #[test]
    fn no_word_is_too_long_and_none_splits_a_character() {
        let text = "\u{20ac}".repeat(100);
        let words = encoded(text.as_bytes());
        assert!(words.split(' ').all(|word| word.len() <= ENCODED_WORD_MAX));
        assert!(
            words.split(' ').all(|word| word.matches("=E2").count() == word.matches("=AC").count())
        );
        assert_eq!(crate::decode_header(words.as_bytes()), text);
    }
}
