//! Where a session stands.

use crate::command::{Marked, Stage};
use crate::retrieval::Retrieval;
use crate::{Answer, Listing};
use proto_sasl::Exchange;

/// RFC 1939 §3: `Authorization` → (login) → `Transaction` → (QUIT) → `Closing`.
#[derive(Debug)]
pub(crate) enum State {
    Authorization { user: Option<String> },
    Transaction(Maildrop),
    Closing,
}

impl State {
    pub(crate) fn stage(&self) -> Stage {
        match self {
            State::Authorization { .. } | State::Closing => Stage::Authorization,
            State::Transaction(_) => Stage::Transaction,
        }
    }
}

/// The messages as they were at login.
#[derive(Debug)]
pub(crate) struct Maildrop {
    pub(crate) count: u32,
    pub(crate) size: u64,
    pub(crate) marked: Marked,
}

impl Maildrop {
    /// Is there a message of that number, not marked?
    pub(crate) fn has(&self, number: u32) -> bool {
        (1..=self.count).contains(&number) && !self.marked.numbers.contains(number)
    }
}

/// What the session is in the middle of, so that it knows what the next answer or line is for.
#[derive(Debug)]
pub(crate) enum Pending {
    /// Nothing: the next line is a command.
    Nothing,
    /// The client owes a line of a SASL exchange.
    Response(Exchange),
    /// The core owes an answer to a SASL exchange; `None` to PASS.
    Login(Option<Exchange>),
    /// The core owes the maildrop.
    Open,
    /// A listing, page by page; what stands for one message only says so.
    Listing { listing: Listing, next: u32, only: bool },
    /// DELE waits for the message's size.
    Mark(u32),
    /// RETR and TOP: `+OK` with the size comes first.
    RetrievalSize(Retrieval),
    /// Pieces are being read.
    Retrieval(Retrieval),
    /// QUIT waits for the removal.
    Removal,
}

/// An answer that does not belong to what was asked: a fault of the desk.
pub(crate) fn out_of_order(answer: &Answer) -> ! {
    unreachable!("the desk gave {answer:?} to another question")
}
