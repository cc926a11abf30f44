//! Every door to the outside other than storage: the clock, randomness, password hashing,
//! connections to servers elsewhere, names in the DNS, files on the web, who is genuine.
//! Engines and the simulator stand behind these traits; the core never reads a clock itself.

mod authority;
mod dialer;
mod examiner;

pub use authority::{Authority, AuthorityError, Person, Sought, Verdict};
pub use dialer::{
    Dial, DialError, DialTls, Dialer, Fingerprint, Flaw, Protection, Trust, Wire, WireError,
};

pub use examiner::{
    Arrival, Examination, Examiner, KeyAlgorithm, KeyError, NewKey, Sealing, Secret, Signer,
    Signing, SigningKey,
};

mod fetcher;

pub use fetcher::{Fetch, FetchError, Fetched, Fetcher, Reach};

mod files;

pub use files::{
    Entry, FileError, FileErrorKind, FileKind, FileLater, Files, Listing, MemoryFiles, Metadata,
    NewFile, OpenFile, Tree, names_of,
};

mod password;
mod resolver;
pub mod testing;

pub use password::{Maker, PasswordError, Passwords};
pub use resolver::{Answer, LookupError, Question, Record, RecordKind, Resolver, Standing, Tlsa};

use std::future::Future;
use std::pin::Pin;
use words_base::Timestamp;

/// A boxed future of a world's answer.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What time it is.
pub trait Clock: Send + Sync {
    /// The present.
    fn now(&self) -> Timestamp;
}

/// Numbers nobody can foretell.
pub trait Random: Send + Sync {
    /// Fills `buffer` with them.
    fn fill(&self, buffer: &mut [u8]);
}

/// The outside, as the core is handed it.
#[derive(Clone)]
pub struct World {
    /// The clock.
    pub clock: std::sync::Arc<dyn Clock>,
    /// Randomness.
    pub random: std::sync::Arc<dyn Random>,
    /// Password hashing.
    pub passwords: std::sync::Arc<dyn Passwords>,
}
