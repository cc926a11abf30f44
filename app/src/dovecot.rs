//! Reads a Dovecot server's configuration, for the plan of its move.

use crate::request::{Mailstore, PlannedAccount, ServerPlan};
use anyhow::{Result, anyhow, bail};
use core_moving::plan::{self, ConfigFiles, Location, PlannedUser};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use words_archive::dovecot_conf::{Node, parse};

/// The file in a configuration's directory.
const MAIN_FILE: &str = "dovecot.conf";

/// Files of this machine.
struct Machine;

impl ConfigFiles for Machine {
    fn read(&self, path: &Path) -> Result<Option<String>, String> {
        match fs::read(path) {
            Ok(octets) => Ok(Some(String::from_utf8_lossy(&octets).into_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("{}: {error}", path.display())),
        }
    }

    fn matching(&self, pattern: &Path) -> Vec<PathBuf> {
        let (Some(folder), Some(last)) = (pattern.parent(), pattern.file_name()) else {
            return Vec::new();
        };
        let last = last.to_string_lossy();
        let (before, after) = last.split_once('*').unwrap_or((&last, ""));
        let fits = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let long_enough = name.len() >= before.len() + after.len();
            long_enough && name.starts_with(before) && name.ends_with(after)
        };
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(fits).collect();
        found.sort();
        found
    }
}

/// The plan of the server whose configuration is at `source`, of all users or those in `only`.
pub fn plan(source: &Path, domain: Option<&str>, only: &[String]) -> Result<ServerPlan> {
    let file = if source.is_dir() { source.join(MAIN_FILE) } else { source.to_owned() };
    let mut plan = plan::plan(&read(&file)?, &Machine, domain);
    if let Some(unknown) = only.iter().find(|name| plan.users.iter().all(|u| u.name != **name)) {
        bail!("there is no user {unknown} in {}", file.display());
    }
    if !only.is_empty() {
        plan.users.retain(|user| only.contains(&user.name));
    }
    let unique_ids = plan.unique_id_format.clone().unwrap_or_else(|| "%08Xu%08Xv".to_string());
    let accounts = plan.users.iter().map(|user| account(user, &unique_ids)).collect();
    Ok(ServerPlan { accounts, remarks: plan.remarks })
}

/// By Dovecot's own program, which knows every version's rules; where there is none, by reading the
/// files.
fn read(file: &Path) -> Result<Vec<Node>> {
    if !file.exists() {
        bail!("there is no {}; name the directory that has dovecot.conf in it", file.display());
    }
    let mut doveconf = Command::new("timeout");
    doveconf.args(["--kill-after=5", "30", "doveconf", "-n", "-c"]).arg(file);
    let output = doveconf.stdin(Stdio::null()).stderr(Stdio::null()).output();
    if let Ok(output) = output
        && output.status.success()
    {
        return Ok(parse(&String::from_utf8_lossy(&output.stdout)));
    }
    plan::load(&Machine, file).map_err(|error| anyhow!(error))
}

/// Where a user's mail is found on this machine.
fn account(user: &PlannedUser, unique_ids: &str) -> PlannedAccount {
    let maildir = |path: &Path| Mailstore::Maildir {
        path: path.to_owned(),
        unique_ids: Some(unique_ids.to_string()),
    };
    let mbox = |path: &Path| Mailstore::Mbox { path: path.to_owned(), variant: "auto".to_string() };
    let mut stores = Vec::new();
    match &user.location {
        Location::Maildir { path, inbox } => {
            stores.extend(inbox.as_deref().map(maildir));
            stores.push(maildir(path));
        }
        Location::Mbox { path, inbox } => {
            stores.extend(inbox.as_deref().map(mbox));
            stores.push(mbox(path));
        }
        Location::Either { maildir: here, .. } if here.exists() => stores.push(maildir(here)),
        Location::Either { mbox: here, .. } => {
            stores.push(mbox(&Path::new("/var/mail").join(&user.name)));
            stores.push(mbox(here));
        }
    }
    // Whoever never got mail has no store yet.
    stores.retain(|store| store.path().is_some_and(Path::exists));
    PlannedAccount {
        name: user.name.clone(),
        address: user.address.to_string(),
        hash: user.hash.clone(),
        home: user.home.clone(),
        stores,
        quota_bytes: user.quota_bytes,
        remarks: user.remarks.clone(),
    }
}
