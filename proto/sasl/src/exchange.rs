//! One login, whatever the mechanism.

use crate::login::Login;
use crate::plain::Plain;
use crate::scram::Scram;
use crate::{Answer, Ask, Mechanism, base64};

/// Longest name, in octets.
pub(crate) const NAME_MAX: usize = 512;
/// Longest password, in octets.
pub(crate) const PASSWORD_MAX: usize = 1024;

/// The channel binding of the connection (RFC 5056).
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// No TLS, or none that can be bound; no `-PLUS` mechanism was offered.
    Unavailable,
    /// `tls-exporter` (RFC 9266); the `-PLUS` mechanisms were offered.
    TlsExporter([u8; 32]),
}

impl Binding {
    /// From the exported value of the connection's TLS, if it has one.
    pub fn from_exporter(exporter: Option<[u8; 32]>) -> Binding {
        exporter.map_or(Binding::Unavailable, Binding::TlsExporter)
    }
}

/// The binding's data are no secret, but nothing for a log either.
impl std::fmt::Debug for Binding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Binding::Unavailable => "Unavailable",
            Binding::TlsExporter(_) => "TlsExporter",
        })
    }
}

/// What comes next in an exchange.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn {
    /// Send this, base64 already, after `334 ` or `+ ` (it may be empty: keep the blank), and give
    /// the client's next line to [`Exchange::respond`].
    Challenge(String),
    /// Put this to the core and give its answer to [`Exchange::answer`]; if it refuses, drop the
    /// exchange.
    Ask(Ask),
    /// Logged in.
    Accepted,
    /// Not logged in, and nobody was asked.
    Failed(Failure),
}

/// Why an exchange failed before the core had a say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The client sent `*` (RFC 4954 §4, RFC 9051 §6.2.2).
    Cancelled,
    /// Not base64.
    NotBase64,
    /// Base64 of what the mechanism does not allow there; says what was expected.
    Malformed(&'static str),
    /// The client takes this server to be unable to bind the channel, although that was offered:
    /// somebody between has changed the list (RFC 5802 §6).
    Downgrade,
    /// The channel binding does not fit: the client talks TLS with somebody else.
    WrongBinding,
    /// A wrong password.
    WrongProof,
}

impl Failure {
    /// In words for the peer.
    pub fn text(self) -> &'static str {
        match self {
            Failure::Cancelled => "authentication cancelled",
            Failure::NotBase64 => "expected base64",
            Failure::Malformed(expected) => expected,
            Failure::Downgrade => "channel binding was offered and must be used",
            Failure::WrongBinding => "channel binding does not match",
            Failure::WrongProof => "authentication credentials invalid",
        }
    }
}

/// One login in progress.
#[derive(Debug)]
pub struct Exchange(Kind);

#[derive(Debug)]
enum Kind {
    Plain(Plain),
    Login(Login),
    Scram(Box<Scram>),
}

impl Exchange {
    /// Begins. `initial` is the initial response as it stands on the wire: base64, `=` for an empty
    /// one, or none.
    pub fn start(
        mechanism: Mechanism,
        initial: Option<&[u8]>,
        binding: Binding,
    ) -> (Exchange, Turn) {
        let kind = match mechanism {
            Mechanism::Plain => Kind::Plain(Plain),
            Mechanism::Login => Kind::Login(Login::default()),
            Mechanism::ScramSha256 | Mechanism::ScramSha256Plus => {
                Kind::Scram(Box::new(Scram::new(mechanism, binding)))
            }
        };
        let mut exchange = Exchange(kind);
        let turn = match (initial, &exchange.0) {
            (Some(b"="), _) => exchange.take(Vec::new()),
            (Some(line), _) => exchange.respond(line),
            (None, Kind::Login(_)) => Turn::Challenge(base64::encode(Login::USERNAME)),
            (None, Kind::Plain(_) | Kind::Scram(_)) => Turn::Challenge(String::new()),
        };
        (exchange, turn)
    }

    /// The client's line, without its line end, after a [`Turn::Challenge`].
    pub fn respond(&mut self, line: &[u8]) -> Turn {
        if line == b"*" {
            return Turn::Failed(Failure::Cancelled);
        }
        match base64::decode(line) {
            Some(octets) => self.take(octets),
            None => Turn::Failed(Failure::NotBase64),
        }
    }

    /// The core's answer to a [`Turn::Ask`].
    pub fn answer(&mut self, answer: Answer) -> Turn {
        match (&mut self.0, answer) {
            (Kind::Scram(scram), answer) => scram.answer(answer),
            (Kind::Plain(_) | Kind::Login(_), Answer::Accepted) => Turn::Accepted,
            (Kind::Plain(_) | Kind::Login(_), Answer::Keys(_)) => {
                unreachable!("only SCRAM asks for keys")
            }
        }
    }

    fn take(&mut self, octets: Vec<u8>) -> Turn {
        let result = match &mut self.0 {
            Kind::Plain(plain) => plain.take(octets),
            Kind::Login(login) => login.take(octets),
            Kind::Scram(scram) => scram.take(&octets),
        };
        result.unwrap_or_else(Turn::Failed)
    }
}

/// A name in UTF-8, not empty, without control characters, of bounded length.
pub(crate) fn name(octets: &[u8]) -> Result<String, Failure> {
    match std::str::from_utf8(octets) {
        Ok(text) if is_name(text) => Ok(text.to_string()),
        _ => Err(Failure::Malformed("expected a name in UTF-8, at most 512 octets")),
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= NAME_MAX && !text.chars().any(char::is_control)
}
