//! `estafeta backup`: taking one is the server's work, if one runs; looking at them is not.

use crate::cli::{Backup, BackupCommand};
use crate::operator;
use crate::print::{self, Output};
use crate::progress;
use crate::request::{BackupRequest, Reply, Request, told};
use crate::size::round;
use anyhow::{Context, Result};
use engine_store_embedded::{
    BackupDirectory, BackupReport, BackupState, Copies, Listed, Tally, VerifyReport,
};
use serde_json::{Value, json};
use std::path::{Path, PathBuf, absolute};
use std::process::ExitCode;
use time::OffsetDateTime;

/// Does it.
pub fn run(options: Backup, data: Option<&Path>, output: Output) -> Result<ExitCode> {
    let Backup { command, directory, keep, keep_days, copy, rate } = options;
    let reply = match command {
        Some(BackupCommand::List { directory }) => list(&directory)?,
        Some(BackupCommand::Verify { directory, backup, all, rate }) => {
            verify(&directory, backup, all, rate.flatten())?
        }
        None => {
            let directory = from_root(&directory.unwrap_or_default())?;
            let rate = rate.flatten();
            let request = BackupRequest { directory, keep, keep_days, copy, rate };
            return operator::run(Ok(Request::Backup(request)), data, output);
        }
    };
    print::reply(&reply, output)?;
    let good = !matches!(reply, Reply::Report { good: false, .. });
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The server's working directory is another.
pub fn from_root(path: &Path) -> Result<PathBuf> {
    absolute(path).with_context(|| format!("cannot find {}", path.display()))
}

fn list(directory: &Path) -> Result<Reply> {
    let list = BackupDirectory::open(directory)?.list()?;
    let mut text =
        String::from("BACKUP  TAKEN                 BODIES       SIZE    COPIED    LINKED\n");
    list.iter().for_each(|listed| text += &line(listed));
    if list.is_empty() {
        text = format!("no backups in {}", directory.display());
    }
    let value = list.iter().map(entry).collect();
    let good = list.iter().all(|one| !matches!(one.state, BackupState::Damaged(_)));
    Ok(Reply::Report { text, value, good })
}

fn line(listed: &Listed) -> String {
    let number = listed.number;
    match &listed.state {
        BackupState::Complete { begun, bodies, bytes, copied, linked, damage, .. } => {
            let (at, bytes) = (moment(*begun), round(*bytes));
            let (copied, linked) = (round(*copied), round(*linked));
            let mut line =
                format!("{number:<7} {at} {bodies:>7} {bytes:>10} {copied:>9} {linked:>9}");
            if *damage > 0 {
                line += &format!("  the store had {damage} damaged places");
            }
            line + "\n"
        }
        BackupState::Unfinished => format!("{number:<7} not complete: under way, or interrupted\n"),
        BackupState::Damaged(what) => format!("{number:<7} its manifest is damaged: {what}\n"),
    }
}

fn entry(listed: &Listed) -> Value {
    let number = listed.number;
    match &listed.state {
        BackupState::Complete { begun, bodies, body_bytes, bytes, copied, linked, damage } => {
            json!({
                "number": number, "state": "complete", "taken": moment(*begun), "bodies": bodies,
                "body_bytes": body_bytes, "bytes": bytes, "copied": copied, "linked": linked,
                "damage": damage,
            })
        }
        BackupState::Unfinished => json!({ "number": number, "state": "unfinished" }),
        BackupState::Damaged(what) => {
            json!({ "number": number, "state": "damaged", "what": what })
        }
    }
}

fn verify(directory: &Path, backup: Option<u64>, all: bool, rate: Option<u64>) -> Result<Reply> {
    let tell = progress::on_terminal();
    let mut watch = |progress: engine_store_embedded::Progress<'_>| {
        tell(told(progress));
        true
    };
    let directory = BackupDirectory::open(directory)?;
    let report = match all {
        true => directory.verify_all(rate, &mut watch)?,
        false => directory.verify(backup, rate, &mut watch)?,
    };
    Ok(verified(&report))
}

fn verified(report: &VerifyReport) -> Reply {
    let mut text = String::new();
    for finding in &report.findings {
        text += &format!("{finding}\n");
    }
    if report.unlisted > 0 {
        text += &format!("and {} more\n", report.unlisted);
    }
    for what in &report.inherited {
        text += &format!("note: damaged in the store when the backup was taken: {what}\n");
    }
    for number in &report.unfinished {
        text += &format!("note: backup {number} is not complete and counts for nothing\n");
    }
    let numbers: Vec<String> = report.backups.iter().map(u64::to_string).collect();
    let result = match (report.is_good(), numbers.is_empty()) {
        (true, _) => "all of it good",
        (false, true) => "there is no complete backup; take one with \"estafeta backup\"",
        (false, false) => {
            "not all of it good; remove the files named and take a backup: it brings what the store \
             still has"
        }
    };
    text += &format!(
        "backups {}: {} files, {} read, {} bodies: {result}",
        numbers.join(" "),
        report.files,
        round(report.bytes),
        report.bodies
    );
    let value = json!({
        "good": report.is_good(),
        "backups": report.backups,
        "unfinished": report.unfinished,
        "findings": report.findings.iter().map(|f| json!({
            "file": f.file, "offset": f.offset, "what": f.what,
        })).collect::<Vec<_>>(),
        "unlisted": report.unlisted,
        "inherited": report.inherited,
        "files": report.files,
        "bytes": report.bytes,
    });
    Reply::Report { text, value, good: report.is_good() }
}

/// A backup that was taken, for people and for programs.
pub fn report(directory: &Path, report: &BackupReport) -> Reply {
    let BackupReport { number, records, bodies, body_bytes, metadata_bytes, copies, .. } = report;
    let Copies { copied, linked, kept } = copies;
    let tally = |what: &str, tally: &Tally| {
        format!("{what:<9} {:>7} files {:>10}\n", tally.files, round(tally.bytes))
    };
    let mut text = format!(
        "backup {number} in {}, taken in {:.1} s\n",
        directory.display(),
        report.took.as_secs_f64()
    );
    text += &format!("bodies    {bodies:>7}       {:>10}\n", round(*body_bytes));
    text += &format!("records   {records:>7}       {:>10}\n", round(*metadata_bytes));
    text += &tally("copied", copied);
    text += &tally("linked", linked);
    text += &tally("kept", kept);
    if !report.removed.is_empty() {
        let numbers: Vec<String> = report.removed.iter().map(u64::to_string).collect();
        text += &format!("removed   backups {}\n", numbers.join(" "));
    }
    if report.swept.files > 0 {
        text += &tally("freed", &report.swept);
    }
    for finding in &report.damage {
        text += &format!("damaged in the store: {finding}\n");
    }
    if !report.damage.is_empty() {
        text += "the backup has everything else; run \"estafeta store check\"\n";
    }
    let value = json!({
        "number": number,
        "directory": directory,
        "good": report.is_good(),
        "records": records,
        "bodies": bodies,
        "body_bytes": body_bytes,
        "metadata_bytes": metadata_bytes,
        "copied": { "files": copied.files, "bytes": copied.bytes },
        "linked": { "files": linked.files, "bytes": linked.bytes },
        "kept": { "files": kept.files, "bytes": kept.bytes },
        "removed": report.removed,
        "freed": { "files": report.swept.files, "bytes": report.swept.bytes },
        "damage": report.damage.iter().map(|f| f.to_string()).collect::<Vec<_>>(),
        "seconds": report.took.as_secs_f64(),
    });
    Reply::Report { text, value, good: report.is_good() }
}

/// A time in UTC, as in `2026-11-24 13:05:00Z`.
pub fn moment(millis: u64) -> String {
    let seconds = i64::try_from(millis / 1000).unwrap_or(i64::MAX);
    let at = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    format!(
        "{}-{:02}-{:02} {:02}:{:02}:{:02}Z",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    )
}
