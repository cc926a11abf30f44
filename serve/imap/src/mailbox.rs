//! Commands on mailboxes as such: STATUS, CREATE, DELETE, RENAME, SUBSCRIBE.

use crate::desk::ImapDesk;
use core_mailbox::Mailboxes;
use proto_imap::ask::{Answer, Status};
use tracing::info;
use words_mail::{AccountId, MailboxId, MailboxName, Refusal, SpecialUse};

impl ImapDesk {
    pub(crate) async fn status(&mut self, name: &MailboxName) -> Result<Answer, Refusal> {
        let mailboxes = self.mailboxes()?;
        let mailbox = mailboxes.find(name).await?;
        Ok(Answer::Status(status_of(&mailboxes, mailbox.id).await?))
    }

    pub(crate) async fn create(
        &mut self,
        name: &MailboxName,
        special_use: Option<SpecialUse>,
    ) -> Result<Answer, Refusal> {
        let mailboxes = self.mailboxes()?;
        let mailbox = mailboxes.create(name, special_use).await?;
        info!(mailbox = %name, "mailbox created");
        Ok(Answer::Created(mailbox_id(mailboxes.account(), mailbox.id)))
    }

    pub(crate) async fn delete(&mut self, name: &MailboxName) -> Result<Answer, Refusal> {
        self.mailboxes()?.delete(name).await?;
        info!(mailbox = %name, "mailbox deleted");
        Ok(Answer::Done)
    }

    pub(crate) async fn rename(
        &mut self,
        from: &MailboxName,
        to: &MailboxName,
    ) -> Result<Answer, Refusal> {
        self.mailboxes()?.rename(from, to).await?;
        info!(mailbox = %from, %to, "mailbox renamed");
        Ok(Answer::Done)
    }

    pub(crate) async fn subscribe(
        &mut self,
        name: &MailboxName,
        subscribed: bool,
    ) -> Result<Answer, Refusal> {
        self.mailboxes()?.subscribe(name, subscribed).await?;
        Ok(Answer::Done)
    }
}

/// The counts of a mailbox.
pub(crate) async fn status_of(mailboxes: &Mailboxes, id: MailboxId) -> Result<Status, Refusal> {
    let status = mailboxes.status(id).await?;
    Ok(Status {
        messages: status.messages,
        unseen: status.unseen,
        deleted: status.deleted,
        deleted_storage: status.deleted_size,
        size: status.size,
        uid_next: status.uid_next,
        uid_validity: status.uid_validity,
        highest_modseq: status.highest_modseq,
        mailbox_id: mailbox_id(mailboxes.account(), id),
    })
}

/// MAILBOXID (RFC 8474 §4): the account is part of it, since the number is unique only inside.
pub(crate) fn mailbox_id(account: AccountId, mailbox: MailboxId) -> String {
    format!("F{}-{}", account.0, mailbox.0)
}
