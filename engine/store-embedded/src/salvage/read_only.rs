//! A disk that is only read, whatever is asked of it: writes stay in memory, and what cannot be read is
//! zero, so that a checksum tells of it.

use crate::disk::{Disk, DiskFile, Mode};
use std::any::Any;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is read at a time where reading fails, and kept at a time of what is written.
const PAGE: usize = 4096;
/// Octets that may be written at most: what opening the metadata writes is far less.
const WRITTEN_MAX: usize = 64 << 20;

/// The disk.
#[derive(Debug)]
pub struct ReadOnly(Arc<dyn Disk>);

impl ReadOnly {
    /// Over `disk`.
    pub fn new(disk: Arc<dyn Disk>) -> ReadOnly {
        ReadOnly(disk)
    }
}

fn refused() -> io::Error {
    ErrorKind::ReadOnlyFilesystem.into()
}

impl Disk for ReadOnly {
    fn create_dir(&self, _: &str) -> io::Result<()> {
        Err(refused())
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.0.list(dir)
    }

    fn open(&self, name: &str, mode: Mode) -> io::Result<Arc<dyn DiskFile>> {
        match mode {
            Mode::Read | Mode::Write => {
                let file = self.0.open(name, Mode::Read)?;
                let len = file.len()?;
                let over = Mutex::new(Over { len, ..Over::default() });
                Ok(Arc::new(ReadOnlyFile { file, over }))
            }
            Mode::Create | Mode::Any => Err(refused()),
        }
    }

    fn rename(&self, _: &str, _: &str) -> io::Result<()> {
        Err(refused())
    }

    fn remove(&self, _: &str) -> io::Result<()> {
        Err(refused())
    }

    fn sync_dir(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn available(&self) -> io::Result<u64> {
        Ok(u64::MAX)
    }

    fn lock(&self) -> io::Result<Box<dyn Any + Send + Sync>> {
        Ok(Box::new(()))
    }
}

#[derive(Debug)]
struct ReadOnlyFile {
    file: Arc<dyn DiskFile>,
    over: Mutex<Over>,
}

/// What was written over it.
#[derive(Debug, Default)]
struct Over {
    len: u64,
    pages: BTreeMap<u64, Vec<u8>>,
}

impl ReadOnlyFile {
    fn over(&self) -> MutexGuard<'_, Over> {
        self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As the medium has it; zero where it cannot be read or ends.
    fn below(&self, buffer: &mut [u8], offset: u64) {
        buffer.fill(0);
        if self.file.read_at(buffer, offset).is_ok() {
            return;
        }
        for (index, page) in buffer.chunks_mut(PAGE).enumerate() {
            page.fill(0);
            if self.file.read_at(page, offset + (index * PAGE) as u64).is_err() {
                page.fill(0);
            }
        }
    }

    fn page(&self, number: u64) -> Vec<u8> {
        let mut page = vec![0; PAGE];
        self.below(&mut page, number * PAGE as u64);
        page
    }
}

impl DiskFile for ReadOnlyFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.over().len)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.over().len = len;
        Ok(())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let over = self.over();
        let count = over.len.saturating_sub(offset).min(buffer.len() as u64) as usize;
        let Some(buffer) = buffer.get_mut(..count).filter(|buffer| !buffer.is_empty()) else {
            return Ok(0);
        };
        self.below(buffer, offset);
        let end = offset + count as u64;
        for (number, page) in over.pages.range(offset / PAGE as u64..end.div_ceil(PAGE as u64)) {
            let start = number * PAGE as u64;
            let (from, to) = (start.max(offset), (start + PAGE as u64).min(end));
            let part = &page[(from - start) as usize..(to - start) as usize];
            buffer[(from - offset) as usize..(to - offset) as usize].copy_from_slice(part);
        }
        Ok(count)
    }

    fn read_cached(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.read_at(buffer, offset)
    }

    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<()> {
        let mut over = self.over();
        let mut done = 0;
        while done < octets.len() {
            let at = offset + done as u64;
            let (number, inside) = (at / PAGE as u64, (at % PAGE as u64) as usize);
            let len = (PAGE - inside).min(octets.len() - done);
            if (over.pages.len() + 1) * PAGE > WRITTEN_MAX {
                return Err(refused());
            }
            let page = over.pages.entry(number).or_insert_with(|| self.page(number));
            page[inside..inside + len].copy_from_slice(&octets[done..done + len]);
            done += len;
        }
        over.len = over.len.max(offset + octets.len() as u64);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }
}
