//! `estafeta serve`: the real server. It begins with whatever rights it was given, and goes on with
//! as few as possible.

use crate::acme;
use crate::config::{self, Config, Keypair, Loaded, UserSource};
use crate::data::Data;
use crate::doors;
use crate::files;
use crate::keyring::Keyring;
use crate::log;
use crate::running::{Plan, Running, own_keyring};
use crate::words::Words;
use anyhow::{Result, bail};
use engine_process::{
    Confinement, Identity, Level, Manager, confine, give_up, handed_sockets, is_root,
};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use tracing::{info, warn};

/// Runs it until somebody stops it.
pub fn run(file: Option<&Path>, data: Option<&Path>) -> Result<ExitCode> {
    let loaded = Loaded::read(&config::must_find(file)?)?.good()?;
    let warnings = loaded.report();
    let Loaded { file, mut config, keypairs, .. } = loaded;
    if let Some(data) = data {
        config.data = data.to_owned();
    }
    log::start(config.log.form, config.log.level);
    warnings.lines().filter(|line| !line.is_empty()).for_each(|line| warn!("{line}"));
    let data = Data::of_server(&config.data, &file)?;
    let manager = Manager::of_environment();
    files::raise();
    // Who comes from now on waits until the store is open, and nobody is turned away.
    let doors = doors::open(&config, handed_sockets()?)?;
    let listener = acme::bind(&config)?;
    let identity = if is_root() { Some(config::identity(&config)?) } else { None };
    if let Some(identity) = &identity {
        belongs_to(&data, identity)?;
    }
    give_up(identity.as_ref())?;
    if let Some(identity) = &identity {
        info!(user = identity.name(), "privileges given up");
    }
    let is_confined = config.confine && confined(&reach(&config, &file, &keypairs));
    keypairs.iter().for_each(will_be_read_again);
    let keyring = match keypairs.is_empty() {
        true => own_keyring(data.clone(), &config),
        false => Keyring::Given(keypairs),
    };
    let keyring = acme::keyring(&config, data.path(), keyring);
    let (file, acme) = (Some(file), listener);
    let plan = Plan { config, file, data, doors, keyring, manager, is_confined, acme };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(serve(plan));
    // What is still under way after the grace does not hold up the end.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result.map(|()| ExitCode::SUCCESS)
}

async fn serve(plan: Plan) -> Result<()> {
    let mut running = Running::open(plan, Words::english()).await?;
    let done = running.serve().await;
    running.close().await?;
    info!("everything is on disk");
    done
}

/// Data of somebody else could not be opened; root made them, perhaps, or they were copied.
fn belongs_to(data: &Data, identity: &Identity) -> Result<()> {
    let owner = Identity::owner(data.path())?;
    let owner = owner.as_ref().map_or("root", Identity::name);
    if owner != identity.name() {
        bail!(
            "{} belongs to {owner}, but the server is to be {name}: chown -R {name}: {0}, or name \
             another user in the configuration",
            data.path().display(),
            name = identity.name()
        );
    }
    Ok(())
}

/// Has the kernel taken all other files out of reach?
fn confined(reach: &Confinement) -> bool {
    let level = confine(reach);
    match &level {
        Level::None(why) => warn!(why, "not confined by the kernel"),
        Level::Full | Level::Partial => info!(level = level.to_string(), "confined by the kernel"),
    }
    !matches!(level, Level::None(_))
}

/// The files that a server needs.
fn reach(config: &Config, file: &Path, keypairs: &[Keypair]) -> Confinement {
    let mut reach = Confinement::of_system().and_write(&config.data).and_read(file);
    for directory in &config.reach.0 {
        reach = reach.and_write(directory);
    }
    let (ldap, system) = (&config.ldap, &config.system_users);
    for file in [&ldap.ca, &ldap.service_password_file, &config.acme.ca].into_iter().flatten() {
        reach = reach.and_read(file);
    }
    if config.users.from.0.contains(&UserSource::System) {
        for file in [&system.passwd, &system.shadow, &system.login_defs] {
            reach = reach.and_read(file);
        }
    }
    for Keypair { chain, key, .. } in keypairs {
        reach = reach.and_read(chain).and_read(key);
    }
    reach
}

/// Root could read the key; whoever goes on must be able to as well, or a renewed certificate is
/// not seen.
fn will_be_read_again(keypair: &Keypair) {
    if let Err(error) = config::reread(keypair) {
        warn!(error, "a renewed certificate will be heeded at the next start only");
    }
}
