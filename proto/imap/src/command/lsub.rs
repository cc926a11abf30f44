//! LSUB (RFC 3501 §6.3.9): LIST of subscribed names, as older clients ask for it.

use super::list::{Subscribed, only_separator, tell};
use super::{Next, Parsed, Run, mismatch};
use crate::ask::{self, Answer, Ask};
use crate::context::Context;
use crate::cursor::Cursor;
use crate::tagged::Tagged;

struct Lsub(ask::List);

/// `lsub = "LSUB" SP mailbox SP list-mailbox`
pub(super) fn parse(cursor: &mut Cursor<'_>) -> Parsed {
    cursor.space()?;
    let reference = cursor.reference()?;
    cursor.space()?;
    let patterns = vec![cursor.list_mailbox()?];
    let select_subscribed = true;
    Ok(Box::new(Lsub(ask::List {
        reference,
        patterns,
        select_subscribed,
        lsub: true,
        ..ask::List::default()
    })))
}

impl Run for Lsub {
    fn start(&mut self, cx: &mut Context) -> Next {
        if self.0.patterns.iter().all(String::is_empty) {
            return only_separator("LSUB", cx);
        }
        Next::Ask(Ask::List(self.0.clone()))
    }

    fn answer(&mut self, answer: Answer, cx: &mut Context) -> Next {
        let Answer::Listed(lines) = answer else { mismatch(&answer) };
        for listed in &lines {
            tell("LSUB", listed, "\\Noselect", Subscribed::No, cx);
        }
        Next::Done(Tagged::ok("That is all"))
    }
}
