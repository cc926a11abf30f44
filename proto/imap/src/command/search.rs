//! SEARCH (RFC 3501 §6.4.4), with RETURN (RFC 4731), SAVE (RFC 5182), MODSEQ (RFC 7162 §3.1.5) and
//! what the files below read.

pub(super) mod charset;
pub(super) mod key;
pub(super) mod result;

use super::{Next, Parsed, Run, mismatch};
use crate::ask::{self, Answer, Ask, Numbers, Order, SearchKey, SequenceSet};
use crate::context::Context;
use crate::cursor::{Cursor, Kind, ParseError};
use crate::tagged::Tagged;
use charset::Charset;
use key::Keys;
use result::Return;

/// SEARCH or SORT.
pub(super) struct Search {
    pub search: ask::Search,
    /// `None`: the results are told as RFC 3501 has it.
    pub returned: Option<Return>,
    /// Did the criteria name MODSEQ?
    pub has_modseq: bool,
    /// Have the results been told, so that they are only to be saved?
    is_told: bool,
}

/// `search = "SEARCH" [SP search-return-opts] SP search-program`
pub(super) fn parse(cursor: &mut Cursor<'_>) -> Parsed {
    parse_kind(cursor, Kind::Seq)
}

/// `uid-search = "UID" SP search`
pub(super) fn parse_uid(cursor: &mut Cursor<'_>) -> Parsed {
    parse_kind(cursor, Kind::Uid)
}

/// `search-program = ["CHARSET" SP charset SP] search-key *(SP search-key)`
fn parse_kind(cursor: &mut Cursor<'_>, kind: Kind) -> Parsed {
    cursor.space()?;
    let returned = Return::parse(cursor)?;
    let mut charset = Charset::default();
    if cursor.word("CHARSET") {
        cursor.space()?;
        charset = Charset::parse(cursor)?;
        cursor.space()?;
    }
    let keys = Keys::parse(cursor, charset)?;
    Ok(Box::new(Search::new(keys, Order::Mailbox, kind, returned)))
}

impl Search {
    pub fn new(keys: Keys, order: Order, kind: Kind, returned: Option<Return>) -> Search {
        let save = returned.is_some_and(|returned| returned.save && !returned.is_about_ends());
        let search = ask::Search { key: keys.key, order, uid: kind == Kind::Uid, save };
        Search { search, returned, has_modseq: keys.has_modseq, is_told: false }
    }
}

impl Run for Search {
    fn start(&mut self, cx: &mut Context) -> Next {
        if self.has_modseq {
            cx.enable_condstore();
        }
        Next::Ask(Ask::Search(self.search.clone()))
    }

    fn answer(&mut self, answer: Answer, cx: &mut Context) -> Next {
        let Answer::Found(found) = answer else { mismatch(&answer) };
        if self.is_told {
            return Next::Done(Tagged::ok("That is all"));
        }
        self.is_told = true;
        let modseq = found.modseq.filter(|_| self.has_modseq);
        match self.returned {
            Some(returned) => returned.tell(&found.numbers, self.search.uid, modseq, cx),
            None => {
                let is_search = self.search.order == Order::Mailbox;
                let response = if is_search { "SEARCH" } else { "SORT" };
                result::tell(response, &found.numbers, modseq, cx);
            }
        }
        match self.returned.filter(|returned| returned.save && returned.is_about_ends()) {
            Some(returned) => self.save(returned.ends(&found.numbers)),
            None => Next::Done(Tagged::ok("That is all")),
        }
    }
}

impl Search {
    /// SAVE beside MIN or MAX keeps those alone (RFC 5182 §2.4): found again by their numbers.
    fn save(&self, numbers: SequenceSet) -> Next {
        let key = match (numbers.is_empty(), self.search.uid) {
            (true, _) => SearchKey::Not(Box::new(SearchKey::All)),
            (false, true) => SearchKey::Numbers(Numbers::Uid(numbers)),
            (false, false) => SearchKey::Numbers(Numbers::Seq(numbers)),
        };
        let (order, uid) = (Order::Mailbox, self.search.uid);
        Next::Ask(Ask::Search(ask::Search { key, order, uid, save: true }))
    }
}

/// What THREAD and SORT have in front of their keys: `SP charset SP`.
pub(super) fn charset_then_keys(cursor: &mut Cursor<'_>) -> Result<Keys, ParseError> {
    cursor.space()?;
    let charset = Charset::parse(cursor)?;
    cursor.space()?;
    Keys::parse(cursor, charset)
}
