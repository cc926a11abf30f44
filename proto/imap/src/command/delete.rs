//! DELETE (RFC 3501 §6.3.4).

use super::{Next, Parsed, Run, mismatch};
use crate::ask::{Answer, Ask};
use crate::context::Context;
use crate::cursor::Cursor;
use crate::tagged::Tagged;
use words_mail::MailboxName;

struct Delete {
    name: MailboxName,
    is_deleted: bool,
}

/// `delete = "DELETE" SP mailbox`
pub(super) fn parse(cursor: &mut Cursor<'_>) -> Parsed {
    cursor.space()?;
    Ok(Box::new(Delete { name: cursor.mailbox()?, is_deleted: false }))
}

impl Run for Delete {
    fn start(&mut self, _: &mut Context) -> Next {
        Next::Ask(Ask::Delete(self.name.clone()))
    }

    fn answer(&mut self, answer: Answer, cx: &mut Context) -> Next {
        let Answer::Done = answer else { mismatch(&answer) };
        let is_selected = cx.state.selected().is_some_and(|s| s.name == self.name);
        if is_selected && !std::mem::replace(&mut self.is_deleted, true) {
            // The client deletes what it has open itself, and so knows that it is closed.
            cx.state.unselect();
            return Next::Ask(Ask::Unselect);
        }
        Next::Done(Tagged::ok("Deleted"))
    }
}
