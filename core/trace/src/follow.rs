//! Looking on while things happen.

use crate::find::{Event, decode};
use crate::id::message_of;
use crate::trace::unavailable;
use crate::{Attempt, Trace, key};
use core_store::Key;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use words_mail::Refusal;

/// Rows that wait for one who is slow; more are missed.
const WAITING_MAX: usize = 512;

/// What they are told.
pub(crate) enum News {
    /// This row was written.
    Row(Key),
    /// This is just being written.
    Attempt(Attempt),
}

/// All who look on.
#[derive(Default)]
pub(crate) struct Followers {
    /// Read before the lock is taken: mostly nobody looks on.
    count: AtomicUsize,
    senders: Mutex<Vec<(Sender<News>, Arc<AtomicU64>)>>,
}

impl Followers {
    pub(crate) fn tell(&self, news: impl Fn() -> News) {
        if self.count.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        senders.retain(|(sender, missed)| match sender.try_send(news()) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                missed.fetch_add(1, Ordering::Relaxed);
                true
            }
            Err(TrySendError::Closed(_)) => false,
        });
        self.count.store(senders.len(), Ordering::Relaxed);
    }

    fn join(&self) -> (Receiver<News>, Arc<AtomicU64>) {
        let (sender, receiver) = channel(WAITING_MAX);
        let missed = Arc::<AtomicU64>::default();
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        senders.push((sender, missed.clone()));
        self.count.store(senders.len(), Ordering::Relaxed);
        (receiver, missed)
    }
}

/// Looks on while things happen.
pub struct Follow {
    trace: Trace,
    receiver: Receiver<News>,
    missed: Arc<AtomicU64>,
}

impl Trace {
    /// Looks on from now on.
    pub fn follow(&self) -> Follow {
        let (receiver, missed) = self.followers().join();
        Follow { trace: self.clone(), receiver, missed }
    }
}

impl Follow {
    /// The next thing that happens, and the id of the message; waits for it. Errors: `Unavailable`.
    pub async fn next(&mut self) -> Result<(String, Event), Refusal> {
        loop {
            match self.receiver.recv().await {
                Some(News::Attempt(attempt)) => {
                    let id = message_of(&attempt.id).unwrap_or_default().to_string();
                    return Ok((id, Event::Attempted(attempt)));
                }
                Some(News::Row(key)) => {
                    if let Some(told) = self.read(&key).await? {
                        return Ok(told);
                    }
                }
                None => return Err(Refusal::Unavailable),
            }
        }
    }

    /// How many things happened that there was no time to tell, since this was asked last.
    pub fn missed(&self) -> u64 {
        self.missed.swap(0, Ordering::Relaxed)
    }

    async fn read(&self, key: &Key) -> Result<Option<(String, Event)>, Refusal> {
        let Some((id, kind)) = key::read(key) else { return Ok(None) };
        let snapshot = self.trace.store().snapshot().await.map_err(unavailable)?;
        let value = snapshot.get(key).await.map_err(unavailable)?;
        let event = value.and_then(|value| decode(kind, key, &value));
        Ok(event.map(|event| (id.to_string(), event)))
    }
}
