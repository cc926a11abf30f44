//! Bringing a whole source into an account.

use crate::import_folder::FolderImport;
use crate::known::Known;
use crate::report::{FolderReport, ImportReport};
use crate::source::{Folder, Found, Source, Told};
use crate::{MoveError, SourceError, compare};
use core_mailbox::{Allowance, Mail, Mailbox, Mailboxes};
use core_store::Store;
use core_world::Tree;
use std::sync::Arc;
use words_mail::{AccountId, MailboxName, Refusal, Uid};

/// Messages looked at together in a dry run.
const PAGE: usize = 1_000;
/// Remarks of all folders that are told.
const REMARKS_MAX: usize = 1_000;

/// How a source is brought.
#[derive(Clone)]
pub struct ImportOptions {
    /// Where to, if not to mailboxes of the same names: INBOX becomes this one, others go below it.
    pub into: Option<MailboxName>,
    /// Read both sides of every message in the end and compare the octets.
    pub compare_bodies: bool,
    /// How much the account may keep.
    pub allowance: Allowance,
    /// The largest message that is taken.
    pub size_max: u64,
    /// Where larger ones go, if anywhere.
    pub aside: Option<Arc<dyn Tree>>,
}

/// Brings mail into accounts.
#[derive(Clone)]
pub struct Importer {
    pub(crate) mail: Mail,
    pub(crate) store: Arc<dyn Store>,
}

impl Importer {
    /// Into the mailboxes of `mail`, which are kept in `store`.
    pub fn new(mail: Mail, store: Arc<dyn Store>) -> Importer {
        Importer { mail, store }
    }

    /// Tells what a source has and what of it would come; changes nothing.
    pub async fn plan(
        &self,
        account: Option<AccountId>,
        source: &mut dyn Source,
        options: &ImportOptions,
        told: &dyn Told,
    ) -> Result<ImportReport, MoveError> {
        let kind = source.kind();
        let found = source.folders().await?;
        let mut report = ImportReport { remarks: found.remarks, ..ImportReport::default() };
        for folder in &found.folders {
            let name = target_name(folder, options.into.as_ref())?;
            let boxes = account.map(|account| self.mail.account(account));
            let here = match &boxes {
                Some(boxes) => find(boxes, &name).await?,
                None => None,
            };
            let mut opened = source.open(folder).await?;
            let mut one = FolderReport {
                place: folder.place.clone(),
                mailbox: name.to_string(),
                octets: Some(opened.octets().await?),
                source_uid_validity: opened.numbers().uid_validity.map_or(0, |v| v.0),
                uid_validity: here.as_ref().map_or(0, |mailbox| mailbox.uid_validity.0),
                ..FolderReport::default()
            };
            loop {
                let items = opened.next(PAGE).await?;
                if items.is_empty() {
                    break;
                }
                one.found += items.len() as u64;
                if let (Some(boxes), Some(here)) = (&boxes, &here) {
                    let keys = items.iter().map(|i| crate::import_folder::key(kind, here.id, i));
                    let keys: Vec<Vec<u8>> = keys.map(|key| key.to_vec()).collect();
                    let brought = boxes.brought(crate::import_folder::id(kind), &keys).await?;
                    one.already += brought.iter().flatten().count() as u64;
                }
                told.progress(&one.mailbox, one.found, opened.numbers().messages);
            }
            one.brought = one.found - one.already;
            report.remarks.extend(opened.remarks());
            report.folders.push(one);
        }
        report.remarks.truncate(REMARKS_MAX);
        Ok(report)
    }

    /// Brings what has not come yet. What stops it is told in the report, together with what was
    /// done until then; running it again goes on.
    pub async fn import(
        &self,
        account: AccountId,
        source: &mut dyn Source,
        options: &ImportOptions,
        told: &dyn Told,
    ) -> ImportReport {
        let mut report = ImportReport::default();
        if let Err(error) = self.import_into(account, source, options, told, &mut report).await {
            report.ended = Some(error.to_string());
        }
        report.remarks.truncate(REMARKS_MAX);
        report
    }

    async fn import_into(
        &self,
        account: AccountId,
        source: &mut dyn Source,
        options: &ImportOptions,
        told: &dyn Told,
        report: &mut ImportReport,
    ) -> Result<(), MoveError> {
        let found = source.folders().await?;
        report.remarks.extend(found.remarks.iter().cloned());
        let boxes = self.mail.account(account);
        let mut all_new = true;
        for folder in &found.folders {
            all_new &= self.folder(&boxes, source, folder, options, told, report).await?;
        }
        if all_new && options.into.is_none() {
            subscribe(&boxes, &found).await?;
        }
        Ok(())
    }

    /// Brings one folder; tells whether it came for the first time.
    async fn folder(
        &self,
        boxes: &Mailboxes,
        source: &mut dyn Source,
        folder: &Folder,
        options: &ImportOptions,
        told: &dyn Told,
        report: &mut ImportReport,
    ) -> Result<bool, MoveError> {
        let kind = source.kind();
        let name = target_name(folder, options.into.as_ref())?;
        let mut opened = source.open(folder).await?;
        let numbers = opened.numbers();
        let (target, is_new) = self.target(boxes, folder, &name, numbers).await?;
        let mut import = FolderImport::new(self, boxes, kind, &target, options);
        import.report = FolderReport {
            place: folder.place.clone(),
            mailbox: name.to_string(),
            source_uid_validity: numbers.uid_validity.map_or(0, |validity| validity.0),
            uid_validity: target.uid_validity.0,
            ..FolderReport::default()
        };
        let outcome = import.bring(&mut *opened, numbers, told).await;
        report.remarks.extend(opened.remarks());
        drop(opened);
        let (mut one, expected) = import.finish();
        let keeps_uids = numbers.uid_validity == Some(target.uid_validity);
        let mut compared = Ok(());
        if outcome.is_ok() {
            compared = compare::rows(boxes, &name, expected, keeps_uids, &mut one).await;
            if options.compare_bodies && compared.is_ok() {
                let mut opened = source.open(folder).await?;
                compared =
                    compare::bodies(boxes, &target, kind, &mut *opened, told, &mut one).await;
            }
        }
        report.folders.push(one);
        outcome.and(compared).map(|()| is_new)
    }

    /// The mailbox that a folder goes into, and whether nothing was brought into it before.
    async fn target(
        &self,
        boxes: &Mailboxes,
        folder: &Folder,
        name: &MailboxName,
        numbers: crate::Numbers,
    ) -> Result<(Mailbox, bool), MoveError> {
        let here = find(boxes, name).await?;
        if let Some(here) = &here {
            let known = Known::new(self.store.clone(), boxes.account(), here.id);
            if !known.is_empty().await? {
                return Ok((here.clone(), false));
            }
        }
        let was_empty = match &here {
            Some(here) => boxes.status(here.id).await?.messages == 0,
            None => {
                make(boxes, folder, name).await?;
                true
            }
        };
        let target = match numbers.uid_validity {
            // UIDNEXT is raised when the messages with UIDs are there.
            Some(validity) => boxes.adopt(name, validity, Uid(1)).await?,
            None => boxes.find(name).await?,
        };
        if let Some(subscribed) = folder.subscribed.filter(|_| was_empty)
            && subscribed != target.subscribed
        {
            boxes.subscribe(name, subscribed).await?;
        }
        Ok((target, true))
    }
}

async fn find(boxes: &Mailboxes, name: &MailboxName) -> Result<Option<Mailbox>, MoveError> {
    match boxes.find(name).await {
        Ok(mailbox) => Ok(Some(mailbox)),
        Err(Refusal::NoSuchMailbox) => Ok(None),
        Err(refusal) => Err(refusal.into()),
    }
}

/// Makes a mailbox, for its special use if that is free.
async fn make(boxes: &Mailboxes, folder: &Folder, name: &MailboxName) -> Result<(), MoveError> {
    let outcome = match boxes.create(name, folder.special_use).await {
        Err(Refusal::NotPermitted(_)) => boxes.create(name, None).await,
        outcome => outcome,
    };
    match outcome {
        Ok(_) | Err(Refusal::MailboxExists) => Ok(()),
        Err(refusal) => Err(refusal.into()),
    }
}

/// Subscriptions to what has no mailbox.
async fn subscribe(boxes: &Mailboxes, found: &Found) -> Result<(), MoveError> {
    for name in &found.subscribed {
        boxes.subscribe(name, true).await?;
    }
    Ok(())
}

/// What a folder is called here.
fn target_name(folder: &Folder, into: Option<&MailboxName>) -> Result<MailboxName, MoveError> {
    let Some(into) = into else { return Ok(folder.name.clone()) };
    if folder.name.is_inbox() {
        return Ok(into.clone());
    }
    let name = format!("{into}/{}", folder.name);
    MailboxName::parse(&name).map_err(|error| {
        MoveError::Source(SourceError::Failed(format!("{name} can be no mailbox here: {error}")))
    })
}
