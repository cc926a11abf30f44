//! Time, chance and tasks of a simulated world: one thread, and the same seed gives the same run.

use crate::trace::Trace;
use core_store::suite::Dice;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

/// Microseconds since the world began. Never goes back; the clock on the wall may.
pub type Micros = u64;

/// Who a task belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The process: gone when it dies.
    Server,
    /// Somebody elsewhere.
    Client,
}

/// A handle on the world. Clones are the same world.
#[derive(Clone)]
pub struct World(Rc<Inner>);

struct Inner {
    began: Instant,
    now: Cell<Micros>,
    dice: RefCell<Dice>,
    timers: RefCell<BTreeMap<(Micros, u64), Waker>>,
    numbers: Cell<u64>,
    tasks: RefCell<BTreeMap<u64, Task>>,
    trace: RefCell<Trace>,
}

struct Task {
    side: Side,
    /// Taken out while it is polled.
    work: Option<Work>,
    ready: Arc<Ready>,
}

type Work = Pin<Box<dyn Future<Output = ()>>>;

struct Ready(AtomicBool);

impl Wake for Ready {
    fn wake(self: Arc<Ready>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl World {
    /// Nothing has happened yet.
    pub fn new(seed: u64, trace: Trace) -> World {
        World(Rc::new(Inner {
            began: Instant::now(),
            now: Cell::new(0),
            dice: RefCell::new(Dice::new(seed)),
            timers: RefCell::default(),
            numbers: Cell::new(0),
            tasks: RefCell::default(),
            trace: RefCell::new(trace),
        }))
    }

    /// Since the beginning.
    pub fn now(&self) -> Micros {
        self.0.now.get()
    }

    /// The same for those who measure spans.
    pub fn instant(&self) -> Instant {
        self.0.began + Duration::from_micros(self.now())
    }

    /// From [`World::instant`]'s measure to ours.
    pub fn micros(&self, instant: Instant) -> Micros {
        instant.saturating_duration_since(self.0.began).as_micros() as Micros
    }

    /// A number below `end`.
    pub fn below(&self, end: u64) -> u64 {
        self.0.dice.borrow_mut().below(end)
    }

    /// True once in `times`.
    pub fn once_in(&self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// Dice of one's own.
    pub fn dice(&self) -> Dice {
        Dice::new(self.0.dice.borrow_mut().roll())
    }

    /// A line for the trace.
    pub fn note(&self, line: impl FnOnce() -> String) {
        self.0.trace.borrow_mut().line(self.now(), &line());
    }

    /// Octets that belong to the run's hash but are too many to print.
    pub fn note_octets(&self, octets: &[u8]) {
        self.0.trace.borrow_mut().octets(octets);
    }

    /// What the run's trace comes to.
    pub fn hash(&self) -> u64 {
        self.0.trace.borrow().hash()
    }

    fn number(&self) -> u64 {
        let number = self.0.numbers.get() + 1;
        self.0.numbers.set(number);
        number
    }

    /// Adds a task.
    pub fn spawn(&self, side: Side, work: impl Future<Output = ()> + 'static) {
        let ready = Arc::new(Ready(AtomicBool::new(true)));
        let task = Task { side, work: Some(Box::pin(work)), ready };
        self.0.tasks.borrow_mut().insert(self.number(), task);
    }

    /// How many tasks of a side go on.
    pub fn count(&self, side: Side) -> usize {
        self.0.tasks.borrow().values().filter(|task| task.side == side).count()
    }

    /// Ends all tasks of the process.
    pub fn end_server(&self) {
        let mut gone = Vec::new();
        let mut tasks = self.0.tasks.borrow_mut();
        let numbers: Vec<u64> =
            tasks.iter().filter(|(_, t)| t.side == Side::Server).map(|(n, _)| *n).collect();
        numbers.iter().for_each(|number| gone.extend(tasks.remove(number)));
        drop(tasks);
        drop(gone);
    }

    /// Ends all tasks.
    pub fn end_all(&self) {
        self.end_server();
        let gone = std::mem::take(&mut *self.0.tasks.borrow_mut());
        drop(gone);
        self.0.timers.borrow_mut().clear();
    }

    /// Lets one task that can go on do so. `false` if all of them wait.
    pub fn turn(&self) -> bool {
        let ready: Vec<u64> = {
            let tasks = self.0.tasks.borrow();
            let is_ready = |task: &Task| task.ready.0.load(Ordering::Relaxed);
            tasks.iter().filter(|(_, task)| is_ready(task)).map(|(number, _)| *number).collect()
        };
        if ready.is_empty() {
            return false;
        }
        self.poll(ready[self.below(ready.len() as u64) as usize]);
        true
    }

    fn poll(&self, number: u64) {
        let taken = self.0.tasks.borrow_mut().get_mut(&number).map(|task| {
            task.ready.0.store(false, Ordering::Relaxed);
            (task.work.take(), task.ready.clone())
        });
        let Some((Some(mut work), ready)) = taken else { return };
        let waker = Waker::from(ready);
        let done = work.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
        let mut tasks = self.0.tasks.borrow_mut();
        match tasks.get_mut(&number) {
            Some(task) if !done => task.work = Some(work),
            _ => {
                let gone = tasks.remove(&number);
                drop(tasks);
                drop((gone, work));
            }
        }
    }

    /// Moves time to the next timer, but not past `limit`. `false` if there is none before it.
    pub fn pass(&self, limit: Option<Micros>) -> bool {
        let next = self.0.timers.borrow().first_key_value().map(|((at, _), _)| *at);
        let to = match (next, limit) {
            (Some(next), Some(limit)) => next.min(limit),
            (Some(at), None) | (None, Some(at)) => at,
            (None, None) => return false,
        };
        self.0.now.set(to.max(self.now()));
        loop {
            let mut timers = self.0.timers.borrow_mut();
            let Some(first) = timers.first_entry().filter(|first| first.key().0 <= to) else {
                return true;
            };
            let waker = first.remove();
            drop(timers);
            waker.wake();
        }
    }

    /// Wakes whoever polls this at `at`; ready from then on.
    pub fn poll_until(&self, at: Micros, cx: &mut Context<'_>) -> Poll<()> {
        if self.now() >= at {
            return Poll::Ready(());
        }
        self.0.timers.borrow_mut().insert((at, self.number()), cx.waker().clone());
        Poll::Pending
    }

    /// Waits for a span of simulated time.
    pub async fn sleep(&self, micros: Micros) {
        let at = self.now() + micros;
        poll_fn(|cx| self.poll_until(at, cx)).await;
    }

    /// Lets others go first.
    pub async fn give_way(&self) {
        let mut given = false;
        poll_fn(|cx| {
            if std::mem::replace(&mut given, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}
