//! STORE (RFC 9051 §6.4.6, RFC 7162 §3.1.3), and EXPUNGE.

use crate::desk::ImapDesk;
use crate::log::LoggedSet;
use crate::numbers::Places;
use crate::selected::{Selected, current, flag_row};
use core_mailbox::{FlagChange, Rows};
use proto_imap::ask::{self, Answer, Numbers, StoreMode};
use tracing::info;
use words_mail::{Flags, NumberSet, Refusal};

impl ImapDesk {
    pub(crate) async fn store(&mut self, store: ask::Store) -> Result<Answer, Refusal> {
        let mailboxes = self.mailboxes()?;
        let selected = self.writable()?;
        let places = selected.places(&store.numbers);
        if places.is_empty() {
            return Ok(Answer::Stored(ask::Stored::default()));
        }
        let change = match store.mode {
            StoreMode::Set => FlagChange::Set(store.flags),
            StoreMode::Add => FlagChange::Add(store.flags),
            StoreMode::Remove => FlagChange::Remove(store.flags),
        };
        let uids = places.uids(&selected.known);
        let since = store.unchanged_since;
        let stored = mailboxes.store_flags(&selected.view, &uids, &change, since).await?;
        let newest = selected.view.refresh().await?;
        let mut answer = selected.stored(&places, &stored.modified, &change, &newest);
        if !matches!(store.numbers, Numbers::Uid(_)) {
            let modified = Places::of_uids(&answer.modified, &selected.known);
            answer.modified = modified.iter().map(|place| place as u32 + 1).collect();
        }
        Ok(Answer::Stored(answer))
    }

    /// What was removed is told by the `Sync` that follows.
    pub(crate) async fn expunge(&mut self, numbers: Option<&Numbers>) -> Result<Answer, Refusal> {
        let mailboxes = self.mailboxes()?;
        let selected = self.writable()?;
        let uids = numbers.map(|numbers| selected.places(numbers).uids(&selected.known));
        if uids.as_ref().is_some_and(NumberSet::is_empty) {
            return Ok(Answer::Done);
        }
        let gone = mailboxes.expunge(&selected.view, uids.as_ref()).await?;
        if !gone.is_empty() {
            info!(mailbox = %selected.name, messages = gone.len(), uids = %LoggedSet(&gone), "expunge");
        }
        Ok(Answer::Done)
    }
}

impl Selected {
    /// What a STORE of `change` left: rows told now need not be told again by `Sync`, unless
    /// somebody else has changed them too, which a `.SILENT` client must hear.
    fn stored(
        &mut self,
        places: &Places,
        modified: &NumberSet,
        change: &FlagChange,
        newest: &Rows,
    ) -> ask::Stored {
        let mut answer = ask::Stored { modified: modified.clone(), ..ask::Stored::default() };
        for place in places.iter() {
            let Some(row) = current(&self.known, newest, place) else {
                answer.expunge_issued = true;
                continue;
            };
            if modified.contains(row.uid.0) {
                continue;
            }
            let known = self.known.get(place);
            if known.is_some_and(|known| after(change, &known.flags) == row.flags) {
                self.told.insert(row.uid, row.modseq);
            }
            answer.rows.push(flag_row(place, row));
        }
        answer
    }
}

/// What `flags` are after `change`.
fn after(change: &FlagChange, flags: &Flags) -> Flags {
    let mut flags = flags.clone();
    match change {
        FlagChange::Set(set) => return set.clone(),
        FlagChange::Add(more) => flags.add(more),
        FlagChange::Remove(less) => flags.remove(less),
    }
    flags
}
