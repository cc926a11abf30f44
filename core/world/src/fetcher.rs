//! The way to files on the web: policies and reports of other domains, nothing else.

use crate::Later;
use std::fmt;
use std::time::Duration;

/// Asks web servers, over HTTPS alone: the certificate leads to an authority that this machine knows
/// and is for the name in the URL. Follows no redirection (RFC 8461 §3.3).
pub trait Fetcher: Send + Sync {
    /// What the server has at the URL, whatever its status.
    fn get<'a>(&'a self, what: &'a Fetch) -> Later<'a, Result<Fetched, FetchError>>;

    /// Hands `body` to the server at the URL; gives its answer.
    fn post<'a>(
        &'a self,
        what: &'a Fetch,
        content_type: &'a str,
        body: &'a [u8],
    ) -> Later<'a, Result<Fetched, FetchError>>;
}

/// What shall be fetched, and how far one goes for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// `https://host[:port]/path`.
    pub url: String,
    /// An answer with a longer body is an error.
    pub size_max: usize,
    /// For everything together.
    pub within: Duration,
    /// Who may be asked.
    pub reach: Reach,
}

/// Who may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Only servers on public addresses: a stranger has chosen the name, and shall not have us knock at
    /// doors of our own network.
    Public,
    /// Everyone: the operator has chosen the name.
    Anywhere,
}

/// What a web server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The status: 200 is good.
    pub status: u16,
    /// The field Content-Type as it came; empty if there was none.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchError {
    /// The URL is not one of HTTPS, or cannot be read.
    BadUrl,
    /// The name has no address, in these words.
    NoSuchHost(String),
    /// The name leads to an address that is not public.
    NotPublic,
    /// No connection, or it broke; says how.
    Broken(String),
    /// It took too long.
    TimedOut,
    /// The server showed a certificate that will not do; says why.
    Untrusted(String),
    /// The body is longer than allowed.
    TooLarge,
    /// The answer is not HTTP.
    NotHttp(String),
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FetchError::BadUrl => f.write_str("not an address that begins with https://"),
            FetchError::NoSuchHost(why) => write!(f, "the name cannot be found: {why}"),
            FetchError::NotPublic => f.write_str("the name leads to an address that is not public"),
            FetchError::Broken(how) => write!(f, "no answer: {how}"),
            FetchError::TimedOut => f.write_str("no answer in time"),
            FetchError::Untrusted(why) => write!(f, "the certificate is not trusted: {why}"),
            FetchError::TooLarge => f.write_str("the answer is too long"),
            FetchError::NotHttp(why) => write!(f, "the answer cannot be read: {why}"),
        }
    }
}

impl std::error::Error for FetchError {}
