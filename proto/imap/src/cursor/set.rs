//! Sets of message numbers in commands.

use super::Cursor;
use crate::ask::{Numbers, SequenceSet};
use words_base::SyntaxError;
use words_mail::NumberSet;

const EXPECTED: &str = "a sequence set like 1:3,5 or $";

/// Which kind of numbers a command takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Sequence numbers.
    Seq,
    /// UIDs.
    Uid,
}

impl Kind {
    /// The numbers of a set, as this kind.
    pub fn numbers(self, set: SequenceSet) -> Numbers {
        match self {
            Kind::Seq => Numbers::Seq(set),
            Kind::Uid => Numbers::Uid(set),
        }
    }
}

impl Cursor<'_> {
    /// `sequence-set / seq-last-command` (RFC 5182 §3)
    pub fn numbers(&mut self, kind: Kind) -> Result<Numbers, SyntaxError> {
        if self.take(b'$') {
            return Ok(Numbers::Saved);
        }
        Ok(kind.numbers(self.sequence_set()?))
    }

    /// ```abnf
    /// sequence-set = (seq-number / seq-range) *("," sequence-set)
    /// seq-range    = seq-number ":" seq-number
    /// seq-number   = nz-number / "*"
    /// ```
    pub fn sequence_set(&mut self) -> Result<SequenceSet, SyntaxError> {
        let mut set = SequenceSet::new();
        loop {
            let first = self.seq_number()?;
            let last = if self.take(b':') { self.seq_number()? } else { first };
            set.push((first, last));
            if !self.take(b',') {
                return Ok(set);
            }
        }
    }

    fn seq_number(&mut self) -> Result<Option<u32>, SyntaxError> {
        if self.take(b'*') {
            return Ok(None);
        }
        let start = self.at();
        match self.number32() {
            Ok(number) if number > 0 => Ok(Some(number)),
            _ => Err(SyntaxError::new(start, EXPECTED)),
        }
    }

    /// A set without `*`, as clients name what they know (RFC 7162 §7 known-uids).
    pub fn known_set(&mut self) -> Result<NumberSet, SyntaxError> {
        let start = self.at();
        let mut set = NumberSet::new();
        for range in self.sequence_set()? {
            let (Some(a), Some(b)) = range else {
                return Err(SyntaxError::new(start, "a set without *"));
            };
            set.insert_range(a.min(b), a.max(b));
        }
        Ok(set)
    }

    /// Is a set next, as a search key?
    pub fn is_at_set(&self) -> bool {
        matches!(self.peek(), Some(b'0'..=b'9' | b'*' | b'$'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::print::Utf8;

    #[test]
    fn sets_keep_their_ends_as_written() {
        let star = None;
        for (text, want) in [
            ("1", vec![(Some(1), Some(1))]),
            ("1:3,5", vec![(Some(1), Some(3)), (Some(5), Some(5))]),
            ("*:4", vec![(star, Some(4))]),
            ("*", vec![(star, star)]),
            ("1:4294967296", vec![(Some(1), Some(u32::MAX))]),
        ] {
            let read = Cursor::new(text.as_bytes(), Utf8::Off).numbers(Kind::Uid);
            assert_eq!(read, Ok(Numbers::Uid(want)), "{text}");
        }
        assert_eq!(Cursor::new(b"$", Utf8::Off).numbers(Kind::Seq), Ok(Numbers::Saved));
        for text in ["", "0", "1:", "1,", ",1", "a", "1:0"] {
            assert!(Cursor::new(text.as_bytes(), Utf8::Off).numbers(Kind::Seq).is_err(), "{text}");
        }
    }

    #[test]
    fn known_sets_are_sorted() {
        let read = Cursor::new(b"5:3,1", Utf8::Off).known_set().unwrap();
        assert_eq!(read.to_string(), "1,3:5");
        assert!(Cursor::new(b"1:*", Utf8::Off).known_set().is_err());
    }
}
