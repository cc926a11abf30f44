//! A directory in memory, with a clock that the test turns and passwords that are counted.
#![allow(dead_code, reason = "each test file uses its own part")]

use core_directory::{Account, Admitted, Coming, Directory, NewAccount, Options, Protocol};
use core_store::{MemoryStore, Scan, Store};
use core_world::testing::TestWorld;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use words_mail::{Address, Domain, ForwardPath, Refusal};

/// What a test holds.
pub struct Office {
    pub store: Arc<MemoryStore>,
    pub outside: Arc<TestWorld>,
    pub directory: Directory,
}

impl Office {
    /// Without a domain.
    pub fn empty() -> Office {
        Office::on(MemoryStore::new(), Options::default())
    }

    /// On a store that may hold something, as after a restart.
    pub fn on(store: Arc<MemoryStore>, options: Options) -> Office {
        let outside = TestWorld::new();
        let directory = Directory::new(store.clone(), outside.world(), options);
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

    /// By IMAP.
    pub fn login(&self, name: &str, password: &[u8]) -> Result<Account, Refusal> {
        self.admit(name, password, Protocol::Imap).map(|admitted| admitted.account)
    }

    pub fn admit(
        &self,
        name: &str,
        password: &[u8],
        protocol: Protocol,
    ) -> Result<Admitted, Refusal> {
        now(self.directory.login(name, password, by(protocol)))
    }

    /// By IMAP, with the first of the account's SCRAM keys.
    pub fn scram_login(&self, name: &str) -> Result<Account, Refusal> {
        let keys = now(self.directory.scram_keys(name, Protocol::Imap))?;
        let login = self.directory.scram_login(name, &keys.pairs[0].stored_key, by(Protocol::Imap));
        now(login).map(|admitted| admitted.account)
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

/// How many keys begin so.
pub fn count(office: &Office, prefix: &[u8]) -> usize {
    let snapshot = now(office.store.snapshot()).unwrap();
    now(snapshot.scan(Scan::rising(Scan::prefix(prefix)))).unwrap().pairs.len()
}

/// From an address of the examples.
pub fn by(protocol: Protocol) -> Coming<'static> {
    Coming { protocol, peer: "192.0.2.7:49152" }
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
