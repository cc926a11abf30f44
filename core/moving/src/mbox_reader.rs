//! Reads an mbox file message by message, in pieces of bounded size.

use crate::SourceError;
use core_world::{FileError, OpenFile};
use memchr::memchr;
use words_archive::LineEnds;
use words_archive::mbox::{FieldFilter, Found, FromLine, Metadata, Variant, unquote};

/// Octets read from the file at once.
const READ: usize = 256 * 1024;
/// Octets of a line that are handed on at once; longer lines come in pieces.
const LINE_MAX: usize = 64 * 1024;
/// A piece of a message is handed on when it has so many octets.
const PIECE: usize = 64 * 1024;

/// Lines of a file.
struct Lines<'a> {
    file: &'a dyn OpenFile,
    /// Where the buffer begins in the file.
    at: u64,
    buffer: Vec<u8>,
    pos: usize,
    is_end: bool,
}

/// What [`Lines::next`] found: so many octets at the buffer's position.
#[derive(Clone, Copy)]
struct Line {
    len: usize,
}

impl<'a> Lines<'a> {
    fn new(file: &'a dyn OpenFile, at: u64) -> Lines<'a> {
        Lines { file, at, buffer: Vec::new(), pos: 0, is_end: false }
    }

    /// Where the next line begins.
    fn offset(&self) -> u64 {
        self.at + self.pos as u64
    }

    /// Looks at the next line with its end, or a piece of one that is very long, without taking it.
    async fn peek(&mut self) -> Result<Option<Line>, FileError> {
        loop {
            let rest = &self.buffer[self.pos..];
            if let Some(end) = memchr(b'\n', &rest[..rest.len().min(LINE_MAX)]) {
                return Ok(Some(Line { len: end + 1 }));
            }
            if rest.len() >= LINE_MAX {
                return Ok(Some(Line { len: LINE_MAX }));
            }
            if self.is_end {
                return Ok((!rest.is_empty()).then_some(Line { len: rest.len() }));
            }
            self.buffer.drain(..self.pos);
            self.at += self.pos as u64;
            self.pos = 0;
            let more = self.file.read_at(self.at + self.buffer.len() as u64, READ).await?;
            self.is_end = more.is_empty();
            self.buffer.extend(more);
        }
    }

    fn line(&self, line: Line) -> &[u8] {
        &self.buffer[self.pos..self.pos + line.len]
    }

    fn take(&mut self, line: Line) {
        self.pos += line.len;
    }
}

/// Where a message is, and what its mbox says of it.
#[derive(Clone, Debug)]
pub(crate) struct Outline {
    /// The line in front of it.
    pub from: FromLine,
    /// What its own fields say.
    pub metadata: Metadata,
}

/// What is read next.
enum Stage {
    Header(FieldFilter),
    /// So many octets of the body.
    Counted(u64),
    /// Lines, up to the next message.
    Lines,
    Over,
}

/// One message being read.
pub(crate) struct MessageReader<'a> {
    lines: Lines<'a>,
    variant: Variant,
    from: FromLine,
    stage: Stage,
    metadata: Metadata,
    ends: LineEnds,
    unquotes: bool,
    /// An empty line that may turn out to stand between two messages.
    blank: Option<Vec<u8>>,
    /// Is the next octet the first of a line?
    at_line_start: bool,
    /// Whose line goes on, if it is not.
    found: Found,
    /// Has the body no line yet?
    at_body_start: bool,
}

impl<'a> MessageReader<'a> {
    /// The message whose `From ` line stands at `offset`; empty lines before it are passed over.
    /// `None`: the file ends. An error: something else stands there.
    pub async fn open(
        file: &'a dyn OpenFile,
        offset: u64,
        variant: Variant,
    ) -> Result<Option<MessageReader<'a>>, SourceError> {
        let mut lines = Lines::new(file, offset);
        loop {
            let Some(line) = lines.peek().await? else { return Ok(None) };
            let octets = lines.line(line);
            if matches!(octets, b"\n" | b"\r\n") {
                lines.take(line);
                continue;
            }
            let Some(from) = FromLine::parse(octets) else {
                let at = lines.offset();
                let why =
                    format!("no message begins at octet {at}; this is no mbox file, or damaged");
                return Err(SourceError::Failed(why));
            };
            lines.take(line);
            return Ok(Some(MessageReader {
                lines,
                variant,
                from,
                stage: Stage::Header(FieldFilter::new()),
                metadata: Metadata::default(),
                ends: LineEnds::new(),
                unquotes: false,
                blank: None,
                at_line_start: true,
                found: Found::Message,
                at_body_start: true,
            }));
        }
    }

    /// Its next octets, with CRLF line ends; `None` at its end.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, SourceError> {
        let mut out = Vec::new();
        while out.len() < PIECE {
            let Some(line) = self.lines.peek().await? else {
                self.close();
                break;
            };
            let goes_on = match std::mem::replace(&mut self.stage, Stage::Over) {
                Stage::Header(filter) => self.header(filter, line, &mut out).await?,
                Stage::Counted(left) => self.counted(left, line, &mut out),
                Stage::Lines => self.body_line(line, &mut out),
                Stage::Over => false,
            };
            if !goes_on {
                break;
            }
        }
        Ok((!out.is_empty()).then_some(out))
    }

    /// Where the next message may begin, and what is known of this one. Only at its end.
    pub fn finish(self) -> (u64, Outline) {
        (self.lines.offset(), Outline { from: self.from, metadata: self.metadata })
    }

    async fn header(
        &mut self,
        mut filter: FieldFilter,
        line: Line,
        out: &mut Vec<u8>,
    ) -> Result<bool, SourceError> {
        let octets = self.lines.line(line);
        // A piece of a line that is very long is part of whatever the line is.
        if self.at_line_start {
            self.found = filter.feed(octets);
        }
        if self.found != Found::Own {
            self.ends.feed(octets, out);
        }
        self.at_line_start = octets.ends_with(b"\n");
        self.lines.take(line);
        if self.found != Found::End {
            self.stage = Stage::Header(filter);
            return Ok(true);
        }
        self.metadata = filter.finish();
        let counted = self.length_that_holds().await?;
        self.unquotes = self.variant.unquotes(counted.is_some());
        self.stage = counted.map_or(Stage::Lines, Stage::Counted);
        Ok(true)
    }

    /// The length that the header tells, if a message begins behind it, or the file ends.
    async fn length_that_holds(&self) -> Result<Option<u64>, SourceError> {
        let told = self.metadata.content_length.filter(|_| self.variant.follows_length());
        let Some(told) = told else { return Ok(None) };
        let end = self.lines.offset().saturating_add(told);
        let len = self.lines.file.metadata().len;
        if end > len {
            return Ok(None);
        }
        let behind = self.lines.file.read_at(end, 8).await?;
        let begins = [&b"\nFrom "[..], b"\r\nFrom ", b"From "];
        let ends = behind.is_empty() || matches!(&behind[..], b"\n" | b"\r\n");
        let holds = ends || begins.iter().any(|b| behind.starts_with(b));
        Ok(holds.then_some(told))
    }

    fn counted(&mut self, left: u64, line: Line, out: &mut Vec<u8>) -> bool {
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(line.len);
        if len == 0 {
            return false;
        }
        let line = Line { len };
        self.body_octets(line, out);
        self.stage = Stage::Counted(left - len as u64);
        true
    }

    fn body_line(&mut self, line: Line, out: &mut Vec<u8>) -> bool {
        let octets = self.lines.line(line);
        let after_blank = self.blank.is_some() || self.at_body_start;
        if self.at_line_start && after_blank && FromLine::parse(octets).is_some() {
            self.blank = None;
            return false;
        }
        self.at_body_start = false;
        if let Some(blank) = self.blank.take() {
            self.ends.feed(&blank, out);
        }
        let octets = self.lines.line(line);
        if self.at_line_start && matches!(octets, b"\n" | b"\r\n") {
            self.blank = Some(octets.to_vec());
            self.lines.take(line);
        } else {
            self.body_octets(line, out);
        }
        self.stage = Stage::Lines;
        true
    }

    fn body_octets(&mut self, line: Line, out: &mut Vec<u8>) {
        let octets = self.lines.line(line);
        let shown = if self.unquotes && self.at_line_start { unquote(octets) } else { octets };
        self.ends.feed(shown, out);
        self.at_line_start = octets.ends_with(b"\n");
        self.lines.take(line);
    }

    /// The file ends: so does a header without a body. An empty line at its very end stood between
    /// messages.
    fn close(&mut self) {
        if let Stage::Header(filter) = std::mem::replace(&mut self.stage, Stage::Over) {
            self.metadata = filter.finish();
        }
    }
}
