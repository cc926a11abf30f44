//! SELECT, EXAMINE, UNSELECT, with QRESYNC (RFC 7162 §3.2.5).

use crate::desk::ImapDesk;
use crate::mailbox::mailbox_id;
use crate::selected::{Keywords, Selected, flag_row, seq};
use crate::set::{difference, intersection};
use core_mailbox::{Rows, View};
use proto_imap::ask::{self, Answer, FlagRow, Qresync, Select};
use std::collections::HashMap;
use std::sync::Arc;
use tracing::debug;
use words_mail::{ModSeq, NumberSet, Refusal, SeqNum, SystemFlag, Uid};

impl ImapDesk {
    pub(crate) async fn select(&mut self, select: Select) -> Result<Answer, Refusal> {
        self.unselect();
        let mailboxes = self.mailboxes()?;
        let view = mailboxes.open(&select.name).await?;
        let rows = view.refresh().await?;
        let (keywords, first_unseen) = survey(&rows);
        let mut answer = ask::Selected {
            exists: rows.len() as u32,
            first_unseen,
            uid_next: rows.uid_next(),
            uid_validity: view.mailbox().uid_validity,
            highest_modseq: rows.highest_modseq(),
            mailbox_id: mailbox_id(mailboxes.account(), view.mailbox().id),
            keywords: keywords.names(),
            vanished_earlier: None,
            changed: Vec::new(),
        };
        if let Some(qresync) = select.qresync.filter(|q| q.uid_validity == answer.uid_validity) {
            answer.vanished_earlier = Some(vanished(&view, &rows, &qresync).await?);
            answer.changed = changed(&rows, &qresync);
        }
        debug!(mailbox = %select.name, messages = answer.exists, "select");
        self.selected = Some(Selected {
            name: select.name,
            view,
            read_only: select.read_only,
            known: rows,
            told: HashMap::new(),
            saved: NumberSet::new(),
            keywords,
        });
        Ok(Answer::Selected(Box::new(answer)))
    }

    pub(crate) fn unselect(&mut self) -> Answer {
        self.selected = None;
        self.watch = None;
        Answer::Done
    }
}

/// The keywords in use, and the first message without `\Seen`.
fn survey(rows: &Rows) -> (Keywords, Option<SeqNum>) {
    let mut keywords = Keywords::default();
    let mut first_unseen = None;
    for (place, row) in rows.iter_from(0) {
        if first_unseen.is_none() && !row.flags.contains(SystemFlag::Seen) {
            first_unseen = Some(seq(place));
        }
        keywords.add(&row.flags);
    }
    (keywords, first_unseen)
}

/// The UIDs gone since the client last looked, of those it knows.
async fn vanished(view: &Arc<View>, rows: &Rows, qresync: &Qresync) -> Result<NumberSet, Refusal> {
    let all = NumberSet::from_range(1, rows.uid_next().0.saturating_sub(1));
    let asked = match &qresync.known_uids {
        Some(uids) => intersection(uids, &all),
        None => all,
    };
    let gone = vanished_of(view, rows, &asked, qresync.modseq).await?;
    // Up to the last message that stands where the client knows it, nothing can be missing: worth
    // asking only when the log does not tell.
    let intact = match (&gone, &qresync.seq_match) {
        (Gone::Logged(_), _) | (_, None) => 0,
        (Gone::Missing(_), Some((seqs, uids))) => intact_up_to(rows, seqs, uids),
    };
    let (Gone::Logged(gone) | Gone::Missing(gone)) = gone;
    Ok(intersection(&gone, &NumberSet::from_range(intact.saturating_add(1), u32::MAX)))
}

/// UIDs that are gone, and how we know.
pub(crate) enum Gone {
    /// From the log.
    Logged(NumberSet),
    /// The log does not reach back so far: all that are not there.
    Missing(NumberSet),
}

/// Those of `asked` that are gone since `since`. None of them is in `known`.
pub(crate) async fn vanished_of(
    view: &View,
    known: &Rows,
    asked: &NumberSet,
    since: ModSeq,
) -> Result<Gone, Refusal> {
    let living = |asked: &NumberSet| {
        let from = asked.first().unwrap_or(0);
        let place = known.find(Uid(from)).unwrap_or_else(|place| place);
        known.iter_from(place).map(|(_, row)| row.uid.0)
    };
    Ok(match view.vanished_since(since).await? {
        Some(gone) => {
            let gone = intersection(&gone, asked);
            Gone::Logged(difference(&gone, living(&gone)))
        }
        None => Gone::Missing(difference(asked, living(asked))),
    })
}

/// The greatest UID of `uids` whose message still has the sequence number beside it in `seqs`.
fn intact_up_to(rows: &Rows, seqs: &NumberSet, uids: &NumberSet) -> u32 {
    let here = rows.len() as u32;
    let pairs = seqs.iter().zip(uids.iter()).take_while(|(seq, _)| *seq <= here);
    let stands = |(seq, uid): &(u32, u32)| {
        rows.get((*seq as usize).wrapping_sub(1)).is_some_and(|row| row.uid.0 == *uid)
    };
    pairs.filter(stands).last().map_or(0, |(_, uid)| uid)
}

/// The rows changed since the client last looked, of those it knows.
fn changed(rows: &Rows, qresync: &Qresync) -> Vec<FlagRow> {
    let knows = |uid: Uid| qresync.known_uids.as_ref().is_none_or(|uids| uids.contains(uid.0));
    let rows = rows.iter_from(0);
    let changed = rows.filter(|(_, row)| row.modseq > qresync.modseq && knows(row.uid));
    changed.map(|(place, row)| flag_row(place, row)).collect()
}
