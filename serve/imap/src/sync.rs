//! What has happened in the selected mailbox, and when to look.

use crate::desk::{ImapDesk, Watching as Waiting};
use crate::selected::{Selected, flag_row};
use core_mailbox::Rows;
use proto_imap::ask::{Answer, Changes, Expunges, Watching};
use words_mail::{Refusal, SeqNum};

impl ImapDesk {
    pub(crate) async fn sync(&mut self, expunges: Expunges) -> Result<Answer, Refusal> {
        let Some(selected) = &mut self.selected else {
            return Ok(Answer::Changes(Changes::default()));
        };
        match selected.view.refresh().await {
            Ok(newest) => Ok(Answer::Changes(selected.advance(newest, expunges))),
            Err(Refusal::NoSuchMailbox) => {
                self.unselect();
                Ok(Answer::Changes(Changes { removed: true, ..Changes::default() }))
            }
            Err(refusal) => Err(refusal),
        }
    }

    pub(crate) async fn watch(&mut self, watching: Watching) -> Result<Answer, Refusal> {
        self.watch = match watching {
            Watching::End => None,
            Watching::Begin => Some(self.begin_to_watch().await?),
        };
        Ok(Answer::Done)
    }

    /// What happened between the last `Sync` and the beginning of the watch is news too.
    async fn begin_to_watch(&mut self) -> Result<Waiting, Refusal> {
        // Who waits needs little memory.
        self.structures.clear();
        let watch = self.office.mail.watch(self.login()?.account.id);
        let overdue = match &self.selected {
            Some(selected) => {
                let newest = selected.view.refresh().await;
                newest.is_err() || newest.is_ok_and(|newest| !newest.same(&selected.known))
            }
            None => false,
        };
        Ok(Waiting { watch, overdue })
    }
}

impl Selected {
    /// Goes on from what the client knows to `newest`, and says what it must be told on the way.
    fn advance(&mut self, newest: Rows, expunges: Expunges) -> Changes {
        let highest_modseq = newest.highest_modseq();
        if newest.same(&self.known) {
            self.told.clear();
            return Changes { highest_modseq, ..Changes::default() };
        }
        let difference = newest.changes_from(&self.known);
        if expunges == Expunges::HoldBack && !difference.expunged.is_empty() {
            return Changes { highest_modseq: self.known.highest_modseq(), ..Changes::default() };
        }
        let mut changes = Changes { highest_modseq, ..Changes::default() };
        for (earlier, place) in difference.expunged.iter().enumerate() {
            // Each EXPUNGE renumbers what stands behind it.
            changes.expunged.push(SeqNum((place - earlier) as u32 + 1));
        }
        changes.vanished = difference.vanished.iter().map(|uid| uid.0).collect();
        if difference.arrived > 0 {
            changes.exists = Some(newest.len() as u32);
        }
        let mut new_keywords = false;
        let first_new = newest.len() - difference.arrived;
        for (_, row) in newest.iter_from(first_new) {
            new_keywords |= self.keywords.add(&row.flags);
        }
        for place in difference.changed {
            let Some(row) = newest.get(place) else { continue };
            new_keywords |= self.keywords.add(&row.flags);
            if self.told.get(&row.uid) != Some(&row.modseq) {
                changes.flags.push(flag_row(place, row));
            }
        }
        changes.keywords = new_keywords.then(|| self.keywords.names());
        self.told.clear();
        self.known = newest;
        changes
    }
}
