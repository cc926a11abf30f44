//! Where a session stands.
//!
//! ```text
//! Banner ─► Commands ◄──────────────────────────────► Asking ◄─► Receiving
//!             ▲ ▲ └─AUTH──► Authenticating ◄─► Asking      octets of a message
//!             │ └─TLS is up── StartingTls ◄─STARTTLS
//!             └ any state ─► Closing
//! ```

use crate::ask::Answer;
use crate::body::{Incoming, Source};
use crate::command::{Command, Stage};
use crate::transaction::Transaction;
use proto_sasl::Exchange;

/// Where a session stands, with what belongs to that place.
#[derive(Debug)]
pub(crate) enum State {
    /// Nothing has been said.
    Banner,
    /// The next line is a command.
    Commands(Option<Transaction>),
    /// The next line is a response to a challenge.
    Authenticating(Exchange),
    /// The next octets are a message's.
    Receiving(Box<Receiving>),
    /// The desk has a question.
    Asking(Pending, Option<Box<Answer>>),
    /// TLS comes next.
    StartingTls,
    /// Nothing more will be read.
    Closing,
}

/// A message on its way in.
#[derive(Debug)]
pub(crate) struct Receiving {
    /// `None` for a chunk that came without MAIL.
    pub transaction: Option<Transaction>,
    pub incoming: Incoming,
    pub source: Source,
}

/// What the answer is for.
#[derive(Debug)]
pub(crate) enum Pending {
    Come,
    SpokeEarly,
    Login(Exchange),
    Sender(Transaction),
    Recipient(Transaction),
    Begin(Transaction, Source),
    Write(Box<Receiving>),
    Finish(Transaction),
    /// The message was dropped, and its octets go on coming.
    Abort(Box<Receiving>),
    /// The message was dropped by a command, which can now be carried out.
    AbortBefore(Command),
}

/// How far the client has come.
pub(crate) fn stage(said_hello: bool, transaction: Option<&Transaction>) -> Stage {
    match transaction {
        Some(transaction) if transaction.recipients > 0 => Stage::Rcpt,
        Some(_) => Stage::Mail,
        None if said_hello => Stage::Hello,
        None => Stage::Greeted,
    }
}
