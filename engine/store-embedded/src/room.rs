//! Room on the disk: how much is left, what is still taken when it gets short, and a reserve that is
//! given back first, so that messages can be deleted on a disk that somebody else has filled.

use crate::disk::{Disk, Mode};
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};
use std::time::Duration;
use tracing::{info, warn};

/// The file that keeps octets of the disk for us.
const RESERVE: &str = "reserve";
/// Its octets at most; it has half of [`crate::Options::reserve`] if that is less.
const RESERVE_MAX: u64 = 16 << 20;
/// Below this many free octets nothing at all is taken that needs more room; above it, and below
/// the reserve, what brings no bodies still is, so that messages can be deleted on a full disk.
const LAST: u64 = 8 << 20;
/// Zeros written at a time.
const PIECE: usize = 1 << 20;
/// How long the metadata waits between two tries to write where there was no room.
const PAUSE: Duration = Duration::from_millis(100);

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// For everything.
    Enough,
    /// For what brings no bodies.
    Short,
    /// For nothing.
    None,
}

/// The room on one store's disk.
#[derive(Debug)]
pub struct Room {
    disk: Arc<dyn Disk>,
    /// Bodies are refused below so many free octets.
    reserve: u64,
    /// Is the reserve's file there?
    reserved: AtomicBool,
    /// The level that was told last.
    told: AtomicU8,
    /// Does the metadata wait for room?
    waiting: AtomicBool,
    /// May it wait? Not before the store is open, nor when it closes.
    patient: AtomicBool,
}

impl Room {
    /// The room on `disk`, of which `reserve` octets are for what must go on.
    pub fn new(disk: Arc<dyn Disk>, reserve: u64) -> Room {
        let reserved = disk.open(RESERVE, Mode::Read).is_ok();
        Room {
            disk,
            reserve,
            reserved: AtomicBool::new(reserved),
            told: AtomicU8::new(Level::Enough as u8),
            waiting: AtomicBool::new(false),
            patient: AtomicBool::new(false),
        }
    }

    /// How much there is. Gives the reserve back when there is nothing else.
    pub fn level(&self) -> Level {
        let mut free = self.free();
        if free < self.last() && self.release() {
            free = self.free();
        }
        let level = match free {
            // A disk that has no room for the metadata has none for mail, whatever it tells.
            _ if self.is_waiting() && free >= self.last() => Level::Short,
            free if free >= self.reserve => Level::Enough,
            free if free >= self.last() => Level::Short,
            _ => Level::None,
        };
        self.tell(level, free);
        level
    }

    /// Is there room for a body of `len` octets?
    pub fn has_room(&self, len: u64) -> bool {
        self.level() == Level::Enough && self.free() >= self.reserve.saturating_add(len)
    }

    /// Octets that are left. A disk that does not tell is found out by writing.
    pub fn free(&self) -> u64 {
        self.disk.available().unwrap_or(u64::MAX)
    }

    fn last(&self) -> u64 {
        LAST.min(self.reserve)
    }

    fn tell(&self, level: Level, free: u64) {
        let told = self.told.swap(level as u8, Relaxed);
        let free = free >> 20;
        match level {
            _ if told == level as u8 => {}
            Level::Enough => info!("the disk has room again: mail is taken in"),
            Level::Short => warn!(
                free_mib = free,
                "the disk is nearly full: no mail is taken in, but it can be read and deleted; \
                 make room, nothing needs to be restarted"
            ),
            Level::None => warn!(
                free_mib = free,
                "the disk is full: mail can be read, but nothing can be changed; make room, nothing \
                 needs to be restarted"
            ),
        }
    }

    /// Takes octets of the disk into reserve, if there are plenty.
    pub fn replenish(&self) {
        let len = RESERVE_MAX.min(self.reserve / 2);
        let plenty = self.reserve.saturating_mul(2).saturating_add(len);
        let is_due = self.patient.load(Relaxed) && !self.reserved.load(Relaxed);
        if len == 0 || !is_due || self.free() < plenty {
            return;
        }
        match self.fill(len) {
            Ok(()) => self.reserved.store(true, Relaxed),
            // There will be another time.
            Err(_) => drop(self.disk.remove(RESERVE)),
        }
    }

    fn fill(&self, len: u64) -> io::Result<()> {
        let file = self.disk.open(RESERVE, Mode::Any)?;
        let zeros = vec![0; PIECE];
        let mut filled = 0;
        while filled < len {
            let piece = (len - filled).min(PIECE as u64);
            file.write_at(&zeros[..piece as usize], filled)?;
            filled += piece;
        }
        file.sync_data()?;
        self.disk.sync_dir("")
    }

    /// Gives the reserve back; is there more room now?
    fn release(&self) -> bool {
        if !self.reserved.swap(false, Relaxed) {
            return false;
        }
        warn!("the disk is full: what the store had in reserve is given back; make room");
        // Some file systems give octets back only when they have noted it for good.
        self.disk.remove(RESERVE).and_then(|()| self.disk.sync_dir("")).is_ok()
    }

    /// From now on a write of the metadata that finds no room waits for it, or not any more.
    pub fn set_patient(&self, patient: bool) {
        self.patient.store(patient, Relaxed);
    }

    /// Does the metadata wait for room?
    pub fn is_waiting(&self) -> bool {
        self.waiting.load(Relaxed)
    }

    /// Does `write` until there is room for it. What found no room was not written, so it may be
    /// tried again, unlike a sync that failed; and whoever reads goes on.
    pub fn wait_for(&self, write: impl Fn() -> io::Result<()>) -> io::Result<()> {
        loop {
            match write() {
                Err(error) if is_full(&error) && self.patient.load(Relaxed) => {
                    self.waiting.store(true, Relaxed);
                    if !self.release() {
                        std::thread::sleep(PAUSE);
                    }
                }
                done => {
                    self.waiting.store(false, Relaxed);
                    return done;
                }
            }
        }
    }
}

/// Did it fail for want of room alone?
pub fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}
