//! `estafeta health`: is a server running, and well?

use crate::control;
use crate::data::Data;
use crate::print::{self, Output};
use crate::request::{Reply, Request};
use anyhow::{Result, anyhow};
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Whoever does not answer within this time is not well.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks it.
pub fn run(data: Option<&Path>, output: Output) -> Result<ExitCode> {
    let data = Data::find(data)?;
    let asked = control::ask_within(&data, &Request::Health, &(Arc::new(|_| {}) as _), PATIENCE);
    let reply = match asked {
        Ok(Some(reply)) => reply.map_err(|error| anyhow!(error))?,
        Ok(None) => not_well(format!(
            "no server runs on {}; start one with \"estafeta serve\"",
            data.path().display()
        )),
        Err(error) => not_well(format!("the server is not well: {error:#}")),
    };
    print::reply(&reply, output)?;
    let good = matches!(reply, Reply::Report { good: true, .. });
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn not_well(text: String) -> Reply {
    let value = json!({ "good": false, "problems": [text] });
    Reply::Report { text, value, good: false }
}
