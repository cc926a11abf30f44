//! Wishes about the DNS: which records to publish, and how those that are there stand.

mod ask;
mod show;
mod site;

pub use site::{Here, Site};

use super::{Reply, read_domain};
use crate::office::Office;
use crate::progress::Tell;
use core_directory::{AdminError, DkimKeyEntry, KeyState};
use rules_zone::{DkimAlgorithm, DkimKey, Facts, mta_sts_policy};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use time::OffsetDateTime;
use words_mail::Domain;

/// Lists that many servers ask.
const WELL_KNOWN_LISTS: [&str; 3] =
    ["zen.spamhaus.org", "bl.spamcop.net", "b.barracudacentral.org"];

/// A wish about the DNS.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DnsRequest {
    /// The records to publish.
    Zone {
        /// Of this domain.
        domain: String,
        /// The server.
        here: Here,
        /// Who answers for the zone.
        name_servers: Vec<String>,
        /// For how many seconds others may keep them.
        ttl: u32,
        /// Who may issue certificates.
        issuers: Vec<String>,
    },
    /// How they stand.
    Check {
        /// Of this domain.
        domain: String,
        /// The server.
        here: Here,
        /// Who is asked, if not those of the configuration.
        server: Option<SocketAddr>,
        /// Are the well-known blocklists asked too?
        well_known_lists: bool,
        /// And these.
        lists: Vec<String>,
    },
}

/// Does it.
pub(super) async fn fulfil(
    office: &Office,
    request: DnsRequest,
    tell: &Tell,
) -> Result<Reply, String> {
    match request {
        DnsRequest::Zone { domain, here, name_servers, ttl, issuers } => {
            let site = here.site(office);
            let mut facts =
                facts(office, &domain, here.mta_sts, &site, Published::Everything).await?;
            facts.addresses = site.addresses(&here);
            if facts.addresses.is_empty() && facts.is_inside(&facts.host) {
                let why = "the address of this server is not known: say it with --address";
                return Err(why.to_string());
            }
            facts.name_servers = name_servers;
            facts.ttl = ttl;
            facts.issuers = issuers;
            Ok(show::zone(&facts, serial(OffsetDateTime::now_utc())))
        }
        DnsRequest::Check { domain, here, server, well_known_lists, lists } => {
            let site = here.site(office);
            let mut facts = facts(office, &domain, here.mta_sts, &site, Published::InUse).await?;
            facts.blocklists = lists;
            if well_known_lists {
                facts.blocklists.extend(WELL_KNOWN_LISTS.map(str::to_string));
            }
            let asking = ask::Asking::new(&site, server);
            facts.addresses = match site.addresses_if_told(&here) {
                Some(addresses) => addresses,
                None => asking.addresses(&facts.host, || site.addresses(&here)).await,
            };
            let known = asking.all(&facts, tell).await?;
            Ok(show::findings(&facts, &rules_zone::compare(&facts, &known)))
        }
    }
}

/// Which keys are meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Published {
    /// All: mail that a retired one has signed may still be under way.
    Everything,
    /// Those that sign, or will next.
    InUse,
}

/// What is known before the DNS is asked.
async fn facts(
    office: &Office,
    domain: &str,
    has_policy: bool,
    site: &Site,
    published: Published,
) -> Result<Facts, String> {
    let domain = read_domain(domain)?;
    let host = &site.host_name;
    if !host.contains('.') {
        let why =
            "is no name by which others find this server; set host_name, or say it with --host";
        return Err(format!("{host} {why}"));
    }
    let keys = office.directory.admin().list_dkim_keys(&domain).await;
    let keys = keys.map_err(|error| explain(&error, &domain))?;
    let mut facts = Facts::new(domain.as_str(), host);
    facts.dkim = keys
        .iter()
        .filter(|key| published == Published::Everything || key.state != KeyState::Retired)
        .filter_map(key)
        .collect();
    facts.services = site.services();
    facts.certificates = site.certificates.clone();
    facts.mta_sts = has_policy.then(|| mta_sts_policy(&facts.host).1);
    Ok(facts)
}

fn explain(error: &AdminError, domain: &Domain) -> String {
    match error {
        AdminError::NoSuchDomain(_) => {
            format!("{domain} is not kept here; \"estafeta domain add {domain}\" changes that")
        }
        error => error.to_string(),
    }
}

fn key(entry: &DkimKeyEntry) -> Option<DkimKey> {
    let algorithm = match entry.algorithm.as_str() {
        "rsa" => DkimAlgorithm::Rsa,
        "ed25519" => DkimAlgorithm::Ed25519,
        _ => return None,
    };
    Some(DkimKey { selector: entry.selector.clone(), algorithm, public: entry.public.clone() })
}

/// The day and the quarter of an hour, as in 2026112468: it grows, and tells when it was made.
fn serial(now: OffsetDateTime) -> u32 {
    let day = now.year().unsigned_abs() * 10_000 + u32::from(u8::from(now.month())) * 100;
    let quarter = u32::from(now.hour()) * 4 + u32::from(now.minute()) / 15;
    (day + u32::from(now.day())) * 100 + quarter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_tells_its_day_and_grows() {
        let at = |seconds| serial(OffsetDateTime::from_unix_timestamp(seconds).unwrap());
        // 2026-11-24, 17:00 and the last quarter of that day.
        assert_eq!(at(1_795_539_600), 2_026_112_468);
        assert_eq!(at(1_795_564_799), 2_026_112_495);
        assert_eq!(at(1_795_564_800), 2_026_112_500);
    }
}
