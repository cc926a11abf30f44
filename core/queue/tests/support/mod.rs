//! A queue over a store in memory, with a clock that the test turns and a home that remembers reports.

#![allow(dead_code)]

use core_queue::{
    Added, ByDomain, Class, Contact, Homecoming, Homeward, Job, NewMessage, NewRecipient, NoTrace,
    Onward, Options, Outcome, Queue, RecipientOutcome, Said, Work,
};
use core_store::{Batch, BlobId, Blobs, MemoryStore, Store, StoreError};
use core_world::Clock;
use core_world::Later;
use core_world::testing::TestWorld;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use words_base::Timestamp;
use words_mail::{Address, BodyType, EnhancedStatus, Notify, Refusal, Ret, ReversePath};
use words_report::{ReceivedReport, read_report};

pub const MINUTE: Duration = Duration::from_secs(60);
pub const HOUR: Duration = Duration::from_secs(3600);
pub const DAY: Duration = Duration::from_secs(24 * 3600);

/// The queue and its surroundings; [`Scene::kill`] forgets all but the store.
pub struct Scene {
    pub store: Arc<MemoryStore>,
    pub world: Arc<TestWorld>,
    pub home: Home,
    pub queue: Queue,
    pub options: Options,
    serial: u64,
}

impl Scene {
    pub fn new() -> Scene {
        Scene::with(Options::new("mail.mired.org"))
    }

    pub fn with(options: Options) -> Scene {
        let (store, world) = (MemoryStore::new(), TestWorld::new());
        let queue = open(&store, &world, &options);
        let home = Home { store: store.clone(), state: Arc::default() };
        Scene { store, world, home, queue, options, serial: 0 }
    }

    /// As if the process had died and come back.
    pub fn kill(&mut self) {
        self.queue = open(&self.store, &self.world, &self.options);
    }

    pub fn now(&self) -> Timestamp {
        self.world.now()
    }

    /// A message from `from` (empty: the null path) to `to`, with a body of its own.
    pub async fn message(&mut self, from: &str, to: &[(&str, &str)]) -> (NewMessage, Batch) {
        self.serial += 1;
        let id = format!("M{:07}", self.serial);
        let mut writer = self.store.begin();
        let text = format!("Subject: letter {id}\r\nMessage-ID: <{id}@x>\r\n\r\nHola.\r\n");
        writer.write(text.as_bytes()).await.unwrap();
        let body = writer.finish().await.unwrap();
        let message = NewMessage {
            id,
            blob: body.id,
            size: body.len,
            prefix: "X-Prefix: 1\r\n".into(),
            reverse_path: ReversePath(Address::parse(from).ok()),
            submitter: None,
            body: BodyType::SevenBit,
            smtputf8: false,
            requiretls: false,
            ret: None,
            envid: None,
            class: Class::of(body.len, to.len()),
            queued_at: self.now(),
            recipients: to.iter().map(|(to, notify)| recipient(to, notify)).collect(),
            delivered: Vec::new(),
        };
        let mut batch = Batch::new();
        batch.keep(body, 1);
        (message, batch)
    }

    /// Queues it; its blob.
    pub async fn add(&mut self, from: &str, to: &[(&str, &str)]) -> BlobId {
        let (message, batch) = self.message(from, to).await;
        self.put(message, batch).await
    }

    pub async fn put(&self, message: NewMessage, mut batch: Batch) -> BlobId {
        let added: Added = self.queue.add(&message, &mut batch).unwrap();
        self.store.commit(batch).await.unwrap();
        self.queue.added(added);
        message.blob
    }

    pub async fn take(&self) -> Option<Job> {
        self.queue.take(self.now()).await.unwrap()
    }

    /// Works until there is nothing to do for now.
    pub async fn work(&self) {
        for _ in 0..10_000 {
            match self.queue.work(&self.home, self.now()).await.unwrap() {
                Work::Again => {}
                Work::IdleUntil(at) => {
                    assert!(at > self.now());
                    return;
                }
            }
        }
        panic!("work without end");
    }

    /// Reports the same of all recipients.
    pub async fn report(&self, job: Job, outcome: Outcome, contact: Contact) {
        let outcomes = all(&job, &outcome);
        self.queue.report(job, outcomes, contact, self.now()).await.unwrap();
    }

    /// Is nothing of the queue left in the store?
    pub fn is_empty(&self) -> bool {
        !self.store.pairs().iter().any(|(key, _)| key.starts_with(b"q") && !key.starts_with(b"qd"))
    }

    pub fn count(&self, kind: &[u8]) -> usize {
        self.store.pairs().iter().filter(|(key, _)| key.starts_with(kind)).count()
    }
}

pub fn open(store: &Arc<MemoryStore>, world: &Arc<TestWorld>, options: &Options) -> Queue {
    Queue::new(
        store.clone(),
        store.clone(),
        world.world(),
        Arc::new(ByDomain),
        Arc::new(NoTrace),
        options.clone(),
    )
}

pub fn recipient(address: &str, notify: &str) -> NewRecipient {
    let notify = if notify.is_empty() { Notify::Unsaid } else { Notify::parse(notify).unwrap() };
    NewRecipient { notify, ..NewRecipient::plain(Address::parse(address).unwrap()) }
}

pub fn all(job: &Job, outcome: &Outcome) -> Vec<RecipientOutcome> {
    let of = |number| RecipientOutcome { number, outcome: outcome.clone() };
    job.recipients.iter().map(|r| of(r.number)).collect()
}

pub fn delivered(onward: Onward) -> Outcome {
    let said = peer(250, EnhancedStatus(2, 0, 0), "2.0.0 queued");
    Outcome::Delivered { said, onward }
}

pub fn deferred() -> Outcome {
    let said = Said::ours(EnhancedStatus(4, 4, 1), "connect: no answer in time");
    Outcome::Deferred { said, retry_at: None }
}

pub fn failed() -> Outcome {
    Outcome::Failed { said: peer(550, EnhancedStatus(5, 1, 1), "5.1.1 no such user") }
}

fn peer(code: u16, status: EnhancedStatus, text: &str) -> Said {
    let by = Some("mx.far.org [192.0.2.1]".to_string());
    Said { code: Some(code), status, text: text.to_string(), by }
}

pub fn full(mut message: NewMessage) -> NewMessage {
    message.ret = Some(Ret::Full);
    message
}

/// Where reports come home to.
#[derive(Clone)]
pub struct Home {
    store: Arc<MemoryStore>,
    state: Arc<Mutex<HomeState>>,
}

#[derive(Default)]
struct HomeState {
    /// What was delivered, to whom.
    reports: Vec<(String, Vec<u8>)>,
    /// What is answered to whom, instead.
    refusals: BTreeMap<String, Refusal>,
    /// The next commit is made, and then said to have failed.
    lose_next: bool,
}

impl Home {
    pub fn refuse(&self, address: &str, refusal: Option<Refusal>) {
        let mut state = self.state.lock().unwrap();
        match refusal {
            Some(refusal) => drop(state.refusals.insert(address.to_string(), refusal)),
            None => drop(state.refusals.remove(address)),
        }
    }

    /// The next report is delivered, but nobody hears of it.
    pub fn lose_next(&self) {
        self.state.lock().unwrap().lose_next = true;
    }

    pub fn pages(&self) -> Vec<(String, String)> {
        let state = self.state.lock().unwrap();
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        state.reports.iter().map(|(to, page)| (to.clone(), text(page))).collect()
    }

    pub fn reports(&self) -> Vec<(String, ReceivedReport)> {
        let state = self.state.lock().unwrap();
        let read = |(to, page): &(String, Vec<u8>)| (to.clone(), read_report(page).unwrap());
        state.reports.iter().map(read).collect()
    }

    /// `address action` of all reports.
    pub fn said(&self) -> Vec<String> {
        let reports = self.reports().into_iter().flat_map(|(_, report)| report.recipients);
        reports.map(|r| format!("{} {}", r.final_recipient, r.action)).collect()
    }
}

struct Coming {
    home: Home,
    to: String,
    page: Vec<u8>,
}

impl Homeward for Home {
    fn begin<'a>(&'a self, to: &'a Address) -> Later<'a, Result<Box<dyn Homecoming>, Refusal>> {
        let refusal = self.state.lock().unwrap().refusals.get(&to.to_string()).cloned();
        let coming: Box<dyn Homecoming> =
            Box::new(Coming { home: self.clone(), to: to.to_string(), page: Vec::new() });
        Box::pin(async move { refusal.map_or(Ok(coming), Err) })
    }
}

impl Homecoming for Coming {
    fn write<'a>(&'a mut self, octets: &'a [u8]) -> Later<'a, Result<(), Refusal>> {
        self.page.extend_from_slice(octets);
        Box::pin(async { Ok(()) })
    }

    fn finish(self: Box<Self>, beside: Batch) -> Later<'static, Result<(), Refusal>> {
        Box::pin(async move {
            self.home.store.commit(beside).await.map_err(|_: StoreError| Refusal::Unavailable)?;
            let mut state = self.home.state.lock().unwrap();
            state.reports.push((self.to, self.page));
            match std::mem::take(&mut state.lose_next) {
                true => Err(Refusal::Unavailable),
                false => Ok(()),
            }
        })
    }
}
