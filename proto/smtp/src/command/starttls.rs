//! STARTTLS (RFC 3207).

use super::{Command, Mistake, parse_alone};
use crate::StartTls;
use crate::path::Brackets;
use crate::reply::{Reply, reply};
use crate::scanner::Scanner;
use crate::session::{Flow, SmtpSession};
use crate::state::State;
use words_mail::EnhancedStatus;

pub(crate) fn parse(scanner: &mut Scanner<'_>, _: Brackets) -> Result<Command, Mistake> {
    parse_alone(scanner, Command::StartTls)
}

impl SmtpSession {
    /// May TLS be started? Asked before anything of the session is forgotten.
    pub(crate) fn check_starttls(&self) -> Result<(), Reply> {
        if self.secured.is_some() {
            return Err(reply(503, EnhancedStatus(5, 5, 1), "TLS is up already"));
        }
        if self.options.starttls == StartTls::Unavailable {
            return Err(reply(502, EnhancedStatus(5, 5, 1), "TLS cannot be started here"));
        }
        // What was said in clear text counts for nothing behind TLS (§4.2), a login neither; and
        // the desk, which holds the account, could not be told that it has lost it.
        if self.logged_in {
            return Err(reply(503, EnhancedStatus(5, 5, 1), "STARTTLS must come before AUTH"));
        }
        Ok(())
    }

    /// Everything that the client has sent behind it is dropped when TLS is up.
    pub(crate) fn run_starttls(&mut self) -> Flow {
        self.state = State::StartingTls;
        self.say(reply(220, EnhancedStatus(2, 0, 0), "go ahead with TLS"));
        Flow::Again
    }
}
