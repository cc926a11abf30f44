//! Work that may wait for the disk, away from the tasks of others.

use std::io;
use tokio::runtime::Handle;

/// Runs `work` on a thread for waiting work; right here if no runtime is around.
pub async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    match Handle::try_current() {
        Ok(runtime) => runtime.spawn_blocking(work).await.map_err(io::Error::other)?,
        Err(_) => work(),
    }
}

/// Who does a store's own work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    /// Its threads.
    Own,
    /// Whoever calls [`crate::Steps`].
    None,
}

/// Starts one of the store's own threads.
pub fn spawn(
    name: &'static str,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<std::thread::JoinHandle<()>> {
    std::thread::Builder::new().name(format!("store {name}")).stack_size(STACK_SIZE).spawn(work)
}

/// Address space of each; only what is used takes memory.
const STACK_SIZE: usize = 1024 * 1024;
