//! `estafeta export`.

use super::address;
use super::import::mailbox;
use clap::{Args, Subcommand};
use std::path::PathBuf;
use words_mail::{Address, MailboxName};

/// `estafeta export`
#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    /// Write an account as a Maildir that Dovecot takes over with UIDs, keywords and subscriptions
    Maildir {
        /// The directory; made if there is none
        target: PathBuf,
        #[command(flatten)]
        which: ExportWhich,
    },
    /// Write an account as mbox files (mboxrd), one a mailbox
    Mbox {
        /// The directory; made if there is none
        target: PathBuf,
        #[command(flatten)]
        which: ExportWhich,
    },
}

/// What is written.
#[derive(Debug, Args)]
pub struct ExportWhich {
    /// Whose mail
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub account: Address,
    /// Only this mailbox and those below it
    #[arg(long, value_name = "MAILBOX", value_parser = mailbox)]
    pub only: Option<MailboxName>,
}
