//! The clock, the randomness and the files of the machine, as [`core_world`] asks for them.
//!
//! ```
//! use core_world::{Clock, Random};
//! use engine_system::{SystemClock, SystemRandom};
//! assert!(SystemClock.now().seconds() > 1_700_000_000);
//! let mut salt = [0; 16];
//! SystemRandom.fill(&mut salt);
//! assert_ne!(salt, [0; 16]);
//! ```

mod files;

pub use files::SystemFiles;

use core_world::{Clock, Random};
use std::time::{SystemTime, UNIX_EPOCH};
use words_base::Timestamp;

/// The machine's clock. It may be set back, and then shows so.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => Timestamp::from_millis(after.as_millis().min(i64::MAX as u128) as i64),
            Err(before) => {
                let span = before.duration().as_millis().min(i64::MAX as u128);
                Timestamp::from_millis(-(span as i64))
            }
        }
    }
}

/// The machine's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    /// Panics if the machine has none to give, for then nothing that follows would be safe.
    fn fill(&self, buffer: &mut [u8]) {
        if let Err(error) = getrandom::fill(buffer) {
            panic!("the system gives no random numbers: {error}");
        }
    }
}
