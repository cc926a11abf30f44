//! POP3, server side (RFC 1939, with 2449, 2595, 3206, 5034 and 6856). Knows no account, no mailbox
//! and no socket; drives as [`proto_line::Session`] and asks what [`Ask`] lists.
//!
//! A session sees the maildrop as it was at login: numbers never move, what arrives later is for
//! the next session, and what was marked with DELE goes only at QUIT.
//!
//! ```
//! use proto_line::{Session, Step};
//! use proto_pop3::{Options, Pop3Server};
//!
//! let mut session = Pop3Server::new(Options::default());
//! let Step::Send(greeting) = session.step(std::time::Instant::now()) else { panic!() };
//! assert!(greeting.starts_with(b"+OK "));
//! ```

mod ask;
mod command;
mod login;
mod reply;
mod retrieval;
mod session;
mod state;

pub use ask::{Answer, Ask, Entry, Listing};
pub use command::{COMMANDS, Command, Spec, Stage};
pub use session::{Options, Pop3Server};
