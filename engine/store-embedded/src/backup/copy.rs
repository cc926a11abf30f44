//! One file from the store to the backups: by a link, by sharing blocks, or by copying.

use super::Pace;
use super::target::NEW;
use crate::disk::{Disk, DiskFile, Mode};
use std::io;

/// Octets read at a time; whole blocks of a large body.
pub const PIECE: usize = 1 << 20;

/// On which side something failed.
#[derive(Debug)]
pub enum Trouble {
    /// The store's file cannot be read, or is not what was written.
    Source(io::Error),
    /// The backup's cannot be written; or the job was told to stop.
    Target(io::Error),
}

/// Reads `range.0..range.1` of `file` in pieces; the CRC32C of it. `check` sees every piece.
pub fn sum(
    file: &dyn DiskFile,
    range: (u64, u64),
    pace: &mut Pace<'_>,
    mut check: impl FnMut(u64, &[u8]) -> Result<(), Trouble>,
) -> Result<u32, Trouble> {
    let (mut at, mut crc) = (range.0, 0);
    let mut buffer = vec![0; PIECE];
    while at < range.1 {
        let len = (range.1 - at).min(PIECE as u64) as usize;
        let piece = buffer.get_mut(..len).unwrap_or_default();
        match file.read_at(piece, at).map_err(Trouble::Source)? {
            count if count == len => {}
            _ => return Err(Trouble::Source(io::ErrorKind::UnexpectedEof.into())),
        }
        crc = crc32c::crc32c_append(crc, piece);
        check(at, piece)?;
        at += len as u64;
        pace.spend(len as u64).map_err(Trouble::Target)?;
    }
    Ok(crc)
}

/// Copies `range` of `source` to a new file `name` + [`NEW`], durably; the CRC32C of it.
pub fn copy(
    source: &dyn DiskFile,
    range: (u64, u64),
    disk: &dyn Disk,
    name: &str,
    pace: &mut Pace<'_>,
    mut check: impl FnMut(u64, &[u8]) -> Result<(), Trouble>,
) -> Result<u32, Trouble> {
    let target = disk.open(&format!("{name}{NEW}"), Mode::Any).map_err(Trouble::Target)?;
    target.set_len(0).map_err(Trouble::Target)?;
    let crc = sum(source, range, pace, |at, piece| {
        check(at, piece)?;
        target.write_at(piece, at - range.0).map_err(Trouble::Target)
    })?;
    target.sync_data().map_err(Trouble::Target)?;
    Ok(crc)
}

/// Gives the file `source` of one disk also the name `name` + [`NEW`] on another, if both are
/// directories of one file system: as a file that shares its blocks where that is possible, else as
/// a link. `false` where neither is.
pub fn link(from: &dyn Disk, source: &str, to: &dyn Disk, name: &str) -> bool {
    let (Some(from), Some(to)) = (from.root(), to.root()) else { return false };
    let (from, to) = (from.join(source), to.join(format!("{name}{NEW}")));
    let _ = std::fs::remove_file(&to);
    share_blocks(&from, &to).or_else(|_| std::fs::hard_link(&from, &to)).is_ok()
}

#[cfg(target_os = "linux")]
fn share_blocks(from: &std::path::Path, to: &std::path::Path) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    let target = options.write(true).create_new(true).mode(0o600).open(to)?;
    let shared = std::fs::File::open(from)
        .and_then(|source| Ok(rustix::fs::ioctl_ficlone(&target, &source)?))
        .and_then(|()| target.sync_all());
    if shared.is_err() {
        let _ = std::fs::remove_file(to);
    }
    shared
}

#[cfg(not(target_os = "linux"))]
fn share_blocks(_: &std::path::Path, _: &std::path::Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
