//! What was seen and is not written yet.

use crate::key::{Part, seen_part};
use core_store::Batch;
use rules_sender::{PublishedPolicy, ReportRow, Verdicts, report_row};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;

/// Kinds of messages that are told apart at a time; what is beyond is not counted.
const ROWS_MAX: usize = 5_000;
/// Longest row, in octets: a stranger names domains in it.
const ROW_MAX: usize = 8_192;
/// The version of records.
pub(crate) const VERSION: u8 = 1;

#[derive(Default)]
pub(crate) struct Tally {
    rows: HashMap<(u32, PublishedPolicy, ReportRow), u64>,
}

impl Tally {
    /// One more message of this kind.
    pub(crate) fn count(&mut self, day: u32, verdicts: &Verdicts, disposition: &str) {
        let Some((policy, row)) = report_row(verdicts, disposition) else { return };
        let kind = (day, policy, row);
        if self.rows.contains_key(&kind) || self.rows.len() < ROWS_MAX {
            *self.rows.entry(kind).or_default() += 1;
        }
    }

    /// A batch with a part of all, and how it is put back if it cannot be written.
    pub(crate) fn take(
        &mut self,
        count_max: usize,
    ) -> Vec<((u32, PublishedPolicy, ReportRow), u64)> {
        let kinds: Vec<_> = self.rows.keys().take(count_max).cloned().collect();
        kinds.into_iter().filter_map(|kind| self.rows.remove_entry(&kind)).collect()
    }

    /// What could not be written.
    pub(crate) fn put_back(&mut self, rows: Vec<((u32, PublishedPolicy, ReportRow), u64)>) {
        for (kind, count) in rows {
            if self.rows.len() < ROWS_MAX {
                *self.rows.entry(kind).or_default() += count;
            }
        }
    }
}

/// Adds what was seen to what is kept: sums, so that nobody has to read them first.
pub(crate) fn write(rows: &[((u32, PublishedPolicy, ReportRow), u64)], batch: &mut Batch) {
    for ((day, policy, row), count) in rows {
        let (Some(policy_octets), Some(octets)) = (encode(policy), encode(row)) else { continue };
        if octets.len() > ROW_MAX || policy_octets.len() > ROW_MAX {
            continue;
        }
        let digest = Sha256::digest(&octets);
        let name = digest.get(..16).unwrap_or_default();
        let domain = policy.domain.as_str();
        batch.put(seen_part(*day, domain, Part::Policy, b""), policy_octets);
        batch.put(seen_part(*day, domain, Part::Row, name), octets);
        let count = i64::try_from(*count).unwrap_or(i64::MAX);
        batch.add(seen_part(*day, domain, Part::Count, name), &[count]);
    }
}

/// The version and JSON.
pub(crate) fn encode(value: &impl serde::Serialize) -> Option<Vec<u8>> {
    let mut octets = vec![VERSION];
    serde_json::to_writer(&mut octets, value).ok()?;
    Some(octets)
}

/// What [`encode`] wrote.
pub(crate) fn decode<T: serde::de::DeserializeOwned>(octets: &[u8]) -> Option<T> {
    serde_json::from_slice(octets.strip_prefix(&[VERSION])?).ok()
}
