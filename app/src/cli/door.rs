//! `estafeta door`.

use clap::Subcommand;
use std::net::IpAddr;

/// `estafeta door`
#[derive(Debug, Subcommand)]
pub enum DoorCommand {
    /// List who is turned away at this moment, why, and until when
    List,
    /// Let somebody in again, and forget how they behaved
    Forgive {
        /// Their address
        address: IpAddr,
    },
}
