//! `estafeta dmarc`.

use clap::Subcommand;
use std::path::PathBuf;

/// `estafeta dmarc`
#[derive(Debug, Subcommand)]
pub enum DmarcCommand {
    /// The reports that are kept, the latest first
    List,
    /// Read reports and keep them: XML, gzip or zip
    Import {
        /// The files
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}
