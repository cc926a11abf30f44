//! Making the metadata file again from a dump.

use super::block::{Item, Trailer};
use super::scan::{DumpScan, Step};
use crate::base;
use crate::frame::corrupt;
use redb::Database;
use std::io;

/// Octets of records that one transaction takes.
const TRANSACTION: u64 = 32 << 20;

/// Writes every record of a whole dump to `database`, which is new, durably. `spent` is told of
/// octets read and may stop it all.
pub fn load(
    database: &Database,
    scan: &mut DumpScan,
    mut spent: impl FnMut(u64) -> io::Result<()>,
) -> io::Result<Trailer> {
    let (mut items, mut size) = (Vec::new(), 0);
    loop {
        let at = scan.offset();
        match scan.next_step()? {
            Some(Step::Items(more)) => {
                size += more.iter().map(Item::size).sum::<u64>();
                items.extend(more);
            }
            Some(Step::Damaged { offset, what }) => {
                return Err(corrupt(format!("at octet {offset}: {what}")));
            }
            Some(Step::End(trailer)) => {
                base::fill(database, &items, Some(&trailer.mark)).map_err(io::Error::other)?;
                return Ok(trailer);
            }
            None => return Err(corrupt("it ends without its trailer")),
        }
        if size >= TRANSACTION {
            base::fill(database, &items, None).map_err(io::Error::other)?;
            items.clear();
            size = 0;
        }
        spent(scan.offset() - at)?;
    }
}
