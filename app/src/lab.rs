//! `estafeta lab`: a throw-away post office that needs nothing.

use crate::card::card;
use crate::certificate;
use crate::cli::Lab;
use crate::control::Control;
use crate::data::Data;
use crate::log::{self, Amount};
use crate::office::Office;
use crate::service::{Service, ports};
use crate::serving::{self, Settings};
use crate::words::{Words, about};
use crate::worker;
use anyhow::{Context, Result, anyhow};
use core_directory::{AdminError, NewAccount};
use engine_net::{Certificate, Listener, Stop, Tickets, Tls, stop};
use engine_store_embedded::OpenError;
use std::io::{self, ErrorKind, Write, stdout};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::spawn_blocking;
use tracing::{info, warn};
use words_mail::{Address, Domain};

/// Who lives in a new lab: name and first password.
const PEOPLE: [(&str, &str); 2] = [("ana", "ana"), ("bob", "bob")];
/// How long sessions have to say goodbye.
const GRACE: Duration = Duration::from_secs(5);
/// How often the certificate is looked at.
const CERTIFICATE_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// Runs it until somebody stops it.
pub fn run(options: &Lab, data: Option<&Path>) -> Result<ExitCode> {
    log::start(options.log, if options.quiet { Amount::Warnings } else { Amount::Usual });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let words = Words::of_environment();
    let result = runtime.block_on(open(options, data, words));
    // What is still under way after the grace does not hold up the end.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result.map(|()| ExitCode::SUCCESS)
}

async fn open(options: &Lab, data: Option<&Path>, words: &'static Words) -> Result<()> {
    let data = Data::make(data, words)?;
    let (names, listen) = (host_names(&options.domain), options.listen);
    let certificate = certificate::open(&data, &names, listen)?;
    // Ports before the store: who comes from now on waits until it is open, and nobody is turned
    // away.
    let ports = ports(options.standard_ports, &options.ports);
    let listeners = serving::bind(options.listen, &ports, words)?;
    let mut ends = Ends::new()?;
    let opening = data.clone();
    let office = spawn_blocking(move || Office::open(&opening)).await?;
    let office = office.map_err(|error| explain(error, words))?;
    let recovery = office.store.recovery();
    if recovery.replayed > 0 {
        info!(octets = recovery.replayed, "the log was replayed");
    }
    let (stop, stopping) = stop();
    let control = Control::open(&data)?;
    let done = async {
        furnish(&office, &options.domain).await?;
        let tls = Tls::new(certificate, Tickets::Given)?;
        let addresses = addresses(&listeners);
        let settings = Settings {
            host_name: host_name(&options.domain),
            networks: options.my_networks.clone(),
            tls: tls.clone(),
        };
        if !options.quiet {
            show(&card(words, &options.domain, &PEOPLE, &data, &addresses))?;
        }
        serving::start(listeners, settings, &office, &stopping)?;
        tokio::spawn(control.serve(office.clone(), stopping.clone()));
        tokio::spawn(worker::tidy(office.mail.clone(), stopping.clone()));
        let renew = || certificate::open(&data, &names, listen);
        tokio::select! {
            () = ends.wait() => Ok(()),
            () = keep_certificate(&tls, renew) => Ok(()),
        }
    }
    .await;
    drop(stopping);
    close(&stop, office).await?;
    if !options.quiet && done.is_ok() {
        show(&format!("{}\n", words.stopped))?;
    }
    done
}

/// Tells every session, and lets go of the store.
async fn close(stop: &Stop, office: Office) -> Result<()> {
    let left = stop.within(GRACE).await;
    if left > 0 {
        warn!(left, "some sessions did not end in time");
    }
    spawn_blocking(move || office.store.close()).await.context("the store did not close")
}

/// Makes the domain and its people, if the domain is new.
async fn furnish(office: &Office, domain: &Domain) -> Result<()> {
    let admin = office.directory.admin();
    match admin.add_domain(domain).await {
        Ok(_) => {}
        Err(AdminError::DomainExists(_)) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    for (name, password) in PEOPLE {
        let address = Address::new(name, domain.clone())?;
        let new = NewAccount::new(address, Some(password.as_bytes().to_vec()));
        admin.add_account(&new, |batch, account| office.provision(batch, account)).await?;
    }
    Ok(())
}

/// What the server calls itself.
fn host_name(domain: &Domain) -> String {
    format!("asterix.{domain}")
}

/// What the certificate is for.
fn host_names(domain: &Domain) -> Vec<String> {
    vec!["localhost".to_string(), format!("mail.{domain}"), host_name(domain)]
}

fn addresses(listeners: &[(Service, Listener)]) -> Vec<(Service, SocketAddr)> {
    listeners.iter().map(|(service, listener)| (*service, listener.address())).collect()
}

/// Puts a new certificate in the place of one whose end is near. Never ends.
async fn keep_certificate(tls: &Tls, renew: impl Fn() -> Result<Certificate>) {
    loop {
        tokio::time::sleep(CERTIFICATE_INTERVAL).await;
        match renew() {
            Ok(certificate) => tls.replace(certificate),
            Err(error) => warn!(error = format!("{error:#}"), "certificate not renewed"),
        }
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

/// A card that nobody reads is no fault.
fn show(text: &str) -> io::Result<()> {
    let mut out = stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// The signals that end a server.
struct Ends {
    interrupt: Signal,
    terminate: Signal,
}

impl Ends {
    fn new() -> Result<Ends> {
        Ok(Ends {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
