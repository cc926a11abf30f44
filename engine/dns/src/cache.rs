//! Answers that are still good. Bounded, by two generations: when the young one is full it becomes
//! the old one, and what nobody asked for in the meantime is forgotten with the old one's end.

use crate::Options;
use crate::chase::Found;
use core_world::{Answer, LookupError, Question};
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// What is remembered when a denial does not say for how long.
const UNTOLD: Duration = Duration::from_secs(60);

/// Answers, and until when they are good.
pub struct Cache {
    positive: RangeInclusive<Duration>,
    negative: RangeInclusive<Duration>,
    failure: Duration,
    generation_max: usize,
    generations: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    young: HashMap<Question, Entry>,
    old: HashMap<Question, Entry>,
}

#[derive(Clone)]
struct Entry {
    result: Result<Answer, LookupError>,
    until: Instant,
}

impl Cache {
    /// Of the size and for the times that `options` say.
    pub fn new(options: &Options) -> Cache {
        Cache {
            positive: options.positive.clone(),
            negative: options.negative.clone(),
            failure: options.failure,
            generation_max: options.cache_max.div_ceil(2),
            generations: Mutex::default(),
        }
    }

    /// What is known, with the time for which it still is.
    pub fn get(&self, question: &Question, now: Instant) -> Option<Result<Answer, LookupError>> {
        let mut generations = self.lock();
        let entry = match generations.young.get(question) {
            Some(entry) => entry.clone(),
            None => {
                let entry = generations.old.remove(question)?;
                if now < entry.until {
                    generations.keep(question.clone(), entry.clone(), self.generation_max);
                }
                entry
            }
        };
        let left = entry.until.checked_duration_since(now).filter(|left| !left.is_zero())?;
        Some(entry.result.map(|answer| Answer { ttl: answer.ttl.min(left), ..answer }))
    }

    /// Keeps what was found for as long as it may be kept, and gives it back.
    pub fn put(
        &self,
        question: &Question,
        found: Found,
        now: Instant,
    ) -> Result<Answer, LookupError> {
        let Found { result, denial_ttl } = found;
        let (result, span) = match result {
            Ok(answer) => {
                let ttl = bounded(answer.ttl, &self.positive);
                (Ok(Answer { ttl, ..answer }), ttl)
            }
            Err(error) if error.is_denial() => {
                (Err(error), bounded(denial_ttl.unwrap_or(UNTOLD), &self.negative))
            }
            Err(error) => (Err(error), self.failure),
        };
        if self.generation_max > 0 && !span.is_zero() {
            let entry = Entry { result: result.clone(), until: now + span };
            self.lock().keep(question.clone(), entry, self.generation_max);
        }
        result
    }

    /// Forgets everything.
    pub fn clear(&self) {
        *self.lock() = Generations::default();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Generations> {
        self.generations.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Generations {
    fn keep(&mut self, question: Question, entry: Entry, size_max: usize) {
        if self.young.len() >= size_max && !self.young.contains_key(&question) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(question, entry);
    }
}

fn bounded(span: Duration, bounds: &RangeInclusive<Duration>) -> Duration {
    span.max(*bounds.start()).min(*bounds.end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use core_world::{Record, RecordKind, Standing};

    const SECOND: Duration = Duration::from_secs(1);

    fn question(number: usize) -> Question {
        Question::new(format!("host-{number}.mired.org"), RecordKind::A)
    }

    fn answer(seconds: u32) -> Found {
        Found {
            result: Ok(Answer {
                records: vec![Record::A([192, 168, 100, 2].into())],
                standing: Standing::Insecure,
                ttl: SECOND * seconds,
            }),
            denial_ttl: None,
        }
    }

    fn denial(seconds: Option<u32>) -> Found {
        Found {
            result: Err(LookupError::NoSuchName(Standing::Insecure)),
            denial_ttl: seconds.map(|seconds| SECOND * seconds),
        }
    }

    /// For how many seconds is what was `found` given again?
    fn kept(found: Found) -> u32 {
        let cache = Cache::new(&Options::default());
        let now = Instant::now();
        let given = cache.put(&question(0), found, now);
        let mut seconds = 0;
        while let Some(again) = cache.get(&question(0), now + SECOND * seconds) {
            assert_eq!(again.is_ok(), given.is_ok());
            seconds += 1;
        }
        seconds
    }

    #[test]
    fn an_answer_is_kept_as_long_as_its_zone_says_within_bounds() {
        for (ttl, expected) in [(300, 300), (0, 5), (4, 5), (6, 6), (90_000, 86_400)] {
            assert_eq!(kept(answer(ttl)), expected, "{ttl}");
        }
    }

    #[test]
    fn a_denial_is_kept_as_long_as_its_zone_says_within_bounds() {
        for (ttl, expected) in [(Some(60), 60), (Some(0), 5), (Some(90_000), 3600), (None, 60)] {
            assert_eq!(kept(denial(ttl)), expected, "{ttl:?}");
        }
    }

    #[test]
    fn a_failure_is_kept_for_a_moment() {
        let failed = Found::failed(LookupError::Temporary("it fails".to_string()));
        assert_eq!(kept(failed), 5);
    }

    #[test]
    fn the_time_that_is_left_shrinks() {
        let cache = Cache::new(&Options::default());
        let now = Instant::now();
        cache.put(&question(0), answer(300), now).unwrap();
        let later = cache.get(&question(0), now + SECOND * 100).unwrap().unwrap();
        assert_eq!(later.ttl, SECOND * 200);
    }

    #[test]
    fn what_is_asked_for_stays_and_the_whole_is_bounded() {
        let cache = Cache::new(&Options { cache_max: 10, ..Options::default() });
        let now = Instant::now();
        for number in 0..1000 {
            cache.put(&question(number), answer(300), now).unwrap();
            assert!(cache.get(&question(0), now).is_some(), "{number}");
            let generations = cache.lock();
            assert!(generations.young.len() + generations.old.len() <= 10);
        }
        assert!(cache.get(&question(500), now).is_none());
        cache.clear();
        assert!(cache.get(&question(0), now).is_none());
    }

    #[test]
    fn nothing_is_kept_if_nothing_may_be() {
        let cache = Cache::new(&Options { cache_max: 0, ..Options::default() });
        let now = Instant::now();
        cache.put(&question(0), answer(300), now).unwrap();
        assert!(cache.get(&question(0), now).is_none());
    }
}
