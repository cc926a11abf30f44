//! What others saw under our domains.

use crate::key::{all_received, received};
use crate::sending::unavailable;
use crate::tally::{decode, encode};
use core_store::{Batch, Scan, Store};
use rules_sender::{AggregateReport, read_report, unpack};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use words_mail::Refusal;

/// Octets of one report that are kept: less than a value of the store may have.
const KEPT_MAX: usize = 90_000;
/// Reports that are listed at a time.
const LISTED_MAX: usize = 1_000;

/// A report that came, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// The report; of a large one, the rows with most messages.
    pub report: AggregateReport,
    /// Messages of all rows.
    pub messages: u64,
    /// Those that DMARC let pass.
    pub passed: u64,
}

/// Keeps the reports that come.
pub struct Archive {
    store: Arc<dyn Store>,
}

impl Archive {
    /// In `store`.
    pub fn new(store: Arc<dyn Store>) -> Archive {
        Archive { store }
    }

    /// Reads a report as it came, packed or not, and keeps it; once, however often it comes. The inner
    /// `Err` says what is wrong with it. Errors: `Unavailable`.
    pub async fn receive(&self, octets: &[u8]) -> Result<Result<Received, &'static str>, Refusal> {
        let report = match unpack(octets).and_then(|text| read_report(&text)) {
            Ok(report) => report,
            Err(why) => return Ok(Err(why)),
        };
        let received_report = counted(report);
        let name = (&received_report.report.organisation, &received_report.report.id);
        let digest = Sha256::digest(format!("{}\0{}", name.0, name.1));
        let key = received(received_report.report.end, digest.get(..16).unwrap_or_default());
        let Some((kept, octets)) = fitting(received_report) else {
            return Ok(Err("the report is too large"));
        };
        let mut batch = Batch::new();
        batch.put(key, octets);
        self.store.commit(batch).await.map_err(unavailable)?;
        Ok(Ok(kept))
    }

    /// The reports that came, the latest span first.
    pub async fn list(&self) -> Result<Vec<Received>, Refusal> {
        let snapshot = self.store.snapshot().await.map_err(unavailable)?;
        let mut scan = Scan::falling(all_received()).at_most(LISTED_MAX);
        let mut found = Vec::new();
        loop {
            let page = snapshot.scan(scan).await.map_err(unavailable)?;
            found.extend(page.pairs.iter().filter_map(|(_, value)| decode::<Received>(value)));
            match page.rest.filter(|_| found.len() < LISTED_MAX) {
                Some(rest) => scan = Scan::falling(rest).at_most(LISTED_MAX - found.len()),
                None => return Ok(found),
            }
        }
    }
}

fn counted(report: AggregateReport) -> Received {
    let sum = |rows: &mut dyn Iterator<Item = u64>| rows.fold(0u64, u64::saturating_add);
    let messages = sum(&mut report.rows.iter().map(|row| row.count));
    let passed = report.rows.iter().filter(|row| row.dkim || row.spf);
    let passed = sum(&mut passed.map(|row| row.count));
    Received { report, messages, passed }
}

/// As much of it as can be kept, the rows with most messages first.
fn fitting(mut received: Received) -> Option<(Received, Vec<u8>)> {
    received.report.rows.sort_by_key(|row| std::cmp::Reverse(row.count));
    loop {
        let octets = encode(&received)?;
        if octets.len() <= KEPT_MAX {
            return Some((received, octets));
        }
        if received.report.rows.is_empty() {
            return None;
        }
        let half = received.report.rows.len() / 2;
        received.report.rows.truncate(half);
    }
}
