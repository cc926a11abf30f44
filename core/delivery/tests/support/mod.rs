//! A post office in memory: mired.org with ana and bob, seen as a server sees it.
#![allow(dead_code)] // Each test file uses its part.

use core_delivery::{Asked, Delivered, Delivery, Incoming, Options, Origin, Recipient};
use core_directory::{Account, AccountChange, Directory, NewAccount};
use core_mailbox::Mail;
use core_store::{Blobs, MemoryStore};
use core_world::MemoryFiles;
use core_world::testing::TestWorld;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use words_mail::{AccountId, Address, Domain, ForwardPath, MailboxName, Refusal, ReversePath};

/// Largest message of the tests.
pub const SIZE_MAX: u64 = 100_000;

pub struct Office {
    pub store: Arc<MemoryStore>,
    pub directory: Arc<Directory>,
    pub mail: Mail,
    pub delivery: Delivery,
    /// The file system, for Maildirs.
    pub files: MemoryFiles,
    /// What went wrong there.
    pub troubles: Arc<Mutex<Vec<String>>>,
    pub world: Arc<TestWorld>,
}

impl Office {
    pub fn open() -> Office {
        let store = MemoryStore::new();
        let outside = TestWorld::new();
        let world = outside.world();
        let directory = Arc::new(Directory::new(store.clone(), world.clone(), Default::default()));
        let blobs: Arc<dyn Blobs> = store.clone();
        let mail = Mail::new(store.clone(), blobs, world.clone(), Default::default());
        let options = Options {
            host_name: "mail.mired.org".to_string(),
            size_max: SIZE_MAX,
            received_max: Options::RECEIVED_MAX,
        };
        let (files, troubles) = (MemoryFiles::new(), Arc::<Mutex<Vec<String>>>::default());
        let told = troubles.clone();
        let trouble = move |account: &Address, error: &core_world::FileError| {
            told.lock().unwrap().push(format!("{account}: {error}"));
        };
        let delivery = Delivery::new(directory.clone(), mail.clone(), world, options)
            .with_files(Arc::new(files.clone()), Arc::new(trouble));
        let world = outside;
        let office = Office { store, directory, mail, delivery, files, troubles, world };
        now(office.directory.admin().add_domain(&Domain::parse("mired.org").unwrap())).unwrap();
        office.add_account("ana@mired.org");
        office.add_account("bob@mired.org");
        office
    }

    pub fn add_account(&self, name: &str) {
        let new = NewAccount::new(address(name), None);
        let provision = |batch: &mut _, id| self.mail.provision(batch, id, &[]);
        now(self.directory.admin().add_account(&new, provision)).unwrap();
    }

    pub fn account(&self, name: &str) -> Account {
        let entry = now(self.directory.admin().show_account(&address(name))).unwrap();
        now(self.directory.account(AccountId(entry.id))).unwrap()
    }

    pub fn add_alias(&self, name: &str, targets: &[&str]) {
        let targets: Vec<Address> = targets.iter().map(|t| address(t)).collect();
        now(self.directory.admin().add_alias(&address(name), &targets)).unwrap();
    }

    pub fn set(&self, account: &str, change: AccountChange) {
        now(self.directory.admin().set_account(&address(account), &change)).unwrap();
    }

    pub fn set_quota(&self, account: &str, bytes: u64) {
        self.set(account, AccountChange { quota_bytes: Some(Some(bytes)), ..Default::default() });
    }

    pub fn recipient(&self, path: &str, size: u64) -> Result<Recipient, Refusal> {
        let (path, sender) = (forward_path(path), origin().reverse_path);
        now(self.delivery.recipient(&Asked { size, ..Asked::new(&path, &sender) }))
    }

    pub fn recipients(&self, paths: &[&str]) -> Vec<Recipient> {
        paths.iter().map(|path| self.recipient(path, 0).unwrap()).collect()
    }

    /// Takes in `message`, in pieces of 100 octets.
    pub fn begin(&self, origin: Origin, message: &[u8]) -> Incoming {
        let mut incoming = self.delivery.begin(origin);
        for chunk in message.chunks(100) {
            now(incoming.write(chunk)).unwrap();
        }
        incoming
    }

    /// Takes in `message` from a stranger and files it for `paths`.
    pub fn deliver(&self, paths: &[&str], message: &[u8]) -> Result<Delivered, Refusal> {
        let recipients = self.recipients(paths);
        now(self.begin(origin(), message).finish(&recipients))
    }

    /// The messages in the INBOX of `account`.
    pub fn inbox(&self, account: &str) -> Vec<String> {
        let path = ForwardPath::Address(address(account));
        let id: AccountId = now(self.directory.resolve(&path)).unwrap().local[0].account.id;
        let mailboxes = self.mail.account(id);
        let view = now(mailboxes.open(&MailboxName::inbox())).unwrap();
        let rows = now(view.refresh()).unwrap();
        let read = |(_, row)| {
            let content = now(mailboxes.content(&view, row)).unwrap();
            let octets = now(content.read(0, usize::MAX)).unwrap();
            assert_eq!(octets.len() as u64, content.len());
            String::from_utf8_lossy(&octets).into_owned()
        };
        rows.iter_from(0).map(read).collect()
    }
}

/// A stranger at SMTP.
pub fn origin() -> Origin {
    Origin {
        reverse_path: ReversePath(Some(address("x@elsewhere.org"))),
        helo: "client.example".to_string(),
        peer: "127.0.0.1".to_string(),
        protocol: "ESMTP",
        ..Origin::default()
    }
}

pub fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

pub fn forward_path(text: &str) -> ForwardPath {
    match text {
        "postmaster" => ForwardPath::Postmaster,
        text => ForwardPath::Address(address(text)),
    }
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
