//! A directory of backups.

use super::BackupError;
use super::manifest::{FORMAT, Kind, Manifest};
use crate::disk::{Directory, Disk, Mode};
use std::any::Any;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The directory of the manifests.
const MANIFESTS: &str = "manifest";
/// Says what the directory is.
const VERSION: &str = "VERSION";
/// What the name of something incomplete ends with.
pub const NEW: &str = ".new";
/// What the name of the note that a backup was begun ends with.
const BEGUN: &str = ".begun";

/// A directory of backups.
#[derive(Clone, Debug)]
pub struct BackupDirectory {
    /// The disk, with the directory as its root.
    pub(super) disk: Arc<dyn Disk>,
    /// For messages.
    pub(super) path: PathBuf,
}

/// A backup in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Which one.
    pub number: u64,
    /// What there is of it.
    pub state: State,
}

/// What there is of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// All of it.
    Complete {
        /// When it began, in milliseconds since 1970.
        begun: u64,
        /// Bodies,
        bodies: u64,
        /// and their octets.
        body_bytes: u64,
        /// Octets of all its files, those included that others need too.
        bytes: u64,
        /// Octets that were copied for it.
        copied: u64,
        /// Octets that it shares with the store.
        linked: u64,
        /// How much of the store was damaged when it was taken.
        damage: u64,
    },
    /// It was begun and not ended; or it is being taken now.
    Unfinished,
    /// Its manifest cannot be read; says why.
    Damaged(String),
}

impl BackupDirectory {
    /// The directory of backups at `path`.
    pub fn open(path: &Path) -> Result<BackupDirectory, BackupError> {
        BackupDirectory::open_on(Arc::new(Directory::new(path)), path)
    }

    /// The same on another disk; `path` is for messages.
    pub fn open_on(disk: Arc<dyn Disk>, path: &Path) -> Result<BackupDirectory, BackupError> {
        let directory = BackupDirectory { disk, path: path.to_owned() };
        match directory.read(VERSION) {
            Ok(text) if text.trim_ascii_end() == FORMAT.as_bytes() => Ok(directory),
            Ok(text) => Err(BackupError::Damaged {
                file: VERSION.into(),
                what: format!(
                    "it says {:?}, this build reads {FORMAT:?}",
                    String::from_utf8_lossy(&text).trim_end()
                ),
            }),
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                Err(BackupError::NotABackup(directory.path))
            }
            Err(error) => Err(directory.failed("reading VERSION")(error)),
        }
    }

    /// The same, made if `path` is empty or not there; and nobody else may write there meanwhile.
    pub(super) fn make(
        disk: Arc<dyn Disk>,
        path: &Path,
    ) -> Result<(BackupDirectory, Box<dyn Any + Send + Sync>), BackupError> {
        let directory = BackupDirectory { disk, path: path.to_owned() };
        let making = || directory.failed("making the directory of backups");
        directory.disk.create_dir("").map_err(making())?;
        let is_new = directory.read(VERSION).is_err_and(|e| e.kind() == ErrorKind::NotFound);
        let names = directory.disk.list("").map_err(making())?;
        // A crash while it was being made leaves nothing but these.
        if is_new && names.iter().any(|name| !["lock", "VERSION.new"].contains(&name.as_str())) {
            return Err(BackupError::NotABackup(directory.path));
        }
        let lock = directory.disk.lock().map_err(|error| match error.kind() {
            ErrorKind::WouldBlock => BackupError::Busy(path.to_owned()),
            _ => directory.failed("locking the directory of backups")(error),
        })?;
        if is_new {
            directory.write(VERSION, format!("{FORMAT}\n").as_bytes()).map_err(making())?;
        }
        let directories = Kind::ALL.map(Kind::directory).into_iter().chain([MANIFESTS]);
        for name in directories {
            directory.disk.create_dir(name).map_err(making())?;
        }
        directory.disk.sync_dir("").map_err(making())?;
        Ok((BackupDirectory::open_on(directory.disk, path)?, lock))
    }

    /// What an error of this directory's disk means.
    pub(super) fn failed(&self, doing: &'static str) -> impl FnOnce(io::Error) -> BackupError {
        BackupError::of(&self.path, doing)
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let file = self.disk.open(name, Mode::Read)?;
        let mut octets = vec![0; file.len()? as usize];
        let count = file.read_at(&mut octets, 0)?;
        octets.truncate(count);
        Ok(octets)
    }

    /// Writes a file whole or not at all, and durably.
    fn write(&self, name: &str, octets: &[u8]) -> io::Result<()> {
        let new = format!("{name}{NEW}");
        let file = self.disk.open(&new, Mode::Any)?;
        file.set_len(0)?;
        file.write_at(octets, 0)?;
        file.sync_data()?;
        self.disk.rename(&new, name)?;
        self.disk.sync_dir(name.rsplit_once('/').map_or("", |(directory, _)| directory))
    }

    /// The names in the directory of manifests.
    fn manifests(&self) -> Result<Vec<String>, BackupError> {
        let listing = "reading the directory of manifests";
        self.disk.list(MANIFESTS).map_err(self.failed(listing))
    }

    /// The complete backups, rising.
    pub(super) fn numbers(&self) -> Result<Vec<u64>, BackupError> {
        let names = self.manifests()?;
        let mut numbers: Vec<u64> = names.iter().filter_map(|name| number(name, "")).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Backups that were begun and not ended, rising.
    pub(super) fn unfinished(&self) -> Result<Vec<u64>, BackupError> {
        let (names, complete) = (self.manifests()?, self.numbers()?);
        let mut numbers: Vec<u64> = names.iter().filter_map(|name| number(name, BEGUN)).collect();
        numbers.retain(|number| !complete.contains(number));
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// One backup's manifest.
    pub(super) fn manifest(&self, number: u64) -> Result<Manifest, BackupError> {
        let file = name(number, "");
        let text = self.read(&file).map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                BackupError::NoSuchBackup { directory: self.path.clone(), number: Some(number) }
            }
            _ => self.failed("reading a manifest")(error),
        })?;
        let manifest = Manifest::decode(&text).and_then(|manifest| match manifest.number {
            told if told == number => Ok(manifest),
            told => Err(format!("it is the manifest of backup {told}")),
        });
        manifest.map_err(|what| BackupError::Damaged { file, what })
    }

    /// The manifest of the backup asked for, or of the newest.
    pub(super) fn chosen(&self, number: Option<u64>) -> Result<Manifest, BackupError> {
        let newest = || {
            let directory = self.path.clone();
            let none = BackupError::NoSuchBackup { directory, number: None };
            self.numbers()?.last().copied().ok_or(none)
        };
        self.manifest(number.map_or_else(newest, Ok)?)
    }

    /// Every backup, complete or not, rising.
    pub fn list(&self) -> Result<Vec<Listed>, BackupError> {
        let mut list: Vec<Listed> = Vec::new();
        for number in self.numbers()? {
            let state = match self.manifest(number) {
                Ok(manifest) => State::Complete {
                    begun: manifest.begun,
                    bodies: manifest.bodies,
                    body_bytes: manifest.body_bytes,
                    bytes: manifest.bytes(),
                    copied: manifest.copied,
                    linked: manifest.linked,
                    damage: manifest.damage.len() as u64,
                },
                Err(BackupError::Damaged { what, .. }) => State::Damaged(what),
                // Removed in this moment.
                Err(BackupError::NoSuchBackup { .. }) => continue,
                Err(error) => return Err(error),
            };
            list.push(Listed { number, state });
        }
        let unfinished = self.unfinished()?.into_iter();
        list.extend(unfinished.map(|number| Listed { number, state: State::Unfinished }));
        list.sort_unstable_by_key(|listed| listed.number);
        Ok(list)
    }

    /// Notes that a backup is begun; gives it its number.
    pub(super) fn begin(&self) -> Result<u64, BackupError> {
        let names = self.manifests()?;
        let taken = names.iter().filter_map(|name| name.get(..8)?.parse::<u64>().ok());
        let next = taken.max().unwrap_or(0) + 1;
        let noting = "noting that a backup begins";
        self.write(&name(next, BEGUN), b"").map_err(self.failed(noting))?;
        Ok(next)
    }

    /// Makes a backup a backup: everything it names is durable.
    pub(super) fn complete(&self, manifest: &Manifest) -> Result<(), BackupError> {
        let text = manifest.encode();
        let written = self.write(&name(manifest.number, ""), text.as_bytes());
        written.map_err(self.failed("writing the manifest"))
    }

    /// Forgets what was begun and not ended, once there is a newer backup.
    pub(super) fn forget_unfinished(&self) -> Result<(), BackupError> {
        let failed = || self.failed("removing the note of an unfinished backup");
        for file in self.manifests()? {
            if file.ends_with(BEGUN) || file.ends_with(NEW) {
                self.disk.remove(&format!("{MANIFESTS}/{file}")).map_err(failed())?;
            }
        }
        self.disk.sync_dir(MANIFESTS).map_err(failed())
    }

    /// Makes a backup none any more. Its files stay.
    pub(super) fn forget(&self, number: u64) -> Result<(), BackupError> {
        let removed = self.disk.remove(&name(number, ""));
        let removed = removed.and_then(|()| self.disk.sync_dir(MANIFESTS));
        removed.map_err(self.failed("removing an old backup"))
    }
}

fn name(number: u64, end: &str) -> String {
    format!("{MANIFESTS}/{number:08}{end}")
}

fn number(name: &str, end: &str) -> Option<u64> {
    let digits = name.strip_suffix(end)?;
    (digits.len() >= 8 && digits.bytes().all(|b| b.is_ascii_digit()))
        .then(|| digits.parse().ok())?
}
