//! `estafeta alias`.

use super::{address, domain};
use clap::Subcommand;
use words_mail::{Address, Domain};

/// `estafeta alias`
#[derive(Debug, Subcommand)]
pub enum AliasCommand {
    /// Let an address stand for others
    Add {
        /// The address
        #[arg(value_parser = address)]
        address: Address,
        /// Who gets its mail, here or elsewhere
        #[arg(required = true, value_parser = address)]
        targets: Vec<Address>,
    },
    /// List all aliases
    List {
        /// Only of this domain
        #[arg(long, value_name = "DOMAIN", value_parser = domain)]
        domain: Option<Domain>,
    },
    /// Show one alias
    Show {
        /// The address
        #[arg(value_parser = address)]
        address: Address,
    },
    /// Let an alias stand for others than before
    Set {
        /// The address
        #[arg(value_parser = address)]
        address: Address,
        /// Who gets its mail, here or elsewhere
        #[arg(required = true, value_parser = address)]
        targets: Vec<Address>,
    },
    /// Remove an alias
    Remove {
        /// The address
        #[arg(value_parser = address)]
        address: Address,
    },
}
