//! How many files the system lets us open, and how many of them may be connections.

use engine_net::Room;
use rustix::process::{Resource, getrlimit, setrlimit};

/// Files that are no connections, at least: the store, bodies being written, the control socket.
const RESERVED_MIN: u64 = 128;
/// And one file in so many, since bodies on their way in are more where there are more connections.
const RESERVED_SHARE: u64 = 4;
/// Where the system sets no limit, we set one.
const FILES_MAX: u64 = 1 << 20;

/// Lets us open as many files as the system grants, and gives the part of it that connections may
/// have. Strangers who take all of that still leave the store what it needs.
pub fn room() -> Room {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // What we have already will do.
    let _ = setrlimit(Resource::Nofile, limit);
    let files = getrlimit(Resource::Nofile).current.unwrap_or(FILES_MAX);
    Room::new(usize::try_from(connections(files)).unwrap_or(usize::MAX))
}

/// How many of so many files may be connections: one at least.
fn connections(files: u64) -> u64 {
    let reserved = RESERVED_MIN.max(files / RESERVED_SHARE);
    files.saturating_sub(reserved).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_always_has_files_left() {
        for (files, want) in [(64, 1), (256, 128), (1024, 768), (20_000, 15_000)] {
            assert_eq!(connections(files), want, "{files}");
        }
    }
}
