//! Wishes about the keys that sign for a domain.

use super::{Reply, read_domain};
use crate::office::Office;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core_directory::{DkimKeyEntry, KeyState, Rotated};
use engine_genuine::Notary;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tracing::info;
use words_mail::Domain;

/// Octets of one string of a TXT record (RFC 1035 §3.3.14).
const STRING_MAX: usize = 255;

/// A wish about keys.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DkimRequest {
    /// Which there are.
    List {
        /// Of which domain.
        name: String,
    },
    /// The next half of a change.
    Rotate {
        /// Of which domain.
        name: String,
    },
}

/// Does it.
pub(super) async fn fulfil(office: &Office, request: DkimRequest) -> Result<Reply, String> {
    match request {
        DkimRequest::List { name } => list(office, &read_domain(&name)?, "").await,
        DkimRequest::Rotate { name } => {
            let name = read_domain(&name)?;
            let admin = office.directory.admin();
            let rotated = admin.rotate_dkim_keys(&name, &Notary::new()).await;
            let said = match rotated.map_err(|error| error.to_string())? {
                Rotated::Made => {
                    "New keys were made. Publish the records of those that are \"next\"; when the DNS \
                     has them, run the same command again.\n\n"
                }
                Rotated::Changed => "The new keys sign from now on.\n\n",
            };
            info!(domain = name.as_str(), "DKIM keys changed");
            list(office, &name, said).await
        }
    }
}

async fn list(office: &Office, name: &Domain, said: &str) -> Result<Reply, String> {
    let keys = office.directory.admin().list_dkim_keys(name).await;
    let keys = keys.map_err(|error| error.to_string())?;
    let mut text = said.to_string();
    if keys.is_empty() {
        text.push_str(&format!(
            "{name} has no keys yet. A running server makes them by itself; or: estafeta dkim rotate {name}\n"
        ));
    }
    for key in &keys {
        let about = match key.state {
            KeyState::Next => "next: to be published, signs from the next rotation on",
            KeyState::Active => "active: signs",
            KeyState::Retired => {
                "retired: keep its record for two weeks, while its mail is on its way"
            }
        };
        text.push_str(&format!("; {about}\n{}\n", line(key)));
    }
    let values: Vec<_> = keys.iter().map(value).collect();
    Ok(Reply::Report { text, value: json!(values), good: true })
}

fn record(key: &DkimKeyEntry) -> String {
    format!("v=DKIM1; k={}; p={}", key.algorithm, STANDARD.encode(&key.public))
}

/// In BIND's format: a string of a record has an end, a record has many.
fn line(key: &DkimKeyEntry) -> String {
    let record = record(key);
    let strings = record.as_bytes().chunks(STRING_MAX);
    let strings = strings.map(|part| format!("\"{}\"", String::from_utf8_lossy(part)));
    let strings: Vec<_> = strings.collect();
    format!("{}._domainkey.{}. IN TXT ( {} )", key.selector, key.domain, strings.join(" "))
}

fn value(key: &DkimKeyEntry) -> serde_json::Value {
    json!({
        "domain": key.domain,
        "selector": key.selector,
        "algorithm": key.algorithm,
        "state": key.state.as_str(),
        "made_at": key.made_at,
        "record": record(key),
    })
}
