//! Our side: a queue and a relay over a store in memory that takes its time.

use super::town::{Roads, Town};
use super::{Dice, Names};
use bytes::Bytes;
use core_queue::{
    Attempt, Fate, Homecoming, Homeward, NewMessage, NewRecipient, Options as QueueOptions, Queue,
    Tracer, Work,
};
use core_store::{
    Batch, BlobId, BlobWriter, Blobs, Body, Committed, Later, Limits, MemoryStore, Snapshot, Store,
};
use core_world::testing::TestWorld;
use core_world::{Answer, Clock, LookupError, Question, Resolver};
use serve_relay::{Doors, Options, Relay, Routes, Unasked};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;
use words_base::Timestamp;
use words_mail::{Address, BodyType, Refusal, ReversePath};

/// A store in memory during whose work others get their turn.
pub struct SlowStore {
    pub memory: Arc<MemoryStore>,
    pub town: Arc<Town>,
    pub commits: AtomicU64,
    pub reads: AtomicU64,
}

impl Store for SlowStore {
    fn snapshot(&self) -> Later<'_, Arc<dyn Snapshot>> {
        Box::pin(async move {
            self.town.give_way().await;
            self.memory.snapshot().await
        })
    }

    fn commit(&self, batch: Batch) -> Later<'_, Committed> {
        Box::pin(async move {
            self.town.give_way().await;
            self.commits.fetch_add(1, Ordering::Relaxed);
            let committed = self.memory.commit(batch).await;
            self.town.give_way().await;
            committed
        })
    }

    fn limits(&self) -> Limits {
        self.memory.limits()
    }
}

impl Blobs for SlowStore {
    fn begin(&self) -> Box<dyn BlobWriter> {
        self.memory.begin()
    }

    fn read(&self, blob: BlobId, range: std::ops::Range<u64>) -> Later<'_, Bytes> {
        Box::pin(async move {
            self.town.give_way().await;
            self.reads.fetch_add(1, Ordering::Relaxed);
            self.memory.read(blob, range).await
        })
    }

    fn read_unkept(&self, body: &Body, range: std::ops::Range<u64>) -> Later<'_, Bytes> {
        self.memory.read_unkept(body, range)
    }
}

/// Names that cannot be looked up now and then.
pub struct SlowNames {
    pub names: Names,
    pub town: Arc<Town>,
}

impl Resolver for SlowNames {
    fn lookup<'a>(
        &'a self,
        question: &'a Question,
    ) -> core_world::Later<'a, Result<Answer, LookupError>> {
        Box::pin(async move {
            self.town.give_way().await;
            let trouble = *self.town.trouble.lock().unwrap();
            match trouble != 0 && self.town.dice.once_in(trouble * 2) {
                true => Err(LookupError::Temporary("no answer in time".to_string())),
                false => self.names.find(question),
            }
        })
    }
}

/// Writes down what became of whom, in the queue's own commits: `t/ID/ADDRESS/NUMBER` is the fate.
pub struct Witness(AtomicU64);

impl Tracer for Witness {
    fn attempt(&self, attempt: &Attempt<'_>, batch: &mut Batch) {
        let fate = match attempt.fate {
            Fate::Delivered => "delivered",
            Fate::Deferred { .. } => "deferred",
            Fate::Refused => "refused",
            Fate::Expired => "expired",
        };
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        let key = format!("t/{}/{}/{number}", attempt.id, attempt.recipient);
        let said = attempt.said;
        let value = format!(
            "{fate} {} {} {} by {}",
            said.code.unwrap_or(0),
            said.status,
            said.text,
            said.by.as_deref().unwrap_or("us")
        );
        batch.put(key.into_bytes(), value.into_bytes());
    }
}

/// Keeps reports beside everything else: `r/NUMBER` is one.
pub struct Home {
    pub store: Arc<SlowStore>,
    pub numbers: Arc<AtomicU64>,
}

struct Report {
    store: Arc<SlowStore>,
    number: u64,
    octets: Vec<u8>,
}

impl Homeward for Home {
    fn begin<'a>(
        &'a self,
        to: &'a Address,
    ) -> core_world::Later<'a, Result<Box<dyn Homecoming>, Refusal>> {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let octets = format!("To: {to}\r\n").into_bytes();
        let report = Report { store: self.store.clone(), number, octets };
        Box::pin(async move { Ok(Box::new(report) as Box<dyn Homecoming>) })
    }
}

impl Homecoming for Report {
    fn write<'a>(&'a mut self, octets: &'a [u8]) -> core_world::Later<'a, Result<(), Refusal>> {
        self.octets.extend_from_slice(octets);
        Box::pin(async { Ok(()) })
    }

    fn finish(
        self: Box<Self>,
        mut beside: Batch,
    ) -> core_world::Later<'static, Result<(), Refusal>> {
        Box::pin(async move {
            beside.put(format!("r/{:08}", self.number).into_bytes(), self.octets);
            self.store.commit(beside).await.map(|_| ()).map_err(|_| Refusal::Unavailable)
        })
    }
}

/// One life of our side.
pub struct House {
    pub store: Arc<SlowStore>,
    pub queue: Queue,
    pub relay: Arc<Relay>,
    pub world: Arc<TestWorld>,
    pub home: Arc<Home>,
}

impl House {
    /// Opens over what is in `memory`.
    pub fn open(
        memory: &Arc<MemoryStore>,
        town: &Arc<Town>,
        zone: &str,
        routes: Routes,
        numbers: &Arc<AtomicU64>,
    ) -> House {
        let world = town.world.clone();
        let store = Arc::new(SlowStore {
            memory: memory.clone(),
            town: town.clone(),
            commits: AtomicU64::new(0),
            reads: AtomicU64::new(0),
        });
        let routes = Arc::new(routes);
        let witness = Witness(AtomicU64::new(numbers.fetch_add(1_000_000, Ordering::Relaxed)));
        let queue = Queue::new(
            store.clone(),
            store.clone(),
            world.world(),
            routes.clone(),
            Arc::new(witness),
            QueueOptions::new("mail.mired.org"),
        );
        let doors = Doors {
            blobs: store.clone(),
            resolver: Arc::new(SlowNames { names: Names::read(zone), town: town.clone() }),
            dialer: Arc::new(Roads(town.clone())),
            policy: Arc::new(Unasked),
            clock: world.clone(),
            random: Arc::new(Dice::new(town.dice.roll())),
            origin: Instant::now(),
        };
        let options = Options { routes, ..Options::new("mail.mired.org") };
        let relay = Arc::new(Relay::new(queue.clone(), doors, options));
        let home = Arc::new(Home { store: store.clone(), numbers: numbers.clone() });
        House { store, queue, relay, world, home }
    }

    /// Accepts a message as delivery does: body and rows in one commit.
    pub async fn accept(&self, message: Letter<'_>) {
        let mut body = self.store.memory.begin();
        body.write(message.octets).await.unwrap();
        let body = body.finish().await.unwrap();
        let new = NewMessage {
            id: message.id.to_string(),
            blob: body.id,
            size: body.len,
            prefix: Bytes::from_static(b"X-Prefix: here\r\n"),
            reverse_path: ReversePath(Some(Address::parse(message.from).unwrap())),
            submitter: None,
            body: message.body,
            smtputf8: message.smtputf8,
            requiretls: message.requiretls,
            ret: None,
            envid: None,
            class: core_queue::Class::Interactive,
            queued_at: self.world.now(),
            recipients: message
                .to
                .iter()
                .map(|to| NewRecipient::plain(Address::parse(to).unwrap()))
                .collect(),
            delivered: Vec::new(),
        };
        let mut batch = Batch::new();
        let added = self.queue.add(&new, &mut batch).unwrap();
        batch.keep(body, 1);
        self.store.commit(batch).await.unwrap();
        self.queue.added(added);
    }

    /// What of all recipients was written down: `ID ADDRESS` to their fates, in order.
    pub fn fates(memory: &MemoryStore) -> BTreeMap<(String, String), Vec<String>> {
        let mut fates: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for (key, value) in memory.pairs() {
            let key = String::from_utf8_lossy(&key).to_string();
            let Some(rest) = key.strip_prefix("t/") else { continue };
            let mut parts = rest.split('/');
            let id = parts.next().unwrap().to_string();
            let to = parts.next().unwrap().to_string();
            fates.entry((id, to)).or_default().push(String::from_utf8_lossy(&value).to_string());
        }
        fates
    }

    /// Every report that has come home.
    pub fn reports(memory: &MemoryStore) -> Vec<String> {
        let pairs = memory.pairs().into_iter().filter(|(key, _)| key.starts_with(b"r/"));
        pairs.map(|(_, octets)| String::from_utf8_lossy(&octets).to_string()).collect()
    }

    /// How many recipients wait.
    pub async fn waiting(&self) -> usize {
        let filter = core_queue::Filter::default();
        self.queue.list(&filter, None, 1_000).await.unwrap().rows.len()
    }
}

/// A message to be accepted.
#[derive(Clone, Copy)]
pub struct Letter<'a> {
    pub id: &'a str,
    pub from: &'a str,
    pub to: &'a [&'a str],
    pub octets: &'a [u8],
    pub body: BodyType,
    pub smtputf8: bool,
    pub requiretls: bool,
}

impl<'a> Letter<'a> {
    pub fn new(id: &'a str, from: &'a str, to: &'a [&'a str]) -> Letter<'a> {
        Letter {
            id,
            from,
            to,
            octets: b"Subject: hola\r\n\r\n.hola\r\n",
            body: BodyType::SevenBit,
            smtputf8: false,
            requiretls: false,
        }
    }
}

/// Tasks on one thread, in an order that the dice choose.
pub struct Tasks {
    tasks: Vec<Task>,
    wakes: Arc<Mutex<Vec<Timestamp>>>,
    world: Arc<TestWorld>,
}

type Task = (Pin<Box<dyn Future<Output = ()>>>, Arc<Flag>);

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Flag>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Tasks {
    pub fn new(world: Arc<TestWorld>) -> Tasks {
        Tasks { tasks: Vec::new(), wakes: Arc::default(), world }
    }

    pub fn add(&mut self, task: impl Future<Output = ()> + 'static) {
        self.tasks.push((Box::pin(task), Arc::new(Flag(AtomicBool::new(true)))));
    }

    /// The lanes, the queue's own work and the tidying of a house.
    pub fn run(&mut self, house: &House, lanes: usize) {
        for _ in 0..lanes {
            let relay = house.relay.clone();
            self.add(async move {
                relay.lane().await;
            });
        }
        let (queue, home, world) = (house.queue.clone(), house.home.clone(), house.world.clone());
        let (relay, wakes) = (house.relay.clone(), self.wakes.clone());
        self.add(async move {
            loop {
                let now = world.now();
                let next = match queue.work(&*home, now).await {
                    Ok(Work::Again) => now,
                    Ok(Work::IdleUntil(until)) => until,
                    Err(error) => panic!("{error}"),
                };
                relay.tidy().await;
                let mut asked = false;
                std::future::poll_fn(|cx| {
                    if world.now() >= next && asked {
                        return Poll::Ready(());
                    }
                    if !std::mem::replace(&mut asked, true) {
                        wakes.lock().unwrap().push(next);
                    }
                    if world.now() >= next {
                        cx.waker().wake_by_ref();
                    }
                    Poll::Pending
                })
                .await;
            }
        });
    }

    /// Lets one task go on, chosen by `dice`; if none can, time passes, and the answer is `false`.
    pub fn step(&mut self, dice: &Dice) -> bool {
        let ready: Vec<usize> = (0..self.tasks.len())
            .filter(|at| self.tasks[*at].1.0.load(Ordering::Relaxed))
            .collect();
        if ready.is_empty() {
            self.pass();
            return false;
        }
        let at = ready[dice.below(ready.len() as u64) as usize];
        let (task, flag) = &mut self.tasks[at];
        flag.0.store(false, Ordering::Relaxed);
        let waker = Waker::from(flag.clone());
        if task.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            drop(self.tasks.swap_remove(at));
        }
        true
    }

    /// How many tasks are left.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Time passes until the next one who waits for it, and everybody looks up.
    fn pass(&mut self) {
        let next = self.wakes.lock().unwrap().drain(..).min();
        if let Some(next) = next {
            self.world.pass(next.since(self.world.now()));
        }
        for (_, flag) in &self.tasks {
            flag.0.store(true, Ordering::Relaxed);
        }
    }
}

/// Runs a future that needs nobody else.
pub fn now<T>(work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    let waker = Waker::from(Arc::new(Flag(AtomicBool::new(true))));
    loop {
        if let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
            return done;
        }
    }
}
