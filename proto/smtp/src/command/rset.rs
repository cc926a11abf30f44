//! RSET (RFC 5321 §4.1.1.5).

use super::{Command, Mistake, parse_alone};
use crate::path::Brackets;
use crate::reply::reply;
use crate::scanner::Scanner;
use crate::session::{Flow, SmtpSession};
use crate::state::State;
use words_mail::EnhancedStatus;

pub(crate) fn parse(scanner: &mut Scanner<'_>, _: Brackets) -> Result<Command, Mistake> {
    parse_alone(scanner, Command::Rset)
}

impl SmtpSession {
    pub(crate) fn run_rset(&mut self) -> Flow {
        self.state = State::Commands(None);
        self.say(reply(250, EnhancedStatus(2, 0, 0), "ok"));
        Flow::Again
    }
}
