//! What a client is told when it begins.

use crate::Cleartext;
use proto_sasl::client::Credentials;
use std::fmt;
use std::time::Duration;

/// What one connection is for.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// Our name, in EHLO, HELO or LHLO.
    pub hello_name: String,
    /// The protocol.
    pub mode: Mode,
    /// Shall TLS be started? Of no matter where it is up from the first octet.
    pub tls: Tls,
    /// Who logs in; nobody, as between servers.
    pub login: Option<Login>,
    /// How long the client waits.
    pub timeouts: Timeouts,
}

impl ClientOptions {
    /// For mail to another server: TLS if it is offered, no login, RFC 5321's times.
    pub fn new(hello_name: &str) -> ClientOptions {
        ClientOptions {
            hello_name: hello_name.to_string(),
            mode: Mode::Smtp,
            tls: Tls::IfOffered,
            login: None,
            timeouts: Timeouts::default(),
        }
    }
}

/// Which protocol the client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// SMTP (RFC 5321): EHLO, and HELO for a server that knows no better.
    Smtp,
    /// LMTP (RFC 2033): LHLO, and a reply for each recipient at the end.
    Lmtp,
}

/// Shall TLS be started with STARTTLS (RFC 3207)?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tls {
    /// No.
    Never,
    /// If the server offers it and agrees; otherwise the mail goes in the clear (RFC 7435).
    IfOffered,
    /// Without TLS there is no session.
    Required,
}

/// Who logs in, and how.
#[derive(Clone)]
pub struct Login {
    /// The name, and the password or token.
    pub credentials: Credentials,
    /// May a password cross a connection that has no TLS?
    pub cleartext: Cleartext,
    /// Random octets that were never used before; SCRAM needs them.
    pub nonce: [u8; 18],
}

/// The name alone.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("credentials", &self.credentials)
            .field("cleartext", &self.cleartext)
            .finish_non_exhaustive()
    }
}

/// How long the client waits for a reply (RFC 5321 §4.5.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the greeting.
    pub greeting: Duration,
    /// To EHLO, STARTTLS, AUTH, MAIL, RSET and any other command.
    pub command: Duration,
    /// To RCPT.
    pub rcpt: Duration,
    /// To DATA.
    pub data: Duration,
    /// For a piece of the body to leave, or to BDAT.
    pub block: Duration,
    /// To the end of the message. A server that is too slow here may have taken it, and then has it
    /// twice.
    pub end: Duration,
    /// To QUIT: nothing depends on it.
    pub quit: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        let minutes = |count: u64| Duration::from_secs(count * 60);
        Timeouts {
            greeting: minutes(5),
            command: minutes(5),
            rcpt: minutes(5),
            data: minutes(2),
            block: minutes(3),
            end: minutes(10),
            quit: Duration::from_secs(5),
        }
    }
}
