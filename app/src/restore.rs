//! `estafeta restore`: everything to an empty directory, or messages into the server that runs.

use crate::backup::{from_root, moment};
use crate::cli::Restore;
use crate::data::Data;
use crate::office::Office;
use crate::operator;
use crate::print::{self, Output};
use crate::progress;
use crate::request::{Reply, Request, RestoreRequest, told};
use crate::size::round;
use anyhow::{Context, Result, anyhow, bail};
use core_directory::Admin;
use engine_store_embedded::{BackupDirectory, EmbeddedStore, RestoreReport};
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use words_mail::{AccountId, Address};

/// Accounts that are read at once.
const PAGE: usize = 1000;

/// Does it.
pub fn run(options: Restore, data: Option<&Path>, output: Output) -> Result<ExitCode> {
    let Restore { directory, backup, to, account, mailbox, message, again } = options;
    let Some(account) = account else {
        return everything(&directory, backup, &PathBuf::from(to.unwrap_or_default()), output);
    };
    let directory = from_root(&directory)?;
    let account = account.to_string();
    let request = RestoreRequest { directory, backup, account, mailbox, message, to, again };
    operator::run(Ok(Request::Restore(request)), data, output)
}

fn everything(
    directory: &Path,
    backup: Option<u64>,
    to: &Path,
    output: Output,
) -> Result<ExitCode> {
    let backups = BackupDirectory::open(directory)?;
    make(to)?;
    let data = Data::in_directory(to);
    let tell = progress::on_terminal();
    let mut watch = |progress: engine_store_embedded::Progress<'_>| {
        tell(told(progress));
        true
    };
    let report = backups.restore(backup, &data.store(), &mut watch)?;
    let accounts = pass_over_numbers(&data)?;
    let check = EmbeddedStore::check_offline(&data.store())?;
    let good = check.is_clean();
    let RestoreReport { number, begun, records, bodies, files, bytes, took } = report;
    let text = format!(
        "backup {number} of {} restored to {} in {:.1} s\n\
         bodies    {bodies:>7}\n\
         records   {records:>7}\n\
         files     {files:>7}       {}\n\
         accounts  {accounts:>7}\n\
         {check}\n\
         {}",
        moment(begun),
        to.display(),
        took.as_secs_f64(),
        round(bytes),
        next(to, good)
    );
    let value = serde_json::json!({
        "backup": number,
        "taken": moment(begun),
        "to": to,
        "bodies": bodies,
        "records": records,
        "files": files,
        "bytes": bytes,
        "accounts": accounts,
        "good": good,
        "findings": check.findings.iter().map(ToString::to_string).collect::<Vec<_>>(),
    });
    print::reply(&Reply::Report { text, value, good }, output)?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn next(to: &Path, good: bool) -> String {
    match good {
        true => format!(
            "next: give {} to the user of the server, let the configuration's data name it, start",
            to.display()
        ),
        false => "what is named above was damaged already, or is now; the rest is good".to_string(),
    }
}

/// The directory, made if there is none; nothing may be in it.
fn make(to: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(to)
        .and_then(|()| fs::read_dir(to))
        .with_context(|| format!("cannot make {}", to.display()))?
        .next()
        .map_or(Ok(()), |_| {
            bail!("{} is not empty; name a directory that is, or a new one", to.display())
        })
}

/// Clients may know numbers given after the backup: none of them may be given again.
fn pass_over_numbers(data: &Data) -> Result<u64> {
    let office = Office::open(data)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(async {
        let admin = office.directory.admin();
        let mut count = 0;
        let mut after = None;
        while let Some((ids, last)) = page(&admin, after.as_ref()).await? {
            for id in ids {
                let mailboxes = office.mail.account(AccountId(id));
                mailboxes
                    .skip_numbers()
                    .await
                    .map_err(|refusal| anyhow!("account {id}: {refusal}"))?;
                count += 1;
            }
            after = Some(last);
        }
        Ok(count)
    });
    office.store.close();
    done
}

/// The next accounts, and the last one's address.
async fn page(admin: &Admin<'_>, after: Option<&Address>) -> Result<Option<(Vec<u32>, Address)>> {
    let page = admin.list_accounts(None, after, PAGE).await?;
    let Some(last) = page.last() else { return Ok(None) };
    let last = Address::parse(&last.address)?;
    Ok(Some((page.iter().map(|entry| entry.id).collect(), last)))
}
