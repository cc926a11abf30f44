//! One login, whatever the mechanism.

use super::scram::{Hash, Scram};
use super::{Credentials, Mechanism};
use crate::{Binding, Secret, base64};

/// Why a login failed on our side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Not what belongs there; says what was expected.
    Malformed(&'static str),
    /// The server could not prove that it knows the password: it may be another one.
    WrongServer,
}

/// One login in progress.
pub struct Exchange(State);

enum State {
    /// To be sent, one after the other, whatever the challenges say.
    Answers(Vec<Secret>),
    Scram(Box<Scram>),
    /// The server has told what is wrong and wants an empty answer (RFC 7628 §3.2.3).
    Bearer(Option<Secret>),
}

impl Exchange {
    /// Begins. Gives the initial response, in base64, if the mechanism has one: it goes along with
    /// the command, or is the answer to the first, empty challenge. `nonce` was never used before.
    pub fn start(
        mechanism: Mechanism,
        credentials: &Credentials,
        binding: Binding,
        nonce: [u8; 18],
    ) -> (Exchange, Option<Secret>) {
        let Credentials { name, secret, .. } = credentials;
        let scram = |hash| {
            let scram = Scram::new(hash, mechanism, credentials, binding, nonce);
            let first = scram.first();
            (Exchange(State::Scram(Box::new(scram))), Some(first))
        };
        match mechanism {
            Mechanism::ScramSha256Plus | Mechanism::ScramSha256 => scram(Hash::Sha256),
            Mechanism::ScramSha1 => scram(Hash::Sha1),
            Mechanism::Plain => {
                let octets = [b"\0", name.as_bytes(), b"\0", secret.expose()].concat();
                (Exchange(State::Answers(Vec::new())), Some(written(Secret::new(octets))))
            }
            Mechanism::Login => {
                let name = written(Secret::new(name.clone().into_bytes()));
                // The last is sent first.
                let answers = vec![written(secret.clone()), name];
                (Exchange(State::Answers(answers)), None)
            }
            Mechanism::OauthBearer => {
                let head = format!("n,a={},\x01auth=Bearer ", saslname(name));
                let octets = [head.as_bytes(), secret.expose(), b"\x01\x01"].concat();
                let empty = Secret::new(base64::encode(b"\x01").into_bytes());
                (Exchange(State::Bearer(Some(empty))), Some(written(Secret::new(octets))))
            }
            Mechanism::Xoauth2 => {
                let head = format!("user={name}\x01auth=Bearer ");
                let octets = [head.as_bytes(), secret.expose(), b"\x01\x01"].concat();
                let empty = Secret::new(Vec::new());
                (Exchange(State::Bearer(Some(empty))), Some(written(Secret::new(octets))))
            }
        }
    }

    /// Answers the server's challenge, both in base64.
    pub fn respond(&mut self, challenge: &[u8]) -> Result<Secret, Failure> {
        match &mut self.0 {
            // Some servers put words there that are not base64.
            State::Answers(answers) => {
                answers.pop().ok_or(Failure::Malformed("expected no further challenge"))
            }
            State::Bearer(empty) => {
                empty.take().ok_or(Failure::Malformed("expected no further challenge"))
            }
            State::Scram(scram) => {
                let text = base64::decode(challenge.trim_ascii());
                let text = text.and_then(|octets| String::from_utf8(octets).ok());
                scram.respond(&text.ok_or(Failure::Malformed("expected base64 of UTF-8"))?)
            }
        }
    }

    /// The server says that the login has succeeded. With SCRAM it must have proved before that it
    /// knows the password itself.
    pub fn accepted(&mut self) -> Result<(), Failure> {
        match &self.0 {
            State::Scram(scram) if !scram.is_proven() => Err(Failure::WrongServer),
            _ => Ok(()),
        }
    }
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange").finish_non_exhaustive()
    }
}

/// In base64.
pub(super) fn written(octets: Secret) -> Secret {
    Secret::new(base64::encode(octets.expose()).into_bytes())
}

/// In a saslname, `=2C` is a comma and `=3D` an equals sign (RFC 5801 §4).
pub(super) fn saslname(name: &str) -> String {
    name.replace('=', "=3D").replace(',', "=2C")
}
