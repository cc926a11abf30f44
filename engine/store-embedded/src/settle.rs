//! What an earlier process left with the system, before anything is built on it.
//!
//! A process that was killed may have written what it could not sync any more; a process whose sync
//! failed may have written what the system holds and the medium never got. Either can be read now and
//! be gone after a power cut, together with everything that was promised on top of it. So what is
//! there is made durable first, and what cannot be is read from the medium.

use crate::disk::{Disk, Mode};
use crate::files::{LARGE, METADATA, Name, SEGMENTS, number};
use std::io::{self, ErrorKind};

/// The last segments that an earlier process can have written to without a sync: the one it was in,
/// the one before it, whose seal may have been the last thing written, and the next, prepared.
const SEGMENTS_UNSETTLED: usize = 3;

/// To be called before recovery.
pub fn settle(disk: &dyn Disk) -> io::Result<()> {
    for dir in ["", SEGMENTS, LARGE] {
        disk.sync_dir(dir)?;
    }
    let mut segments: Vec<u64> =
        disk.list(SEGMENTS)?.iter().filter_map(|name| number(name)).collect();
    segments.sort_unstable();
    let last = segments.into_iter().rev().take(SEGMENTS_UNSETTLED);
    for name in last.map(|number| Name::Segment(number).path()).chain([METADATA.to_owned()]) {
        match disk.open(&name, Mode::Write) {
            Ok(file) => {
                file.sync_data()?;
                file.forget_cached();
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
