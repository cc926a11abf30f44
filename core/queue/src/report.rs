//! A job ends.

use crate::decide::{After, Circumstances};
use crate::queue::Inner;
use crate::record::Row;
use crate::settle::{Settling, Verdict};
use crate::{Class, Contact, Job, Outcome, Queue, RecipientOutcome, Said, key};
use core_store::{Key, StoreError, Value};
use std::collections::HashMap;
use words_base::Timestamp;

impl Queue {
    /// Writes down what became of `job`, in one commit: who is delivered, who is tried again when,
    /// of whom the sender is to be told. A recipient without an outcome is due again. If the store
    /// does not work, the report is kept and written when it does; until then nothing is taken.
    pub async fn report(
        &self,
        job: Job,
        outcomes: Vec<RecipientOutcome>,
        contact: Contact,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let settling = self.inner.settling(job, &outcomes, contact, at);
        self.inner.write(settling).await
    }
}

impl Inner {
    fn settling(
        &self,
        mut job: Job,
        outcomes: &[RecipientOutcome],
        contact: Contact,
        at: Timestamp,
    ) -> Settling {
        let said = outcomes.first().map(|first| first.outcome.said());
        let pause = self.board().learn(
            &job.lease.destination,
            contact,
            said,
            at,
            &self.options,
            self.chance(),
        );
        let outcomes: HashMap<u32, &Outcome> =
            outcomes.iter().map(|outcome| (outcome.number, &outcome.outcome)).collect();
        // Recipients who fail together come back together: one transaction for them.
        let circumstances = Circumstances {
            schedule: self.options.schedule(job.message.class),
            at,
            reportable: !job.message.reverse_path.is_null(),
            chance: self.chance(),
        };
        let verdicts = job.recipients.iter().zip(&job.lease.rows).filter_map(|(to, row)| {
            let outcome = outcomes.get(&to.number)?;
            verdict(&circumstances, &job.lease.destination, row, outcome)
        });
        let verdicts: Vec<Verdict> = verdicts.collect();
        job.lease.keep_due(|key| !verdicts.iter().any(|verdict| verdict.key == key));
        Settling {
            message: job.message,
            destination: job.destination,
            at,
            verdicts,
            pause,
            lease: Some(job.lease),
        }
    }
}

fn verdict(
    circumstances: &Circumstances<'_>,
    destination: &str,
    (key, value): &(Key, Value),
    outcome: &Outcome,
) -> Option<Verdict> {
    let (parsed, row) = (key::parse_row(key)?, Row::decode(value)?);
    let (after, fate) = circumstances.decide(&row, outcome);
    let moved_to = place_after(destination, parsed.class, parsed.id, parsed.number, &after);
    let attempt = Some((row.attempts.saturating_add(1), Said::bounded(outcome.said()), fate));
    let (key, value, number) = (key.clone(), value.clone(), parsed.number);
    Some(Verdict { key, value, number, after, attempt, moved_to })
}

/// Where a row stands after `after`, if that is elsewhere.
fn place_after(
    destination: &str,
    class: Class,
    id: &str,
    number: u32,
    after: &After,
) -> Option<Key> {
    match after {
        After::Stays { next: Some(at), .. } => {
            Some(key::row(destination, class, key::time(*at), id, number))
        }
        After::Stays { next: None, .. } | After::Gone { .. } => None,
    }
}
