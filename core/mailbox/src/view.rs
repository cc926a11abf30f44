//! An open mailbox.

use crate::hot::Keywords;
use crate::mail::Inner;
use crate::recent::{Closed, Recent};
use crate::{Mailbox, Rows};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use words_mail::{AccountId, MailboxId, ModSeq, Refusal, Uid};

/// An open mailbox, shared by all who have it open.
pub struct View {
    pub(crate) inner: Arc<Inner>,
    pub(crate) account: AccountId,
    mailbox: Mailbox,
    rows: Mutex<Rows>,
    /// Held by the one who reads the log on; the others wait and then find it read.
    progress: tokio::sync::Mutex<Progress>,
    /// Held by the one who changes messages here, so that two in this process do not make each
    /// other try again. What guards the store are the expectations of each batch.
    pub(crate) turn: tokio::sync::Mutex<()>,
}

/// How far a view has read.
#[derive(Default)]
pub(crate) struct Progress {
    /// The number up to which the log is in the rows; `None` before the first load.
    pub seen: Option<ModSeq>,
    /// The mailbox was removed; a number is never given again, so this is final.
    pub removed: bool,
    /// Keywords of the rows, each kept once.
    pub keywords: Keywords,
}

impl View {
    /// As it was when it was opened (its name may change meanwhile).
    pub fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    /// What it held when last refreshed. Costs nothing.
    pub fn rows(&self) -> Rows {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the change log on to its end and gives the mailbox as it is now.
    /// Errors: `NoSuchMailbox` if it was removed meanwhile; `Unavailable`.
    pub async fn refresh(&self) -> Result<Rows, Refusal> {
        let mut progress = self.progress.lock().await;
        if progress.removed {
            return Err(Refusal::NoSuchMailbox);
        }
        let rows = self.advance(&mut progress, self.rows()).await?;
        *self.rows.lock().unwrap_or_else(PoisonError::into_inner) = rows.clone();
        Ok(rows)
    }

    /// The next UID, as of the last refresh.
    pub fn uid_next(&self) -> Uid {
        self.rows().uid_next()
    }

    /// The number of the mailbox's last change as of the last refresh, at least 1.
    pub fn highest_modseq(&self) -> ModSeq {
        self.rows().highest_modseq()
    }
}

impl Drop for View {
    fn drop(&mut self) {
        let progress = std::mem::take(self.progress.get_mut());
        let (account, mailbox, rows) = (self.account, self.mailbox.id, self.rows());
        self.inner.views.close(Closed { account, mailbox, rows, progress });
    }
}

/// The mailboxes that somebody in this process has open, each once.
#[derive(Default)]
pub(crate) struct Views(Mutex<Shelf>);

#[derive(Default)]
struct Shelf {
    open: HashMap<(AccountId, MailboxId), Weak<View>>,
    recent: Recent,
}

impl Views {
    fn lock(&self) -> MutexGuard<'_, Shelf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The view of `mailbox`: the one that is open, or a new one that has read nothing yet or only
    /// what it had read when it was last closed.
    pub fn open(&self, inner: &Arc<Inner>, account: AccountId, mailbox: Mailbox) -> Arc<View> {
        let mut shelf = self.lock();
        let id = mailbox.id;
        let open = shelf.open.get(&(account, id)).and_then(Weak::upgrade);
        // One that was opened under another name keeps it; whoever opens the mailbox now gets the new.
        if let Some(view) = open.filter(|view| view.mailbox == mailbox) {
            return view;
        }
        let (rows, progress) =
            shelf.recent.take(account, id).map(|c| (c.rows, c.progress)).unwrap_or_default();
        let view = Arc::new(View {
            inner: inner.clone(),
            account,
            mailbox,
            rows: Mutex::new(rows),
            progress: tokio::sync::Mutex::new(progress),
            turn: tokio::sync::Mutex::default(),
        });
        shelf.open.insert((account, id), Arc::downgrade(&view));
        view
    }

    /// The last one has closed a view, unless another has opened the mailbox anew meanwhile.
    fn close(&self, closed: Closed) {
        let key = (closed.account, closed.mailbox);
        let mut shelf = self.lock();
        if shelf.open.get(&key).is_some_and(|view| view.strong_count() == 0) {
            shelf.open.remove(&key);
            if closed.progress.seen.is_some() && !closed.progress.removed {
                shelf.recent.put(closed);
            }
        }
    }
}
