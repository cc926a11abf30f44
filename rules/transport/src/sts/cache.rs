//! How long a policy is kept, and when the web is asked again.

use super::Policy;
use std::time::Duration;
use words_base::Timestamp;

/// After the web could not be asked, so long it is not asked again (RFC 8461 §3.3).
pub const RETRY_AFTER: Duration = Duration::from_secs(5 * 60);
/// A policy in use is fetched anew so often, lest it runs out just when somebody keeps us from the web
/// (RFC 8461 §10.2).
const REFRESH_AFTER: Duration = Duration::from_secs(24 * 3600);

/// What is kept of a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cached {
    /// The policy and the id that its domain's record had; none if there never was one.
    pub live: Option<Live>,
    /// When the web was last asked in vain, since the last success.
    pub failed_at: Option<Timestamp>,
}

/// A policy that was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live {
    /// The id that stood in the DNS then.
    pub id: String,
    /// What the domain says.
    pub policy: Policy,
    /// When it was fetched.
    pub fetched_at: Timestamp,
}

impl Live {
    /// May it still be used (RFC 8461 §3.2)?
    pub fn holds(&self, now: Timestamp) -> bool {
        now < self.fetched_at + self.policy.max_age
    }

    /// Is it time to fetch it anew, though nothing says that it has changed?
    pub fn is_stale(&self, now: Timestamp) -> bool {
        now >= self.fetched_at + (REFRESH_AFTER.min(self.policy.max_age / 2))
    }
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Use what is kept, if anything is.
    Use,
    /// Ask the web; if it does not answer, use what is kept, if anything is.
    Fetch,
}

/// What to do, with what is kept of a domain and what its record says now. `id` is none where the DNS
/// has no good record or could not be asked: a policy that still holds is used all the same, else
/// whoever can keep the DNS from us could switch it off (RFC 8461 §3.1, §5.1).
pub fn next(cached: Option<&Cached>, id: Option<&str>, now: Timestamp) -> Next {
    let Some(id) = id else { return Next::Use };
    let failed_at = cached.and_then(|cached| cached.failed_at);
    if failed_at.is_some_and(|at| now >= at && now < at + RETRY_AFTER) {
        return Next::Use;
    }
    match cached.and_then(|cached| cached.live.as_ref()).filter(|live| live.holds(now)) {
        Some(live) if live.id == id && !live.is_stale(now) => Next::Use,
        _ => Next::Fetch,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MORNING: Timestamp = Timestamp::from_millis(1_795_514_400_000);
    const HOUR: Duration = Duration::from_secs(3600);

    fn live(max_age: &str) -> Live {
        let text = format!("version: STSv1\nmode: enforce\nmx: a.example\nmax_age: {max_age}\n");
        let policy = Policy::parse(text.as_bytes()).unwrap();
        Live { id: "1".to_string(), policy, fetched_at: MORNING }
    }

    #[test]
    fn when_the_web_is_asked() {
        let week = Some(live("604800"));
        let brief = Some(live("7200"));
        for (live, failed, id, hours, want) in [
            (&None, None, None, 0, Next::Use),
            (&None, None, Some("1"), 0, Next::Fetch),
            (&week, None, Some("1"), 0, Next::Use),
            (&week, None, Some("1"), 23, Next::Use),
            (&week, None, Some("1"), 24, Next::Fetch),
            (&week, None, Some("2"), 0, Next::Fetch),
            (&week, None, None, 0, Next::Use),
            (&week, None, None, 1000, Next::Use),
            (&week, None, Some("1"), 168, Next::Fetch),
            (&brief, None, Some("1"), 0, Next::Use),
            (&brief, None, Some("1"), 1, Next::Fetch),
            (&week, Some(0), Some("2"), 0, Next::Use),
            (&week, Some(0), Some("2"), 1, Next::Fetch),
            (&None, Some(0), Some("1"), 0, Next::Use),
            (&None, Some(0), Some("1"), 1, Next::Fetch),
            // The clock went back: nobody waits for it to come again.
            (&None, Some(9), Some("1"), 1, Next::Fetch),
        ] {
            let failed_at = failed.map(|hours| MORNING + HOUR * hours);
            let cached = Cached { live: live.clone(), failed_at };
            let got = next(Some(&cached), id, MORNING + HOUR * hours);
            assert_eq!(got, want, "{id:?} after {hours} h, failed {failed:?}");
        }
        assert_eq!(next(None, Some("1"), MORNING), Next::Fetch);
        assert_eq!(next(None, None, MORNING), Next::Use);
    }

    #[test]
    fn a_policy_holds_as_long_as_it_says() {
        let week = live("604800");
        assert!(week.holds(MORNING) && week.holds(MORNING + HOUR * 167));
        assert!(!week.holds(MORNING + HOUR * 168));
        assert!(!live("0").holds(MORNING));
    }
}
