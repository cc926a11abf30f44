//! What is known of one destination: how many jobs it bears, whether it lives, what waits for it.

use crate::key::HELD;
use crate::record::Pause;
use crate::schedule::{doubled, jittered};
use crate::{Contact, Options, Said};
use core_store::{Key, Value};
use std::collections::VecDeque;
use words_base::Timestamp;

/// Classes of mail.
pub(crate) const CLASSES: usize = crate::Class::ALL.len();
/// When so many cohorts — as many jobs as go at once — have failed in a row, the destination is dead.
const COHORTS_DEAD: f32 = 0.999;
/// Jobs at once to a destination that has just come back.
const WINDOW_RECOVERED: f32 = 2.0;

/// A destination. Small: there may be hundreds of thousands.
pub(crate) struct Site {
    /// Jobs that may go at once; its fraction is what was learnt and does not show yet.
    window: f32,
    /// Cohorts that have failed since something was last reached.
    failed: f32,
    /// Jobs at this moment.
    pub jobs: u16,
    /// In which rings it stands, a bit for each class.
    pub rings: u8,
    /// Is it to be forgotten when others need its place?
    pub idle: bool,
    /// Are its rows looked through from time to time, because it is dead?
    pub aging: bool,
    /// Since when nothing is reached.
    pub pause: Option<Box<Pause>>,
    /// For each class, the time of its first row; [`HELD`]: it has none that may become due.
    pub next: [u64; CLASSES],
    /// Where it stands in the agenda; [`HELD`]: it does not.
    pub agenda_at: u64,
    /// How far its rows are read, once anybody has begun to.
    pub lines: Option<Box<[Line; CLASSES]>>,
}

/// How far the rows of one class are read. Before the cursor there are only rows that are in the
/// buffer, leased or on hold.
#[derive(Default)]
pub(crate) struct Line {
    /// Where reading goes on. `None`: at the beginning.
    pub cursor: Option<Key>,
    /// Due rows that are nobody's yet.
    pub buffer: VecDeque<(Key, Value)>,
    /// Is somebody reading at this moment?
    pub reading: bool,
    /// The least row that came while somebody was.
    pub lowered: Option<Key>,
    /// Rows whose jobs have ended while somebody was: they may be in what was read, and be moved or
    /// gone. No job of the line begins meanwhile, so they are few.
    pub ended: Vec<Key>,
}

/// What an attempt has changed of a destination as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum PauseChange {
    #[default]
    Same,
    Begun(Pause),
    Over,
}

impl Site {
    pub fn new(options: &Options) -> Site {
        Site {
            window: f32::from(options.concurrency_first.clamp(1, options.concurrency_max)),
            failed: 0.0,
            jobs: 0,
            rings: 0,
            idle: false,
            aging: false,
            pause: None,
            next: [HELD; CLASSES],
            agenda_at: HELD,
            lines: None,
        }
    }

    /// Jobs that may go at once; one alone tries whether a dead destination lives again.
    pub fn window(&self) -> u16 {
        if self.pause.is_some() { 1 } else { self.window as u16 }
    }

    /// Until when nothing is tried.
    pub fn paused_until(&self, now: u64) -> Option<u64> {
        let until = crate::key::time(self.pause.as_ref()?.until);
        (until > now).then_some(until)
    }

    /// May one more job begin?
    pub fn may_begin(&self, now: u64) -> bool {
        self.jobs < self.window() && self.paused_until(now).is_none()
    }

    /// Has `class` something that is due, as far as is known?
    pub fn is_due(&self, class: usize, now: u64) -> bool {
        let buffered = |lines: &[Line; CLASSES]| !lines[class].buffer.is_empty();
        self.next[class] <= now || self.lines.as_deref().is_some_and(buffered)
    }

    /// The line of a class.
    pub fn line(&mut self, class: usize) -> &mut Line {
        &mut self.lines.get_or_insert_default()[class]
    }

    /// A job of these rows ends: whoever is reading may have read them before.
    pub fn ended(&mut self, rows: &[(Key, Value)]) {
        let Some(lines) = &mut self.lines else { return };
        for (key, _) in rows {
            let class = crate::key::parse_row(key).map(|row| usize::from(row.class.to_octet()));
            if let Some(line) = class.and_then(|class| lines.get_mut(class))
                && line.reading
            {
                line.ended.push(key.clone());
            }
        }
    }

    /// Is it only remembered?
    pub fn is_at_rest(&self, now: u64) -> bool {
        let quiet = |line: &Line| !line.reading && line.buffer.is_empty();
        self.jobs == 0
            && self.next.iter().all(|next| *next == HELD)
            && self.paused_until(now).is_none()
            && self.lines.as_deref().is_none_or(|lines| lines.iter().all(quiet))
    }

    /// Learns from an attempt. Where something is reached, one more job may go with each cohort
    /// that succeeds; each job that reaches nothing takes one away, and a whole cohort of them, or
    /// the one that tries whether it lives, begins a pause.
    pub fn learn(
        &mut self,
        contact: Contact,
        said: Option<&Said>,
        at: Timestamp,
        options: &Options,
        chance: u64,
    ) -> PauseChange {
        match contact {
            Contact::Untried => PauseChange::Same,
            Contact::Reached => {
                self.failed = 0.0;
                if self.pause.take().is_some() {
                    self.window = WINDOW_RECOVERED.min(f32::from(options.concurrency_max));
                    return PauseChange::Over;
                }
                self.window =
                    (self.window + 1.0 / self.window).min(f32::from(options.concurrency_max));
                PauseChange::Same
            }
            Contact::Failed => self.fail(said, at, options, chance),
        }
    }

    fn fail(
        &mut self,
        said: Option<&Said>,
        at: Timestamp,
        options: &Options,
        chance: u64,
    ) -> PauseChange {
        let times = match &self.pause {
            // Those that were under way when the pause began say nothing new.
            Some(pause) if pause.until > at => return PauseChange::Same,
            Some(pause) => pause.times.saturating_add(1),
            None => {
                self.failed += 1.0 / self.window;
                self.window = (self.window - 1.0).max(1.0);
                if self.failed < COHORTS_DEAD {
                    return PauseChange::Same;
                }
                1
            }
        };
        (self.window, self.failed) = (1.0, 0.0);
        let wait = jittered(doubled(options.pause_first, times, options.pause_max), chance);
        let unknown = || Said::ours(words_mail::EnhancedStatus(4, 4, 1), "no answer");
        let said = said.cloned().unwrap_or_else(unknown).bounded();
        let pause = Pause { until: at + wait, times, at, said };
        self.pause = Some(Box::new(pause.clone()));
        PauseChange::Begun(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const AT: Timestamp = Timestamp::from_seconds(1_000_000);

    struct Scene {
        site: Site,
        options: Options,
        now: Timestamp,
    }

    impl Scene {
        fn new() -> Scene {
            let options = Options::new("x.org");
            Scene { site: Site::new(&options), options, now: AT }
        }

        fn learn(&mut self, contact: Contact) -> PauseChange {
            // The middle of the jitter of five minutes.
            self.site.learn(contact, None, self.now, &self.options, 30_000)
        }
    }

    #[test]
    fn success_opens_the_window_by_one_a_cohort_up_to_its_limit() {
        let mut scene = Scene::new();
        assert_eq!(scene.site.window(), 5);
        (0..6).for_each(|_| drop(scene.learn(Contact::Reached)));
        assert_eq!(scene.site.window(), 6);
        (0..1000).for_each(|_| drop(scene.learn(Contact::Reached)));
        assert_eq!(scene.site.window(), 20);
    }

    #[test]
    fn one_failure_closes_the_window_a_little_and_a_success_forgives() {
        let mut scene = Scene::new();
        for _ in 0..100 {
            assert_eq!(scene.learn(Contact::Failed), PauseChange::Same);
            assert_eq!(scene.learn(Contact::Untried), PauseChange::Same);
            scene.learn(Contact::Reached);
        }
        assert!(scene.site.pause.is_none());
        assert!(scene.site.window() >= 1);
    }

    #[test]
    fn a_cohort_of_failures_begins_a_pause_that_doubles_to_its_limit() {
        let mut scene = Scene::new();
        let mut failures = 0;
        let begun = loop {
            failures += 1;
            match scene.learn(Contact::Failed) {
                PauseChange::Begun(pause) => break pause,
                change => assert_eq!(change, PauseChange::Same),
            }
        };
        assert!((2..=5).contains(&failures), "{failures}");
        assert_eq!(begun.until.since(AT), Duration::from_secs(300));
        assert!(!scene.site.may_begin(crate::key::time(AT)));
        // One that was under way.
        assert_eq!(scene.learn(Contact::Failed), PauseChange::Same);
        let mut waits = Vec::new();
        for _ in 0..5 {
            scene.now = scene.site.pause.as_ref().unwrap().until;
            assert_eq!(scene.site.window(), 1);
            assert!(scene.site.may_begin(crate::key::time(scene.now)));
            let PauseChange::Begun(pause) = scene.learn(Contact::Failed) else { panic!() };
            waits.push(pause.until.since(scene.now).as_secs() / 60);
        }
        assert_eq!(waits, [9, 18, 36, 54, 54]);
    }

    #[test]
    fn to_ask_again_and_again_does_not_make_the_pause_longer() {
        let mut scene = Scene::new();
        while scene.site.pause.is_none() {
            scene.learn(Contact::Failed);
        }
        for _ in 0..5 {
            scene.now = scene.now + Duration::from_secs(10);
            scene.site.pause.as_mut().unwrap().lift(scene.now);
            let PauseChange::Begun(pause) = scene.learn(Contact::Failed) else { panic!() };
            assert_eq!(pause.until.since(scene.now), Duration::from_secs(300));
        }
    }

    #[test]
    fn the_first_answer_ends_the_pause() {
        let mut scene = Scene::new();
        while scene.site.pause.is_none() {
            scene.learn(Contact::Failed);
        }
        assert_eq!(scene.learn(Contact::Reached), PauseChange::Over);
        assert_eq!((scene.site.window(), scene.site.pause.is_none()), (2, true));
    }
}
