//! Space reclaimed: what is still in use of a sparse segment is written anew at the log's end, by
//! the committer like everything else; then the segment holds nothing and goes.

use crate::blob::Locator;
use crate::committer::Request;
use crate::files::Name;
use crate::frame::{Header, Kind};
use crate::log::{Found, Position, Scanner};
use crate::shared::Shared;
use crate::writer::Prepared;
use bytes::Bytes;
use core_store::BlobId;
use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::Receiver;
use tokio::sync::{mpsc, oneshot};

/// Octets written anew with one batch, so that others wait only a little longer for theirs.
const MOVE_MAX: usize = 1 << 20;

/// Empties at most one segment after each checkpoint: its pace is that of the log itself. It has a
/// thread of its own, as it waits for the committer, which may wait for a checkpoint.
pub struct Collector {
    shared: Arc<Shared>,
    queue: mpsc::Sender<Request>,
    checkpoints: Receiver<u64>,
    /// Segments that cannot be read: left for `estafeta store check`.
    damaged: HashSet<u64>,
}

/// Puts a request to the committer and waits for the answer.
type Ask<'a> = dyn FnMut(Request, oneshot::Receiver<()>) -> Result<(), Stopped> + 'a;

/// Why a segment was not emptied.
enum Stopped {
    /// The store takes no more.
    Closed,
    /// It is not what was written.
    Damaged,
}

impl From<io::Error> for Stopped {
    fn from(_: io::Error) -> Stopped {
        Stopped::Damaged
    }
}

impl Collector {
    /// For an open store.
    pub fn new(
        shared: Arc<Shared>,
        queue: mpsc::Sender<Request>,
        checkpoints: Receiver<u64>,
    ) -> Collector {
        Collector { shared, queue, checkpoints, damaged: HashSet::new() }
    }

    /// Works until the checkpoint thread is gone.
    pub fn run(mut self) {
        while let Ok(end) = self.checkpoints.recv() {
            let queue = self.queue.clone();
            self.work(end, &mut |request, answer| {
                queue.blocking_send(request).map_err(|_| Stopped::Closed)?;
                answer.blocking_recv().map_err(|_| Stopped::Closed)
            });
        }
    }

    /// What [`Collector::run`] does at a time; waits for nothing but `commit`, which has the committer
    /// do what waits. `false` if there is nothing to do.
    pub fn step(&mut self, commit: &mut dyn FnMut()) -> bool {
        let Ok(end) = self.checkpoints.try_recv() else { return false };
        let queue = self.queue.clone();
        self.work(end, &mut |request, mut answer| {
            queue.try_send(request).map_err(|_| Stopped::Closed)?;
            commit();
            answer.try_recv().map_err(|_| Stopped::Closed)
        });
        true
    }

    /// Empties the sparsest segment before `end`, if any is sparse enough.
    fn work(&mut self, end: u64, ask: &mut Ask) {
        let Some(segment) = self.candidate(end) else { return };
        match self.empty(segment, ask) {
            Ok(()) => drop(self.shared.counters.collected.fetch_add(1, Relaxed)),
            Err(Stopped::Closed) => {}
            Err(Stopped::Damaged) => {
                self.damaged.insert(segment);
                self.shared.counters.damaged.fetch_add(1, Relaxed);
            }
        }
    }

    fn candidate(&self, end: u64) -> Option<u64> {
        let usage = self.shared.usage();
        let segments = usage.iter().filter(|(segment, used)| {
            *segment < end && used.blobs > 0 && used.is_sparse() && !self.damaged.contains(segment)
        });
        segments.min_by_key(|(_, used)| used.live).map(|(segment, _)| segment)
    }

    fn empty(&self, segment: u64, ask: &mut Ask) -> Result<(), Stopped> {
        let file = self.shared.files.get(Name::Segment(segment))?;
        let mut scanner = Scanner::new(file, Position { segment, offset: 0 });
        let (mut moves, mut size) = (Vec::new(), 0);
        loop {
            let Found::Frame { header, offset } = scanner.next()? else {
                return Err(Stopped::Damaged);
            };
            match header.kind {
                Kind::Seal => return self.send(moves, ask),
                Kind::Batch => continue,
                Kind::Body | Kind::Large => {}
            }
            let from = locator(&header, offset);
            if self.is_in_use(BlobId(header.blob), from) {
                let payload = scanner.payload(&header, offset)?.map_err(|_| Stopped::Damaged)?;
                size += payload.len();
                moves.push((from, prepared(&header, payload)));
            }
            if size >= MOVE_MAX {
                self.send(std::mem::take(&mut moves), ask)?;
                size = 0;
            }
        }
    }

    fn is_in_use(&self, blob: BlobId, at: Locator) -> bool {
        let entry = self.shared.published.current().blob(blob);
        entry.is_ok_and(|entry| entry.is_some_and(|entry| entry.holders > 0 && entry.locator == at))
    }

    /// Has the bodies written anew, and waits for it.
    fn send(&self, moves: Vec<(Locator, Prepared)>, ask: &mut Ask) -> Result<(), Stopped> {
        if moves.is_empty() {
            return Ok(());
        }
        // The store is closing or has failed.
        if self.shared.check().is_err() {
            return Err(Stopped::Closed);
        }
        let (reply, answer) = oneshot::channel();
        ask(Request::Move(moves, reply), answer)
    }
}

fn locator(header: &Header, offset: u64) -> Locator {
    let large = header.kind == Kind::Large;
    Locator { segment: header.segment, offset, len: header.body_len, large }
}

fn prepared(header: &Header, payload: &[u8]) -> Prepared {
    Prepared {
        id: BlobId(header.blob),
        len: header.body_len,
        crc: header.payload_crc,
        payload: vec![Bytes::copy_from_slice(payload)],
        large: header.kind == Kind::Large,
        file: None,
    }
}
