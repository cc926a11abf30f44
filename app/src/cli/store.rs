//! `estafeta store`.

use clap::Subcommand;
use std::path::PathBuf;

/// `estafeta store`
#[derive(Clone, Debug, Subcommand)]
pub enum StoreCommand {
    /// Read everything and verify it; changes nothing
    Check,
    /// Numbers about the store
    Stats,
    /// Write everything that can be read of a damaged store to a new data directory; no server may run
    Salvage {
        /// The new directory
        #[arg(value_name = "OUT")]
        out: PathBuf,
        /// A Maildir for each account instead of a store
        #[arg(long)]
        maildir: bool,
    },
}
