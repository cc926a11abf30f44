//! The octets of a section: `BODY[…]<…>` (RFC 9051 §6.4.5.1).

use crate::structure::{PIECE, Structures};
use bytes::{Bytes, BytesMut};
use core_mailbox::{Content, Row};
use proto_imap::ask::{Section, SectionItem, SectionText, Stretch};
use std::any::Any;
use std::ops::Range;
use std::sync::Arc;
use words_mail::Refusal;
use words_message::{
    HEADER_MAX, Header, HeaderCollector, Part, SUMMARY_WHOLE_MAX, Structure, Summary,
};

/// Sections shorter than this are handed over, longer ones as a stretch.
const AT_HAND_MAX: u64 = 8 << 10;

/// A message that sections are taken from. Its beginning is read once.
pub(crate) struct Opened {
    content: Content,
    /// The stretches of this message share it.
    shared: Option<Arc<dyn Any + Send + Sync>>,
    /// The first [`PIECE`] octets, if they have been needed.
    head: Option<Bytes>,
    /// The header section, its empty line included.
    header: Option<Bytes>,
    structure: Option<Arc<Structure>>,
}

impl Opened {
    /// Nothing has been read yet.
    pub fn new(content: Content) -> Opened {
        Opened { content, shared: None, head: None, header: None, structure: None }
    }

    /// Its structure, kept for the next time.
    pub async fn structure(
        &mut self,
        row: &Row,
        structures: &mut Structures,
    ) -> Result<Arc<Structure>, Refusal> {
        let structure = match self.structure.take() {
            Some(structure) => structure,
            None => structures.of(row, &self.content).await?,
        };
        self.structure = Some(structure.clone());
        Ok(structure)
    }

    /// What `item` names; `None` is NIL: there is no such part.
    pub async fn section(
        &mut self,
        item: &SectionItem,
        row: &Row,
        structures: &mut Structures,
    ) -> Result<Option<Section>, Refusal> {
        let Some(whole) = self.extent(item, row, structures).await? else {
            return Ok(None);
        };
        let chosen = match &item.text {
            SectionText::HeaderFields(names) => Chosen { names, kept: Kept::Named },
            SectionText::HeaderFieldsNot(names) => Chosen { names, kept: Kept::Others },
            SectionText::All | SectionText::Header | SectionText::Text | SectionText::Mime => {
                let range = cut(whole, item.partial);
                return self.stretch(range).await.map(Some);
            }
        };
        let header = match item.part.is_empty() {
            true => self.header().await?,
            // Of a message in the message, which may go on for as long as it likes.
            false => self.read(whole.start..whole.end.min(whole.start + HEADER_MAX as u64)).await?,
        };
        let fields = chosen.fields(&header);
        let range = cut(0..fields.len() as u64, item.partial);
        // Both ends lie within a vector's length.
        Ok(Some(Section::Bytes(fields.slice(range.start as usize..range.end as usize))))
    }

    /// A summary made anew from the header, with room for every address.
    pub async fn whole_summary(&mut self) -> Result<Bytes, Refusal> {
        let header = self.header().await?;
        let summary = Summary::of_header_within(&header, SUMMARY_WHOLE_MAX);
        Ok(Bytes::from(summary.encode_within(SUMMARY_WHOLE_MAX)))
    }

    /// Where the text that `item` speaks of lies in the message.
    async fn extent(
        &mut self,
        item: &SectionItem,
        row: &Row,
        structures: &mut Structures,
    ) -> Result<Option<Range<u64>>, Refusal> {
        if item.part.is_empty() {
            return self.extent_of_message(&item.text).await.map(Some);
        }
        let structure = self.structure(row, structures).await?;
        Ok(structure.find(&item.part).and_then(|part| extent_of_part(part, &item.text)))
    }

    async fn extent_of_message(&mut self, text: &SectionText) -> Result<Range<u64>, Refusal> {
        let len = self.content.len();
        match text {
            SectionText::All => Ok(0..len),
            SectionText::Text => Ok(self.header().await?.len() as u64..len),
            SectionText::Header
            | SectionText::HeaderFields(_)
            | SectionText::HeaderFieldsNot(_)
            | SectionText::Mime => Ok(0..self.header().await?.len() as u64),
        }
    }

    /// Reads no further than the header goes, nor further than a header may go.
    async fn header(&mut self) -> Result<Bytes, Refusal> {
        let header = match self.header.take() {
            Some(header) => header,
            None => self.read_header().await?,
        };
        self.header = Some(header.clone());
        Ok(header)
    }

    async fn read_header(&mut self) -> Result<Bytes, Refusal> {
        let mut collector = HeaderCollector::new();
        let mut piece = self.head().await?;
        let mut read = piece.len() as u64;
        while collector.feed(&piece).is_ok() && !collector.is_complete() && !piece.is_empty() {
            piece = self.content.read(read, PIECE).await?;
            read += piece.len() as u64;
        }
        Ok(Bytes::from(collector.into_bytes()))
    }

    async fn head(&mut self) -> Result<Bytes, Refusal> {
        let head = match self.head.take() {
            Some(head) => head,
            None => self.content.read(0, PIECE).await?,
        };
        self.head = Some(head.clone());
        Ok(head)
    }

    async fn stretch(&mut self, range: Range<u64>) -> Result<Section, Refusal> {
        let len = range.end - range.start;
        if len < AT_HAND_MAX {
            return Ok(Section::Bytes(self.read(range).await?));
        }
        let content = &self.content;
        let shared = self.shared.get_or_insert_with(|| Arc::new(content.clone()));
        Ok(Section::Stretch(Stretch { len, body: shared.clone(), offset: range.start }))
    }

    /// The octets of a range that is known to be short, or of a header.
    async fn read(&mut self, range: Range<u64>) -> Result<Bytes, Refusal> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        if range.end <= PIECE as u64 {
            let head = self.head().await?;
            let end = (range.end as usize).min(head.len());
            let octets = head.slice((range.start as usize).min(end)..end);
            // A page of small sections must not hold on to the large messages around them.
            let is_most = octets.len() * 2 >= head.len();
            return Ok(if is_most { octets } else { Bytes::copy_from_slice(&octets) });
        }
        let mut octets = BytesMut::with_capacity((range.end - range.start) as usize);
        let mut offset = range.start;
        while offset < range.end {
            let left = (range.end - offset).min(PIECE as u64) as usize;
            let piece = self.content.read(offset, left).await?;
            if piece.is_empty() {
                break;
            }
            octets.extend_from_slice(&piece);
            offset += piece.len() as u64;
        }
        Ok(octets.freeze())
    }
}

/// Where a section of a numbered part lies. HEADER and TEXT are those of a message in a message.
fn extent_of_part(part: &Part, text: &SectionText) -> Option<Range<u64>> {
    match text {
        SectionText::All => Some(part.body.clone()),
        SectionText::Mime => Some(part.header.clone()),
        SectionText::Text => part.message().map(|message| message.body.clone()),
        SectionText::Header | SectionText::HeaderFields(_) | SectionText::HeaderFieldsNot(_) => {
            part.message().map(|message| message.header.clone())
        }
    }
}

/// `<offset.count>`, cut to what is there.
fn cut(whole: Range<u64>, partial: Option<(u64, u64)>) -> Range<u64> {
    let Some((offset, count)) = partial else {
        return whole;
    };
    let start = whole.start.saturating_add(offset).min(whole.end);
    start..start.saturating_add(count).min(whole.end)
}

/// HEADER.FIELDS and HEADER.FIELDS.NOT.
struct Chosen<'a> {
    names: &'a [String],
    kept: Kept,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    Named,
    Others,
}

impl Chosen<'_> {
    /// Those fields as they were written, and the empty line.
    fn fields(&self, header: &[u8]) -> Bytes {
        let mut out = Vec::new();
        for field in Header::new(header).fields() {
            let named = self.names.iter().any(|name| field.is_named(name));
            if named == (self.kept == Kept::Named) {
                out.extend_from_slice(field.raw);
            }
        }
        if !out.is_empty() && !out.ends_with(b"\n") {
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"\r\n");
        Bytes::from(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_section_is_cut_to_what_is_there() {
        let table = [
            (10..20, None, 10..20),
            (10..20, Some((0, 5)), 10..15),
            (10..20, Some((8, 5)), 18..20),
            (10..20, Some((10, 5)), 20..20),
            (10..20, Some((u64::MAX, u64::MAX)), 20..20),
            (10..20, Some((3, u64::MAX)), 13..20),
            (0..0, Some((0, 1)), 0..0),
        ];
        for (whole, partial, want) in table {
            assert_eq!(cut(whole.clone(), partial), want, "{whole:?} {partial:?}");
        }
    }

    #[test]
    fn header_fields_are_chosen_by_name() {
        let header = b"From: a\r\nTO: b,\r\n c\r\nX: 1\r\nto: d\r\n\r\n";
        let names = ["to".to_string(), "subject".to_string()];
        let fields = |kept, header: &[u8]| {
            String::from_utf8(Chosen { names: &names, kept }.fields(header).to_vec()).unwrap()
        };
        assert_eq!(fields(Kept::Named, header), "TO: b,\r\n c\r\nto: d\r\n\r\n");
        assert_eq!(fields(Kept::Others, header), "From: a\r\nX: 1\r\n\r\n");
        assert_eq!(fields(Kept::Named, b""), "\r\n");
        assert_eq!(fields(Kept::Named, b"To: cut"), "To: cut\r\n\r\n");
    }
}
