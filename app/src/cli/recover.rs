//! `estafeta account recover`.

use super::address;
use crate::moment;
use clap::Args;
use words_base::Timestamp;
use words_mail::{Address, MailboxName};

/// `estafeta account recover`
#[derive(Debug, Args)]
pub struct Recover {
    /// One of the account's addresses
    #[arg(value_parser = address)]
    pub address: Address,
    /// Only what was removed at this time or later: 2026-11-24, "2026-11-24 13:00" (UTC), or how
    /// long ago: 45m, 12h, 3d
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    pub since: Option<Timestamp>,
    /// Only what was removed before this time
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    pub until: Option<Timestamp>,
    /// Only what was removed from this mailbox
    #[arg(long, value_name = "MAILBOX", value_parser = mailbox)]
    pub mailbox: Option<MailboxName>,
    /// Only messages whose sender has this text in name or address
    #[arg(long, value_name = "TEXT")]
    pub from: Option<String>,
    /// Only messages whose subject has this text
    #[arg(long, value_name = "TEXT")]
    pub subject: Option<String>,
    /// Show what could be brought back; change nothing
    #[arg(long, conflicts_with_all = ["to", "forget"])]
    pub list: bool,
    /// Bring it all into this mailbox, instead of where it was
    #[arg(long, value_name = "MAILBOX", value_parser = mailbox, conflicts_with = "forget")]
    pub to: Option<MailboxName>,
    /// Instead of bringing it back, give it up for good and at once
    #[arg(long)]
    pub forget: bool,
}

fn mailbox(text: &str) -> Result<MailboxName, String> {
    MailboxName::parse(text).map_err(|error| error.to_string())
}
