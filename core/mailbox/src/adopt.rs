//! Mailboxes that have been elsewhere before: their UIDs go on to mean what they meant.

use crate::count::Counts;
use crate::draft::Draft;
use crate::names::check_new;
use crate::tree::Tree;
use crate::{ATTEMPTS_MAX, Mailbox, Mailboxes, key};
use core_store::Batch;
use words_mail::{MailboxName, Refusal, Uid, UidValidity};

/// Greatest UIDVALIDITY that is taken over: greater ones must be left for names made again.
const UID_VALIDITY_MAX: u32 = u32::MAX - (1 << 24);
/// Greatest UID that is taken over: a mailbox must be left some.
pub(crate) const UID_MAX: u32 = u32::MAX - (1 << 24);

impl Mailboxes {
    /// The mailbox `name`, made if there is none, with this UIDVALIDITY and UIDNEXT if that can be:
    /// if the mailbox is empty, or has that validity already. Look at what it has in the end.
    ///
    /// An empty mailbox is replaced by a new one: sessions that have it open meet what they would
    /// meet if it had been removed, since under one validity no UID means two messages.
    /// Errors: as [`Mailboxes::create`].
    pub async fn adopt(
        &self,
        name: &MailboxName,
        uid_validity: UidValidity,
        uid_next: Uid,
    ) -> Result<Mailbox, Refusal> {
        for _ in 0..ATTEMPTS_MAX {
            if let Some(mailbox) = self.adopt_now(name, uid_validity, uid_next).await? {
                return Ok(mailbox);
            }
        }
        Err(Refusal::Unavailable)
    }

    /// `None`: somebody else changed something meanwhile.
    async fn adopt_now(
        &self,
        name: &MailboxName,
        uid_validity: UidValidity,
        uid_next: Uid,
    ) -> Result<Option<Mailbox>, Refusal> {
        let mut tree = Tree::read(&self.inner, self.account).await?;
        if !tree.is_provisioned() {
            return Err(Refusal::NoSuchMailbox);
        }
        let is_possible = (1..=UID_VALIDITY_MAX).contains(&uid_validity.0);
        let mut empty = None;
        match tree.mailbox(name) {
            Ok(mailbox) if mailbox.uid_validity == uid_validity => {
                return self.raise_uids(mailbox, uid_next).await;
            }
            Ok(mailbox) => {
                let counts = self.inner.get(&key::counts(self.account, mailbox.id)).await?;
                if Counts::decode(counts.as_ref()).messages != 0 || !is_possible {
                    return Ok(Some(mailbox));
                }
                empty = Some((key::counts(self.account, mailbox.id), counts));
            }
            Err(_) => {
                check_new(&tree, name)?;
                tree.make(name, None);
                self.check_count(&tree)?;
            }
        }
        if is_possible {
            tree.replace(name, uid_validity);
        }
        let mailbox = tree.mailbox(name)?;
        let mut draft = tree.draft(self.account, Batch::new());
        if let Some((counts, octets)) = empty {
            draft.expect_as(counts, octets);
        }
        if is_possible && uid_next.0 <= UID_MAX {
            draft.raise_uids(self.account, mailbox.id, uid_next);
        }
        Ok(self.inner.done(draft).await?.then_some(mailbox))
    }

    /// The mailbox gives no UID below `uid_next` any more. `None`: try again.
    async fn raise_uids(
        &self,
        mailbox: Mailbox,
        uid_next: Uid,
    ) -> Result<Option<Mailbox>, Refusal> {
        let (octets, _) = self.inner.target(self.account, mailbox.id).await?;
        if uid_next.0 > UID_MAX || uid_next <= self.status(mailbox.id).await?.uid_next {
            return Ok(Some(mailbox));
        }
        let mut draft = Draft::new();
        draft.expect(key::mailbox(self.account, mailbox.id), octets);
        draft.raise_uids(self.account, mailbox.id, uid_next);
        // Whoever has it open learns of it.
        draft.alter(self.account, mailbox.id);
        Ok(self.inner.done(draft).await?.then_some(mailbox))
    }
}
