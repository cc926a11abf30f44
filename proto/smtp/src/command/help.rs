//! HELP (RFC 5321 §4.1.1.8).

use super::{COMMANDS, Command, Mistake};
use crate::Mode;
use crate::path::Brackets;
use crate::reply::reply;
use crate::scanner::Scanner;
use crate::session::{Flow, SmtpSession};
use words_mail::EnhancedStatus;

/// A topic may follow; the answer is always the whole list.
pub(crate) fn parse(_: &mut Scanner<'_>, _: Brackets) -> Result<Command, Mistake> {
    Ok(Command::Help)
}

fn text(mode: Mode) -> String {
    let rows = COMMANDS.iter().filter(|spec| spec.modes.contains(&mode));
    rows.fold("commands here:".to_string(), |text, spec| text + "\n" + spec.usage)
}

impl SmtpSession {
    pub(crate) fn run_help(&mut self) -> Flow {
        self.say(reply(214, EnhancedStatus(2, 0, 0), text(self.options.mode)));
        Flow::Again
    }
}
