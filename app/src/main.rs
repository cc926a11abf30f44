//! Estafeta: a complete post office in one binary, that also is its own command line.

mod card;
mod certificate;
mod cli;
mod completion;
mod control;
mod data;
mod files;
mod lab;
mod log;
mod network;
mod office;
mod operator;
mod print;
mod progress;
mod request;
mod secret;
mod service;
mod serving;
mod size;
mod store;
mod story;
mod words;
mod worker;

/// Measured against the system's: an eighth less CPU time a message (docs/performance.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use anyhow::Result;
use clap::Parser;
use cli::{Cli, Command};
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
    let output = cli.output;
    match cli.command {
        Command::Lab(options) => lab::run(&options, cli.data.as_deref()),
        Command::Domain(command) => operator::run(command.request(), cli.data.as_deref(), output),
        Command::Account(command) => operator::run(command.request(), cli.data.as_deref(), output),
        Command::Alias(command) => operator::run(command.request(), cli.data.as_deref(), output),
        Command::Store(command) => store::run(command, cli.data.as_deref(), output),
        Command::Completion { shell } => {
            completion::print(shell);
            Ok(ExitCode::SUCCESS)
        }
    }
}
