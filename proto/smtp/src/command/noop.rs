//! NOOP (RFC 5321 §4.1.1.9).

use super::{Command, Mistake};
use crate::path::Brackets;
use crate::reply::reply;
use crate::scanner::Scanner;
use crate::session::{Flow, SmtpSession};
use words_mail::EnhancedStatus;

/// A string may follow; it says nothing.
pub(crate) fn parse(_: &mut Scanner<'_>, _: Brackets) -> Result<Command, Mistake> {
    Ok(Command::Noop)
}

impl SmtpSession {
    pub(crate) fn run_noop(&mut self) -> Flow {
        self.say(reply(250, EnhancedStatus(2, 0, 0), "ok"));
        Flow::Again
    }
}
