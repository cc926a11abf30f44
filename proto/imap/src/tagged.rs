//! How a command ends: OK, NO or BAD, with a code and a word for people (RFC 3501 §7.1).

use std::borrow::Cow;
use words_mail::{ModSeq, Refusal};

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// Done.
    Ok,
    /// Not done.
    No,
    /// Not understood.
    Bad,
}

impl Condition {
    fn as_str(self) -> &'static str {
        match self {
            Condition::Ok => "OK",
            Condition::No => "NO",
            Condition::Bad => "BAD",
        }
    }
}

/// What stands in square brackets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Code {
    /// Nothing.
    #[default]
    None,
    /// A code without arguments.
    Word(&'static str),
    /// A code as it was printed, with arguments.
    Printed(Vec<u8>),
    /// `HIGHESTMODSEQ`, once QRESYNC is enabled and the sync that follows has told expunges
    /// (RFC 7162 §3.2.7).
    HighestModSeq,
}

impl Code {
    /// `name n`
    pub fn modseq(name: &str, ModSeq(modseq): ModSeq) -> Code {
        Code::Printed(format!("{name} {modseq}").into_bytes())
    }
}

/// The reply that carries the command's tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tagged {
    /// How it went.
    pub condition: Condition,
    /// The code.
    pub code: Code,
    /// Never empty: clients stumble over a code with nothing after it.
    pub text: Cow<'static, str>,
}

impl Tagged {
    /// `OK text`
    pub fn ok(text: &'static str) -> Tagged {
        Tagged { condition: Condition::Ok, code: Code::None, text: text.into() }
    }

    /// `NO [code] text`. A code always: without one, some clients take any NO at login for a wrong
    /// password.
    pub fn no(code: Code, text: impl Into<Cow<'static, str>>) -> Tagged {
        Tagged { condition: Condition::No, code, text: text.into() }
    }

    /// `BAD text`
    pub fn bad(text: impl Into<Cow<'static, str>>) -> Tagged {
        Tagged { condition: Condition::Bad, code: Code::None, text: text.into() }
    }

    /// With a code.
    pub fn with(self, code: Code) -> Tagged {
        Tagged { code, ..self }
    }

    /// The reply's line.
    pub fn print(&self, out: &mut Vec<u8>, tag: &[u8]) {
        out.extend_from_slice(tag);
        out.push(b' ');
        out.extend_from_slice(self.condition.as_str().as_bytes());
        out.push(b' ');
        match &self.code {
            Code::None | Code::HighestModSeq => {}
            Code::Word(word) => bracket(out, word.as_bytes()),
            Code::Printed(code) => bracket(out, code),
        }
        out.extend_from_slice(self.text.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

fn bracket(out: &mut Vec<u8>, code: &[u8]) {
    out.push(b'[');
    out.extend_from_slice(code);
    out.extend_from_slice(b"] ");
}

/// What a mailbox that is not there means to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It was to be used: `[NONEXISTENT]`.
    NonExistent,
    /// It was to receive messages: `[TRYCREATE]` (RFC 3501 §6.3.11).
    TryCreate,
}

/// The one road from a refusal of the core to an IMAP reply (codes of RFC 5530).
pub(crate) fn refused(refusal: &Refusal, missing: Missing) -> Tagged {
    let code = match refusal {
        Refusal::NoSuchMailbox if missing == Missing::TryCreate => "TRYCREATE",
        Refusal::NoSuchMailbox | Refusal::NoSuchRecipient => "NONEXISTENT",
        Refusal::MailboxExists => "ALREADYEXISTS",
        Refusal::BadMailboxName(_) | Refusal::Malformed(_) | Refusal::Loop => "CANNOT",
        Refusal::NotPermitted(_)
        | Refusal::RelayDenied
        | Refusal::NotGenuine { .. }
        | Refusal::NoRouteYet
        | Refusal::SenderNotOwned => "NOPERM",
        Refusal::MailboxFull => "OVERQUOTA",
        Refusal::TooLarge { .. } => "TOOBIG",
        Refusal::Limit(_) => "LIMIT",
        Refusal::LoginFailed => "AUTHENTICATIONFAILED",
        // Not OVERQUOTA: it is not the user's to mend, and it passes (RFC 5530 §3).
        Refusal::Unavailable | Refusal::StorageFull => "UNAVAILABLE",
    };
    let mut text = refusal.to_string();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    Tagged::no(Code::Word(code), text)
}
