//! Taking messages out.

use crate::expunged::Keeping;
use crate::{Mailboxes, View};
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
    /// Removes those of `uids` that have `\Deleted` (all that have it, if `None`); tells which. They
    /// can be recovered for a while.
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
        self.expunge_from(view.mailbox().id, &uids, Which::Deleted).await
    }

    /// Removes `uids` whatever their flags (POP3 QUIT), in one commit where limits allow. They can
    /// be recovered for a while.
    pub async fn remove(&self, view: &View, uids: &NumberSet) -> Result<NumberSet, Refusal> {
        let _turn = view.turn.lock().await;
        let uids = view.refresh().await?.uids_in(uids);
        self.expunge_from(view.mailbox().id, &uids, Which::All).await
    }

    /// Removes messages that a copy has just made, of which not all could be made; for good.
    pub(crate) async fn undo(&self, mailbox: MailboxId, uids: &[Uid]) -> Result<(), Refusal> {
        self.take_out(mailbox, uids, Which::All, None).await.map(|_| ())
    }

    async fn expunge_from(
        &self,
        mailbox: MailboxId,
        uids: &[Uid],
        which: Which,
    ) -> Result<NumberSet, Refusal> {
        if uids.is_empty() {
            return Ok(NumberSet::new());
        }
        let keeping = self.inner.keeping_from(self.account, mailbox).await?;
        self.take_out(mailbox, uids, which, keeping.as_ref()).await
    }

    async fn take_out(
        &self,
        mailbox: MailboxId,
        uids: &[Uid],
        which: Which,
        keeping: Option<&Keeping>,
    ) -> Result<NumberSet, Refusal> {
        let gone = self.change_records(mailbox, uids, EXPUNGED_MAX, |draft, record| {
            if which == Which::Deleted && !record.row.flags.contains(SystemFlag::Deleted) {
                return None;
            }
            draft.expunge(self.account, mailbox, record);
            draft.let_go(self.account, mailbox, record, keeping);
            Some(record.row.uid.0)
        });
        Ok(gone.await?.into_iter().collect())
    }
}
