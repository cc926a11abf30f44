//! A world for the relay: names in a table, numbers from a seed.
#![allow(dead_code)]

pub mod house;
pub mod town;

use core_world::{
    Answer, Later, LookupError, Question, Random, Record, RecordKind, Resolver, Standing,
};
use std::collections::HashMap;
use std::future::ready;
use std::sync::Mutex;
use std::time::Duration;

/// A seeded generator (splitmix64).
pub struct Dice(Mutex<u64>);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(Mutex::new(seed))
    }

    pub fn roll(&self) -> u64 {
        let mut state = self.0.lock().unwrap();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&self, end: u64) -> u64 {
        self.roll() % end
    }

    pub fn once_in(&self, times: u64) -> bool {
        self.below(times) == 0
    }
}

impl Random for Dice {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            chunk.copy_from_slice(&self.roll().to_be_bytes()[..chunk.len()]);
        }
    }
}

/// Names in a table. A name that has any record exists.
#[derive(Default)]
pub struct Names {
    zone: HashMap<(String, RecordKind), Result<Vec<Record>, LookupError>>,
    secure: Vec<String>,
}

impl Names {
    /// From lines such as `x.test MX 10 mx.x.test`, `mx.x.test A 192.0.2.1`, `y.test MX !temporary`,
    /// `x.test SECURE`.
    pub fn read(text: &str) -> Names {
        let mut names = Names::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            names.add(line);
        }
        names
    }

    fn add(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let name = words[0].to_string();
        let kind = match words[1] {
            "SECURE" => return self.secure.push(name),
            "MX" => RecordKind::Mx,
            "A" => RecordKind::A,
            "AAAA" => RecordKind::Aaaa,
            other => panic!("{other}"),
        };
        let failure = match words[2] {
            "!temporary" => Some(LookupError::Temporary("SERVFAIL".to_string())),
            "!bogus" => Some(LookupError::Bogus),
            _ => None,
        };
        if let Some(failure) = failure {
            self.zone.insert((name, kind), Err(failure));
            return;
        }
        let record = match kind {
            RecordKind::Mx => Record::Mx {
                preference: words[2].parse().unwrap(),
                exchange: words.get(3).unwrap_or(&".").trim_end_matches('.').to_string(),
            },
            RecordKind::A => Record::A(words[2].parse().unwrap()),
            _ => Record::Aaaa(words[2].parse().unwrap()),
        };
        let entry = self.zone.entry((name, kind)).or_insert_with(|| Ok(Vec::new()));
        entry.as_mut().unwrap().push(record);
    }

    pub fn find(&self, question: &Question) -> Result<Answer, LookupError> {
        let name = &question.name;
        let standing = match self.secure.contains(name) {
            true => Standing::Secure,
            false => Standing::Insecure,
        };
        match self.zone.get(&(name.clone(), question.kind)) {
            Some(Ok(records)) => {
                let ttl = Duration::from_secs(60);
                Ok(Answer { records: records.clone(), standing, ttl })
            }
            Some(Err(error)) => Err(error.clone()),
            None if self.zone.keys().any(|(known, _)| known == name) => {
                Err(LookupError::NoRecords(standing))
            }
            None => Err(LookupError::NoSuchName(standing)),
        }
    }
}

impl Resolver for Names {
    fn lookup<'a>(&'a self, question: &'a Question) -> Later<'a, Result<Answer, LookupError>> {
        Box::pin(ready(self.find(question)))
    }
}
