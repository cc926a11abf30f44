//! NOOP (RFC 3501 §6.1.2) and CHECK (§6.4.1): nothing is done, and news is told as after any command.

use super::{Next, Parsed, Run, no_arguments};
use crate::context::Context;
use crate::cursor::Cursor;
use crate::tagged::Tagged;

struct Nothing(&'static str);

/// `noop = "NOOP"`
pub(super) fn parse_noop(_: &mut Cursor<'_>) -> Parsed {
    no_arguments(Nothing("Nothing done"))
}

/// `check = "CHECK"`. Whatever was acknowledged is on disk already.
pub(super) fn parse_check(_: &mut Cursor<'_>) -> Parsed {
    no_arguments(Nothing("Checked"))
}

impl Run for Nothing {
    fn start(&mut self, _: &mut Context) -> Next {
        Next::Done(Tagged::ok(self.0))
    }
}
