//! What the server is like, as others see it.

use crate::config::{Address, Config, Listener, Port};
use crate::office::Office;
use crate::service::Service;
use engine_net::Certificate;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr, UdpSocket};

/// What the operator says of the server, and what the configuration does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Here {
    /// Its name.
    pub host: Option<String>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Is there a policy of MTA-STS?
    pub mta_sts: bool,
    /// What the configuration says, if no server runs that knows better.
    pub site: Site,
}

impl Here {
    /// The server as it runs, or as it would.
    pub fn site(&self, office: &Office) -> Site {
        match office.duty() {
            Some(duty) => {
                let certificates = duty.tls.certificates();
                let all: Vec<Certificate> = certificates.all().into_iter().cloned().collect();
                Site::of(&duty.config, &all, self.host.as_deref())
            }
            None => self.site.clone(),
        }
    }
}

/// What the configuration says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Site {
    /// The name of the server.
    pub host_name: String,
    /// Where it takes mail, as far as that is told.
    pub listening: Vec<IpAddr>,
    /// What people's programs find, and at which port.
    pub ports: Vec<(String, u16)>,
    /// SHA-256 of the key of each certificate for that name.
    pub certificates: Vec<[u8; 32]>,
    /// Whom it asks for names.
    pub dns_servers: Vec<SocketAddr>,
    /// Does it look at signatures?
    pub dnssec: bool,
}

/// The services that SRV records tell of.
const SERVICES: [(Service, rules_zone::Service); 5] = [
    (Service::Submissions, rules_zone::Service::Submissions),
    (Service::Imaps, rules_zone::Service::Imaps),
    (Service::Pop3s, rules_zone::Service::Pop3s),
    (Service::Submission, rules_zone::Service::Submission),
    (Service::Imap, rules_zone::Service::Imap),
];

impl Site {
    /// Of a server with this configuration and these certificates; `host` is its name if not that
    /// of the configuration.
    pub fn of(config: &Config, certificates: &[Certificate], host: Option<&str>) -> Site {
        let host_name = host.map_or_else(|| config.host_name(), str::to_string);
        let is_for_host = |one: &&Certificate| one.check_name(&host_name).is_ok();
        let mut keys: Vec<[u8; 32]> =
            certificates.iter().filter(is_for_host).filter_map(Certificate::key_digest).collect();
        keys.dedup();
        let ports = config.listener.iter().filter_map(port).collect();
        Site {
            listening: listening(config),
            ports,
            certificates: keys,
            dns_servers: config.dns.servers.0.iter().map(|server| server.0).collect(),
            dnssec: config.dns.dnssec,
            host_name,
        }
    }

    /// For SRV records.
    pub fn services(&self) -> Vec<rules_zone::Port> {
        let mut all = Vec::new();
        for (ours, service) in SERVICES {
            let found = self.ports.iter().find(|(name, _)| *name == ours.name());
            all.extend(found.map(|(_, port)| rules_zone::Port { service, port: *port }));
        }
        all
    }

    /// The addresses of the server, if somebody has said them.
    pub fn addresses_if_told(&self, here: &Here) -> Option<Vec<IpAddr>> {
        let told = if here.addresses.is_empty() { &self.listening } else { &here.addresses };
        (!told.is_empty()).then(|| told.clone())
    }

    /// The same, or else those from which this machine speaks to others.
    pub fn addresses(&self, here: &Here) -> Vec<IpAddr> {
        self.addresses_if_told(here).unwrap_or_else(outgoing)
    }
}

fn port(listener: &Listener) -> Option<(String, u16)> {
    let (service, Port(port)) = (listener.service?, listener.port?);
    Some((service.name().to_string(), port))
}

/// The addresses at which mail is taken, if they are named. Those of this machine alone count where
/// there is no other, as in a lab.
fn listening(config: &Config) -> Vec<IpAddr> {
    let takes_mail = |listener: &&Listener| listener.service == Some(Service::Smtp);
    let mut all: Vec<IpAddr> = Vec::new();
    for listener in config.listener.iter().filter(takes_mail) {
        for address in &listener.address.0 {
            match address {
                Address::One(one) if !one.is_unspecified() => all.push(*one),
                // Everywhere: which addresses those are is not told.
                _ => return Vec::new(),
            }
        }
    }
    if all.iter().any(|address| !address.is_loopback()) {
        all.retain(|address| !address.is_loopback());
    }
    all
}

/// Asks the system from where it would speak to a far address. Nothing is sent.
fn outgoing() -> Vec<IpAddr> {
    // Addresses for documentation (RFC 5737, RFC 3849): as far away as all others.
    let ways = [("0.0.0.0:0", "192.0.2.1:53"), ("[::]:0", "[2001:db8::1]:53")];
    let from = |(here, there): (&str, &str)| {
        let socket = UdpSocket::bind(here).ok()?;
        socket.connect(there).ok()?;
        Some(socket.local_addr().ok()?.ip())
    };
    ways.into_iter().filter_map(from).filter(|address| !address.is_unspecified()).collect()
}
