//! One session shape for every line protocol.

use std::time::Instant;

/// The protocol state of one connection.
pub trait Session: Send {
    /// What the session must learn from the core before it can go on.
    type Ask: Send;
    /// What the core says.
    type Answer: Send;
    /// A stretch of a stored body, opaque here: the desk hands it over, the driver reads it there.
    type Stretch: Send + Sync;

    /// Hands over bytes from the peer. They are kept until [`Session::step`] uses them.
    fn input(&mut self, bytes: &[u8]);

    /// Answers the last [`Step::Ask`].
    fn answer(&mut self, answer: Self::Answer);

    /// Tells of something that happened elsewhere while the session waits.
    fn news(&mut self, news: News);

    /// TLS is up: from the first byte of the connection, or after [`Step::StartTls`].
    /// Whatever plaintext was still unread is gone (RFC 3207 §4.2).
    fn secured(&mut self, secured: Secured);

    /// Goes on until something is needed from outside. `now` drives every timeout.
    /// After [`Step::Ask`] it must not be called before [`Session::answer`].
    fn step(&mut self, now: Instant) -> Step<Self::Ask, Self::Stretch>;

    /// Gives back a buffer of [`Step::Send`] for reuse, so that the hot path allocates nothing.
    fn give_back(&mut self, buffer: Vec<u8>) {
        drop(buffer);
    }

    /// Something broke at the session's edge, such as a panic at the desk. The last words to the
    /// peer before the connection is closed: a temporary failure, in the protocol's own manner.
    fn last_words(&self) -> Vec<u8>;
}

/// What a session wants next.
#[derive(Debug)]
pub enum Step<Ask, Stretch> {
    /// Write these bytes to the peer.
    Send(Vec<u8>),
    /// Copy this stretch of a stored body to the peer, in pieces, at the peer's pace.
    Stream(Stretch),
    /// Put this question to the core and bring back the answer.
    Ask(Ask),
    /// Flush; then wait for bytes or news, and step again when they come, or at `until`.
    Wait {
        /// When the session wants to be stepped even if nothing came: its timeout.
        until: Instant,
    },
    /// Flush, drop any unread plaintext and start TLS (RFC 3207 §4.2).
    StartTls,
    /// Flush and hang up.
    Close,
}

/// What happened elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// The watched account's change log has grown; ask for the changes.
    Changed,
    /// The server is going down; say so and close.
    ShuttingDown,
    /// Who is logged in may no longer be: say so and close.
    ShutOut,
}

/// What the session may know of the TLS below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secured {
    /// For Received fields and the log: `TLS1.3`, `TLS1.2`.
    pub version: &'static str,
    /// The cipher suite's name.
    pub cipher: String,
    /// The `tls-exporter` channel binding (RFC 9266), 32 octets, if the connection has one.
    pub exporter: Option<[u8; 32]>,
}
