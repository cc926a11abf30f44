//! `estafeta config`.

use clap::Subcommand;

/// `estafeta config`
#[derive(Clone, Debug, Subcommand)]
pub enum ConfigCommand {
    /// Find every mistake in the configuration file; changes nothing
    Check,
    /// Print each key with its value, its default and its meaning
    Show {
        /// Only this key, or the keys of this section, as in "limits"
        key: Option<String>,
    },
}
