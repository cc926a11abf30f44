//! `estafeta lab`: a throw-away post office that needs nothing.

use crate::card::card;
use crate::cli::Lab;
use crate::config::{self, Address as Place, Config, HostName, List, Port};
use crate::data::Data;
use crate::doors::{self, Door};
use crate::keyring::Keyring;
use crate::log::{self, Amount};
use crate::office::Office;
use crate::running::{Plan, Running};
use crate::service::{Service, ports};
use crate::words::{Words, about};
use anyhow::{Result, anyhow};
use core_directory::{AdminError, NewAccount};
use engine_net::{BindError, BindErrorKind};
use engine_process::Manager;
use std::io::{self, ErrorKind, Write, stdout};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use words_mail::{Address, Domain};

/// Who lives in a new lab: name and first password.
const PEOPLE: [(&str, &str); 2] = [("ana", "ana"), ("bob", "bob")];
/// Seconds that sessions have to say goodbye.
const GRACE: u64 = 5;

/// Runs it until somebody stops it.
pub fn run(options: &Lab, data: Option<&Path>) -> Result<ExitCode> {
    let amount = if options.quiet { Amount::Warnings } else { Amount::Usual };
    log::start(options.log, amount);
    let words = Words::of_environment();
    let config = configuration(options);
    let data = Data::make(data, words)?;
    let names = host_names(&options.domain);
    let keyring = Keyring::Own { data: data.clone(), names, addresses: vec![options.listen] };
    // Ports before the store: who comes from now on waits until it is open, and nobody is turned
    // away.
    let doors = doors::open(&config, Vec::new()).map_err(|error| explain(&error, words))?;
    let manager = Manager::of_environment();
    let is_confined = false;
    let plan = Plan { config, file: None, data, doors, keyring, manager, is_confined };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(open(plan, options, words));
    // What is still under way after the grace does not hold up the end.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result.map(|()| ExitCode::SUCCESS)
}

/// A lab's configuration stands on the command line.
fn configuration(options: &Lab) -> Config {
    let ports = ports(options.standard_ports, &options.ports);
    let listener = |(service, port): (Service, u16)| config::Listener {
        service: Some(service),
        address: List(vec![Place::One(options.listen)]),
        port: Some(Port(port)),
        tls: Some(service.usual_tls()),
        ..config::Listener::default()
    };
    let mut config = Config {
        host_name: Some(HostName(host_name(&options.domain))),
        my_networks: List(options.my_networks.clone()),
        listener: ports.into_iter().map(listener).collect(),
        ..Config::default()
    };
    config.grace.0 = GRACE;
    config
}

async fn open(plan: Plan, options: &Lab, words: &'static Words) -> Result<()> {
    let data = plan.data.clone();
    let addresses = addresses(&plan.doors);
    let mut running = Running::open(plan, words).await?;
    let done = async {
        furnish(&running.office, &options.domain).await?;
        if !options.quiet {
            show(&card(words, &options.domain, &PEOPLE, &data, &addresses))?;
        }
        running.serve().await
    }
    .await;
    running.close().await?;
    if !options.quiet && done.is_ok() {
        show(&format!("{}\n", words.stopped))?;
    }
    done
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

fn addresses(doors: &[Door]) -> Vec<(Service, SocketAddr)> {
    doors.iter().map(|door| (door.kind.service, door.listener.address())).collect()
}

fn explain(error: &BindError, words: &Words) -> anyhow::Error {
    let port = format!("{} ({})", error.address.port(), error.name);
    match &error.kind {
        BindErrorKind::InUse => anyhow!(about(words.port_in_use, &port)),
        BindErrorKind::NotPermitted => anyhow!(about(words.port_not_permitted, &port)),
        BindErrorKind::NoSuchAddress => {
            anyhow!(about(words.no_such_address, &error.address.ip()))
        }
        BindErrorKind::Other(_) => anyhow!(error.to_string()),
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
