//! Aggregate reports of DMARC (RFC 7489 §7.2): what was seen here under the domains of others is
//! gathered day by day and told to those who asked for it; what others saw under ours is kept.
//!
//! [`Feedback::watching`] puts it behind an examiner, so that it learns every verdict. It counts in
//! memory, bounded, and writes a minute's worth at a time: a kill costs that much of a statistic, and
//! no message waits for it. [`Feedback::work`] writes, sends and forgets, one small unit at a time.
//! [`Archive`] keeps what others saw.

mod compose;
mod key;
mod received;
mod sending;
mod tally;
mod watch;

pub use received::{Archive, Received};
pub use sending::Work;

use core_store::Store;
use core_world::{Clock, Resolver};
use rules_sender::Policy;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tally::Tally;
use words_base::Timestamp;
use words_mail::Address;

/// Who reports.
#[derive(Clone, Debug)]
pub struct Options {
    /// Our name, as reports give it, and that of the host.
    pub organisation: String,
    /// The author of reports; people may answer to it.
    pub contact: Address,
    /// What follows from verdicts: reports tell what was done.
    pub policy: Policy,
}

/// The reports. Cheap to share.
#[derive(Clone)]
pub struct Feedback {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) resolver: Arc<dyn Resolver>,
    pub(crate) options: Options,
    /// What is not written yet.
    pub(crate) tally: Mutex<Tally>,
    /// Domains whose reports wait because the DNS could not be asked, and until when.
    pub(crate) postponed: Mutex<HashMap<String, Timestamp>>,
}

impl Feedback {
    /// Kept in `store`; `resolver` says who may be told (RFC 7489 §7.1).
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        resolver: Arc<dyn Resolver>,
        options: Options,
    ) -> Feedback {
        let tally = Mutex::new(Tally::default());
        Feedback {
            inner: Arc::new(Inner {
                store,
                clock,
                resolver,
                options,
                tally,
                postponed: Mutex::default(),
            }),
        }
    }
}
