//! The next segment, made in advance. Writing over octets that are there costs a sync less than half
//! of what appending costs, as the file system has nothing of its own to note.

use crate::disk::{Disk, DiskFile, Mode};
use crate::files::{Files, Name, SEGMENTS};
use crate::thread::{self, Threads};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Zeros written at a time; each time is synced, so that the disk is never busy with it for long,
const PIECE: usize = 1024 * 1024;
/// and then the disk is left to others for a while, if there is no hurry.
const PAUSE: Duration = Duration::from_millis(40);

/// Makes the next segment, on a thread of its own unless the store is stepped.
#[derive(Debug)]
pub struct Spare {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    files: Arc<Files>,
    segment_size: u64,
    threads: Threads,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    wanted: Option<u64>,
    /// Somebody waits and needs this many octets: hand over what there is as soon as it suffices.
    needed: Option<u64>,
    ready: Option<(u64, io::Result<Arc<dyn DiskFile>>)>,
    stopped: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&'a self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn pause(&self) {
        let state = self.state();
        if self.threads == Threads::Own && state.needed.is_none() && !state.stopped {
            // Woken early it only goes on early.
            drop(self.changed.wait_timeout(state, PAUSE));
        }
    }

    /// How far to fill a segment of which `filled` octets are there. A batch that needs more than a
    /// segment gets it, so that a full disk is found out before the log is touched.
    fn fill_until(&self, filled: u64) -> u64 {
        let state = self.state();
        match state.needed {
            _ if state.stopped => filled,
            Some(needed) if filled >= needed => filled,
            needed => self.segment_size.max(needed.unwrap_or(0)),
        }
    }
}

impl Spare {
    /// Starts the thread; nothing is made before it is wanted. `adopted` was made earlier.
    pub fn start(
        files: Arc<Files>,
        segment_size: u64,
        adopted: Option<u64>,
        threads: Threads,
    ) -> io::Result<Spare> {
        let ready = match adopted {
            None => None,
            Some(number) => {
                let file = files.disk.open(&Name::Segment(number).path(), Mode::Write)?;
                Some((number, Ok(file)))
            }
        };
        let state = Mutex::new(State { ready, ..State::default() });
        let changed = Condvar::new();
        let shared = Arc::new(Shared { files, segment_size, threads, state, changed });
        let own = shared.clone();
        let thread = match threads {
            Threads::Own => Some(thread::spawn("spare", move || run(&own))?),
            Threads::None => None,
        };
        Ok(Spare { shared, thread })
    }

    /// Without a thread: makes the segment that is wanted. `false` if none is.
    pub fn step(&self) -> bool {
        let Some(number) = self.shared.state().wanted else { return false };
        make_wanted(&self.shared, number);
        true
    }

    /// Asks for segment `number`, unless it was asked for already.
    pub fn want(&self, number: u64) {
        let mut state = self.shared.state();
        let is_ready = state.ready.as_ref().is_some_and(|(ready, _)| *ready == number);
        if !is_ready && state.wanted != Some(number) {
            state.wanted = Some(number);
            self.shared.changed.notify_all();
        }
    }

    /// Segment `number`, whose name is durable and which has room for `needed` octets; waits until it
    /// is there.
    pub fn take(&self, number: u64, needed: u64) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.shared.state();
        state.needed = Some(needed);
        // What failed a while ago may work now.
        if state.ready.as_ref().is_some_and(|(ready, made)| *ready != number || made.is_err()) {
            state.ready = None;
        }
        loop {
            if let Some((_, made)) = state.ready.take() {
                state.needed = None;
                return made;
            }
            if state.stopped {
                return Err(io::Error::other("the store is closing"));
            }
            state.wanted = Some(number);
            if self.shared.threads == Threads::None {
                drop(state);
                self.step();
                state = self.shared.state();
                continue;
            }
            self.shared.changed.notify_all();
            state = self.shared.wait(state);
        }
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        self.shared.state().stopped = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(shared: &Shared) {
    let mut state = shared.state();
    while !state.stopped {
        let Some(number) = state.wanted else {
            state = shared.wait(state);
            continue;
        };
        drop(state);
        make_wanted(shared, number);
        state = shared.state();
    }
}

fn make_wanted(shared: &Shared, number: u64) {
    let made = make(shared, number);
    let mut state = shared.state();
    state.ready = Some((number, made));
    state.wanted = None;
    shared.changed.notify_all();
}

fn make(shared: &Shared, number: u64) -> io::Result<Arc<dyn DiskFile>> {
    let name = Name::Segment(number);
    let disk: &dyn Disk = &*shared.files.disk;
    let made = disk.open(&name.path(), Mode::Any).and_then(|file| {
        fill(shared, &*file)?;
        disk.sync_dir(SEGMENTS)?;
        Ok(file)
    });
    if made.is_err() {
        // Half a file would only take room away from others.
        let _ = shared.files.remove(name);
    }
    made
}

fn fill(shared: &Shared, file: &dyn DiskFile) -> io::Result<()> {
    let zeros = vec![0; PIECE];
    let mut filled = 0;
    loop {
        let until = shared.fill_until(filled);
        if filled >= until {
            return Ok(());
        }
        let len = (until - filled).min(PIECE as u64);
        // When room gets short, what is left is for those who wait.
        if shared.state().needed.is_none() && !shared.files.room.has_room(len) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        file.write_at(&zeros[..len as usize], filled)?;
        file.sync_data()?;
        filled += len;
        shared.pause();
    }
}
