//! FETCH (RFC 3501 §6.4.5), with CHANGEDSINCE and VANISHED (RFC 7162 §3.1.4, §3.2.6).
//!
//! ```text
//! start ─► asking ─page─► printing ─┬─ a stored stretch ─► streaming ─┐
//!            ▲                 ▲    └─ much printed ─────► flushing ──┤
//!            └── next page ────┤◄─────────────────────────────────────┘
//! ```

mod item;
mod row;
mod section;

use super::{Next, Parsed, Run, mismatch};
use crate::ask::{self, Answer, Ask, FetchItems, FetchPage, Numbers};
use crate::context::Context;
use crate::cursor::{Cursor, Kind, ParseError};
use crate::options::SEND_LEN;
use crate::print;
use crate::tagged::{Code, Tagged};
use item::{Item, Items};
use row::{Place, Printed};
use std::sync::Arc;
use words_mail::ModSeq;

struct Fetch {
    numbers: Numbers,
    kind: Kind,
    items: Items,
    changed_since: Option<ModSeq>,
    vanished: bool,
    /// What the core needs to know of `items`; shared by the pages.
    wanted: Arc<FetchItems>,
    page: FetchPage,
    place: Place,
    expunge_issued: bool,
}

/// `fetch = "FETCH" SP sequence-set SP fetch-atts [SP fetch-modifiers]`
pub(super) fn parse(cursor: &mut Cursor<'_>) -> Parsed {
    parse_kind(cursor, Kind::Seq)
}

/// `uid-fetch = "UID" SP fetch`
pub(super) fn parse_uid(cursor: &mut Cursor<'_>) -> Parsed {
    parse_kind(cursor, Kind::Uid)
}

fn parse_kind(cursor: &mut Cursor<'_>, kind: Kind) -> Parsed {
    cursor.space()?;
    let numbers = cursor.numbers(kind)?;
    cursor.space()?;
    let items = Items::parse(cursor)?;
    let mut fetch = Fetch {
        numbers,
        kind,
        items,
        changed_since: None,
        vanished: false,
        wanted: Arc::default(),
        page: FetchPage::default(),
        place: Place::default(),
        expunge_issued: false,
    };
    if !cursor.is_at_end() {
        cursor.space()?;
        cursor.list::<ParseError>(|cursor| modifier(cursor, &mut fetch))?;
    }
    Ok(Box::new(fetch))
}

/// ```abnf
/// fetch-modifier = "CHANGEDSINCE" SP mod-sequence-value / "VANISHED"
/// ```
/// `CHANGEDSINCE 0` is not in the grammar, but iOS sends it and means everything.
fn modifier(cursor: &mut Cursor<'_>, fetch: &mut Fetch) -> Result<(), ParseError> {
    if cursor.word("CHANGEDSINCE") {
        cursor.space()?;
        fetch.changed_since = Some(ModSeq(cursor.number()?));
    } else if cursor.word("VANISHED") {
        fetch.vanished = true;
    } else {
        cursor.expected("CHANGEDSINCE or VANISHED")?;
    }
    Ok(())
}

impl Run for Fetch {
    fn start(&mut self, cx: &mut Context) -> Next {
        if self.vanished {
            let is_allowed = self.kind == Kind::Uid && self.changed_since.is_some();
            if !is_allowed || !cx.enabled.qresync {
                let text = "VANISHED goes with UID FETCH, CHANGEDSINCE and ENABLE QRESYNC";
                return Next::Done(Tagged::bad(text));
            }
        }
        if self.changed_since.is_some() || self.items.contains(&Item::ModSeq) {
            cx.enable_condstore();
        }
        if self.changed_since.is_some() {
            self.items.add(Item::ModSeq);
        }
        if self.kind == Kind::Uid {
            self.items.add_first(Item::Uid);
        }
        let read_only = cx.state.selected().is_some_and(|selected| selected.read_only);
        let mut wanted = self.items.wanted();
        wanted.set_seen &= !read_only;
        self.wanted = Arc::new(wanted);
        self.ask()
    }

    fn answer(&mut self, answer: Answer, cx: &mut Context) -> Next {
        let Answer::Fetched(page) = answer else { mismatch(&answer) };
        if let Some(vanished) = page.vanished_earlier.as_ref().filter(|set| !set.is_empty()) {
            cx.put("* VANISHED (EARLIER) ");
            print::set(&mut cx.out, vanished);
            cx.put("\r\n");
        }
        self.expunge_issued |= page.expunge_issued;
        self.page = page;
        self.place = Place::default();
        self.print(cx)
    }

    fn resume(&mut self, cx: &mut Context) -> Next {
        self.print(cx)
    }
}

impl Fetch {
    fn ask(&self) -> Next {
        Next::Ask(Ask::Fetch(ask::Fetch {
            numbers: self.numbers.clone(),
            items: Arc::clone(&self.wanted),
            changed_since: self.changed_since,
            vanished: self.vanished && self.page.next.is_none(),
            cursor: self.page.next,
        }))
    }

    /// Prints on from where it stopped.
    fn print(&mut self, cx: &mut Context) -> Next {
        while let Some(row) = self.page.rows.get(self.place.row) {
            match row::print(row, &self.items, &mut self.place, cx) {
                Printed::Stretch(stretch) => return Next::Stream(stretch),
                Printed::Whole if cx.out.len() >= SEND_LEN => return Next::Flush,
                Printed::Whole => {}
            }
        }
        // Nothing of this page is kept while the core makes the next.
        self.page.rows = Vec::new();
        if self.page.next.is_some() {
            return self.ask();
        }
        if self.expunge_issued {
            let text = "Some of the messages are gone";
            return Next::Done(Tagged::no(Code::Word("EXPUNGEISSUED"), text));
        }
        Next::Done(Tagged::ok("Fetched"))
    }
}
