//! `estafeta dns`.

use super::domain;
use clap::{Args, Subcommand};
use std::net::{IpAddr, SocketAddr};
use words_mail::Domain;

/// Where DNS servers are asked.
const PORT: u16 = 53;

/// `estafeta dns`
#[derive(Debug, Subcommand)]
pub enum DnsCommand {
    /// Print the records to publish for a domain, as a zone of BIND
    Zone {
        /// The domain
        #[arg(value_parser = domain)]
        name: Domain,
        /// What the server is like.
        #[command(flatten)]
        here: DnsHere,
        /// A name server of the zone [default: this server]
        #[arg(long = "ns", value_name = "NAME", value_parser = domain)]
        name_servers: Vec<Domain>,
        /// For how many seconds others may keep the records
        #[arg(long, value_name = "SECONDS", default_value_t = 3600,
              value_parser = clap::value_parser!(u32).range(30..=604_800))]
        ttl: u32,
        /// Who may issue certificates for the domain (CAA), as in letsencrypt.org
        #[arg(long = "issuer", value_name = "NAME", value_parser = domain)]
        issuers: Vec<Domain>,
    },
    /// Ask the DNS: for each record, is it right, missing or wrong, and what to publish
    Check {
        /// The domain
        #[arg(value_parser = domain)]
        name: Domain,
        /// What the server is like.
        #[command(flatten)]
        here: DnsHere,
        /// Ask this DNS server, as in 192.0.2.53 or 127.0.0.1:5353
        #[arg(long, value_name = "ADDRESS", value_parser = server)]
        server: Option<SocketAddr>,
        /// Ask well-known blocklists about the addresses too; those tell their owners who asks
        #[arg(long)]
        blocklists: bool,
        /// Ask this blocklist
        #[arg(long = "blocklist", value_name = "NAME", value_parser = domain)]
        lists: Vec<Domain>,
    },
}

/// What the server is like, if it is not as the configuration says.
#[derive(Debug, Args)]
pub struct DnsHere {
    /// The server's name [default: host_name of the configuration]
    #[arg(long, value_name = "NAME", value_parser = domain)]
    pub host: Option<Domain>,
    /// An address at which others reach the server, and from which it sends
    #[arg(long = "address", value_name = "ADDRESS")]
    pub addresses: Vec<IpAddr>,
    /// There is a policy of MTA-STS at https://mta-sts.DOMAIN/.well-known/mta-sts.txt
    #[arg(long)]
    pub mta_sts: bool,
}

fn server(text: &str) -> Result<SocketAddr, String> {
    let address = text.parse::<IpAddr>().map(|address| SocketAddr::new(address, PORT));
    address.or_else(|_| text.parse()).map_err(|_| {
        "expected an address in numbers, with a port if it is not 53, as in 127.0.0.1:5353"
            .to_string()
    })
}
