//! IDLE (RFC 2177): changes are told as they happen.
//!
//! ```text
//! start ─► watching ─► telling ─► waiting ─DONE─► unwatching ─► done
//!                         ▲          │
//!                         └── news ──┘
//! ```

use super::{Next, Parsed, Run, mismatch, no_arguments};
use crate::ask::{Answer, Ask, Expunges, Watching};
use crate::context::Context;
use crate::cursor::Cursor;
use crate::sync::{self, Synced};
use crate::tagged::Tagged;
use proto_line::{LineBuffer, LineError};
use words_mail::Refusal;

/// Longest line that may end it, in octets.
const LINE_LEN_MAX: usize = 1024;

#[derive(Clone, Debug, Default)]
enum Idle {
    #[default]
    Starting,
    Watching,
    Telling,
    Unwatching(Tagged),
}

/// `idle = "IDLE" CRLF "DONE"`
pub(super) fn parse(_: &mut Cursor<'_>) -> Parsed {
    no_arguments(Idle::default())
}

impl Run for Idle {
    fn start(&mut self, cx: &mut Context) -> Next {
        if cx.state.selected().is_none() {
            *self = Idle::Telling;
            cx.line("+ idling");
            return Next::Read;
        }
        *self = Idle::Watching;
        Next::Ask(Ask::Watch(Watching::Begin))
    }

    fn answer(&mut self, answer: Answer, cx: &mut Context) -> Next {
        match (&self, answer) {
            (Idle::Watching, Answer::Done) => {
                cx.line("+ idling");
                // What happened since the last command ended is not news any more.
                self.tell()
            }
            (Idle::Telling, Answer::Changes(changes)) => match sync::tell(&changes, cx) {
                Synced::Told | Synced::Expunged => Next::Read,
                Synced::Removed => Next::Bye(sync::REMOVED),
            },
            (Idle::Unwatching(tagged), Answer::Done) => Next::Done(tagged.clone()),
            (_, answer) => mismatch(&answer),
        }
    }

    fn refused(&mut self, refusal: Refusal, cx: &mut Context) -> Next {
        match (&self, refusal) {
            (_, Refusal::NoSuchMailbox) => Next::Bye(sync::REMOVED),
            (Idle::Watching, _) => {
                *self = Idle::Telling;
                cx.line("+ idling");
                Next::Read
            }
            // It will be told another time.
            (Idle::Starting | Idle::Telling, _) => Next::Read,
            (Idle::Unwatching(tagged), _) => Next::Done(tagged.clone()),
        }
    }

    fn news(&mut self, cx: &mut Context) -> Next {
        if cx.state.selected().is_none() { Next::Read } else { self.tell() }
    }

    fn read(&mut self, buffer: &mut LineBuffer, cx: &mut Context) -> Next {
        let tagged = match buffer.line(LINE_LEN_MAX) {
            None => return Next::Read,
            Some(Ok(line)) if line.trim_ascii().eq_ignore_ascii_case(b"DONE") => {
                Tagged::ok("Idle ended")
            }
            Some(Ok(_) | Err(LineError::TooLong)) => Tagged::bad("expected DONE"),
        };
        if cx.state.selected().is_none() {
            return Next::Done(tagged);
        }
        *self = Idle::Unwatching(tagged);
        Next::Ask(Ask::Watch(Watching::End))
    }
}

impl Idle {
    fn tell(&mut self) -> Next {
        *self = Idle::Telling;
        Next::Ask(Ask::Sync(Expunges::Tell))
    }
}
