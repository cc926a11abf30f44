//! Base64 as SASL profiles have it.

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;

/// Reads base64 (RFC 4648 §4) strictly: no foreign character, padding whole, unused bits zero.
/// `None` if it is anything else.
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Writes base64 with padding, on one line.
pub fn encode(octets: &[u8]) -> String {
    STANDARD.encode(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_reads_back() {
        for octets in [&b""[..], b"a", b"ab", b"abc", b"\0ana\0ana", &[0xff; 33]] {
            assert_eq!(decode(encode(octets).as_bytes()).as_deref(), Some(octets));
        }
    }

    #[test]
    fn foreign_characters_are_refused() {
        for text in ["YW5h\r", "YW 5h", "YW5", "YW==5h", "YX==", "-_-_", "=", "YW5h====", "ñ"] {
            assert_eq!(decode(text.as_bytes()), None, "{text}");
        }
    }
}
