//! Estafeta: a complete post office in one binary, that also is its own command line.

mod acme;
mod backup;
mod card;
mod certificate;
mod cli;
mod completion;
mod config;
mod configuring;
mod control;
mod data;
mod doors;
mod dovecot;
mod examine;
mod files;
mod health;
mod init;
mod keyring;
mod lab;
mod log;
mod moment;
mod network;
mod office;
mod operator;
mod outgoing;
mod print;
mod progress;
mod request;
mod restore;
mod running;
mod salvage;
mod secret;
mod serve;
mod service;
mod serving;
mod size;
mod store;
mod story;
mod test_send;
mod users;
mod version;
mod words;
mod worker;

/// Measured against the system's: an eighth less CPU time a message (docs/performance.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use anyhow::Result;
use clap::Parser;
use cli::{Cli, Command};
use print::Output;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("estafeta: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode> {
    let (output, config) = (cli.output, cli.config);
    let file = config.as_deref();
    let is_about_data = !matches!(
        cli.command,
        Command::Lab(_)
            | Command::Init(_)
            | Command::Serve
            | Command::Config(_)
            | Command::Version
            | Command::Test(_)
            | Command::Completion { .. }
    );
    if !is_about_data {
        return dispatch(cli.command, file, cli.data.as_deref(), output);
    }
    let data = data::chosen(cli.data, file)?;
    let owner = data::act_for_owner(data.as_deref())?;
    dispatch(cli.command, file, data.as_deref(), output).map_err(|error| match owner {
        Some(owner) if format!("{error:#}").to_lowercase().contains("permission denied") => {
            error.context(format!("done as {}, who owns the data", owner.name()))
        }
        _ => error,
    })
}

fn dispatch(
    command: Command,
    file: Option<&Path>,
    data: Option<&Path>,
    output: Output,
) -> Result<ExitCode> {
    match command {
        Command::Lab(options) => lab::run(&options, data, output),
        Command::Init(options) => init::run(options, file, data),
        Command::Serve => serve::run(file, data),
        Command::Config(command) => configuring::run(command, file, output),
        Command::Health => health::run(data, output),
        Command::Version => version::run(output),
        Command::Domain(command) => operator::run(command.request(), data, output),
        Command::Account(command) => operator::run(command.request(), data, output),
        Command::Alias(command) => operator::run(command.request(), data, output),
        Command::Device(command) => operator::run(command.request(), data, output),
        Command::Import(command) => operator::run(command.request(data), data, output),
        Command::Export(command) => operator::run(command.request(), data, output),
        Command::Door(command) => operator::run(command.request(), data, output),
        Command::Queue(command) => operator::run(command.request(), data, output),
        Command::Trace(options) => operator::trace::run(options, data, output),
        Command::Dkim(command) => operator::run(command.request(), data, output),
        Command::Dmarc(command) => operator::run(command.request(), data, output),
        Command::Dns(command) => operator::run(command.request(file, data), data, output),
        Command::Test(cli::TestCommand::Send(options)) => test_send::run(&options, output),
        Command::Store(command) => store::run(command, data, output),
        Command::Backup(options) => backup::run(options, data, output),
        Command::Restore(options) => restore::run(options, data, output),
        Command::Completion { shell } => {
            completion::print(shell);
            Ok(ExitCode::SUCCESS)
        }
    }
}
