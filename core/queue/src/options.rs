//! What the queue needs to be told.

use crate::{Class, Schedule};
use std::time::Duration;
use words_report::Language;

/// Limits and patience, each with a name.
#[derive(Clone, Debug)]
pub struct Options {
    /// Our name, as reports give it.
    pub host_name: String,
    /// In which language a sender is told whose message does not say in which he reads.
    pub language: Language,
    /// How patiently mail of [`Class::Interactive`] is tried,
    pub interactive: Schedule,
    /// reports,
    pub report: Schedule,
    /// and bulk.
    pub bulk: Schedule,
    /// Most recipients of one job.
    pub recipients_max: usize,
    /// Most jobs at once to one destination, however well it goes.
    pub concurrency_max: u16,
    /// Jobs at once to a destination that nothing is known of.
    pub concurrency_first: u16,
    /// The first pause of a destination that cannot be reached; it doubles each time,
    pub pause_first: Duration,
    /// up to this.
    pub pause_max: Duration,
    /// Destinations that are kept in mind; those that have longest to wait are looked up again later.
    pub destinations_max: usize,
    /// Largest message that a report gives back whole; of a larger one, the header.
    pub returned_max: u64,
}

impl Options {
    /// Usual ones of the server `host_name`.
    pub fn new(host_name: impl Into<String>) -> Options {
        Options {
            host_name: host_name.into(),
            language: Language::default(),
            interactive: Schedule::default(),
            // A report that nobody takes helps nobody.
            report: Schedule { notice_after: None, ..Schedule::default() },
            bulk: Schedule::default(),
            recipients_max: 100,
            concurrency_max: 20,
            concurrency_first: 5,
            pause_first: Duration::from_secs(5 * 60),
            pause_max: Duration::from_secs(3600),
            destinations_max: 250_000,
            returned_max: 64 * 1024,
        }
    }

    /// How patiently mail of `class` is tried.
    pub fn schedule(&self, class: Class) -> &Schedule {
        match class {
            Class::Interactive => &self.interactive,
            Class::Report => &self.report,
            Class::Bulk => &self.bulk,
        }
    }
}
