//! The header that is given back.

use words_message::Header;

/// Octets of a header that are given back, at most.
pub const RETURNED_HEADER_MAX: usize = 64 * 1024;

/// The fields at the beginning of `message` as a report gives them back: whole fields only, no more
/// than [`RETURNED_HEADER_MAX`] octets, CRLF line ends. Without `utf8` an octet over 127 is `?`: the
/// part is ASCII (RFC 6522 §4).
pub fn returned_header(message: &[u8], utf8: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for field in Header::new(message).fields() {
        if out.len() + field.raw.len() + 2 > RETURNED_HEADER_MAX {
            break;
        }
        out.extend(
            field.raw.iter().map(|octet| if utf8 || octet.is_ascii() { *octet } else { b'?' }),
        );
        if !field.raw.ends_with(b"\r\n") {
            out.extend_from_slice(b"\r\n");
        }
    }
    out
}
