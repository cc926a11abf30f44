//! Wishes about aliases.

use super::{PAGE, Reply, read_address, read_domain};
use crate::office::Office;
use core_directory::{Admin, AdminError, AliasEntry};
use serde::{Deserialize, Serialize};
use tracing::info;
use words_mail::{Address, Domain};

/// A wish about aliases.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AliasRequest {
    /// Make one.
    Add {
        /// Its address.
        address: String,
        /// Where its mail goes.
        targets: Vec<String>,
    },
    /// All of them, or those of a domain.
    List {
        /// Which.
        domain: Option<String>,
    },
    /// One.
    Show {
        /// Its address.
        address: String,
    },
    /// Let one stand for others.
    Set {
        /// Its address.
        address: String,
        /// Where its mail goes.
        targets: Vec<String>,
    },
    /// Remove one.
    Remove {
        /// Its address.
        address: String,
    },
}

/// Does it.
pub(super) async fn fulfil(office: &Office, request: AliasRequest) -> Result<Reply, String> {
    let admin = office.directory.admin();
    let (what, entries) = match request {
        AliasRequest::Add { address, targets } => {
            let entry = admin.add_alias(&read_address(&address)?, &addresses(&targets)?).await;
            (Some("alias added"), entry.map(|entry| vec![entry]))
        }
        AliasRequest::List { domain } => {
            let domain = domain.as_deref().map(read_domain).transpose()?;
            (None, all(&admin, domain.as_ref()).await)
        }
        AliasRequest::Show { address } => {
            (None, admin.show_alias(&read_address(&address)?).await.map(|entry| vec![entry]))
        }
        AliasRequest::Set { address, targets } => {
            let entry = admin.set_alias(&read_address(&address)?, &addresses(&targets)?).await;
            (Some("alias changed"), entry.map(|entry| vec![entry]))
        }
        AliasRequest::Remove { address } => {
            let entry = admin.remove_alias(&read_address(&address)?).await;
            (Some("alias removed"), entry.map(|entry| vec![entry]))
        }
    };
    let entries = entries.map_err(|error| error.to_string())?;
    if let (Some(what), Some(entry)) = (what, entries.first()) {
        info!(alias = entry.address, targets = entry.targets.join(" "), "{what}");
    }
    Ok(Reply::Aliases(entries))
}

async fn all(admin: &Admin<'_>, domain: Option<&Domain>) -> Result<Vec<AliasEntry>, AdminError> {
    let mut entries: Vec<AliasEntry> = Vec::new();
    loop {
        let after = entries.last().and_then(|entry| Address::parse(&entry.address).ok());
        let page = admin.list_aliases(domain, after.as_ref(), PAGE).await?;
        let is_last = page.len() < PAGE;
        entries.extend(page);
        if is_last {
            return Ok(entries);
        }
    }
}

fn addresses(texts: &[String]) -> Result<Vec<Address>, String> {
    texts.iter().map(read_address).collect()
}
