//! The second copy of the metadata: `metadata.copy`, made anew in the background when the log has grown
//! enough, so that a metadata file that is lost or broken is no catastrophe. With the batches that the
//! log holds behind it, it is everything; so segments from its place on stay until the next one.

use crate::base::Base;
use crate::disk::{Disk, Mode};
use crate::dump::{DumpTable, DumpWriter, Item, Written, of_base};
use crate::files::{Files, METADATA, Name, SEGMENTS};
use crate::shared::Shared;
use std::io::{self, ErrorKind};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tracing::warn;

/// The file.
pub const COPY: &str = "metadata.copy";
/// The file while it is being made.
const COPY_NEW: &str = "metadata.copy.new";
/// A new copy is made when the log has grown by so many times the octets of the last one.
const GROWTH: u64 = 2;
/// Octets written without a look at the time,
const PIECE: u64 = 1 << 20;
/// and how long they take at least, so that others have the disk most of the time.
const PIECE_TIME: Duration = Duration::from_millis(30);

/// What there is of a copy.
#[derive(Debug)]
pub struct Twin {
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct State {
    /// Segments before this one are of no use to it. `None`: there is no copy, and none is missed, as
    /// the log is there from the beginning.
    from: Option<u64>,
    /// Octets of it.
    len: u64,
    /// Octets of log since it was made.
    grown: u64,
    /// Make one as soon as there is room.
    due: bool,
}

impl Twin {
    /// What is there of a store whose files are these. A copy that cannot be read is made anew.
    pub fn find(files: &Files) -> Twin {
        let disk = &*files.disk;
        // A crash may have left it.
        let _ = disk.remove(COPY_NEW);
        let found = disk.open(COPY, Mode::Read).and_then(|file| {
            let len = file.len()?;
            Ok((DumpTable::open(file)?.trailer().mark.position.segment, len))
        });
        let state = match found {
            Ok((from, len)) => State { from: Some(from), len, ..State::default() },
            // Without the first segment the log does not tell everything.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let is_whole = disk.open(&Name::Segment(1).path(), Mode::Read).is_ok()
                    || disk.open(METADATA, Mode::Read).is_err();
                State { from: is_whole.then_some(1), due: !is_whole, ..State::default() }
            }
            Err(error) => {
                warn!(%error, "the second copy of the metadata cannot be read; it is made anew");
                State { due: true, ..State::default() }
            }
        };
        let grown = state.from.map_or(0, |from| grown_since(files, from));
        Twin { state: Mutex::new(State { grown, ..state }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Segments before this one may go.
    pub fn needs_from(&self) -> u64 {
        self.state().from.unwrap_or(u64::MAX)
    }

    /// Octets of the last copy.
    pub fn len(&self) -> u64 {
        self.state().len
    }

    /// A checkpoint covered `octets` of log. Is it time for a copy? `least`: not before the log has
    /// grown by so many octets.
    pub fn grew(&self, octets: u64, least: u64) -> bool {
        let mut state = self.state();
        state.grown += octets;
        state.due || state.grown >= least.max(state.len.saturating_mul(GROWTH))
    }

    /// The disk is nearly full: rather mail than a copy. Without it, segments can be given back.
    fn give_up(&self, files: &Files) {
        let mut state = self.state();
        if state.from.take().is_some() {
            *state = State { due: true, ..State::default() };
            // One that stays is older than it should be, and is replaced by the next.
            let _ = files.disk.remove(COPY);
        }
    }

    fn made(&self, written: &Written) {
        let from = Some(written.trailer.mark.position.segment);
        *self.state() = State { from, len: written.len, grown: 0, due: false };
    }
}

/// Octets of the log from a segment on, roughly: the last two are mostly made in advance.
fn grown_since(files: &Files, from: u64) -> u64 {
    let numbers = files.numbers(SEGMENTS).unwrap_or_default();
    let done = numbers.get(..numbers.len().saturating_sub(2)).unwrap_or_default();
    let lens = done.iter().filter(|number| **number >= from).map(|number| {
        let file = files.disk.open(&Name::Segment(*number).path(), Mode::Read);
        file.and_then(|file| file.len()).unwrap_or(0)
    });
    lens.sum()
}

/// Makes the copies.
pub struct Copier {
    shared: Arc<Shared>,
    wanted: Receiver<()>,
}

impl Copier {
    /// For an open store; told when it is time.
    pub fn new(shared: Arc<Shared>, wanted: Receiver<()>) -> Copier {
        Copier { shared, wanted }
    }

    /// Works until the checkpoint thread is gone.
    pub fn run(self) {
        while self.wanted.recv().is_ok() {
            self.work(Pace::Gentle);
        }
    }

    /// What [`Copier::run`] does at a time. `false` if there is nothing to do.
    pub fn step(&self) -> bool {
        let is_wanted = self.wanted.try_recv().is_ok();
        if is_wanted {
            self.work(Pace::Fast);
        }
        is_wanted
    }

    fn work(&self, pace: Pace) {
        match self.make(pace) {
            Ok(written) => {
                self.shared.twin.made(&written);
                self.shared.counters.copies.fetch_add(1, Relaxed);
            }
            Err(_) if self.shared.check().is_err() => {}
            Err(error) => warn!(
                %error,
                "the second copy of the metadata could not be made; it is tried again later"
            ),
        }
    }

    fn make(&self, pace: Pace) -> io::Result<Written> {
        let disk = &*self.shared.files.disk;
        let base = self.shared.published.current().base.clone();
        let written = self.write(disk, &base, pace);
        if written.is_err() {
            let _ = disk.remove(COPY_NEW);
        }
        written
    }

    fn write(&self, disk: &dyn Disk, base: &Base, pace: Pace) -> io::Result<Written> {
        let file = disk.open(COPY_NEW, Mode::Any)?;
        file.set_len(0)?;
        let (mut piece, mut begun) = (0, Instant::now());
        let written = of_base(base, DumpWriter::new(file), |item: &Item| {
            piece += item.size();
            if piece < PIECE {
                return Ok(());
            }
            if self.shared.check().is_err() {
                return Err(io::Error::other("the store is closing"));
            }
            if pace == Pace::Gentle {
                std::thread::sleep(PIECE_TIME.saturating_sub(begun.elapsed()));
            }
            (piece, begun) = (0, Instant::now());
            Ok(())
        })?;
        disk.rename(COPY_NEW, COPY)?;
        disk.sync_dir("")?;
        Ok(written)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    Gentle,
    Fast,
}

/// After a checkpoint: is a copy to be made now?
pub fn is_due(shared: &Shared, covered: u64) -> bool {
    let due = shared.twin.grew(covered, shared.options.copy_after);
    if !shared.files.room.has_room(0) {
        shared.twin.give_up(&shared.files);
        return false;
    }
    // The new one stands beside the old one for a while.
    due && shared.files.room.has_room(shared.twin.len().saturating_mul(2))
}
