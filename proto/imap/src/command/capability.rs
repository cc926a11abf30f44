//! CAPABILITY (RFC 3501 §6.1.1): what the server can do.

use super::{Next, Parsed, Run, no_arguments};
use crate::capability;
use crate::context::Context;
use crate::cursor::Cursor;
use crate::tagged::Tagged;

struct Capability;

/// `capability = "CAPABILITY"`
pub(super) fn parse(_: &mut Cursor<'_>) -> Parsed {
    no_arguments(Capability)
}

impl Run for Capability {
    fn start(&mut self, cx: &mut Context) -> Next {
        let list = capability::list(cx);
        cx.put(b"* ");
        cx.line(list);
        Next::Done(Tagged::ok("That is all"))
    }
}
