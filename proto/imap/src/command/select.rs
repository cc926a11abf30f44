//! SELECT and EXAMINE (RFC 3501 §6.3.1, §6.3.2), with CONDSTORE and QRESYNC (RFC 7162 §3.1.8,
//! §3.2.5) and MAILBOXID (RFC 8474 §4.2).

use super::{Next, Parsed, Run, mismatch};
use crate::ask::{self, Answer, Ask, Qresync};
use crate::context::Context;
use crate::cursor::{Cursor, ParseError};
use crate::print;
use crate::state::{Selected, State};
use crate::sync;
use crate::tagged::{Code, Tagged};
use words_mail::{ModSeq, UidValidity};

struct Select {
    select: ask::Select,
    condstore: bool,
}

/// `select = "SELECT" SP mailbox [select-params]`
pub(super) fn parse_select(cursor: &mut Cursor<'_>) -> Parsed {
    parse(cursor, false)
}

/// `examine = "EXAMINE" SP mailbox [select-params]`
pub(super) fn parse_examine(cursor: &mut Cursor<'_>) -> Parsed {
    parse(cursor, true)
}

/// ```abnf
/// select-params = SP "(" select-param *(SP select-param) ")"
/// select-param  = "CONDSTORE" / "QRESYNC" SP "(" qresync-args ")"
/// ```
fn parse(cursor: &mut Cursor<'_>, read_only: bool) -> Parsed {
    cursor.space()?;
    let name = cursor.mailbox()?;
    let mut select =
        Select { select: ask::Select { name, read_only, qresync: None }, condstore: false };
    if !cursor.is_at_end() {
        cursor.space()?;
        cursor.list::<ParseError>(|cursor| parameter(cursor, &mut select))?;
    }
    Ok(Box::new(select))
}

fn parameter(cursor: &mut Cursor<'_>, select: &mut Select) -> Result<(), ParseError> {
    if cursor.word("CONDSTORE") {
        select.condstore = true;
    } else if cursor.word("QRESYNC") {
        cursor.space()?;
        select.select.qresync = Some(qresync(cursor)?);
    } else {
        cursor.expected("CONDSTORE or QRESYNC")?;
    }
    Ok(())
}

/// ```abnf
/// qresync-args = uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data]
/// seq-match-data = "(" known-sequence-set SP known-uid-set ")"
/// ```
fn qresync(cursor: &mut Cursor<'_>) -> Result<Qresync, ParseError> {
    cursor.expect(b'(', "\"(\"")?;
    let uid_validity = UidValidity(cursor.number32()?);
    cursor.space()?;
    let modseq = ModSeq(cursor.number()?);
    let mut qresync = Qresync { uid_validity, modseq, known_uids: None, seq_match: None };
    while cursor.take(b' ') {
        if cursor.take(b'(') {
            let numbers = cursor.known_set()?;
            cursor.space()?;
            qresync.seq_match = Some((numbers, cursor.known_set()?));
            cursor.expect(b')', "\")\"")?;
        } else if qresync.known_uids.is_none() && qresync.seq_match.is_none() {
            qresync.known_uids = Some(cursor.known_set()?);
        } else {
            cursor.expected("\")\"")?;
        }
    }
    cursor.expect(b')', "\")\"")?;
    Ok(qresync)
}

impl Run for Select {
    fn start(&mut self, cx: &mut Context) -> Next {
        if self.select.qresync.is_some() && !cx.enabled.qresync {
            return Next::Done(Tagged::bad("ENABLE QRESYNC first"));
        }
        // Only clients that enabled QRESYNC are told of the switch (RFC 7162 §3.2.11); it has
        // puzzled others.
        if cx.state.selected().is_some() && cx.enabled.qresync {
            cx.line("* OK [CLOSED] Previous mailbox closed");
        }
        cx.state.unselect();
        if self.condstore || self.select.qresync.is_some() {
            cx.enable_condstore();
        }
        Next::Ask(Ask::Select(self.select.clone()))
    }

    fn answer(&mut self, answer: Answer, cx: &mut Context) -> Next {
        let selected = match answer {
            Answer::Selected(selected) => selected,
            answer => mismatch(&answer),
        };
        cx.state = State::Selected(Selected {
            name: self.select.name.clone(),
            read_only: self.select.read_only,
            highest_modseq: selected.highest_modseq,
        });
        tell(&selected, cx);
        if self.select.read_only {
            return Next::Done(Tagged::ok("Opened to read").with(Code::Word("READ-ONLY")));
        }
        Next::Done(Tagged::ok("Opened").with(Code::Word("READ-WRITE")))
    }
}

fn tell(selected: &ask::Selected, cx: &mut Context) {
    sync::flags_line(&selected.keywords, cx);
    sync::permanent_flags(&selected.keywords, cx);
    cx.put("* ");
    cx.number(selected.exists);
    cx.line(" EXISTS");
    // We keep no `\Recent`: it would be another one's tomorrow, and RFC 9051 has dropped it.
    cx.line("* 0 RECENT");
    if let Some(first) = selected.first_unseen {
        cx.ok_number("UNSEEN", first.0.into(), "First unseen message");
    }
    cx.ok_number("UIDVALIDITY", selected.uid_validity.0.into(), "UIDs valid");
    cx.ok_number("UIDNEXT", selected.uid_next.0.into(), "Next UID");
    cx.ok_number("HIGHESTMODSEQ", selected.highest_modseq.0, "Highest");
    cx.put("* OK [MAILBOXID (");
    cx.put(&selected.mailbox_id);
    cx.line(")] Mailbox id");
    if let Some(vanished) = selected.vanished_earlier.as_ref().filter(|set| !set.is_empty()) {
        cx.put("* VANISHED (EARLIER) ");
        print::set(&mut cx.out, vanished);
        cx.put("\r\n");
    }
    for row in &selected.changed {
        sync::flag_row(row, cx);
    }
}
