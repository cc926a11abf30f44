//! The command line: nouns, then verbs.

use crate::log::Form;
use crate::network::Network;
use crate::print::Output;
use crate::service::PortChoice;
use crate::size;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use std::net::IpAddr;
use std::path::PathBuf;
use words_mail::{Address, Domain};

/// A complete post office in one binary.
#[derive(Debug, Parser)]
#[command(name = "estafeta", version, propagate_version = true, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Data directory [default: ./estafeta-lab]
    #[arg(long, global = true, value_name = "DIR", env = "ESTAFETA_DATA", hide_env_values = true)]
    pub data: Option<PathBuf>,
    /// How results are printed
    #[arg(short, long, global = true, value_enum, default_value_t = Output::Table)]
    pub output: Output,
}

/// Every noun.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a throw-away post office on this machine, to try and to learn
    Lab(Lab),
    /// Domains whose mail is kept here
    #[command(subcommand)]
    Domain(DomainCommand),
    /// People who have mail here
    #[command(subcommand)]
    Account(AccountCommand),
    /// Addresses that stand for others
    #[command(subcommand)]
    Alias(AliasCommand),
    /// The files that everything is kept in
    #[command(subcommand)]
    Store(StoreCommand),
    /// Print the script that lets a shell complete this command line
    Completion {
        /// Which shell
        shell: Shell,
    },
}

/// `estafeta lab`
#[derive(Debug, Args)]
pub struct Lab {
    /// Address to listen at
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub listen: IpAddr,
    /// Use the standard ports (25, 587, 465, 110, 995, 143, 993), which needs a permission
    #[arg(long)]
    pub standard_ports: bool,
    /// Another port for one service, as in smtp=20025; 0 turns it off. Services: smtp, submission,
    /// submissions, pop3, pop3s, imap, imaps, lmtp (off unless given)
    #[arg(long = "port", value_name = "SERVICE=PORT")]
    pub ports: Vec<PortChoice>,
    /// Domain of the lab
    #[arg(long, value_name = "DOMAIN", default_value = "mired.org", value_parser = domain)]
    pub domain: Domain,
    /// Networks whose machines may write to all the world without login, comma-separated
    #[arg(long, value_name = "NETWORKS", value_delimiter = ',', default_value = "none")]
    pub my_networks: Vec<Network>,
    /// How the log is written
    #[arg(long, value_enum, default_value_t = Form::Words)]
    pub log: Form,
    /// No card, and of the log only warnings
    #[arg(short, long)]
    pub quiet: bool,
}

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

/// `estafeta store`
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum StoreCommand {
    /// Read everything and verify it; changes nothing
    Check,
    /// Numbers about the store
    Stats,
}

fn domain(text: &str) -> Result<Domain, String> {
    Domain::parse(text).map_err(|error| error.to_string())
}

fn address(text: &str) -> Result<Address, String> {
    Address::parse(text).map_err(|error| error.to_string())
}
