//! Which certificates are shown, where they come from, and when they are looked at again.

use crate::certificate;
use crate::config::{Keypair, reread};
use crate::data::Data;
use anyhow::{Result, anyhow, bail};
use engine_net::Certificates;
use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
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
        }
    }

    /// Those that were read already, or else [`Keyring::load`].
    pub fn present(&self) -> Result<Certificates> {
        match self {
            Keyring::Own { .. } => self.load(),
            Keyring::Given(keypairs) => certificates(keypairs),
        }
    }

    /// How long to wait between two looks.
    pub fn interval(&self) -> Duration {
        match self {
            Keyring::Own { .. } => OWN_INTERVAL,
            Keyring::Given(_) => GIVEN_INTERVAL,
        }
    }

    /// What its files look like at present.
    pub fn stamps(&self) -> Vec<Option<Stamp>> {
        match self {
            Keyring::Own { .. } => Vec::new(),
            Keyring::Given(keypairs) => {
                keypairs.iter().flat_map(|k| [stamp(&k.chain), stamp(&k.key)]).collect()
            }
        }
    }
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
