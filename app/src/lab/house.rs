//! One post office of the lab.

use crate::config::{self, Address as Place, Config, HostName, List, Port, Route};
use crate::data::Data;
use crate::doors::Door;
use crate::network::Network;
use crate::office::Office;
use crate::service::Service;
use anyhow::Result;
use core_directory::{AdminError, NewAccount, Quota};
use std::net::{IpAddr, SocketAddr};
use words_mail::{Address, Domain};

/// Seconds that sessions have to say goodbye.
const GRACE: u64 = 5;

/// Recipients elsewhere that one person may write to.
const MANY: u64 = 1_000_000;

/// Somebody who lives there.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    /// Their name, which is their first password too.
    pub name: &'static str,
    /// Octets that they may keep.
    pub quota: Option<u64>,
}

impl Person {
    /// One who may keep as much as they want.
    pub const fn new(name: &'static str) -> Person {
        Person { name, quota: None }
    }
}

/// What a post office of the lab is like.
#[derive(Clone, Debug)]
pub struct House {
    /// Whose mail it keeps.
    pub domain: Domain,
    /// The first part of its name.
    pub host: &'static str,
    /// Who lives there at first.
    pub people: Vec<Person>,
    /// Where it listens.
    pub listen: IpAddr,
    /// Its ports.
    pub ports: Vec<(Service, u16)>,
    /// Ways for its mail other than those of the DNS.
    pub routes: Vec<Route>,
}

impl House {
    /// What it calls itself.
    pub fn host_name(&self) -> String {
        format!("{}.{}", self.host, self.domain)
    }

    /// What its certificate is for.
    pub fn certificate_names(&self) -> Vec<String> {
        vec!["localhost".to_string(), format!("mail.{}", self.domain), self.host_name()]
    }

    /// A lab's configuration stands on the command line. `dns` is asked for names, if there is one
    /// in the lab, and then mail goes to the port that SMTP has there.
    pub fn configuration(&self, my_networks: &[Network], dns: Option<SocketAddr>) -> Config {
        let listener = |(service, port): &(Service, u16)| config::Listener {
            service: Some(*service),
            address: List(vec![Place::One(self.listen)]),
            port: Some(Port(*port)),
            tls: Some(service.usual_tls()),
            ..config::Listener::default()
        };
        let mut config = Config {
            host_name: Some(HostName(self.host_name())),
            my_networks: List(my_networks.to_vec()),
            listener: self.ports.iter().map(listener).collect(),
            route: self.routes.clone(),
            ..Config::default()
        };
        config.grace.0 = GRACE;
        // Whoever tries things out sends much, and to nobody.
        config.limits.recipients_per_hour.0 = MANY;
        config.limits.recipients_per_day.0 = MANY;
        // Where nobody publishes the keys, nobody can verify a signature.
        config.sending.sign = dns.is_some();
        if let Some(dns) = dns {
            let smtp = self.ports.iter().find(|(service, _)| *service == Service::Smtp);
            config.sending.port = smtp.map_or(config.sending.port, |(_, port)| Port(*port));
            config.sending.from_addresses = List(vec![self.listen]);
            config.dns.servers = List(vec![config::Server(dns)]);
        }
        config
    }

    /// Makes the domain and its people, if the domain is new.
    pub async fn furnish(&self, office: &Office) -> Result<()> {
        let admin = office.directory.admin();
        match admin.add_domain(&self.domain).await {
            Ok(_) => {}
            Err(AdminError::DomainExists(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        for Person { name, quota } in &self.people {
            let address = Address::new(name, self.domain.clone())?;
            let mut new = NewAccount::new(address, Some(name.as_bytes().to_vec()));
            new.quota = Quota { bytes: *quota, messages: None };
            admin.add_account(&new, |batch, account| office.provision(batch, account)).await?;
        }
        Ok(())
    }
}

/// What is open, and where.
pub fn addresses(doors: &[Door]) -> Vec<(Service, SocketAddr)> {
    doors.iter().map(|door| (door.kind.service, door.listener.address())).collect()
}

/// Where the data of the other post office are.
pub fn data_outside(data: &Data) -> std::path::PathBuf {
    data.path().join("exterior")
}
