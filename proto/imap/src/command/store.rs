//! STORE (RFC 3501 §6.4.6), with UNCHANGEDSINCE (RFC 7162 §3.1.3).

use super::{Next, Parsed, Run, mismatch};
use crate::ask::{self, Answer, Ask, FlagRow, StoreMode, Stored};
use crate::context::Context;
use crate::cursor::{Cursor, Kind, ParseError};
use crate::print;
use crate::sync;
use crate::tagged::{Code, Tagged};
use words_mail::ModSeq;

struct Store {
    store: ask::Store,
    kind: Kind,
    is_silent: bool,
}

/// `store = "STORE" SP sequence-set SP store-att-flags`
pub(super) fn parse(cursor: &mut Cursor<'_>) -> Parsed {
    parse_kind(cursor, Kind::Seq)
}

/// `uid-store = "UID" SP store`
pub(super) fn parse_uid(cursor: &mut Cursor<'_>) -> Parsed {
    parse_kind(cursor, Kind::Uid)
}

/// ```abnf
/// store-att-flags = [store-modifiers SP] ["+" / "-"] "FLAGS" [".SILENT"] SP
///                   (flag-list / (flag *(SP flag)))
/// store-modifiers = "(" "UNCHANGEDSINCE" SP mod-sequence-valzer ")"
/// ```
fn parse_kind(cursor: &mut Cursor<'_>, kind: Kind) -> Parsed {
    cursor.space()?;
    let numbers = cursor.numbers(kind)?;
    cursor.space()?;
    let mut unchanged_since = None;
    if cursor.peek() == Some(b'(') {
        cursor.list::<ParseError>(|cursor| {
            if !cursor.word("UNCHANGEDSINCE") {
                cursor.expected("UNCHANGEDSINCE")?;
            }
            cursor.space()?;
            unchanged_since = Some(ModSeq(cursor.number()?));
            Ok(())
        })?;
        cursor.space()?;
    }
    let mode = match cursor.peek() {
        Some(b'+') => StoreMode::Add,
        Some(b'-') => StoreMode::Remove,
        _ => StoreMode::Set,
    };
    if mode != StoreMode::Set {
        cursor.advance(1);
    }
    let is_silent = cursor.word("FLAGS.SILENT");
    if !is_silent && !cursor.word("FLAGS") {
        cursor.expected("FLAGS, +FLAGS or -FLAGS")?;
    }
    cursor.space()?;
    let flags = cursor.flags()?;
    let store = ask::Store { numbers, mode, flags, unchanged_since };
    Ok(Box::new(Store { store, kind, is_silent }))
}

impl Run for Store {
    fn start(&mut self, cx: &mut Context) -> Next {
        if cx.state.selected().is_some_and(|selected| selected.read_only) {
            let text = "The mailbox is open read-only";
            return Next::Done(Tagged::no(Code::Word("NOPERM"), text));
        }
        if self.store.unchanged_since.is_some() {
            cx.enable_condstore();
        }
        Next::Ask(Ask::Store(self.store.clone()))
    }

    fn answer(&mut self, answer: Answer, cx: &mut Context) -> Next {
        let Answer::Stored(stored) = answer else { mismatch(&answer) };
        for row in &stored.rows {
            self.tell(row, cx);
        }
        Next::Done(self.reply(&stored))
    }
}

impl Store {
    /// Even a silent STORE tells MODSEQ to those who know it (RFC 7162 §3.1.3): without it they
    /// could not tell their own change from another's.
    fn tell(&self, row: &FlagRow, cx: &mut Context) {
        if !self.is_silent {
            return sync::flag_row(row, cx);
        }
        if !cx.enabled.condstore {
            return;
        }
        cx.put("* ");
        cx.number(row.seq.0);
        cx.put(" FETCH (UID ");
        cx.number(row.uid.0);
        sync::modseq(row.modseq, cx);
        cx.line(")");
    }

    fn reply(&self, stored: &Stored) -> Tagged {
        if !stored.modified.is_empty() {
            let mut code = b"MODIFIED ".to_vec();
            print::set(&mut code, &stored.modified);
            return Tagged::ok("Not all stored, some changed meanwhile").with(Code::Printed(code));
        }
        if stored.expunge_issued && self.kind == Kind::Seq {
            return Tagged::ok("Stored where still there").with(Code::Word("EXPUNGEISSUED"));
        }
        Tagged::ok("Stored")
    }
}
