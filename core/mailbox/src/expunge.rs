//! Taking messages out.

use crate::draft::Draft;
use crate::{ATTEMPTS_MAX, Mailboxes, View};
use words_mail::{MailboxId, NumberSet, Refusal, SystemFlag, Uid};

/// Most messages that leave in one commit: four operations each, within the store's 20,000.
const EXPUNGED_MAX: usize = 4_000;

/// Which of the messages named are taken out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    /// Those with `\Deleted`.
    Deleted,
    /// All.
    All,
}

impl Mailboxes {
    /// Removes those of `uids` that have `\Deleted` (all that have it, if `None`); tells which.
    pub async fn expunge(
        &self,
        view: &View,
        uids: Option<&NumberSet>,
    ) -> Result<NumberSet, Refusal> {
        let _turn = view.turn.lock().await;
        let rows = view.refresh().await?;
        let deleted = rows.iter_from(0).map(|(_, row)| row);
        let deleted = deleted.filter(|row| row.flags.contains(SystemFlag::Deleted));
        let uids: Vec<Uid> = deleted
            .map(|row| row.uid)
            .filter(|uid| uids.is_none_or(|uids| uids.contains(uid.0)))
            .collect();
        self.take_out(view.mailbox().id, &uids, Which::Deleted).await
    }

    /// Removes `uids` whatever their flags (POP3 QUIT), in one commit where limits allow.
    pub async fn remove(&self, view: &View, uids: &NumberSet) -> Result<NumberSet, Refusal> {
        let _turn = view.turn.lock().await;
        let uids = view.refresh().await?.uids_in(uids);
        self.take_out(view.mailbox().id, &uids, Which::All).await
    }

    /// Removes messages that a copy has just made, of which not all could be made.
    pub(crate) async fn undo(&self, mailbox: MailboxId, uids: &[Uid]) -> Result<(), Refusal> {
        self.take_out(mailbox, uids, Which::All).await.map(|_| ())
    }

    async fn take_out(
        &self,
        mailbox: MailboxId,
        uids: &[Uid],
        which: Which,
    ) -> Result<NumberSet, Refusal> {
        let mut gone = NumberSet::new();
        let mut rest = uids;
        while !rest.is_empty() {
            let page = &rest[..rest.len().min(EXPUNGED_MAX)];
            let count = self.take_out_page(mailbox, page, which, &mut gone).await?;
            rest = &rest[count..];
        }
        Ok(gone)
    }

    /// Removes as many of `uids` as fit into one commit; tells how many were dealt with.
    async fn take_out_page(
        &self,
        mailbox: MailboxId,
        uids: &[Uid],
        which: Which,
        gone: &mut NumberSet,
    ) -> Result<usize, Refusal> {
        for _ in 0..ATTEMPTS_MAX {
            let records = self.inner.records(self.account, mailbox, uids).await?;
            let mut draft = Draft::new();
            let mut page = Vec::new();
            let mut count = 0;
            for record in records {
                if draft.is_full() {
                    break;
                }
                count += 1;
                let Some(record) = record else { continue };
                if which == Which::Deleted && !record.row.flags.contains(SystemFlag::Deleted) {
                    continue;
                }
                draft.expunge(self.account, mailbox, &record);
                draft.release(record.row.blob);
                page.push(record.row.uid.0);
            }
            if self.inner.done(draft).await? {
                page.into_iter().for_each(|uid| gone.insert(uid));
                return Ok(count);
            }
        }
        Err(Refusal::Unavailable)
    }
}
