//! Making, removing, renaming and subscribing mailboxes.

use crate::mail::refuse;
use crate::name::Name;
use crate::tree::{SPECIAL_USE_TAKEN, Tree};
use crate::{ATTEMPTS_MAX, Mailbox, Mailboxes};
use core_store::{Batch, StoreError};
use words_mail::{MailboxName, NumberSet, Refusal, SpecialUse};

/// Most mailboxes that one RENAME takes along: they change in one commit.
const RENAMED_MAX: usize = 3_000;

/// What BadMailboxName says of INBOX below itself, which some clients try to make to learn where
/// mailboxes may go.
const INBOX_TWICE: &str = "INBOX does not go below INBOX";

impl Mailboxes {
    /// Makes a mailbox, and those above it that are missing; subscribes it. Errors:
    /// `MailboxExists`, `BadMailboxName` (below INBOX named INBOX), `Limit`; `NotPermitted` with
    /// [`SPECIAL_USE_TAKEN`].
    pub async fn create(
        &self,
        name: &MailboxName,
        special_use: Option<SpecialUse>,
    ) -> Result<Mailbox, Refusal> {
        self.alter(|tree| {
            check_new(tree, name)?;
            let taken =
                tree.names.values().any(|n| n.mailbox.is_some() && n.special_use == special_use);
            if special_use.is_some() && taken {
                return Err(Refusal::NotPermitted(SPECIAL_USE_TAKEN));
            }
            tree.make(name, special_use);
            self.check_count(tree)?;
            tree.mailbox(name)
        })
        .await
    }

    /// Removes a mailbox and its messages; those below it stay. Errors: `NotPermitted` for INBOX.
    pub async fn delete(&self, name: &MailboxName) -> Result<(), Refusal> {
        if name.is_inbox() {
            return Err(Refusal::NotPermitted("INBOX cannot be removed"));
        }
        let removed = self
            .alter(|tree| {
                let mailbox = tree.mailbox(name)?;
                // A subscription outlives its mailbox (RFC 3501 §6.3.6).
                if mailbox.subscribed {
                    tree.names.insert(name.clone(), Name::subscription());
                } else {
                    tree.names.remove(name);
                }
                Ok(mailbox.id)
            })
            .await?;
        // The mailbox is gone. If its messages cannot be cleared now, the record that was left for
        // it has them cleared later; there is nobody to tell.
        while let Ok(false) = self.inner.clear_page_of(self.account, removed).await {}
        Ok(())
    }

    /// Renames a mailbox and all below it. Of INBOX it moves the messages into a new mailbox
    /// (RFC 9051 §6.3.6).
    pub async fn rename(&self, from: &MailboxName, to: &MailboxName) -> Result<(), Refusal> {
        if from.is_inbox() {
            return self.rename_inbox(to).await;
        }
        self.alter(|tree| {
            tree.mailbox(from)?;
            check_new(tree, to)?;
            if to.is_below(from) {
                return Err(Refusal::BadMailboxName("a mailbox does not go below itself"));
            }
            let mut moving = tree.below(from);
            if moving.len() >= RENAMED_MAX {
                return Err(Refusal::Limit("mailboxes renamed at once"));
            }
            moving.push(from.clone());
            let moved = take_names(tree, from, to, moving)?;
            if moved.iter().any(|(name, _)| tree.has(name)) {
                return Err(Refusal::MailboxExists);
            }
            for (name, mut moved) in moved {
                moved.subscribed |= tree.names.get(&name).is_some_and(|n| n.subscribed);
                tree.names.insert(name, moved);
            }
            if let Some(parent) = to.parent() {
                tree.make(&parent, None);
            }
            self.check_count(tree)
        })
        .await
    }

    async fn rename_inbox(&self, to: &MailboxName) -> Result<(), Refusal> {
        let target = self.create(to, None).await?;
        let inbox = self.open(&MailboxName::inbox()).await?;
        let all = NumberSet::from_range(1, u32::MAX);
        self.move_to(&inbox, &all, target.id).await.map(|_| ())
    }

    /// Subscribes or unsubscribes a name, whether or not a mailbox has it.
    pub async fn subscribe(&self, name: &MailboxName, subscribed: bool) -> Result<(), Refusal> {
        self.alter(|tree| {
            if subscribed {
                tree.names.entry(name.clone()).or_insert_with(Name::subscription).subscribed = true;
                return self.check_count(tree);
            }
            if !tree.has(name) {
                tree.names.remove(name);
            } else if let Some(found) = tree.names.get_mut(name) {
                found.subscribed = false;
            }
            Ok(())
        })
        .await
    }

    pub(crate) fn check_count(&self, tree: &Tree) -> Result<(), Refusal> {
        match tree.names.len() <= self.inner.options.mailboxes_max {
            true => Ok(()),
            false => Err(Refusal::Limit("mailboxes")),
        }
    }

    /// Changes names in one commit; begins anew if somebody else has changed them meanwhile.
    async fn alter<T>(
        &self,
        change: impl Fn(&mut Tree) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        for _ in 0..ATTEMPTS_MAX {
            let mut tree = Tree::read(&self.inner, self.account).await?;
            if !tree.is_provisioned() {
                return Err(Refusal::NoSuchMailbox);
            }
            let told = change(&mut tree)?;
            let draft = tree.draft(self.account, Batch::new());
            if draft.is_empty() {
                return Ok(told);
            }
            if draft.is_full() {
                return Err(Refusal::Limit("names changed at once"));
            }
            match draft.commit(&self.inner).await {
                Ok(_) => return Ok(told),
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(refuse(error)),
            }
        }
        Err(Refusal::Unavailable)
    }
}

/// May a mailbox get this name?
pub(crate) fn check_new(tree: &Tree, name: &MailboxName) -> Result<(), Refusal> {
    let mut levels = name.as_str().split(MailboxName::SEPARATOR);
    if levels.by_ref().take(2).all(|level| level.eq_ignore_ascii_case("INBOX")) && !name.is_inbox()
    {
        return Err(Refusal::BadMailboxName(INBOX_TWICE));
    }
    match tree.has(name) {
        true => Err(Refusal::MailboxExists),
        false => Ok(()),
    }
}

/// Takes `moving`, which is `from` and what is below it, out of the tree, under their new names.
fn take_names(
    tree: &mut Tree,
    from: &MailboxName,
    to: &MailboxName,
    moving: Vec<MailboxName>,
) -> Result<Vec<(MailboxName, Name)>, Refusal> {
    let mut moved = Vec::with_capacity(moving.len());
    for old in moving {
        let rest = old.as_str().strip_prefix(from.as_str()).unwrap_or_default();
        let new = MailboxName::parse(&format!("{to}{rest}"))
            .map_err(|_| Refusal::BadMailboxName("the new name would be too long or too deep"))?;
        if let Some(name) = tree.names.remove(&old) {
            // The subscription moves along: it is the owner who gives the mailbox another name.
            moved.push((new, name));
        }
    }
    Ok(moved)
}
