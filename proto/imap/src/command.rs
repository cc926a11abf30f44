//! Every command: one row in [`COMMANDS`], one file below.

pub(crate) mod append;
mod authenticate;
mod capability;
mod close;
mod copy;
mod create;
mod delete;
mod enable;
mod expunge;
mod fetch;
mod id;
mod idle;
mod list;
mod login;
mod logout;
mod lsub;
mod namespace;
mod noop;
mod quota;
mod rename;
mod search;
mod select;
mod sort;
mod starttls;
mod status;
mod store;
mod subscribe;
mod thread;

use crate::ask::{Answer, Ask, Expunges, Stretch};
use crate::capability::is_on;
use crate::context::Context;
use crate::cursor::{Cursor, ParseError};
use crate::state::Stage;
use crate::tagged::{Missing, Tagged, refused};
use proto_line::LineBuffer;
use words_base::SyntaxError;
use words_mail::Refusal;

/// A command that has been read, ready to be carried out.
pub(crate) type Parsed = Result<Box<dyn Run>, ParseError>;

/// What is true of a command.
pub(crate) struct Spec {
    /// Its name, in capitals.
    pub verb: &'static str,
    /// In which states it may be given.
    pub stage: Stage,
    /// The capability that announces it.
    pub capability: &'static str,
    /// What the client is told of its mailbox before the tagged reply, and whether messages may be
    /// renumbered by it (RFC 3501 §7.4.1). `None`: nothing.
    pub sync: Option<Expunges>,
    /// Reads its arguments, from the space after the name on.
    pub parse: fn(&mut Cursor<'_>) -> Parsed,
}

const fn row(
    verb: &'static str,
    stage: Stage,
    capability: &'static str,
    sync: Option<Expunges>,
    parse: fn(&mut Cursor<'_>) -> Parsed,
) -> Spec {
    Spec { verb, stage, capability, sync, parse }
}

const TELL: Option<Expunges> = Some(Expunges::Tell);
const HOLD: Option<Expunges> = Some(Expunges::HoldBack);

/// Every command this server speaks.
#[rustfmt::skip]
pub(crate) const COMMANDS: &[Spec] = &[
    row("CAPABILITY", Stage::Any, "IMAP4rev1", TELL, capability::parse),
    row("NOOP", Stage::Any, "IMAP4rev1", TELL, noop::parse_noop),
    row("LOGOUT", Stage::Any, "IMAP4rev1", None, logout::parse),
    row("ID", Stage::Any, "ID", TELL, id::parse),
    row("STARTTLS", Stage::NotAuthenticated, "STARTTLS", None, starttls::parse),
    row("AUTHENTICATE", Stage::NotAuthenticated, "AUTH", None, authenticate::parse),
    row("LOGIN", Stage::NotAuthenticated, "IMAP4rev1", None, login::parse),
    row("ENABLE", Stage::Authenticated, "ENABLE", TELL, enable::parse),
    row("NAMESPACE", Stage::Authenticated, "NAMESPACE", TELL, namespace::parse),
    row("SELECT", Stage::Authenticated, "IMAP4rev1", None, select::parse_select),
    row("EXAMINE", Stage::Authenticated, "IMAP4rev1", None, select::parse_examine),
    row("CREATE", Stage::Authenticated, "IMAP4rev1", TELL, create::parse),
    row("DELETE", Stage::Authenticated, "IMAP4rev1", TELL, delete::parse),
    row("RENAME", Stage::Authenticated, "IMAP4rev1", TELL, rename::parse),
    row("SUBSCRIBE", Stage::Authenticated, "IMAP4rev1", TELL, subscribe::parse_subscribe),
    row("UNSUBSCRIBE", Stage::Authenticated, "IMAP4rev1", TELL, subscribe::parse_unsubscribe),
    row("LIST", Stage::Authenticated, "IMAP4rev1", TELL, list::parse),
    row("LSUB", Stage::Authenticated, "IMAP4rev1", TELL, lsub::parse),
    row("STATUS", Stage::Authenticated, "IMAP4rev1", TELL, status::parse),
    row("APPEND", Stage::Authenticated, "IMAP4rev1", TELL, append::parse),
    row("IDLE", Stage::Authenticated, "IDLE", TELL, idle::parse),
    row("GETQUOTA", Stage::Authenticated, "QUOTA", TELL, quota::parse_get),
    row("GETQUOTAROOT", Stage::Authenticated, "QUOTA", TELL, quota::parse_get_root),
    row("SETQUOTA", Stage::Authenticated, "QUOTA", TELL, quota::parse_set),
    row("CHECK", Stage::Selected, "IMAP4rev1", TELL, noop::parse_check),
    row("CLOSE", Stage::Selected, "IMAP4rev1", None, close::parse_close),
    row("UNSELECT", Stage::Selected, "UNSELECT", None, close::parse_unselect),
    row("EXPUNGE", Stage::Selected, "IMAP4rev1", TELL, expunge::parse),
    row("UID EXPUNGE", Stage::Selected, "UIDPLUS", TELL, expunge::parse_uid),
    row("SEARCH", Stage::Selected, "IMAP4rev1", HOLD, search::parse),
    row("UID SEARCH", Stage::Selected, "IMAP4rev1", TELL, search::parse_uid),
    row("SORT", Stage::Selected, "SORT", HOLD, sort::parse),
    row("UID SORT", Stage::Selected, "SORT", TELL, sort::parse_uid),
    row("THREAD", Stage::Selected, "THREAD=REFERENCES", HOLD, thread::parse),
    row("UID THREAD", Stage::Selected, "THREAD=REFERENCES", TELL, thread::parse_uid),
    row("FETCH", Stage::Selected, "IMAP4rev1", HOLD, fetch::parse),
    row("UID FETCH", Stage::Selected, "IMAP4rev1", TELL, fetch::parse_uid),
    row("STORE", Stage::Selected, "IMAP4rev1", HOLD, store::parse),
    row("UID STORE", Stage::Selected, "IMAP4rev1", TELL, store::parse_uid),
    row("COPY", Stage::Selected, "IMAP4rev1", TELL, copy::parse_copy),
    row("UID COPY", Stage::Selected, "IMAP4rev1", TELL, copy::parse_uid_copy),
    row("MOVE", Stage::Selected, "MOVE", TELL, copy::parse_move),
    row("UID MOVE", Stage::Selected, "MOVE", TELL, copy::parse_uid_move),
];

/// A command being carried out. It prints into the context's buffer and says what it wants next.
/// Each function is called only after the [`Next`] that announces it.
pub(crate) trait Run: Send {
    /// Begins.
    fn start(&mut self, cx: &mut Context) -> Next;

    /// The core's answer to [`Next::Ask`].
    fn answer(&mut self, answer: Answer, cx: &mut Context) -> Next {
        let _ = cx;
        mismatch(&answer)
    }

    /// The core's refusal in place of an answer.
    fn refused(&mut self, refusal: Refusal, cx: &mut Context) -> Next {
        let _ = cx;
        Next::Done(refused(&refusal, Missing::NonExistent))
    }

    /// Would something be lost that the client is sending, if the session ended now?
    fn is_receiving(&self) -> bool {
        false
    }

    /// What [`Next::Stream`] or [`Next::Flush`] wanted is on its way.
    fn resume(&mut self, cx: &mut Context) -> Next {
        let _ = cx;
        unreachable!("nothing to go on with")
    }

    /// Octets from the client after [`Next::Read`]. Says [`Next::Read`] again if they do not suffice.
    fn read(&mut self, buffer: &mut LineBuffer, cx: &mut Context) -> Next {
        let _ = (buffer, cx);
        unreachable!("nothing to be read")
    }

    /// The mailbox may have changed while the command was waiting at [`Next::Read`].
    fn news(&mut self, cx: &mut Context) -> Next {
        let _ = cx;
        Next::Read
    }
}

/// What a command wants next.
#[derive(Debug)]
pub(crate) enum Next {
    /// An answer of the core.
    Ask(Ask),
    /// What was printed sent, then this stretch of a body.
    Stream(Stretch),
    /// What was printed sent, if it is much.
    Flush,
    /// Octets from the client.
    Read,
    /// Nothing more: this is how it ends.
    Done(Tagged),
    /// To end so, and TLS.
    StartTls(Tagged),
    /// The connection closed, after `* BYE` and these words.
    Bye(&'static str),
}

/// The desk answered another question than was asked: a fault of ours, caught at the session's edge.
pub(crate) fn mismatch(answer: &Answer) -> ! {
    unreachable!("no answer to what was asked: {answer:?}")
}

/// Reads a command after its tag and the space behind that: looks up its row, checks that the state
/// allows it, and reads its arguments.
pub(crate) fn parse(
    cursor: &mut Cursor<'_>,
    cx: &Context,
) -> Result<(&'static Spec, Box<dyn Run>), ParseError> {
    let spec = spec(cursor, cx)?;
    spec.stage.check(&cx.state).map_err(|why| ParseError::Refused(Tagged::bad(why)))?;
    let run = (spec.parse)(cursor)?;
    cursor.end()?;
    Ok((spec, run))
}

fn spec(cursor: &mut Cursor<'_>, cx: &Context) -> Result<&'static Spec, SyntaxError> {
    const EXPECTED: &str = "a command";
    let start = cursor.at();
    let mut verb = cursor.atom(EXPECTED)?.to_ascii_uppercase();
    if verb == b"UID" {
        cursor.space()?;
        verb.push(b' ');
        verb.extend(cursor.atom("a command after UID")?.to_ascii_uppercase());
    }
    let spec =
        COMMANDS.iter().find(|spec| spec.verb.as_bytes() == verb && is_on(spec.capability, cx));
    spec.ok_or(SyntaxError::new(start, "a command that this server knows"))
}

/// Reads nothing: for commands without arguments.
fn no_arguments(run: impl Run + 'static) -> Parsed {
    Ok(Box::new(run))
}

#[cfg(test)]
mod tests;
