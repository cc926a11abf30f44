//! What of a store a backup needs: a moment, and the files that it names.

use super::BackupError;
use crate::base::{Base, Mark, store_error};
use crate::blob::{Entry, Locator};
use crate::committer::Request;
use crate::shared::{Pin, Shared};
use core_store::BlobId;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Between two looks whether the checkpoint is written.
const PAUSE: Duration = Duration::from_millis(5);

/// A moment of a store, and the promise that no file it needs is removed.
pub struct Moment {
    /// The metadata, as of the moment.
    pub base: Arc<Base>,
    /// Where the log went on then.
    pub mark: Mark,
    _pin: Pin,
}

impl Moment {
    /// A moment that holds everything that was acknowledged before this call.
    pub fn take(
        shared: &Arc<Shared>,
        queue: &mpsc::Sender<Request>,
        mut go_on: impl FnMut() -> Result<(), BackupError>,
    ) -> Result<Moment, BackupError> {
        // First the pin, then the look: what a later checkpoint drops stays.
        let pin = Pin::new(shared.clone());
        let wanted = shared.published.current().sequence;
        loop {
            let view = shared.published.current();
            let mark = view.base.mark().map_err(|e| BackupError::Store(store_error(e)))?;
            if mark.sequence >= wanted {
                return Ok(Moment { base: view.base.clone(), mark, _pin: pin });
            }
            shared.check().map_err(BackupError::Store)?;
            // Not taken while an earlier checkpoint is being written: asked again when that is done.
            if view.frozen.is_none() {
                let _ = queue.try_send(Request::Freeze);
            }
            drop(view);
            std::thread::sleep(PAUSE);
            go_on()?;
        }
    }
}

/// The files that bodies are in.
#[derive(Debug, Default)]
pub struct Needs {
    /// Sealed segments that hold a body.
    pub segments: BTreeSet<u64>,
    /// Large bodies, by id.
    pub large: Vec<(BlobId, Locator)>,
    /// Bodies,
    pub bodies: u64,
    /// and their octets.
    pub body_bytes: u64,
}

impl Needs {
    /// One more body.
    pub fn note(&mut self, blob: BlobId, entry: &Entry) {
        self.bodies += 1;
        self.body_bytes += entry.locator.len;
        self.segments.insert(entry.locator.segment);
        if entry.locator.large {
            self.large.push((blob, entry.locator));
        }
    }
}
