//! What an operator may ask for, as it goes over the control socket, and how it is done: the same
//! whether a server runs or not. One file a noun.

mod account;
mod alias;
mod backup;
mod device;
mod dkim;
mod dmarc;
mod dns;
mod domain;
mod door;
mod export;
mod health;
mod import;
mod queue;
mod recover;
mod restore;
mod store;
mod trace;

pub use account::{AccountRequest, Changes, NewOne};
pub use alias::AliasRequest;
pub use backup::{BackupRequest, told};
pub use device::DeviceRequest;
pub use dkim::DkimRequest;
pub use dmarc::DmarcRequest;
pub use dns::{DnsRequest, Here, Site};
pub use domain::DomainRequest;
pub use door::DoorRequest;
pub use export::ExportRequest;
pub use import::{
    AliasesRequest, ImportRequest, MailsRequest, Mailstore, PlannedAccount, Remote, ServerPlan,
    ServerRequest,
};
pub use queue::{QueueAction, QueueRequest, QueueWhich};
pub use recover::{RecoverAction, RecoverRequest};
pub use restore::RestoreRequest;
pub use store::{StoreRequest, explained};
pub use trace::{TraceRequest, TraceWhich};

use crate::office::Office;
use crate::progress::Tell;
use core_directory::{AccountEntry, AliasEntry, DomainEntry, Removed};
use serde::{Deserialize, Serialize};
use words_mail::{Address, Domain};

/// Entries of a list that are read at once.
const PAGE: usize = 1000;

/// One wish.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// About domains.
    Domain(DomainRequest),
    /// About accounts.
    Account(AccountRequest),
    /// About aliases.
    Alias(AliasRequest),
    /// About device passwords.
    Device(DeviceRequest),
    /// About messages that were removed not long ago.
    Recover(RecoverRequest),
    /// Bring mail from elsewhere.
    Import(ImportRequest),
    /// Write mail out.
    Export(ExportRequest),
    /// About the store.
    Store(StoreRequest),
    /// A backup.
    Backup(BackupRequest),
    /// Messages from a backup.
    Restore(RestoreRequest),
    /// About strangers at the door.
    Door(DoorRequest),
    /// What waits to leave.
    Queue(QueueRequest),
    /// The roads of messages.
    Trace(TraceRequest),
    /// The keys of a domain.
    Dkim(DkimRequest),
    /// Reports of others.
    Dmarc(DmarcRequest),
    /// The DNS of a domain.
    Dns(DnsRequest),
    /// Is all well?
    Health,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// These domains.
    Domains(Vec<DomainEntry>),
    /// These accounts.
    Accounts(Vec<AccountEntry>),
    /// These aliases.
    Aliases(Vec<AliasEntry>),
    /// This account is gone.
    Removed(Removed),
    /// A report, and whether all is well.
    Report {
        /// For people.
        text: String,
        /// For programs.
        value: serde_json::Value,
        /// Is nothing wrong?
        good: bool,
    },
}

impl Reply {
    /// A report that programs get as text too.
    pub fn report(text: String, good: bool) -> Reply {
        let value = serde_json::json!({ "text": text, "good": good });
        Reply::Report { text, value, good }
    }
}

impl Office {
    /// Does what is wished; a long job tells how far it is. The error is for the operator to read.
    pub async fn fulfil(&self, request: Request, tell: &Tell) -> Result<Reply, String> {
        match request {
            Request::Domain(request) => domain::fulfil(self, request).await,
            Request::Account(request) => account::fulfil(self, request).await,
            Request::Alias(request) => alias::fulfil(self, request).await,
            Request::Device(request) => device::fulfil(self, request).await,
            Request::Recover(request) => recover::fulfil(self, request, tell).await,
            Request::Import(request) => import::fulfil(self, request, tell).await,
            Request::Export(request) => export::fulfil(self, request, tell).await,
            Request::Store(request) => store::fulfil(self, request, tell).await,
            Request::Backup(request) => backup::fulfil(self, request, tell).await,
            Request::Restore(request) => restore::fulfil(self, request, tell).await,
            Request::Door(request) => door::fulfil(self, request).await,
            Request::Queue(request) => queue::fulfil(self, request).await,
            Request::Trace(request) => trace::fulfil(self, request, tell).await,
            Request::Dkim(request) => dkim::fulfil(self, request).await,
            Request::Dmarc(request) => dmarc::fulfil(self, request).await,
            Request::Dns(request) => dns::fulfil(self, request, tell).await,
            Request::Health => health::fulfil(self).await,
        }
    }
}

/// What happens to something that may be there or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It is taken away.
    Clear,
    /// It is this from now on.
    Set(T),
}

impl<T> Change<T> {
    /// From two options of the command line, of which at most one is given.
    pub fn of(value: Option<T>, clear: bool) -> Change<T> {
        match value {
            Some(value) => Change::Set(value),
            None if clear => Change::Clear,
            None => Change::Keep,
        }
    }

    /// As the directory has it, its value read.
    fn read<U>(
        self,
        read: impl FnOnce(&T) -> Result<U, String>,
    ) -> Result<Option<Option<U>>, String> {
        match self {
            Change::Keep => Ok(None),
            Change::Clear => Ok(Some(None)),
            Change::Set(value) => read(&value).map(|value| Some(Some(value))),
        }
    }
}

fn read_domain(text: &str) -> Result<Domain, String> {
    Domain::parse(text).map_err(|error| format!("{text}: {error}"))
}

fn read_address(text: &String) -> Result<Address, String> {
    Address::parse(text).map_err(|error| format!("{text}: {error}"))
}
