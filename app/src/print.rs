//! Results, for people or for programs.

use crate::request::Reply;
use crate::{moment, size};
use anyhow::Result;
use comfy_table::{ContentArrangement, Table, presets};
use core_directory::{AccountEntry, AliasEntry, DeviceEntry, DomainEntry, Removed};
use serde::Serialize;
use std::io::{self, ErrorKind, Write, stdout};
use words_base::Timestamp;

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// Prints a reply.
pub fn reply(reply: &Reply, output: Output) -> Result<()> {
    match (reply, output) {
        (Reply::Domains(entries), Output::Table) => print(&domains(entries)),
        (Reply::Accounts(entries), Output::Table) => print(&accounts(entries)),
        (Reply::Aliases(entries), Output::Table) => print(&aliases(entries)),
        (Reply::Removed(removed), Output::Table) => print(&removal(removed)),
        (Reply::Report { text, .. }, Output::Table) => print(text),
        (Reply::Domains(entries), Output::Json) => json(entries),
        (Reply::Accounts(entries), Output::Json) => json(entries),
        (Reply::Aliases(entries), Output::Json) => json(entries),
        (Reply::Removed(removed), Output::Json) => json(removed),
        (Reply::Report { value, .. }, Output::Json) => json(value),
    }
}

fn json(value: &(impl Serialize + ?Sized)) -> Result<()> {
    print(&serde_json::to_string_pretty(value)?)
}

/// A reader that has seen enough, as `head` has, is no fault.
fn print(text: &str) -> Result<()> {
    match writeln!(stdout(), "{}", text.trim_end()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(io::Error::into(error)),
        _ => Ok(()),
    }
}

/// Prints a line at once.
pub fn line(text: &str) -> io::Result<()> {
    let mut out = stdout();
    writeln!(out, "{text}").and_then(|()| out.flush())
}

/// Columns under a header.
pub fn table(header: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    table.add_rows(rows);
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, 2));
    });
    table.trim_fmt()
}

fn domains(entries: &[DomainEntry]) -> String {
    let row = |entry: &DomainEntry| {
        let DomainEntry { name, alias_of, catch_all, postmaster } = entry;
        vec![name.clone(), or_dash(alias_of), or_dash(catch_all), or_dash(postmaster)]
    };
    table(&["DOMAIN", "ALIAS OF", "CATCH-ALL", "POSTMASTER"], entries.iter().map(row).collect())
}

fn accounts(entries: &[AccountEntry]) -> String {
    let row = |entry: &AccountEntry| {
        let login = match (entry.disabled, &entry.authority, entry.has_password) {
            (true, ..) => "disabled".to_string(),
            (false, Some(authority), _) => format!("by {authority}"),
            (false, None, true) if entry.has_foreign_hash => "yes, imported".to_string(),
            (false, None, true) => "yes".to_string(),
            (false, None, false) => "no password".to_string(),
        };
        vec![
            entry.address.clone(),
            entry.addresses.join(" "),
            login,
            size::show(entry.quota_bytes),
            entry.quota_messages.map_or("none".to_string(), |number| number.to_string()),
        ]
    };
    let header = ["ADDRESS", "ALSO", "LOGIN", "QUOTA", "MESSAGES MAX"];
    table(&header, entries.iter().map(row).collect())
}

/// Devices of an account, as people are shown them.
pub fn devices(entries: &[DeviceEntry]) -> String {
    let row = |entry: &DeviceEntry| {
        let (used, how) = match &entry.used {
            Some(used) => (moment(used.at), format!("{} {}", used.protocol, used.address)),
            None => ("never".to_string(), "-".to_string()),
        };
        let expires = match (entry.expires_at, entry.expired) {
            (None, _) => "never".to_string(),
            (Some(at), false) => moment(at),
            (Some(at), true) => format!("{}, over", moment(at)),
        };
        let (name, protocols) = (entry.name.clone(), entry.protocols.clone());
        vec![name, protocols, moment(entry.created_at), expires, used, how]
    };
    let header = ["DEVICE", "FOR", "MADE", "EXPIRES", "LAST USED", "BY"];
    table(&header, entries.iter().map(row).collect())
}

fn moment(millis: i64) -> String {
    moment::show(Timestamp::from_millis(millis))
}

fn aliases(entries: &[AliasEntry]) -> String {
    let row = |entry: &AliasEntry| vec![entry.address.clone(), entry.targets.join(" ")];
    table(&["ALIAS", "TARGETS"], entries.iter().map(row).collect())
}

fn removal(removed: &Removed) -> String {
    let mut text = format!("removed {}", removed.account.address);
    for alias in &removed.aliases {
        text +=
            &format!("\nalias {alias} still leads to it; change it with \"estafeta alias set\"");
    }
    for domain in &removed.catch_alls {
        text += &format!(
            "\nthe catch-all of {domain} still is this address; change it with \"estafeta domain set\""
        );
    }
    text
}

fn or_dash(text: &Option<String>) -> String {
    text.clone().unwrap_or_else(|| "-".to_string())
}
