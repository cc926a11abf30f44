//! `estafeta import`.

use super::{PasswordChoice, address, domain};
use clap::{Args, Subcommand, ValueEnum};
use core_world::Fingerprint;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use words_archive::mbox::Variant;
use words_mail::{Address, Domain, MailboxName};

/// `estafeta import`
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Bring a Maildir with its folders: Dovecot's, Courier's, a plain tree
    Maildir {
        /// The directory that has cur and new in it
        source: PathBuf,
        #[command(flatten)]
        how: ImportHow,
        /// How POP3 clients know messages, as in Dovecot's pop3_uidl_format; "none" for other names
        /// than before
        #[arg(long, value_name = "FORMAT", default_value = "%08Xu%08Xv")]
        uidl: String,
    },
    /// Bring an mbox file, or a directory of them
    Mbox {
        /// The file or directory
        source: PathBuf,
        #[command(flatten)]
        how: ImportHow,
        /// How bodies are written: auto, mboxo, mboxrd, mboxcl, mboxcl2
        #[arg(long, value_name = "VARIANT", default_value = "auto", value_parser = variant)]
        variant: Variant,
    },
    /// Bring an account from an IMAP server elsewhere; nothing is changed there
    Imap {
        /// The server, as in imap.example.org or imap.example.org:993
        server: String,
        /// The name to log in with there
        #[arg(long, value_name = "NAME")]
        user: String,
        #[command(flatten)]
        password: PasswordChoice,
        #[command(flatten)]
        how: ImportHow,
        /// When TLS begins: implicit (port 993), starttls (143), or none
        #[arg(long, value_enum, default_value_t = Encryption::Implicit)]
        tls: Encryption,
        /// File of authorities to believe besides those of this machine, in PEM
        #[arg(long, value_name = "FILE")]
        ca: Option<PathBuf>,
        /// Believe the certificate with this SHA-256 fingerprint, whatever its name
        #[arg(long, value_name = "HEX", value_parser = fingerprint)]
        fingerprint: Option<Fingerprint>,
    },
    /// Bring a whole Dovecot server: make its accounts and move their mail, one after the other
    Dovecot {
        /// Its configuration, a directory or a file
        #[arg(default_value = "/etc/dovecot")]
        source: PathBuf,
        /// Domain of users whose names have none
        #[arg(long, value_name = "DOMAIN", value_parser = domain)]
        domain: Option<Domain>,
        /// Only these users, by their names there
        #[arg(long, value_name = "NAMES", value_delimiter = ',')]
        only: Vec<String>,
        /// Tell what would be done, and do nothing
        #[arg(long)]
        dry_run: bool,
        /// Read both sides of every message in the end and compare the octets
        #[arg(long)]
        compare: bool,
    },
    /// Bring aliases: /etc/aliases or a virtual alias map of Postfix
    Aliases {
        /// The file
        source: PathBuf,
        /// Domain of names that have none
        #[arg(long, value_name = "DOMAIN", value_parser = domain)]
        domain: Option<Domain>,
        /// Tell what would be done, and do nothing
        #[arg(long)]
        dry_run: bool,
    },
}

/// When TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encryption {
    /// From the first octet.
    Implicit,
    /// After STARTTLS.
    Starttls,
    /// Never: for a server on this machine.
    None,
}

fn fingerprint(text: &str) -> Result<Fingerprint, String> {
    text.parse().map_err(str::to_string)
}

/// How mail is brought.
#[derive(Debug, Args)]
pub struct ImportHow {
    /// Whose mail it is
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub account: Address,
    /// Bring INBOX to this mailbox, and others below it
    #[arg(long, value_name = "MAILBOX", value_parser = mailbox)]
    pub into: Option<MailboxName>,
    /// Tell what would come, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Read both sides of every message in the end and compare the octets
    #[arg(long)]
    pub compare: bool,
}

/// The name of a mailbox.
pub(super) fn mailbox(text: &str) -> Result<MailboxName, String> {
    MailboxName::parse(text).map_err(|error| error.to_string())
}

fn variant(text: &str) -> Result<Variant, String> {
    let known = Variant::NAMES.iter().find(|(name, _)| *name == text);
    known.map(|(_, variant)| *variant).ok_or_else(|| {
        let names = Variant::NAMES.map(|(name, _)| name).join(", ");
        format!("expected one of {names}")
    })
}
