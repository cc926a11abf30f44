//! AUTH (RFC 4954).

use super::machine::{Client, State};
use super::opening::is_ok;
use super::outcome::{Fate, LoginError, Needed, Stage};
use super::reply::Reply;
use crate::Cleartext;
use proto_sasl::client::{Exchange, Failure, Mechanism, Passage};
use proto_sasl::{Binding, Secret};

/// Longest AUTH command with an initial response, in octets (RFC 4954 §4).
const COMMAND_MAX: usize = 510;

/// A login under way.
pub(super) struct Authenticating {
    exchange: Exchange,
    /// The initial response, if it did not go along with the command.
    initial: Option<Secret>,
    /// What to try if the server does not do this one after all.
    rest: std::vec::IntoIter<Mechanism>,
}

impl Client {
    /// Tries the best mechanism that both sides know.
    pub(super) fn begin_login(&mut self) {
        let Some(login) = &self.options.login else { return };
        let protected = self.secured.is_some() || login.cleartext == Cleartext::Allowed;
        let passage = if protected { Passage::Protected } else { Passage::Open };
        let binding = self.secured.unwrap_or(Binding::Unavailable);
        let offered = self.capabilities.mechanisms.iter().map(String::as_str);
        let usable = login.credentials.usable(offered, passage, binding);
        self.try_mechanism(usable.into_iter());
    }

    fn try_mechanism(&mut self, mut rest: std::vec::IntoIter<Mechanism>) {
        let (Some(login), Some(mechanism)) = (&self.options.login, rest.next()) else {
            return self.fail(Fate::NotOffered(Needed::Auth));
        };
        let binding = self.secured.unwrap_or(Binding::Unavailable);
        let (exchange, mut initial) =
            Exchange::start(mechanism, &login.credentials, binding, login.nonce);
        self.out.extend_from_slice(b"AUTH ");
        self.out.extend_from_slice(mechanism.name().as_bytes());
        let room = COMMAND_MAX - "AUTH ".len() - mechanism.name().len() - 1;
        if let Some(octets) = initial.take_if(|octets| octets.expose().len() <= room) {
            self.out.push(b' ');
            self.out.extend_from_slice(octets.expose());
        }
        self.out.extend_from_slice(b"\r\n");
        self.state = State::Authenticating(Box::new(Authenticating { exchange, initial, rest }));
    }

    pub(super) fn heard_auth(&mut self, mut login: Box<Authenticating>, reply: Reply) {
        match reply.code.0 {
            334 => match login.answer(&reply) {
                Ok(response) => {
                    self.out.extend_from_slice(response.expose());
                    self.out.extend_from_slice(b"\r\n");
                    self.state = State::Authenticating(login);
                }
                Err(failure) => self.fail(Fate::Login(failure.into())),
            },
            _ if is_ok(&reply) => match login.exchange.accepted() {
                Ok(()) => self.opened(),
                Err(failure) => self.fail(Fate::Login(failure.into())),
            },
            // Not about name and password, but about this way of giving them (RFC 4954 §4, §6).
            504 | 534 | 538 if !login.rest.as_slice().is_empty() => {
                self.try_mechanism(login.rest);
            }
            _ => self.fail_said(reply, Stage::Auth),
        }
    }
}

impl Authenticating {
    fn answer(&mut self, reply: &Reply) -> Result<Secret, Failure> {
        match self.initial.take() {
            Some(initial) => Ok(initial),
            None => {
                let challenge = reply.lines.first().map(String::as_str).unwrap_or_default();
                self.exchange.respond(challenge.as_bytes())
            }
        }
    }
}

impl From<Failure> for LoginError {
    fn from(failure: Failure) -> LoginError {
        match failure {
            Failure::Malformed(expected) => LoginError::Malformed(expected),
            Failure::WrongServer => LoginError::WrongServer,
        }
    }
}
