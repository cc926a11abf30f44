//! IMAP4rev1 and its extensions, server side: grammar and order of the protocol. Knows no account,
//! no mailbox and no socket; drives as [`proto_line::Session`], and asks what [`Ask`] lists.
//!
//! ```
//! use proto_imap::{ImapServer, Options};
//! use proto_line::{Session, Step};
//! use std::{sync::Arc, time::Instant};
//!
//! let mut session = ImapServer::new(Arc::new(Options::default()));
//! session.input(b"a1 LOGOUT\r\n");
//! let Step::Send(greeting_and_replies) = session.step(Instant::now()) else { panic!() };
//! assert!(greeting_and_replies.starts_with(b"* OK [CAPABILITY IMAP4rev1 "));
//! assert!(greeting_and_replies.ends_with(b"a1 OK Logged out\r\n"));
//! assert!(matches!(session.step(Instant::now()), Step::Close));
//! ```
//!
//! A command is a row in the table of `command` and a file below it; `session` runs one after the
//! other in strict order. What a client may send without end has a limit with a name in `options`.

pub mod ask;
mod body_structure;
mod capability;
pub mod client;
mod command;
mod context;
mod cursor;
mod envelope;
mod input;
mod options;
mod print;
mod session;
mod state;
mod sync;
mod tagged;

pub use ask::{Answer, Ask};
pub use options::Options;
pub use session::ImapServer;
