//! `estafeta store`: the files that everything is kept in.

use crate::cli::StoreCommand;
use crate::data::Data;
use crate::operator;
use crate::print::{self, Output};
use crate::request::{Reply, Request, StoreRequest};
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
    let good = report.is_clean();
    print::reply(&Reply::report(report.to_string(), good), output)?;
    Ok(Some(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }))
}
