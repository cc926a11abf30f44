//! Certificates by ACME, as the configuration says.

use crate::config::{AcmeChallenge, Address, Config};
use crate::keyring::Keyring;
use anyhow::{Context, Result};
use core_world::{Resolver, World};
use engine_acme::{Acme, Challenge, Files, Options};
use engine_https::Https;
use engine_net::{Roots, Stopping, TcpDialer};
use std::net::{Ipv6Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Notify;
use tracing::error;

/// Its directory, inside of the data.
const DIRECTORY: &str = "acme";

/// The port where the authority is answered, open as long as it may be opened. None: ACME is off.
pub fn bind(config: &Config) -> Result<Option<TcpListener>> {
    if config.acme.names.0.is_empty() {
        return Ok(None);
    }
    let address = address(config);
    let listener = TcpListener::bind(address).with_context(|| {
        format!("{address} cannot be opened for ACME; end what is there, or set acme.port or acme.address")
    })?;
    Ok(Some(listener))
}

fn address(config: &Config) -> SocketAddr {
    let port = config.acme.port.map_or(
        match config.acme.challenge {
            AcmeChallenge::TlsAlpn => 443,
            AcmeChallenge::Http => 80,
        },
        |port| port.0,
    );
    match config.acme.address {
        // That takes IPv4 as well.
        Address::Every => (Ipv6Addr::UNSPECIFIED, port).into(),
        Address::One(address) => (address, port).into(),
    }
}

/// The certificates, with the one by ACME in front as soon as there is one.
pub fn keyring(config: &Config, data: &Path, keyring: Keyring) -> Keyring {
    if config.acme.names.0.is_empty() {
        return keyring;
    }
    Keyring::Acme { file: files(data).certificate(), rest: Box::new(keyring) }
}

fn files(data: &Path) -> Files {
    Files::new(data.join(DIRECTORY))
}

/// Begins to get certificates and to renew them. Each rings `bell`.
pub fn start(
    config: &Config,
    data: &Path,
    listener: TcpListener,
    doors: (Arc<dyn Resolver>, World),
    bell: Arc<Notify>,
    mut stopping: Stopping,
) -> Result<()> {
    let (resolver, world) = doors;
    let mut roots = Roots::of_system();
    if let Some(ca) = &config.acme.ca {
        roots = roots.and(ca)?;
    }
    let https = Https::new(Arc::new(TcpDialer::new(roots)), resolver);
    let acme = Acme::new(options(config), files(data), https, world.clock, world.random);
    tokio::spawn(async move {
        let run = acme.run(listener, |_| bell.notify_one());
        tokio::select! {
            () = stopping.told() => {}
            ended = run => if let Err(error) = ended {
                error!(%error, "no certificates by ACME until the next start");
            }
        }
    });
    Ok(())
}

fn options(config: &Config) -> Options {
    let acme = &config.acme;
    Options {
        directory: acme.directory.0.clone(),
        contact: acme.contact.0.iter().map(|address| address.0.clone()).collect(),
        names: acme.names.0.iter().map(|name| name.0.clone()).collect(),
        challenge: match acme.challenge {
            AcmeChallenge::TlsAlpn => Challenge::TlsAlpn,
            AcmeChallenge::Http => Challenge::Http,
        },
    }
}
