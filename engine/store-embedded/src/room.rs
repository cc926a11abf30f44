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

    /// How much there is for who is about to write. Gives the reserve back when there is nothing else.
    pub fn level(&self) -> Level {
        let mut free = self.free();
        if free < self.last() && self.release() {
            free = self.free();
        }
        self.judge(free)
    }

    /// Is there room for a body of `len` octets? Whoever only asks takes nothing out of the reserve: on
    /// a full disk strangers go on asking, and it is for those who delete.
    pub fn has_room(&self, len: u64) -> bool {
        let free = self.free();
        self.judge(free) == Level::Enough && free >= self.reserve.saturating_add(len)
    }

    fn judge(&self, free: u64) -> Level {
        let is_something_left = free >= self.last() || self.reserved.load(Relaxed);
        let level = match free {
            // A disk that has no room for the metadata has none for mail, whatever it tells.
            _ if self.is_waiting() && is_something_left => Level::Short,
            free if free >= self.reserve => Level::Enough,
            _ if is_something_left => Level::Short,
            _ => Level::None,
        };
        self.tell(level, free);
        level
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::DiskFile;
    use std::any::Any;
    use std::sync::atomic::AtomicU64;

    const RESERVED: u64 = 16 << 20;

    /// A disk that has nothing but the reserve, and tells how much is left.
    #[derive(Debug)]
    struct Small {
        left: AtomicU64,
        is_reserved: AtomicBool,
    }

    #[derive(Debug)]
    struct Nothing;

    impl DiskFile for Nothing {
        fn len(&self) -> io::Result<u64> {
            Ok(0)
        }
        fn set_len(&self, _: u64) -> io::Result<()> {
            Ok(())
        }
        fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<usize> {
            Ok(0)
        }
        fn read_cached(&self, _: &mut [u8], _: u64) -> io::Result<usize> {
            Ok(0)
        }
        fn write_at(&self, _: &[u8], _: u64) -> io::Result<()> {
            Ok(())
        }
        fn sync_data(&self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Disk for Small {
        fn create_dir(&self, _: &str) -> io::Result<()> {
            Ok(())
        }
        fn list(&self, _: &str) -> io::Result<Vec<String>> {
            Ok(Vec::new())
        }
        fn open(&self, _: &str, _: Mode) -> io::Result<Arc<dyn DiskFile>> {
            Ok(Arc::new(Nothing))
        }
        fn rename(&self, _: &str, _: &str) -> io::Result<()> {
            Ok(())
        }
        fn remove(&self, _: &str) -> io::Result<()> {
            self.is_reserved.store(false, Relaxed);
            self.left.fetch_add(RESERVED, Relaxed);
            Ok(())
        }
        fn sync_dir(&self, _: &str) -> io::Result<()> {
            Ok(())
        }
        fn available(&self) -> io::Result<u64> {
            Ok(self.left.load(Relaxed))
        }
        fn lock(&self) -> io::Result<Box<dyn Any + Send + Sync>> {
            Ok(Box::new(()))
        }
    }

    #[test]
    fn who_only_asks_leaves_the_reserve_to_those_who_delete() {
        let disk = Arc::new(Small { left: AtomicU64::new(0), is_reserved: true.into() });
        let room = Room::new(disk.clone(), 64 << 20);
        for _ in 0..100 {
            assert!(!room.has_room(0));
        }
        assert!(disk.is_reserved.load(Relaxed));
        // Whoever changes something gets it, once.
        assert_eq!(room.level(), Level::Short);
        assert!(!disk.is_reserved.load(Relaxed));
        disk.left.store(0, Relaxed);
        assert_eq!(room.level(), Level::None);
        disk.left.store(65 << 20, Relaxed);
        assert_eq!(room.level(), Level::Enough);
        assert!(room.has_room(1 << 20) && !room.has_room(2 << 20));
    }
}
