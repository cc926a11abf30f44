//! From `estafeta dns` to a wish.

use crate::certificate;
use crate::cli::{DnsCommand, DnsHere};
use crate::config::{self, Loaded};
use crate::data::Data;
use crate::request::{DnsRequest, Here, Request, Site};
use anyhow::Result;
use std::path::Path;
use words_mail::Domain;

impl DnsCommand {
    /// What is wished. A server that runs knows by itself what it is like; else the configuration
    /// says it.
    pub fn request(self, file: Option<&Path>, data: Option<&Path>) -> Result<Request> {
        let (DnsCommand::Zone { here, .. } | DnsCommand::Check { here, .. }) = &self;
        let site = site(file, data, here.host.as_ref().map(Domain::as_str))?;
        Ok(Request::Dns(match self {
            DnsCommand::Zone { name, here, name_servers, ttl, issuers } => DnsRequest::Zone {
                domain: name.to_string(),
                here: of(here, site),
                name_servers: name_servers.iter().map(ToString::to_string).collect(),
                ttl,
                issuers: issuers.iter().map(ToString::to_string).collect(),
            },
            DnsCommand::Check { name, here, server, blocklists, lists } => DnsRequest::Check {
                domain: name.to_string(),
                here: of(here, site),
                server,
                well_known_lists: blocklists,
                lists: lists.iter().map(ToString::to_string).collect(),
            },
        }))
    }
}

fn of(here: DnsHere, site: Site) -> Here {
    let DnsHere { host, addresses, mta_sts } = here;
    Here { host: host.map(|host| host.to_string()), addresses, mta_sts, site }
}

/// As the configuration has it, if there is one; else as a server without one would be.
fn site(file: Option<&Path>, data: Option<&Path>, host: Option<&str>) -> Result<Site> {
    let Some(file) = config::find(file) else {
        let standard = Loaded::of(Path::new(""), String::new());
        return Ok(Site::of(&standard.config, &own(data), host));
    };
    let loaded = Loaded::read(&file)?.good()?;
    let given: Vec<_> = loaded.keypairs.iter().map(|keypair| keypair.certificate.clone()).collect();
    let certificates = if given.is_empty() { own(data) } else { given };
    Ok(Site::of(&loaded.config, &certificates, host))
}

/// The certificate by our own authority, if it has been made.
fn own(data: Option<&Path>) -> Vec<engine_net::Certificate> {
    let present = data.map(Data::in_directory).and_then(|data| certificate::present(&data));
    present.into_iter().collect()
}
