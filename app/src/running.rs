//! The life of a server, from its open ports to its end: the same for `estafeta lab` and
//! `estafeta serve`.

use crate::acme;
use crate::config::{self, Config, Loaded, When};
use crate::control::Control;
use crate::data::Data;
use crate::doors::Door;
use crate::keyring::{Keyring, Stamp};
use crate::log;
use crate::office::{Duty, Office};
use crate::outgoing::{self, Ways};
use crate::service::Service;
use crate::serving::{self, Counters, Limits, Rules};
use crate::users::Users;
use crate::words::{Words, about};
use crate::worker;
use anyhow::{Context, Result, anyhow};
use engine_net::{Certificates, Stop, Stopping, Tickets, Tls, stop};
use engine_process::{Manager, State};
use engine_store_embedded::OpenError;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{error, info, warn};

/// The service manager is asked again and again for so much more time while the store opens.
const OPENING: Duration = Duration::from_secs(60);
/// How long the store may take to close, as the service manager is told.
const CLOSING: Duration = Duration::from_secs(30);

/// What a server is to be.
pub struct Plan {
    /// The configuration, whole.
    pub config: Config,
    /// The file that it is read from again; `None` if there is none.
    pub file: Option<PathBuf>,
    /// Where everything is kept.
    pub data: Data,
    /// The ports.
    pub doors: Vec<Door>,
    /// The certificates.
    pub keyring: Keyring,
    /// Who is told how it goes.
    pub manager: Manager,
    /// Does the kernel keep it from most files?
    pub is_confined: bool,
    /// Where an authority is answered, if it is asked for certificates.
    pub acme: Option<TcpListener>,
}

/// A server whose store is open. Must be [closed](Running::close).
pub struct Running {
    /// Everything that answers questions.
    pub office: Office,
    /// What it started with: what cannot change since is still so.
    started: Config,
    /// What it goes by now.
    config: Config,
    file: Option<PathBuf>,
    data: Data,
    keyring: Keyring,
    stamps: Vec<Option<Stamp>>,
    tls: Tls,
    doors: Vec<Door>,
    manager: Arc<Manager>,
    is_confined: bool,
    acme: Option<TcpListener>,
    /// Rings when there is a new certificate.
    issued: Arc<Notify>,
    control: Option<Control>,
    signals: Signals,
    stop: Stop,
    stopping: Option<Stopping>,
}

impl Running {
    /// Opens the store. Whoever comes meanwhile waits.
    pub async fn open(plan: Plan, words: &'static Words) -> Result<Running> {
        let Plan { config, file, data, doors, keyring, manager, is_confined, acme } = plan;
        let signals = Signals::new(file.is_some())?;
        let stamps = keyring.stamps();
        let tls = Tls::new(keyring.present()?, Tickets::Given)?;
        let routes = Arc::new(outgoing::routes(&config)?);
        let (opening, as_configured) = (data.clone(), config.clone());
        let users = Users::of(&config)?;
        let open = move || Office::open_as(&opening, &as_configured, routes, users);
        let office = spawn_blocking(open);
        let office = patiently(&manager, office).await?;
        let office = office.map_err(|error| explain(error, words))?;
        let recovery = office.store.recovery();
        if recovery.replayed > 0 {
            info!(octets = recovery.replayed, "the log was replayed");
        }
        let control = match Control::open(&data) {
            Ok(control) => control,
            Err(error) => {
                spawn_blocking(move || office.store.close()).await?;
                return Err(error);
            }
        };
        let (stop, stopping) = stop();
        Ok(Running {
            office,
            started: config.clone(),
            config,
            file,
            data,
            keyring,
            stamps,
            tls,
            doors,
            manager: Arc::new(manager),
            is_confined,
            acme,
            issued: Arc::default(),
            control: Some(control),
            signals,
            stop,
            stopping: Some(stopping),
        })
    }

    /// Serves until somebody ends it.
    pub async fn serve(&mut self) -> Result<()> {
        let (Some(control), Some(stopping)) = (self.control.take(), self.stopping.take()) else {
            return Ok(());
        };
        let doors = std::mem::take(&mut self.doors);
        self.office.begin_duty(Duty {
            since: SystemTime::now(),
            config: self.config.clone(),
            file: self.file.clone(),
            data: self.data.clone(),
            doors: doors.iter().map(|door| (door.kind, door.listener.address())).collect(),
            tls: self.tls.clone(),
            is_confined: self.is_confined,
        });
        let (rules, limits) = (Rules::of(&self.config), Limits::of(&self.config));
        let listening: Vec<_> = doors
            .iter()
            .filter(|door| matches!(door.kind.service, Service::Smtp))
            .map(|door| door.listener.address())
            .collect();
        let ways = Ways::of(&self.config, &self.office);
        let counters =
            serving::start(doors, rules, limits, &self.tls, &self.office, &ways, &stopping)?;
        let delivery = counters.delivery();
        outgoing::start(&self.config, &self.office, &ways, delivery, &listening, &stopping);
        if let Some(listener) = self.acme.take() {
            let doors = (ways.resolver.clone(), self.office.world.clone());
            let (bell, stopping) = (self.issued.clone(), stopping.clone());
            acme::start(&self.config, self.data.path(), listener, doors, bell, stopping)?;
        }
        tokio::spawn(control.serve(self.office.clone(), stopping.clone()));
        tokio::spawn(worker::tidy(self.office.mail.clone(), stopping));
        tell(&self.manager, State::Ready);
        if let Some(interval) = self.manager.watchdog() {
            tokio::spawn(be_alive(self.manager.clone(), interval));
        }
        info!(pid = std::process::id(), "ready");
        self.watch(&counters).await;
        tell(&self.manager, State::Stopping);
        Ok(())
    }

    /// Looks after what may change, until somebody ends it.
    async fn watch(&mut self, counters: &Counters) {
        let mut look = Instant::now() + self.keyring.interval();
        loop {
            let told = tokio::select! {
                told = self.signals.next() => Some(told),
                () = sleep_until(look) => None,
                () = self.issued.notified() => None,
            };
            match told {
                Some(Told::End) => return,
                Some(Told::HangUp) => {
                    tell(&self.manager, State::Reloading);
                    self.reload(counters).await;
                    tell(&self.manager, State::Ready);
                }
                None => {
                    let stamps = self.keyring.stamps();
                    if stamps.is_empty() || stamps != self.stamps {
                        self.load_certificates().await;
                    }
                }
            }
            look = Instant::now() + self.keyring.interval();
        }
    }

    /// Reads the configuration again. What is wrong in it, or cannot change now, stays as it is.
    async fn reload(&mut self, counters: &Counters) {
        let Some(file) = self.file.clone() else { return };
        let read = spawn_blocking(move || Loaded::read(&file)).await;
        let loaded = match read.map_err(anyhow::Error::from).and_then(|read| read) {
            Ok(loaded) if loaded.is_good() => loaded,
            Ok(loaded) => {
                for line in loaded.report().lines().filter(|line| !line.is_empty()) {
                    error!("{line}");
                }
                return error!("the configuration was not taken; the server goes on as before");
            }
            Err(error) => {
                let error = format!("{error:#}");
                return error!(error, "the configuration was not taken");
            }
        };
        for change in config::changes(&self.started, &loaded.config) {
            if change.when == When::Restart {
                warn!(key = change.key, "changed in the configuration, heeded at the next start");
            }
        }
        for change in config::changes(&self.config, &loaded.config) {
            if change.when == When::Live {
                info!(key = change.key, "changed in the configuration");
            }
        }
        let keyring = match loaded.keypairs.is_empty() {
            true => own_keyring(self.data.clone(), &loaded.config),
            false => Keyring::Given(loaded.keypairs),
        };
        // Whether there is ACME is decided at the start.
        self.keyring = acme::keyring(&self.started, self.data.path(), keyring);
        self.load_certificates().await;
        counters.set_rules(Rules::of(&loaded.config));
        let (before, amount) = (self.config.log.level, loaded.config.log.level);
        self.config = loaded.config;
        // Whoever wanted less, or more, still sees that it was heeded.
        log::set_amount(before.max(amount));
        info!("the configuration was read again");
        log::set_amount(amount);
    }

    /// Reads the certificates again. Sessions under way notice nothing.
    async fn load_certificates(&mut self) {
        let stamps = self.keyring.stamps();
        let keyring = self.keyring.clone();
        let loaded = spawn_blocking(move || keyring.load()).await;
        match loaded.map_err(anyhow::Error::from).and_then(|loaded| loaded) {
            Ok(certificates) => {
                name(&certificates);
                self.tls.replace(certificates);
                // If they could not be read, they are looked at again the next time.
                self.stamps = stamps;
            }
            Err(error) => warn!(
                error = format!("{error:#}"),
                "certificates not read again; those from before stay"
            ),
        }
    }

    /// Tells every session, waits for what is under way, and lets go of the store.
    pub async fn close(mut self) -> Result<()> {
        drop((self.control.take(), self.stopping.take()));
        let grace = self.config.grace.duration();
        tell(&self.manager, State::Patience(grace + CLOSING));
        let left = tokio::select! {
            left = self.stop.within(grace) => left,
            // Whoever asks twice does not want to wait.
            () = self.signals.end() => 0,
        };
        if left > 0 {
            warn!(left, "some sessions did not end in time");
        }
        let store = self.office.store.clone();
        spawn_blocking(move || store.close()).await.context("the store did not close")
    }
}

/// Waits for `work`, and has the service manager wait as well: a long log takes its time.
async fn patiently<T>(manager: &Manager, mut work: JoinHandle<T>) -> Result<T> {
    loop {
        tokio::select! {
            done = &mut work => return Ok(done?),
            () = sleep(OPENING / 2) => tell(manager, State::Patience(OPENING)),
        }
    }
}

/// A manager that does not listen is no reason to end.
fn tell(manager: &Manager, state: State<'_>) {
    if let Err(error) = manager.tell(state) {
        warn!(%error, ?state, "the service manager could not be told");
    }
}

/// Tells it at this interval that all is well. Never ends.
async fn be_alive(manager: Arc<Manager>, interval: Duration) {
    loop {
        tell(&manager, State::Alive);
        sleep(interval).await;
    }
}

/// Our own authority's, for the names and addresses of this server.
pub fn own_keyring(data: Data, config: &Config) -> Keyring {
    let addresses = config.listener.iter().flat_map(|listener| &listener.address.0);
    let one = |address: &config::Address| match address {
        config::Address::One(address) if !address.is_unspecified() => Some(*address),
        _ => None,
    };
    let addresses = addresses.filter_map(one).collect();
    let names = vec![config.host_name(), "localhost".to_string()];
    Keyring::Own { data, names, addresses }
}

fn name(certificates: &Certificates) {
    for certificate in certificates.all() {
        info!(
            names = certificate.names().join(" "),
            until = certificate.validity().until.seconds(),
            "certificate in use"
        );
    }
}

fn explain(error: OpenError, words: &Words) -> anyhow::Error {
    match &error {
        OpenError::Locked(directory) => anyhow!(about(words.locked, &directory.display())),
        OpenError::Version { directory, .. } => {
            anyhow!(about(words.other_version, &directory.display()))
        }
        OpenError::Permission(directory) => {
            anyhow!("{}: {}", directory.display(), words.no_permission)
        }
        OpenError::NotAStore(_) | OpenError::Corrupt { .. } | OpenError::Io { .. } => error.into(),
    }
}

/// What a signal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    End,
    HangUp,
}

/// What others tell a server by signals.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// Only a server with a configuration to read again listens for it.
    hang_up: Option<Signal>,
}

impl Signals {
    fn new(has_file: bool) -> Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: if has_file { Some(signal(SignalKind::hangup())?) } else { None },
        })
    }

    /// The next one.
    async fn next(&mut self) -> Told {
        let Signals { interrupt, terminate, hang_up } = self;
        let hang_up = async {
            match hang_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = interrupt.recv() => Told::End,
            _ = terminate.recv() => Told::End,
            _ = hang_up => Told::HangUp,
        }
    }

    /// The next one that says to end.
    async fn end(&mut self) {
        while self.next().await != Told::End {}
    }
}
