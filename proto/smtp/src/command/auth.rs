//! AUTH (RFC 4954).

use super::{Command, Mistake};
use crate::path::Brackets;
use crate::reply::{Reply, bare_reply, reply};
use crate::scanner::Scanner;
use crate::session::{Flow, SmtpSession};
use crate::state::{Pending, State};
use crate::{Cleartext, Login, ask::Ask};
use proto_sasl::{Binding, Exchange, Failure, Mechanism, Turn};
use words_mail::EnhancedStatus;

/// ```abnf
/// auth-command = "AUTH" SP sasl-mech [SP initial-response] *(CRLF [base64]) [CRLF cancel-response]
/// ```
pub(crate) fn parse(scanner: &mut Scanner<'_>, _: Brackets) -> Result<Command, Mistake> {
    scanner.skip_spaces();
    if scanner.rest().is_empty() {
        return Err(scanner.mistake("the name of a mechanism").into());
    }
    let mechanism = scanner.word().to_string();
    scanner.skip_spaces();
    let initial = Some(scanner.word()).filter(|word| !word.is_empty()).map(str::to_string);
    scanner.end()?;
    Ok(Command::Auth { mechanism, initial })
}

impl SmtpSession {
    /// May a password cross this connection as it is?
    pub(crate) fn may_reveal_password(&self) -> bool {
        self.secured.is_some() || self.peer.cleartext == Cleartext::Allowed
    }

    /// The channel that a login can be bound to.
    pub(crate) fn binding(&self) -> Binding {
        Binding::from_exporter(self.secured.as_ref().and_then(|s| s.exporter))
    }

    fn check_auth(&self, name: &str) -> Result<Mechanism, Reply> {
        if self.options.login == Login::Unavailable {
            return Err(reply(502, EnhancedStatus(5, 5, 1), "nobody can log in here"));
        }
        if self.logged_in {
            return Err(reply(503, EnhancedStatus(5, 5, 1), "logged in already"));
        }
        let mechanism = Mechanism::parse(name.as_bytes());
        if let Some(mechanism) = mechanism.filter(|m| self.mechanisms().any(|o| o == *m)) {
            return Ok(mechanism);
        }
        Err(match mechanism.map(Mechanism::spec) {
            Some(spec) if spec.reveals_password || spec.needs_binding => {
                let text = "this mechanism needs TLS; start it first";
                reply(538, EnhancedStatus(5, 7, 11), text)
            }
            _ => reply(504, EnhancedStatus(5, 5, 4), "no such mechanism here"),
        })
    }

    pub(crate) fn run_auth(&mut self, name: &str, initial: Option<&str>) -> Flow {
        self.state = State::Commands(None);
        match self.check_auth(name) {
            Ok(mechanism) => {
                let initial = initial.map(str::as_bytes);
                let (exchange, turn) = Exchange::start(mechanism, initial, self.binding());
                self.take_turn(exchange, turn)
            }
            Err(reply) => self.refuse(reply),
        }
    }

    /// Does what the exchange wants next.
    pub(crate) fn take_turn(&mut self, exchange: Exchange, turn: Turn) -> Flow {
        self.state = State::Commands(None);
        match turn {
            Turn::Challenge(text) => {
                self.state = State::Authenticating(exchange);
                self.say(bare_reply(334, text));
                Flow::Again
            }
            Turn::Ask(ask) => self.ask(Ask::Login(ask), Pending::Login(exchange)),
            Turn::Accepted => {
                self.logged_in = true;
                self.bore_fruit();
                // Devices have stopped at other texts than this.
                self.say(reply(235, EnhancedStatus(2, 7, 0), "Authentication successful"));
                Flow::Again
            }
            Turn::Failed(failure) => self.refuse(failed(failure)),
        }
    }
}

/// What to say of a login that failed before the core had a say (RFC 4954 §4, §6).
fn failed(failure: Failure) -> Reply {
    let (code, status) = match failure {
        Failure::Cancelled => (501, EnhancedStatus(5, 7, 0)),
        Failure::NotBase64 | Failure::Malformed(_) => (501, EnhancedStatus(5, 5, 2)),
        Failure::Downgrade | Failure::WrongBinding | Failure::WrongProof => {
            (535, EnhancedStatus(5, 7, 8))
        }
    };
    reply(code, status, failure.text())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::parse_line;

    #[test]
    fn a_mechanism_may_bring_an_initial_response() {
        let auth = |mechanism: &str, initial: Option<&str>| {
            Ok(Command::Auth { mechanism: mechanism.into(), initial: initial.map(str::to_string) })
        };
        for (line, want) in [
            ("AUTH PLAIN", auth("PLAIN", None)),
            ("auth login dXNlcg==", auth("login", Some("dXNlcg=="))),
            ("AUTH PLAIN =", auth("PLAIN", Some("="))),
        ] {
            assert_eq!(parse_line(line, Brackets::Required), want, "{line}");
        }
        for line in ["AUTH", "AUTH PLAIN a b"] {
            assert!(parse_line(line, Brackets::Required).is_err(), "{line}");
        }
    }
}
