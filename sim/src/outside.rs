//! The clock on the wall, numbers, and a cheap double of password hashing.

use core_store::suite::Dice;
use core_world::{Clock, Later, PasswordError, Passwords, Random, World};
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use words_base::Timestamp;

/// 2026-11-24T10:00:00Z
const MORNING: i64 = 1_795_514_400_000;

/// What the core is handed in a simulation.
#[derive(Debug)]
pub struct Outside {
    millis: AtomicI64,
    jumped: AtomicI64,
    dice: Mutex<u64>,
}

impl Outside {
    /// On a certain morning.
    pub fn new(seed: u64) -> Arc<Outside> {
        let (millis, jumped) = (AtomicI64::new(MORNING), AtomicI64::new(0));
        Arc::new(Outside { millis, jumped, dice: Mutex::new(seed) })
    }

    /// So long after the beginning.
    pub fn set(&self, millis: i64) {
        self.millis.store(MORNING + millis, Relaxed);
    }

    /// Somebody sets the clock.
    pub fn jump(&self, millis: i64) {
        self.jumped.fetch_add(millis, Relaxed);
    }

    /// As the core wants it.
    pub fn world(self: &Arc<Outside>) -> World {
        World { clock: self.clone(), random: self.clone(), passwords: self.clone() }
    }
}

impl Clock for Outside {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.millis.load(Relaxed) + self.jumped.load(Relaxed))
    }
}

impl Random for Outside {
    fn fill(&self, buffer: &mut [u8]) {
        let mut state = self.dice.lock().unwrap_or_else(PoisonError::into_inner);
        let mut dice = Dice::new(*state);
        let octets = dice.octets(buffer.len());
        buffer.copy_from_slice(&octets);
        *state = dice.roll();
    }
}

impl Passwords for Outside {
    fn hash(&self, password: &[u8]) -> Later<'_, Result<String, PasswordError>> {
        let hash = format!("{password:?}");
        Box::pin(async move { Ok(hash) })
    }

    fn verify(&self, hash: &str, password: &[u8]) -> Later<'_, Result<bool, PasswordError>> {
        let right = hash == format!("{password:?}");
        Box::pin(async move { Ok(right) })
    }
}
