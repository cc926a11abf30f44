//! `estafeta completion SHELL`: what a shell needs to complete our command line.

use crate::cli::Cli;
use clap::CommandFactory;
use clap_complete::Shell;

/// Prints the script.
pub fn print(shell: Shell) {
    clap_complete::generate(shell, &mut Cli::command(), "estafeta", &mut std::io::stdout());
}
