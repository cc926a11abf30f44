//! What a FETCH asks of each message.

use super::section::{self, Section};
use crate::ask::FetchItems;
use crate::cursor::{Cursor, ParseError};
use crate::options::FETCH_ITEMS_MAX;
use crate::tagged::{Code, Tagged};

/// One thing, in the order in which it was asked and is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    Flags,
    Uid,
    InternalDate,
    Rfc822Size,
    Envelope,
    Body,
    BodyStructure,
    ModSeq,
    SaveDate,
    EmailId,
    ThreadId,
    /// `BODY[…]` and its kind.
    Section(Section),
}

/// Names that are one word.
const WORDS: [(&str, Item); 10] = [
    ("FLAGS", Item::Flags),
    ("UID", Item::Uid),
    ("INTERNALDATE", Item::InternalDate),
    ("RFC822.SIZE", Item::Rfc822Size),
    ("ENVELOPE", Item::Envelope),
    ("BODYSTRUCTURE", Item::BodyStructure),
    ("MODSEQ", Item::ModSeq),
    ("SAVEDATE", Item::SaveDate),
    ("EMAILID", Item::EmailId),
    ("THREADID", Item::ThreadId),
];

/// The macros (RFC 3501 §6.4.5).
const MACROS: [(&str, &[Item]); 3] = [
    ("ALL", &[Item::Flags, Item::InternalDate, Item::Rfc822Size, Item::Envelope]),
    ("FAST", &[Item::Flags, Item::InternalDate, Item::Rfc822Size]),
    ("FULL", &[Item::Flags, Item::InternalDate, Item::Rfc822Size, Item::Envelope, Item::Body]),
];

/// All of them, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Items(Vec<Item>);

impl Items {
    /// ```abnf
    /// fetch-atts = "ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")"
    /// ```
    pub fn parse(cursor: &mut Cursor<'_>) -> Result<Items, ParseError> {
        let mut items = Items::default();
        if cursor.peek() == Some(b'(') {
            cursor.list(|cursor| items.parse_one(cursor))?;
        } else {
            items.parse_one(cursor)?;
        }
        Ok(items)
    }

    /// Macros are taken inside of a list too.
    fn parse_one(&mut self, cursor: &mut Cursor<'_>) -> Result<(), ParseError> {
        if self.0.len() > FETCH_ITEMS_MAX {
            let text = "Too many items";
            return Err(ParseError::Refused(Tagged::no(Code::Word("LIMIT"), text)));
        }
        let start = cursor.clone();
        let name = cursor.take_while(|b| b.is_ascii_alphanumeric() || b == b'.');
        let is = |word: &str| name.eq_ignore_ascii_case(word.as_bytes());
        if let Some((_, items)) = MACROS.iter().find(|(word, _)| is(word)) {
            items.iter().for_each(|item| self.add(item.clone()));
        } else if let Some((_, item)) = WORDS.iter().find(|(word, _)| is(word)) {
            self.add(item.clone());
        } else if is("BODY") && cursor.peek() != Some(b'[') {
            self.add(Item::Body);
        } else {
            match section::parse(name, cursor)? {
                Some(section) => self.add(Item::Section(section)),
                None => start.expected::<()>("an item like FLAGS or BODY[HEADER]")?,
            }
        }
        Ok(())
    }

    /// Adds one at the end, unless it is there.
    pub fn add(&mut self, item: Item) {
        if !self.0.contains(&item) {
            self.0.push(item);
        }
    }

    /// Adds one at the beginning, unless it is there.
    pub fn add_first(&mut self, item: Item) {
        if !self.0.contains(&item) {
            self.0.insert(0, item);
        }
    }

    /// Is it asked?
    pub fn contains(&self, item: &Item) -> bool {
        self.0.contains(item)
    }

    /// In order.
    pub fn as_slice(&self) -> &[Item] {
        &self.0
    }

    /// What the core must know.
    pub fn wanted(&self) -> FetchItems {
        let mut wanted = FetchItems::default();
        for item in &self.0 {
            match item {
                Item::Envelope => wanted.envelope = true,
                Item::Body | Item::BodyStructure => wanted.structure = true,
                Item::Section(section) => {
                    wanted.set_seen |= section.sets_seen;
                    wanted.sections.push(section.item.clone());
                }
                Item::Flags
                | Item::Uid
                | Item::InternalDate
                | Item::Rfc822Size
                | Item::ModSeq
                | Item::SaveDate
                | Item::EmailId
                | Item::ThreadId => {}
            }
        }
        wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::print::Utf8;

    fn parse(text: &str) -> Result<Items, ParseError> {
        let mut cursor = Cursor::new(text.as_bytes(), Utf8::Off);
        let items = Items::parse(&mut cursor)?;
        cursor.end()?;
        Ok(items)
    }

    #[test]
    fn macros_stand_for_their_items_and_repeats_count_once() {
        let full = [Item::Flags, Item::InternalDate, Item::Rfc822Size, Item::Envelope, Item::Body];
        assert_eq!(parse("full").unwrap().as_slice(), full);
        assert_eq!(parse("(FLAGS fast UID flags)").unwrap().as_slice().len(), 4);
        assert_eq!(parse("body").unwrap().as_slice(), [Item::Body]);
    }

    #[test]
    fn what_is_no_item_is_told() {
        for text in ["", "FLAG", "(FLAGS", "(FLAGS BODY[)", "BODY[", "BODYSTRUCTURE[]", "BINARY[1]"]
        {
            assert!(matches!(parse(text), Err(ParseError::Syntax(_))), "{text}");
        }
    }

    #[test]
    fn the_core_is_asked_only_for_what_is_needed() {
        assert_eq!(parse("(FLAGS UID)").unwrap().wanted(), FetchItems::default());
        let wanted = parse("(ENVELOPE BODY BODY[1] BODY.PEEK[2])").unwrap().wanted();
        assert!(wanted.envelope && wanted.structure && wanted.set_seen);
        assert_eq!(wanted.sections.len(), 2);
        assert!(!parse("(BODY.PEEK[2] RFC822.HEADER)").unwrap().wanted().set_seen);
    }
}
