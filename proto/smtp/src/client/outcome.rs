//! What became of what was tried.

use super::reply::Reply;
use std::fmt;
use std::sync::Arc;

/// How far a connection had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Before the first octet; said by those who dial, not by this machine.
    Connect,
    /// The greeting was awaited.
    Greeting,
    /// EHLO, HELO or LHLO.
    Hello,
    /// STARTTLS.
    StartTls,
    /// AUTH.
    Auth,
    /// MAIL, or RSET before it.
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA or BDAT, and the body up to its end: the message was not given over yet.
    Data,
    /// The end of the message had left: without a reply, nobody knows whether it was taken.
    End,
}

impl Stage {
    /// For logs and reports.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Connect => "connect",
            Stage::Greeting => "greeting",
            Stage::Hello => "EHLO",
            Stage::StartTls => "STARTTLS",
            Stage::Auth => "AUTH",
            Stage::Mail => "MAIL",
            Stage::Rcpt => "RCPT",
            Stage::Data => "DATA",
            Stage::End => "end of data",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A reply, and what it was to. Cheap to clone: many recipients share one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The server's words.
    pub reply: Arc<Reply>,
    /// What they were said to.
    pub stage: Stage,
}

/// What happened to a session before it was ready, or to one recipient of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The server's reply settled it.
    Said(Said),
    /// The connection ended before a reply. At [`Stage::End`] the server may have taken the message.
    Lost(Lost),
    /// Nothing was sent: the server does not offer what is needed.
    NotOffered(Needed),
    /// The login failed on our side, before the server had settled it.
    Login(LoginError),
}

impl Fate {
    /// Did the server take the message for this recipient?
    pub fn is_delivered(&self) -> bool {
        matches!(self, Fate::Said(said) if said.stage == Stage::End && said.reply.is_positive())
    }

    /// Is there no use in trying the same again with this server?
    pub fn is_permanent(&self) -> bool {
        match self {
            Fate::Said(said) => said.reply.code.is_permanent(),
            // What is missing at the door may be there tomorrow, once somebody has mended the server.
            Fate::NotOffered(Needed::StartTls | Needed::Auth) => false,
            Fate::NotOffered(_) => true,
            Fate::Lost(_) | Fate::Login(_) => false,
        }
    }

    /// May the server have taken the message, and nobody knows?
    pub fn is_unknown(&self) -> bool {
        matches!(self, Fate::Lost(Lost { stage: Stage::End, .. }))
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fate::Said(said) => write!(f, "{} to {}", said.reply, said.stage),
            Fate::Lost(lost) => lost.fmt(f),
            Fate::NotOffered(needed) => needed.fmt(f),
            Fate::Login(error) => error.fmt(f),
        }
    }
}

/// The connection ended before a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// What the reply would have been to.
    pub stage: Stage,
    /// How.
    pub cause: Cause,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.cause, self.stage)
    }
}

/// How a connection ended before a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The server closed it, or it broke; says how if the driver knows.
    Closed(String),
    /// No reply in time.
    TimedOut,
    /// What came is no reply of SMTP; as far as it was kept.
    NotUnderstood(String),
    /// We could not give the whole message, and hung up rather than send half of it.
    BodyBroken,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Closed(how) if how.is_empty() => f.write_str("the connection was closed"),
            Cause::Closed(how) => write!(f, "the connection was closed ({how})"),
            Cause::TimedOut => f.write_str("no reply in time"),
            Cause::NotUnderstood(text) => write!(f, "no reply of SMTP: {text:?}"),
            Cause::BodyBroken => f.write_str("the message could not be read to its end"),
        }
    }
}

/// What a server would have to offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Needed {
    /// STARTTLS, since TLS is required.
    StartTls,
    /// AUTH with a mechanism that we know and may use on this connection.
    Auth,
    /// 8BITMIME (RFC 6152).
    EightBitMime,
    /// BINARYMIME with CHUNKING (RFC 3030).
    BinaryMime,
    /// SMTPUTF8 (RFC 6531).
    SmtpUtf8,
    /// REQUIRETLS (RFC 8689), over TLS.
    RequireTls,
    /// Room for a message of this size: the most that it takes is less (RFC 1870).
    Size {
        /// What it takes, in octets.
        size_max: u64,
    },
}

impl fmt::Display for Needed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self {
            Needed::StartTls => "STARTTLS",
            Needed::Auth => "a login that can be used on this connection",
            Needed::EightBitMime => "8BITMIME",
            Needed::BinaryMime => "BINARYMIME",
            Needed::SmtpUtf8 => "SMTPUTF8",
            Needed::RequireTls => "REQUIRETLS",
            Needed::Size { size_max } => {
                return write!(f, "the server takes no message over {size_max} octets");
            }
        };
        write!(f, "the server does not offer {what}")
    }
}

/// Why a login failed on our side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginError {
    /// What the server sent does not belong there; says what was expected.
    Malformed(&'static str),
    /// The server could not prove that it knows the password (RFC 5802 §3): it may be another one.
    WrongServer,
}

impl fmt::Display for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoginError::Malformed(expected) => write!(f, "login not understood: {expected}"),
            LoginError::WrongServer => {
                f.write_str("the server does not know the password: it may be another one")
            }
        }
    }
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// For each recipient, in their order.
    pub recipients: Vec<Fate>,
    /// Did NOTIFY, ORCPT, RET and ENVID go along? If not, whoever asked to be told of a success
    /// hears from us that the message was relayed (RFC 3461 §5.2.2).
    pub dsn: Dsn,
}

/// Did the parameters of RFC 3461 go along?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dsn {
    /// Yes: reporting is the next server's business.
    Passed,
    /// No: it does not offer DSN.
    NotOffered,
}
