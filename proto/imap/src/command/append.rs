//! APPEND (RFC 3501 §6.3.11), of several messages (RFC 3502), with APPENDUID (RFC 4315 §3), UTF8
//! (RFC 9755 §4) and literals that need no invitation (RFC 7888). A message goes to the core in
//! pieces and is never held whole.
//!
//! ```text
//! beginning ─► announcing ─► literal ⇄ writing ─► ending ─► line ─┬─► committing ─► done
//!                  ▲                                              │
//!                  └──────────────── another message ─────────────┘
//! from everywhere, on a refusal or a mistake: aborting ─► discarding ─► done
//! ```

use super::{Next, Parsed, Run, mismatch};
use crate::ask::{Answer, Ask};
use crate::context::Context;
use crate::cursor::Cursor;
use crate::input::{Discard, Discarded, Literal, Sync};
use crate::options::{APPEND_CHUNK_LEN_MAX, APPEND_CHUNK_LEN_MIN, LINE_LEN_MAX};
use crate::print::{self, Utf8};
use crate::tagged::{Code, Missing, Tagged, refused};
use proto_line::LineBuffer;
use words_base::{SyntaxError, Timestamp};
use words_mail::{Flags, MailboxName, Refusal, Uid, UidValidity};

struct Append {
    mailbox: MailboxName,
    message: Message,
    /// Octets of the message still to come.
    left: u64,
    phase: Phase,
}

/// What stands before the octets of a message.
#[derive(Debug, PartialEq, Eq)]
struct Message {
    flags: Flags,
    received_at: Option<Timestamp>,
    literal: Literal,
    wrapped: Wrapped,
}

/// Does the literal stand in `UTF8 (…)`, so that a bracket must follow it?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrapped {
    No,
    Utf8,
}

#[derive(Debug)]
enum Phase {
    Beginning,
    Announcing,
    Literal,
    Writing,
    Ending,
    Line,
    Committing,
    Aborting(Discard, Tagged),
    Discarding(Discard, Tagged),
}

/// Is this an APPEND that has come up to its message, so that the literal its last line announces
/// is to be read in pieces? A literal that holds the mailbox's name is not.
pub(crate) fn streams(command: &[u8], utf8: Utf8) -> bool {
    let mut cursor = Cursor::new(command, utf8);
    cursor.take_while(|b| b > b' ');
    let up_to_name = cursor.space().is_ok() && cursor.word("APPEND") && cursor.space().is_ok();
    up_to_name && cursor.astring("a name").is_ok() && cursor.space().is_ok()
}

/// ```abnf
/// append         = "APPEND" SP mailbox 1*(SP append-message)
/// ```
pub(super) fn parse(cursor: &mut Cursor<'_>) -> Parsed {
    cursor.space()?;
    let mailbox = cursor.mailbox()?;
    cursor.space()?;
    let message = message(cursor)?;
    Ok(Box::new(Append { mailbox, message, left: 0, phase: Phase::Beginning }))
}

/// ```abnf
/// append-message = [flag-list SP] [date-time SP] append-data
/// append-data    = literal / literal8 / "UTF8" SP "(" literal8 ")"
/// ```
fn message(cursor: &mut Cursor<'_>) -> Result<Message, SyntaxError> {
    let mut flags = Flags::new();
    if cursor.peek() == Some(b'(') {
        flags = cursor.flag_list()?;
        cursor.space()?;
    }
    let mut received_at = None;
    if cursor.peek() == Some(b'"') {
        received_at = Some(cursor.date_time()?);
        cursor.space()?;
    }
    let mut wrapped = Wrapped::No;
    if cursor.word("UTF8") {
        wrapped = Wrapped::Utf8;
        cursor.space()?;
        cursor.expect(b'(', "\"(\"")?;
    }
    match Literal::at_end_of(cursor.rest()) {
        Some(literal) if literal.starts_at == 0 => {
            cursor.advance(cursor.rest().len());
            Ok(Message { flags, received_at, literal, wrapped })
        }
        _ => cursor.expected("the message as a literal"),
    }
}

impl Run for Append {
    fn start(&mut self, cx: &mut Context) -> Next {
        if let Err(tagged) = self.check(cx) {
            return self.discard(Discard::after(Some(self.message.literal)), tagged);
        }
        Next::Ask(Ask::AppendBegin(self.mailbox.clone()))
    }

    fn is_receiving(&self) -> bool {
        !matches!(self.phase, Phase::Aborting(..) | Phase::Discarding(..))
    }

    fn answer(&mut self, answer: Answer, cx: &mut Context) -> Next {
        match (std::mem::replace(&mut self.phase, Phase::Literal), answer) {
            (Phase::Beginning, Answer::Done) => self.announce(),
            (Phase::Announcing, Answer::Done) => {
                self.left = self.message.literal.len;
                if self.message.literal.sync == Sync::Waits {
                    cx.line("+ Ready for the message");
                }
                Next::Read
            }
            (Phase::Writing, Answer::Done) if self.left > 0 => Next::Read,
            (Phase::Writing, Answer::Done) => {
                self.phase = Phase::Ending;
                Next::Ask(Ask::AppendMessageEnd)
            }
            (Phase::Ending, Answer::Done) => {
                self.phase = Phase::Line;
                Next::Read
            }
            (Phase::Committing, Answer::Appended { uid_validity, uids }) => {
                Next::Done(appended(uid_validity, &uids))
            }
            (Phase::Aborting(discard, tagged), Answer::Done) => self.discard(discard, tagged),
            (_, answer) => mismatch(&answer),
        }
    }

    fn refused(&mut self, refusal: Refusal, _: &mut Context) -> Next {
        let tagged = refused(&refusal, Missing::TryCreate);
        let literal = Some(self.message.literal);
        match std::mem::replace(&mut self.phase, Phase::Literal) {
            Phase::Beginning => self.discard(Discard::after(literal), tagged),
            Phase::Announcing => self.abort(Discard::after(literal), tagged),
            Phase::Literal | Phase::Writing | Phase::Ending | Phase::Line => {
                self.abort(Discard::amid(self.left), tagged)
            }
            Phase::Committing => Next::Done(tagged),
            // Forgetting went wrong; what was refused first is what counts.
            Phase::Aborting(discard, tagged) | Phase::Discarding(discard, tagged) => {
                self.discard(discard, tagged)
            }
        }
    }

    fn read(&mut self, buffer: &mut LineBuffer, cx: &mut Context) -> Next {
        match &mut self.phase {
            Phase::Line => match buffer.line(LINE_LEN_MAX) {
                None => Next::Read,
                Some(Ok(line)) => self.read_line(&line, cx),
                Some(Err(_)) => self.abort(Discard::after(None), Tagged::bad("Line too long")),
            },
            Phase::Discarding(discard, tagged) => match discard.go_on(buffer, LINE_LEN_MAX) {
                Discarded::More => Next::Read,
                Discarded::Done => Next::Done(tagged.clone()),
                Discarded::Hopeless => Next::Bye("Literal too large"),
            },
            _ => self.read_octets(buffer),
        }
    }
}

impl Append {
    /// Is the message announced one that we take?
    fn check(&self, cx: &Context) -> Result<(), Tagged> {
        let size_max = cx.options.size_max;
        match self.message.literal.len {
            // RFC 3502 §3: how a client takes an APPEND back.
            0 => Err(Tagged::no(Code::Word("CANNOT"), "An empty message is not appended")),
            len if len > size_max => {
                let text = format!("Message over the limit of {size_max} octets");
                Err(Tagged::no(Code::Word("TOOBIG"), text))
            }
            _ => Ok(()),
        }
    }

    fn announce(&mut self) -> Next {
        self.phase = Phase::Announcing;
        Next::Ask(Ask::AppendMessage {
            flags: self.message.flags.clone(),
            received_at: self.message.received_at,
            size: self.message.literal.len,
        })
    }

    fn read_octets(&mut self, buffer: &mut LineBuffer) -> Next {
        let unread = buffer.unread();
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let len = unread.len().min(left).min(APPEND_CHUNK_LEN_MAX);
        if (len as u64) < self.left.min(APPEND_CHUNK_LEN_MIN) {
            return Next::Read;
        }
        let chunk = unread[..len].to_vec();
        buffer.consume(len);
        self.left -= len as u64;
        self.phase = Phase::Writing;
        Next::Ask(Ask::AppendWrite(chunk))
    }

    /// What follows a message: the end, or another one.
    fn read_line(&mut self, line: &[u8], cx: &Context) -> Next {
        let discard = Discard::after(Literal::at_end_of(line));
        match next_message(line, self.message.wrapped) {
            Err(error) => self.abort(discard, Tagged::bad(error.to_string())),
            Ok(None) => {
                self.phase = Phase::Committing;
                Next::Ask(Ask::AppendCommit)
            }
            Ok(Some(message)) => {
                self.message = message;
                match self.check(cx) {
                    Ok(()) => self.announce(),
                    Err(tagged) => self.abort(discard, tagged),
                }
            }
        }
    }

    /// The core forgets what it has; what the client still sends is dropped; then it is told.
    fn abort(&mut self, discard: Discard, tagged: Tagged) -> Next {
        self.phase = Phase::Aborting(discard, tagged);
        Next::Ask(Ask::AppendAbort)
    }

    fn discard(&mut self, discard: Discard, tagged: Tagged) -> Next {
        if discard.is_done() {
            return Next::Done(tagged);
        }
        self.phase = Phase::Discarding(discard, tagged);
        Next::Read
    }
}

fn next_message(line: &[u8], wrapped: Wrapped) -> Result<Option<Message>, SyntaxError> {
    let mut cursor = Cursor::new(line, Utf8::Off);
    if wrapped == Wrapped::Utf8 {
        cursor.expect(b')', "\")\" after the message")?;
    }
    if cursor.is_at_end() {
        return Ok(None);
    }
    cursor.space()?;
    message(&mut cursor).map(Some)
}

/// `APPENDUID uidvalidity uid-set`
fn appended(uid_validity: UidValidity, uids: &[Uid]) -> Tagged {
    let mut code = b"APPENDUID ".to_vec();
    print::number(&mut code, uid_validity.0.into());
    code.push(b' ');
    print::runs(&mut code, uids.iter().map(|uid| uid.0));
    Tagged::ok("Appended").with(Code::Printed(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_is_streamed_once_the_name_is_known() {
        for (command, want) in [
            ("a APPEND INBOX {5}", true),
            ("a append \"Sent Mail\" (\\Seen) {5+}", true),
            ("a APPEND Sent UTF8 (~{5+}", true),
            ("a APPEND {5}", false),
            ("a APPEND {4}\r\nSent {5}", true),
            ("a SEARCH {5}", false),
            ("a APPENDIX x {5}", false),
            ("APPEND x {5}", false),
        ] {
            assert_eq!(streams(command.as_bytes(), Utf8::Off), want, "{command}");
        }
    }

    #[test]
    fn flags_and_date_may_be_left_out() {
        let read = |text: &str| message(&mut Cursor::new(text.as_bytes(), Utf8::Off));
        let date = "\"17-Jul-1996 02:44:25 -0700\"";
        for (text, flags, seconds, wrapped) in [
            ("{5}".to_string(), "", None, Wrapped::No),
            ("(\\Seen) {5+}".to_string(), "\\Seen", None, Wrapped::No),
            (format!("{date} ~{{5}}"), "", Some(837_596_665), Wrapped::No),
            (
                format!("(\\Draft x) {date} UTF8 (~{{5+}}"),
                "\\Draft x",
                Some(837_596_665),
                Wrapped::Utf8,
            ),
        ] {
            let message = read(&text).unwrap();
            assert_eq!(message.flags.to_string(), flags, "{text}");
            assert_eq!(message.received_at.map(Timestamp::seconds), seconds, "{text}");
            assert_eq!((message.literal.len, message.wrapped), (5, wrapped), "{text}");
        }
        for text in ["", "(\\Seen)", "(\\Seen) x", "\"nonsense\" {5}", "UTF8 {5}", "{5} {5}"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
