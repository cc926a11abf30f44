//! Prints one message of a FETCH. This is the hot path: it copies octets and allocates nothing.

use super::item::{Item, Items};
use crate::ask::{FetchRow, Section, Stretch};
use crate::body_structure::{self, Form, Style};
use crate::context::Context;
use crate::envelope;
use crate::print;
use crate::sync;

/// Where printing stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Which row of the page.
    pub row: usize,
    /// Which item of the row; 0 is its beginning.
    item: usize,
    /// Which of its sections is next.
    section: usize,
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Printed {
    /// The row is done, and `place` is at the next.
    Whole,
    /// This is to follow what was printed; then the row goes on.
    Stretch(Stretch),
}

/// ```abnf
/// message-data = nz-number SP "FETCH" SP "(" msg-att *(SP msg-att) ")"
/// ```
pub(super) fn print(row: &FetchRow, items: &Items, place: &mut Place, cx: &mut Context) -> Printed {
    let all = items.as_slice();
    if place.item == 0 {
        cx.put(b"* ");
        cx.number(row.seq.0);
        cx.put(b" FETCH (");
    }
    while let Some(item) = all.get(place.item) {
        if place.item > 0 {
            cx.out.push(b' ');
        }
        place.item += 1;
        if let Item::Section(section) = item {
            let content = row.sections.get(place.section);
            place.section += 1;
            cx.put(&section.label);
            if let Some(stretch) = print_section(content.and_then(Option::as_ref), cx) {
                return Printed::Stretch(stretch);
            }
        } else {
            print_item(item, row, cx);
        }
    }
    if row.flags_changed {
        print_changed_flags(row, items, cx);
    }
    cx.put(b")\r\n");
    *place = Place { row: place.row + 1, ..Place::default() };
    Printed::Whole
}

fn print_item(item: &Item, row: &FetchRow, cx: &mut Context) {
    match item {
        Item::Flags => {
            cx.put(b"FLAGS ");
            print::flags(&mut cx.out, &row.flags);
        }
        Item::Uid => {
            cx.put(b"UID ");
            cx.number(row.uid.0);
        }
        Item::InternalDate => {
            cx.put(b"INTERNALDATE ");
            print::date_time(&mut cx.out, row.received_at);
        }
        Item::Rfc822Size => {
            cx.put(b"RFC822.SIZE ");
            cx.number(row.size);
        }
        Item::Envelope => {
            cx.put(b"ENVELOPE ");
            let summary = row.summary.as_deref().unwrap_or_default();
            envelope::envelope(&mut cx.out, summary, cx.enabled.utf8);
        }
        Item::Body => structure(b"BODY ", Form::Body, row, cx),
        Item::BodyStructure => structure(b"BODYSTRUCTURE ", Form::BodyStructure, row, cx),
        Item::ModSeq => {
            cx.put(b"MODSEQ (");
            cx.number(row.modseq.0);
            cx.put(b")");
        }
        Item::SaveDate => {
            cx.put(b"SAVEDATE ");
            print::date_time(&mut cx.out, row.saved_at);
        }
        Item::EmailId => {
            cx.put(b"EMAILID (M");
            cx.number(row.email_id);
            cx.put(b")");
        }
        // RFC 8474 §5.2: a server without threads answers NIL.
        Item::ThreadId => cx.put(b"THREADID NIL"),
        // Printed where a stretch can be followed.
        Item::Section(_) => {}
    }
}

fn structure(name: &[u8], form: Form, row: &FetchRow, cx: &mut Context) {
    cx.put(name);
    match &row.structure {
        Some(structure) => {
            let style = Style { form, utf8: cx.enabled.utf8 };
            body_structure::body(&mut cx.out, &structure.root, style);
        }
        // What could not be read any more is shown as an empty text.
        None => cx.put(b"(\"text\" \"plain\" NIL NIL NIL \"7bit\" 0 0)"),
    }
}

/// The octets, or how many there are if they are still to be streamed.
fn print_section(section: Option<&Section>, cx: &mut Context) -> Option<Stretch> {
    cx.out.push(b' ');
    match section {
        None => cx.put(b"NIL"),
        Some(Section::Bytes(octets)) if !octets.is_empty() => print::literal(&mut cx.out, octets),
        Some(Section::Stretch(stretch)) if stretch.len > 0 => {
            print::literal_header(&mut cx.out, stretch.len);
            return Some(stretch.clone());
        }
        Some(_) => cx.put(b"\"\""),
    }
    None
}

/// FETCH that sets `\Seen` tells so, even if FLAGS were not asked (RFC 3501 §6.4.5).
fn print_changed_flags(row: &FetchRow, items: &Items, cx: &mut Context) {
    if !items.contains(&Item::Flags) {
        cx.put(b" FLAGS ");
        print::flags(&mut cx.out, &row.flags);
    }
    if cx.enabled.condstore && !items.contains(&Item::ModSeq) {
        sync::modseq(row.modseq, cx);
    }
}
