//! Message numbers of a command, resolved against what the session knows.

use core_mailbox::Rows;
use proto_imap::ask::{Numbers, SequenceSet};
use std::ops::Range;
use words_mail::{NumberSet, Uid};

/// Places in a session's rows: rising ranges that do not touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places(Vec<Range<usize>>);

impl Places {
    /// The messages that `numbers` names, of those the session knows; `saved` is what `$` stands
    /// for. Numbers that nobody has name nothing (RFC 9051 §6.4.9, for UIDs).
    pub fn of(numbers: &Numbers, known: &Rows, saved: &NumberSet) -> Places {
        match numbers {
            Numbers::Seq(set) => Places::of_seqs(&resolve(set, known.len() as u32)),
            Numbers::Uid(set) => {
                let last = last_uid(known).map_or(0, |uid| uid.0);
                Places::of_uids(&resolve(set, last), known)
            }
            Numbers::Saved => Places::of_uids(saved, known),
        }
        .clipped(known.len())
    }

    fn of_seqs(seqs: &NumberSet) -> Places {
        let ranges = seqs.ranges().iter().filter(|r| r.0 > 0);
        Places(ranges.map(|r| r.0 as usize - 1..r.1 as usize).collect())
    }

    /// The places of those UIDs that `known` has.
    pub fn of_uids(uids: &NumberSet, known: &Rows) -> Places {
        let mut places = Places::default();
        for (first, last) in uids.ranges() {
            let from = known.find(Uid(*first)).unwrap_or_else(|place| place);
            let to = known.find(Uid(*last)).map_or_else(|place| place, |place| place + 1);
            places.push(from..to);
        }
        places
    }

    fn push(&mut self, range: Range<usize>) {
        match self.0.last_mut() {
            _ if range.is_empty() => {}
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.0.push(range),
        }
    }

    fn clipped(self, len: usize) -> Places {
        let mut places = Places::default();
        self.0.into_iter().for_each(|r| places.push(r.start.min(len)..r.end.min(len)));
        places
    }

    /// Every place from `place` on, rising.
    pub fn from(&self, place: usize) -> impl Iterator<Item = usize> + '_ {
        let skip = self.0.partition_point(|r| r.end <= place);
        self.0[skip..].iter().flat_map(move |r| r.start.max(place)..r.end)
    }

    /// Every place, rising.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.from(0)
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.iter().map(Range::len).sum()
    }

    /// Their UIDs. What lies between two neighbours in `known` is no message and never will be, so
    /// that a range of places is a range of UIDs.
    pub fn uids(&self, known: &Rows) -> NumberSet {
        let mut uids = NumberSet::new();
        for range in &self.0 {
            if let (Some(first), Some(last)) = (known.get(range.start), known.get(range.end - 1)) {
                uids.insert_range(first.uid.0, last.uid.0);
            }
        }
        uids
    }
}

/// The greatest UID of `rows`.
pub fn last_uid(rows: &Rows) -> Option<Uid> {
    rows.len().checked_sub(1).and_then(|place| rows.get(place)).map(|row| row.uid)
}

/// The numbers of a sequence-set, `*` standing for `star`. Sorted first: a set in falling order
/// would otherwise be inserted at its lower end again and again.
pub fn resolve(set: &SequenceSet, star: u32) -> NumberSet {
    let end = |end: Option<u32>| end.unwrap_or(star);
    let ordered = |(a, b): &(Option<u32>, Option<u32>)| {
        let (a, b) = (end(*a), end(*b));
        (a.min(b), a.max(b))
    };
    let mut ranges: Vec<(u32, u32)> = set.iter().map(ordered).collect();
    ranges.sort_unstable();
    let mut numbers = NumberSet::new();
    ranges.into_iter().for_each(|(first, last)| numbers.insert_range(first, last));
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(set: &[(Option<u32>, Option<u32>)], len: u32) -> Vec<usize> {
        let places = Places::of_seqs(&resolve(&set.to_vec(), len)).clipped(len as usize);
        assert_eq!(places.iter().count(), places.len());
        places.iter().collect()
    }

    #[test]
    fn sequence_sets_are_resolved_and_clipped() {
        let star = None;
        type Row<'a> = (&'a [(Option<u32>, Option<u32>)], u32, &'a [usize]);
        let table: &[Row] = &[
            (&[(Some(1), Some(3))], 5, &[0, 1, 2]),
            (&[(Some(3), Some(1))], 5, &[0, 1, 2]),
            (&[(star, star)], 5, &[4]),
            (&[(Some(4), star)], 5, &[3, 4]),
            // "9:*" always names the last message (RFC 9051 §9, seq-range).
            (&[(Some(9), star)], 5, &[4]),
            (&[(star, Some(1))], 3, &[0, 1, 2]),
            (&[(Some(2), Some(u32::MAX))], 3, &[1, 2]),
            (&[(Some(7), Some(9))], 3, &[]),
            (&[(Some(5), Some(5)), (Some(1), Some(2)), (Some(2), Some(3))], 9, &[0, 1, 2, 4]),
            (&[(Some(1), star)], 0, &[]),
            (&[(star, star)], 0, &[]),
        ];
        for (set, len, want) in table {
            assert_eq!(places(set, *len), *want, "{set:?} of {len}");
        }
    }

    #[test]
    fn a_page_begins_where_the_last_one_ended() {
        let places = Places(vec![1..4, 6..8]);
        assert_eq!(places.from(2).collect::<Vec<_>>(), [2, 3, 6, 7]);
        assert_eq!(places.from(4).collect::<Vec<_>>(), [6, 7]);
        assert_eq!(places.from(8).count(), 0);
    }
}
