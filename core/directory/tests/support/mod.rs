//! A directory in memory, with a clock that the test turns and passwords that are counted.
#![allow(dead_code, reason = "each test file uses its own part")]

use core_directory::{Directory, NewAccount, Options};
use core_store::MemoryStore;
use core_world::{Clock, Later, PasswordError, Passwords, Random, World};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use words_base::Timestamp;
use words_mail::{Address, Domain, ForwardPath, Refusal};

/// The outside of the tests.
pub struct Outside {
    now: AtomicI64,
    random: AtomicU64,
    /// How often a password was hashed.
    pub hashed: AtomicUsize,
    /// How often a password was verified.
    pub verified: AtomicUsize,
    /// Are too many waiting?
    pub busy: AtomicBool,
}

impl Outside {
    /// Turns the clock on.
    pub fn pass_minutes(&self, minutes: i64) {
        self.now.fetch_add(minutes * 60_000, SeqCst);
    }

    /// Slow hashes made or verified so far.
    pub fn slow(&self) -> usize {
        self.hashed.load(SeqCst) + self.verified.load(SeqCst)
    }
}

impl Clock for Outside {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.load(SeqCst))
    }
}

impl Random for Outside {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let next = self.random.fetch_add(1, SeqCst).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            chunk.copy_from_slice(&next.to_be_bytes()[..chunk.len()]);
        }
    }
}

impl Passwords for Outside {
    fn hash(&self, password: &[u8]) -> Later<'_, Result<String, PasswordError>> {
        let salt = self.hashed.fetch_add(1, SeqCst);
        let hash = format!("{salt}:{password:?}");
        let busy = self.busy.load(SeqCst);
        Box::pin(async move { if busy { Err(PasswordError::Busy) } else { Ok(hash) } })
    }

    fn verify(&self, hash: &str, password: &[u8]) -> Later<'_, Result<bool, PasswordError>> {
        self.verified.fetch_add(1, SeqCst);
        let right = hash.split_once(':').is_some_and(|(_, p)| p == format!("{password:?}"));
        let busy = self.busy.load(SeqCst);
        Box::pin(async move { if busy { Err(PasswordError::Busy) } else { Ok(right) } })
    }
}

/// What a test holds.
pub struct Office {
    pub store: Arc<MemoryStore>,
    pub outside: Arc<Outside>,
    pub directory: Directory,
}

impl Office {
    /// Without a domain.
    pub fn empty() -> Office {
        Office::on(MemoryStore::new(), Options::default())
    }

    /// On a store that may hold something, as after a restart.
    pub fn on(store: Arc<MemoryStore>, options: Options) -> Office {
        let outside = Arc::new(Outside {
            now: AtomicI64::new(1_790_000_000_000),
            random: AtomicU64::new(1),
            hashed: AtomicUsize::new(0),
            verified: AtomicUsize::new(0),
            busy: AtomicBool::new(false),
        });
        let world =
            World { clock: outside.clone(), random: outside.clone(), passwords: outside.clone() };
        let directory = Directory::new(store.clone(), world, options);
        Office { store, outside, directory }
    }

    /// mired.org with ana and bob, each with the password of that name.
    pub fn mired() -> Office {
        let office = Office::empty();
        office.add_domain("mired.org");
        office.add_account("ana@mired.org", "ana");
        office.add_account("bob@mired.org", "bob");
        office
    }

    pub fn add_domain(&self, name: &str) {
        now(self.directory.admin().add_domain(&domain(name))).unwrap();
    }

    pub fn add_account(&self, name: &str, password: &str) -> u32 {
        let new = NewAccount::new(address(name), Some(password.as_bytes().to_vec()));
        now(self.directory.admin().add_account(&new, |_, _| {})).unwrap().id
    }

    pub fn add_alias(&self, name: &str, targets: &[&str]) {
        now(self.directory.admin().add_alias(&address(name), &addresses(targets))).unwrap();
    }

    /// `ana@mired.org` for a local recipient, `ana@mired.org (detail)` with one, `-> x@y` for one
    /// elsewhere.
    pub fn resolve(&self, text: &str) -> Result<Vec<String>, Refusal> {
        let path = match text {
            "postmaster" => ForwardPath::Postmaster,
            text => ForwardPath::Address(address(text)),
        };
        let resolved = now(self.directory.resolve(&path))?;
        let local = resolved.local.iter().map(|l| {
            let at = if l.account.address == l.address {
                l.address.to_string()
            } else {
                format!("{} at {}", l.account.address, l.address)
            };
            l.detail.as_ref().map_or(at.clone(), |detail| format!("{at} ({detail})"))
        });
        let elsewhere = resolved.elsewhere.iter().map(|a| format!("-> {a}"));
        Ok(local.chain(elsewhere).collect())
    }
}

pub fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

pub fn addresses(texts: &[&str]) -> Vec<Address> {
    texts.iter().map(|t| address(t)).collect()
}

pub fn domain(text: &str) -> Domain {
    Domain::parse(text).unwrap()
}

/// The output of a future that waits for nothing outside this thread.
pub fn now<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..1_000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
    panic!("a future of this test waits for something");
}
