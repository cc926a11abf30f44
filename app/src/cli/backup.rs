//! `estafeta backup`.

use crate::size;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Take a backup, or look at those that there are.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Backup {
    /// What else than taking one.
    #[command(subcommand)]
    pub command: Option<BackupCommand>,
    /// Directory of the backups; made if it is not there
    #[arg(value_name = "DIR", required = true)]
    pub directory: Option<PathBuf>,
    /// Afterwards keep this many of the newest
    #[arg(long, value_name = "NUMBER")]
    pub keep: Option<u64>,
    /// Afterwards keep those of so many days
    #[arg(long, value_name = "DAYS")]
    pub keep_days: Option<u64>,
    /// Copy every octet, even where a link to the server's own file would do
    #[arg(long)]
    pub copy: bool,
    /// Octets a second at most, as in 20M
    #[arg(long, value_name = "SIZE", value_parser = size::limit)]
    pub rate: Option<size::Limit>,
}

/// What else than taking one.
#[derive(Debug, Subcommand)]
pub enum BackupCommand {
    /// List the backups in a directory
    List {
        /// Directory of the backups
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
    /// Read a backup from its disk and compare it with its checksums
    Verify {
        /// Directory of the backups
        #[arg(value_name = "DIR")]
        directory: PathBuf,
        /// Which one [default: the newest]
        #[arg(long, value_name = "NUMBER", conflicts_with = "all")]
        backup: Option<u64>,
        /// All of them
        #[arg(long)]
        all: bool,
        /// Octets a second at most, as in 20M
        #[arg(long, value_name = "SIZE", value_parser = size::limit)]
        rate: Option<size::Limit>,
    },
}
