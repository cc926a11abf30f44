//! The metadata as one file of sorted records: what a backup keeps of it, and the second copy from
//! which it can be made again. `docs/records.md` draws the format.
//!
//! Records stand in blocks of about 64 KiB, each with its checksum; an index of the blocks and a
//! trailer follow. A [`DumpWriter`] writes it front to back, a [`DumpScan`] reads it so and goes on
//! behind what is damaged, a [`DumpTable`] looks single keys up. None of them holds more than a few
//! blocks and the index in memory.

mod block;
mod load;
mod scan;
mod table;
#[cfg(test)]
mod tests;
mod writer;

pub use block::Item;
pub use load::load;
pub use scan::{DumpScan, Step};
pub use table::DumpTable;
pub use writer::{DumpWriter, Written};

use crate::base::Base;
use core_store::StoreError;
use std::io;

/// Writes all of `base` and makes it durable. `visit` sees every record on its way, and may stop it
/// all with an error.
pub fn of_base(
    base: &Base,
    mut writer: DumpWriter,
    mut visit: impl FnMut(&Item) -> io::Result<()>,
) -> io::Result<Written> {
    let mut put = |writer: &mut DumpWriter, item: Item| {
        visit(&item)?;
        writer.put(&item)
    };
    let mut done = Ok(());
    let walked = base.for_each_value(|key, value| {
        done = put(&mut writer, Item::Value(key, value));
        done.is_ok()
    });
    done.and(walked.map_err(unreadable))?;
    let mut done = Ok(());
    let walked = base.for_each_blob(|blob, entry| {
        done = put(&mut writer, Item::Blob(blob, entry));
        done.is_ok()
    });
    done.and(walked.map_err(unreadable))?;
    for (segment, used) in base.usage().map_err(io::Error::other)?.iter() {
        put(&mut writer, Item::Segment(segment, used))?;
    }
    writer.finish(&base.mark().map_err(io::Error::other)?)
}

fn unreadable(error: StoreError) -> io::Error {
    match error {
        StoreError::Corrupt(what) => io::Error::new(io::ErrorKind::InvalidData, what),
        error => io::Error::other(error),
    }
}
