//! What follows from an outcome: pure.

use crate::bounce::Kind;
use crate::record::{Bounce, Row};
use crate::schedule::{Next, is_late, next_attempt};
use crate::{Fate, LastWords, Onward, Outcome, Said, Schedule};
use words_base::Timestamp;

/// What becomes of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// It goes; its sender may have to be told.
    Gone { bounce: Option<(Kind, Bounce)> },
    /// It waits, `None`: as before, else until then; its sender may have to be told that it is late.
    Stays { row: Row, next: Option<Timestamp>, delayed: Option<Bounce> },
}

/// What is known of the message and its attempt.
#[derive(Clone, Copy)]
pub(crate) struct Circumstances<'a> {
    pub schedule: &'a Schedule,
    pub at: Timestamp,
    /// Is there a sender who can be told?
    pub reportable: bool,
    pub chance: u64,
}

impl Circumstances<'_> {
    /// What follows from an attempt's `outcome` for `row`.
    pub fn decide(&self, row: &Row, outcome: &Outcome) -> (After, Fate) {
        let tried = row.attempts.saturating_add(1);
        match outcome {
            Outcome::Delivered { said, onward } => {
                let kind = match onward {
                    Onward::Reports => None,
                    Onward::Silent => Some(Kind::Relayed),
                    Onward::Final => Some(Kind::Delivered),
                };
                let wanted = kind.filter(|_| row.recipient.notify.on_success());
                (self.gone(row, tried, wanted, false, said), Fate::Delivered)
            }
            Outcome::Failed { said } => (self.failed(row, tried, false, said), Fate::Refused),
            Outcome::Deferred { said, retry_at } => self.defer(row, tried, said, *retry_at),
        }
    }

    fn defer(
        &self,
        row: &Row,
        tried: u32,
        said: &Said,
        retry_at: Option<Timestamp>,
    ) -> (After, Fate) {
        let next = next_attempt(self.schedule, row.queued_at, tried, self.at, self.chance);
        let Next::Retry(scheduled) = next else {
            return (self.failed(row, tried, true, said), Fate::Expired);
        };
        let gives_up_at = row.queued_at + self.schedule.give_up_after;
        let next_at = retry_at.map_or(scheduled, |at| at.max(self.at).min(gives_up_at));
        let mut waits = row.clone();
        waits.attempts = tried;
        let delayed = self.late(&mut waits, said);
        waits.last = Some(LastWords { at: self.at, said: said.bounded() });
        (After::Stays { row: waits, next: Some(next_at), delayed }, Fate::Deferred { next_at })
    }

    /// What the dead destination of `row`, that said `said` last, does to it without an attempt of
    /// its own. `None`: nothing.
    pub fn age(&self, row: &Row, said: &Said) -> Option<(After, Fate)> {
        if self.at >= row.queued_at + self.schedule.give_up_after {
            return Some((self.failed(row, row.attempts, true, said), Fate::Expired));
        }
        let mut waits = row.clone();
        let delayed = Some(self.late(&mut waits, said)?);
        let next_at = self.at;
        Some((After::Stays { row: waits, next: None, delayed }, Fate::Deferred { next_at }))
    }

    /// Gives `row` up.
    pub fn failed(&self, row: &Row, attempts: u32, expired: bool, said: &Said) -> After {
        let wanted = row.recipient.notify.on_failure().then_some(Kind::Failed);
        self.gone(row, attempts, wanted, expired, said)
    }

    fn gone(
        &self,
        row: &Row,
        attempts: u32,
        kind: Option<Kind>,
        expired: bool,
        said: &Said,
    ) -> After {
        let kind = kind.filter(|_| self.reportable);
        After::Gone { bounce: kind.map(|kind| (kind, self.bounce(row, attempts, expired, said))) }
    }

    /// Notes in `row` that it is late, if it is and was not known to be; what the sender is told.
    fn late(&self, row: &mut Row, said: &Said) -> Option<Bounce> {
        if row.noticed || !is_late(self.schedule, row.queued_at, self.at) {
            return None;
        }
        row.noticed = true;
        let wanted = self.reportable && row.recipient.notify.on_delay();
        wanted.then(|| self.bounce(row, row.attempts, false, said))
    }

    fn bounce(&self, row: &Row, attempts: u32, expired: bool, said: &Said) -> Bounce {
        Bounce {
            at: self.at,
            queued_at: row.queued_at,
            recipient: row.recipient.clone(),
            attempts,
            expired,
            until: row.queued_at + self.schedule.give_up_after,
            said: said.bounded(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NewRecipient;
    use std::time::Duration;
    use words_mail::{Address, EnhancedStatus, Notify};

    const AT: Timestamp = Timestamp::from_seconds(1_000_000);
    const HOUR: Duration = Duration::from_secs(3600);

    fn row(notify: &str, age: Duration) -> Row {
        let address = Address::parse("bob@far.org").unwrap();
        let notify =
            if notify.is_empty() { Notify::Unsaid } else { Notify::parse(notify).unwrap() };
        let queued_at = Timestamp::from_millis(AT.millis() - age.as_millis() as i64);
        let recipient = NewRecipient { address, notify, orcpt: None };
        Row { queued_at, attempts: 2, noticed: false, recipient, last: None }
    }

    fn said() -> Said {
        Said::ours(EnhancedStatus(4, 4, 1), "no answer")
    }

    fn decide(row: &Row, outcome: Outcome, reportable: bool) -> (After, Fate) {
        let schedule = Schedule::default();
        Circumstances { schedule: &schedule, at: AT, reportable, chance: 5 }.decide(row, &outcome)
    }

    fn kind(after: &After) -> Option<Kind> {
        match after {
            After::Gone { bounce } => bounce.as_ref().map(|(kind, _)| *kind),
            After::Stays { delayed, .. } => delayed.as_ref().map(|_| Kind::Delayed),
        }
    }

    #[test]
    fn senders_hear_what_they_want_to_hear() {
        use Kind::*;
        let delivered = |onward| Outcome::Delivered { said: said(), onward };
        let failed = || Outcome::Failed { said: said() };
        let deferred = || Outcome::Deferred { said: said(), retry_at: None };
        let (late, old) = (4 * HOUR, 120 * HOUR);
        for (notify, age, outcome, told) in [
            ("", HOUR, failed(), Some(Failed)),
            ("NEVER", HOUR, failed(), None),
            ("SUCCESS", HOUR, failed(), None),
            ("FAILURE", HOUR, failed(), Some(Failed)),
            ("", HOUR, deferred(), None),
            ("", late, deferred(), Some(Delayed)),
            ("FAILURE", late, deferred(), None),
            ("NEVER", late, deferred(), None),
            ("DELAY", late, deferred(), Some(Delayed)),
            ("", old, deferred(), Some(Failed)),
            ("NEVER", old, deferred(), None),
            ("", HOUR, delivered(Onward::Silent), None),
            ("SUCCESS", HOUR, delivered(Onward::Silent), Some(Relayed)),
            ("SUCCESS", HOUR, delivered(Onward::Final), Some(Delivered)),
            ("SUCCESS", HOUR, delivered(Onward::Reports), None),
        ] {
            let row = row(notify, age);
            let (after, _) = decide(&row, outcome.clone(), true);
            assert_eq!(kind(&after), told, "{notify} {age:?} {outcome:?}");
            // To the null path nothing is ever reported.
            assert_eq!(kind(&decide(&row, outcome, false).0), None);
        }
    }

    #[test]
    fn a_sender_is_told_of_a_delay_once() {
        let outcome = Outcome::Deferred { said: said(), retry_at: None };
        let (After::Stays { row, .. }, _) = decide(&row("", 5 * HOUR), outcome.clone(), true)
        else {
            panic!()
        };
        assert!(row.noticed);
        assert_eq!(row.attempts, 3);
        assert_eq!(kind(&decide(&row, outcome, true).0), None);
    }

    #[test]
    fn who_says_when_to_come_again_is_heard() {
        let soon = AT + Duration::from_secs(10);
        let ask = |retry_at| {
            let outcome = Outcome::Deferred { said: said(), retry_at: Some(retry_at) };
            decide(&row("", HOUR), outcome, true).1
        };
        assert_eq!(ask(soon), Fate::Deferred { next_at: soon });
        assert_eq!(ask(Timestamp::from_seconds(0)), Fate::Deferred { next_at: AT });
        let end = AT + 119 * HOUR;
        assert_eq!(ask(AT + 1000 * HOUR), Fate::Deferred { next_at: end });
    }

    #[test]
    fn what_waits_for_the_dead_grows_old_all_the_same() {
        let schedule = Schedule::default();
        let now = Circumstances { schedule: &schedule, at: AT, reportable: true, chance: 0 };
        assert_eq!(now.age(&row("", HOUR), &said()), None);
        assert_eq!(now.age(&row("NEVER", 5 * HOUR), &said()), None);
        let (after, _) = now.age(&row("", 5 * HOUR), &said()).unwrap();
        assert_eq!(kind(&after), Some(Kind::Delayed));
        let (after, fate) = now.age(&row("", 120 * HOUR), &said()).unwrap();
        assert_eq!((kind(&after), fate), (Some(Kind::Failed), Fate::Expired));
        let (after, _) = now.age(&row("NEVER", 120 * HOUR), &said()).unwrap();
        assert_eq!(after, After::Gone { bounce: None });
    }
}
