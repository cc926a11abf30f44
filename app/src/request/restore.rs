//! The wish for messages of an account from a backup.

use super::{Reply, read_address};
use crate::office::Office;
use crate::progress::{Progress, Tell};
use crate::size;
use core_directory::Directory;
use core_mailbox::Mail;
use core_restore::{Choice, Elsewhere, MailboxReport, Report, Restore, Wanted, restore};
use core_store::{Blobs, Store};
use engine_store_embedded::BackupDirectory;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;
use tracing::info;
use words_mail::{AccountId, Address, MailboxName, Refusal};

/// Bring messages back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RestoreRequest {
    /// From the backups here, from the root.
    pub directory: PathBuf,
    /// Which one; else the newest.
    pub backup: Option<u64>,
    /// Whose.
    pub account: String,
    /// Only of this mailbox.
    pub mailbox: Option<String>,
    /// Only this message.
    pub message: Option<String>,
    /// Into this mailbox.
    pub to: Option<String>,
    /// Those too that the account has in another mailbox?
    pub again: bool,
}

/// Does it.
pub(super) async fn fulfil(
    office: &Office,
    request: RestoreRequest,
    tell: &Tell,
) -> Result<Reply, String> {
    let address = read_address(&request.account)?;
    let wanted = wanted(&request)?;
    let backup = tokio::task::spawn_blocking(move || {
        BackupDirectory::open(&request.directory)?.view(request.backup)
    });
    let backup = backup.await.map_err(|error| error.to_string())?.map_err(|e| e.to_string())?;
    let (keys, blobs): (Arc<dyn Store>, Arc<dyn Blobs>) = (backup.clone(), backup.clone());
    let world = office.world.clone();
    let options = core_directory::Options::default();
    let directory = Directory::new(keys.clone(), world.clone(), options);
    let mail = Mail::new(keys, blobs, world, core_mailbox::Options::default());
    let number = backup.number();
    let from =
        account(&directory, &address).await.map_err(|error| format!("backup {number}: {error}"))?;
    let to = account(&office.directory, &address).await.map_err(|error| {
        format!("{error}; add it with \"estafeta account add\", then its mail can be restored")
    })?;
    let restoring = Restore {
        from: mail.account(from),
        to: office.mail.account(to),
        mail: office.mail.clone(),
    };
    let tell = tell.clone();
    let step = move |mailbox: &MailboxName, done, all| {
        let (what, unit) = (mailbox.to_string(), "messages".to_string());
        tell(Progress { what, done, all: Some(all), unit });
    };
    let restored = restore(&restoring, &wanted, step).await;
    let report = restored.map_err(|refusal| explain(&refusal, number))?;
    let (messages, wanted) = (report.restored(), report.wanted());
    info!(account = %address, backup = number, messages, wanted, "messages restored");
    if wanted == 0 && request.message.is_some() {
        let more = "try another with --backup, see \"estafeta backup list\"";
        return Err(format!("backup {number} has no such message of {address}; {more}"));
    }
    Ok(reply(&address, number, &report))
}

async fn account(directory: &Directory, address: &Address) -> Result<AccountId, String> {
    let entry = directory.admin().show_account(address).await.map_err(|error| error.to_string())?;
    Ok(AccountId(entry.id))
}

fn wanted(request: &RestoreRequest) -> Result<Wanted, String> {
    let mailbox = request.mailbox.as_deref().map(name).transpose()?;
    let message = request.message.as_deref().map(Choice::parse);
    if let (None, Some(Choice::Uid(uid))) = (&mailbox, &message) {
        return Err(format!("{} is a UID; name its mailbox too, with --mailbox", uid.0));
    }
    let to = request.to.as_deref().map(name).transpose()?;
    let elsewhere = if request.again { Elsewhere::Restore } else { Elsewhere::Leave };
    Ok(Wanted { mailbox, message, to, elsewhere })
}

fn name(text: &str) -> Result<MailboxName, String> {
    MailboxName::parse(text).map_err(|error| format!("{text}: {error}"))
}

fn explain(refusal: &Refusal, number: u64) -> String {
    match refusal {
        Refusal::NoSuchMailbox => format!("backup {number} has no such mailbox of this account"),
        refusal => format!(
            "{refusal}; what was brought back until then stays, start again when that is mended"
        ),
    }
}

fn reply(address: &Address, number: u64, report: &Report) -> Reply {
    let mut text = format!("restored to {address} from backup {number}\n");
    for mailbox in &report.mailboxes {
        text += &line(mailbox);
        for unread in &mailbox.unread {
            text += &format!("    UID {} was not restored: {}\n", unread.uid, unread.why);
        }
    }
    let (restored, wanted) = (report.restored(), report.wanted());
    text += &format!("{restored} of {wanted} messages brought back");
    let value = serde_json::json!({
        "account": address.to_string(),
        "backup": number,
        "restored": restored,
        "wanted": wanted,
        "mailboxes": report.mailboxes,
    });
    Reply::Report { text, value, good: report.is_good() }
}

fn line(mailbox: &MailboxReport) -> String {
    let MailboxReport { name, to, made, restored, bytes, there, elsewhere, .. } = mailbox;
    let into = if name == to { String::new() } else { format!(" into {to}") };
    let made = if *made { " (made anew)" } else { "" };
    let mut line =
        format!("  {name}{into}{made}: {restored} brought back ({})", size::round(*bytes));
    if *there > 0 {
        line += &format!(", {there} still there");
    }
    if *elsewhere > 0 {
        line += &format!(", {elsewhere} in other mailboxes by now (--again brings them too)");
    }
    line + "\n"
}
