//! QUIT (RFC 5321 §4.1.1.10).

use super::{Command, Mistake, parse_alone};
use crate::path::Brackets;
use crate::reply::reply;
use crate::scanner::Scanner;
use crate::session::{Flow, SmtpSession};
use words_mail::EnhancedStatus;

pub(crate) fn parse(scanner: &mut Scanner<'_>, _: Brackets) -> Result<Command, Mistake> {
    parse_alone(scanner, Command::Quit)
}

impl SmtpSession {
    pub(crate) fn run_quit(&mut self) -> Flow {
        let text = format!("{} says goodbye", self.options.host_name);
        self.hang_up(reply(221, EnhancedStatus(2, 0, 0), text))
    }
}
