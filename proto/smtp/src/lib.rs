//! SMTP, submission and LMTP, both sides. Opens no socket, knows no account, keeps no message.
//!
//! [`SmtpSession`] is a [`proto_line::Session`]: bytes go in, [`proto_line::Step`]s come out. Its
//! questions are [`Ask`]s, one for each thing that only the core can know; `serve/smtp` answers
//! them. Of a transaction the session keeps only what the protocol needs; addresses, parameters and
//! octets go straight to the desk. [`client`] is the other side.
//!
//! ```
//! use proto_line::{Session, Step};
//! use proto_smtp::{Cleartext, Mode, Options, Peer, SmtpSession, Standing};
//! use std::{sync::Arc, time::Instant};
//!
//! let options = Arc::new(Options::new("mail.mired.org", Mode::Relay));
//! let peer = Peer { standing: Standing::Stranger, cleartext: Cleartext::Refused };
//! let mut session = SmtpSession::new(options, peer);
//! let Step::Send(banner) = session.step(Instant::now()) else { panic!() };
//! assert_eq!(banner, b"220 mail.mired.org ESMTP Estafeta\r\n");
//! session.input(b"NOOP\r\n");
//! let Step::Send(reply) = session.step(Instant::now()) else { panic!() };
//! assert_eq!(reply, b"250 2.0.0 ok\r\n");
//! ```

mod ask;
mod body;
pub mod client;
mod command;
mod decoder;
mod options;
mod path;
mod reply;
mod scanner;
mod session;
mod state;
mod transaction;

pub use ask::{Answer, Ask, Client, Finished, MailParameters, RcptParameters, Recipient, Sender};
pub use options::{
    Cleartext, Dsn, Login, Mode, Options, Peer, RequireTls, Standing, StartTls, Timeouts,
};
pub use reply::{Reply, ReplyCode, bare_reply, reply};
pub use session::SmtpSession;
pub use words_mail::{BodyType, Notify, OriginalRecipient, Ret};
