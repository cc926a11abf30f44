//! Which certificates are shown, where they come from, and when they are looked at again.

use crate::certificate;
use crate::config::{Keypair, reread};
use crate::data::Data;
use anyhow::{Context, Result, anyhow, bail};
use engine_net::{Certificate, Certificates};
use std::fs;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often the files of given certificates are looked at.
const GIVEN_INTERVAL: Duration = Duration::from_secs(60);
/// How often it is looked whether the end of our own is near.
const OWN_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// Where the certificates come from.
#[derive(Clone, Debug)]
pub enum Keyring {
    /// From our own authority.
    Own {
        /// Where it is.
        data: Data,
        /// The names that they are for,
        names: Vec<String>,
        /// and the addresses.
        addresses: Vec<IpAddr>,
    },
    /// From the operator's.
    Given(Vec<Keypair>),
    /// From an authority, by ACME; until there is one, and for other names, the rest.
    Acme {
        /// Where it is: chain and key.
        file: PathBuf,
        /// The others.
        rest: Box<Keyring>,
    },
}

/// What shows that a file is another: its place on the disk, its size, when it was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp(u64, u64, i64, i64);

impl Keyring {
    /// Makes or reads them.
    pub fn load(&self) -> Result<Certificates> {
        match self {
            Keyring::Own { data, names, addresses } => {
                Ok(certificate::open(data, names, addresses)?.into())
            }
            Keyring::Given(keypairs) => {
                let read = keypairs.iter().map(reread).collect::<Result<Vec<_>, _>>();
                certificates(&read.map_err(|error| anyhow!(error))?)
            }
            Keyring::Acme { file, rest } => in_front(file, rest.load()?),
        }
    }

    /// Those that were read already, or else [`Keyring::load`].
    pub fn present(&self) -> Result<Certificates> {
        match self {
            Keyring::Own { .. } => self.load(),
            Keyring::Acme { file, rest } => in_front(file, rest.present()?),
            Keyring::Given(keypairs) => certificates(keypairs),
        }
    }

    /// How long to wait between two looks.
    pub fn interval(&self) -> Duration {
        match self {
            Keyring::Own { .. } => OWN_INTERVAL,
            Keyring::Given(_) | Keyring::Acme { .. } => GIVEN_INTERVAL,
        }
    }

    /// What its files look like at present.
    pub fn stamps(&self) -> Vec<Option<Stamp>> {
        match self {
            Keyring::Own { .. } => Vec::new(),
            Keyring::Given(keypairs) => {
                keypairs.iter().flat_map(|k| [stamp(&k.chain), stamp(&k.key)]).collect()
            }
            Keyring::Acme { file, rest } => {
                std::iter::once(stamp(file)).chain(rest.stamps()).collect()
            }
        }
    }
}

/// The certificate in `file`, if there is one, before all others.
fn in_front(file: &Path, rest: Certificates) -> Result<Certificates> {
    let text = match fs::read(file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(rest),
        Err(error) => return Err(error).with_context(|| file.display().to_string()),
    };
    let first = Certificate::from_pem(&text, &text).with_context(|| {
        format!("{}; remove it, and another is asked for at the next start", file.display())
    })?;
    Ok(Certificates::new(first, rest.all().into_iter().cloned().collect()))
}

fn certificates(keypairs: &[Keypair]) -> Result<Certificates> {
    let mut all = keypairs.iter().map(|keypair| keypair.certificate.clone());
    let Some(default) = all.next() else { bail!("no certificate") };
    Ok(Certificates::new(default, all.collect()))
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok()?;
    Some(Stamp(metadata.ino(), metadata.size(), metadata.mtime(), metadata.mtime_nsec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renewed_files_are_noticed_and_read() {
        let folder = tempfile::tempdir().unwrap();
        let (chain, key) = (folder.path().join("chain.pem"), folder.path().join("key.pem"));
        let write = |name: &str| {
            let made = rcgen::generate_simple_self_signed(vec![name.to_string()]).unwrap();
            fs::write(&chain, made.cert.pem()).unwrap();
            fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        };
        write("old.example");
        let certificate =
            Certificate::from_pem(&fs::read(&chain).unwrap(), &fs::read(&key).unwrap()).unwrap();
        let keypair = Keypair { chain: chain.clone(), key: key.clone(), certificate };
        let keyring = Keyring::Given(vec![keypair]);
        let before = keyring.stamps();
        assert_eq!(before, keyring.stamps());
        // As those that renew certificates do: a new file in the place of the old one.
        let kept = folder.path().join("kept.pem");
        fs::rename(&chain, &kept).unwrap();
        write("new.example");
        assert_ne!(before, keyring.stamps());
        let names = |certificates: Certificates| certificates.all()[0].names().to_vec();
        assert_eq!(names(keyring.load().unwrap()), ["new.example"]);
        assert_eq!(names(keyring.present().unwrap()), ["old.example"]);
        // Half way through a renewal nothing is taken.
        fs::rename(&kept, &chain).unwrap();
        assert!(keyring.load().is_err());
        fs::remove_file(&chain).unwrap();
        assert!(keyring.load().is_err() && keyring.stamps()[0].is_none());
    }
}
