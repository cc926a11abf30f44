//! `estafeta trace`.

use crate::moment;
use clap::Args;
use words_base::Timestamp;

/// `estafeta trace`: where is my mail?
#[derive(Debug, Args)]
pub struct TraceOptions {
    /// The message's id, as in Received, in the log and in the reply to its sender
    pub id: Option<String>,
    /// From an address, or a part of one; <> for reports
    #[arg(long, value_name = "TEXT")]
    pub from: Option<String>,
    /// To an address, or a part of one
    #[arg(long, value_name = "TEXT")]
    pub to: Option<String>,
    /// With this Message-ID, or a part of it
    #[arg(long, value_name = "TEXT")]
    pub message_id: Option<String>,
    /// That came since: 2026-11-24, "2026-11-24 13:00" (UTC), or how long ago: 45m, 12h, 3d
    #[arg(long, value_name = "MOMENT", value_parser = moment::parse)]
    pub since: Option<Timestamp>,
    /// That came before
    #[arg(long, value_name = "MOMENT", value_parser = moment::parse)]
    pub until: Option<Timestamp>,
    /// Only so many messages, the newest
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    pub at_most: usize,
    /// Look on while messages travel, until Ctrl-C
    #[arg(short, long, conflicts_with_all = ["id", "from", "to", "message_id", "since", "until"])]
    pub follow: bool,
}
