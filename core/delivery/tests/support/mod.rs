//! A post office in memory: mired.org with ana and bob, seen as a server sees it.
#![allow(dead_code)] // Each test file uses its part.

use core_delivery::{
    Asked, AttemptsTraced, Delivered, Delivery, Incoming, Options, Origin, Recipient,
};
use core_directory::{Account, AccountChange, Directory, NewAccount};
use core_mailbox::Mail;
use core_queue::{ByDomain, Job, Queue};
use core_store::{Blobs, MemoryStore};
use core_trace::{Filter, Order, Trace, Traced};
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
    /// What is to leave; of a post office that is connected.
    pub queue: Queue,
    pub trace: Trace,
}

impl Office {
    /// One from which mail may leave, and that keeps traces.
    pub fn connected() -> Office {
        Office::connected_with(|delivery| delivery)
    }

    pub fn connected_with(change: impl FnOnce(Delivery) -> Delivery) -> Office {
        let mut office = Office::open();
        let (queue, store) = (office.queue.clone(), office.store.clone());
        let delivery = office.delivery.with_way_out(queue, store).with_trace(office.trace.clone());
        office.delivery = change(delivery);
        office
    }

    /// All that may leave now.
    pub fn jobs(&self) -> Vec<Job> {
        let mut jobs = Vec::new();
        while let Some(job) = now(self.queue.take(self.world.world().clock.now())).unwrap() {
            jobs.push(job);
        }
        jobs.sort_by_key(|job| (job.message.id.clone(), job.destination.to_string()));
        jobs
    }

    /// What would leave, octet by octet.
    pub fn octets(&self, job: &Job) -> String {
        let message = &job.message;
        let body = now(self.store.read(message.blob, 0..message.size)).unwrap();
        String::from_utf8([&message.prefix[..], &body].concat()).unwrap()
    }

    /// All that was traced.
    pub fn traced(&self) -> Vec<Traced> {
        now(self.trace.write_pending()).unwrap();
        now(self.trace.find(&Filter::default(), Order::OldestFirst, None, 100)).unwrap().traced
    }

    /// Takes in `message` from `origin` for `paths`, as a trusted peer may.
    pub fn send(
        &self,
        origin: Origin,
        paths: &[&str],
        message: &[u8],
    ) -> Result<Delivered, Refusal> {
        let recipients: Vec<Recipient> = paths
            .iter()
            .map(|path| {
                let path = forward_path(path);
                let asked = Asked { trusted: true, ..Asked::new(&path, &origin.reverse_path) };
                now(self.delivery.recipient(&asked)).unwrap()
            })
            .collect();
        now(self.begin(origin, message).finish(&recipients))
    }

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
        let trace = Trace::new(store.clone(), world.clone(), Default::default());
        let queue = Queue::new(
            store.clone(),
            store.clone(),
            world.clone(),
            Arc::new(ByDomain),
            Arc::new(AttemptsTraced(trace.clone())),
            core_queue::Options::new("mail.mired.org"),
        );
        let delivery = Delivery::new(directory.clone(), mail.clone(), world, options)
            .with_files(Arc::new(files.clone()), Arc::new(trouble));
        let world = outside;
        let office =
            Office { store, directory, mail, delivery, files, troubles, world, queue, trace };
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
