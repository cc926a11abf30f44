//! STATUS (RFC 3501 §6.3.10), with HIGHESTMODSEQ (RFC 7162), SIZE (RFC 8438), MAILBOXID (RFC 8474),
//! DELETED (RFC 9051) and APPENDLIMIT (RFC 7889).

use super::{Next, Parsed, Run, mismatch};
use crate::ask::{self, Answer, Ask};
use crate::context::Context;
use crate::cursor::Cursor;
use crate::print;
use crate::tagged::Tagged;
use words_base::SyntaxError;
use words_mail::MailboxName;

/// One thing that is asked of a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    Messages,
    Recent,
    UidNext,
    UidValidity,
    Unseen,
    Deleted,
    DeletedStorage,
    Size,
    HighestModSeq,
    MailboxId,
    AppendLimit,
}

const ITEMS: [(&str, Item); 11] = [
    ("MESSAGES", Item::Messages),
    ("RECENT", Item::Recent),
    ("UIDNEXT", Item::UidNext),
    ("UIDVALIDITY", Item::UidValidity),
    ("UNSEEN", Item::Unseen),
    ("DELETED", Item::Deleted),
    ("DELETED-STORAGE", Item::DeletedStorage),
    ("SIZE", Item::Size),
    ("HIGHESTMODSEQ", Item::HighestModSeq),
    ("MAILBOXID", Item::MailboxId),
    ("APPENDLIMIT", Item::AppendLimit),
];

struct Status {
    name: MailboxName,
    items: Vec<Item>,
}

/// `status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"`
pub(super) fn parse(cursor: &mut Cursor<'_>) -> Parsed {
    cursor.space()?;
    let name = cursor.mailbox()?;
    cursor.space()?;
    Ok(Box::new(Status { name, items: items(cursor)? }))
}

/// `"(" status-att *(SP status-att) ")"`; each once.
pub(super) fn items(cursor: &mut Cursor<'_>) -> Result<Vec<Item>, SyntaxError> {
    let mut items = Vec::new();
    cursor.list(|cursor| match ITEMS.iter().find(|item| cursor.word(item.0)) {
        None => cursor.expected("a status item like MESSAGES"),
        Some((_, item)) if items.contains(item) => Ok(()),
        Some((_, item)) => {
            items.push(*item);
            Ok(())
        }
    })?;
    Ok(items)
}

/// Notes that a client that asks for HIGHESTMODSEQ knows CONDSTORE (RFC 7162 §3.1).
pub(super) fn enable(items: &[Item], cx: &mut Context) {
    if items.contains(&Item::HighestModSeq) {
        cx.enable_condstore();
    }
}

/// `* STATUS mailbox (…)`
pub(super) fn tell(name: &MailboxName, items: &[Item], status: &ask::Status, cx: &mut Context) {
    cx.put("* STATUS ");
    cx.mailbox(name.as_str());
    cx.put(" (");
    let start = cx.out.len();
    for item in items {
        print::separate(&mut cx.out, start);
        value(*item, status, cx);
    }
    cx.line(")");
}

fn value(item: Item, status: &ask::Status, cx: &mut Context) {
    let number = match item {
        Item::Messages => status.messages,
        Item::Recent => 0,
        Item::UidNext => status.uid_next.0.into(),
        Item::UidValidity => status.uid_validity.0.into(),
        Item::Unseen => status.unseen,
        Item::Deleted => status.deleted,
        Item::DeletedStorage => status.deleted_storage,
        Item::Size => status.size,
        Item::HighestModSeq => status.highest_modseq.0,
        Item::AppendLimit => cx.options.size_max,
        Item::MailboxId => {
            cx.put("MAILBOXID (");
            cx.put(&status.mailbox_id);
            return cx.put(")");
        }
    };
    if let Some((name, _)) = ITEMS.iter().find(|(_, i)| *i == item) {
        cx.put(name);
    }
    cx.put(" ");
    cx.number(number);
}

impl Run for Status {
    fn start(&mut self, cx: &mut Context) -> Next {
        enable(&self.items, cx);
        Next::Ask(Ask::Status(self.name.clone()))
    }

    fn answer(&mut self, answer: Answer, cx: &mut Context) -> Next {
        match answer {
            Answer::Status(status) => {
                tell(&self.name, &self.items, &status, cx);
                Next::Done(Tagged::ok("That is all"))
            }
            answer => mismatch(&answer),
        }
    }
}
