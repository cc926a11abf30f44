//! VRFY (RFC 5321 §4.1.1.6), which tells nobody whether an address exists (§7.3).

use super::{Command, Mistake};
use crate::path::Brackets;
use crate::reply::reply;
use crate::scanner::Scanner;
use crate::session::{Flow, SmtpSession};
use words_mail::EnhancedStatus;

pub(crate) fn parse(scanner: &mut Scanner<'_>, _: Brackets) -> Result<Command, Mistake> {
    scanner.skip_spaces();
    if scanner.rest().is_empty() {
        return Err(scanner.mistake("an address").into());
    }
    Ok(Command::Vrfy)
}

impl SmtpSession {
    pub(crate) fn run_vrfy(&mut self) -> Flow {
        let text = "cannot say; send a message and see";
        self.say(reply(252, EnhancedStatus(2, 0, 0), text));
        Flow::Again
    }
}
