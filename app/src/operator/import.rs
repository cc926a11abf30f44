//! From `estafeta import` and `estafeta export` to a wish.

use super::text;
use crate::cli::{ExportCommand, ExportWhich, ImportCommand, ImportHow};
use crate::data::Data;
use crate::dovecot;
use crate::request::{
    AliasesRequest, ExportRequest, ImportRequest, MailsRequest, Mailstore, Request, ServerRequest,
};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use words_archive::mbox::Variant;

/// Where scripts and messages are kept that have no place here yet, below the data directory.
const ASIDE: &str = "aside";

impl ImportCommand {
    /// What is wished. Configurations and lists are read here, by whoever gives the command: the
    /// server may not be allowed to.
    pub fn request(self, data: Option<&Path>) -> Result<Request> {
        let data = Data::find(data)?;
        let aside = absolute(data.path())?.join(ASIDE);
        Ok(Request::Import(match self {
            ImportCommand::Maildir { source, how, uidl } => {
                let unique_ids = Some(uidl).filter(|format| format != "none");
                mails(Mailstore::Maildir { path: absolute(&source)?, unique_ids }, how, aside)
            }
            ImportCommand::Mbox { source, how, variant } => {
                let variant = name_of(variant).to_string();
                mails(Mailstore::Mbox { path: absolute(&source)?, variant }, how, aside)
            }
            ImportCommand::Dovecot { source, domain, only, dry_run, compare } => {
                let domain = domain.map(|domain| domain.to_string());
                let plan = dovecot::plan(&source, domain.as_deref(), &only)?;
                ImportRequest::Server(ServerRequest { plan, dry_run, compare, aside })
            }
            ImportCommand::Aliases { source, domain, dry_run } => {
                let text = std::fs::read_to_string(&source)
                    .with_context(|| format!("cannot read {}", source.display()))?;
                let domain = domain.map(|domain| domain.to_string());
                ImportRequest::Aliases(AliasesRequest { text, domain, dry_run })
            }
        }))
    }
}

impl ExportCommand {
    /// What is wished.
    pub fn request(self) -> Result<Request> {
        let (form, target, which) = match self {
            ExportCommand::Maildir { target, which } => ("maildir", target, which),
            ExportCommand::Mbox { target, which } => ("mbox", target, which),
        };
        let ExportWhich { account, only } = which;
        Ok(Request::Export(ExportRequest {
            is_maildir: form == "maildir",
            target: absolute(&target)?,
            account: account.to_string(),
            only: only.map(|name| name.to_string()),
        }))
    }
}

fn mails(source: Mailstore, how: ImportHow, aside: PathBuf) -> ImportRequest {
    let ImportHow { account, into, dry_run, compare } = how;
    let account = text(Some(account)).unwrap_or_default();
    let into = into.map(|name| name.to_string());
    ImportRequest::Mails(MailsRequest { source, account, into, dry_run, compare, aside })
}

/// The server has another working directory.
fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("no such path: {}", path.display()))
}

fn name_of(variant: Variant) -> &'static str {
    Variant::NAMES.iter().find(|(_, v)| *v == variant).map_or("auto", |(name, _)| name)
}
