//! Arithmetic on number sets, range by range: a set of four thousand million costs as much as its
//! ranges.

use words_mail::NumberSet;

/// What is in both.
pub fn intersection(a: &NumberSet, b: &NumberSet) -> NumberSet {
    let (mut a, mut b) = (a.ranges().iter().peekable(), b.ranges().iter().peekable());
    let mut out = NumberSet::new();
    while let (Some(x), Some(y)) = (a.peek(), b.peek()) {
        out.insert_range(x.0.max(y.0), x.1.min(y.1));
        if x.1 < y.1 {
            a.next();
        } else {
            b.next();
        }
    }
    out
}

/// What is in `set`, but for the rising numbers of `without`.
pub fn difference(set: &NumberSet, without: impl IntoIterator<Item = u32>) -> NumberSet {
    let mut without = without.into_iter().peekable();
    let mut out = NumberSet::new();
    for (first, last) in set.ranges() {
        let mut from = *first;
        while let Some(number) = without.next_if(|n| n <= last) {
            if number < from {
                continue;
            }
            if number > from {
                out.insert_range(from, number - 1);
            }
            match number.checked_add(1) {
                Some(next) => from = next,
                None => return out,
            }
        }
        out.insert_range(from, *last);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// A cheap source of the same numbers each time.
    fn numbers(seed: &mut u64) -> NumberSet {
        let mut next = || {
            *seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (*seed >> 33) as u32
        };
        let count = next() % 20;
        (0..count).map(|_| 1 + next() % 40).collect()
    }

    #[test]
    fn sets_behave_like_sets() {
        let mut seed = 7;
        for _ in 0..2000 {
            let (a, b) = (numbers(&mut seed), numbers(&mut seed));
            let (x, y): (BTreeSet<u32>, BTreeSet<u32>) = (a.iter().collect(), b.iter().collect());
            let both: NumberSet = x.intersection(&y).copied().collect();
            let rest: NumberSet = x.difference(&y).copied().collect();
            assert_eq!(intersection(&a, &b), both, "{a} and {b}");
            assert_eq!(difference(&a, b.iter()), rest, "{a} without {b}");
        }
    }

    #[test]
    fn the_largest_set_is_no_burden() {
        let all = NumberSet::from_range(1, u32::MAX);
        assert_eq!(intersection(&all, &NumberSet::from_range(5, 9)).to_string(), "5:9");
        assert_eq!(difference(&all, [1, u32::MAX]).to_string(), format!("2:{}", u32::MAX - 1));
    }
}
