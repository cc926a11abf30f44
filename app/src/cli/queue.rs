//! `estafeta queue`.

use crate::moment;
use clap::{Args, Subcommand};
use words_base::Timestamp;

/// `estafeta queue`
#[derive(Debug, Subcommand)]
pub enum QueueCommand {
    /// List what waits to leave: who, whereto, when it is tried again, what was said last
    List {
        #[command(flatten)]
        which: Which,
        /// Only so many lines
        #[arg(long, value_name = "COUNT", default_value_t = 1000)]
        at_most: usize,
    },
    /// What waits for each destination, and which of them cannot be reached
    Summary,
    /// One message in whole: its recipients and what was said of each
    Show {
        /// Its id, as the log and `queue list` give it
        id: String,
    },
    /// Keep from leaving, until it is released
    Hold(Which),
    /// Let go what is on hold
    Release(Which),
    /// Try now, whatever the schedule says
    Retry(Which),
    /// Remove; senders are not told
    Delete(Which),
    /// Give up; senders are told
    Bounce(Which),
    /// Send another way from now on
    Reroute {
        /// A server, as in mx.example.net or 192.0.2.1:2525
        #[arg(long = "via", value_name = "HOST[:PORT]")]
        via: String,
        #[command(flatten)]
        which: Which,
    },
}

/// Which recipients; all that is given must fit.
#[derive(Debug, Default, Args)]
pub struct Which {
    /// The message with this id
    #[arg(value_name = "ID")]
    pub id: Option<String>,
    /// Everything that waits
    #[arg(long, conflicts_with = "id")]
    pub all: bool,
    /// To an address, or a part of one
    #[arg(long, value_name = "TEXT")]
    pub to: Option<String>,
    /// From an address, or a part of one; <> for reports
    #[arg(long, value_name = "TEXT")]
    pub from: Option<String>,
    /// To this domain
    #[arg(long, value_name = "DOMAIN")]
    pub domain: Option<String>,
    /// Queued before this: 2026-11-24, "2026-11-24 13:00" (UTC), or how long ago: 45m, 12h, 3d
    #[arg(long, value_name = "MOMENT", value_parser = moment::parse)]
    pub older: Option<Timestamp>,
}
