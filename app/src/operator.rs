//! From the command line to a wish, one file a noun, and the wish to whoever has the store open.

mod account;
mod alias;
mod device;
mod dkim;
mod dmarc;
mod dns;
mod domain;
mod door;
mod import;
mod passwd;
mod queue;
mod recover;
pub mod trace;

use crate::control;
use crate::data::Data;
use crate::log::{self, Amount, Form};
use crate::office::Office;
use crate::print::{self, Output};
use crate::progress::{self, Tell};
use crate::request::{Reply, Request};
use anyhow::{Result, anyhow};
use engine_store_embedded::OpenError;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use words_mail::Address;

/// How long a command waits for a store that somebody else has open without answering,
const PATIENCE: Duration = Duration::from_secs(10);
/// and between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// Does what is wished, by the running server or in its absence, and prints what came of it.
pub fn run(request: Result<Request>, data: Option<&Path>, output: Output) -> Result<ExitCode> {
    let request = request?;
    let data = Data::find(data)?;
    let reply = fulfil(&data, request)?.map_err(|error| anyhow!(error))?;
    print::reply(&reply, output)?;
    let good = !matches!(reply, Reply::Report { good: false, .. });
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// By the running server, or else alone. While a server opens or closes, or another command has the
/// store, neither is possible for a moment.
fn fulfil(data: &Data, request: Request) -> Result<Result<Reply, String>> {
    let until = Instant::now() + PATIENCE;
    let tell = progress::on_terminal();
    loop {
        if let Some(reply) = control::ask(data, &request, &tell)? {
            return Ok(reply);
        }
        match Office::open(data) {
            Ok(office) => return alone(office, request, &tell),
            Err(OpenError::Locked(_)) if Instant::now() < until => std::thread::sleep(PAUSE),
            Err(error) => return Err(error.into()),
        }
    }
}

/// With the store open for this one wish.
fn alone(office: Office, request: Request, tell: &Tell) -> Result<Result<Reply, String>> {
    log::start(Form::Human, Amount::Warnings);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let reply = runtime.block_on(office.fulfil(request, tell));
    office.store.close();
    Ok(reply)
}

fn text(address: Option<Address>) -> Option<String> {
    address.map(|address| address.to_string())
}

fn texts(addresses: Vec<Address>) -> Vec<String> {
    addresses.iter().map(Address::to_string).collect()
}
