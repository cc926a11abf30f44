//! Changing flags.

use crate::draft::Draft;
use crate::hot::{self, Keywords, Record};
use crate::mail::{Inner, UNREADABLE, refuse};
use crate::{ATTEMPTS_MAX, Mailboxes, View, key};
use core_store::{Key, StoreError};
use words_mail::{AccountId, Flags, MailboxId, ModSeq, NumberSet, Refusal, Uid};

/// Most messages whose flags change in one commit.
const FLAGGED_MAX: usize = 1_000;

/// How flags are to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlagChange {
    /// Just these from now on.
    Set(Flags),
    /// These too.
    Add(Flags),
    /// Not these.
    Remove(Flags),
}

impl FlagChange {
    /// The flags after the change.
    pub fn apply(&self, flags: &Flags) -> Flags {
        let mut changed = flags.clone();
        match self {
            FlagChange::Set(flags) => changed = flags.clone(),
            FlagChange::Add(flags) => changed.add(flags),
            FlagChange::Remove(flags) => changed.remove(flags),
        }
        changed
    }
}

/// What changing flags did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// UIDs whose flags are now as asked, changed or not.
    pub done: NumberSet,
    /// UIDs left alone, since they had changed after `unchanged_since`.
    pub modified: NumberSet,
}

impl Mailboxes {
    /// Changes the flags of `uids`; those that are gone are passed over. Flags that change nothing
    /// cost no commit.
    pub async fn store_flags(
        &self,
        view: &View,
        uids: &NumberSet,
        change: &FlagChange,
        unchanged_since: Option<ModSeq>,
    ) -> Result<Stored, Refusal> {
        let _turn = view.turn.lock().await;
        let uids = view.refresh().await?.uids_in(uids);
        let mut stored = Stored::default();
        let mut rest = uids.as_slice();
        while !rest.is_empty() {
            let page = &rest[..rest.len().min(FLAGGED_MAX)];
            let count = self
                .store_page(view.mailbox().id, page, change, unchanged_since, &mut stored)
                .await?;
            rest = &rest[count..];
        }
        Ok(stored)
    }

    /// Changes the flags of as many of `uids` as fit into one commit; tells how many, at least one.
    async fn store_page(
        &self,
        mailbox: MailboxId,
        uids: &[Uid],
        change: &FlagChange,
        unchanged_since: Option<ModSeq>,
        stored: &mut Stored,
    ) -> Result<usize, Refusal> {
        for _ in 0..ATTEMPTS_MAX {
            let records = self.inner.records(self.account, mailbox, uids).await?;
            let mut draft = Draft::new();
            let mut page = Stored::default();
            let mut count = 0;
            for record in records {
                if draft.is_full() {
                    break;
                }
                count += 1;
                let Some(record) = record else { continue };
                if unchanged_since.is_some_and(|since| record.row.modseq > since) {
                    page.modified.insert(record.row.uid.0);
                    continue;
                }
                page.done.insert(record.row.uid.0);
                let flags = change.apply(&record.row.flags);
                if flags != record.row.flags {
                    draft.reflag(self.account, mailbox, &record, flags);
                }
            }
            if !self.inner.done(draft).await? {
                continue;
            }
            page.done.iter().for_each(|uid| stored.done.insert(uid));
            page.modified.iter().for_each(|uid| stored.modified.insert(uid));
            return Ok(count);
        }
        Err(Refusal::Unavailable)
    }
}

impl Inner {
    /// The records of messages, in the order of `uids`, `None` where one is gone.
    pub(crate) async fn records(
        &self,
        account: AccountId,
        mailbox: MailboxId,
        uids: &[Uid],
    ) -> Result<Vec<Option<Record>>, Refusal> {
        let keys: Vec<Key> = uids.iter().map(|uid| key::hot(account, mailbox, *uid)).collect();
        let values = self.get_list(&keys).await?;
        let mut keywords = Keywords::default();
        let mut records = Vec::with_capacity(values.len());
        for (uid, value) in uids.iter().zip(values) {
            records.push(match value {
                Some(octets) => {
                    let row = hot::decode(*uid, &octets, &mut keywords).ok_or(UNREADABLE)?;
                    Some(Record { row, octets })
                }
                None => None,
            });
        }
        Ok(records)
    }

    /// Commits, if there is anything to commit. `false`: a conflict, read again.
    pub(crate) async fn done(&self, draft: Draft) -> Result<bool, Refusal> {
        if draft.is_empty() {
            return Ok(true);
        }
        match draft.commit(self).await {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict { .. }) => Ok(false),
            Err(error) => Err(refuse(error)),
        }
    }
}
