//! `estafeta device`.

use super::address;
use clap::Subcommand;
use core_directory::Protocols;
use words_mail::Address;

/// `estafeta device`
#[derive(Debug, Subcommand)]
pub enum DeviceCommand {
    /// Make a password for one device, and show it once
    Add {
        /// Whose
        #[arg(value_parser = address, value_name = "ACCOUNT")]
        account: Address,
        /// What its owner calls it, as in "phone"
        name: String,
        /// By which protocols it may come: any, or some of imap,pop3,smtp
        #[arg(long = "for", value_name = "PROTOCOLS", default_value = "any")]
        protocols: Protocols,
        /// It is worth nothing any more after so many days
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
        expires_in_days: Option<u32>,
    },
    /// List the devices of an account, with their last use
    List {
        /// Whose
        #[arg(value_parser = address, value_name = "ACCOUNT")]
        account: Address,
    },
    /// Revoke the password of a device; its sessions end
    Remove {
        /// Whose
        #[arg(value_parser = address, value_name = "ACCOUNT")]
        account: Address,
        /// Which
        name: String,
    },
}
