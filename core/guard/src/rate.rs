//! How often something may go wrong.

use std::time::Duration;
use words_base::Timestamp;

/// So many failures at once; then one more for each span that passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Failures at once.
    pub burst: u32,
    /// In so long, one of them is forgotten.
    pub every: Duration,
}

/// Failures that are not forgotten yet: until when they all will be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Debt(Timestamp);

impl Debt {
    /// Failures that are not forgotten. A clock set back forgets them all, rather than none for
    /// ever.
    pub fn failures(self, rate: Rate, now: Timestamp) -> u32 {
        let left = self.0.since(now).as_millis();
        let failures = left.div_ceil(rate.every.as_millis().max(1));
        u32::try_from(failures).ok().filter(|count| *count <= rate.burst).unwrap_or(0)
    }

    /// May it be tried once more?
    pub fn allows(self, rate: Rate, now: Timestamp) -> bool {
        self.failures(rate, now) < rate.burst
    }

    /// One more failure.
    pub fn add(&mut self, rate: Rate, now: Timestamp) {
        // More can come at once than there is room for: they were all begun before the first failed.
        if self.failures(rate, now) == 0 {
            self.0 = now + rate.every;
        } else if self.allows(rate, now) {
            self.0 = self.0 + rate.every;
        }
    }

    /// One that was added was none.
    pub fn forgive(&mut self, rate: Rate, now: Timestamp) {
        let failures = self.failures(rate, now).saturating_sub(1);
        let left = self.0.since(now).saturating_sub(rate.every);
        self.0 = if failures == 0 { Timestamp::default() } else { now + left };
    }

    /// Is all forgotten?
    pub fn is_paid(self, now: Timestamp) -> bool {
        self.0 <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RATE: Rate = Rate { burst: 3, every: Duration::from_secs(10) };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_000_000 + seconds)
    }

    #[test]
    fn a_burst_is_allowed_and_then_one_each_span() {
        let mut debt = Debt::default();
        for _ in 0..3 {
            assert!(debt.allows(RATE, at(0)));
            debt.add(RATE, at(0));
        }
        assert!(!debt.allows(RATE, at(0)) && !debt.allows(RATE, at(9)));
        assert!(debt.allows(RATE, at(10)));
        debt.add(RATE, at(10));
        assert!(!debt.allows(RATE, at(19)) && debt.allows(RATE, at(20)));
        assert!(!debt.is_paid(at(39)) && debt.is_paid(at(40)));
        assert_eq!(debt.failures(RATE, at(20)), 2);
        assert_eq!(debt.failures(RATE, at(-600)), 0, "a clock set back");
        debt.forgive(RATE, at(20));
        assert_eq!(debt.failures(RATE, at(20)), 1);
        debt.forgive(RATE, at(20));
        debt.forgive(RATE, at(20));
        assert_eq!(debt, Debt::default());
    }

    proptest! {
        #[test]
        fn in_any_span_no_more_are_allowed_than_the_burst_and_its_share(
            steps in prop::collection::vec(0_i64..30, 1..200)
        ) {
            let (mut debt, mut now, mut heard) = (Debt::default(), 0, Vec::new());
            for step in steps {
                now += step;
                if debt.allows(RATE, at(now)) {
                    debt.add(RATE, at(now));
                    heard.push(now);
                }
            }
            for (place, from) in heard.iter().enumerate() {
                for (count, until) in heard[place..].iter().enumerate() {
                    prop_assert!(count as i64 <= 3 + (until - from) / 10);
                }
            }
        }
    }
}
