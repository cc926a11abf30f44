//! `estafeta dkim`.

use super::domain;
use clap::Subcommand;
use words_mail::Domain;

/// `estafeta dkim`
#[derive(Debug, Subcommand)]
pub enum DkimCommand {
    /// The keys of a domain, and the records to publish for them
    List {
        /// The domain
        #[arg(value_parser = domain)]
        name: Domain,
    },
    /// Change keys: first makes new ones to publish; when called again, lets them sign
    Rotate {
        /// The domain
        #[arg(value_parser = domain)]
        name: Domain,
    },
}
