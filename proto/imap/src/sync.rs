//! Tells what has happened in the selected mailbox, in the order that keeps a client's numbers
//! right: what went, what came, what changed.

use crate::ask::{Changes, FlagRow};
use crate::context::Context;
use crate::print;
use crate::state::State;
use words_mail::{ModSeq, SystemFlag};

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Synced {
    /// Told.
    Told,
    /// Told, and messages were expunged.
    Expunged,
    /// The mailbox itself is gone.
    Removed,
}

/// Words for the client whose mailbox was removed under it. IMAP has no other way to tell that no
/// mailbox is open any more which clients understand (RFC 2180 §3.3): they come back and list anew.
pub(crate) const REMOVED: &str = "The selected mailbox was removed";

/// Prints what has happened.
pub(crate) fn tell(changes: &Changes, cx: &mut Context) -> Synced {
    if changes.removed {
        return Synced::Removed;
    }
    expunged(changes, cx);
    if let Some(exists) = changes.exists {
        cx.put(b"* ");
        cx.number(exists);
        cx.line(b" EXISTS");
    }
    if let Some(keywords) = &changes.keywords {
        flags_line(keywords, cx);
        permanent_flags(keywords, cx);
    }
    for row in &changes.flags {
        flag_row(row, cx);
    }
    if let State::Selected(selected) = &mut cx.state {
        selected.highest_modseq = selected.highest_modseq.max(changes.highest_modseq);
    }
    let is_same = changes.vanished.is_empty() && changes.expunged.is_empty();
    if is_same { Synced::Told } else { Synced::Expunged }
}

/// VANISHED once QRESYNC is enabled (RFC 7162 §3.2.10), EXPUNGE otherwise.
fn expunged(changes: &Changes, cx: &mut Context) {
    if cx.enabled.qresync {
        if !changes.vanished.is_empty() {
            cx.put(b"* VANISHED ");
            print::set(&mut cx.out, &changes.vanished);
            cx.put(b"\r\n");
        }
        return;
    }
    for seq in &changes.expunged {
        cx.put(b"* ");
        cx.number(seq.0);
        cx.put(b" EXPUNGE\r\n");
    }
}

/// `* n FETCH (UID n FLAGS (…))`, with MODSEQ once CONDSTORE is enabled.
pub(crate) fn flag_row(row: &FlagRow, cx: &mut Context) {
    cx.put(b"* ");
    cx.number(row.seq.0);
    cx.put(b" FETCH (UID ");
    cx.number(row.uid.0);
    cx.put(b" FLAGS ");
    print::flags(&mut cx.out, &row.flags);
    if cx.enabled.condstore {
        modseq(row.modseq, cx);
    }
    cx.put(b")\r\n");
}

/// ` MODSEQ (n)`
pub(crate) fn modseq(modseq: ModSeq, cx: &mut Context) {
    cx.put(b" MODSEQ (");
    cx.number(modseq.0);
    cx.put(b")");
}

/// `* FLAGS (…)`: every flag that may occur.
pub(crate) fn flags_line(keywords: &[String], cx: &mut Context) {
    cx.put(b"* FLAGS (");
    flag_names(keywords, cx);
    cx.put(b")\r\n");
}

/// `* OK [PERMANENTFLAGS (…)]`: every flag that may be changed, and `\*`, without which some
/// clients set no keyword at all. None under EXAMINE.
pub(crate) fn permanent_flags(keywords: &[String], cx: &mut Context) {
    cx.put(b"* OK [PERMANENTFLAGS (");
    if cx.state.selected().is_some_and(|selected| selected.read_only) {
        cx.put(b")] No permanent flags permitted\r\n");
        return;
    }
    flag_names(keywords, cx);
    cx.put(b" \\*)] Flags permitted\r\n");
}

fn flag_names(keywords: &[String], cx: &mut Context) {
    let start = cx.out.len();
    for name in
        SystemFlag::ALL.iter().map(|flag| flag.as_str()).chain(keywords.iter().map(String::as_str))
    {
        print::separate(&mut cx.out, start);
        cx.put(name);
    }
}
