//! SUBSCRIBE and UNSUBSCRIBE (RFC 3501 §6.3.6, §6.3.7). The mailbox need not exist.

use super::{Next, Parsed, Run, mismatch};
use crate::ask::{Answer, Ask};
use crate::context::Context;
use crate::cursor::Cursor;
use crate::tagged::Tagged;
use words_mail::MailboxName;

struct Subscribe {
    name: MailboxName,
    subscribed: bool,
}

/// `subscribe = "SUBSCRIBE" SP mailbox`
pub(super) fn parse_subscribe(cursor: &mut Cursor<'_>) -> Parsed {
    parse(cursor, true)
}

/// `unsubscribe = "UNSUBSCRIBE" SP mailbox`
pub(super) fn parse_unsubscribe(cursor: &mut Cursor<'_>) -> Parsed {
    parse(cursor, false)
}

fn parse(cursor: &mut Cursor<'_>, subscribed: bool) -> Parsed {
    cursor.space()?;
    Ok(Box::new(Subscribe { name: cursor.mailbox()?, subscribed }))
}

impl Run for Subscribe {
    fn start(&mut self, _: &mut Context) -> Next {
        Next::Ask(Ask::Subscribe(self.name.clone(), self.subscribed))
    }

    fn answer(&mut self, answer: Answer, _: &mut Context) -> Next {
        match answer {
            Answer::Done if self.subscribed => Next::Done(Tagged::ok("Subscribed")),
            Answer::Done => Next::Done(Tagged::ok("Unsubscribed")),
            answer => mismatch(&answer),
        }
    }
}
