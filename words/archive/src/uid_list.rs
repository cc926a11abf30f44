//! `dovecot-uidlist` and Courier's `courierimapuiddb`: which file has which UID.

use crate::maildir_name;
use std::fmt;
use words_mail::{Uid, UidValidity};

/// The first line of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UidListHeader {
    /// Of the UIDs.
    pub uid_validity: Option<UidValidity>,
    /// The UID that the next message gets.
    pub uid_next: Option<Uid>,
}

/// One message of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UidEntry {
    /// Its UID.
    pub uid: Uid,
    /// What POP3 calls it, where that is not made of the UID (`P`).
    pub unique_id: Option<String>,
    /// The file's name up to the flags.
    pub base: String,
}

/// A list, as far as it makes sense.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UidList {
    /// Its first line.
    pub header: UidListHeader,
    /// By line. UIDs that do not rise are left out: the list is broken there.
    pub entries: Vec<UidEntry>,
    /// Lines that make no sense.
    pub skipped: usize,
}

impl UidList {
    /// Reads a list of version 1 (Dovecot 1.0, Courier: `1 VALIDITY NEXT` and `UID NAME`) or 3
    /// (`3 V… N… G…` and `UID EXTENSIONS :NAME`). Another version gives an empty list.
    pub fn parse(text: &str) -> UidList {
        let mut list = UidList::default();
        let mut lines = text.lines();
        let (version, rest) = split_word(lines.next().unwrap_or_default());
        let entry = match version {
            "1" => {
                list.header = header_1(rest);
                entry_1
            }
            "3" => {
                list.header = header_3(rest);
                entry_3
            }
            _ => return list,
        };
        for line in lines {
            let last = list.entries.last().map_or(Uid(0), |entry| entry.uid);
            match entry(line).filter(|entry| entry.uid > last) {
                Some(entry) => list.entries.push(entry),
                None => list.skipped += 1,
            }
        }
        list
    }
}

fn split_word(text: &str) -> (&str, &str) {
    text.split_once(' ').unwrap_or((text, ""))
}

fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number| *number > 0)
}

fn header_1(rest: &str) -> UidListHeader {
    let (validity, next) = split_word(rest);
    let next = number(next.split(' ').next().unwrap_or_default());
    UidListHeader { uid_validity: number(validity).map(UidValidity), uid_next: next.map(Uid) }
}

fn header_3(rest: &str) -> UidListHeader {
    let mut header = UidListHeader::default();
    for field in rest.split(' ') {
        if let Some(validity) = field.strip_prefix('V') {
            header.uid_validity = number(validity).map(UidValidity);
        } else if let Some(next) = field.strip_prefix('N') {
            header.uid_next = number(next).map(Uid);
        }
    }
    header
}

fn entry_1(line: &str) -> Option<UidEntry> {
    let (uid, name) = line.split_once(' ')?;
    let base = maildir_name::base_of(name).to_string();
    Some(UidEntry { uid: Uid(number(uid)?), unique_id: None, base })
}

fn entry_3(line: &str) -> Option<UidEntry> {
    let (uid, mut rest) = line.split_once(' ')?;
    let uid = Uid(number(uid)?);
    let mut unique_id = None;
    // Extensions stand before the name, each one word; the name may hold spaces.
    while !rest.starts_with(':') {
        let (field, after) = rest.split_once(' ')?;
        if let Some(text) = field.strip_prefix('P') {
            unique_id = Some(text.to_string()).filter(|text| !text.is_empty());
        }
        rest = after;
    }
    let base = maildir_name::base_of(&rest[1..]).to_string();
    Some(UidEntry { uid, unique_id, base }).filter(|entry| !entry.base.is_empty())
}

/// As Dovecot reads and writes it (version 3), with its final line end.
impl fmt::Display for UidListHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("3")?;
        if let Some(validity) = self.uid_validity {
            write!(f, " V{validity}")?;
        }
        if let Some(next) = self.uid_next {
            write!(f, " N{next}")?;
        }
        f.write_str("\n")
    }
}

/// A line of version 3, with its line end.
impl fmt::Display for UidEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.uid)?;
        if let Some(text) = &self.unique_id {
            write!(f, "P{text} ")?;
        }
        writeln!(f, ":{}", self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(uid: u32, unique_id: Option<&str>, base: &str) -> UidEntry {
        UidEntry { uid: Uid(uid), unique_id: unique_id.map(str::to_string), base: base.to_string() }
    }

    #[test]
    fn a_list_of_version_3_goes_both_ways() {
        let text = "3 V1275660208 N25022 G3085f01b7f11094c501100008c4a11c1\n\
            25006 W2481 S2418 :1276528487.M364837P9451.kurkku,S=1355,W=1394:2,\n\
            25017 Pabc.123 :1276533073.M242911P3632.kurkku:2,FS\n\
            25018 G00 :with space\n";
        let list = UidList::parse(text);
        let (validity, next) = (UidValidity(1275660208), Uid(25022));
        assert_eq!(list.header.uid_validity.zip(list.header.uid_next), Some((validity, next)));
        assert_eq!(
            list.entries,
            [
                entry(25006, None, "1276528487.M364837P9451.kurkku,S=1355,W=1394"),
                entry(25017, Some("abc.123"), "1276533073.M242911P3632.kurkku"),
                entry(25018, None, "with space"),
            ]
        );
        let written: String = list.entries.iter().map(UidEntry::to_string).collect();
        let written = format!("{}{written}", list.header);
        assert_eq!(UidList::parse(&written), list);
        assert!(written.starts_with("3 V1275660208 N25022\n25006 :1276528487"));
    }

    #[test]
    fn lists_of_version_1_are_read() {
        for (text, next) in
            [("1 99 4\n1 a\n3 b,S=1:2,S\n", Some(Uid(4))), ("1 99\n1 a\n3 b,S=1\n", None)]
        {
            let list = UidList::parse(text);
            assert_eq!(list.header.uid_validity, Some(UidValidity(99)));
            assert_eq!(list.header.uid_next, next);
            assert_eq!(list.entries, [entry(1, None, "a"), entry(3, None, "b,S=1")]);
        }
    }

    #[test]
    fn what_makes_no_sense_is_skipped() {
        let list =
            UidList::parse("3 V0 Nx\n5 :a\n5 :b\n4 :c\nx :d\n7\n8 P :e\n0 :f\n9 :\n10 a b\n");
        assert_eq!(list.header, UidListHeader::default());
        assert_eq!(list.entries, [entry(5, None, "a"), entry(8, None, "e")]);
        assert_eq!(list.skipped, 7);
        for other in ["", "2 1 2\n1 a\n", "x"] {
            assert_eq!(UidList::parse(other).entries, []);
        }
    }
}
