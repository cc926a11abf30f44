//! How many files the system lets us open, and how many of them may be connections.

use engine_net::Room;
use engine_process::raise_open_files;

/// Files that are no connections, at least: the store, bodies being written, the control socket.
const RESERVED_MIN: u64 = 128;
/// And one file in so many, since bodies on their way in are more where there are more connections.
const RESERVED_SHARE: u64 = 4;
/// As many are asked of the system, which root gets,
const FILES_WANTED: u64 = 1 << 18;
/// and where it sets no limit, we set one.
const FILES_MAX: u64 = 1 << 20;

/// Asks the system for as many open files as it grants. Root gets more, so that this is to be called
/// before somebody else takes over.
pub fn raise() -> u64 {
    raise_open_files(FILES_WANTED).min(FILES_MAX)
}

/// Lets us open as many files as the system grants, and gives the part of it that connections may
/// have: `connections_max` of them at most. Strangers who take all of that still leave the store what
/// it needs.
pub fn room(connections_max: Option<u64>) -> Room {
    let connections = connections(raise()).min(connections_max.unwrap_or(u64::MAX));
    Room::new(usize::try_from(connections).unwrap_or(usize::MAX))
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
