//! A message on its way in.

use crate::Recipient;
use words_mail::{AccountId, Address, Refusal, ReversePath};

/// Where a message comes from: what its trace fields tell (RFC 5321 §4.4).
#[derive(Clone, Debug)]
pub struct Origin {
    /// From MAIL.
    pub reverse_path: ReversePath,
    /// What the client called itself.
    pub helo: String,
    /// The peer's address, as Received shows it: `127.0.0.1`, `IPv6:::1`.
    pub peer: String,
    /// `ESMTPS` and the like (RFC 3848).
    pub protocol: &'static str,
    /// `TLS1.3 TLS13_AES_256_GCM_SHA384`, if it came so.
    pub tls: Option<String>,
    /// Who has logged in: their message is a submission, completed (Date, Message-ID, From) and
    /// cleaned (Bcc, Return-Path).
    pub submitter: Option<(AccountId, Address)>,
    /// The only recipient, if there is just one: Received says `for <…>`.
    pub only_recipient: Option<Address>,
}

/// A message on its way in: bounded memory, nothing promised yet. Dropped, it leaves no trace.
pub struct Incoming {}

/// What the sender may be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// The id in Received, in the log, and in the reply: names this message's coming for ever.
    pub id: String,
    /// Octets of the message as kept, without per-recipient fields.
    pub size: u64,
    /// Its Message-ID field, for the log.
    pub message_id: Option<String>,
    /// For each recipient given to [`Incoming::finish`], in order: filed, or why not.
    pub recipients: Vec<Result<(), Refusal>>,
}

impl Incoming {
    /// The id that the message will have; the log names it from the start.
    pub fn id(&self) -> &str {
        todo!()
    }

    /// Takes decoded octets (dots unstuffed, CRLF line ends). Errors: `TooLarge`, `Malformed`,
    /// `Unavailable`; after one, more octets may be given and are dropped.
    pub async fn write(&mut self, chunk: &[u8]) -> Result<(), Refusal> {
        let _ = chunk;
        todo!()
    }

    /// Files the message for all recipients in one durable commit. `Err` if for none of them.
    /// Errors also `Loop`, `Malformed`.
    pub async fn finish(self, recipients: &[Recipient]) -> Result<Delivered, Refusal> {
        let _ = recipients;
        todo!()
    }
}
