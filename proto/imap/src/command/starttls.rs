//! STARTTLS (RFC 3501 §6.2.1).

use super::{Next, Parsed, Run, no_arguments};
use crate::context::Context;
use crate::cursor::Cursor;
use crate::tagged::Tagged;

struct StartTls;

/// `starttls = "STARTTLS"`
pub(super) fn parse(_: &mut Cursor<'_>) -> Parsed {
    no_arguments(StartTls)
}

impl Run for StartTls {
    fn start(&mut self, cx: &mut Context) -> Next {
        if cx.secured.is_some() {
            return Next::Done(Tagged::bad("TLS is up already"));
        }
        if !cx.options.tls_available {
            return Next::Done(Tagged::bad("TLS is not available here"));
        }
        Next::StartTls(Tagged::ok("Begin TLS now"))
    }
}
