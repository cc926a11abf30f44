//! RENAME (RFC 3501 §6.3.5).

use super::{Next, Parsed, Run, mismatch};
use crate::ask::{Answer, Ask};
use crate::context::Context;
use crate::cursor::Cursor;
use crate::state::State;
use crate::tagged::Tagged;
use words_mail::MailboxName;

struct Rename {
    from: MailboxName,
    to: MailboxName,
}

/// `rename = "RENAME" SP mailbox SP mailbox`
pub(super) fn parse(cursor: &mut Cursor<'_>) -> Parsed {
    cursor.space()?;
    let from = cursor.mailbox()?;
    cursor.space()?;
    Ok(Box::new(Rename { from, to: cursor.mailbox()? }))
}

impl Run for Rename {
    fn start(&mut self, _: &mut Context) -> Next {
        Next::Ask(Ask::Rename(self.from.clone(), self.to.clone()))
    }

    fn answer(&mut self, answer: Answer, cx: &mut Context) -> Next {
        let Answer::Done = answer else { mismatch(&answer) };
        if let State::Selected(selected) = &mut cx.state
            && let Some(name) = self.renamed(&selected.name)
        {
            selected.name = name;
        }
        Next::Done(Tagged::ok("Renamed"))
    }
}

impl Rename {
    /// What `name` is called now, if it was renamed itself or with what it is below.
    fn renamed(&self, name: &MailboxName) -> Option<MailboxName> {
        // Renaming INBOX moves its messages and leaves it where it is (RFC 3501 §6.3.5).
        if self.from.is_inbox() || !(*name == self.from || name.is_below(&self.from)) {
            return None;
        }
        let below = name.as_str().get(self.from.as_str().len()..)?;
        MailboxName::parse(&format!("{}{below}", self.to)).ok()
    }
}
