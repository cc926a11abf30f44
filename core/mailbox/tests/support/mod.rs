//! A post office in memory for tests: two accounts, a clock that stands until it is moved, a store
//! that counts and, if asked, fails.
#![allow(dead_code, unused_imports)]

mod audit;
mod fickle;

pub use audit::{audit, expunged};
pub use fickle::Fickle;

use bytes::Bytes;
use core_mailbox::{
    Allowance, Appended, Arrival, Beside, Deposit, Mail, Mailboxes, NotDelivered, Options, Row,
    View,
};
use core_store::{Batch, Body, MemoryStore, Store};
use core_world::{Clock, PasswordError, Passwords, Random, World};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use words_base::Timestamp;
use words_mail::{
    AccountId, Flags, MailboxId, MailboxName, NumberSet, Refusal, SpecialUse, SystemFlag, Uid,
};

pub const ANA: AccountId = AccountId(1);
pub const BOB: AccountId = AccountId(2);

/// A clock that a test moves.
pub struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

struct NoRandom;

impl Random for NoRandom {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

struct NoPasswords;

impl Passwords for NoPasswords {
    fn hash(&self, _: &[u8]) -> core_world::Later<'_, Result<String, PasswordError>> {
        Box::pin(std::future::ready(Err(PasswordError::Busy)))
    }

    fn verify(&self, _: &str, _: &[u8]) -> core_world::Later<'_, Result<bool, PasswordError>> {
        Box::pin(std::future::ready(Err(PasswordError::Busy)))
    }
}

/// The post office.
pub struct Office {
    pub memory: Arc<MemoryStore>,
    pub store: Arc<Fickle>,
    pub clock: Arc<TestClock>,
    pub mail: Mail,
    /// Another process over the same store, that gives way and fails as the first does.
    pub twin: Mail,
    pub options: Options,
}

impl Office {
    pub async fn open() -> Office {
        Office::open_with(Options::default(), 1).await
    }

    /// One that keeps nothing of expunged messages.
    pub async fn forgetful() -> Office {
        let keep_expunged = std::time::Duration::ZERO;
        Office::open_with(Options { keep_expunged, ..Options::default() }, 1).await
    }

    /// Ana has Archive and Trash beside INBOX, Bob has INBOX only.
    pub async fn open_with(options: Options, seed: u64) -> Office {
        let memory = MemoryStore::new();
        let store = Fickle::new(memory.clone(), seed);
        let clock = Arc::new(TestClock(AtomicI64::new(1_790_000_000_000)));
        let mail = new_mail(&memory, store.clone(), &clock, &options);
        let twin = new_mail(&memory, store.clone(), &clock, &options);
        let office = Office { memory, store, clock, mail, twin, options };
        office
            .provision(ANA, &[("Archive", SpecialUse::Archive), ("Trash", SpecialUse::Trash)])
            .await;
        office.provision(BOB, &[]).await;
        office
    }

    pub async fn provision(&self, account: AccountId, names: &[(&str, SpecialUse)]) {
        let names: Vec<_> = names.iter().map(|(n, u)| (name(n), Some(*u))).collect();
        let mut batch = Batch::new();
        batch.put(&b"directory"[..], &b"account"[..]);
        self.mail.provision(&mut batch, account, &names);
        self.memory.commit(batch).await.unwrap();
    }

    /// Another process over the same store: it has read nothing yet.
    pub fn another(&self) -> Mail {
        new_mail(&self.memory, self.memory.clone(), &self.clock, &self.options)
    }

    /// The same, with other limits.
    pub fn another_with(&self, options: &Options) -> Mail {
        new_mail(&self.memory, self.memory.clone(), &self.clock, options)
    }

    pub fn pass(&self, millis: i64) {
        self.clock.0.fetch_add(millis, Ordering::Relaxed);
    }

    pub fn ana(&self) -> Mailboxes {
        self.mail.account(ANA)
    }

    pub async fn body(&self, text: &str) -> Body {
        let mut writer = self.mail.begin_body();
        writer.write(text.as_bytes()).await.unwrap();
        writer.finish().await.unwrap()
    }

    pub async fn arrival(&self, text: &str) -> Arrival {
        let header = Bytes::copy_from_slice(header_of(text).as_bytes());
        let (body, flags) = (self.body(text).await, Flags::new());
        Arrival { body, header, flags, received_at: self.mail_time() }
    }

    pub fn mail_time(&self) -> Timestamp {
        self.clock.now()
    }

    pub async fn append(&self, mailbox: MailboxId, texts: &[&str]) -> Result<Appended, Refusal> {
        let mut arrivals = Vec::new();
        for text in texts {
            arrivals.push(self.arrival(text).await);
        }
        self.ana().append(mailbox, arrivals).await
    }

    pub async fn deliver(
        &self,
        text: &str,
        to: Vec<Deposit>,
    ) -> Result<Vec<Result<Appended, Refusal>>, Refusal> {
        let told = self.deliver_beside(text, to, &()).await;
        told.map_err(|why| match why {
            NotDelivered::Refused(refusal) => refusal,
            NotDelivered::Overtaken => panic!("nothing is expected beside"),
        })
    }

    pub async fn deliver_beside(
        &self,
        text: &str,
        to: Vec<Deposit>,
        beside: &dyn Beside,
    ) -> Result<Vec<Result<Appended, Refusal>>, NotDelivered> {
        let header = Bytes::copy_from_slice(header_of(text).as_bytes());
        self.mail.deliver(self.body(text).await, header, self.mail_time(), to, beside).await
    }
}

fn new_mail(
    memory: &Arc<MemoryStore>,
    store: Arc<dyn Store>,
    clock: &Arc<TestClock>,
    options: &Options,
) -> Mail {
    let world = World {
        clock: clock.clone(),
        random: Arc::new(NoRandom),
        passwords: Arc::new(NoPasswords),
    };
    Mail::new(store, memory.clone(), world, options.clone())
}

fn header_of(text: &str) -> &str {
    text.find("\r\n\r\n").map_or(text, |end| &text[..end + 2])
}

pub fn name(text: &str) -> MailboxName {
    MailboxName::parse(text).unwrap()
}

pub fn deposit(account: AccountId, mailbox: &str) -> Deposit {
    let prefix = format!("Delivered-To: {account}@mired.org\r\n");
    Deposit {
        account,
        mailbox: name(mailbox),
        prefix: prefix.into(),
        flags: Flags::new(),
        allowance: Allowance::UNLIMITED,
    }
}

pub fn flags(system: &[SystemFlag]) -> Flags {
    let mut flags = Flags::new();
    system.iter().for_each(|f| flags.insert(*f));
    flags
}

pub fn set(numbers: &[u32]) -> NumberSet {
    numbers.iter().copied().collect()
}

pub fn uids(view: &View) -> Vec<u32> {
    view.rows().iter_from(0).map(|(_, row)| row.uid.0).collect()
}

pub fn row(view: &View, uid: u32) -> Row {
    let rows = view.rows();
    rows.get(rows.find(Uid(uid)).unwrap()).unwrap().clone()
}

/// The octets of a message, read in small pieces.
pub async fn text(mailboxes: &Mailboxes, view: &View, row: &Row) -> String {
    let content = mailboxes.content(view, row).await.unwrap();
    let mut octets = Vec::new();
    loop {
        let piece = content.read(octets.len() as u64, 7).await.unwrap();
        if piece.is_empty() {
            break;
        }
        octets.extend_from_slice(&piece);
    }
    assert_eq!(octets.len() as u64, content.len());
    String::from_utf8(octets).unwrap()
}

/// Lets a future go on once: what it gives, or `None` if it waits.
pub async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}
