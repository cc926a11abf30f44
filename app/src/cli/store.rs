//! `estafeta store`.

use clap::Subcommand;

/// `estafeta store`
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum StoreCommand {
    /// Read everything and verify it; changes nothing
    Check,
    /// Numbers about the store
    Stats,
}
