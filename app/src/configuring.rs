//! `estafeta config`: what the configuration says, and what is wrong with it.

use crate::cli::ConfigCommand;
use crate::config::{self, Loaded};
use crate::print::{self, Output};
use crate::request::Reply;
use anyhow::{Result, bail};
use serde_json::{Value as Json, json};
use std::path::Path;
use std::process::ExitCode;

/// Does it.
pub fn run(command: ConfigCommand, file: Option<&Path>, output: Output) -> Result<ExitCode> {
    let loaded = Loaded::read(&config::must_find(file)?)?;
    let reply = match command {
        ConfigCommand::Check => checked(&loaded),
        ConfigCommand::Show { key } => shown(&loaded, key.as_deref(), output)?,
    };
    print::reply(&reply, output)?;
    let good = !matches!(reply, Reply::Report { good: false, .. });
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn checked(loaded: &Loaded) -> Reply {
    let (mistakes, warnings) = loaded.counts();
    let count = |number: usize, what: &str| match number {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        more => format!("{more} {what}s"),
    };
    let (mistakes, warnings) = (count(mistakes, "mistake"), count(warnings, "warning"));
    let head = format!("{}: {mistakes}, {warnings}", loaded.file.display());
    let text = format!("{}\n{head}", loaded.report());
    Reply::Report { text, value: loaded.report_json(), good: loaded.is_good() }
}

fn shown(loaded: &Loaded, key: Option<&str>, output: Output) -> Result<Reply> {
    let rows = config::rows(&loaded.config, key);
    if rows.is_empty() {
        bail!("there is no key {:?}; \"estafeta config show\" has all", key.unwrap_or_default());
    }
    let text = match key {
        None => config::show(&loaded.config),
        Some(_) if output == Output::Json => String::new(),
        Some(_) => rows.iter().map(line).collect::<Vec<_>>().join("\n"),
    };
    if !loaded.is_good() {
        eprintln!("estafeta: warning: the file has mistakes; see \"estafeta config check\"");
    }
    Ok(Reply::Report { text, value: json!(rows), good: true })
}

/// `limits.message_size = "50M"` and what it means.
fn line(row: &Json) -> String {
    let text = |name: &str| row[name].as_str().unwrap_or_default().to_string();
    let value =
        if row["value"].is_null() { "(none)".to_string() } else { row["value"].to_string() };
    let (key, meaning, default) = (text("key"), text("meaning"), text("default_meaning"));
    format!("{key} = {value}\n    {meaning}\n    {}; default: {default}", text("type"))
}
