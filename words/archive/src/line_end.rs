//! Line ends: LF on other programs' disks, CRLF in a message.

use memchr::memchr;

/// Turns line ends into CRLF, in pieces cut anywhere: an LF without a CR before it gets one, all else
/// stays.
///
/// ```
/// # use words_archive::LineEnds;
/// let mut ends = LineEnds::new();
/// let mut out = Vec::new();
/// ends.feed(b"a\nb\r", &mut out);
/// ends.feed(b"\nc", &mut out);
/// assert_eq!(out, b"a\r\nb\r\nc");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct LineEnds {
    after_cr: bool,
}

impl LineEnds {
    /// At the beginning of a message.
    pub fn new() -> LineEnds {
        LineEnds::default()
    }

    /// Appends the next piece.
    pub fn feed(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        out.reserve(piece.len() + piece.len() / 32);
        let mut rest = piece;
        while let Some(at) = memchr(b'\n', rest) {
            let line = &rest[..at];
            out.extend_from_slice(line);
            let after_cr = line.last().map_or(self.after_cr, |last| *last == b'\r');
            out.extend_from_slice(if after_cr { b"\n" } else { b"\r\n" });
            self.after_cr = false;
            rest = &rest[at + 1..];
        }
        if let Some(last) = rest.last() {
            self.after_cr = *last == b'\r';
            out.extend_from_slice(rest);
        }
    }
}

/// Turns CRLF into LF, in pieces cut anywhere. `held` says whether the last piece ended with a CR
/// that is still to be written; after the last piece, write it if so.
pub fn to_lf(piece: &[u8], held: &mut bool, out: &mut Vec<u8>) {
    out.reserve(piece.len() + 1);
    let mut rest = piece;
    if *held && !rest.is_empty() {
        if rest[0] != b'\n' {
            out.push(b'\r');
        }
        *held = false;
    }
    while let Some(at) = memchr(b'\r', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        match rest.first() {
            Some(b'\n') => {}
            Some(_) => out.push(b'\r'),
            None => *held = true,
        }
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn crlf(pieces: &[Vec<u8>]) -> Vec<u8> {
        let (mut ends, mut out) = (LineEnds::new(), Vec::new());
        pieces.iter().for_each(|piece| ends.feed(piece, &mut out));
        out
    }

    fn lf(pieces: &[Vec<u8>]) -> Vec<u8> {
        let (mut held, mut out) = (false, Vec::new());
        pieces.iter().for_each(|piece| to_lf(piece, &mut held, &mut out));
        out.extend(held.then_some(b'\r'));
        out
    }

    fn text() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let octet = prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'x')];
        prop::collection::vec(prop::collection::vec(octet, 0..6), 0..6)
    }

    proptest! {
        #[test]
        fn where_it_is_cut_does_not_matter(pieces in text()) {
            let whole = [pieces.concat()];
            prop_assert_eq!(crlf(&pieces), crlf(&whole));
            prop_assert_eq!(lf(&pieces), lf(&whole));
        }

        #[test]
        fn crlf_has_no_bare_lf_and_stays_as_it_is(pieces in text()) {
            let once = crlf(&pieces);
            prop_assert!(once.iter().enumerate().all(|(i, b)| *b != b'\n' || i > 0 && once[i - 1] == b'\r'));
            prop_assert_eq!(crlf(std::slice::from_ref(&once)), once);
        }

        #[test]
        fn what_was_all_lf_or_has_crlf_alone_comes_back(text in "[x\n]{0,20}") {
            let with_crlf = crlf(&[text.clone().into_bytes()]);
            prop_assert_eq!(lf(&[with_crlf]), text.into_bytes());
        }
    }
}
