//! The streaming MIME scanner: octets of a message in, cut anywhere; parts out.
//!
//! A message is read as lines. Only a line that begins with `--` can be a boundary, and only its
//! first octets are kept until that is known; everything else is passed on in stretches as long as
//! the chunk allows. Open parts are a stack, never deeper than [`DEPTH_MAX`], so that memory stays
//! bounded whatever comes; each octet is looked at a bounded number of times.

use crate::header::{EmptyLine, HEADER_MAX};
use crate::mime_field::{BOUNDARY_MAX, ContentType, MimeFields, parse_mime_fields};
use crate::part::{Content, Part, Structure};
use crate::summary::Summary;
use memchr::{memchr, memchr_iter, memmem};

/// Parts of a message that are told apart; what follows the last is its parent's.
pub const PARTS_MAX: usize = 1000;
/// Parts inside of one another; what lies deeper is one `application/octet-stream`.
pub const DEPTH_MAX: usize = 50;
/// Octets kept of the header of a part, to read its fields; the message's own header may have
/// [`HEADER_MAX`].
pub const PART_HEADER_MAX: usize = 64 * 1024;
/// Octets of all texts that are kept of all parts; once used up, parts keep their types only.
pub const STRUCTURE_TEXT_MAX: usize = 1 << 20;

/// Octets of a line that may be a boundary: both hyphens twice, and blanks after it.
const CANDIDATE_MAX: usize = BOUNDARY_MAX + 256;

/// Whose header it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The message's own.
    Message,
    /// That of a part of a multipart.
    Part,
    /// That of a message in the message.
    InnerMessage,
}

/// Is told what the scanner passes.
pub(crate) trait Listener {
    /// A header is over; at most as many of its octets as are kept.
    fn header(&mut self, _header: &[u8], _owner: Owner) {}
    /// The body of a leaf begins.
    fn leaf(&mut self, _fields: &MimeFields) {}
    /// Octets of the body of that leaf; the line end before the next boundary may be among them.
    fn body(&mut self, _octets: &[u8]) {}
    /// That body is over.
    fn leaf_end(&mut self) {}
}

/// Who only wants the structure listens to nothing.
impl Listener for () {}

/// Finds the parts of a message that comes in chunks.
///
/// ```
/// use words_message::StructureScanner;
/// let mut scanner = StructureScanner::new();
/// scanner.feed(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n");
/// scanner.feed(b"\r\nhello\r\n--b--\r\n");
/// let structure = scanner.finish();
/// assert_eq!(structure.find(&[1]).unwrap().octets(), 5);
/// assert!(structure.find(&[2]).is_none());
/// ```
#[derive(Debug)]
pub struct StructureScanner {
    scanner: Scanner<()>,
}

impl Default for StructureScanner {
    fn default() -> StructureScanner {
        StructureScanner::new()
    }
}

impl StructureScanner {
    /// Before the first octet of a message.
    pub fn new() -> StructureScanner {
        StructureScanner { scanner: Scanner::new(()) }
    }

    /// Takes the next chunk of the message.
    pub fn feed(&mut self, chunk: &[u8]) {
        self.scanner.feed(chunk);
    }

    /// The message is over; parts still open end here.
    pub fn finish(self) -> Structure {
        self.scanner.finish().0
    }

    #[cfg(test)]
    pub(crate) fn work(&self) -> u64 {
        self.scanner.work
    }
}

/// A part that is not over.
#[derive(Debug)]
struct Open {
    part: Part,
    /// Line feeds before its body.
    lines_before: u64,
    owner: Owner,
    /// Its header is still being read.
    in_header: bool,
    /// Of a multipart whose close delimiter has not come.
    boundary: Option<Vec<u8>>,
}

impl Open {
    fn new(at: u64, owner: Owner) -> Open {
        let part = Part { header: at..at, body: at..at, ..Part::default() };
        Open { part, lines_before: 0, owner, in_header: true, boundary: None }
    }
}

/// Where in a line the next octet stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Start,
    /// It began with a hyphen; its octets are in `candidate`.
    Candidate,
    Inside,
}

#[derive(Debug)]
pub(crate) struct Scanner<L> {
    listener: L,
    offset: u64,
    line_feeds: u64,
    /// The last two octets, the latest last.
    last: [u8; 2],
    line: Line,
    candidate: Vec<u8>,
    /// The header being read, that of the innermost open part.
    header: Vec<u8>,
    header_end: EmptyLine,
    open: Vec<Open>,
    /// How many of `open` wait for their boundary.
    boundaries: usize,
    parts: usize,
    text_room: usize,
    cut: bool,
    /// Octets looked at, to prove that the work is linear.
    #[cfg(test)]
    work: u64,
}

impl<L: Listener> Scanner<L> {
    pub(crate) fn new(listener: L) -> Scanner<L> {
        Scanner {
            listener,
            offset: 0,
            line_feeds: 0,
            last: [0; 2],
            line: Line::Start,
            candidate: Vec::new(),
            header: Vec::new(),
            header_end: EmptyLine::new(),
            open: vec![Open::new(0, Owner::Message)],
            boundaries: 0,
            parts: 1,
            text_room: STRUCTURE_TEXT_MAX,
            cut: false,
            #[cfg(test)]
            work: 0,
        }
    }

    pub(crate) fn listener(&self) -> &L {
        &self.listener
    }

    pub(crate) fn feed(&mut self, chunk: &[u8]) {
        let mut rest = chunk;
        while let Some(first) = rest.first() {
            let length = match self.line {
                Line::Start => {
                    let candidate = *first == b'-' && self.boundaries > 0;
                    self.line = if candidate { Line::Candidate } else { Line::Inside };
                    0
                }
                Line::Candidate => self.extend_candidate(rest),
                Line::Inside => self.inside(rest),
            };
            rest = &rest[length..];
        }
    }

    pub(crate) fn finish(mut self) -> (Structure, L) {
        if self.line == Line::Candidate {
            self.end_candidate(true);
        }
        self.close_down_to(0, self.offset, self.line_feeds);
        let mut root = self.open.pop();
        let part = root.take().map(|open| self.close(open, self.offset, self.line_feeds));
        let root = part.unwrap_or_default();
        (Structure { root, cut: self.cut }, self.listener)
    }

    /// Takes the octets of a line that began with a hyphen, up to its end.
    fn extend_candidate(&mut self, rest: &[u8]) -> usize {
        let end = memchr(b'\n', rest).map(|at| at + 1);
        let room = CANDIDATE_MAX - self.candidate.len();
        let length = end.unwrap_or(rest.len()).min(room);
        self.candidate.extend_from_slice(&rest[..length]);
        self.count_work(length);
        let hopeless = matches!(self.candidate[..], [_, second, ..] if second != b'-');
        let whole = self.candidate.ends_with(b"\n");
        if hopeless || whole || self.candidate.len() == CANDIDATE_MAX {
            self.end_candidate(whole);
        }
        length
    }

    /// The line is a boundary, if it is `whole`, or it is content like any other.
    fn end_candidate(&mut self, whole: bool) {
        let line = std::mem::take(&mut self.candidate);
        self.line = if line.ends_with(b"\n") { Line::Start } else { Line::Inside };
        let boundary = if whole { self.find_boundary(&line) } else { None };
        match boundary {
            Some((index, delimiter)) => self.pass_boundary(index, delimiter, &line),
            None => drop(self.content(&line)),
        }
        self.candidate = line;
        self.candidate.clear();
    }

    /// The innermost open multipart whose boundary this line is.
    fn find_boundary(&mut self, line: &[u8]) -> Option<(usize, Delimiter)> {
        let text = line.strip_prefix(b"--")?.trim_ascii_end();
        self.count_work(self.open.len());
        self.open.iter().enumerate().rev().find_map(|(index, open)| {
            let boundary = open.boundary.as_deref()?;
            match text.strip_prefix(boundary)? {
                b"" => Some((index, Delimiter::Open)),
                b"--" => Some((index, Delimiter::Close)),
                _ => None,
            }
        })
    }

    fn pass_boundary(&mut self, index: usize, delimiter: Delimiter, line: &[u8]) {
        // The line end before a boundary belongs to the boundary (RFC 2046 §5.1.1).
        let line_end: u64 = match self.last {
            [b'\r', b'\n'] => 2,
            [_, b'\n'] => 1,
            _ => 0,
        };
        let body_end = self.offset - line_end;
        let lines = self.line_feeds - u64::from(line_end > 0);
        self.close_down_to(index, body_end, lines);
        self.count(line);
        match delimiter {
            Delimiter::Close => self.end_boundary(index),
            Delimiter::Open if self.parts < PARTS_MAX => self.begin_part(Owner::Part, self.offset),
            Delimiter::Open => self.cut = true,
        }
    }

    fn end_boundary(&mut self, index: usize) {
        if let Some(open) = self.open.get_mut(index) {
            open.boundary = None;
            self.boundaries -= 1;
        }
    }

    fn begin_part(&mut self, owner: Owner, at: u64) {
        self.parts += 1;
        self.open.push(Open::new(at, owner));
        self.header.clear();
        self.header_end = EmptyLine::new();
    }

    /// Passes a stretch of lines none of which, the present one aside, can be a boundary.
    fn inside(&mut self, rest: &[u8]) -> usize {
        let (length, line) = match self.boundaries {
            0 => (rest.len(), if rest.ends_with(b"\n") { Line::Start } else { Line::Inside }),
            _ => stretch(rest),
        };
        self.count_work(length);
        self.line = line;
        let passed = self.content(&rest[..length]);
        if passed < length {
            // A header ended: what follows may have boundaries that were not looked for.
            self.line = Line::Start;
        }
        passed
    }

    /// Passes octets that are no boundary; stops where a header ends.
    fn content(&mut self, octets: &[u8]) -> usize {
        if !self.open.last().is_some_and(|open| open.in_header) {
            self.listener.body(octets);
            self.count(octets);
            return octets.len();
        }
        let length = self.header_end.feed(octets);
        let octets = &octets[..length];
        let header_max = if self.open.len() == 1 { HEADER_MAX } else { PART_HEADER_MAX };
        let room = header_max.saturating_sub(self.header.len());
        self.header.extend_from_slice(&octets[..length.min(room)]);
        self.count(octets);
        if self.header_end.is_over() {
            self.end_header(self.offset, self.line_feeds);
        }
        length
    }

    fn count(&mut self, octets: &[u8]) {
        self.offset += octets.len() as u64;
        self.line_feeds += memchr_iter(b'\n', octets).count() as u64;
        match octets {
            [] => {}
            [one] => self.last = [self.last[1], *one],
            [.., before, one] => self.last = [*before, *one],
        }
        self.count_work(octets.len());
    }

    #[cfg(test)]
    fn count_work(&mut self, octets: usize) {
        self.work += octets as u64;
    }

    #[cfg(not(test))]
    fn count_work(&mut self, _octets: usize) {}

    /// The header of the innermost part is over: now its content can be told.
    /// It ends at `at`, after so many line feeds.
    fn end_header(&mut self, at: u64, line_feeds: u64) {
        let header = std::mem::take(&mut self.header);
        let Some(mut open) = self.open.pop() else { return };
        // Two boundaries in a row: the line end between them belongs to the second, and with it
        // the place where this part would have begun.
        let at = at.max(self.open.last().map_or(0, |parent| parent.part.body.start));
        open.part.header.start = open.part.header.start.min(at);
        let parsed = parse_mime_fields(&header, self.default_type());
        open.in_header = false;
        open.part.header.end = at;
        open.part.body = at..at;
        open.part.fields = parsed.fields;
        open.lines_before = line_feeds;
        self.listener.header(&header, open.owner);
        if open.owner == Owner::InnerMessage {
            self.keep_summary(&header);
        }
        self.spend_text(&mut open.part.fields);
        self.begin_content(open, parsed.boundary);
        self.header = header;
        self.header.clear();
        self.header.shrink_to(PART_HEADER_MAX);
    }

    /// In a digest, a part that names no type is a message (RFC 2046 §5.1.5).
    fn default_type(&self) -> ContentType {
        match self.open.last() {
            Some(parent) if parent.part.content_type().is("multipart", "digest") => {
                ContentType::plain("message", "rfc822")
            }
            _ => ContentType::default(),
        }
    }

    /// Keeps what the ENVELOPE of a message in the message needs, with the part that holds it.
    fn keep_summary(&mut self, header: &[u8]) {
        let mut encoded = Summary::of_header(header).encode();
        if encoded.len() > self.text_room {
            self.cut = true;
            encoded = Summary { cut: true, ..Summary::default() }.encode();
        }
        self.text_room = self.text_room.saturating_sub(encoded.len());
        if let Some(Open { part: Part { content: Content::Message { summary, .. }, .. }, .. }) =
            self.open.last_mut()
        {
            *summary = encoded;
        }
    }

    /// Counts what a part keeps; over the limit, it keeps its type alone.
    fn spend_text(&mut self, fields: &mut MimeFields) {
        let length = fields.text_length();
        if length > self.text_room {
            self.cut = true;
            fields.forget_texts();
        }
        self.text_room = self.text_room.saturating_sub(length);
    }

    fn begin_content(&mut self, mut open: Open, boundary: Option<Vec<u8>>) {
        let content_type = open.part.content_type();
        let is_multipart = content_type.kind == "multipart";
        let is_message = is_message(content_type);
        let too_many = self.open.len() + 1 >= DEPTH_MAX || self.parts >= PARTS_MAX;
        if (is_multipart && boundary.is_some() || is_message) && too_many {
            self.cut = true;
            open.part.fields.content_type = ContentType::plain("application", "octet-stream");
            return self.begin_leaf(open);
        }
        match boundary {
            Some(boundary) if is_multipart => {
                open.boundary = Some(boundary);
                open.part.content = Content::Multipart(Vec::new());
                self.boundaries += 1;
                self.open.push(open);
            }
            _ if is_message => {
                open.part.content = Content::Message { summary: Vec::new(), root: Box::default() };
                let at = open.part.body.start;
                self.open.push(open);
                self.begin_part(Owner::InnerMessage, at);
            }
            _ => {
                // Without a boundary nothing can be told apart (RFC 2046 §5.1.1 requires it).
                if is_multipart {
                    open.part.fields.content_type = ContentType::default();
                }
                self.begin_leaf(open);
            }
        }
    }

    fn begin_leaf(&mut self, open: Open) {
        self.listener.leaf(&open.part.fields);
        self.open.push(open);
    }

    /// Ends every part inside of the one at `index`.
    fn close_down_to(&mut self, index: usize, body_end: u64, line_feeds: u64) {
        loop {
            if self.open.last().is_some_and(|open| open.in_header) {
                // The header had no end of its own. It may begin a message in the message, whose
                // header is then empty and ends in the next round.
                self.end_header(body_end, line_feeds);
                continue;
            }
            if self.open.len() <= index + 1 {
                return;
            }
            if let Some(open) = self.open.pop() {
                let part = self.close(open, body_end, line_feeds);
                self.give_to_parent(part);
            }
        }
    }

    /// The finished part.
    fn close(&mut self, open: Open, body_end: u64, line_feeds: u64) -> Part {
        let mut part = open.part;
        part.body.end = body_end.max(part.body.start);
        part.lines = line_feeds.saturating_sub(open.lines_before);
        if open.boundary.is_some() {
            self.boundaries -= 1;
        }
        match &mut part.content {
            Content::Multipart(children) if children.is_empty() => {
                children.push(empty_part(part.body.end));
            }
            Content::Multipart(children) => {
                if let Some(last) = children.last_mut() {
                    last.cut_at(part.body.end);
                }
            }
            Content::Message { root, .. } => root.cut_at(part.body.end),
            Content::Leaf => self.listener.leaf_end(),
        }
        part
    }

    fn give_to_parent(&mut self, part: Part) {
        match self.open.last_mut().map(|parent| &mut parent.part.content) {
            Some(Content::Multipart(children)) => children.push(part),
            Some(Content::Message { root, .. }) => **root = part,
            Some(Content::Leaf) | None => {}
        }
    }
}

/// Which of the two lines of a boundary.
#[derive(Clone, Copy, Debug)]
enum Delimiter {
    Open,
    Close,
}

fn is_message(content_type: &ContentType) -> bool {
    content_type.is("message", "rfc822") || content_type.is("message", "global")
}

/// The child of a multipart without parts: clients do not bear a multipart without children.
fn empty_part(at: u64) -> Part {
    Part { header: at..at, body: at..at, ..Part::default() }
}

/// How much of `rest` can be passed before a line that may be a boundary, and where that leaves
/// the line.
fn stretch(rest: &[u8]) -> (usize, Line) {
    match memmem::find(rest, b"\n--") {
        Some(at) => (at + 1, Line::Start),
        None if rest.ends_with(b"\n") => (rest.len(), Line::Start),
        None if rest.ends_with(b"\n-") => (rest.len() - 1, Line::Start),
        None => (rest.len(), Line::Inside),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks at each octet a few times, whatever the message and the chunks are.
    fn check_linear(message: &[u8], work_max: u64) {
        for size in [61, 4096, message.len()] {
            let mut scanner = StructureScanner::new();
            message.chunks(size).for_each(|chunk| scanner.feed(chunk));
            let octets = message.len() as u64;
            assert!(scanner.work() <= work_max * octets, "{} for {octets}", scanner.work());
            scanner.finish();
        }
    }

    #[test]
    fn a_hundred_thousand_boundaries_are_linear_work() {
        let head = "Content-Type: multipart/mixed; boundary=b\r\n\r\n".to_string();
        check_linear((head.clone() + &"--b\r\n".repeat(100_000)).as_bytes(), 10);
        check_linear((head.clone() + &"--b\r\n\r\n\r\n".repeat(100_000)).as_bytes(), 10);
        check_linear((head.clone() + &"--c\n".repeat(100_000)).as_bytes(), 10);
        check_linear((head.clone() + &"-\n".repeat(100_000)).as_bytes(), 10);
        check_linear((head + &"--".repeat(100_000)).as_bytes(), 10);
    }

    #[test]
    fn the_deepest_nest_is_linear_work() {
        let mut message = String::new();
        for depth in 0..DEPTH_MAX {
            let open =
                format!("Content-Type: multipart/mixed; boundary=b{depth}\r\n\r\n--b{depth}\r\n");
            message.push_str(&open);
        }
        message.push_str("\r\n");
        message.push_str(&"--nobodys\r\n".repeat(20_000));
        check_linear(message.as_bytes(), DEPTH_MAX as u64);
    }

    #[test]
    fn ten_megabytes_of_header_are_linear_work_and_not_all_kept() {
        let message = "X-Field: value\r\n".repeat(10 << 16);
        check_linear(message.as_bytes(), 4);
        let mut scanner = StructureScanner::new();
        message.as_bytes().chunks(1000).for_each(|chunk| scanner.feed(chunk));
        assert_eq!(scanner.scanner.header.len(), HEADER_MAX);
    }
}
