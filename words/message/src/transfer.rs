//! Content transfer encodings (RFC 2045 §6), undone in a stream.

use memchr::memchr3;

/// How the octets of a body are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferEncoding {
    /// `7bit`, `8bit`, `binary`, and what nobody knows: as they are.
    Identity,
    /// `base64` (RFC 2045 §6.8).
    Base64,
    /// `quoted-printable` (RFC 2045 §6.7).
    QuotedPrintable,
}

impl TransferEncoding {
    /// By its name, in any case of letters.
    pub fn of(name: &str) -> TransferEncoding {
        match name {
            name if name.eq_ignore_ascii_case("base64") => TransferEncoding::Base64,
            name if name.eq_ignore_ascii_case("quoted-printable") => {
                TransferEncoding::QuotedPrintable
            }
            _ => TransferEncoding::Identity,
        }
    }
}

/// Undoes a transfer encoding, in chunks cut anywhere. What breaks its rules is passed over
/// (base64) or taken as it is (quoted-printable); there is no error.
///
/// ```
/// use words_message::{TransferDecoder, TransferEncoding};
/// let mut decoder = TransferDecoder::new(TransferEncoding::Base64);
/// let mut out = Vec::new();
/// decoder.feed(b"aGVs\r\nbG", &mut out);
/// decoder.feed(b"8=", &mut out);
/// decoder.finish(&mut out);
/// assert_eq!(out, b"hello");
/// ```
#[derive(Clone, Debug)]
pub struct TransferDecoder {
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Identity,
    Base64 { bits: u32, count: u8 },
    QuotedPrintable(Quoted),
}

/// Octets of a quoted-printable line that cannot be passed on yet.
#[derive(Clone, Debug, Default)]
struct Quoted {
    /// An escape begun, or blanks that may turn out to be at the end of the line.
    held: Vec<u8>,
}

/// Blanks at the end of a line that are held back to be dropped; more are content.
const BLANKS_MAX: usize = 998;

impl TransferDecoder {
    /// Before the first octet of a body.
    pub fn new(encoding: TransferEncoding) -> TransferDecoder {
        let state = match encoding {
            TransferEncoding::Identity => State::Identity,
            TransferEncoding::Base64 => State::Base64 { bits: 0, count: 0 },
            TransferEncoding::QuotedPrintable => State::QuotedPrintable(Quoted::default()),
        };
        TransferDecoder { state }
    }

    /// Appends to `out` what `chunk` means.
    pub fn feed(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        match &mut self.state {
            State::Identity => out.extend_from_slice(chunk),
            State::Base64 { bits, count } => {
                chunk.iter().for_each(|b| put_sextet(*b, bits, count, out))
            }
            State::QuotedPrintable(quoted) => quoted.feed(chunk, out),
        }
    }

    /// Appends to `out` what was held back; the body is over.
    pub fn finish(self, out: &mut Vec<u8>) {
        match self.state {
            State::Identity => {}
            State::Base64 { bits, count } => end_quantum(bits, count, out),
            State::QuotedPrintable(quoted) => quoted.finish(out),
        }
    }
}

const NOT_BASE64: u8 = 0xff;
const BASE64_VALUES: [u8; 256] = base64_values();

const fn base64_values() -> [u8; 256] {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut values = [NOT_BASE64; 256];
    let mut at = 0;
    while at < alphabet.len() {
        values[alphabet[at] as usize] = at as u8;
        at += 1;
    }
    values
}

fn put_sextet(byte: u8, bits: &mut u32, count: &mut u8, out: &mut Vec<u8>) {
    let value = BASE64_VALUES[usize::from(byte)];
    if value != NOT_BASE64 {
        *bits = *bits << 6 | u32::from(value);
        *count += 1;
        if *count == 4 {
            let [_, a, b, c] = bits.to_be_bytes();
            out.extend_from_slice(&[a, b, c]);
            (*bits, *count) = (0, 0);
        }
    } else if byte == b'=' {
        // After padding another text may follow: some senders join encoded pieces.
        end_quantum(*bits, *count, out);
        (*bits, *count) = (0, 0);
    }
}

/// The octets of a quantum of fewer than four letters.
fn end_quantum(bits: u32, count: u8, out: &mut Vec<u8>) {
    match count {
        2 => out.push((bits >> 4) as u8),
        3 => out.extend_from_slice(&((bits >> 2) as u16).to_be_bytes()),
        _ => {}
    }
}

/// Does every octet belong to base64?
pub(crate) fn is_base64(text: &[u8]) -> bool {
    text.iter().all(|b| BASE64_VALUES[usize::from(*b)] != NOT_BASE64 || *b == b'=')
}

/// The octet that two hexadecimal digits write.
pub(crate) fn hex_pair(high: u8, low: u8) -> Option<u8> {
    let digit = |b: u8| char::from(b).to_digit(16);
    Some((digit(high)? << 4 | digit(low)?) as u8)
}

impl Quoted {
    fn feed(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        let mut rest = chunk;
        while let Some((byte, after)) = rest.split_first() {
            if self.held.is_empty() {
                rest = self.pass_plain(rest, out);
            } else {
                self.take(*byte, out);
                rest = after;
            }
        }
    }

    /// While nothing is held, passes all up to an escape or the end of the line; returns the rest.
    fn pass_plain<'a>(&mut self, octets: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
        let end = memchr3(b'=', b'\r', b'\n', octets).unwrap_or(octets.len());
        let (plain, after) = octets.split_at(end);
        let blanks = plain.iter().rev().take_while(|b| matches!(b, b' ' | b'\t')).count();
        let (text, blanks) = plain.split_at(plain.len() - blanks);
        // As many as `take` would have let go, had they come one by one.
        let (content, held) =
            blanks.split_at(blanks.len().saturating_sub(1) / BLANKS_MAX * BLANKS_MAX);
        out.extend_from_slice(text);
        out.extend_from_slice(content);
        match after.split_first() {
            None => self.held.extend_from_slice(held),
            Some((b'=', _)) => {
                out.extend_from_slice(held);
                self.held.push(b'=');
            }
            Some((line_end, _)) => out.push(*line_end),
        }
        after.get(1..).unwrap_or_default()
    }

    /// Takes one octet while some are held.
    fn take(&mut self, byte: u8, out: &mut Vec<u8>) {
        match (self.held[..].first(), byte) {
            (Some(b'='), _) => self.take_escaped(byte, out),
            // Blanks at the end of a line were added on the way (RFC 2045 §6.7 rule 3).
            (_, b'\r' | b'\n') => {
                self.held.clear();
                out.push(byte);
            }
            (_, b' ' | b'\t') if self.held.len() < BLANKS_MAX => self.held.push(byte),
            _ => {
                out.append(&mut self.held);
                self.restart(byte, out);
            }
        }
    }

    fn take_escaped(&mut self, byte: u8, out: &mut Vec<u8>) {
        match (&self.held[1..], byte) {
            // A soft line break, perhaps with blanks before its end.
            (_, b'\n') if self.held[1..].iter().all(|b| b" \t\r".contains(b)) => self.held.clear(),
            ([], b' ' | b'\t' | b'\r') => self.held.push(byte),
            ([b' ' | b'\t', ..], b' ' | b'\t' | b'\r') if self.held.len() < BLANKS_MAX => {
                self.held.push(byte)
            }
            ([], _) if byte.is_ascii_hexdigit() => self.held.push(byte),
            ([high], low) if hex_pair(*high, low).is_some() => {
                out.extend(hex_pair(*high, low));
                self.held.clear();
            }
            _ => {
                out.append(&mut self.held);
                self.restart(byte, out);
            }
        }
    }

    /// Takes one octet while none is held.
    fn restart(&mut self, byte: u8, out: &mut Vec<u8>) {
        match byte {
            b'=' | b' ' | b'\t' => self.held.push(byte),
            _ => out.push(byte),
        }
    }

    fn finish(self, out: &mut Vec<u8>) {
        match &self.held[..] {
            [b'=', blanks @ ..] if blanks.iter().all(u8::is_ascii_whitespace) => {}
            [b'=', ..] => out.extend_from_slice(&self.held),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text must mean the same however it is cut.
    fn check(encoding: TransferEncoding, text: &[u8], expected: &[u8]) {
        for size in 1..=text.len().max(1) {
            let mut decoder = TransferDecoder::new(encoding);
            let mut out = Vec::new();
            text.chunks(size).for_each(|chunk| decoder.feed(chunk, &mut out));
            decoder.finish(&mut out);
            assert_eq!(out, expected, "{:?} by {size}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn base64_is_read_whatever_stands_between() {
        for (text, expected) in [
            (&b"aGVsbG8="[..], &b"hello"[..]),
            (b"aGVs\r\n bG8=\r\n", b"hello"),
            (b"aGVsbG8", b"hello"),
            (b"aGVsbA==aGVsbA==", b"hellhell"),
            (b"aGVs!!\0bG8", b"hello"),
            (b"a", b""),
            (b"=", b""),
            (b"", b""),
            (b"/+8A", b"\xff\xef\x00"),
        ] {
            check(TransferEncoding::Base64, text, expected);
        }
    }

    #[test]
    fn quoted_printable_is_read_with_its_errors() {
        for (text, expected) in [
            (&b"a=C3=b1o"[..], "a\u{f1}o".as_bytes()),
            (b"soft=\r\nbreak=\nhere= \t\r\nend", b"softbreakhereend"),
            (b"trailing  \t\r\nblanks kept  inside", b"trailing\r\nblanks kept  inside"),
            (b"a=b", b"a=b"),
            (b"a=XYb", b"a=XYb"),
            (b"a==3D", b"a=="),
            (b"a=3", b"a=3"),
            (b"a=", b"a"),
            (b"a= b", b"a= b"),
            (b"a=\rb", b"a=\rb"),
            (b"end  ", b"end"),
            (b"  =41", b"  A"),
            (b"", b""),
            (&[b"a", &b" ".repeat(BLANKS_MAX)[..], b"\n"].concat(), b"a\n"),
            (
                &[b"a", &b" ".repeat(BLANKS_MAX + 1)[..], b"\n"].concat(),
                &[b"a", &b" ".repeat(BLANKS_MAX)[..], b"\n"].concat(),
            ),
        ] {
            check(TransferEncoding::QuotedPrintable, text, expected);
        }
    }

    #[test]
    fn a_million_blanks_are_not_all_held() {
        let mut decoder = TransferDecoder::new(TransferEncoding::QuotedPrintable);
        let mut out = Vec::new();
        decoder.feed(&b" ".repeat(1_000_000), &mut out);
        assert!(out.len() > 990_000);
        decoder.feed(&[b"=", &b" ".repeat(1_000_000)[..]].concat(), &mut out);
        assert!(out.len() > 1_990_000);
    }
}
