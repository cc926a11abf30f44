//! CLOSE (RFC 3501 §6.4.2) and UNSELECT (RFC 3691).

use super::{Next, Parsed, Run, mismatch, no_arguments};
use crate::ask::{Answer, Ask};
use crate::context::Context;
use crate::cursor::Cursor;
use crate::tagged::{Code, Tagged};

/// CLOSE asks to expunge first, and tells nothing of it.
#[derive(Default)]
struct Close {
    is_expunging: bool,
    code: Code,
}

/// `close = "CLOSE"`
pub(super) fn parse_close(_: &mut Cursor<'_>) -> Parsed {
    no_arguments(Close::default())
}

impl Run for Close {
    fn start(&mut self, cx: &mut Context) -> Next {
        if cx.state.selected().is_some_and(|selected| selected.read_only) {
            return Next::Ask(Ask::Unselect);
        }
        self.is_expunging = true;
        Next::Ask(Ask::Expunge(None))
    }

    fn answer(&mut self, answer: Answer, cx: &mut Context) -> Next {
        match answer {
            Answer::Changes(changes) if self.is_expunging => {
                // RFC 7162 §3.2.8: how far the client would have known, had it been told.
                if cx.enabled.qresync && !changes.vanished.is_empty() {
                    self.code = Code::modseq("HIGHESTMODSEQ", changes.highest_modseq);
                }
                self.is_expunging = false;
                Next::Ask(Ask::Unselect)
            }
            Answer::Done if self.is_expunging => {
                self.is_expunging = false;
                Next::Ask(Ask::Unselect)
            }
            Answer::Done => {
                cx.state.unselect();
                Next::Done(Tagged::ok("Closed").with(std::mem::take(&mut self.code)))
            }
            answer => mismatch(&answer),
        }
    }
}

struct Unselect;

/// `unselect = "UNSELECT"`
pub(super) fn parse_unselect(_: &mut Cursor<'_>) -> Parsed {
    no_arguments(Unselect)
}

impl Run for Unselect {
    fn start(&mut self, _: &mut Context) -> Next {
        Next::Ask(Ask::Unselect)
    }

    fn answer(&mut self, answer: Answer, cx: &mut Context) -> Next {
        let Answer::Done = answer else { mismatch(&answer) };
        cx.state.unselect();
        Next::Done(Tagged::ok("Unselected"))
    }
}
