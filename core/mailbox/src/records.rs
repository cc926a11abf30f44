//! Changing messages by their records, in pages of which each is one commit.

use crate::draft::Draft;
use crate::hot::{self, Keywords, Record};
use crate::mail::{Inner, UNREADABLE, refuse};
use crate::{ATTEMPTS_MAX, Mailboxes, key};
use core_store::{Key, StoreError};
use words_mail::{AccountId, MailboxId, Refusal, Uid};

impl Mailboxes {
    /// Changes the messages `uids`, at most `page_max` in one commit; those that are gone are passed
    /// over. `change` is asked again where somebody else was faster; what it tells of a message is
    /// told when that is done.
    pub(crate) async fn change_records<T>(
        &self,
        mailbox: MailboxId,
        uids: &[Uid],
        page_max: usize,
        change: impl Fn(&mut Draft, &Record) -> Option<T>,
    ) -> Result<Vec<T>, Refusal> {
        let mut told = Vec::new();
        let mut rest = uids;
        while !rest.is_empty() {
            let page = &rest[..rest.len().min(page_max)];
            let (count, more) = self.change_page(mailbox, page, &change).await?;
            told.extend(more);
            rest = &rest[count..];
        }
        Ok(told)
    }

    /// Changes as many of `uids` as fit into one commit; tells how many, at least one.
    async fn change_page<T>(
        &self,
        mailbox: MailboxId,
        uids: &[Uid],
        change: &impl Fn(&mut Draft, &Record) -> Option<T>,
    ) -> Result<(usize, Vec<T>), Refusal> {
        for _ in 0..ATTEMPTS_MAX {
            let records = self.inner.records(self.account, mailbox, uids).await?;
            let mut draft = Draft::new();
            let mut told = Vec::new();
            let mut count = 0;
            for record in records {
                if draft.is_full() {
                    break;
                }
                count += 1;
                told.extend(record.and_then(|record| change(&mut draft, &record)));
            }
            if self.inner.done(draft).await? {
                return Ok((count, told));
            }
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
