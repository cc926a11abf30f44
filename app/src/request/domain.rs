//! Wishes about domains.

use super::{Change, PAGE, Reply, read_address, read_domain};
use crate::office::Office;
use core_directory::{Admin, AdminError, DomainChange, DomainEntry};
use serde::{Deserialize, Serialize};
use tracing::info;
use words_mail::Domain;

/// A wish about domains.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DomainRequest {
    /// Make one, or another spelling of one.
    Add {
        /// Its name.
        name: String,
        /// Whose names it has.
        alias_of: Option<String>,
    },
    /// All of them.
    List,
    /// One.
    Show {
        /// Its name.
        name: String,
    },
    /// Change one.
    Set {
        /// Its name.
        name: String,
        /// Who gets mail for names that nobody has.
        catch_all: Change<String>,
        /// Who is postmaster.
        postmaster: Change<String>,
    },
    /// Give one up.
    Remove {
        /// Its name.
        name: String,
    },
}

/// Does it.
pub(super) async fn fulfil(office: &Office, request: DomainRequest) -> Result<Reply, String> {
    let admin = office.directory.admin();
    let (what, entries) = match request {
        DomainRequest::Add { name, alias_of } => {
            let name = read_domain(&name)?;
            let entry = match alias_of {
                Some(of) => admin.add_domain_alias(&name, &read_domain(&of)?).await,
                None => admin.add_domain(&name).await,
            };
            (Some("domain added"), entry.map(|entry| vec![entry]))
        }
        DomainRequest::List => (None, all(&admin).await),
        DomainRequest::Show { name } => {
            (None, admin.show_domain(&read_domain(&name)?).await.map(|entry| vec![entry]))
        }
        DomainRequest::Set { name, catch_all, postmaster } => {
            let change = DomainChange {
                catch_all: catch_all.read(read_address)?,
                postmaster: postmaster.read(read_address)?,
            };
            let entry = admin.set_domain(&read_domain(&name)?, &change).await;
            (Some("domain changed"), entry.map(|entry| vec![entry]))
        }
        DomainRequest::Remove { name } => {
            let entry = admin.remove_domain(&read_domain(&name)?).await;
            (Some("domain removed"), entry.map(|entry| vec![entry]))
        }
    };
    let entries = entries.map_err(|error| error.to_string())?;
    if let (Some(what), Some(entry)) = (what, entries.first()) {
        info!(domain = entry.name, "{what}");
    }
    Ok(Reply::Domains(entries))
}

async fn all(admin: &Admin<'_>) -> Result<Vec<DomainEntry>, AdminError> {
    let mut entries: Vec<DomainEntry> = Vec::new();
    loop {
        let after = entries.last().and_then(|entry| Domain::parse(&entry.name).ok());
        let page = admin.list_domains(after.as_ref(), PAGE).await?;
        let is_last = page.len() < PAGE;
        entries.extend(page);
        if is_last {
            return Ok(entries);
        }
    }
}
