//! What a session is told when it begins.

use std::time::Duration;

/// Which of the three protocols a listener speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// SMTP with other servers (RFC 5321), port 25.
    Relay,
    /// Mail of our own users (RFC 6409), ports 587 and 465: MAIL needs a login.
    Submission,
    /// LMTP (RFC 2033): LHLO, and one reply for each recipient.
    Lmtp,
}

/// What all sessions of one listener share.
#[derive(Clone, Debug)]
pub struct Options {
    /// Our name, in the banner and in the reply to EHLO.
    pub host_name: String,
    /// What the banner says behind `ESMTP` or `LMTP`.
    pub banner: String,
    /// The protocol.
    pub mode: Mode,
    /// May somebody log in here?
    pub login: Login,
    /// Is SCRAM among the mechanisms? Where passwords are verified elsewhere it fails, and clients
    /// try nothing else.
    pub scram: bool,
    /// May TLS be started here? Not offered once it is up.
    pub starttls: StartTls,
    /// Are reports made as the client asks for them?
    pub dsn: Dsn,
    /// May a client forbid that a message goes on without TLS?
    pub requiretls: RequireTls,
    /// Largest message, in octets.
    pub size_max: u64,
    /// Most recipients of one message (RFC 9422 `RCPTMAX`).
    pub recipients_max: usize,
    /// Is the desk asked about everybody who comes ([`crate::Ask::Come`])?
    pub ask_who_comes: bool,
    /// Most messages in one session (RFC 9422 `MAILMAX`).
    pub messages_max: usize,
    /// Most commands without a message being accepted.
    pub commands_max: usize,
    /// Most errors in one session: syntax, order, failed logins.
    pub errors_max: usize,
    /// How long the session waits.
    pub timeouts: Timeouts,
}

impl Options {
    /// With the customary limits: 50 MB, 1000 recipients, RFC 5321's times.
    pub fn new(host_name: &str, mode: Mode) -> Options {
        Options {
            host_name: host_name.to_string(),
            banner: "Estafeta".to_string(),
            mode,
            login: if mode == Mode::Lmtp { Login::Unavailable } else { Login::Offered },
            scram: true,
            starttls: StartTls::Unavailable,
            dsn: Dsn::Unavailable,
            requiretls: RequireTls::Unavailable,
            size_max: 50 * 1024 * 1024,
            recipients_max: 1000,
            ask_who_comes: false,
            messages_max: 100_000,
            commands_max: 10_000,
            errors_max: 20,
            timeouts: Timeouts::default(),
        }
    }
}

/// May somebody log in?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// AUTH is offered wherever it is safe.
    Offered,
    /// There is no AUTH.
    Unavailable,
}

/// May TLS be started with STARTTLS?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartTls {
    /// It may.
    Offered,
    /// There is no certificate, or TLS is there from the first octet.
    Unavailable,
}

/// Are reports made as the client asks for them (RFC 3461)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dsn {
    /// They are: RET, ENVID, NOTIFY and ORCPT are taken.
    Offered,
    /// Those parameters are refused as unknown.
    Unavailable,
}

/// May a client forbid that a message goes on without TLS (RFC 8689)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequireTls {
    /// It may, where the message itself comes over TLS.
    Offered,
    /// The parameter is refused as unknown.
    Unavailable,
}

/// How long a session waits (RFC 5321 §4.5.3.2).
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For the next whole command line.
    pub command: Duration,
    /// For the next octets of a body.
    pub body: Duration,
    /// For all of a message, however steadily its octets trickle.
    pub message: Duration,
    /// For a session that brings neither a login nor a message that is accepted, however much it
    /// says meanwhile; a message on its way in has its own time.
    pub fruitless: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            command: Duration::from_secs(5 * 60),
            body: Duration::from_secs(10 * 60),
            message: Duration::from_secs(2 * 60 * 60),
            fruitless: Duration::from_secs(30 * 60),
        }
    }
}

/// What is known of the peer before its first word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Do we know it?
    pub standing: Standing,
    /// May it send a password without TLS?
    pub cleartext: Cleartext,
}

/// Do we know the peer?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Anybody: strict about line ends and pipelining.
    Stranger,
    /// In one of the networks that the operator vouches for: as lenient as with a logged-in user.
    Trusted,
}

/// May a password be sent without TLS?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleartext {
    /// Yes, the wire does not leave this machine, or the operator wants it so.
    Allowed,
    /// No.
    Refused,
}
