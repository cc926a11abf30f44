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
//!
//! [`TcpDialer`] is the way out: it keeps [`core_world::Dialer`].

mod bind_error;
mod caught;
mod certificate;
mod certificates;
mod connection;
mod dane;
mod dialer;
mod limit;
mod listener;
mod proxy;
mod roots;
mod session_id;
mod stop;
mod stream;
mod tls;
mod trust;
mod visit;
mod wire;
mod write;

pub use bind_error::{BindError, BindErrorKind};
pub use certificate::{Certificate, CertificateError, Validity};
pub use certificates::Certificates;
pub use dialer::TcpDialer;
pub use limit::{CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS_MAX, HANDSHAKES_MAX, Room};
pub use listener::{Listener, Options, Security};
pub use proxy::Proxies;
pub use roots::{Roots, RootsError};
pub use session_id::SessionId;
pub use stop::{Stop, Stopping, stop};
pub use tls::{Tickets, Tls, TlsError};
pub use visit::Peer;
pub use write::{AHEAD_MAX, WRITE_TIMEOUT};
