//! Results that are not written down yet.

use crate::{key, record};
use core_store::{Batch, Store, StoreError};
use rules_transport::report::{Detail, PolicyOf, Tally};
use std::collections::BTreeMap;
use words_base::Timestamp;

/// So many domains a day are counted; mail to more goes on uncounted.
const DOMAINS_MAX: usize = 10_000;
/// So many are written down at once.
const WRITTEN_AT_ONCE: usize = 100;

/// By day and domain. A kill forgets what was counted in the last minute.
#[derive(Default)]
pub(crate) struct Tallies(BTreeMap<(u32, String), Tally>);

/// The day that a moment belongs to, in UTC, since 1970.
pub(crate) fn day(at: Timestamp) -> u32 {
    u32::try_from(at.seconds().div_euclid(86_400)).unwrap_or(0)
}

impl Tallies {
    pub(crate) fn count(
        &mut self,
        at: Timestamp,
        domain: &str,
        policy: &PolicyOf,
        failure: Option<Detail>,
    ) {
        let place = (day(at), domain.to_string());
        if self.0.len() < DOMAINS_MAX || self.0.contains_key(&place) {
            self.0.entry(place).or_default().count(policy, failure);
        }
    }

    /// Takes some out, to be written down.
    pub(crate) fn take(&mut self) -> Vec<((u32, String), Tally)> {
        let count = self.0.len().min(WRITTEN_AT_ONCE);
        (0..count).map_while(|_| self.0.pop_first()).collect()
    }

    /// Puts back what could not be written down.
    pub(crate) fn put_back(&mut self, taken: Vec<((u32, String), Tally)>) {
        for (place, tally) in taken {
            self.0.entry(place).or_default().merge(tally);
        }
    }
}

/// Adds `taken` to what is written down already.
pub(crate) async fn write(
    store: &dyn Store,
    taken: &[((u32, String), Tally)],
) -> Result<(), StoreError> {
    let snapshot = store.snapshot().await?;
    let keys: Vec<_> = taken.iter().map(|((day, domain), _)| key::tally(*day, domain)).collect();
    let known = snapshot.get_many(&keys).await?;
    let mut batch = Batch::new();
    for ((key, known), (_, tally)) in keys.into_iter().zip(known).zip(taken) {
        // What cannot be read any more is begun anew: it is a report, not mail.
        let mut sum = known.and_then(|octets| record::decode_tally(&octets)).unwrap_or_default();
        sum.merge(tally.clone());
        batch.put(key, record::encode_tally(&sum));
    }
    store.commit(batch).await.map(drop)
}
