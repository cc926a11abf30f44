//! An outside for tests: a clock that the test turns, numbers that count, passwords that are their
//! own hash and are counted.

mod authority;

pub use authority::TestAuthority;

use crate::{Clock, Later, Maker, PasswordError, Passwords, Random, World};
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use words_base::Timestamp;

/// What [`TestWorld::new`] takes for the present: 2026-11-24T10:00:00Z.
pub const MORNING: Timestamp = Timestamp::from_millis(1_795_514_400_000);
/// How a hash begins that nobody here made, as in `foreign:secret`.
const ELSEWHERE: &str = "foreign:";
/// How a stored password begins, as in `clear:secret`.
const CLEAR: &str = "clear:";

/// The outside of a test. Shared between all that the test makes of it.
pub struct TestWorld {
    now: AtomicI64,
    random: AtomicU64,
    /// How often a password was hashed.
    pub hashed: AtomicUsize,
    /// How often a password was verified.
    pub verified: AtomicUsize,
    /// Are too many waiting?
    pub busy: AtomicBool,
}

impl TestWorld {
    /// In the [`MORNING`].
    pub fn new() -> Arc<TestWorld> {
        Arc::new(TestWorld {
            now: AtomicI64::new(MORNING.millis()),
            random: AtomicU64::new(1),
            hashed: AtomicUsize::new(0),
            verified: AtomicUsize::new(0),
            busy: AtomicBool::new(false),
        })
    }

    /// As the core is handed it.
    pub fn world(self: &Arc<TestWorld>) -> World {
        World { clock: self.clone(), random: self.clone(), passwords: self.clone() }
    }

    /// Turns the clock on.
    pub fn pass(&self, span: Duration) {
        self.now.fetch_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX), SeqCst);
    }

    /// Turns the clock on.
    pub fn pass_minutes(&self, minutes: u64) {
        self.pass(Duration::from_secs(minutes * 60));
    }

    /// Slow hashes made or verified so far.
    pub fn slow(&self) -> usize {
        self.hashed.load(SeqCst) + self.verified.load(SeqCst)
    }
}

impl Clock for TestWorld {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.load(SeqCst))
    }
}

impl Random for TestWorld {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let next = self.random.fetch_add(1, SeqCst).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            chunk.copy_from_slice(&next.to_be_bytes()[..chunk.len()]);
        }
    }
}

impl Passwords for TestWorld {
    fn hash(&self, password: &[u8]) -> Later<'_, Result<String, PasswordError>> {
        let salt = self.hashed.fetch_add(1, SeqCst);
        let hash = format!("{salt}:{}", String::from_utf8_lossy(password));
        let busy = self.busy.load(SeqCst);
        Box::pin(ready(if busy { Err(PasswordError::Busy) } else { Ok(hash) }))
    }

    fn verify(&self, hash: &str, password: &[u8]) -> Later<'_, Result<bool, PasswordError>> {
        self.verified.fetch_add(1, SeqCst);
        let right = hash.split_once(':').is_some_and(|(_, text)| text.as_bytes() == password);
        let busy = self.busy.load(SeqCst);
        Box::pin(ready(if busy { Err(PasswordError::Busy) } else { Ok(right) }))
    }

    fn maker(&self, hash: &str) -> Result<Maker, PasswordError> {
        match (hash.strip_prefix(CLEAR), hash.split_once(':')) {
            (Some(clear), _) => Ok(Maker::Nobody(clear.as_bytes().to_vec())),
            (None, Some(_)) if hash.starts_with(ELSEWHERE) => Ok(Maker::Elsewhere),
            (None, Some(("costly", _))) => Err(PasswordError::TooCostly),
            (None, Some(_)) => Ok(Maker::Ours),
            (None, None) => Err(PasswordError::UnknownHash),
        }
    }
}
