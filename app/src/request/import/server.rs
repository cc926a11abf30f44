//! A whole server: its accounts, and the mail of each.

use super::mails::{self, Mailstore, One};
use super::{Following, octets, table};
use crate::office::Office;
use crate::progress::Tell;
use crate::request::{Reply, read_address};
use core_directory::{AdminError, NewAccount, NewPassword, Quota};
use core_mailbox::Allowance;
use core_moving::ImportReport;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::time::Instant;
use tracing::info;
use words_mail::{AccountId, Address};

/// Whom it has, and where their mail is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ServerPlan {
    /// Everybody.
    pub accounts: Vec<PlannedAccount>,
    /// What the operator should know.
    pub remarks: Vec<String>,
}

/// Somebody who moves.
#[derive(Clone, Serialize, Deserialize)]
pub struct PlannedAccount {
    /// The name there.
    pub name: String,
    /// The address here.
    pub address: String,
    /// The password's hash.
    pub hash: Option<String>,
    /// The home directory.
    pub home: PathBuf,
    /// Where the mail is.
    pub stores: Vec<Mailstore>,
    /// Octets that may be kept.
    pub quota_bytes: Option<u64>,
    /// What the operator should know.
    pub remarks: Vec<String>,
}

/// Without the hash.
impl fmt::Debug for PlannedAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PlannedAccount({})", self.address)
    }
}

/// A server to be moved.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServerRequest {
    /// What is to be moved.
    pub plan: ServerPlan,
    /// Change nothing?
    pub dry_run: bool,
    /// Compare the octets of every message?
    pub compare: bool,
    /// Where all is kept aside that has no place here.
    pub aside: PathBuf,
}

/// What came of one account.
#[derive(Clone, Debug, Serialize)]
struct Moved {
    name: String,
    address: String,
    /// `made`, `there already`, `to be made`.
    account: String,
    report: ImportReport,
}

/// Does it.
pub(super) async fn fulfil(
    office: &Office,
    request: ServerRequest,
    tell: &Tell,
) -> Result<Reply, String> {
    let began = Instant::now();
    let mut moved = Vec::new();
    for planned in &request.plan.accounts {
        let address = read_address(&planned.address)?;
        let mut report = ImportReport { remarks: planned.remarks.clone(), ..Default::default() };
        let outcome = match request.dry_run {
            true => look(office, planned, &address, tell, &mut report).await,
            false => bring(office, planned, &address, &request, tell, &mut report).await,
        };
        let account = outcome.unwrap_or_else(|error| {
            report.ended = Some(error);
            "NOT moved".to_string()
        });
        let (name, address) = (planned.name.clone(), planned.address.clone());
        moved.push(Moved { name, address, account, report });
    }
    let elapsed = began.elapsed();
    let good = moved.iter().all(|one| one.report.is_good());
    let mut text = overview(&moved);
    for one in moved.iter().filter(|one| !one.report.folders.is_empty()) {
        text += &format!("\n{}\n", one.address);
        text += &match request.dry_run {
            true => mails::planned(&one.report),
            false => mails::came(&one.report, elapsed),
        };
        text += &mails::remarks(&one.report);
    }
    for one in &moved {
        if let Some(why) = &one.report.ended {
            text += &format!("\n{}: {why}\n", one.address);
        }
    }
    if !request.plan.remarks.is_empty() {
        text += "\nTo know:\n";
        request.plan.remarks.iter().for_each(|remark| text += &format!("  {remark}\n"));
    }
    if request.dry_run {
        text +=
            "\nNothing was changed. Without --dry-run the accounts are made and the mail comes.\n";
    }
    let value = serde_json::json!({
        "good": good,
        "dry_run": request.dry_run,
        "seconds": elapsed.as_secs_f64(),
        "accounts": moved,
        "remarks": request.plan.remarks,
    });
    Ok(Reply::Report { text, value, good })
}

fn overview(moved: &[Moved]) -> String {
    let row = |one: &Moved| {
        let sum = |of: fn(&core_moving::FolderReport) -> u64| {
            one.report.folders.iter().map(of).sum::<u64>()
        };
        let size = sum(|f| f.octets.unwrap_or(f.brought_octets));
        vec![
            one.name.clone(),
            one.address.clone(),
            one.account.clone(),
            one.report.folders.len().to_string(),
            sum(|f| f.found).to_string(),
            sum(|f| f.brought).to_string(),
            octets(size),
        ]
    };
    let header = ["User", "Address", "Account", "Folders", "Messages", "New", "Size"];
    table(&header, moved.iter().map(row).collect()) + "\n"
}

/// What a move would do.
async fn look(
    office: &Office,
    planned: &PlannedAccount,
    address: &Address,
    tell: &Tell,
    report: &mut ImportReport,
) -> Result<String, String> {
    let (account, what) = match office.directory.admin().show_account(address).await {
        Ok(entry) => (Some(AccountId(entry.id)), "there already"),
        Err(AdminError::NoSuchDomain(_) | AdminError::NoSuchAccount(_)) => (None, "to be made"),
        Err(error) => return Err(error.to_string()),
    };
    for store in &planned.stores {
        let mut source = mails::open(store).await?;
        let options = mails::options(None, false, Allowance::UNLIMITED, None);
        let told = Following(tell.clone());
        let importer = mails::importer(office);
        let came = importer.plan(account, &mut *source, &options, &told).await;
        let came = came.map_err(|error| error.to_string())?;
        report.folders.extend(came.folders);
        report.remarks.extend(came.remarks);
    }
    if planned.stores.is_empty() {
        report.remarks.push("no mail yet".to_string());
    }
    Ok(what.to_string())
}

/// Makes the account if there is none, and brings its mail.
async fn bring(
    office: &Office,
    planned: &PlannedAccount,
    address: &Address,
    request: &ServerRequest,
    tell: &Tell,
    report: &mut ImportReport,
) -> Result<String, String> {
    let (account, what) = make(office, planned, address, report).await?;
    let aside = mails::open_aside(&request.aside, &planned.address).await?;
    // A quota is for what comes later: all that is there comes.
    let allowance = Allowance::UNLIMITED;
    let options = mails::options(None, request.compare, allowance, Some(aside.clone()));
    let one = One { office, account, options: &options, tell };
    for store in &planned.stores {
        one.bring(store, Some(&planned.home), &*aside, report).await?;
    }
    mails::close_aside(&request.aside, &planned.address);
    info!(account = planned.address, "moved in");
    Ok(what.to_string())
}

async fn make(
    office: &Office,
    planned: &PlannedAccount,
    address: &Address,
    report: &mut ImportReport,
) -> Result<(AccountId, &'static str), String> {
    let admin = office.directory.admin();
    match admin.show_account(address).await {
        Ok(entry) => return Ok((AccountId(entry.id), "there already")),
        Err(AdminError::NoSuchDomain(domain)) => {
            admin.add_domain(&domain).await.map_err(|error| error.to_string())?;
            info!(domain = %domain, "domain added");
        }
        Err(AdminError::NoSuchAccount(_)) => {}
        Err(error) => return Err(error.to_string()),
    }
    let mut new = NewAccount {
        address: address.clone(),
        password: planned.hash.clone().map(NewPassword::Hash),
        quota: Quota { bytes: planned.quota_bytes, messages: None },
        ..NewAccount::new(address.clone(), None)
    };
    let provision = |batch: &mut _, account| office.provision(batch, account);
    let made = match admin.add_account(&new, provision).await {
        Err(AdminError::Password(why)) => {
            report.remarks.push(format!(
                "the password's hash is not one that is read here ({why:?}); set a password with \
                 \"estafeta account set {address} --password-stdin\""
            ));
            new.password = None;
            admin.add_account(&new, provision).await
        }
        made => made,
    };
    let entry = made.map_err(|error| error.to_string())?;
    if !entry.has_password && planned.hash.is_none() {
        report.remarks.push("has no password yet".to_string());
    }
    Ok((AccountId(entry.id), "made"))
}
