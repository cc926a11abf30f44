//! `estafeta restore`.

use super::address;
use clap::Args;
use std::path::PathBuf;
use words_mail::Address;

/// Restore everything, an account, a mailbox or a message from a backup.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  estafeta restore /backup --to /var/lib/estafeta-new        everything, to an empty directory
  estafeta restore /backup --account ana@example.org         what ana has lost
  estafeta restore /backup --account ana@example.org --mailbox INBOX --message 4711
  estafeta restore /backup --account ana@example.org --message '<a.b@c>' --to Restored")]
pub struct Restore {
    /// Directory of the backups
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
    /// Which one [default: the newest]; see "estafeta backup list"
    #[arg(long, value_name = "NUMBER")]
    pub backup: Option<u64>,
    /// Without --account: the empty data directory for everything. With it: the mailbox for the
    /// messages [default: the one that each was in]
    #[arg(long, value_name = "DIR|MAILBOX", required_unless_present = "account")]
    pub to: Option<String>,
    /// Bring back what this account has lost, into the server that runs
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub account: Option<Address>,
    /// Only of this mailbox
    #[arg(long, value_name = "MAILBOX", requires = "account")]
    pub mailbox: Option<String>,
    /// Only this message: its UID, its Message-ID, or the id in the log and its Received field
    #[arg(long, value_name = "ID", requires = "account")]
    pub message: Option<String>,
    /// Bring back also what the account still has in another mailbox
    #[arg(long, requires = "account")]
    pub again: bool,
}
