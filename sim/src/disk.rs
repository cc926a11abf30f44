//! A disk in memory that keeps only promises: what was synced survives a power cut, anything else
//! may survive, or not, or in part.

use core_store::suite::Dice;
use engine_store_embedded::disk::{Disk, DiskFile, Mode};
use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// A simulated disk. Clones are the same disk.
#[derive(Clone, Default)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimDisk")
    }
}

#[derive(Default)]
struct State {
    /// As everybody sees it now.
    names: BTreeMap<String, usize>,
    /// What a power cut leaves for sure.
    durable_names: BTreeMap<String, usize>,
    /// Per directory, in order: what was done and not synced.
    pending_names: BTreeMap<String, Vec<NameChange>>,
    files: Vec<FileState>,
    locked: bool,
    dead: bool,
    operations: u64,
    /// The plug is pulled in the middle of this operation,
    crash_at: Option<u64>,
    /// or of this one of those on files whose names begin so.
    crash_on: Option<(String, u64)>,
    faults: Faults,
    /// Syncs of files whose names begin so are said to be done and are not; of directories too.
    lies: (Option<&'static str>, bool),
    syncs: BTreeMap<String, u64>,
}

/// Faults that are not power cuts.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Files whose names begin so cannot be written.
    pub write: Option<String>,
    /// Files whose names begin so cannot be synced.
    pub sync: Option<String>,
    /// Files whose names begin so cannot be read.
    pub read: Option<String>,
    /// No more room: nothing grows, and this many octets are told to be free.
    pub full: Option<u64>,
}

#[derive(Clone)]
enum NameChange {
    Set(String, usize),
    Gone(String),
}

#[derive(Default)]
struct FileState {
    /// For counting and faults; the name it was made with.
    name: String,
    content: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Change::Write(offset, octets) => write(content, *offset, octets),
            Change::Length(len) => content.resize(*len, 0),
        }
    }
}

impl SimDisk {
    /// An empty disk.
    pub fn new() -> SimDisk {
        SimDisk::default()
    }

    /// Another disk with the same content.
    pub fn copy(&self) -> SimDisk {
        let state = self.state();
        let copy = |file: &FileState| FileState {
            name: file.name.clone(),
            content: file.content.clone(),
            durable: file.durable.clone(),
            pending: Vec::new(),
        };
        let files = state.files.iter().map(copy).collect();
        let (names, durable_names) = (state.names.clone(), state.durable_names.clone());
        SimDisk {
            state: Arc::new(Mutex::new(State { names, durable_names, files, ..State::default() })),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Pulls the plug in the middle of the operation that comes after `operations` more.
    pub fn crash_after(&self, operations: u64) {
        let mut state = self.state();
        state.crash_at = Some(state.operations + operations + 1);
    }

    /// Pulls the plug in the middle of the operation that comes after `operations` more on files
    /// whose names begin with `prefix`.
    pub fn crash_on(&self, prefix: &str, operations: u64) {
        self.state().crash_on = Some((prefix.to_owned(), operations));
    }

    /// Pulls the plug now.
    pub fn crash(&self) {
        self.state().dead = true;
    }

    /// Is it without power?
    pub fn is_dead(&self) -> bool {
        self.state().dead
    }

    /// Changes made so far, syncs among them.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// From now on these faults happen.
    pub fn set_faults(&self, faults: Faults) {
        self.state().faults = faults;
    }

    /// Lies from now on about syncs of files whose names begin with `files`, and of directories: a
    /// fault put in on purpose.
    pub fn lie(&self, files: Option<&'static str>, directories: bool) {
        self.state().lies = (files, directories);
    }

    /// The process is gone, or comes back, and the machine goes on: what was written is there, synced
    /// or not. Without this the destructors of a killed process would still do their work.
    pub fn set_process(&self, alive: bool) {
        let mut state = self.state();
        state.dead = !alive;
        state.locked &= alive;
        (state.crash_at, state.crash_on) = (None, None);
    }

    /// How often files whose names begin with `prefix` were synced.
    pub fn syncs(&self, prefix: &str) -> u64 {
        let state = self.state();
        state
            .syncs
            .iter()
            .filter(|(name, _)| name.starts_with(prefix))
            .map(|(_, count)| count)
            .sum()
    }

    /// Turns one octet of a file over, as a failing medium does.
    pub fn flip(&self, name: &str, offset: usize) {
        let mut state = self.state();
        let Some(&file) = state.names.get(name) else { return };
        let file = &mut state.files[file];
        for content in [&mut file.content, &mut file.durable] {
            if let Some(octet) = content.get_mut(offset) {
                *octet ^= 0x55;
            }
        }
    }

    /// The content of a file.
    pub fn content(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.state();
        state.names.get(name).map(|file| state.files[*file].content.clone())
    }

    /// The names of all files.
    pub fn names(&self) -> Vec<String> {
        self.state().names.keys().cloned().collect()
    }

    /// The disk as it is when power is back; the old one stays dead.
    pub fn restart(&self, dice: &mut Dice) -> SimDisk {
        let mut state = self.state();
        state.dead = true;
        let mut names = state.durable_names.clone();
        for changes in state.pending_names.values() {
            // A file system keeps the changes of a directory in order.
            let kept = dice.below(changes.len() as u64 + 1) as usize;
            for change in &changes[..kept] {
                change.apply(&mut names);
            }
        }
        let manner = Manner::roll(dice);
        let files = state.files.iter().map(|file| file.after_crash(manner, dice)).collect();
        let lies = state.lies;
        let state = State { durable_names: names.clone(), names, files, lies, ..State::default() };
        SimDisk { state: Arc::new(Mutex::new(state)) }
    }
}

/// What becomes of writes that were not synced.
#[derive(Clone, Copy)]
enum Manner {
    Lost,
    Kept,
    /// Each sector by itself.
    Torn,
    /// Those before a certain one.
    Cut,
}

impl Manner {
    fn roll(dice: &mut Dice) -> Manner {
        [Manner::Lost, Manner::Kept, Manner::Torn, Manner::Torn, Manner::Cut]
            [dice.below(5) as usize]
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            NameChange::Set(name, file) => drop(names.insert(name.clone(), *file)),
            NameChange::Gone(name) => drop(names.remove(name)),
        }
    }
}

impl FileState {
    fn after_crash(&self, manner: Manner, dice: &mut Dice) -> FileState {
        let mut content = self.durable.clone();
        let mut cut = false;
        for change in &self.pending {
            match change {
                Change::Length(len) => {
                    if !matches!(manner, Manner::Lost) && !cut && dice.once_in(2) {
                        content.resize(*len, 0);
                    }
                }
                Change::Write(offset, octets) => {
                    for (start, sector) in sectors(*offset, octets) {
                        cut |= matches!(manner, Manner::Cut) && dice.once_in(4);
                        let kept = match manner {
                            Manner::Lost => false,
                            Manner::Kept => true,
                            Manner::Torn => dice.once_in(2),
                            Manner::Cut => !cut,
                        };
                        if kept {
                            write(&mut content, start, sector);
                        }
                    }
                }
            }
        }
        FileState {
            name: self.name.clone(),
            durable: content.clone(),
            content,
            pending: Vec::new(),
        }
    }
}

/// A write in pieces that do not cross sectors.
fn sectors(offset: usize, octets: &[u8]) -> Vec<(usize, &[u8])> {
    let mut pieces = Vec::new();
    let mut done = 0;
    while done < octets.len() {
        let start = offset + done;
        let len = (SECTOR - start % SECTOR).min(octets.len() - done);
        pieces.push((start, &octets[done..done + len]));
        done += len;
    }
    pieces
}

fn write(content: &mut Vec<u8>, offset: usize, octets: &[u8]) {
    let end = offset + octets.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(octets);
}

fn no_power() -> io::Error {
    io::Error::other("the power is off")
}

impl State {
    fn alive(&self) -> io::Result<()> {
        if self.dead { Err(no_power()) } else { Ok(()) }
    }

    /// Counts a change; `false` if the plug is pulled in the middle of it.
    fn begin(&mut self, name: &str) -> io::Result<bool> {
        self.alive()?;
        self.operations += 1;
        self.dead = self.crash_at == Some(self.operations);
        if let Some((prefix, left)) = &mut self.crash_on
            && name.starts_with(prefix.as_str())
        {
            self.dead |= *left == 0;
            *left = left.saturating_sub(1);
        }
        Ok(!self.dead)
    }

    /// As [`State::begin`], for an open file.
    fn begin_file(&mut self, file: usize) -> io::Result<bool> {
        let name = self.files[file].name.clone();
        self.begin(&name)
    }

    fn change_name(&mut self, change: NameChange) {
        let (NameChange::Set(name, _) | NameChange::Gone(name)) = &change;
        let directory = directory(name).to_owned();
        change.apply(&mut self.names);
        self.pending_names.entry(directory).or_default().push(change);
    }

    fn find(&self, name: &str) -> io::Result<usize> {
        self.names.get(name).copied().ok_or_else(|| ErrorKind::NotFound.into())
    }
}

fn directory(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(directory, _)| directory)
}

fn finished(whole: bool) -> io::Result<()> {
    if whole { Ok(()) } else { Err(no_power()) }
}

impl Disk for SimDisk {
    /// Directories are there before anything is; that they could be lost is not simulated.
    fn create_dir(&self, _: &str) -> io::Result<()> {
        self.state().alive()
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let state = self.state();
        state.alive()?;
        let names: BTreeSet<&str> = state.names.keys().map(String::as_str).collect();
        let inside = names.into_iter().filter(|name| directory(name) == dir);
        Ok(inside.map(|name| name.rsplit('/').next().unwrap_or(name).to_owned()).collect())
    }

    fn open(&self, name: &str, mode: Mode) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        state.alive()?;
        let file = match (state.find(name), mode) {
            (Ok(_), Mode::Create) => return Err(ErrorKind::AlreadyExists.into()),
            (Ok(file), _) => file,
            (Err(error), Mode::Read | Mode::Write) => return Err(error),
            (Err(_), Mode::Create | Mode::Any) => {
                let whole = state.begin(name)?;
                state.files.push(FileState { name: name.to_owned(), ..FileState::default() });
                let file = state.files.len() - 1;
                state.change_name(NameChange::Set(name.to_owned(), file));
                finished(whole)?;
                file
            }
        };
        Ok(Arc::new(SimFile { disk: self.clone(), file }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        let whole = state.begin(from)?;
        let file = state.find(from)?;
        // One step of the journal: both or neither.
        state.names.remove(from);
        let directory = directory(from).to_owned();
        state.pending_names.entry(directory).or_default().push(NameChange::Gone(from.to_owned()));
        state.change_name(NameChange::Set(to.to_owned(), file));
        finished(whole)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        let whole = state.begin(name)?;
        state.find(name)?;
        state.change_name(NameChange::Gone(name.to_owned()));
        finished(whole)
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        let mut state = self.state();
        if !state.begin(dir)? {
            return Err(no_power());
        }
        if state.lies.1 {
            return Ok(());
        }
        for change in state.pending_names.remove(dir).unwrap_or_default() {
            change.apply(&mut state.durable_names);
        }
        Ok(())
    }

    fn available(&self) -> io::Result<u64> {
        let state = self.state();
        state.alive()?;
        Ok(state.faults.full.unwrap_or(u64::MAX))
    }

    fn lock(&self) -> io::Result<Box<dyn Any + Send + Sync>> {
        let mut state = self.state();
        state.alive()?;
        if std::mem::replace(&mut state.locked, true) {
            return Err(ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(Lock(self.clone())))
    }
}

struct Lock(SimDisk);

impl Drop for Lock {
    fn drop(&mut self) {
        self.0.state().locked = false;
    }
}

struct SimFile {
    disk: SimDisk,
    file: usize,
}

impl fmt::Debug for SimFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimFile({})", self.file)
    }
}

fn is_hit(fault: Option<&String>, name: &str) -> bool {
    fault.is_some_and(|prefix| name.starts_with(prefix.as_str()))
}

impl SimFile {
    fn change(&self, change: Change) -> io::Result<()> {
        let mut state = self.disk.state();
        let whole = state.begin_file(self.file)?;
        let State { files, faults, .. } = &mut *state;
        let file = &mut files[self.file];
        if is_hit(faults.write.as_ref(), &file.name) {
            return Err(io::Error::other("simulated write error"));
        }
        let end = match &change {
            Change::Write(offset, octets) => offset + octets.len(),
            Change::Length(len) => *len,
        };
        if faults.full.is_some() && end > file.content.len() {
            return Err(ErrorKind::StorageFull.into());
        }
        match &change {
            Change::Write(offset, octets) => write(&mut file.content, *offset, octets),
            Change::Length(len) => file.content.resize(*len, 0),
        }
        file.pending.push(change);
        finished(whole)
    }
}

impl DiskFile for SimFile {
    fn len(&self) -> io::Result<u64> {
        let state = self.disk.state();
        state.alive()?;
        Ok(state.files[self.file].content.len() as u64)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(Change::Length(len as usize))
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.disk.state();
        state.alive()?;
        if is_hit(state.faults.read.as_ref(), &state.files[self.file].name) {
            return Err(io::Error::other("simulated read error"));
        }
        let content = &state.files[self.file].content;
        let rest = content.get(offset as usize..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn read_cached(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.read_at(buffer, offset)
    }

    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<()> {
        self.change(Change::Write(offset as usize, octets.to_vec()))
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        if !state.begin_file(self.file)? {
            return Err(no_power());
        }
        let State { files, faults, syncs, lies, .. } = &mut *state;
        let file = &mut files[self.file];
        if is_hit(faults.sync.as_ref(), &file.name) {
            // The system calls clean what it could not write: a later sync does not write it either,
            // but it can be read until it is forgotten.
            file.pending.clear();
            return Err(io::Error::other("simulated sync error"));
        }
        if lies.0.is_some_and(|prefix| file.name.starts_with(prefix)) {
            return Ok(());
        }
        *syncs.entry(file.name.clone()).or_default() += 1;
        for change in file.pending.drain(..) {
            change.apply(&mut file.durable);
        }
        Ok(())
    }

    fn forget_cached(&self) {
        let mut state = self.disk.state();
        let file = &mut state.files[self.file];
        file.content = file.durable.clone();
        for change in &file.pending {
            change.apply(&mut file.content);
        }
    }
}
