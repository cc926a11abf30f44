//! File names in a Maildir: `unique,S=size,W=size:2,flags`.

use std::fmt;
use words_mail::{Flags, SystemFlag};

/// The letters that Maildir gives to flags, in the order in which they are written. `P` (passed on)
/// is the keyword `$Forwarded`, and beside these stand lower-case letters for keywords.
const LETTERS: [(u8, SystemFlag); 5] = [
    (b'D', SystemFlag::Draft),
    (b'F', SystemFlag::Flagged),
    (b'R', SystemFlag::Answered),
    (b'S', SystemFlag::Seen),
    (b'T', SystemFlag::Deleted),
];

/// The letter for a message that was passed on.
pub(crate) const PASSED: u8 = b'P';

/// What precedes the flags. Where a file system has no colon, some write `;` or `!`.
const INFO: [&str; 3] = [":2,", ";2,", "!2,"];

/// The lower-case letters of keywords, as a set: bit 0 is `a`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeywordLetters(pub u32);

impl KeywordLetters {
    /// Letters that there are.
    pub const MAX: usize = 26;

    /// The places of the letters, from 0 for `a`.
    pub fn places(self) -> impl Iterator<Item = usize> {
        (0..KeywordLetters::MAX).filter(move |place| self.0 & 1 << place != 0)
    }

    /// Adds the letter at a place; places that have none are passed over.
    pub fn insert(&mut self, place: usize) {
        if place < KeywordLetters::MAX {
            self.0 |= 1 << place;
        }
    }
}

/// A file name in `cur` or `new`, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaildirName {
    /// What precedes `:2,`, sizes included: the name that stays when flags change.
    pub base: String,
    /// Octets of the file, as `,S=` tells.
    pub size: Option<u64>,
    /// Octets with CRLF line ends, as `,W=` tells.
    pub virtual_size: Option<u64>,
    /// The system flags.
    pub flags: Flags,
    /// Was it passed on (`P`)?
    pub passed: bool,
    /// The letters of its keywords.
    pub keywords: KeywordLetters,
}

impl MaildirName {
    /// Takes a name apart. Letters that mean nothing are passed over; a name without flags has none.
    ///
    /// ```
    /// # use words_archive::MaildirName;
    /// let name = MaildirName::parse("1276528487.M3P9.host,S=1355,W=1394:2,FSa");
    /// assert_eq!((name.size, name.virtual_size), (Some(1355), Some(1394)));
    /// assert_eq!(name.flags.to_string(), "\\Flagged \\Seen");
    /// assert_eq!(name.keywords.places().collect::<Vec<_>>(), [0]);
    /// assert_eq!(name.identity(), "1276528487.M3P9.host");
    /// ```
    pub fn parse(name: &str) -> MaildirName {
        let (base, letters) = split(name);
        let mut read = MaildirName {
            base: base.to_string(),
            size: size_field(base, "S="),
            virtual_size: size_field(base, "W="),
            flags: Flags::new(),
            passed: false,
            keywords: KeywordLetters::default(),
        };
        // Experimental parts after the flags begin with a comma.
        for letter in letters.bytes().take_while(|letter| *letter != b',') {
            match letter {
                PASSED => read.passed = true,
                b'a'..=b'z' => read.keywords.insert(usize::from(letter - b'a')),
                _ => {
                    let flag = LETTERS.iter().find(|(known, _)| *known == letter);
                    flag.into_iter().for_each(|(_, flag)| read.flags.insert(*flag));
                }
            }
        }
        read
    }

    /// What stays the same also when some program adds sizes to the name: the base without them.
    pub fn identity(&self) -> &str {
        let mut rest = self.base.as_str();
        while let Some((before, field)) = rest.rsplit_once(',') {
            if !is_size_field(field) {
                break;
            }
            rest = before;
        }
        rest
    }
}

/// What precedes the flags of a name.
pub(crate) fn base_of(name: &str) -> &str {
    split(name).0
}

fn split(name: &str) -> (&str, &str) {
    let ends = [":", INFO[1], INFO[2]];
    let end = ends.iter().filter_map(|end| name.find(end)).min().unwrap_or(name.len());
    let (base, rest) = name.split_at(end);
    // `:1,` is an experimental form without flags.
    let letters = INFO.iter().find_map(|info| rest.split_once(info)).map_or("", |(_, after)| after);
    (base, letters)
}

fn is_size_field(field: &str) -> bool {
    let number = field.strip_prefix("S=").or(field.strip_prefix("W="));
    number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

fn size_field(base: &str, name: &str) -> Option<u64> {
    let mut fields = base.split(',').skip(1);
    fields.find_map(|field| field.strip_prefix(name)?.parse().ok())
}

/// As a file in `cur` is named.
impl fmt::Display for MaildirName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:2,", self.base)?;
        let mut letters: Vec<u8> = LETTERS
            .iter()
            .filter(|(_, flag)| self.flags.contains(*flag))
            .map(|(l, _)| *l)
            .collect();
        letters.extend(self.passed.then_some(PASSED));
        // Readers want the letters in ASCII order.
        letters.sort_unstable();
        letters.extend(self.keywords.places().map(|place| b'a' + place as u8));
        letters.into_iter().try_for_each(|letter| write!(f, "{}", char::from(letter)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart_and_put_together() {
        for (text, base, identity, flags, letters) in [
            ("1.M2P3.h,S=4,W=5:2,", "1.M2P3.h,S=4,W=5", "1.M2P3.h", "", 0),
            ("1.M2P3.h,S=4,W=5:2,FRSTab", "1.M2P3.h,S=4,W=5", "1.M2P3.h", FRST, 3),
            (
                "1.q.h:2,DFPRSTz",
                "1.q.h",
                "1.q.h",
                "\\Answered \\Flagged \\Deleted \\Seen \\Draft",
                1 << 25,
            ),
            ("x,y,S=12:2,S", "x,y,S=12", "x,y", "\\Seen", 0),
            ("x,S=:2,S", "x,S=", "x,S=", "\\Seen", 0),
        ] {
            let name = MaildirName::parse(text);
            assert_eq!((name.base.as_str(), name.identity()), (base, identity));
            assert_eq!((name.flags.to_string().as_str(), name.keywords.0), (flags, letters));
            assert_eq!(name.to_string(), text);
        }
    }

    const FRST: &str = "\\Answered \\Flagged \\Deleted \\Seen";

    #[test]
    fn names_of_the_wild_are_read() {
        for (text, base, flags) in [
            ("1.M2P3.h", "1.M2P3.h", ""),
            ("1.h;2,S", "1.h", "\\Seen"),
            ("1.h!2,S", "1.h", "\\Seen"),
            ("1.h:2,SSXé9S,extra,T", "1.h", "\\Seen"),
            ("1.h:1,x", "1.h", ""),
            ("1.h:2,a:2,S", "1.h", ""),
            ("", "", ""),
            (":2,", "", ""),
        ] {
            let name = MaildirName::parse(text);
            assert_eq!((name.base.as_str(), name.flags.to_string().as_str()), (base, flags));
        }
    }
}
