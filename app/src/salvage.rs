//! `estafeta store salvage`: everything that can be read of a damaged store, in a new data directory or
//! as Maildirs.

use crate::data::Data;
use crate::examine::examine;
use crate::log::{self, Amount, Form};
use crate::office::Office;
use crate::print::{self, Output};
use crate::progress::{self, Progress, Tell};
use crate::request::Reply;
use crate::words::Words;
use anyhow::{Context, Result, anyhow, bail};
use core_delivery::owner;
use core_moving::{ExportOptions, MaildirSink, Told, export};
use core_store::{Batch, BlobId, Scan, Store};
use core_world::Files;
use engine_store_embedded::{EmbeddedStore, ORPHANS, SalvageReport};
use engine_system::SystemFiles;
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use words_mail::{Address, ForwardPath, MailboxName};

/// Where messages go that no record names any more.
const LOST_AND_FOUND: &str = "lost+found";
/// Accounts that are listed at once.
const PAGE: usize = 1000;
/// Where the accounts' Maildirs go.
const MAILDIR: &str = "maildir";

/// What is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// A data directory.
    Store,
    /// A Maildir for each account.
    Maildir,
}

/// Does it.
pub fn run(data: Option<&Path>, out: &Path, form: Made, output: Output) -> Result<ExitCode> {
    let source = Data::find(data)?;
    if fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some()) {
        bail!("{} is not empty; choose another directory", out.display());
    }
    let target = Data::make(Some(out), Words::of_environment())?;
    let tell = progress::on_terminal();
    log::start(Form::Human, Amount::Warnings);
    let mut step = |told: engine_store_embedded::SalvageProgress| {
        let (what, done) = (told.what.to_string(), told.done);
        tell(Progress { unit: what.clone(), what: "salvaging".to_string(), done, all: None });
    };
    let salvaged = engine_store_embedded::salvage(&source.store(), &target.store(), &mut step);
    let report = salvaged.map_err(|error| anyhow!("{error}"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let office = Office::open(&target)?;
    let done = runtime.block_on(finish(&office, &report, out, form, &tell));
    office.store.close();
    let after = done?;
    let checked = EmbeddedStore::check_offline(&target.store())?;
    if form == Made::Maildir {
        fs::remove_dir_all(target.store()).context("removing the store that was in between")?;
    }
    let good = checked.is_clean();
    print::reply(&reply(&report, &after, &checked.to_string(), good, out, form), output)?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What was done once the new store was there.
#[derive(Debug, Default)]
struct After {
    /// Lines on messages that are damaged.
    lines: Vec<String>,
    /// Messages filed in [`LOST_AND_FOUND`].
    found: u64,
    /// Bodies for which there is nobody.
    ownerless: u64,
    /// Lines on accounts that were written as Maildirs.
    written: Vec<String>,
}

async fn finish(
    office: &Office,
    report: &SalvageReport,
    out: &Path,
    form: Made,
    tell: &Tell,
) -> Result<After> {
    let mut after = After::default();
    let damaged: BTreeSet<BlobId> = report.damaged.iter().map(|body| body.blob).collect();
    if !damaged.is_empty() {
        after.lines = examine(office, &damaged, tell).await.lines;
    }
    take_in(office, &mut after).await?;
    if form == Made::Maildir {
        after.written = write(office, &out.join(MAILDIR), tell).await?;
    }
    Ok(after)
}

/// Files the bodies that no record names, each with whoever it was most likely for.
async fn take_in(office: &Office, after: &mut After) -> Result<()> {
    let mailbox = MailboxName::parse(LOST_AND_FOUND).map_err(|error| anyhow!("{error}"))?;
    let mut rest = Some(Scan::prefix(ORPHANS));
    while let Some(range) = rest {
        let page = office.store.snapshot().await?.scan(Scan::rising(range)).await?;
        for (key, _) in page.pairs {
            let Some(number) = key.last_chunk::<8>() else { continue };
            let blob = BlobId(u64::from_be_bytes(*number));
            let header = office.mail.header_of(blob).await?;
            let Some(account) = owner(&office.directory, &header).await? else {
                after.ownerless += 1;
                continue;
            };
            let now = office.world.clock.now();
            office.mail.account(account).take_in(&mailbox, blob, now).await?;
            let mut batch = Batch::new();
            batch.release(blob).delete(key);
            office.store.commit(batch).await?;
            after.found += 1;
        }
        rest = page.rest;
    }
    Ok(())
}

/// Writes every account as a Maildir of its own.
async fn write(office: &Office, to: &Path, tell: &Tell) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    let mut behind: Option<Address> = None;
    loop {
        let admin = office.directory.admin();
        let entries = admin.list_accounts(None, behind.as_ref(), PAGE).await;
        let entries = entries.map_err(|error| anyhow!("{error}"))?;
        let Some(last) = entries.last() else { return Ok(lines) };
        behind = Address::parse(&last.address).ok();
        for entry in &entries {
            let Ok(address) = Address::parse(&entry.address) else { continue };
            let resolved = office.directory.resolve(&ForwardPath::Address(address)).await?;
            let Some(local) = resolved.local.first() else { continue };
            let directory = to.join(entry.address.replace('/', "_"));
            fs::create_dir_all(&directory)
                .with_context(|| format!("making {}", directory.display()))?;
            let tree = SystemFiles.root(&directory).await.map_err(|error| anyhow!("{error}"))?;
            let boxes = office.mail.account(local.account.id);
            let mut sink = MaildirSink::new(tree);
            let told = Telling { account: entry.address.clone(), tell: tell.clone() };
            let exported = export(&boxes, &mut sink, &ExportOptions::default(), &told).await;
            let exported = exported.map_err(|error| anyhow!("{error}"))?;
            let messages: u64 = exported.folders.iter().map(|folder| folder.written).sum();
            let folders = exported.folders.len();
            lines
                .push(format!("{}: {folders} mailboxes, {messages} messages", directory.display()));
            lines.extend(exported.remarks);
        }
        if entries.len() < PAGE {
            return Ok(lines);
        }
    }
}

struct Telling {
    account: String,
    tell: Tell,
}

impl Told for Telling {
    fn progress(&self, folder: &str, done: u64, all: Option<u64>) {
        let what = format!("{} {folder}", self.account);
        (self.tell)(Progress { what, done, all, unit: "messages".to_string() });
    }
}

fn reply(
    report: &SalvageReport,
    after: &After,
    checked: &str,
    good: bool,
    out: &Path,
    form: Made,
) -> Reply {
    let mut text = format!("{report}\n");
    let mut line = |what: &str| {
        text.push_str(what);
        text.push('\n');
    };
    line(&format!("{LOST_AND_FOUND}     {} messages", after.found));
    if after.ownerless > 0 {
        line(&format!(
            "ownerless      {} bodies stay in the store; make an account for \
            postmaster and salvage again",
            after.ownerless
        ));
    }
    report.damaged.iter().for_each(|damaged| line(&damaged.to_string()));
    after.lines.iter().for_each(|described| line(described));
    after.written.iter().for_each(|written| line(written));
    match form {
        Made::Store => {
            line(&format!("new store      {checked}"));
            line(&format!(
                "start it with \"estafeta serve --data {0}\", or look with \
                \"estafeta --data {0} account list\"",
                out.display()
            ));
        }
        Made::Maildir => line(&format!("Maildirs in {}", out.join(MAILDIR).display())),
    }
    let value = json!({
        "good": good,
        "whole": report.is_whole(),
        "metadata_from": report.origin.to_string(),
        "records": report.records,
        "bodies": report.bodies,
        "body_bytes": report.body_bytes,
        "damaged": report.damaged.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "damaged_messages": after.lines,
        "lost_and_found": after.found,
        "ownerless": after.ownerless,
        "missing_batches": report.missing_batches,
        "unreadable_bytes": report.unreadable_bytes,
        "findings": report.findings,
    });
    Reply::Report { text, value, good }
}
