//! The client's side: one login at a server elsewhere, as small machines again. The protocol around
//! it writes `AUTH` or `AUTHENTICATE`, hands over each challenge and sends what comes back.
//!
//! ```
//! use proto_sasl::Binding;
//! use proto_sasl::client::{Credentials, Exchange, Mechanism, Passage};
//!
//! let ana = Credentials::password("ana", b"ana".to_vec());
//! let offered = ["LOGIN", "PLAIN", "GSSAPI"];
//! let known = ana.usable(offered, Passage::Protected, Binding::Unavailable);
//! assert_eq!(known, [Mechanism::Plain, Mechanism::Login]);
//! let mechanism = known[0];
//! let (mut exchange, initial) = Exchange::start(mechanism, &ana, Binding::Unavailable, [0; 18]);
//! assert_eq!(initial.unwrap().expose(), b"AGFuYQBhbmE=");
//! assert_eq!(exchange.accepted(), Ok(()));
//! ```

mod exchange;
mod scram;

pub use exchange::{Exchange, Failure};

use crate::{Binding, Secret};
use std::fmt;

/// A mechanism that the client side speaks, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mechanism {
    /// RFC 7677, bound to the TLS connection.
    ScramSha256Plus,
    /// RFC 7677.
    ScramSha256,
    /// RFC 5802; better than sending the password.
    ScramSha1,
    /// RFC 4616.
    Plain,
    /// Never standardised, and the only one that some servers know.
    Login,
    /// RFC 7628, with a token.
    OauthBearer,
    /// What came before it, with a token.
    Xoauth2,
}

/// Every mechanism for a password, the best first.
const WITH_PASSWORD: [Mechanism; 5] = [
    Mechanism::ScramSha256Plus,
    Mechanism::ScramSha256,
    Mechanism::ScramSha1,
    Mechanism::Plain,
    Mechanism::Login,
];
/// Every mechanism for a token, the best first.
const WITH_TOKEN: [Mechanism; 2] = [Mechanism::OauthBearer, Mechanism::Xoauth2];

impl Mechanism {
    /// Its registered name.
    pub fn name(self) -> &'static str {
        match self {
            Mechanism::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
            Mechanism::ScramSha256 => "SCRAM-SHA-256",
            Mechanism::ScramSha1 => "SCRAM-SHA-1",
            Mechanism::Plain => "PLAIN",
            Mechanism::Login => "LOGIN",
            Mechanism::OauthBearer => "OAUTHBEARER",
            Mechanism::Xoauth2 => "XOAUTH2",
        }
    }

    /// Does it send what must stay secret? Then it needs TLS.
    pub fn reveals_secret(self) -> bool {
        !matches!(self, Mechanism::ScramSha256Plus | Mechanism::ScramSha256 | Mechanism::ScramSha1)
    }

    fn needs_binding(self) -> bool {
        self == Mechanism::ScramSha256Plus
    }
}

/// May a password cross the connection as it is?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// There is TLS, or the wire does not leave this machine, or the operator wants it so.
    Protected,
    /// No.
    Open,
}

/// Who logs in, and with what. Prints only the name.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    name: String,
    secret: Secret,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Password,
    Token,
}

impl Credentials {
    /// A name and its password.
    pub fn password(name: &str, password: Vec<u8>) -> Credentials {
        Credentials { name: name.to_string(), secret: Secret::new(password), kind: Kind::Password }
    }

    /// A name and a bearer token of OAuth 2.0.
    pub fn token(name: &str, token: Vec<u8>) -> Credentials {
        Credentials { name: name.to_string(), secret: Secret::new(token), kind: Kind::Token }
    }

    /// Who logs in.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Of the mechanisms that a server offers those that can be used, the best first.
    pub fn usable<'a>(
        &self,
        offered: impl IntoIterator<Item = &'a str>,
        passage: Passage,
        binding: Binding,
    ) -> Vec<Mechanism> {
        let rows: &[Mechanism] = match self.kind {
            Kind::Password => &WITH_PASSWORD,
            Kind::Token => &WITH_TOKEN,
        };
        let bound = binding != Binding::Unavailable;
        let fits = |mechanism: &Mechanism| {
            (passage == Passage::Protected || !mechanism.reveals_secret())
                && (bound || !mechanism.needs_binding())
        };
        let mut known: Vec<Mechanism> = offered
            .into_iter()
            .filter_map(|name| {
                rows.iter().copied().find(|row| row.name().eq_ignore_ascii_case(name))
            })
            .filter(fits)
            .collect();
        known.sort_unstable();
        known.dedup();
        known
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
