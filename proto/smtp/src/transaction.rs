//! From MAIL to the end of the message (RFC 5321 §3.3).

use crate::body::Incoming;
use words_mail::BodyType;

/// What the session itself must remember of a transaction; addresses and parameters are with the
/// desk.
#[derive(Debug)]
pub(crate) struct Transaction {
    pub body: BodyType,
    pub smtputf8: bool,
    /// Recipients accepted.
    pub recipients: usize,
    /// Recipients refused.
    pub refused: usize,
    /// A message of which one BDAT has come, and not the last.
    pub incoming: Option<Incoming>,
}

impl Transaction {
    pub fn new(body: BodyType, smtputf8: bool) -> Transaction {
        Transaction { body, smtputf8, recipients: 0, refused: 0, incoming: None }
    }
}
