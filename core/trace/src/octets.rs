//! Fields of records. Numbers are big-endian; a text is two octets of length and UTF-8.

use std::fmt::{self, Display, Write};
use words_base::Timestamp;

/// Adds a text, cut so that it has at most `len_max` octets.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &dyn Display, len_max: usize) {
    let begin = out.len();
    out.extend_from_slice(&[0; 2]);
    let room = len_max.min(usize::from(u16::MAX));
    // The only error is that there is no more room, and then it is cut.
    let _ = write!(Cut { out, room }, "{text}");
    let len = (out.len() - begin - 2) as u16;
    out[begin..begin + 2].copy_from_slice(&len.to_be_bytes());
}

/// Writes as many whole characters as there is room for; control characters as blanks.
struct Cut<'a> {
    out: &'a mut Vec<u8>,
    room: usize,
}

impl Write for Cut<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            let c = if c.is_control() { ' ' } else { c };
            self.room = self.room.checked_sub(c.len_utf8()).ok_or(fmt::Error)?;
            let mut octets = [0; 4];
            self.out.extend_from_slice(c.encode_utf8(&mut octets).as_bytes());
        }
        Ok(())
    }
}

/// The octets of a record that are still to be read. Each step is `None` past the end.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(|[octet]| octet)
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn time(&mut self) -> Option<Timestamp> {
        self.array().map(|octets| Timestamp::from_millis(i64::from_be_bytes(octets)))
    }

    pub(crate) fn text(&mut self) -> Option<String> {
        let len = self.u16()?.into();
        Some(str::from_utf8(self.take(len)?).ok()?.to_string())
    }

    /// A text that is not there if it is empty.
    pub(crate) fn maybe_text(&mut self) -> Option<Option<String>> {
        self.text().map(|text| Some(text).filter(|text| !text.is_empty()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters_and_have_no_controls() {
        for (text, len_max, want) in
            [("añ", 9, "añ"), ("añ", 3, "añ"), ("añ", 2, "a"), ("a\r\nb", 9, "a  b"), ("", 0, "")]
        {
            let mut out = vec![7];
            put_text(&mut out, &text, len_max);
            assert_eq!(Reader(&out[1..]).text().as_deref(), Some(want), "{text:?} {len_max}");
        }
    }
}
