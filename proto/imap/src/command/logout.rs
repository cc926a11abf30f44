//! LOGOUT (RFC 3501 §6.1.3).

use super::{Next, Parsed, Run, no_arguments};
use crate::context::Context;
use crate::cursor::Cursor;
use crate::state::State;
use crate::tagged::Tagged;

struct Logout;

/// `logout = "LOGOUT"`
pub(super) fn parse(_: &mut Cursor<'_>) -> Parsed {
    no_arguments(Logout)
}

impl Run for Logout {
    fn start(&mut self, cx: &mut Context) -> Next {
        cx.line(b"* BYE Goodbye");
        cx.state = State::Logout;
        Next::Done(Tagged::ok("Logged out"))
    }
}
