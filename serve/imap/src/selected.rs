//! The selected mailbox, as this session's client knows it.

use core_mailbox::{Row, Rows, View};
use proto_imap::ask::{FlagRow, Numbers};
use std::collections::HashMap;
use std::sync::Arc;
use words_mail::{Flags, Keyword, MailboxName, ModSeq, NumberSet, SeqNum, Uid};

use crate::numbers::Places;

/// Most keywords that FLAGS names; more are there, but not told.
const KEYWORDS_TOLD_MAX: usize = 500;

/// A selected mailbox.
pub(crate) struct Selected {
    /// Its name when it was selected, for the log.
    pub name: MailboxName,
    /// Shared with all who have it open.
    pub view: Arc<View>,
    /// EXAMINE?
    pub read_only: bool,
    /// What the client has been told of: sequence numbers are places in it.
    pub known: Rows,
    /// Flags told since `known` was taken, by the answer to this session's own STORE or FETCH: of
    /// which message, and as of which change.
    pub told: HashMap<Uid, ModSeq>,
    /// What `$` stands for (RFC 5182), as UIDs, so that expunges need not touch it.
    pub saved: NumberSet,
    /// Keywords of the last FLAGS line.
    pub keywords: Keywords,
}

impl Selected {
    /// Which of the known messages a command names.
    pub fn places(&self, numbers: &Numbers) -> Places {
        Places::of(numbers, &self.known, &self.saved)
    }
}

/// The row of a known message as it is now, if it is still there.
pub(crate) fn current<'a>(known: &Rows, newest: &'a Rows, place: usize) -> Option<&'a Row> {
    if newest.same(known) {
        return newest.get(place);
    }
    let uid = known.get(place)?.uid;
    newest.find(uid).ok().and_then(|place| newest.get(place))
}

/// The sequence number of a place.
pub(crate) fn seq(place: usize) -> SeqNum {
    SeqNum(place as u32 + 1)
}

/// What the wire is told of a row.
pub(crate) fn flag_row(place: usize, row: &Row) -> FlagRow {
    FlagRow { seq: seq(place), uid: row.uid, flags: row.flags.clone(), modseq: row.modseq }
}

/// The keywords in use in a mailbox, each once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keywords(Vec<Keyword>);

impl Keywords {
    /// Takes in those of one message. Were any of them new?
    pub fn add(&mut self, flags: &Flags) -> bool {
        let before = self.0.len();
        for keyword in flags.keywords() {
            if self.0.len() < KEYWORDS_TOLD_MAX && !self.0.contains(keyword) {
                self.0.push(keyword.clone());
            }
        }
        self.0.len() > before
    }

    /// As the wire wants them.
    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(|keyword| keyword.as_str().to_string()).collect()
    }
}
