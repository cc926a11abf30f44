//! The outside of every line protocol: sockets, TLS, and the driver that runs one
//! [`proto_line::Session`] at its [`proto_line::Desk`]. Knows no protocol and no mailbox.
//!
//! ```no_run
//! # async fn example<S, D>(open: fn(engine_net::Peer) -> (S, D)) -> Result<(), engine_net::BindError>
//! # where S: proto_line::Session + 'static,
//! #       D: proto_line::Desk<Ask = S::Ask, Answer = S::Answer, Stretch = S::Stretch> + 'static {
//! use engine_net::{Listener, Options, stop};
//!
//! let (stop, stopping) = stop();
//! let listener = Listener::bind("pop3", "127.0.0.1:2110".parse().unwrap())?;
//! tokio::spawn(listener.serve(Options::default(), stopping, open));
//! // … and when the server goes down:
//! stop.within(std::time::Duration::from_secs(10)).await;
//! # Ok(())
//! # }
//! ```
//!
//! Laws: a waiting session holds no buffer; a peer that does not read holds up nobody but itself;
//! what came in plaintext before TLS is never read after it (RFC 3207 §4.2); a panic in one session
//! ends that session alone.

mod caught;
mod connection;
mod limit;
mod listener;
mod session_id;
mod stop;
mod stream;
mod tls;
mod write;

pub use limit::{CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS_MAX, HANDSHAKES_MAX, Room};
pub use listener::{BindError, BindErrorKind, Listener, Options, Peer, Security};
pub use session_id::SessionId;
pub use stop::{Stop, Stopping, stop};
pub use tls::{Certificate, Tickets, Tls, TlsError};
pub use write::{AHEAD_MAX, WRITE_TIMEOUT};
