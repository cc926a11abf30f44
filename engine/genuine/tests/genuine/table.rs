//! A DNS that is a table.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core_world::{
    Answer, Clock, Later, LookupError, Question, Record, RecordKind, Resolver, Standing,
};
use std::collections::HashMap;
use std::time::Duration;
use words_base::Timestamp;

/// 2026-11-24T10:00:00Z
pub const NOW: Timestamp = Timestamp::from_millis(1_795_514_400_000);

/// A clock that stands still.
pub struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        NOW
    }
}

#[derive(Clone, Default)]
pub struct Table {
    records: HashMap<(String, RecordKind), Vec<Record>>,
    /// Nothing is answered.
    pub broken: bool,
}

impl Table {
    fn add(&mut self, question: Question, record: Record) {
        self.records.entry((question.name, question.kind)).or_default().push(record);
    }

    pub fn txt(&mut self, name: &str, text: &str) {
        self.add(Question::new(name, RecordKind::Txt), Record::Txt(text.as_bytes().to_vec()));
    }

    pub fn mx(&mut self, name: &str, exchange: &str) {
        let exchange = exchange.to_string();
        self.add(Question::new(name, RecordKind::Mx), Record::Mx { preference: 10, exchange });
    }

    pub fn a(&mut self, name: &str, address: &str) {
        self.add(Question::new(name, RecordKind::A), Record::A(address.parse().unwrap()));
    }

    pub fn ptr(&mut self, address: &str, name: &str) {
        self.add(Question::names_of(address.parse().unwrap()), Record::Ptr(name.to_string()));
    }

    pub fn key(&mut self, domain: &str, selector: &str, kind: &str, public: &[u8]) {
        let text = format!("v=DKIM1; k={kind}; p={}", STANDARD.encode(public));
        self.txt(&format!("{selector}._domainkey.{domain}"), &text);
    }
}

impl Resolver for Table {
    fn lookup<'a>(&'a self, question: &'a Question) -> Later<'a, Result<Answer, LookupError>> {
        let key = (question.name.clone(), question.kind);
        let found = match self.records.get(&key) {
            _ if self.broken => Err(LookupError::Temporary("no server answers".to_string())),
            Some(records) => Ok(Answer {
                records: records.clone(),
                standing: Standing::Insecure,
                ttl: Duration::from_secs(60),
            }),
            None => Err(LookupError::NoSuchName(Standing::Insecure)),
        };
        Box::pin(std::future::ready(found))
    }
}
