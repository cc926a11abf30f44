//! SASL mechanisms as small state machines, both sides. Knows no account and no socket, reads no
//! randomness: an [`Exchange`] takes the client's lines, in base64 as SMTP, IMAP, POP3 and
//! ManageSieve all carry them, and says what comes next.
//!
//! ```
//! use proto_sasl::{Answer, Ask, Binding, Exchange, Mechanism, Turn};
//!
//! let (mut exchange, turn) = Exchange::start(Mechanism::Login, None, Binding::Unavailable);
//! assert_eq!(turn, Turn::Challenge("VXNlcm5hbWU6".to_string()));
//! assert_eq!(exchange.respond(b"YW5h"), Turn::Challenge("UGFzc3dvcmQ6".to_string()));
//! let Turn::Ask(Ask::Password { authcid, password, .. }) = exchange.respond(b"YW5h") else { panic!() };
//! assert_eq!((authcid.as_str(), password.expose()), ("ana", b"ana".as_slice()));
//! assert_eq!(exchange.answer(Answer::Accepted), Turn::Accepted);
//! ```
//!
//! The protocol that embeds it writes a [`Turn::Challenge`] after its `334 ` or `+ `, puts a
//! [`Turn::Ask`] to its desk, and brings the answer back. When the desk refuses, the protocol drops
//! the exchange and says so in its own words; there is nothing more to tell it.
//!
//! [`client`] is the other side.

mod ask;
mod base64;
pub mod client;
mod exchange;
mod login;
mod mechanism;
mod plain;
mod scram;
mod secret;

pub use ask::{Answer, Ask, KeyPair, Keys, Proof};
pub use base64::{decode, encode};
pub use exchange::{Binding, Exchange, Failure, Turn};
pub use mechanism::{MECHANISMS, Mechanism, Spec};
pub use secret::Secret;
