//! An examiner whose verdicts are counted.

use crate::sending::day_of;
use crate::{Feedback, Inner};
use core_world::{Arrival, Examination, Examiner, Later};
use rules_sender::{Decision, Verdicts};
use std::sync::{Arc, PoisonError};

impl Feedback {
    /// `examiner`, all of whose verdicts are counted from now on.
    pub fn watching(&self, examiner: Arc<dyn Examiner>) -> Arc<dyn Examiner> {
        Arc::new(Watched { inner: self.inner.clone(), examiner })
    }
}

struct Watched {
    inner: Arc<Inner>,
    examiner: Arc<dyn Examiner>,
}

impl Examiner for Watched {
    fn begin(&self, arrival: Arrival) -> Box<dyn Examination> {
        Box::new(Watching { inner: self.inner.clone(), examination: self.examiner.begin(arrival) })
    }
}

struct Watching {
    inner: Arc<Inner>,
    examination: Box<dyn Examination>,
}

impl Examination for Watching {
    fn header(&mut self, header: &[u8]) {
        self.examination.header(header);
    }

    fn body(&mut self, piece: &[u8]) {
        self.examination.body(piece);
    }

    fn finish(self: Box<Self>) -> Later<'static, Verdicts> {
        let Watching { inner, examination } = *self;
        Box::pin(async move {
            let verdicts = examination.finish().await;
            let disposition = match inner.options.policy.decide(&verdicts) {
                Decision::Accept => "none",
                Decision::Junk(_) => "quarantine",
                Decision::Reject { .. } => "reject",
            };
            let day = day_of(inner.clock.now());
            let mut tally = inner.tally.lock().unwrap_or_else(PoisonError::into_inner);
            tally.count(day, &verdicts, disposition);
            drop(tally);
            verdicts
        })
    }
}
