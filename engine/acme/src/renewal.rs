//! When the next certificate is asked for.

use engine_net::Validity;
use std::time::Duration;
use words_base::Timestamp;

/// After the first failure,
const FIRST: Duration = Duration::from_secs(5 * 60);
/// and after many: authorities count failures, and shut out who has too many.
const LAST: Duration = Duration::from_secs(12 * 3600);

/// When two thirds of the life are over, sooner by up to a twentieth of it: servers that were set up
/// together do not come together. `chance` is any number.
pub fn renew_at(validity: Validity, chance: u64) -> Timestamp {
    let life = validity.until.since(validity.from);
    let early = life / 20 / 1000 * u32::try_from(chance % 1000).unwrap_or(0);
    validity.from + (life / 3 * 2).saturating_sub(early)
}

/// How long to wait after so many failures in a row, the first being 1: doubling, and up to a quarter
/// more by `chance`.
pub fn after_failure(failures: u32, chance: u64) -> Duration {
    let doubled = FIRST.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LAST);
    doubled + doubled / 4 / 1000 * u32::try_from(chance % 1000).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_renewed_in_good_time() {
        let day = Duration::from_secs(86_400);
        let from = Timestamp::from_seconds(1_795_514_400);
        for days in [1, 6, 90, 365] {
            let validity = Validity { from, until: from + day * days };
            for chance in [0, 1, 500, 999, u64::MAX] {
                let at = renew_at(validity, chance);
                assert!(at <= from + day * days * 2 / 3, "{days} {chance}");
                assert!(at >= from + day * days * 6 / 10, "{days} {chance}");
            }
        }
        let backward = Validity { from, until: from };
        assert_eq!(renew_at(backward, 7), from);
    }

    #[test]
    fn failures_grow_rare() {
        let minutes = |failures| after_failure(failures, 0).as_secs() / 60;
        assert_eq!([1, 2, 3, 4].map(minutes), [5, 10, 20, 40]);
        assert_eq!([9, 100, u32::MAX].map(minutes), [720; 3]);
        assert!(after_failure(1, 999) > FIRST && after_failure(1, 999) < FIRST * 5 / 4);
    }
}
