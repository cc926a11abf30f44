//! What is noted of a message: where it came from, and what became of it.

use crate::genuine::Judged;
use crate::{Delivery, Origin, Recipient};
use core_queue::{Fate, Said};
use core_store::Batch;
use core_trace::{Attempt, Came, Outcome, Trace, Tried};
use std::fmt::{self, Display};
use words_base::Timestamp;
use words_mail::{ForwardPath, Refusal, ReversePath};

/// A path without its brackets; the null one is empty.
pub(crate) struct Bare<'a>(pub(crate) &'a ReversePath);

impl Display for Bare<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.0 {
            Some(address) => address.fmt(f),
            None => Ok(()),
        }
    }
}

/// The same of a forward-path.
pub(crate) struct BareTo<'a>(pub(crate) &'a ForwardPath);

impl Display for BareTo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ForwardPath::Address(address) => address.fmt(f),
            ForwardPath::Postmaster => f.write_str("Postmaster"),
        }
    }
}

/// What is known of a message that is noted.
pub(crate) struct Head<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) at: Timestamp,
    pub(crate) message_id: Option<&'a str>,
    pub(crate) size: u64,
    pub(crate) judged: &'a Judged,
}

impl Head<'_> {
    /// As a trace takes it.
    pub(crate) fn with<T>(
        &self,
        refused: Option<&dyn Display>,
        take: impl FnOnce(&Came<'_>) -> T,
    ) -> T {
        let origin = self.origin;
        let path = Bare(&origin.reverse_path);
        let login = origin.submitter.as_ref().map(|(_, address)| address as &dyn Display);
        let decision = self.judged.words();
        take(&Came {
            at: self.at,
            peer: &origin.peer,
            helo: &origin.helo,
            protocol: origin.protocol,
            tls: origin.tls.as_deref(),
            login,
            reverse_path: Some(&path),
            message_id: self.message_id,
            size: self.size,
            refused,
            decision: decision.as_deref(),
            findings: &self.judged.findings,
        })
    }

    /// Notes that nobody got it.
    pub(crate) fn refused(
        &self,
        trace: &Trace,
        id: &str,
        recipients: &[Recipient],
        refusal: &Refusal,
    ) {
        self.with(Some(refusal), |came| {
            trace.refused(id, came, |lines| {
                for recipient in recipients {
                    lines.refused(&BareTo(&recipient.forward_path), refusal);
                }
            });
        });
    }
}

impl Delivery {
    /// Notes that MAIL, or RCPT for `path`, was refused. `origin` is as far as it is known.
    pub fn refused(&self, origin: &Origin, path: Option<&ForwardPath>, refusal: &Refusal) {
        let Some(trace) = &self.road.trace else { return };
        let at = self.road.world.clock.now();
        let judged = Judged::default();
        let head = Head { origin, at, message_id: None, size: 0, judged: &judged };
        let id = core_trace::new_id(at, &*self.road.world.random);
        head.with(Some(refusal), |came| {
            trace.refused(&id, came, |lines| {
                if let Some(path) = path {
                    lines.refused(&BareTo(path), refusal);
                }
            });
        });
    }
}

/// Notes the attempts of a queue, in the commits that write down what came of them.
pub struct AttemptsTraced(pub Trace);

impl core_queue::Tracer for AttemptsTraced {
    fn attempt(&self, attempt: &core_queue::Attempt<'_>, batch: &mut Batch) {
        let tried = Tried {
            address: attempt.recipient.to_string(),
            outcome: match attempt.fate {
                Fate::Delivered => Outcome::Delivered,
                Fate::Deferred { next_at } => Outcome::Deferred { retry_at: Some(next_at) },
                Fate::Refused | Fate::Expired => Outcome::Failed,
            },
            words: words(attempt.said),
        };
        let noted = Attempt {
            id: attempt.id.to_string(),
            at: attempt.at,
            destination: attempt.destination.to_string(),
            peer: attempt.said.by.clone(),
            tls: None,
            tried: vec![tried],
            more: 0,
        };
        if core_trace::attempt(&noted, batch).is_some() {
            self.0.attempted(noted);
        }
    }
}

/// A reply as it was heard, or our own words.
fn words(said: &Said) -> String {
    match said.code {
        Some(code) => format!("{code} {} {}", said.status, said.text),
        None => said.text.clone(),
    }
}
