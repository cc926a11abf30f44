//! Questions of an evaluation, put to the resolver.

use core_world::{Answer, LookupError, Question, Record, RecordKind, Resolver};
use rules_sender::{Found, Lookup, LookupKind};
use std::net::IpAddr;

/// Most records of one answer that are looked at.
const RECORDS_MAX: usize = 100;

/// What the DNS says.
pub async fn look_up(resolver: &dyn Resolver, lookup: &Lookup) -> Found {
    match resolver.lookup(&question(lookup)).await {
        Ok(answer) => found(lookup, answer),
        Err(error) if error.is_denial() => Found::Nothing,
        Err(LookupError::Bogus) => Found::Temporary(LookupError::Bogus.to_string()),
        Err(error) => Found::Temporary(error.to_string()),
    }
}

fn question(lookup: &Lookup) -> Question {
    let kind = match lookup.kind {
        LookupKind::A => RecordKind::A,
        LookupKind::Aaaa => RecordKind::Aaaa,
        LookupKind::Mx => RecordKind::Mx,
        LookupKind::Txt => RecordKind::Txt,
        LookupKind::Ptr(address) => return Question::names_of(address),
    };
    Question::new(lookup.name.clone(), kind)
}

fn found(lookup: &Lookup, answer: Answer) -> Found {
    let records = answer.records.into_iter().take(RECORDS_MAX);
    match lookup.kind {
        LookupKind::A | LookupKind::Aaaa => Found::Addresses(records.filter_map(address).collect()),
        LookupKind::Txt => Found::Texts(
            records
                .filter_map(|record| match record {
                    Record::Txt(text) => Some(text),
                    _ => None,
                })
                .collect(),
        ),
        LookupKind::Ptr(_) => Found::Names(
            records
                .filter_map(|record| match record {
                    Record::Ptr(name) => Some(name),
                    _ => None,
                })
                .collect(),
        ),
        LookupKind::Mx => Found::Names(exchangers(records)),
    }
}

fn address(record: Record) -> Option<IpAddr> {
    match record {
        Record::A(address) => Some(IpAddr::V4(address)),
        Record::Aaaa(address) => Some(IpAddr::V6(address)),
        _ => None,
    }
}

fn exchangers(records: impl Iterator<Item = Record>) -> Vec<String> {
    let mut found: Vec<(u16, String)> = records
        .filter_map(|record| match record {
            Record::Mx { preference, exchange } => Some((preference, exchange)),
            _ => None,
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, exchange)| exchange).collect()
}
