//! Wishes about accounts.

use super::{Change, PAGE, Reply, read_address, read_domain};
use crate::office::Office;
use core_directory::{
    AccountChange, AccountEntry, Admin, AdminError, NewAccount, NewPassword, Protocols, Quota,
};
use serde::{Deserialize, Serialize};
use std::fmt;
use tokio::task::JoinSet;
use tracing::info;
use words_mail::{AccountId, Address, DeliverTo, Domain};

/// Accounts made at the same time, so that their passwords are hashed on all cores.
const ADD_PARALLEL: usize = 32;

/// A wish about accounts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountRequest {
    /// Make some; at the first that cannot be made, no more are begun.
    Add {
        /// Which.
        accounts: Vec<NewOne>,
    },
    /// All of them, or those of a domain.
    List {
        /// Which.
        domain: Option<String>,
    },
    /// One.
    Show {
        /// One of its addresses.
        address: String,
    },
    /// Change one.
    Set {
        /// One of its addresses.
        address: String,
        /// How.
        changes: Box<Changes>,
    },
    /// Remove one.
    Remove {
        /// One of its addresses.
        address: String,
    },
}

/// An account to be made.
#[derive(Clone, Serialize, Deserialize)]
pub struct NewOne {
    /// Its main address.
    pub address: String,
    /// Its password, if it has one yet.
    pub password: Option<String>,
    /// What another server stored of it.
    #[serde(default)]
    pub password_hash: Option<String>,
    /// Octets that it may keep.
    pub quota_bytes: Option<u64>,
    /// Messages that it may keep.
    pub quota_messages: Option<u64>,
    /// Octets of its largest message.
    pub size_max: Option<u64>,
    /// Who verifies its password, if not we, and by which name: `ldap:ana`.
    #[serde(default)]
    pub authority: Option<String>,
}

/// What is to be different in an account.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Changes {
    /// A new password.
    pub password: Option<String>,
    /// What another server stored of it.
    #[serde(default)]
    pub password_hash: Option<String>,
    /// Addresses it gets.
    pub add_addresses: Vec<String>,
    /// The one it is known by.
    pub main_address: Option<String>,
    /// Addresses it loses.
    pub remove_addresses: Vec<String>,
    /// Octets that it may keep.
    pub quota_bytes: Change<u64>,
    /// Messages that it may keep.
    pub quota_messages: Change<u64>,
    /// Octets of its largest message.
    pub size_max: Change<u64>,
    /// May it not log in?
    pub disabled: Option<bool>,
    /// By which protocols it may come with device passwords alone, as in `imap,smtp`.
    #[serde(default)]
    pub devices_only: Option<String>,
    /// Where its mail is filed, if not in its mailboxes here.
    #[serde(default)]
    pub deliver_to: Change<String>,
    /// Who verifies its password, if not we, and by which name: `ldap:ana`.
    #[serde(default)]
    pub authority: Change<String>,
}

/// Without its password.
impl fmt::Debug for NewOne {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewOne({})", self.address)
    }
}

/// Without the password.
impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Changes")
    }
}

/// Does it.
pub(super) async fn fulfil(office: &Office, request: AccountRequest) -> Result<Reply, String> {
    let admin = office.directory.admin();
    match request {
        AccountRequest::Add { accounts } => add(office, accounts).await,
        AccountRequest::List { domain } => {
            let domain = domain.as_deref().map(read_domain).transpose()?;
            all(&admin, domain.as_ref()).await.map(Reply::Accounts).map_err(text)
        }
        AccountRequest::Show { address } => {
            let entry = admin.show_account(&read_address(&address)?).await.map_err(text)?;
            Ok(Reply::Accounts(vec![entry]))
        }
        AccountRequest::Set { address, changes } => {
            let change = changes.read()?;
            let entry = admin.set_account(&read_address(&address)?, &change).await.map_err(text)?;
            info!(account = entry.address, "account changed");
            Ok(Reply::Accounts(vec![entry]))
        }
        AccountRequest::Remove { address } => {
            let removed = admin.remove_account(&read_address(&address)?).await.map_err(text)?;
            let account = AccountId(removed.account.id);
            while !office.mail.remove_account_page(account).await.map_err(|e| e.to_string())? {}
            core_moving::forget(&*office.store, account).await.map_err(|e| e.to_string())?;
            info!(account = removed.account.address, "account and its mail removed");
            Ok(Reply::Removed(removed))
        }
    }
}

/// Makes `accounts`, several at a time; they are shown in the order in which they were given.
async fn add(office: &Office, accounts: Vec<NewOne>) -> Result<Reply, String> {
    let mut waiting = accounts.into_iter().enumerate();
    let mut under_way = JoinSet::new();
    let (mut made, mut failed) = (Vec::new(), None);
    loop {
        while under_way.len() < ADD_PARALLEL && failed.is_none() {
            let Some((number, one)) = waiting.next() else { break };
            let office = office.clone();
            under_way.spawn(async move { (number, add_one(&office, one).await) });
        }
        match under_way.join_next().await {
            None => break,
            Some(Ok((number, Ok(entry)))) => made.push((number, entry)),
            Some(Ok((_, Err(error)))) => failed = failed.or(Some(error)),
            Some(Err(error)) => failed = failed.or(Some(error.to_string())),
        }
    }
    made.sort_by_key(|(number, _)| *number);
    match failed {
        Some(error) if made.is_empty() => Err(error),
        Some(error) => Err(format!("{error} ({} others were added)", made.len())),
        None => Ok(Reply::Accounts(made.into_iter().map(|(_, entry)| entry).collect())),
    }
}

async fn add_one(office: &Office, one: NewOne) -> Result<AccountEntry, String> {
    let new = NewAccount {
        address: read_address(&one.address)?,
        password: new_password(one.password, one.password_hash),
        quota: Quota { bytes: one.quota_bytes, messages: one.quota_messages },
        size_max: one.size_max,
        authority: one.authority,
        addresses: Vec::new(),
    };
    let admin = office.directory.admin();
    let made = admin.add_account(&new, |batch, account| office.provision(batch, account)).await;
    let entry = made.map_err(text)?;
    info!(account = entry.address, "account added");
    Ok(entry)
}

fn new_password(clear: Option<String>, hash: Option<String>) -> Option<NewPassword> {
    let clear = clear.map(|clear| NewPassword::Clear(clear.into_bytes()));
    clear.or(hash.map(NewPassword::Hash))
}

impl Changes {
    fn read(self) -> Result<AccountChange, String> {
        let all = |texts: &[String]| texts.iter().map(read_address).collect::<Result<Vec<_>, _>>();
        let devices_only = self.devices_only.as_deref().map(str::parse::<Protocols>);
        Ok(AccountChange {
            password: new_password(self.password, self.password_hash),
            add_addresses: all(&self.add_addresses)?,
            main_address: self.main_address.as_ref().map(read_address).transpose()?,
            remove_addresses: all(&self.remove_addresses)?,
            quota_bytes: self.quota_bytes.read(|number| Ok(*number))?,
            quota_messages: self.quota_messages.read(|number| Ok(*number))?,
            size_max: self.size_max.read(|number| Ok(*number))?,
            disabled: self.disabled,
            devices_only: devices_only.transpose()?,
            deliver_to: self.deliver_to.read(read_deliver_to)?,
            authority: self.authority.read(|text| Ok(text.clone()))?,
        })
    }
}

fn read_deliver_to(text: &String) -> Result<DeliverTo, String> {
    DeliverTo::parse(text).map_err(|error| format!("{text}: {error}"))
}

async fn all(admin: &Admin<'_>, domain: Option<&Domain>) -> Result<Vec<AccountEntry>, AdminError> {
    let mut entries: Vec<AccountEntry> = Vec::new();
    loop {
        let after = entries.last().and_then(|entry| Address::parse(&entry.address).ok());
        let page = admin.list_accounts(domain, after.as_ref(), PAGE).await?;
        let is_last = page.len() < PAGE;
        entries.extend(page);
        if is_last {
            return Ok(entries);
        }
    }
}

fn text(error: AdminError) -> String {
    error.to_string()
}
