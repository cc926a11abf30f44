//! `estafeta domain`.

use super::{address, domain};
use clap::Subcommand;
use words_mail::{Address, Domain};

/// `estafeta domain`
#[derive(Debug, Subcommand)]
pub enum DomainCommand {
    /// Keep the mail of a domain
    Add {
        /// Its name
        #[arg(value_parser = domain)]
        name: Domain,
        /// Let it be another spelling of this domain
        #[arg(long, value_name = "DOMAIN", value_parser = domain)]
        alias_of: Option<Domain>,
    },
    /// List all domains
    List,
    /// Show one domain
    Show {
        /// Its name
        #[arg(value_parser = domain)]
        name: Domain,
    },
    /// Change a domain
    Set {
        /// Its name
        #[arg(value_parser = domain)]
        name: Domain,
        /// Who gets mail for names that nobody has
        #[arg(long, value_name = "ADDRESS", value_parser = address)]
        catch_all: Option<Address>,
        /// Refuse mail for names that nobody has
        #[arg(long, conflicts_with = "catch_all")]
        no_catch_all: bool,
        /// Who is postmaster if no account or alias has that name
        #[arg(long, value_name = "ADDRESS", value_parser = address)]
        postmaster: Option<Address>,
        /// The eldest account is postmaster
        #[arg(long, conflicts_with = "postmaster")]
        no_postmaster: bool,
    },
    /// Give up a domain
    Remove {
        /// Its name
        #[arg(value_parser = domain)]
        name: Domain,
    },
}
