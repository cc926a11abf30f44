//! From `estafeta import` and `estafeta export` to a wish.

use super::text;
use crate::cli::{Encryption, ExportCommand, ExportWhich, ImportCommand, ImportHow};
use crate::data::Data;
use crate::dovecot;
use crate::request::{
    AliasesRequest, ExportRequest, ImportRequest, MailsRequest, Mailstore, Remote, Request,
    ServerRequest,
};
use crate::secret;
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
            ImportCommand::Imap { server, user, password, how, tls, ca, fingerprint } => {
                let (host, port) = server_of(&server, tls)?;
                let ca = ca.map(|path| absolute(&path)).transpose()?;
                let password = secret::of_account_elsewhere(password, &user, &host)?;
                let fingerprint = fingerprint.map(|fingerprint| fingerprint.to_string());
                let remote = Remote { host, port, tls, user, password, ca, fingerprint };
                mails(Mailstore::Imap(remote), how, aside)
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

/// `HOST`, `HOST:PORT`, `[ADDRESS]:PORT`; without a port the usual one.
fn server_of(text: &str, tls: Encryption) -> Result<(String, u16)> {
    let usual = if tls == Encryption::Implicit { 993 } else { 143 };
    let is_address = text.parse::<std::net::Ipv6Addr>().is_ok();
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !is_address && !port.contains(']') => {
            let expected = "expected HOST or HOST:PORT, as in imap.example.org:993";
            (host, port.parse().with_context(|| format!("{text}: {expected}"))?)
        }
        _ => (text, usual),
    };
    let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    Ok((host.to_string(), port))
}

/// The server has another working directory.
fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("no such path: {}", path.display()))
}

fn name_of(variant: Variant) -> &'static str {
    Variant::NAMES.iter().find(|(_, v)| *v == variant).map_or("auto", |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_name_or_an_address_with_a_port_or_without() {
        for (text, tls, host, port) in [
            ("imap.example.org", Encryption::Implicit, "imap.example.org", 993),
            ("imap.example.org", Encryption::Starttls, "imap.example.org", 143),
            ("imap.example.org:2143", Encryption::None, "imap.example.org", 2143),
            ("[::1]:2143", Encryption::None, "::1", 2143),
            ("::1", Encryption::Implicit, "::1", 993),
            ("[::1]", Encryption::Implicit, "::1", 993),
        ] {
            assert_eq!(server_of(text, tls).unwrap(), (host.to_string(), port), "{text}");
        }
        assert!(server_of("imap.example.org:imap", Encryption::Implicit).is_err());
    }
}
