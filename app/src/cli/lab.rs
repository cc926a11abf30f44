//! `estafeta lab`.

use super::domain;
use crate::config::{List, Port, Route, Text};
use crate::log::Form;
use crate::network::Network;
use crate::service::PortChoice;
use clap::{Args, Subcommand};
use std::net::IpAddr;
use words_mail::Domain;

/// `estafeta lab`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Lab {
    /// What to do instead.
    #[command(subcommand)]
    pub command: Option<LabCommand>,
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
    /// Where mail for a domain goes, instead of where the DNS says, as in example.org=127.0.0.1:2626
    #[arg(long = "route", value_name = "DOMAIN=HOST:PORT", value_parser = route)]
    pub routes: Vec<Route>,
    /// No world outside: no second post office, no DNS server
    #[arg(long)]
    pub alone: bool,
    /// No card, and of the log only warnings
    #[arg(short, long)]
    pub quiet: bool,
}

/// `estafeta lab COMMAND`
#[derive(Debug, Subcommand)]
pub enum LabCommand {
    /// Run the test plan of the course on a lab of its own, and print what was seen on the wire
    Test {
        /// Also print every line that was said
        #[arg(short, long)]
        verbose: bool,
    },
}

/// `DOMAIN=HOST:PORT`
fn route(text: &str) -> Result<Route, String> {
    let wrong = || "expected DOMAIN=HOST:PORT, as in example.org=127.0.0.1:2626".to_string();
    let (recipients, place) = text.split_once('=').ok_or_else(wrong)?;
    let (host, port) = place.rsplit_once(':').ok_or_else(wrong)?;
    domain(recipients)?;
    Ok(Route {
        recipients: List(vec![Text(recipients.to_string())]),
        host: Some(Text(host.to_string())),
        port: Port(port.parse().map_err(|_| wrong())?),
        ..Route::default()
    })
}
