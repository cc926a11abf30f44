//! COPY (RFC 3501 §6.4.7) and MOVE (RFC 6851), with COPYUID (RFC 4315 §3).

use super::{Next, Parsed, Run, mismatch};
use crate::ask::{Answer, Ask, Moving, Numbers};
use crate::context::Context;
use crate::cursor::{Cursor, Kind};
use crate::print;
use crate::tagged::{Code, Missing, Tagged, refused};
use words_mail::{MailboxName, Refusal, Uid, UidValidity};

struct Copy {
    numbers: Numbers,
    to: MailboxName,
    moving: Moving,
}

/// `copy = "COPY" SP sequence-set SP mailbox`
pub(super) fn parse_copy(cursor: &mut Cursor<'_>) -> Parsed {
    parse(cursor, Kind::Seq, Moving::Stay)
}

/// `uid-copy = "UID" SP copy`
pub(super) fn parse_uid_copy(cursor: &mut Cursor<'_>) -> Parsed {
    parse(cursor, Kind::Uid, Moving::Stay)
}

/// `move = "MOVE" SP sequence-set SP mailbox`
pub(super) fn parse_move(cursor: &mut Cursor<'_>) -> Parsed {
    parse(cursor, Kind::Seq, Moving::Leave)
}

/// `uid-move = "UID" SP move`
pub(super) fn parse_uid_move(cursor: &mut Cursor<'_>) -> Parsed {
    parse(cursor, Kind::Uid, Moving::Leave)
}

fn parse(cursor: &mut Cursor<'_>, kind: Kind, moving: Moving) -> Parsed {
    cursor.space()?;
    let numbers = cursor.numbers(kind)?;
    cursor.space()?;
    Ok(Box::new(Copy { numbers, to: cursor.mailbox()?, moving }))
}

impl Run for Copy {
    fn start(&mut self, cx: &mut Context) -> Next {
        let read_only = cx.state.selected().is_some_and(|selected| selected.read_only);
        if read_only && self.moving == Moving::Leave {
            let text = "The mailbox is open read-only";
            return Next::Done(Tagged::no(Code::Word("NOPERM"), text));
        }
        let (numbers, to, moving) = (self.numbers.clone(), self.to.clone(), self.moving);
        Next::Ask(Ask::Copy { numbers, to, moving })
    }

    fn answer(&mut self, answer: Answer, cx: &mut Context) -> Next {
        let (uid_validity, uids) = match answer {
            Answer::Copied { uid_validity, uids, .. } => (uid_validity, uids),
            answer => mismatch(&answer),
        };
        if uids.is_empty() {
            // Messages that are gone are no failure (RFC 4315 §3); NO would make a client ask
            // for them again and again.
            return Next::Done(Tagged::ok("No such messages any more"));
        }
        let code = copy_uid(uid_validity, &uids);
        match self.moving {
            Moving::Stay => Next::Done(Tagged::ok("Copied").with(Code::Printed(code))),
            Moving::Leave => {
                // Before the EXPUNGE lines, which the sync tells (RFC 6851 §4.3).
                cx.put("* OK [");
                cx.put(code);
                cx.line("] Moved");
                Next::Done(Tagged::ok("Moved").with(Code::HighestModSeq))
            }
        }
    }

    fn refused(&mut self, refusal: Refusal, _: &mut Context) -> Next {
        Next::Done(refused(&refusal, Missing::TryCreate))
    }
}

/// `COPYUID uidvalidity from to`
fn copy_uid(uid_validity: UidValidity, uids: &[(Uid, Uid)]) -> Vec<u8> {
    let mut code = b"COPYUID ".to_vec();
    print::number(&mut code, uid_validity.0.into());
    code.push(b' ');
    print::runs(&mut code, uids.iter().map(|(from, _)| from.0));
    code.push(b' ');
    print::runs(&mut code, uids.iter().map(|(_, to)| to.0));
    code
}
