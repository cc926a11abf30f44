//! Hashes passwords with Argon2id (RFC 9106), on a bounded number of threads that hold up nobody
//! else: at most one hash for each core at once, each with its 19 MiB of memory, and a bounded
//! number that wait. Reads what other servers stored as well: crypt(3) and Dovecot's schemes.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use core_world::Passwords;
//! use engine_password::Argon2Passwords;
//! use std::sync::Arc;
//!
//! let passwords = Argon2Passwords::new(Arc::new(engine_system::SystemRandom));
//! let hash = passwords.hash(b"correct horse").await.unwrap();
//! assert!(passwords.verify(&hash, b"correct horse").await.unwrap());
//! # });
//! ```

mod foreign;
mod hash;
mod memory;
mod pool;
mod scheme;
mod yescrypt_text;

use core_world::{Later, Maker, PasswordError, Passwords, Random};
use pool::Pool;
use scheme::Scheme;
use std::sync::Arc;

pub use pool::WAITING_MAX;

/// Argon2id on a pool.
pub struct Argon2Passwords {
    random: Arc<dyn Random>,
    pool: Arc<Pool>,
}

impl Argon2Passwords {
    /// As many at once as the machine has cores. Needs to be used inside a tokio runtime.
    pub fn new(random: Arc<dyn Random>) -> Argon2Passwords {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        Argon2Passwords::with_parallel_max(random, cores)
    }

    /// At most `parallel_max` at once.
    pub fn with_parallel_max(random: Arc<dyn Random>, parallel_max: usize) -> Argon2Passwords {
        Argon2Passwords { random, pool: Pool::new(parallel_max.max(1)) }
    }
}

impl Passwords for Argon2Passwords {
    fn hash(&self, password: &[u8]) -> Later<'_, Result<String, PasswordError>> {
        let password = password.to_vec();
        let mut salt = [0; hash::SALT_LEN];
        self.random.fill(&mut salt);
        Box::pin(self.pool.run(move |memory| hash::hash(&password, &salt, memory)))
    }

    fn verify(&self, hash: &str, password: &[u8]) -> Later<'_, Result<bool, PasswordError>> {
        let (hash, password) = (hash.to_string(), password.to_vec());
        Box::pin(self.pool.run(move |memory| foreign::verify(&hash, &password, memory)))
    }

    fn maker(&self, hash: &str) -> Result<Maker, PasswordError> {
        Ok(match Scheme::parse(hash)? {
            Scheme::Clear(password) => Maker::Nobody(password),
            Scheme::Argon2(phc) => hash::maker(&phc)?,
            Scheme::ShaCrypt { .. }
            | Scheme::Bcrypt(_)
            | Scheme::Yescrypt(_)
            | Scheme::Digest { .. }
            | Scheme::Pbkdf2 { .. } => Maker::Elsewhere,
        })
    }
}
