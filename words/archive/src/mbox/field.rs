//! The fields that mail programs write into an mbox for themselves: flags, keywords, UIDs. They are
//! no part of the message.

use words_mail::{Flags, Keyword, SystemFlag, Uid, UidValidity};

/// Fields that are taken out.
const NAMES: [&str; 7] =
    ["Status", "X-Status", "X-Keywords", "X-UID", "X-IMAP", "X-IMAPbase", "Content-Length"];

/// Octets of one such field that are looked at.
const FIELD_MAX: usize = 64 * 1024;

/// What the fields of one message say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Flags and keywords.
    pub flags: Flags,
    /// Its UID.
    pub uid: Option<Uid>,
    /// Of the UIDs of this file; in its first message.
    pub uid_validity: Option<UidValidity>,
    /// The last UID given in this file; in its first message.
    pub uid_last: Option<Uid>,
    /// Is it no message, but what a program keeps in the place of the first one?
    pub is_internal: bool,
    /// Octets of the body in the file.
    pub content_length: Option<u64>,
}

/// What a line of a header is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A line of the message.
    Message,
    /// A program's own: no part of the message.
    Own,
    /// The empty line; the body follows.
    End,
}

/// Reads a header line by line, and says which lines are part of the message.
#[derive(Clone, Debug, Default)]
pub struct FieldFilter {
    metadata: Metadata,
    /// The field being read, if it is one of those.
    own: Option<(usize, Vec<u8>)>,
}

impl FieldFilter {
    /// Before the first line.
    pub fn new() -> FieldFilter {
        FieldFilter::default()
    }

    /// Takes the next line, with its end.
    pub fn feed(&mut self, line: &[u8]) -> Found {
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            return match &mut self.own {
                Some((_, value)) => {
                    append(value, line);
                    Found::Own
                }
                None => Found::Message,
            };
        }
        self.close();
        if matches!(line, b"\n" | b"\r\n") {
            return Found::End;
        }
        let name = line.split(|b| *b == b':').next().unwrap_or_default();
        if name.len() == line.len() {
            return Found::Message;
        }
        let known = NAMES.iter().position(|n| n.as_bytes().eq_ignore_ascii_case(name.trim_ascii()));
        let Some(known) = known else { return Found::Message };
        let mut value = Vec::new();
        append(&mut value, &line[name.len() + 1..]);
        self.own = Some((known, value));
        Found::Own
    }

    /// What the fields said.
    pub fn finish(mut self) -> Metadata {
        self.close();
        self.metadata
    }

    /// The length that is told, for one who is still reading.
    pub fn content_length(&self) -> Option<u64> {
        self.metadata.content_length
    }

    fn close(&mut self) {
        let Some((field, value)) = self.own.take() else { return };
        let value = String::from_utf8_lossy(&value);
        let value = value.trim();
        let metadata = &mut self.metadata;
        match field {
            0 | 1 => add_flags(&mut metadata.flags, value),
            2 => keywords(value).for_each(|keyword| metadata.flags.insert_keyword(keyword)),
            3 => metadata.uid = number(value).map(Uid),
            4 | 5 => {
                let mut words = value.split_ascii_whitespace();
                metadata.uid_validity = words.next().and_then(number).map(UidValidity);
                metadata.uid_last = words.next().and_then(number).map(Uid);
                metadata.is_internal |= field == 4;
            }
            _ => metadata.content_length = value.parse().ok(),
        }
    }
}

fn append(value: &mut Vec<u8>, line: &[u8]) {
    if value.len() + line.len() <= FIELD_MAX {
        value.extend_from_slice(line);
    }
}

fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number| *number > 0)
}

fn keywords(value: &str) -> impl Iterator<Item = Keyword> + '_ {
    value.split(|c: char| c.is_ascii_whitespace() || c == ',').filter_map(Keyword::parse)
}

const LETTERS: [(char, SystemFlag); 5] = [
    ('R', SystemFlag::Seen),
    ('A', SystemFlag::Answered),
    ('F', SystemFlag::Flagged),
    ('T', SystemFlag::Draft),
    ('D', SystemFlag::Deleted),
];

fn add_flags(flags: &mut Flags, value: &str) {
    let known = LETTERS.iter().filter(|(letter, _)| value.contains(*letter));
    known.for_each(|(_, flag)| flags.insert(*flag));
}

/// The fields that say so, each with LF. The first message of a file also tells `base`: UIDVALIDITY,
/// last UID and all keywords.
pub fn metadata_fields(
    flags: &Flags,
    uid: Uid,
    base: Option<(UidValidity, Uid, &[Keyword])>,
) -> String {
    let mut text = String::new();
    if let Some((validity, last, keywords)) = base {
        text += &format!("X-IMAPbase: {validity} {last:010}");
        keywords.iter().for_each(|keyword| text += &format!(" {}", keyword.as_str()));
        text += "\n";
    }
    text += &format!("X-UID: {uid}\n");
    let letters = |wanted: &[char]| -> String {
        let set = LETTERS.iter().filter(|(l, flag)| wanted.contains(l) && flags.contains(*flag));
        set.map(|(letter, _)| *letter).collect()
    };
    text += &format!("Status: {}O\n", letters(&['R']));
    let more = letters(&['A', 'F', 'T', 'D']);
    if !more.is_empty() {
        text += &format!("X-Status: {more}\n");
    }
    if !flags.keywords().is_empty() {
        let names: Vec<&str> = flags.keywords().iter().map(Keyword::as_str).collect();
        text += &format!("X-Keywords: {}\n", names.join(" "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> (Metadata, String) {
        let (mut filter, mut kept) = (FieldFilter::new(), String::new());
        for line in header.split_inclusive('\n') {
            if filter.feed(line.as_bytes()) != Found::Own {
                kept += line;
            }
        }
        (filter.finish(), kept)
    }

    #[test]
    fn fields_are_read_and_taken_out() {
        let (metadata, kept) = read(
            "X-IMAPbase: 1234 0000000099\n $Junk work\nSubject: x\n y\nSTATUS: RO\nx-status: AFD\n\
             X-Keywords: work,\n  $Junk  \nX-UID: 17      \nContent-Length: 12\nStatusx: 1\n\n",
        );
        assert_eq!(kept, "Subject: x\n y\nStatusx: 1\n\n");
        assert_eq!(metadata.flags.to_string(), "\\Answered \\Flagged \\Deleted \\Seen work $Junk");
        assert_eq!((metadata.uid, metadata.content_length), (Some(Uid(17)), Some(12)));
        assert_eq!(metadata.uid_validity, Some(UidValidity(1234)));
        assert_eq!((metadata.uid_last, metadata.is_internal), (Some(Uid(99)), false));
        let (metadata, _) = read("X-IMAP: 0 x\nX-UID: -1\nContent-Length: no\nFrom x\n\n");
        let internal = Metadata { is_internal: true, ..Metadata::default() };
        assert_eq!(metadata, internal);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut flags = Flags::new();
        for flag in SystemFlag::ALL {
            flags.insert(flag);
            flags.insert_keyword(Keyword::parse("$Junk").unwrap());
            let base = (UidValidity(7), Uid(9), flags.keywords());
            let (metadata, kept) = read(&metadata_fields(&flags, Uid(3), Some(base)));
            assert_eq!((&metadata.flags, metadata.uid, kept.as_str()), (&flags, Some(Uid(3)), ""));
            assert_eq!(metadata.uid_validity, Some(UidValidity(7)));
            assert_eq!(metadata.uid_last, Some(Uid(9)));
        }
        assert_eq!(metadata_fields(&Flags::new(), Uid(1), None), "X-UID: 1\nStatus: O\n");
    }
}
