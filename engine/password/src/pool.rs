//! Who may hash when.

use crate::memory::{Memories, Memory};
use core_world::PasswordError;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{AcquireError, Semaphore};
use tokio::task::{JoinError, spawn_blocking};

/// Most that may wait for a free core; who comes then is told [`PasswordError::Busy`].
pub const WAITING_MAX: usize = 256;

/// Cores, memory, and those who wait for them.
#[derive(Debug)]
pub(crate) struct Pool {
    parallel_max: usize,
    cores: Arc<Semaphore>,
    /// Those that run and those that wait.
    present: AtomicUsize,
    memories: Memories,
}

impl Pool {
    pub(crate) fn new(parallel_max: usize) -> Arc<Pool> {
        Arc::new(Pool {
            parallel_max,
            cores: Arc::new(Semaphore::new(parallel_max)),
            present: AtomicUsize::new(0),
            memories: Memories::default(),
        })
    }

    /// Runs `work` when a core is free. Who gives up while waiting makes room at once; work that
    /// has begun keeps its core until it is done, whether somebody still wants it or not.
    pub(crate) async fn run<T: Send + 'static>(
        self: &Arc<Pool>,
        work: impl FnOnce(&mut Memory) -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let present = Present::enter(self)?;
        // Neither failure happens, but should one, to try again is right.
        let core = self
            .cores
            .clone()
            .acquire_owned()
            .await
            .map_err(|_: AcquireError| PasswordError::Busy)?;
        let task = spawn_blocking(move || {
            let result = present.0.work(work);
            drop((core, present));
            result
        });
        task.await.unwrap_or_else(|_: JoinError| Err(PasswordError::Busy))
    }

    fn work<T>(&self, work: impl FnOnce(&mut Memory) -> T) -> T {
        let mut memory = self.memories.take();
        let result = work(&mut memory);
        if self.present.load(Ordering::Relaxed) > self.parallel_max {
            self.memories.give_back(memory);
        } else {
            self.memories.clear();
        }
        result
    }
}

/// Counts one as present, until dropped.
struct Present(Arc<Pool>);

impl Present {
    fn enter(pool: &Arc<Pool>) -> Result<Present, PasswordError> {
        let before = pool.present.fetch_add(1, Ordering::Relaxed);
        let present = Present(pool.clone());
        let most = pool.parallel_max + WAITING_MAX;
        if before < most { Ok(present) } else { Err(PasswordError::Busy) }
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.0.present.fetch_sub(1, Ordering::Relaxed);
    }
}
