//! LIST (RFC 3501 §6.3.8), with LIST-EXTENDED (RFC 5258), LIST-STATUS (RFC 5819), CHILDREN
//! (RFC 3348) and SPECIAL-USE (RFC 6154).

use super::{Next, Parsed, Run, mismatch, status};
use crate::ask::{self, Answer, Ask, Listed};
use crate::context::Context;
use crate::cursor::{Cursor, ParseError};
use crate::print;
use crate::tagged::Tagged;

#[derive(Default)]
struct List {
    list: ask::List,
    /// Was LIST-EXTENDED used? Only who knows it understands `\NonExistent`.
    is_extended: bool,
    subscribed: Subscribed,
    status_items: Vec<status::Item>,
}

/// What is to be told of subscriptions?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subscribed {
    #[default]
    No,
    /// `\Subscribed`.
    Tell,
    /// Also of those below, as CHILDINFO: for RECURSIVEMATCH alone (RFC 5258 §3.5).
    TellBelow,
}

/// ```abnf
/// list         = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]
/// mbox-or-pat  = list-mailbox / "(" list-mailbox *(SP list-mailbox) ")"
/// ```
pub(super) fn parse(cursor: &mut Cursor<'_>) -> Parsed {
    let mut list = List::default();
    cursor.space()?;
    if cursor.peek() == Some(b'(') {
        list.is_extended = true;
        select_options(cursor, &mut list)?;
        cursor.space()?;
    }
    list.list.reference = cursor.reference()?;
    cursor.space()?;
    patterns(cursor, &mut list)?;
    if !cursor.is_at_end() {
        cursor.space()?;
        list.is_extended = true;
        return_options(cursor, &mut list)?;
    }
    if list.is_extended {
        // RFC 5258 §3: in the extended form an empty pattern matches nothing.
        list.list.patterns.retain(|pattern| !pattern.is_empty());
    }
    Ok(Box::new(list))
}

fn patterns(cursor: &mut Cursor<'_>, list: &mut List) -> Result<(), ParseError> {
    if cursor.peek() != Some(b'(') {
        list.list.patterns.push(cursor.list_mailbox()?);
        return Ok(());
    }
    list.is_extended = true;
    cursor.list(|cursor| {
        list.list.patterns.push(cursor.list_mailbox()?);
        Ok(())
    })
}

/// `list-select-opts = "(" [SUBSCRIBED / REMOTE / RECURSIVEMATCH / SPECIAL-USE …] ")"`
fn select_options(cursor: &mut Cursor<'_>, list: &mut List) -> Result<(), ParseError> {
    let start = cursor.clone();
    cursor.list::<ParseError>(|cursor| {
        if cursor.word("SUBSCRIBED") {
            list.list.select_subscribed = true;
        } else if cursor.word("RECURSIVEMATCH") {
            list.list.select_recursive = true;
        } else if cursor.word("SPECIAL-USE") {
            list.list.select_special_use = true;
        } else if !cursor.word("REMOTE") {
            cursor.expected("a selection option like SUBSCRIBED")?;
        }
        Ok(())
    })?;
    // RFC 5258 §3.1: RECURSIVEMATCH needs something to be matched below.
    if list.list.select_recursive && !list.list.select_subscribed && !list.list.select_special_use {
        start.expected("SUBSCRIBED beside RECURSIVEMATCH")?;
    }
    list.subscribed = match (list.list.select_subscribed, list.list.select_recursive) {
        (true, true) => Subscribed::TellBelow,
        (true, false) => Subscribed::Tell,
        (false, _) => Subscribed::No,
    };
    Ok(())
}

/// `list-return-opts = "RETURN" SP "(" [SUBSCRIBED / CHILDREN / SPECIAL-USE / STATUS …] ")"`
fn return_options(cursor: &mut Cursor<'_>, list: &mut List) -> Result<(), ParseError> {
    if !cursor.word("RETURN") {
        cursor.expected("RETURN")?;
    }
    cursor.space()?;
    cursor.list::<ParseError>(|cursor| {
        if cursor.word("STATUS") {
            cursor.space()?;
            list.status_items = status::items(cursor)?;
            list.list.return_status = true;
        } else if cursor.word("SUBSCRIBED") {
            list.subscribed = list.subscribed.max(Subscribed::Tell);
        } else if !cursor.word("CHILDREN") && !cursor.word("SPECIAL-USE") {
            cursor.expected("a return option like CHILDREN")?;
        }
        Ok(())
    })
}

impl Run for List {
    fn start(&mut self, cx: &mut Context) -> Next {
        status::enable(&self.status_items, cx);
        if !self.is_extended && self.list.patterns.iter().all(String::is_empty) {
            return only_separator("LIST", cx);
        }
        Next::Ask(Ask::List(self.list.clone()))
    }

    fn answer(&mut self, answer: Answer, cx: &mut Context) -> Next {
        let Answer::Listed(lines) = answer else { mismatch(&answer) };
        let missing = if self.is_extended { "\\NonExistent" } else { "\\Noselect" };
        for listed in &lines {
            tell("LIST", listed, missing, self.subscribed, cx);
            if let Some(status) = listed.status.as_ref().filter(|_| self.list.return_status) {
                status::tell(&listed.name, &self.status_items, status, cx);
            }
        }
        Next::Done(Tagged::ok("That is all"))
    }
}

/// An empty pattern asks for the hierarchy separator alone (RFC 3501 §6.3.8).
pub(super) fn only_separator(response: &str, cx: &mut Context) -> Next {
    cx.put("* ");
    cx.put(response);
    cx.line(" (\\Noselect) \"/\" \"\"");
    Next::Done(Tagged::ok("That is all"))
}

/// `* LIST (\HasNoChildren) "/" INBOX`. Special uses are always told: Outlook reads them in LSUB,
/// Apple Mail in a plain LIST.
pub(super) fn tell(
    response: &str,
    listed: &Listed,
    missing: &str,
    subscribed: Subscribed,
    cx: &mut Context,
) {
    cx.put("* ");
    cx.put(response);
    cx.put(" (");
    let start = cx.out.len();
    let children = if listed.children { "\\HasChildren" } else { "\\HasNoChildren" };
    for (attribute, is_told) in [
        (missing, !listed.exists),
        (children, true),
        ("\\Subscribed", listed.subscribed && subscribed >= Subscribed::Tell),
        (listed.special_use.map_or("", |u| u.attribute()), listed.special_use.is_some()),
    ] {
        if is_told {
            print::separate(&mut cx.out, start);
            cx.put(attribute);
        }
    }
    cx.put(") \"/\" ");
    cx.mailbox(listed.name.as_str());
    if listed.child_subscribed && subscribed == Subscribed::TellBelow {
        cx.put(" (\"CHILDINFO\" (\"SUBSCRIBED\"))");
    }
    cx.line("");
}
