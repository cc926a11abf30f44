//! Whose a row is for the moment.

use crate::queue::Inner;
use core_store::{Key, Value};
use std::fmt;
use std::sync::Arc;

/// The rows of a job. Dropped without a report, they are due again.
pub(crate) struct Lease {
    pub inner: Arc<Inner>,
    pub destination: Arc<str>,
    /// As they are stored.
    pub rows: Vec<(Key, Value)>,
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lease({} of {})", self.rows.len(), self.destination)
    }
}
