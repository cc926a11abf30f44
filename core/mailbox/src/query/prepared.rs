//! A query, made ready to be asked of many messages.

use super::{AddressField, Query};
use core_store::BlobId;
use std::ops::Range;
use words_base::Timestamp;
use words_mail::{Flags, ModSeq, NumberSet, Refusal};
use words_message::{Scope, casefold};

/// Texts that are looked for in messages at once; each takes memory while a message is read.
const NEEDS_MAX: usize = 64;

/// A query with its texts case-folded, and the cheaper questions first.
#[derive(Debug)]
pub(super) struct Prepared {
    pub test: Test,
    /// What only a message's octets tell.
    pub needs: Vec<Need>,
    asks_summaries: bool,
}

/// A question.
#[derive(Debug)]
pub(super) enum Test {
    And(Vec<Test>),
    Or(Vec<Test>),
    Not(Box<Test>),
    Row(RowTest),
    Summary(SummaryTest),
    /// One of [`Prepared::needs`].
    Need(usize),
}

/// What a row tells.
#[derive(Debug)]
pub(super) enum RowTest {
    Uids(NumberSet),
    Flags(Flags),
    ModSeq(ModSeq),
    Received(Range<Timestamp>),
    Saved(Range<Timestamp>),
    Size(Range<u64>),
    Blob(BlobId),
}

/// What a summary tells.
#[derive(Debug)]
pub(super) struct SummaryTest {
    pub what: SummaryPart,
    /// The header's word on it, for a summary that was cut.
    pub else_need: usize,
}

/// Texts are folded.
#[derive(Debug)]
pub(super) enum SummaryPart {
    Subject(String),
    MessageId(String),
    InReplyTo(String),
    Address(AddressField, String),
    Sent(Range<i64>),
}

/// What only a message's octets tell. Texts are folded.
#[derive(Debug, PartialEq)]
pub(super) enum Need {
    /// A field of that name has the text, or is there if that is empty.
    Header(String, String),
    /// The day of the Date field lies in there.
    Sent(Range<i64>),
    /// The text is in the message.
    Text(Scope, String),
}

impl Prepared {
    pub fn new(query: &Query) -> Result<Prepared, Refusal> {
        let mut prepared =
            Prepared { test: Test::And(Vec::new()), needs: Vec::new(), asks_summaries: false };
        prepared.test = prepared.prepare(query);
        if prepared.needs.len() > NEEDS_MAX {
            return Err(Refusal::Limit("texts of one search"));
        }
        Ok(prepared)
    }

    /// Is any question one for summaries?
    pub fn asks_summaries(&self) -> bool {
        self.asks_summaries
    }

    fn prepare(&mut self, query: &Query) -> Test {
        match query {
            Query::And(queries) => Test::And(self.prepare_all(queries)),
            Query::Or(queries) => Test::Or(self.prepare_all(queries)),
            Query::Not(query) => Test::Not(Box::new(self.prepare(query))),
            Query::Uids(uids) => Test::Row(RowTest::Uids(uids.clone())),
            Query::Flags(flags) => Test::Row(RowTest::Flags(flags.clone())),
            Query::ModSeq(modseq) => Test::Row(RowTest::ModSeq(*modseq)),
            Query::Received(range) => Test::Row(RowTest::Received(range.clone())),
            Query::Saved(range) => Test::Row(RowTest::Saved(range.clone())),
            Query::Size(range) => Test::Row(RowTest::Size(range.clone())),
            Query::Blob(blob) => Test::Row(RowTest::Blob(*blob)),
            Query::Sent(days) => {
                let need = Need::Sent(days.clone());
                self.summary(SummaryPart::Sent(days.clone()), need)
            }
            Query::Subject(text) => {
                let text = folded(text);
                let need = Need::Header("Subject".to_string(), text.clone());
                self.summary(SummaryPart::Subject(text), need)
            }
            Query::Address(field, text) => {
                let text = folded(text);
                let need = Need::Header(field.name().to_string(), text.clone());
                self.summary(SummaryPart::Address(*field, text), need)
            }
            Query::Header(name, text) => self.prepare_header(name, folded(text)),
            Query::Body(text) => self.need(Need::Text(Scope::Body, folded(text))),
            Query::Text(text) => self.need(Need::Text(Scope::Text, folded(text))),
        }
    }

    /// Cheap questions first: an answer may make the others needless.
    fn prepare_all(&mut self, queries: &[Query]) -> Vec<Test> {
        let mut tests: Vec<Test> = queries.iter().map(|query| self.prepare(query)).collect();
        tests.sort_by_key(Test::cost);
        tests
    }

    /// Some fields are in the summary as they were written.
    fn prepare_header(&mut self, name: &str, text: String) -> Test {
        let part: Option<fn(String) -> SummaryPart> = match name.to_ascii_lowercase().as_str() {
            "subject" => Some(SummaryPart::Subject),
            "message-id" => Some(SummaryPart::MessageId),
            "in-reply-to" => Some(SummaryPart::InReplyTo),
            _ => None,
        };
        let need = Need::Header(name.to_string(), text.clone());
        match part {
            Some(part) => self.summary(part(text), need),
            None => self.need(need),
        }
    }

    fn summary(&mut self, what: SummaryPart, need: Need) -> Test {
        self.asks_summaries = true;
        let else_need = self.index_of(need);
        Test::Summary(SummaryTest { what, else_need })
    }

    fn need(&mut self, need: Need) -> Test {
        Test::Need(self.index_of(need))
    }

    fn index_of(&mut self, need: Need) -> usize {
        let known = self.needs.iter().position(|known| *known == need);
        known.unwrap_or_else(|| {
            self.needs.push(need);
            self.needs.len() - 1
        })
    }
}

impl Test {
    /// 0: a row tells; 1: a summary; 2: the message.
    fn cost(&self) -> u8 {
        match self {
            Test::And(tests) | Test::Or(tests) => tests.iter().map(Test::cost).max().unwrap_or(0),
            Test::Not(test) => test.cost(),
            Test::Row(_) => 0,
            Test::Summary(_) => 1,
            Test::Need(_) => 2,
        }
    }
}

fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    casefold(text, &mut folded);
    folded
}
