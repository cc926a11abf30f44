//! Clearing away: messages of removed mailboxes, removed accounts, old entries of the log;
//! [`crate::expiry`] does the same for expunged messages. Small
//! units, each one commit, that may be broken off anywhere and taken up again.

use crate::count::Counts;
use crate::draft::Draft;
use crate::expiry::Which;
use crate::hot::{self, Keywords, Record};
use crate::mail::{Inner, Mail, UNREADABLE, refuse};
use crate::name::Doomed;
use crate::tree::Tree;
use crate::{ATTEMPTS_MAX, key, octets};
use core_store::{Batch, Key, Scan};
use std::ops::Range;
use std::sync::PoisonError;
use words_mail::{AccountId, MailboxId, ModSeq, Refusal};

/// Most messages that are cleared away in one commit.
const CLEARED_MAX: usize = 2_000;
/// Most entries of a log that are trimmed in one commit.
const TRIMMED_MAX: usize = 5_000;
/// Most octets that are read for one commit.
const READ_MAX: usize = 1 << 20;

impl Mail {
    /// Does one small unit of what is to be done some time: clears away after removed mailboxes, trims
    /// logs that have grown, gives up expunged messages whose time has come. `true` when nothing is left for now. To be called at the start, and
    /// then every minute or so, until then.
    pub async fn tidy_page(&self) -> Result<bool, Refusal> {
        if !self.clear_page().await? {
            return Ok(false);
        }
        let grown = || self.inner.grown.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(account) = grown().pop() else {
            return self.expire_page().await;
        };
        if !self.trim_page(account).await? {
            grown().push(account);
        }
        Ok(false)
    }

    /// Clears away one page of messages of removed mailboxes, whoever's. `true` when nothing is
    /// left. To be called at the start until then: a removal may have been broken off.
    pub async fn clear_page(&self) -> Result<bool, Refusal> {
        let page = self.inner.scan(Scan::rising(key::all_doomed()).at_most(1)).await?;
        let Some((key, _)) = page.pairs.first() else {
            return Ok(true);
        };
        let (account, mailbox) = key::mailbox_of(key).ok_or(UNREADABLE)?;
        self.inner.clear_page_of(account, mailbox).await?;
        Ok(false)
    }

    /// Removes all mailboxes and messages of a removed account, in pages, each one commit. `true`
    /// when nothing is left.
    pub async fn remove_account_page(&self, account: AccountId) -> Result<bool, Refusal> {
        if self.inner.remove_names(account).await? {
            return Ok(false);
        }
        let page = self.inner.scan(Scan::rising(key::doomed_of(account)).at_most(1)).await?;
        if let Some((key, _)) = page.pairs.first() {
            let (_, mailbox) = key::mailbox_of(key).ok_or(UNREADABLE)?;
            self.inner.clear_page_of(account, mailbox).await?;
            return Ok(false);
        }
        if !self.inner.give_up_page(account, Which::All).await? {
            return Ok(false);
        }
        let whole_log = key::log(account, ModSeq(0), ModSeq(u64::MAX - 1));
        if self.inner.delete_page(whole_log).await? {
            return Ok(false);
        }
        if self.inner.delete_page(key::brought_to(account)).await? {
            return Ok(false);
        }
        let tree = Tree::read(&self.inner, account).await?;
        if !tree.names.is_empty() {
            return Ok(false);
        }
        let mut draft = Draft::new();
        tree.expect_unchanged(&mut draft, account);
        draft.delete(key::tree(account));
        draft.delete(key::modseq(account));
        draft.delete(key::trimmed(account));
        draft.delete(key::usage(account));
        draft.delete(key::expunged_sums(account));
        self.inner.done(draft).await
    }

    /// Forgets one page of old entries of the account's log, but keeps at least
    /// [`crate::Options::log_min`]. `true` when nothing is left to forget.
    pub async fn trim_page(&self, account: AccountId) -> Result<bool, Refusal> {
        let keys = [key::modseq(account), key::trimmed(account)];
        let [newest, trimmed] = self.inner.get_many(keys).await?;
        let from = ModSeq(octets::counter(trimmed.as_ref()));
        let newest = octets::counter(newest.as_ref());
        let through = newest.saturating_sub(self.inner.options.log_min);
        let through = ModSeq(through.min(from.0.saturating_add(TRIMMED_MAX as u64)));
        if through <= from {
            return Ok(true);
        }
        let mut draft = Draft::new();
        draft.expect_as(key::trimmed(account), trimmed);
        draft.put(key::trimmed(account), through.0.to_be_bytes().to_vec());
        let range = key::log(account, from, through);
        self.inner.keys(range).await?.into_iter().for_each(|key| draft.delete(key));
        // If another trims at the same time one of the two wins; either way there may be more.
        self.inner.done(draft).await?;
        Ok(false)
    }
}

impl Inner {
    /// Clears away one page of a removed mailbox. `true` when nothing of it is left.
    pub(crate) async fn clear_page_of(
        &self,
        account: AccountId,
        mailbox: MailboxId,
    ) -> Result<bool, Refusal> {
        for _ in 0..ATTEMPTS_MAX {
            let Some(mark) = self.get(&key::doomed(account, mailbox)).await? else {
                return Ok(true);
            };
            let scan = Scan::rising(key::hots(account, mailbox)).at_most(CLEARED_MAX);
            let page = self.scan(Scan { bytes_max: READ_MAX, ..scan }).await?;
            let keeping = match Doomed::decode(&mark).ok_or(UNREADABLE)?.name {
                Some(name) => self.keeping(account, name).await?,
                None => None,
            };
            let mut draft = Draft::new();
            draft.expect(key::doomed(account, mailbox), mark);
            let mut cleared = Counts::default();
            let mut keywords = Keywords::default();
            let mut rest = page.rest.is_some();
            for (key, octets) in page.pairs {
                if draft.is_full() {
                    rest = true;
                    break;
                }
                let uid = key::uid_of(&key).ok_or(UNREADABLE)?;
                let row = hot::decode(uid, &octets, &mut keywords).ok_or(UNREADABLE)?;
                cleared.subtract(Counts::of(&row));
                draft.let_go(account, mailbox, &Record { row, octets }, keeping.as_ref());
            }
            if !cleared.is_zero() {
                draft.add_usage(account, &cleared);
            }
            if !rest {
                draft.delete(key::counts(account, mailbox));
                draft.delete(key::last_uid(account, mailbox));
                draft.delete(key::highest_modseq(account, mailbox));
                draft.delete(key::doomed(account, mailbox));
            }
            if self.done(draft).await? {
                return Ok(!rest);
            }
        }
        Err(Refusal::Unavailable)
    }

    /// Removes all names of an account, and marks its mailboxes for clearing. `false` if there were
    /// none.
    async fn remove_names(&self, account: AccountId) -> Result<bool, Refusal> {
        for _ in 0..ATTEMPTS_MAX {
            let mut tree = Tree::read(self, account).await?;
            if tree.names.is_empty() {
                return Ok(false);
            }
            tree.keeps = false;
            let some: Vec<_> = tree.names.keys().take(CLEARED_MAX).cloned().collect();
            for name in &some {
                tree.names.remove(name);
            }
            if self.done(tree.draft(account, Batch::new())).await? {
                return Ok(true);
            }
        }
        Err(Refusal::Unavailable)
    }

    /// Deletes one page of what is in `range`. `false` if there was nothing.
    pub(crate) async fn delete_page(&self, range: Range<Key>) -> Result<bool, Refusal> {
        let keys = self.keys(range).await?;
        if keys.is_empty() {
            return Ok(false);
        }
        let mut draft = Draft::new();
        keys.into_iter().for_each(|key| draft.delete(key));
        self.done(draft).await.map(|_| true)
    }

    /// The first keys in a range, at most [`TRIMMED_MAX`].
    async fn keys(&self, range: Range<Key>) -> Result<Vec<Key>, Refusal> {
        let snapshot = self.snapshot().await?;
        let mut keys = Vec::new();
        let mut rest = Some(range);
        while let Some(range) = rest.take_if(|_| keys.len() < TRIMMED_MAX) {
            let scan = Scan::rising(range).at_most(TRIMMED_MAX - keys.len());
            let page = snapshot.scan(scan).await.map_err(refuse)?;
            keys.extend(page.pairs.iter().map(|(key, _)| key::owned(key)));
            rest = page.rest;
        }
        Ok(keys)
    }
}
