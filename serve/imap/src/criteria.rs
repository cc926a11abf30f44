//! The criteria of SEARCH (RFC 9051 §6.4.4, RFC 5032, RFC 7162 §3.1.5, RFC 8474 §5.3), in the
//! core's words.

use crate::selected::Selected;
use core_mailbox::{AddressField, Query};
use core_store::BlobId;
use proto_imap::ask::SearchKey;
use std::ops::Range;
use std::time::Duration;
use words_base::Timestamp;
use words_mail::Refusal;

/// Criteria inside of one another. The parser has its own limit, below this one.
const DEPTH_MAX: usize = 100;
const DAY_SECONDS: i64 = 86_400;
const FOREVER: Timestamp = Timestamp::from_millis(i64::MAX);
const EVER: Timestamp = Timestamp::from_millis(i64::MIN);

/// Who asks, and when.
pub(crate) struct Asker<'a> {
    pub selected: &'a Selected,
    pub now: Timestamp,
}

impl Asker<'_> {
    /// `key` as a query of the core. Errors: `Limit` if it is too deep.
    pub fn query(&self, key: &SearchKey) -> Result<Query, Refusal> {
        self.at_depth(key, 0)
    }

    fn at_depth(&self, key: &SearchKey, depth: usize) -> Result<Query, Refusal> {
        if depth > DEPTH_MAX {
            return Err(Refusal::Limit("depth of a search"));
        }
        let inner = |key: &SearchKey| self.at_depth(key, depth + 1);
        Ok(match key {
            SearchKey::And(keys) => Query::And(keys.iter().map(inner).collect::<Result<_, _>>()?),
            SearchKey::Or(a, b) => Query::Or(vec![inner(a)?, inner(b)?]),
            SearchKey::Not(key) => not(inner(key)?),
            SearchKey::All | SearchKey::Recent(false) => all(),
            SearchKey::Recent(true) | SearchKey::ThreadId(_) => nothing(),
            SearchKey::Numbers(numbers) => {
                Query::Uids(self.selected.places(numbers).uids(&self.selected.known))
            }
            SearchKey::Flag(flags) => Query::Flags(flags.clone()),
            SearchKey::NotFlag(flags) => not(Query::Flags(flags.clone())),
            SearchKey::Bcc(text) => Query::Address(AddressField::Bcc, text.clone()),
            SearchKey::Cc(text) => Query::Address(AddressField::Cc, text.clone()),
            SearchKey::From(text) => Query::Address(AddressField::From, text.clone()),
            SearchKey::To(text) => Query::Address(AddressField::To, text.clone()),
            SearchKey::Subject(text) => Query::Subject(text.clone()),
            SearchKey::Body(text) => Query::Body(text.clone()),
            SearchKey::Text(text) => Query::Text(text.clone()),
            SearchKey::Header(name, text) => Query::Header(name.clone(), text.clone()),
            SearchKey::Before(day) => Query::Received(EVER..midnight(*day)),
            SearchKey::On(day) => Query::Received(day_of(*day)),
            SearchKey::Since(day) => Query::Received(midnight(*day)..FOREVER),
            SearchKey::SentBefore(day) => Query::Sent(i64::MIN..i64::from(*day)),
            SearchKey::SentOn(day) => Query::Sent(i64::from(*day)..i64::from(*day) + 1),
            SearchKey::SentSince(day) => Query::Sent(i64::from(*day)..i64::MAX),
            SearchKey::SavedBefore(day) => Query::Saved(EVER..midnight(*day)),
            SearchKey::SavedOn(day) => Query::Saved(day_of(*day)),
            SearchKey::SavedSince(day) => Query::Saved(midnight(*day)..FOREVER),
            SearchKey::Larger(size) => Query::Size(size.saturating_add(1)..u64::MAX),
            SearchKey::Smaller(size) => Query::Size(0..*size),
            SearchKey::Older(seconds) => {
                Query::Received(EVER..self.before_now(*seconds) + Duration::from_millis(1))
            }
            SearchKey::Younger(seconds) => Query::Received(self.before_now(*seconds)..FOREVER),
            SearchKey::ModSeq(modseq) => Query::ModSeq(*modseq),
            SearchKey::EmailId(id) => email_id(id).map_or_else(nothing, Query::Blob),
        })
    }

    fn before_now(&self, seconds: u32) -> Timestamp {
        Timestamp::from_millis(self.now.millis().saturating_sub(i64::from(seconds) * 1000))
    }
}

/// Does the search ask for modification sequences? Then it is told one (RFC 7162 §3.1.5).
pub(crate) fn names_modseq(key: &SearchKey) -> bool {
    let mut waiting = vec![key];
    while let Some(key) = waiting.pop() {
        match key {
            SearchKey::ModSeq(_) => return true,
            SearchKey::And(keys) => waiting.extend(keys),
            SearchKey::Or(a, b) => waiting.extend([&**a, &**b]),
            SearchKey::Not(key) => waiting.push(key),
            _ => {}
        }
    }
    false
}

fn all() -> Query {
    Query::And(Vec::new())
}

fn nothing() -> Query {
    Query::Or(Vec::new())
}

fn not(query: Query) -> Query {
    Query::Not(Box::new(query))
}

/// The beginning of a day, in UTC.
fn midnight(day: i32) -> Timestamp {
    Timestamp::from_seconds(i64::from(day) * DAY_SECONDS)
}

fn day_of(day: i32) -> Range<Timestamp> {
    midnight(day)..Timestamp::from_seconds((i64::from(day) + 1) * DAY_SECONDS)
}

/// As the wire shows it: a letter and the number.
fn email_id(id: &str) -> Option<BlobId> {
    id.strip_prefix('M')?.parse().ok().map(BlobId)
}
