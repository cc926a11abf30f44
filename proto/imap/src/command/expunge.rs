//! EXPUNGE (RFC 3501 §6.4.3) and UID EXPUNGE (RFC 4315 §2.1).

use super::{Next, Parsed, Run, mismatch, no_arguments};
use crate::ask::{Answer, Ask, Numbers};
use crate::context::Context;
use crate::cursor::{Cursor, Kind};
use crate::sync::{self, Synced};
use crate::tagged::{Code, Tagged};

struct Expunge(Option<Numbers>);

/// `expunge = "EXPUNGE"`
pub(super) fn parse(_: &mut Cursor<'_>) -> Parsed {
    no_arguments(Expunge(None))
}

/// `uid-expunge = "UID" SP "EXPUNGE" SP sequence-set`
pub(super) fn parse_uid(cursor: &mut Cursor<'_>) -> Parsed {
    cursor.space()?;
    Ok(Box::new(Expunge(Some(cursor.numbers(Kind::Uid)?))))
}

impl Run for Expunge {
    fn start(&mut self, cx: &mut Context) -> Next {
        if cx.state.selected().is_some_and(|selected| selected.read_only) {
            // NO would make some clients ask again and again.
            return Next::Done(Tagged::ok("Expunge ignored, the mailbox is open read-only"));
        }
        Next::Ask(Ask::Expunge(self.0.take()))
    }

    fn answer(&mut self, answer: Answer, cx: &mut Context) -> Next {
        let done = Tagged::ok("Expunged");
        match answer {
            // What went is told by the sync that follows, and with it HIGHESTMODSEQ.
            Answer::Done => Next::Done(done.with(Code::HighestModSeq)),
            Answer::Changes(changes) => match sync::tell(&changes, cx) {
                Synced::Told => Next::Done(done.with(Code::HighestModSeq)),
                Synced::Expunged if cx.enabled.qresync => {
                    Next::Done(done.with(Code::modseq("HIGHESTMODSEQ", changes.highest_modseq)))
                }
                Synced::Expunged => Next::Done(done),
                Synced::Removed => Next::Bye(sync::REMOVED),
            },
            answer => mismatch(&answer),
        }
    }
}
