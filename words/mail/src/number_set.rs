//! Sets of message numbers.

use std::fmt;

/// A set of numbers from 1, kept as sorted ranges that neither touch nor overlap: `1:3,7`.
/// `*` is resolved by whoever reads it from the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NumberSet {
    ranges: Vec<(u32, u32)>,
}

impl NumberSet {
    /// The empty set.
    pub const fn new() -> NumberSet {
        NumberSet { ranges: Vec::new() }
    }

    /// Just `first..=last`; empty if `first > last`.
    pub fn from_range(first: u32, last: u32) -> NumberSet {
        let mut set = NumberSet::new();
        set.insert_range(first, last);
        set
    }

    /// Adds one number. Cheap at the upper end.
    pub fn insert(&mut self, number: u32) {
        self.insert_range(number, number);
    }

    /// Adds `first..=last`; nothing if `first > last`.
    pub fn insert_range(&mut self, first: u32, last: u32) {
        if first > last {
            return;
        }
        // Ranges that end at least one short of `first` stay before; those that begin more than
        // one after `last` stay behind; all between melt into one.
        let from = self.ranges.partition_point(|r| r.1 < first.saturating_sub(1));
        let to = from + self.ranges[from..].partition_point(|r| r.0 <= last.saturating_add(1));
        let melted =
            self.ranges[from..to].iter().fold((first, last), |m, r| (m.0.min(r.0), m.1.max(r.1)));
        self.ranges.splice(from..to, [melted]);
    }

    /// Is `number` in it?
    pub fn contains(&self, number: u32) -> bool {
        let at = self.ranges.partition_point(|r| r.1 < number);
        self.ranges.get(at).is_some_and(|r| r.0 <= number)
    }

    /// Is it empty?
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// How many numbers are in it.
    pub fn len(&self) -> u64 {
        self.ranges.iter().map(|r| u64::from(r.1 - r.0) + 1).sum()
    }

    /// The ranges, rising, both ends within.
    pub fn ranges(&self) -> &[(u32, u32)] {
        &self.ranges
    }

    /// Every number, rising.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.ranges.iter().flat_map(|r| r.0..=r.1)
    }

    /// The least number.
    pub fn first(&self) -> Option<u32> {
        self.ranges.first().map(|r| r.0)
    }

    /// The greatest number.
    pub fn last(&self) -> Option<u32> {
        self.ranges.last().map(|r| r.1)
    }
}

impl FromIterator<u32> for NumberSet {
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> NumberSet {
        let mut set = NumberSet::new();
        numbers.into_iter().for_each(|n| set.insert(n));
        set
    }
}

impl fmt::Display for NumberSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (first, last)) in self.ranges.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            if first == last {
                write!(f, "{first}")?;
            } else {
                write!(f, "{first}:{last}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_melt_when_they_touch() {
        let mut set = NumberSet::new();
        for (first, last, want) in [
            (5, 7, "5:7"),
            (1, 1, "1,5:7"),
            (9, 9, "1,5:7,9"),
            (8, 8, "1,5:9"),
            (2, 4, "1:9"),
            (3, 2, "1:9"),
        ] {
            set.insert_range(first, last);
            assert_eq!(set.to_string(), want);
        }
        set.insert_range(u32::MAX, u32::MAX);
        assert_eq!((set.len(), set.contains(u32::MAX), set.contains(10)), (10, true, false));
    }
}
