//! Keeps a store open: when the disk has failed, it is closed and opened again, as often as it takes.
//!
//! A sync that failed is never tried again: the system may have dropped what it could not write and
//! call it clean. So what it holds in memory is forgotten, the log is cut where the last promise
//! ended, and recovery begins from what the medium holds. Before that, a probe shows that the disk
//! can be written at all; until then the store that has failed goes on reading.

use crate::disk::{Disk, Mode};
use crate::files::{METADATA, Name, SEGMENTS};
use crate::log::Position;
use crate::options::OpenError;
use crate::recovery;
use crate::running::{Opening, Running};
use crate::stepped::Steps;
use crate::store::Inner;
use crate::thread::Threads;
use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tracing::{error, info, warn};

/// Longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// Written, synced and removed to see whether the disk is well.
const PROBE: &str = "probe";
/// Its octets.
const PROBE_SIZE: usize = 4096;

/// Tells the keeper what happens.
#[derive(Debug, Default)]
pub struct Alarm {
    signal: Mutex<Signal>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Signal {
    failed: bool,
    closing: bool,
}

impl Alarm {
    fn signal(&self) -> MutexGuard<'_, Signal> {
        self.signal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The store has failed.
    pub fn ring(&self) {
        self.signal().failed = true;
        self.changed.notify_all();
    }

    /// The store is being closed for good.
    pub fn close(&self) {
        self.signal().closing = true;
        self.changed.notify_all();
    }

    /// Waits for a failure. `false`: the store is being closed.
    fn wait(&self) -> bool {
        let mut signal = self.signal();
        while !signal.failed && !signal.closing {
            signal = self.changed.wait(signal).unwrap_or_else(PoisonError::into_inner);
        }
        signal.failed = false;
        !signal.closing
    }

    /// Lets time pass. `false`: the store is being closed.
    fn pause(&self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        let mut signal = self.signal();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if signal.closing || left.is_zero() {
                return !signal.closing;
            }
            let waited = self.changed.wait_timeout(signal, left);
            signal = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Works until the store is closed for good.
pub fn run(inner: &Inner) {
    while inner.alarm.wait() {
        if !mend(inner) {
            return;
        }
    }
}

/// Opens the store again. `false`: it is being closed.
fn mend(inner: &Inner) -> bool {
    let why = inner.running().shared.failure().unwrap_or_default().to_owned();
    error!(
        why,
        "the store takes nothing more in; it opens itself again as soon as the disk can be written; \
         see to the disk"
    );
    let mut pause = inner.options.reopen_after;
    let mut until = None;
    loop {
        if !inner.alarm.pause(pause) {
            return false;
        }
        pause = (pause * 2).min(PAUSE_MAX.max(inner.options.reopen_after));
        match reopen(inner, &mut until) {
            Ok(replayed) => {
                info!(replayed, "the store is open again; nothing that was acknowledged is lost");
                return true;
            }
            Err(OpenError::Corrupt { file, offset, what }) => {
                // It may be the disk's mood; but most likely somebody has to look.
                error!(
                    file,
                    offset, what, "the store cannot be opened; run `estafeta store check`"
                );
            }
            Err(why) => warn!(%why, again_in = ?pause, "the store could not be opened again yet"),
        }
    }
}

/// One try; how much log was replayed. `until` remembers where the log ended when the store failed.
fn reopen(inner: &Inner, until: &mut Option<Position>) -> Result<u64, OpenError> {
    let (mut running, steps) = again(inner, until, Threads::Own)?;
    let threads = steps.spawn();
    let starting = |error| recovery::io_error(&inner.directory, "starting the store", error);
    running.set_threads(threads.map_err(starting)?).map_err(starting)?;
    let replayed = running.recovery.replayed;
    inner.replace(Arc::new(running));
    Ok(replayed)
}

/// One try for a store without threads; its new work.
pub fn reopen_stepped(inner: &Inner) -> Result<Steps, OpenError> {
    let (running, steps) = again(inner, &mut None, Threads::None)?;
    inner.replace(Arc::new(running));
    Ok(steps)
}

fn again(
    inner: &Inner,
    until: &mut Option<Position>,
    threads: Threads,
) -> Result<(Running, Steps), OpenError> {
    probe(&*inner.disk).map_err(|error| {
        recovery::io_error(&inner.directory, "writing where the store is", error)
    })?;
    let old = inner.running();
    old.stop();
    let end =
        *until.get_or_insert(old.shared.log_end().unwrap_or(Position { segment: 1, offset: 0 }));
    forget_cached(&*inner.disk, end);
    let opening = Opening {
        disk: inner.disk.clone(),
        directory: &inner.directory,
        options: &inner.options,
        threads,
        alarm: inner.alarm.clone(),
    };
    let (running, steps) = opening.again(end)?;
    // Bodies begun before are still on their way in, under ids that no log knows of; others may be
    // begun until the new opening takes over.
    let given = old.shared.next_blob.load(Relaxed) + recovery::BLOB_GAP;
    running.shared.next_blob.fetch_max(given, Relaxed);
    Ok((running, steps))
}

fn probe(disk: &dyn Disk) -> io::Result<()> {
    let name = format!("{SEGMENTS}/{PROBE}");
    let write = || {
        let file = disk.open(&name, Mode::Any)?;
        file.write_at(&[0; PROBE_SIZE], 0)?;
        file.sync_data()?;
        disk.sync_dir(SEGMENTS)
    };
    let written = write();
    // One that stays does no harm: nobody reads it.
    let _ = disk.remove(&name);
    written
}

/// What was written when the disk failed is to be read from the medium.
fn forget_cached(disk: &dyn Disk, end: Position) {
    let last = Name::Segment(end.segment).path();
    for name in [METADATA.to_owned(), last] {
        if let Ok(file) = disk.open(&name, Mode::Read) {
            file.forget_cached();
        }
    }
}

impl Running {
    /// Its answer to whoever asks while it is neither open nor closed for good.
    pub fn reopening(&self) -> core_store::StoreError {
        let why = self.shared.failure().unwrap_or("the store is closed");
        core_store::StoreError::Unavailable(why.to_owned())
    }
}
