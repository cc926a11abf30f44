//! `BODY[section]<partial>`, and RFC822 with its kind.

use crate::ask::{SectionItem, SectionText};
use crate::cursor::{Cursor, ParseError};
use crate::print::{self, Utf8};

/// Deepest part number, in levels: more than any message has.
const PART_DEPTH_MAX: usize = 100;

/// A section, and how its answer is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section {
    /// What the core is asked.
    pub item: SectionItem,
    /// As it stands in the answer: `BODY[1.MIME]<0>`, `RFC822.TEXT`.
    pub label: Vec<u8>,
    /// Does it set `\Seen`?
    pub sets_seen: bool,
}

impl Section {
    fn named(label: &str, text: SectionText, sets_seen: bool) -> Section {
        let item = SectionItem { part: Vec::new(), text, partial: None };
        Section { item, label: label.as_bytes().to_vec(), sets_seen }
    }
}

/// Reads on after `name`; `None` if that begins no section.
///
/// ```abnf
/// fetch-att = "RFC822" [".HEADER" / ".TEXT"]
///           / "BODY" section ["<" number "." nz-number ">"]
///           / "BODY.PEEK" section ["<" number "." nz-number ">"]
/// ```
/// RFC822.PEEK is Outlook's name for `BODY.PEEK[]`.
pub(super) fn parse(name: &[u8], cursor: &mut Cursor<'_>) -> Result<Option<Section>, ParseError> {
    let section = match name.to_ascii_uppercase().as_slice() {
        b"RFC822" => Section::named("RFC822", SectionText::All, true),
        b"RFC822.PEEK" => Section::named("BODY[]", SectionText::All, false),
        b"RFC822.HEADER" => Section::named("RFC822.HEADER", SectionText::Header, false),
        b"RFC822.TEXT" => Section::named("RFC822.TEXT", SectionText::Text, true),
        b"BODY" => body(cursor, true)?,
        b"BODY.PEEK" => body(cursor, false)?,
        _ => return Ok(None),
    };
    Ok(Some(section))
}

fn body(cursor: &mut Cursor<'_>, sets_seen: bool) -> Result<Section, ParseError> {
    cursor.expect(b'[', "\"[\"")?;
    let part = part(cursor)?;
    let text = text(cursor, &part)?;
    cursor.expect(b']', "\"]\"")?;
    let partial = partial(cursor)?;
    let item = SectionItem { part, text, partial };
    let label = label(&item);
    Ok(Section { item, label, sets_seen })
}

/// `section-part = nz-number *("." nz-number)`, with the dot before a following text.
fn part(cursor: &mut Cursor<'_>) -> Result<Vec<u32>, ParseError> {
    let mut part = Vec::new();
    while cursor.peek().is_some_and(|b| b.is_ascii_digit()) {
        match cursor.number32()? {
            0 => cursor.expected("a part number from 1")?,
            _ if part.len() == PART_DEPTH_MAX => cursor.expected("fewer part numbers")?,
            number => part.push(number),
        }
        if !cursor.take(b'.') {
            return Ok(part);
        }
    }
    if !part.is_empty() && cursor.peek() == Some(b']') {
        cursor.expected("a part number, or a word like MIME")?;
    }
    Ok(part)
}

/// ```abnf
/// section-text    = section-msgtext / "MIME"
/// section-msgtext = "HEADER" / "HEADER.FIELDS" [".NOT"] SP header-list / "TEXT"
/// ```
fn text(cursor: &mut Cursor<'_>, part: &[u32]) -> Result<SectionText, ParseError> {
    if cursor.peek() == Some(b']') {
        return Ok(SectionText::All);
    }
    let start = cursor.clone();
    let name = cursor.take_while(|b| b.is_ascii_alphabetic() || b == b'.').to_ascii_uppercase();
    Ok(match name.as_slice() {
        b"HEADER" => SectionText::Header,
        b"HEADER.FIELDS" => SectionText::HeaderFields(field_names(cursor)?),
        b"HEADER.FIELDS.NOT" => SectionText::HeaderFieldsNot(field_names(cursor)?),
        b"TEXT" => SectionText::Text,
        b"MIME" if !part.is_empty() => SectionText::Mime,
        _ => start.expected("\"]\", or a section like HEADER or TEXT")?,
    })
}

/// `header-list = "(" header-fld-name *(SP header-fld-name) ")"`
fn field_names(cursor: &mut Cursor<'_>) -> Result<Vec<String>, ParseError> {
    cursor.space()?;
    let mut names = Vec::new();
    cursor.list::<ParseError>(|cursor| {
        names.push(cursor.text("the name of a header field")?);
        Ok(())
    })?;
    Ok(names)
}

/// `"<" number "." nz-number ">"`
fn partial(cursor: &mut Cursor<'_>) -> Result<Option<(u64, u64)>, ParseError> {
    if !cursor.take(b'<') {
        return Ok(None);
    }
    let offset = cursor.number()?;
    cursor.expect(b'.', "\".\" and a count of octets")?;
    let count = cursor.number()?;
    cursor.expect(b'>', "\">\"")?;
    Ok(Some((offset, count)))
}

/// The section in our own spelling: capitals, one space, the offset without the count.
fn label(item: &SectionItem) -> Vec<u8> {
    let mut label = b"BODY[".to_vec();
    for (i, number) in item.part.iter().enumerate() {
        if i > 0 {
            label.push(b'.');
        }
        print::number(&mut label, u64::from(*number));
    }
    let (word, names) = match &item.text {
        SectionText::All => ("", None),
        SectionText::Header => ("HEADER", None),
        SectionText::HeaderFields(names) => ("HEADER.FIELDS", Some(names)),
        SectionText::HeaderFieldsNot(names) => ("HEADER.FIELDS.NOT", Some(names)),
        SectionText::Text => ("TEXT", None),
        SectionText::Mime => ("MIME", None),
    };
    if !item.part.is_empty() && !word.is_empty() {
        label.push(b'.');
    }
    label.extend_from_slice(word.as_bytes());
    if let Some(names) = names {
        label.extend_from_slice(b" (");
        let start = label.len();
        for name in names {
            print::separate(&mut label, start);
            print::astring(&mut label, name.to_ascii_uppercase().as_bytes(), Utf8::Off);
        }
        label.push(b')');
    }
    label.push(b']');
    if let Some((offset, _)) = item.partial {
        label.push(b'<');
        print::number(&mut label, offset);
        label.push(b'>');
    }
    label
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(String, bool), ParseError> {
        let mut cursor = Cursor::new(text.as_bytes(), Utf8::Off);
        let name = cursor.take_while(|b| b.is_ascii_alphanumeric() || b == b'.');
        let section = parse(name, &mut cursor)?.expect("a section");
        cursor.end()?;
        Ok((String::from_utf8_lossy(&section.label).into_owned(), section.sets_seen))
    }

    #[test]
    fn sections_are_named_in_our_own_spelling() {
        for (text, label, sets_seen) in [
            ("body[]", "BODY[]", true),
            ("BODY.PEEK[]<0.1024>", "BODY[]<0>", false),
            ("body[header]", "BODY[HEADER]", true),
            ("BODY[1.2.mime]", "BODY[1.2.MIME]", true),
            ("BODY[3]<5.1>", "BODY[3]<5>", true),
            ("BODY.PEEK[HEADER.FIELDS (Date From)]", "BODY[HEADER.FIELDS (DATE FROM)]", false),
            ("BODY[2.header.fields.not (\"x y\")]", "BODY[2.HEADER.FIELDS.NOT (\"X Y\")]", true),
            ("BODY[4.2.2.2.TEXT]", "BODY[4.2.2.2.TEXT]", true),
            ("rfc822", "RFC822", true),
            ("RFC822.HEADER", "RFC822.HEADER", false),
            ("RFC822.text", "RFC822.TEXT", true),
            ("RFC822.PEEK", "BODY[]", false),
        ] {
            assert_eq!(read(text).unwrap(), (label.to_string(), sets_seen), "{text}");
        }
    }

    #[test]
    fn mistakes_are_told() {
        for text in [
            "BODY[0]",
            "BODY[1.]",
            "BODY[.1]",
            "BODY[MIME]",
            "BODY[HEADER",
            "BODY[]<1>",
            "BODY[]<.1>",
            "BODY[HEADER.FIELDS]",
            "BODY[FOO]",
            "BODY[1.FOO]",
            "BODY.PEEK",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
