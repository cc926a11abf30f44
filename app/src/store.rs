//! `estafeta store`: the files that everything is kept in.

use crate::cli::StoreCommand;
use crate::data::Data;
use crate::office::Office;
use crate::operator;
use crate::print::{self, Output};
use crate::progress;
use crate::request::{self, Reply, Request, StoreRequest};
use crate::salvage::{self, Made};
use anyhow::Result;
use engine_store_embedded::{EmbeddedStore, OpenError};
use std::path::Path;
use std::process::ExitCode;

/// Does it. A check of a store that nobody has open also looks at what an open one cannot.
pub fn run(command: StoreCommand, data: Option<&Path>, output: Output) -> Result<ExitCode> {
    let request = match command {
        StoreCommand::Stats => StoreRequest::Stats,
        StoreCommand::Check => match offline(&Data::find(data)?, output)? {
            Some(code) => return Ok(code),
            None => StoreRequest::Check,
        },
        StoreCommand::Salvage { out, maildir } => {
            let made = if maildir { Made::Maildir } else { Made::Store };
            return salvage::run(data, &out, made, output);
        }
    };
    operator::run(Ok(Request::Store(request)), data, output)
}

/// `None` if a server has the store open.
fn offline(data: &Data, output: Output) -> Result<Option<ExitCode>> {
    let report = match EmbeddedStore::check_offline(&data.store()) {
        Ok(report) => report,
        Err(OpenError::Locked(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    // What is damaged has names that only the records tell, if they can be read.
    let office = Office::open(data).ok();
    let reply = match &office {
        None => Reply::report(report.to_string(), report.is_clean()),
        Some(office) => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            let tell = progress::on_terminal();
            runtime.block_on(request::explained(office, &report, &tell))
        }
    };
    if let Some(office) = office {
        office.store.close();
    }
    let good = matches!(reply, Reply::Report { good: true, .. });
    print::reply(&reply, output)?;
    Ok(Some(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }))
}
