//! The command line: nouns, then verbs. One file a noun.

mod account;
mod alias;
mod backup;
mod config;
mod device;
mod dkim;
mod dmarc;
mod dns;
mod domain;
mod door;
mod export;
mod import;
mod init;
mod lab;
mod queue;
mod recover;
mod restore;
mod store;
mod test;
mod trace;

pub use account::{AccountCommand, Elsewhere, Limits, PasswordChoice};
pub use alias::AliasCommand;
pub use backup::{Backup, BackupCommand};
pub use config::ConfigCommand;
pub use device::DeviceCommand;
pub use dkim::DkimCommand;
pub use dmarc::DmarcCommand;
pub use dns::{DnsCommand, DnsHere};
pub use domain::DomainCommand;
pub use door::DoorCommand;
pub use export::{ExportCommand, ExportWhich};
pub use import::{Encryption, ImportCommand, ImportHow};
pub use init::{Init, Ports};
pub use lab::{Lab, LabCommand};
pub use queue::{QueueCommand, Which};
pub use recover::Recover;
pub use restore::Restore;
pub use store::StoreCommand;
pub use test::{TestCommand, TestSend};
pub use trace::TraceOptions;

use crate::print::Output;
use clap::{Parser, Subcommand};
use clap_complete::Shell;
use std::path::PathBuf;
use words_mail::{Address, Domain};

/// A complete post office in one binary.
#[derive(Debug, Parser)]
#[command(name = "estafeta", version, propagate_version = true, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Configuration [default: /etc/estafeta/estafeta.toml, or ./estafeta.toml]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "ESTAFETA_CONFIG",
        hide_env_values = true
    )]
    pub config: Option<PathBuf>,
    /// Data directory [default: the configuration's, or ./estafeta-lab]
    #[arg(long, global = true, value_name = "DIR", env = "ESTAFETA_DATA", hide_env_values = true)]
    pub data: Option<PathBuf>,
    /// How results are printed
    #[arg(short, long, global = true, value_enum, default_value_t = Output::Table)]
    pub output: Output,
}

/// Every noun.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a throw-away post office on this machine, to try and to learn
    Lab(Lab),
    /// Make a new server: its configuration, its data, its first person
    Init(Init),
    /// Run the server
    Serve,
    /// The configuration: what it says, what is wrong with it
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Is a server running, and well?
    Health,
    /// What this binary is
    Version,
    /// Domains whose mail is kept here
    #[command(subcommand)]
    Domain(DomainCommand),
    /// People who have mail here
    #[command(subcommand)]
    Account(AccountCommand),
    /// Addresses that stand for others
    #[command(subcommand)]
    Alias(AliasCommand),
    /// Passwords that one device knows: a phone, a laptop
    #[command(subcommand)]
    Device(DeviceCommand),
    /// Bring mail from elsewhere, again and again until the day of the move
    #[command(subcommand)]
    Import(ImportCommand),
    /// Write mail out, for other programs
    #[command(subcommand)]
    Export(ExportCommand),
    /// Strangers who are turned away for their behaviour
    #[command(subcommand)]
    Door(DoorCommand),
    /// Mail that waits to leave
    #[command(subcommand)]
    Queue(QueueCommand),
    /// Where is my mail? The road of each message, step by step
    Trace(TraceOptions),
    /// Try something, with any server
    #[command(subcommand)]
    Test(TestCommand),
    /// Keys that sign the mail of a domain
    #[command(subcommand)]
    Dkim(DkimCommand),
    /// What others saw under our domains: their aggregate reports
    #[command(subcommand)]
    Dmarc(DmarcCommand),
    /// The DNS: what to publish for a domain, and how it stands
    #[command(subcommand)]
    Dns(DnsCommand),
    /// The files that everything is kept in
    #[command(subcommand)]
    Store(StoreCommand),
    /// Take a backup, list those that there are, verify them
    Backup(Backup),
    /// Restore everything, an account, a mailbox or a message from a backup
    Restore(Restore),
    /// Print the script that lets a shell complete this command line
    Completion {
        /// Which shell
        shell: Shell,
    },
}

fn domain(text: &str) -> Result<Domain, String> {
    Domain::parse(text).map_err(|error| error.to_string())
}

fn address(text: &str) -> Result<Address, String> {
    Address::parse(text).map_err(|error| error.to_string())
}
