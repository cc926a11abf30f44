//! `estafeta init`.

use super::PasswordChoice;
use super::address;
use crate::config::HostName;
use clap::{Args, ValueEnum};
use std::net::IpAddr;
use words_mail::Address;

/// `estafeta init`
#[derive(Debug, Args)]
pub struct Init {
    /// Address of the first person, as in ana@example.org; its domain is the first domain
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub account: Option<Address>,
    #[command(flatten)]
    pub password: PasswordChoice,
    /// Nobody can log in as the first person until a password is set
    #[arg(long, conflicts_with_all = ["password", "password_stdin"])]
    pub no_password: bool,
    /// Name of this server, to which the MX record of the domain points, as in mail.example.org
    #[arg(long, value_name = "NAME")]
    pub host_name: Option<HostName>,
    /// Which ports [default: standard for root, high for others]
    #[arg(long, value_enum)]
    pub ports: Option<Ports>,
    /// Listen at this address only
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<IpAddr>,
    /// User that the server becomes when root starts it [default: estafeta]
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Write a new configuration although there is one; the old one is kept beside it
    #[arg(long)]
    pub force: bool,
}

/// Which ports a new server has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Ports {
    /// 25, 587, 465, 110, 995, 143 and 993
    Standard,
    /// 2525, 2587, 2465, 2110, 2995, 2143 and 2993, which anybody may open
    High,
}
