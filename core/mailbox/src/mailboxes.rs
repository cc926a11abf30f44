//! One account's mailboxes.

use crate::mail::{Inner, UNREADABLE, refuse};
use crate::name::Name;
use crate::{Mailbox, Status, View, key};
use core_store::Scan;
use std::sync::Arc;
use words_mail::{AccountId, MailboxId, MailboxName, ModSeq, Refusal, Uid};

/// The mailboxes of one account: holding this is the authority to use them. Cheap to clone.
#[derive(Clone)]
pub struct Mailboxes {
    pub(crate) inner: Arc<Inner>,
    pub(crate) account: AccountId,
}

impl Mailboxes {
    pub(crate) fn new(inner: Arc<Inner>, account: AccountId) -> Mailboxes {
        Mailboxes { inner, account }
    }

    /// Whose.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// Every mailbox, by name, INBOX first.
    pub async fn list(&self) -> Result<Vec<Mailbox>, Refusal> {
        let names = self.names().await?;
        let mut list: Vec<Mailbox> =
            names.iter().filter_map(|(name, n)| n.to_mailbox(name)).collect();
        list.sort_by(|a, b| (!a.name.is_inbox(), &a.name).cmp(&(!b.name.is_inbox(), &b.name)));
        Ok(list)
    }

    /// Names that are subscribed though no mailbox has them.
    pub async fn subscribed_without_mailbox(&self) -> Result<Vec<MailboxName>, Refusal> {
        let names = self.names().await?;
        Ok(names.into_iter().filter(|(_, n)| n.mailbox.is_none()).map(|(name, _)| name).collect())
    }

    async fn names(&self) -> Result<Vec<(MailboxName, Name)>, Refusal> {
        let snapshot = self.inner.snapshot().await?;
        let mut names = Vec::new();
        let mut rest = Some(key::names(self.account));
        while let Some(range) = rest {
            let page = snapshot.scan(Scan::rising(range)).await.map_err(refuse)?;
            for (key, value) in &page.pairs {
                let name = key::name_of(key).ok_or(UNREADABLE)?;
                names.push((name, Name::decode(value).ok_or(UNREADABLE)?));
            }
            rest = page.rest;
        }
        Ok(names)
    }

    /// The mailbox of that name. Errors: `NoSuchMailbox`.
    pub async fn find(&self, name: &MailboxName) -> Result<Mailbox, Refusal> {
        let value = self.inner.get(&key::name(self.account, name)).await?;
        let value = value.ok_or(Refusal::NoSuchMailbox)?;
        let found = Name::decode(&value).ok_or(UNREADABLE)?;
        found.to_mailbox(name).ok_or(Refusal::NoSuchMailbox)
    }

    /// Its counts.
    pub async fn status(&self, mailbox: MailboxId) -> Result<Status, Refusal> {
        let keys = [
            key::mailbox(self.account, mailbox),
            key::counts(self.account, mailbox),
            key::last_uid(self.account, mailbox),
            key::highest_modseq(self.account, mailbox),
        ];
        let [there, counts, last_uid, highest] = self.inner.get_many(keys).await?;
        let there = there.ok_or(Refusal::NoSuchMailbox)?;
        let numbered = crate::name::Numbered::decode(&there).ok_or(UNREADABLE)?;
        let counts = crate::count::Counts::decode(counts.as_ref());
        let uid_next = crate::octets::counter(last_uid.as_ref()).saturating_add(1);
        let highest = crate::octets::counter(highest.as_ref());
        Ok(Status {
            messages: counts.messages.max(0) as u64,
            unseen: counts.unseen.max(0) as u64,
            deleted: counts.deleted.max(0) as u64,
            deleted_size: counts.deleted_size.max(0) as u64,
            size: counts.size.max(0) as u64,
            uid_next: Uid(u32::try_from(uid_next).unwrap_or(u32::MAX)),
            uid_validity: numbered.uid_validity,
            highest_modseq: ModSeq(highest.max(1)),
        })
    }

    /// Opens a mailbox; shared if it is open already.
    pub async fn open(&self, name: &MailboxName) -> Result<Arc<View>, Refusal> {
        let mailbox = self.find(name).await?;
        let view = self.inner.views.open(&self.inner, self.account, mailbox);
        view.refresh().await?;
        Ok(view)
    }
}
