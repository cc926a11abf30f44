//! Connections that are used again.

use crate::connection::Connection;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{Semaphore, SemaphorePermit};

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Bound as the service, or anonymous: for looking.
    Service,
    /// For binds: it is whoever came last.
    Bind,
}

/// Connections nobody uses just now, and how many may be used at once.
pub(crate) struct Pool {
    room: Semaphore,
    idle_max: usize,
    idle: Mutex<[Vec<Connection>; 2]>,
}

impl Pool {
    pub(crate) fn new(connections_max: usize) -> Pool {
        Pool {
            room: Semaphore::new(connections_max),
            idle_max: connections_max,
            idle: Mutex::default(),
        }
    }

    /// Waits until one more may be used.
    pub(crate) async fn room(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.room.acquire().await.ok()
    }

    /// One that is left over, the one that was used last.
    pub(crate) fn take(&self, kind: Kind) -> Option<Connection> {
        let mut idle = self.idle();
        let idle = &mut idle[place(kind)];
        idle.retain_mut(|connection| !connection.is_closed());
        idle.pop()
    }

    /// Keeps one for later.
    pub(crate) fn give_back(&self, kind: Kind, connection: Connection) {
        let mut idle = self.idle();
        // Of both kinds together no more than may be used.
        if idle.iter().map(Vec::len).sum::<usize>() >= self.idle_max {
            let other = &mut idle[1 - place(kind)];
            if other.pop().is_none() {
                return;
            }
        }
        idle[place(kind)].push(connection);
    }

    fn idle(&self) -> MutexGuard<'_, [Vec<Connection>; 2]> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn place(kind: Kind) -> usize {
    match kind {
        Kind::Service => 0,
        Kind::Bind => 1,
    }
}
