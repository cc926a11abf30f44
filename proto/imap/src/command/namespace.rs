//! NAMESPACE (RFC 2342): one personal namespace without a prefix, and no others.

use super::{Next, Parsed, Run, no_arguments};
use crate::context::Context;
use crate::cursor::Cursor;
use crate::tagged::Tagged;

struct Namespace;

/// `namespace = "NAMESPACE"`
pub(super) fn parse(_: &mut Cursor<'_>) -> Parsed {
    no_arguments(Namespace)
}

impl Run for Namespace {
    fn start(&mut self, cx: &mut Context) -> Next {
        cx.line(b"* NAMESPACE ((\"\" \"/\")) NIL NIL");
        Next::Done(Tagged::ok("That is all"))
    }
}
