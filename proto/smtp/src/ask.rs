//! What a session must learn from the core, and what the core says.

use crate::Reply;
use bytes::Bytes;
use proto_line::Secured;
use std::sync::Arc;
use std::time::Duration;
use words_mail::{BodyType, ForwardPath, Notify, OriginalRecipient, Ret, ReversePath};

/// A question for the core. One transaction is `Sender`, `Recipient` once or more, then for the
/// message `Begin`, `Write` any number of times and `Finish` or `Abort`.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// Somebody has come; only where [`crate::Options::ask_who_comes`] says so. Answered with
    /// [`Answer::GreetAfter`], or refused: then that is the greeting, and the end.
    Come,
    /// They spoke before the greeting, and are hung up on. Answered with [`Answer::Accepted`].
    SpokeEarly,
    /// A login goes on. Answered with [`Answer::Login`], or refused.
    Login(proto_sasl::Ask),
    /// MAIL: a transaction begins, and whatever an earlier one left is forgotten.
    Sender(Box<Sender>),
    /// RCPT.
    Recipient(Box<Recipient>),
    /// DATA, or the first BDAT: make ready for a message. After a refusal there is none.
    Begin,
    /// The next octets of the message, decoded, 1 octet to 64 KiB and a little. After a refusal
    /// the desk has dropped the message; neither `Finish` nor `Abort` follows.
    Write(Bytes),
    /// The message is whole. Answered with [`Answer::Finished`] once it is on disk, or refused.
    Finish,
    /// The message begun will not become whole; drop it. Answered with [`Answer::Accepted`].
    Abort,
}

/// What the core says.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Yes; the session spells the reply.
    Accepted,
    /// No, in these words.
    Refused(Reply),
    /// Yes; the greeting comes after so long, and whoever speaks before it is no mail server.
    GreetAfter(Duration),
    /// A login goes on, or has succeeded.
    Login(proto_sasl::Answer),
    /// What has become of a message.
    Finished(Finished),
}

/// What has become of a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Finished {
    /// The same for all recipients, such as `250 2.0.0 delivered as 01J…`.
    All(Reply),
    /// For each accepted recipient, in their order, as LMTP must say it (RFC 2033 §4.2).
    Each(Vec<Reply>),
}

/// The client as it stands at the moment of MAIL; for the Received field.
#[derive(Clone, Debug, PartialEq)]
pub struct Client {
    /// What it called itself in HELO, EHLO or LHLO.
    pub name: String,
    /// The TLS of the connection, if there is one.
    pub secured: Option<Secured>,
}

/// MAIL FROM (RFC 5321 §4.1.1.2) with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Sender {
    /// Who sends.
    pub client: Arc<Client>,
    /// The protocol as `with` in the Received field names it (RFC 3848, RFC 6531 §4.3).
    pub with: &'static str,
    /// The address to report to.
    pub reverse_path: ReversePath,
    /// What stood behind it.
    pub parameters: MailParameters,
}

/// The parameters of MAIL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailParameters {
    /// `SIZE=`: how large the client takes the message to be (RFC 1870).
    pub size: Option<u64>,
    /// `BODY=` (RFC 6152, RFC 3030).
    pub body: BodyType,
    /// `SMTPUTF8`: addresses and header may hold UTF-8 (RFC 6531).
    pub smtputf8: bool,
    /// `REQUIRETLS`: never to be sent on without TLS that was verified (RFC 8689).
    pub requiretls: bool,
    /// `RET=` (RFC 3461 §4.3).
    pub ret: Option<Ret>,
    /// `ENVID=`, its xtext decoded (RFC 3461 §4.4).
    pub envid: Option<String>,
    /// `AUTH=`, its xtext decoded; empty for `<>` (RFC 4954 §5). A claim that nobody has proved.
    pub auth: Option<String>,
}

/// RCPT TO (RFC 5321 §4.1.1.3) with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipient {
    /// Where to.
    pub forward_path: ForwardPath,
    /// What stood behind it.
    pub parameters: RcptParameters,
}

/// The parameters of RCPT.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RcptParameters {
    /// `NOTIFY=` (RFC 3461 §4.1).
    pub notify: Notify,
    /// `ORCPT=` (RFC 3461 §4.2).
    pub orcpt: Option<OriginalRecipient>,
}
