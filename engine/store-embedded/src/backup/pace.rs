//! How far a job is, how fast it may go, and whether it shall go on.

use std::io;
use std::time::{Duration, Instant};

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// What is done just now: `metadata`, `segments` …
    pub what: &'a str,
    /// Octets dealt with,
    pub done: u64,
    /// and how many there will be, if that is known.
    pub all: Option<u64>,
}

/// Is told how far a job is, and answers whether it shall go on. Called often.
pub type Watch<'a> = &'a mut dyn FnMut(Progress<'_>) -> bool;

/// Counts octets, and holds up whoever is faster than allowed.
pub struct Pace<'a> {
    watch: Watch<'a>,
    rate: Option<u64>,
    begun: Instant,
    what: &'static str,
    /// Octets read or written,
    spent: u64,
    /// and how many they were when somebody was asked last.
    asked: u64,
    /// Those of them that are progress.
    done: u64,
    all: Option<u64>,
}

/// After so many octets somebody is asked again.
const STRIDE: u64 = 64 << 10;
/// Longest time for which nobody looks whether the job shall go on.
const NAP: Duration = Duration::from_millis(200);

impl<'a> Pace<'a> {
    /// At most `rate` octets a second.
    pub fn new(rate: Option<u64>, watch: Watch<'a>) -> Pace<'a> {
        let begun = Instant::now();
        Pace { watch, rate, begun, what: "", spent: 0, asked: 0, done: 0, all: None }
    }

    /// Begins another part of the job. `more` octets of it are known to come.
    pub fn part(&mut self, what: &'static str, more: Option<u64>) -> io::Result<()> {
        self.what = what;
        self.all = more.map(|more| self.done + more);
        self.spend(0)
    }

    /// So many octets were dealt with. An error if the job shall not go on.
    pub fn spend(&mut self, octets: u64) -> io::Result<()> {
        self.done += octets;
        self.read(octets)
    }

    /// So many octets were read besides. An error if the job shall not go on.
    pub fn read(&mut self, octets: u64) -> io::Result<()> {
        self.spent += octets;
        if octets > 0 && self.spent - self.asked < STRIDE {
            return Ok(());
        }
        self.asked = self.spent;
        self.go_on()?;
        while let Some(early) = self.early() {
            std::thread::sleep(early.min(NAP));
            self.go_on()?;
        }
        Ok(())
    }

    fn go_on(&mut self) -> io::Result<()> {
        let (what, done, all) = (self.what, self.done, self.all);
        match (self.watch)(Progress { what, done, all }) {
            true => Ok(()),
            false => Err(stopped()),
        }
    }

    /// By how much it is ahead of its rate.
    fn early(&self) -> Option<Duration> {
        let rate = self.rate.filter(|rate| *rate > 0)?;
        let due = Duration::from_secs_f64(self.spent as f64 / rate as f64);
        due.checked_sub(self.begun.elapsed()).filter(|early| !early.is_zero())
    }
}

/// The error of a job that was told to stop.
fn stopped() -> io::Error {
    io::Error::new(io::ErrorKind::Interrupted, "it was told to stop")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_kept_and_who_is_told_to_stop_stops() {
        let mut told = 0;
        let mut watch = |_: Progress<'_>| {
            told += 1;
            told < 40
        };
        let mut pace = Pace::new(Some(1 << 30), &mut watch);
        pace.part("octets", Some(100)).expect("it goes on");
        pace.spend(50 << 20).expect("it goes on");
        let least = Duration::from_secs_f64(50.0 / 1024.0);
        assert!(pace.begun.elapsed() >= least, "faster than allowed");
        let stopped = (0..100).map_while(|_| pace.spend(0).ok()).count();
        assert!(stopped < 40, "it was told to stop");
    }
}
