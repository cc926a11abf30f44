//! `estafeta account`.

use super::{address, domain};
use crate::size;
use clap::{Args, Subcommand};
use std::path::PathBuf;
use words_mail::{Address, Domain};

/// `estafeta account`
#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Make an account, or many
    Add {
        /// Its address
        #[arg(value_parser = address, required_unless_present = "from")]
        address: Option<Address>,
        /// Make one of each line ADDRESS:PASSWORD of a file ("-" for standard input)
        #[arg(long, value_name = "FILE", conflicts_with_all = ["address", "password", "password_stdin", "no_password"])]
        from: Option<PathBuf>,
        #[command(flatten)]
        password: PasswordChoice,
        /// Nobody can log in until a password is set
        #[arg(long, conflicts_with_all = ["password", "password_stdin"])]
        no_password: bool,
        #[command(flatten)]
        limits: Limits,
    },
    /// List all accounts
    List {
        /// Only of this domain
        #[arg(long, value_name = "DOMAIN", value_parser = domain)]
        domain: Option<Domain>,
    },
    /// Show one account
    Show {
        /// One of its addresses
        #[arg(value_parser = address)]
        address: Address,
    },
    /// Change an account
    Set {
        /// One of its addresses
        #[arg(value_parser = address)]
        address: Address,
        #[command(flatten)]
        password: PasswordChoice,
        #[command(flatten)]
        limits: Limits,
        /// One more address
        #[arg(long, value_name = "ADDRESS", value_parser = address)]
        add_address: Vec<Address>,
        /// An address less
        #[arg(long, value_name = "ADDRESS", value_parser = address)]
        remove_address: Vec<Address>,
        /// The address it is known by
        #[arg(long, value_name = "ADDRESS", value_parser = address)]
        main_address: Option<Address>,
        /// It may not log in; its mail still comes
        #[arg(long)]
        disable: bool,
        /// It may log in again
        #[arg(long, conflicts_with = "disable")]
        enable: bool,
    },
    /// Remove an account and its mail
    Remove {
        /// One of its addresses
        #[arg(value_parser = address)]
        address: Address,
    },
}

/// How a password is given.
#[derive(Debug, Args)]
pub struct PasswordChoice {
    /// The password; others may see it in the process list and the shell's history
    #[arg(long, value_name = "PASSWORD", conflicts_with = "password_stdin")]
    pub password: Option<String>,
    /// Read the password from standard input, one line
    #[arg(long)]
    pub password_stdin: bool,
}

/// How much an account may keep.
#[derive(Debug, Args)]
pub struct Limits {
    /// Most it may keep, as in 500M or 5G; "none" for no limit
    #[arg(long, value_name = "SIZE", value_parser = size::limit)]
    pub quota: Option<size::Limit>,
    /// Most messages it may keep; "none" for no limit
    #[arg(long, value_name = "NUMBER", value_parser = size::limit)]
    pub messages_max: Option<size::Limit>,
    /// Its largest message; "none" for the server's limit
    #[arg(long, value_name = "SIZE", value_parser = size::limit)]
    pub message_size_max: Option<size::Limit>,
}
