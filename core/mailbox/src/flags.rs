//! Changing flags.

use crate::{Mailboxes, View};
use words_mail::{Flags, ModSeq, NumberSet, Refusal};

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
        let told = self.change_records(view.mailbox().id, &uids, FLAGGED_MAX, |draft, record| {
            let uid = record.row.uid.0;
            if unchanged_since.is_some_and(|since| record.row.modseq > since) {
                return Some((uid, Outcome::Modified));
            }
            let flags = change.apply(&record.row.flags);
            if flags != record.row.flags {
                draft.reflag(self.account, view.mailbox().id, record, flags);
            }
            Some((uid, Outcome::Done))
        });
        let mut stored = Stored::default();
        for (uid, outcome) in told.await? {
            match outcome {
                Outcome::Done => stored.done.insert(uid),
                Outcome::Modified => stored.modified.insert(uid),
            }
        }
        Ok(stored)
    }
}

/// What became of one message.
enum Outcome {
    Done,
    Modified,
}
