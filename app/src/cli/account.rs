//! `estafeta account`.

use super::{Recover, address, domain};
use crate::size;
use clap::{Args, Subcommand};
use core_directory::Protocols;
use std::path::PathBuf;
use words_mail::{Address, DeliverTo, Domain};

/// `estafeta account`
#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Make an account, or many
    Add {
        /// Its address
        #[arg(value_parser = address, required_unless_present = "from")]
        address: Option<Address>,
        /// Make one of each line ADDRESS:PASSWORD or ADDRESS:{SCHEME}HASH of a file, or of a
        /// passwd-file of Dovecot ("-" for standard input)
        #[arg(long, value_name = "FILE", conflicts_with_all = ["address", "password", "password_stdin", "password_hash", "no_password"])]
        from: Option<PathBuf>,
        /// Of names without one in that file
        #[arg(long, value_name = "DOMAIN", value_parser = domain, requires = "from")]
        domain: Option<Domain>,
        #[command(flatten)]
        password: PasswordChoice,
        /// The password as another server stored it, as in '{SHA512-CRYPT}$6$…'; replaced by our
        /// own hash at the first login
        #[arg(long, value_name = "HASH", conflicts_with_all = ["password", "password_stdin"])]
        password_hash: Option<String>,
        /// Nobody can log in until a password is set
        #[arg(long, conflicts_with_all = ["password", "password_stdin", "password_hash"])]
        no_password: bool,
        /// Its password is that of another directory (see [users] in the configuration), as in "ldap",
        /// or "ldap:agarcia" if it is known by another name there
        #[arg(long, value_name = "WHERE", conflicts_with_all = ["from", "password", "password_stdin", "password_hash"])]
        authority: Option<String>,
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
        /// The password as another server stored it, as in '{SHA512-CRYPT}$6$…'
        #[arg(long, value_name = "HASH", conflicts_with_all = ["password", "password_stdin"])]
        password_hash: Option<String>,
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
        /// By these protocols (some of imap,pop3,smtp; any unless told) only device passwords let in;
        /// "none": the main one does again
        #[arg(long, value_name = "PROTOCOLS", num_args = 0..=1, require_equals = true, default_missing_value = "any")]
        device_passwords_only: Option<Protocols>,
        /// File its mail in a Maildir that other programs read, as in
        /// "maildir:/home/{user}/Maildir"; "none": in its mailboxes here
        #[arg(long, value_name = "MAILDIR", value_parser = deliver_to)]
        deliver_to: Option<Elsewhere>,
        /// Its password is that of another directory (see [users] in the configuration), as in "ldap",
        /// or "ldap:agarcia" if it is known by another name there; "none": it is kept here
        #[arg(long, value_name = "WHERE")]
        authority: Option<String>,
    },
    /// Bring back messages that were removed not long ago
    Recover(Recover),
    /// Remove an account and its mail
    Remove {
        /// One of its addresses
        #[arg(value_parser = address)]
        address: Address,
    },
}

/// Where mail is filed; `None` for the account's mailboxes here.
#[derive(Clone, Debug)]
pub struct Elsewhere(pub Option<DeliverTo>);

fn deliver_to(text: &str) -> Result<Elsewhere, String> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(Elsewhere(None));
    }
    let read = DeliverTo::parse(text).map_err(|error| error.to_string())?;
    Ok(Elsewhere(Some(read)))
}

/// How a password is given.
#[derive(Clone, Debug, Args)]
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
