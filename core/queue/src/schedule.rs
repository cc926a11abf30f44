//! When to try again, and when to give up.

use std::time::Duration;
use words_base::Timestamp;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// How patiently a class of mail is tried (RFC 5321 §4.5.4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The wait after the first failure; it doubles with each,
    pub first: Duration,
    /// up to this.
    pub delay_max: Duration,
    /// The sender is told once of a message that has waited so long.
    pub notice_after: Option<Duration>,
    /// A message that has waited so long is given up at its next failure.
    pub give_up_after: Duration,
}

impl Default for Schedule {
    fn default() -> Schedule {
        Schedule {
            first: 5 * MINUTE,
            delay_max: 4 * HOUR,
            notice_after: Some(4 * HOUR),
            give_up_after: 5 * DAY,
        }
    }
}

/// What is done with a recipient after a temporary failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is tried again then.
    Retry(Timestamp),
    /// It has waited long enough.
    GiveUp,
}

/// A wait is shorter or longer by at most one part in so many.
const JITTER: u64 = 10;

/// When to try again after `failures` temporary failures, the last one at `now`. Doubles from
/// `first` up to `delay_max`; `chance`, any number, moves it by a tenth either way, so that what
/// failed together does not come back together. The last try is made when the time is over.
pub fn next_attempt(
    schedule: &Schedule,
    queued_at: Timestamp,
    failures: u32,
    now: Timestamp,
    chance: u64,
) -> Next {
    let gives_up_at = queued_at + schedule.give_up_after;
    if now >= gives_up_at {
        return Next::GiveUp;
    }
    let wait = jittered(doubled(schedule.first, failures, schedule.delay_max), chance);
    Next::Retry((now + wait).min(gives_up_at))
}

/// `first`, doubled with every failure after the first, up to `max`.
pub(crate) fn doubled(first: Duration, failures: u32, max: Duration) -> Duration {
    let doublings = failures.saturating_sub(1).min(31);
    first.saturating_mul(1 << doublings).min(max)
}

/// `wait`, a tenth shorter or longer, or something between.
pub(crate) fn jittered(wait: Duration, chance: u64) -> Duration {
    let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX / 2);
    let span = millis / JITTER * 2 + 1;
    Duration::from_millis(millis - millis / JITTER + chance % span)
}

/// Is the sender to be told that the message is late?
pub(crate) fn is_late(schedule: &Schedule, queued_at: Timestamp, now: Timestamp) -> bool {
    schedule.notice_after.is_some_and(|after| now >= queued_at + after)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUEUED: Timestamp = Timestamp::from_seconds(1_000_000);

    fn wait(failures: u32, chance: u64) -> Duration {
        match next_attempt(&Schedule::default(), QUEUED, failures, QUEUED, chance) {
            Next::Retry(at) => at.since(QUEUED),
            Next::GiveUp => panic!("given up at once"),
        }
    }

    #[test]
    fn waits_double_from_five_minutes_to_four_hours() {
        // The middle of the jitter: a tenth of the wait.
        let middle = |minutes: u64| minutes * 60_000 / 10;
        for (failures, minutes) in
            [(0, 5), (1, 5), (2, 10), (3, 20), (4, 40), (5, 80), (6, 160), (7, 240), (99, 240)]
        {
            assert_eq!(wait(failures, middle(minutes)), minutes as u32 * MINUTE, "{failures}");
        }
    }

    #[test]
    fn jitter_is_a_tenth_either_way_and_no_more() {
        let waits: Vec<Duration> = (0..200_000).step_by(7).map(|c| wait(1, c)).collect();
        assert_eq!(waits.iter().min(), Some(&Duration::from_millis(270_000)));
        assert!(waits.iter().max().unwrap() <= &Duration::from_millis(330_000));
        assert!(waits.iter().max().unwrap() > &Duration::from_millis(329_900));
        assert_eq!(jittered(Duration::ZERO, 77), Duration::ZERO);
    }

    #[test]
    fn the_last_try_is_made_when_the_time_is_over() {
        let schedule = Schedule::default();
        let late = QUEUED + 5 * DAY;
        let before = late + Duration::ZERO;
        let now = Timestamp::from_millis(before.millis() - 1);
        assert_eq!(next_attempt(&schedule, QUEUED, 40, now, 3), Next::Retry(late));
        assert_eq!(next_attempt(&schedule, QUEUED, 40, late, 3), Next::GiveUp);
    }

    #[test]
    fn extremes_do_no_harm() {
        let schedule =
            Schedule { first: Duration::MAX, delay_max: Duration::MAX, ..Schedule::default() };
        let next = next_attempt(&schedule, QUEUED, u32::MAX, QUEUED, u64::MAX);
        assert_eq!(next, Next::Retry(QUEUED + 5 * DAY));
        assert!(is_late(&Schedule::default(), QUEUED, QUEUED + 4 * HOUR));
        assert!(!is_late(&Schedule::default(), QUEUED + 4 * HOUR, QUEUED));
        let never = Schedule { notice_after: None, ..Schedule::default() };
        assert!(!is_late(&never, QUEUED, QUEUED + 400 * HOUR));
    }
}
