//! `estafeta lab`: a throw-away post office that needs nothing, with a world around it.

mod house;
mod outside;
mod plan;
mod post;
mod talk;
mod test;
mod town;

use crate::card::Card;
use crate::cli::{Lab, LabCommand};
use crate::data::Data;
use crate::log::{self, Amount};
use crate::print::Output;
use crate::service::ports;
use crate::words::{Words, about};
use anyhow::{Result, anyhow};
use engine_net::{BindError, BindErrorKind};
use house::{House, Person};
use std::io::{self, ErrorKind, Write, stdout};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
pub use town::Town;

/// Who lives in a new lab.
const PEOPLE: [Person; 2] = [Person::new("ana"), Person::new("bob")];

/// Runs it until somebody stops it.
pub fn run(options: &Lab, data: Option<&Path>, output: Output) -> Result<ExitCode> {
    if let Some(LabCommand::Test { verbose }) = options.command {
        return test::run(verbose, output);
    }
    let amount = if options.quiet { Amount::Warnings } else { Amount::Usual };
    log::start(options.log, amount);
    let words = Words::of_environment();
    let home = House {
        domain: options.domain.clone(),
        host: "asterix",
        people: PEOPLE.to_vec(),
        listen: options.listen,
        ports: ports(options.standard_ports, &options.ports),
        routes: options.routes.clone(),
    };
    let data = Data::make(data, words)?;
    // Ports before the store: who comes from now on waits until it is open, and nobody is turned
    // away.
    let town = Town::open(home, data, options.alone).map_err(|error| explain(&error, words))?;
    let card = (!options.quiet).then(|| Card::of(words, &town));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ready = || card.map_or(Ok(()), |card| show(&card.text));
    let result = runtime.block_on(town.live(words, &options.my_networks, ready));
    // What is still under way after the grace does not hold up the end.
    runtime.shutdown_timeout(Duration::from_secs(1));
    if !options.quiet && result.is_ok() {
        show(&format!("{}\n", words.stopped))?;
    }
    result.map(|()| ExitCode::SUCCESS)
}

fn explain(error: &anyhow::Error, words: &Words) -> anyhow::Error {
    let Some(error) = error.downcast_ref::<BindError>() else { return anyhow!("{error:#}") };
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
fn show(text: &str) -> Result<()> {
    let mut out = stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(io::Error::into(error)),
        _ => Ok(()),
    }
}
