//! Whole messages for answers to FETCH.

use bytes::Bytes;
use proto_imap::ask::{Section, SectionItem, SectionText, Stretch};
use std::ops::Range;
use std::sync::Arc;
use words_message::{Header, HeaderCollector, Structure, StructureScanner, Summary};

/// `tests/messages/name.eml`, its line ends made CRLF.
pub fn load(name: &str) -> Result<Vec<u8>, String> {
    let path = format!("{}/tests/messages/{name}.eml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    Ok(text.replace('\n', "\r\n").into_bytes())
}

/// What ENVELOPE is printed from.
pub fn summary(message: &[u8]) -> Bytes {
    let mut header = HeaderCollector::new();
    // A header that is too large is cut, which is no matter here.
    let _ = header.feed(message);
    Summary::of_header(header.bytes()).encode().into()
}

/// What BODYSTRUCTURE is printed from.
pub fn structure(message: &[u8]) -> Arc<Structure> {
    let mut scanner = StructureScanner::new();
    scanner.feed(message);
    Arc::new(scanner.finish())
}

/// One section: headers are at hand, everything else is a stretch of the message.
pub fn section(message: &[u8], item: &SectionItem) -> Option<Section> {
    let structure = structure(message);
    let part = structure.find(&item.part)?;
    let whole = item.part.is_empty();
    let inner = if whole { Some(part) } else { part.message() };
    let range = match &item.text {
        SectionText::All if whole => 0..message.len() as u64,
        SectionText::All => part.body.clone(),
        SectionText::Mime => part.header.clone(),
        SectionText::Text => inner?.body.clone(),
        SectionText::Header => inner?.header.clone(),
        SectionText::HeaderFields(names) => {
            let header = slice(message, &inner?.header);
            return Some(Section::Bytes(fields(header, |name| is_among(name, names))));
        }
        SectionText::HeaderFieldsNot(names) => {
            let header = slice(message, &inner?.header);
            return Some(Section::Bytes(fields(header, |name| !is_among(name, names))));
        }
    };
    let range = match item.partial {
        None => range,
        Some((offset, count)) => {
            let start = (range.start + offset).min(range.end);
            start..(start + count).min(range.end)
        }
    };
    Some(Section::Stretch(Stretch {
        len: range.end - range.start,
        body: Arc::new(message.to_vec()),
        offset: range.start,
    }))
}

fn is_among(name: &[u8], names: &[String]) -> bool {
    names.iter().any(|wanted| wanted.as_bytes().eq_ignore_ascii_case(name))
}

fn fields(header: &[u8], wanted: impl Fn(&[u8]) -> bool) -> Bytes {
    let mut out = Vec::new();
    for field in Header::new(header).fields().filter(|field| wanted(field.name)) {
        out.extend_from_slice(field.raw);
    }
    out.extend_from_slice(b"\r\n");
    out.into()
}

/// What the desk would read of a stretch.
pub fn octets(stretch: &Stretch) -> Vec<u8> {
    let Some(message) = stretch.body.downcast_ref::<Vec<u8>>() else { return Vec::new() };
    slice(message, &(stretch.offset..stretch.offset + stretch.len)).to_vec()
}

fn slice<'a>(message: &'a [u8], range: &Range<u64>) -> &'a [u8] {
    message.get(range.start as usize..range.end as usize).unwrap_or_default()
}
