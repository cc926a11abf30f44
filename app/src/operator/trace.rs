//! From `estafeta trace` to a wish.

use crate::cli::TraceOptions;
use crate::control;
use crate::data::Data;
use crate::print::{self, Output};
use crate::progress::Tell;
use crate::request::{Request, TraceRequest, TraceWhich};
use crate::words::Words;
use anyhow::{Result, anyhow, bail};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// Looks for messages, or looks on while they travel.
pub fn run(options: TraceOptions, data: Option<&Path>, output: Output) -> Result<ExitCode> {
    let language = Words::of_environment().language.to_string();
    if options.follow {
        return follow(language, &Data::find(data)?, output);
    }
    let TraceOptions { id, from, to, message_id, since, until, at_most, follow: _ } = options;
    let (since, until) = (since.map(|at| at.millis()), until.map(|at| at.millis()));
    let which = TraceWhich { id, from, to, message_id, since, until };
    let request = TraceRequest::Find { which, at_most, language };
    super::run(Ok(Request::Trace(request)), data, output)
}

/// Prints each event as it comes, until the server ends or somebody has seen enough.
fn follow(language: String, data: &Data, output: Output) -> Result<ExitCode> {
    let json = output == Output::Json;
    let request = Request::Trace(TraceRequest::Follow { language, json });
    let tell: Tell = Arc::new(|progress| {
        if print::line(&progress.what).is_err() {
            // Whoever read it is gone.
            std::process::exit(0);
        }
    });
    match control::ask(data, &request, &tell)? {
        None => bail!("no server runs on {}; start it, then look on", data.path().display()),
        Some(Ok(_)) => Ok(ExitCode::SUCCESS),
        Some(Err(error)) => Err(anyhow!(error)),
    }
}
