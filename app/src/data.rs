//! The data directory: where it is, and what is in it.

use crate::config;
use crate::words::Words;
use anyhow::{Context, Result, bail};
use engine_process::{Identity, act_for, is_root};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Where the lab keeps its data unless told otherwise.
const LAB: &str = "estafeta-lab";

/// One post office's files.
#[derive(Clone, Debug)]
pub struct Data {
    directory: PathBuf,
}

impl Data {
    /// For the lab: the directory, made if there is none. Only its owner may enter it.
    pub fn make(chosen: Option<&Path>, words: &Words) -> Result<Data> {
        let directory = chosen.map_or_else(|| PathBuf::from(LAB), Path::to_owned);
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&directory);
        let usable = made.and_then(|()| fs::read_dir(&directory));
        if let Err(error) = usable {
            let why = match error.kind() {
                ErrorKind::PermissionDenied => words.no_permission.to_string(),
                ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
                    words.not_a_directory.to_string()
                }
                _ => error.to_string(),
            };
            bail!("{}: {why}", directory.display());
        }
        Ok(Data { directory })
    }

    /// For a new server: the directory, made if there is none, and given to `owner`.
    pub fn make_for(directory: &Path, owner: Option<&Identity>) -> Result<Data> {
        let cannot =
            || format!("cannot make {}; choose another directory with --data", directory.display());
        if let Some(parent) = directory.parent() {
            fs::create_dir_all(parent).with_context(cannot)?;
        }
        match DirBuilder::new().mode(0o700).create(directory) {
            Ok(()) => {
                if let Some(owner) = owner {
                    owner.own(directory).with_context(cannot)?;
                }
            }
            // Whose it is was decided by whoever made it.
            Err(error) if error.kind() == ErrorKind::AlreadyExists && directory.is_dir() => {}
            Err(error) => return Err(error).with_context(cannot),
        }
        Ok(Data { directory: directory.to_owned() })
    }

    /// For the server that `file` configures: a directory that has a store. A server never makes
    /// one: in a wrong directory it would refuse everybody's mail.
    pub fn of_server(directory: &Path, file: &Path) -> Result<Data> {
        let data = Data { directory: directory.to_owned() };
        if data.has_store() {
            return Ok(data);
        }
        bail!(
            "no data of estafeta at {}, which {} names; \"estafeta init\" makes them, or mend data = \"…\"",
            directory.display(),
            file.display()
        )
    }

    /// Whoever may not look is told so when the store is opened.
    fn has_store(&self) -> bool {
        !fs::metadata(self.store()).is_err_and(|error| {
            matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
        })
    }

    /// For a command: a directory that has a store. A command never makes one: the directory may be
    /// a wrong one.
    pub fn find(chosen: Option<&Path>) -> Result<Data> {
        let directory = chosen.map_or_else(|| PathBuf::from(LAB), Path::to_owned);
        let data = Data { directory };
        if data.has_store() {
            return Ok(data);
        }
        match chosen {
            Some(chosen) => bail!(
                "no data of estafeta at {}; make a server with \"estafeta init\", or start a lab with \
                 \"estafeta lab --data {0}\"",
                chosen.display()
            ),
            None => bail!(
                "no data of estafeta at ./{LAB}, and no configuration that names others; name them \
                 with --data DIR, make a server with \"estafeta init\", or start a lab with \
                 \"estafeta lab\""
            ),
        }
    }

    /// For a store that is made by other means.
    pub fn in_directory(directory: &Path) -> Data {
        Data { directory: directory.to_owned() }
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.directory
    }

    /// Where the store is.
    pub fn store(&self) -> PathBuf {
        self.directory.join("store")
    }

    /// Where a running server takes commands.
    pub fn control_socket(&self) -> PathBuf {
        self.directory.join("control.sock")
    }

    /// The lab's certificate authority, for clients.
    pub fn ca_certificate(&self) -> PathBuf {
        self.directory.join("ca.pem")
    }

    /// Its key.
    pub fn ca_key(&self) -> PathBuf {
        self.directory.join("ca-key.pem")
    }

    /// The server's certificate.
    pub fn certificate(&self) -> PathBuf {
        self.directory.join("cert.pem")
    }

    /// Its key.
    pub fn key(&self) -> PathBuf {
        self.directory.join("key.pem")
    }
}

/// Where the data are that a command is about: in the directory that was named, or the one that the
/// configuration names, if there is one.
pub fn chosen(directory: Option<PathBuf>, file: Option<&Path>) -> Result<Option<PathBuf>> {
    match directory {
        Some(directory) => Ok(Some(directory)),
        None => config::data_directory(file),
    }
}

/// Root does what it wishes with data as their owner would, who is told: files that belonged to root
/// could not be opened by the server. It may still read everything.
pub fn act_for_owner(directory: Option<&Path>) -> Result<Option<Identity>> {
    let directory = directory.unwrap_or(Path::new(LAB));
    // What is not there is told of by whoever looks for it.
    let owner = if is_root() { Identity::owner(directory).ok().flatten() } else { None };
    if let Some(owner) = &owner {
        act_for(owner)?;
    }
    Ok(owner)
}

/// Writes a file whole or not at all, under its final name.
pub fn write(path: &Path, text: &str, mode: u32) -> Result<()> {
    let new = path.with_extension("new");
    let write = || {
        let _ = fs::remove_file(&new);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// The text of a file, if there is one.
pub fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}
