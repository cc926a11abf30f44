//! Somebody's mail.

use super::{Following, Remote, octets, table, troubles};
use crate::office::Office;
use crate::progress::Tell;
use crate::request::{Reply, read_address};
use core_mailbox::Allowance;
use core_moving::{
    FolderReport, ImportOptions, ImportReport, Importer, MaildirOptions, MaildirSource, MboxSource,
    Source, keep_scripts,
};
use core_world::{FileError, FileErrorKind, Files, Tree};
use engine_system::SystemFiles;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::info;
use words_archive::UniqueIdFormat;
use words_archive::mbox::Variant;
use words_mail::{AccountId, MailboxName};

/// Largest message that is taken, in octets.
const SIZE_MAX: u64 = 2 << 30;
/// What a Maildir in a home directory is called.
const IN_HOME: [&str; 3] = ["maildir", ".maildir", "mail"];

/// Mail in files.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mailstore {
    /// A Maildir.
    Maildir {
        /// Its directory.
        path: PathBuf,
        /// How POP3 named its messages.
        unique_ids: Option<String>,
    },
    /// An mbox file, or a directory of them.
    Mbox {
        /// The file or directory.
        path: PathBuf,
        /// How bodies are written.
        variant: String,
    },
    /// An account on an IMAP server.
    Imap(Remote),
}

impl Mailstore {
    /// Where it is, if it is on this machine.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Mailstore::Maildir { path, .. } | Mailstore::Mbox { path, .. } => Some(path),
            Mailstore::Imap(_) => None,
        }
    }

    /// As it is told.
    fn place(&self) -> String {
        match self {
            Mailstore::Maildir { path, .. } | Mailstore::Mbox { path, .. } => {
                path.display().to_string()
            }
            Mailstore::Imap(remote) => format!("{} at {}", remote.user, remote.host),
        }
    }
}

/// Whose mail is to be brought from where.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MailsRequest {
    /// From where.
    pub source: Mailstore,
    /// Whose, by address.
    pub account: String,
    /// Where to, if not to mailboxes of the same names.
    pub into: Option<String>,
    /// Change nothing?
    pub dry_run: bool,
    /// Compare the octets of every message?
    pub compare: bool,
    /// Where all is kept aside that has no place here.
    pub aside: PathBuf,
}

/// Does it.
pub(super) async fn fulfil(
    office: &Office,
    request: MailsRequest,
    tell: &Tell,
) -> Result<Reply, String> {
    let began = Instant::now();
    let address = read_address(&request.account)?;
    let entry = office.directory.admin().show_account(&address).await;
    let entry = entry.map_err(|error| error.to_string())?;
    let allowance = Allowance { bytes: entry.quota_bytes, messages: entry.quota_messages };
    let mut report = ImportReport::default();
    let into = request.into.as_deref().map(read_mailbox).transpose()?;
    if request.dry_run {
        let mut source = open(&request.source).await?;
        let options = options(into, request.compare, allowance, None);
        let importer = importer(office);
        let account = Some(AccountId(entry.id));
        let planned =
            importer.plan(account, &mut *source, &options, &Following(tell.clone())).await;
        let report = planned.map_err(|error| error.to_string())?;
        return Ok(reply(&report, began.elapsed(), &request, &entry.address));
    }
    let aside = open_aside(&request.aside, &entry.address).await?;
    let options = options(into, request.compare, allowance, Some(aside.clone()));
    let home = home_of(&request.source);
    let one = One { office, account: AccountId(entry.id), options: &options, tell };
    one.bring(&request.source, home.as_deref(), &*aside, &mut report).await?;
    close_aside(&request.aside, &entry.address);
    info!(
        account = entry.address,
        source = request.source.place(),
        brought = report.folders.iter().map(|f| f.brought).sum::<u64>(),
        "mail imported"
    );
    Ok(reply(&report, began.elapsed(), &request, &entry.address))
}

/// How mail is brought into an account.
pub(super) fn options(
    into: Option<MailboxName>,
    compare_bodies: bool,
    allowance: Allowance,
    aside: Option<Arc<dyn Tree>>,
) -> ImportOptions {
    ImportOptions { into, compare_bodies, allowance, size_max: SIZE_MAX, aside }
}

/// What brings it.
pub(super) fn importer(office: &Office) -> Importer {
    Importer::new(office.mail.clone(), office.store.clone())
}

/// One account that mail comes to.
pub(super) struct One<'a> {
    pub office: &'a Office,
    pub account: AccountId,
    pub options: &'a ImportOptions,
    pub tell: &'a Tell,
}

impl One<'_> {
    /// Brings a store, and keeps scripts aside.
    pub async fn bring(
        &self,
        store: &Mailstore,
        home: Option<&Path>,
        aside: &dyn Tree,
        report: &mut ImportReport,
    ) -> Result<(), String> {
        let mut source = open(store).await?;
        let told = Following(self.tell.clone());
        let importer = importer(self.office);
        let came = importer.import(self.account, &mut *source, self.options, &told).await;
        report.folders.extend(came.folders);
        report.remarks.extend(came.remarks);
        report.ended = report.ended.take().or(came.ended);
        for home in home.into_iter().chain(store.path()) {
            let Ok(home) = SystemFiles.root(home).await else { continue };
            match keep_scripts(&*home, aside).await {
                Ok(lines) => report.remarks.extend(lines),
                Err(error) => report.remarks.push(format!("scripts were not kept: {error}")),
            }
        }
        Ok(())
    }
}

/// The home directory that a Maildir lies in, if it is named as such.
fn home_of(store: &Mailstore) -> Option<PathBuf> {
    let path = store.path()?;
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    IN_HOME.contains(&name.as_str()).then(|| path.parent().map(Path::to_owned))?
}

/// Opens a store to read it.
pub(super) async fn open(store: &Mailstore) -> Result<Box<dyn Source>, String> {
    match store {
        Mailstore::Imap(remote) => Ok(Box::new(remote.source()?)),
        Mailstore::Maildir { path, unique_ids } => {
            let root = SystemFiles.root(path).await.map_err(explain)?;
            let unique_ids = unique_ids.as_deref().and_then(UniqueIdFormat::parse);
            Ok(Box::new(MaildirSource::new(root, MaildirOptions { unique_ids })))
        }
        Mailstore::Mbox { path, variant } => {
            let root = SystemFiles.root(path).await;
            let variant = Variant::NAMES.iter().find(|(name, _)| name == variant);
            let variant = variant.map_or(Variant::Auto, |(_, variant)| *variant);
            match root {
                Ok(tree) => Ok(Box::new(MboxSource::of_directory(tree, variant))),
                Err(error) if error.kind == FileErrorKind::NotADirectory => {
                    let parent = path.parent().unwrap_or(Path::new("/"));
                    let tree = SystemFiles.root(parent).await.map_err(explain)?;
                    let file = PathBuf::from(path.file_name().unwrap_or_default());
                    Ok(Box::new(MboxSource::of_file(tree, file, variant)))
                }
                Err(error) => Err(explain(error)),
            }
        }
    }
}

/// A file's error with the next step.
pub(super) fn explain(error: FileError) -> String {
    core_moving::MoveError::File(error).to_string()
}

fn read_mailbox(text: &str) -> Result<MailboxName, String> {
    MailboxName::parse(text).map_err(|error| format!("{text}: {error}"))
}

/// The directory of what is kept aside of an account, made if there is none.
pub(super) async fn open_aside(aside: &Path, address: &str) -> Result<Arc<dyn Tree>, String> {
    let path = aside_of(aside, address);
    let (made, root) = (path.clone(), path.clone());
    let made = tokio::task::spawn_blocking(move || {
        use std::os::unix::fs::DirBuilderExt;
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(made)
    });
    match made.await {
        Ok(Ok(())) => SystemFiles.root(&root).await.map_err(|error| error.to_string()),
        Ok(Err(error)) => Err(format!("cannot make {}: {error}", path.display())),
        Err(error) => Err(error.to_string()),
    }
}

/// Removes it if nothing was kept.
pub(super) fn close_aside(aside: &Path, address: &str) {
    // One that is not empty stays.
    let _ = std::fs::remove_dir(aside_of(aside, address));
    let _ = std::fs::remove_dir(aside);
}

fn aside_of(aside: &Path, address: &str) -> PathBuf {
    let name = address.replace('/', "_");
    aside.join(name.trim_start_matches('.'))
}

fn reply(report: &ImportReport, elapsed: Duration, request: &MailsRequest, address: &str) -> Reply {
    let mut text = String::new();
    if request.dry_run {
        text += &planned(report);
    } else {
        text += &came(report, elapsed);
    }
    text += &remarks(report);
    if let Ok(mut kept) = std::fs::read_dir(aside_of(&request.aside, address))
        && kept.next().is_some()
    {
        let path = aside_of(&request.aside, address);
        text += &format!("\nKept aside in {}\n", path.display());
    }
    let good = report.is_good();
    if let Some(why) = &report.ended {
        text += &format!("\nEnded early: {why}\n");
    }
    let value = serde_json::json!({
        "good": good,
        "dry_run": request.dry_run,
        "seconds": elapsed.as_secs_f64(),
        "report": report,
    });
    Reply::Report { text, value, good }
}

/// What would come.
pub(super) fn planned(report: &ImportReport) -> String {
    let row = |f: &FolderReport| {
        let size = octets(f.octets.unwrap_or(0));
        let numbers = [f.found, f.already, f.brought].map(|number| number.to_string());
        [&[shown(&f.place), f.mailbox.clone()][..], &numbers, &[size]].concat()
    };
    let rows = report.folders.iter().map(row).collect();
    table(&["Folder", "Mailbox", "Messages", "Here already", "To come", "Size"], rows) + "\n"
}

/// What came.
pub(super) fn came(report: &ImportReport, elapsed: Duration) -> String {
    let row = |f: &FolderReport| {
        let numbers = [f.found, f.brought, f.already, f.reflagged, f.broken_count, f.failed_count];
        let numbers = numbers.map(|number| number.to_string());
        [&[f.mailbox.clone()][..], &numbers, &[octets(f.brought_octets)]].concat()
    };
    let header =
        ["Mailbox", "Found", "Brought", "Here already", "Reflagged", "Strange", "Failed", "Size"];
    let mut text = table(&header, report.folders.iter().map(row).collect()) + "\n";
    let sum = |of: fn(&FolderReport) -> u64| report.folders.iter().map(of).sum::<u64>();
    let seconds = elapsed.as_secs_f64().max(0.001);
    let brought = sum(|f| f.brought);
    text += &format!(
        "\nBrought {brought} messages, {}, in {seconds:.1} s ({:.0}/s)\n",
        octets(sum(|f| f.brought_octets)),
        brought as f64 / seconds
    );
    text += &compared(report);
    for (count, what) in [
        (
            sum(|f| f.removed_here),
            "came earlier and were removed here since; they do not come again",
        ),
        (sum(|f| f.kept_flags), "have flags that were changed on both sides; those here stay"),
        (sum(|f| f.gone), "were gone from the source when they were to be read"),
    ] {
        if count > 0 {
            text += &format!("{count} {what}\n");
        }
    }
    for folder in &report.folders {
        let name = &folder.mailbox;
        text +=
            &troubles("strange, kept octet for octet:", name, &folder.broken, folder.broken_count);
        text += &troubles("did not come:", name, &folder.failed, folder.failed_count);
    }
    text
}

/// What comparing both sides gave, in words.
fn compared(report: &ImportReport) -> String {
    let sum = |of: fn(&FolderReport) -> u64| report.folders.iter().map(of).sum::<u64>();
    let messages = sum(|f| f.compared.messages);
    let mut text = format!("Compared {messages} messages");
    let bodies = sum(|f| f.compared.bodies_read);
    if bodies > 0 {
        text += &format!(", {bodies} of them octet for octet");
    }
    let differences = [
        ("are missing", sum(|f| f.compared.missing)),
        ("differ in size", sum(|f| f.compared.sizes)),
        ("differ in flags", sum(|f| f.compared.flags)),
        ("differ in date", sum(|f| f.compared.dates)),
        ("differ in octets", sum(|f| f.compared.bodies)),
        ("have other UIDs", sum(|f| f.compared.uids)),
        ("have other POP3 ids", sum(|f| f.compared.unique_ids)),
    ];
    let bad: Vec<String> = differences
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(what, count)| format!("{count} {what}"))
        .collect();
    match bad.is_empty() {
        true => text + ": sizes, flags, dates, UIDs and POP3 ids are the same\n",
        false => format!("{text}: {}\n", bad.join(", ")),
    }
}

/// What the operator should know.
pub(super) fn remarks(report: &ImportReport) -> String {
    let mut text = String::new();
    if !report.remarks.is_empty() {
        text += "\nTo know:\n";
        report.remarks.iter().for_each(|remark| text += &format!("  {remark}\n"));
    }
    text
}

fn shown(place: &str) -> String {
    if place.is_empty() { ".".to_string() } else { place.to_string() }
}
