//! What a site may set, and the limits that have names.

use std::time::Duration;

/// How one listener's sessions behave.
#[derive(Clone, Debug)]
pub struct Options {
    /// Name of this host, for the greeting.
    pub host: String,
    /// Largest message that APPEND takes, in octets: APPENDLIMIT (RFC 7889).
    pub size_max: u64,
    /// May a password cross a connection without TLS? For loopback and the lab.
    pub cleartext_login: bool,
    /// May STARTTLS be offered?
    pub tls_available: bool,
    /// Names of capabilities that are switched off, in any case: neither announced nor enabled, and
    /// the commands that they announce are not known.
    pub capabilities_off: Vec<String>,
    /// A session that is not logged in, and says nothing whole for so long, is closed.
    pub login_timeout: Duration,
    /// A session that is not logged in so long after it began is closed, however much it says.
    pub login_deadline: Duration,
    /// A logged-in session that is silent for so long is closed; at least 30 minutes by RFC 3501 §5.4.
    pub idle_timeout: Duration,
    /// So many commands that cannot be read, or logins that fail, end the session.
    pub errors_max: u32,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            host: "localhost".to_string(),
            size_max: 50 * 1024 * 1024,
            cleartext_login: false,
            tls_available: true,
            capabilities_off: Vec::new(),
            login_timeout: Duration::from_secs(3 * 60),
            login_deadline: Duration::from_secs(5 * 60),
            idle_timeout: Duration::from_secs(31 * 60),
            errors_max: 20,
        }
    }
}

/// Longest line, and longest literal, before login, in octets.
pub(crate) const LINE_LEN_MAX_BEFORE_LOGIN: usize = 8 * 1024;
/// Largest literal before login, in octets: what LITERAL- allows (RFC 7888 §5).
pub(crate) const LITERAL_LEN_MAX_BEFORE_LOGIN: u64 = 4096;
/// Largest command before login, lines and literals together, in octets.
pub(crate) const COMMAND_LEN_MAX_BEFORE_LOGIN: usize = 16 * 1024;
/// Longest line of a logged-in client, in octets. Some clients list every UID they know.
pub(crate) const LINE_LEN_MAX: usize = 64 * 1024;
/// Largest command of a logged-in client, lines and literals together but for APPEND's messages.
pub(crate) const COMMAND_LEN_MAX: usize = 1024 * 1024;
/// Octets of literals that are read and dropped to stay in step with a client that sent too much
/// unasked. Beyond this the session ends.
pub(crate) const DISCARD_MAX: u64 = 100 * 1024 * 1024;
/// An APPEND's message goes to the core in pieces of at most so many octets.
pub(crate) const APPEND_CHUNK_LEN_MAX: usize = 64 * 1024;
/// And of at least so many, unless less is left of it.
pub(crate) const APPEND_CHUNK_LEN_MIN: u64 = 16 * 1024;
/// Output is handed over when it has grown to so many octets.
pub(crate) const SEND_LEN: usize = 64 * 1024;
/// A waiting session keeps a buffer of at most so many octets.
pub(crate) const WAITING_BUFFER_LEN_MAX: usize = 1024;
/// Deepest nesting of search keys.
pub(crate) const SEARCH_DEPTH_MAX: usize = 50;
/// Most sections and items of one FETCH.
pub(crate) const FETCH_ITEMS_MAX: usize = 200;
