//! The tree of a message's parts, and IMAP's way of numbering them (RFC 9051 §6.4.5.1).

use crate::mime_field::{ContentType, MimeFields};
use crate::summary_ref::SummaryRef;
use std::ops::Range;

/// The parts of a message: what BODYSTRUCTURE prints, and where each part lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Structure {
    /// The message itself, as a part: its header, and its body.
    pub root: Part,
    /// A limit was reached, and some parts are not told apart or some texts left out.
    pub cut: bool,
}

/// One part. Places are octets from the beginning of the message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Its header with the empty line: `BODY[1.MIME]`; of a message's own part, `BODY[1.HEADER]`.
    pub header: Range<u64>,
    /// What follows, without the line end that belongs to the next boundary: `BODY[1]`.
    pub body: Range<u64>,
    /// Line feeds in `body`.
    pub lines: u64,
    /// What its header says of it.
    pub fields: MimeFields,
    /// What is inside.
    pub content: Content,
}

/// What is inside of a part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Content {
    /// Octets of some media type, never `multipart`, `message/rfc822` or `message/global`.
    #[default]
    Leaf,
    /// The children of a `multipart`; always at least one.
    Multipart(Vec<Part>),
    /// A message in a message (`message/rfc822`, `message/global`).
    Message {
        /// The stored form of its [`crate::Summary`].
        summary: Vec<u8>,
        /// That message, as a part: its header, and its body.
        root: Box<Part>,
    },
}

impl Part {
    /// Octets of the body.
    pub fn octets(&self) -> u64 {
        self.body.end - self.body.start
    }

    /// The media type.
    pub fn content_type(&self) -> &ContentType {
        &self.fields.content_type
    }

    /// The parts of a `multipart`; of any other part, none.
    pub fn children(&self) -> &[Part] {
        match &self.content {
            Content::Multipart(children) => children,
            _ => &[],
        }
    }

    /// Of a message in a message: that message, whose `header` and `body` are what
    /// `BODY[n.HEADER]` and `BODY[n.TEXT]` want.
    pub fn message(&self) -> Option<&Part> {
        match &self.content {
            Content::Message { root, .. } => Some(root),
            _ => None,
        }
    }

    /// Of a message in a message: what its ENVELOPE prints.
    pub fn summary(&self) -> Option<SummaryRef<'_>> {
        match &self.content {
            Content::Message { summary, .. } => SummaryRef::new(summary),
            _ => None,
        }
    }

    /// Ends it, and what is last inside of it, at `end` at the latest. Needed where a line end is
    /// both the end of an empty part's header and the beginning of a boundary around its parent.
    pub(crate) fn cut_at(&mut self, end: u64) {
        let mut part = self;
        while part.body.end > end {
            part.header = part.header.start.min(end)..part.header.end.min(end);
            part.body = part.body.start.min(end)..end;
            part = match &mut part.content {
                Content::Leaf => return,
                Content::Message { root, .. } => root,
                Content::Multipart(children) => match children.last_mut() {
                    Some(last) => last,
                    None => return,
                },
            };
        }
    }

    /// The part that number `n` names below this one. Below a message's own part (`Owner::Message`)
    /// that is no multipart, 1 names its body.
    fn step(&self, n: u32, owner: Owner) -> Option<&Part> {
        let index = usize::try_from(n).ok()?.checked_sub(1)?;
        match (&self.content, owner) {
            (Content::Multipart(children), _) => children.get(index),
            (_, Owner::Message) => (index == 0).then_some(self),
            (Content::Message { root, .. }, Owner::Part) => root.step(n, Owner::Message),
            (Content::Leaf, Owner::Part) => None,
        }
    }
}

/// Whose number is being looked up.
#[derive(Clone, Copy)]
enum Owner {
    Message,
    Part,
}

impl Structure {
    /// The part of an IMAP section such as `1.2`; of no number, the message.
    /// `BODY[TEXT]` and `BODY[HEADER]` are its `body` and `header`; `BODY[1.2]` is the `body`, and
    /// `BODY[1.2.MIME]` the `header`, of the part found; `BODY[1.2.HEADER]` and `BODY[1.2.TEXT]`
    /// are those of [`Part::message`].
    pub fn find(&self, section: &[u32]) -> Option<&Part> {
        let mut part = &self.root;
        let mut owner = Owner::Message;
        for n in section {
            part = part.step(*n, owner)?;
            owner = Owner::Part;
        }
        Some(part)
    }

    /// Every part, the message itself first, parents before children, in the order of the message.
    pub fn parts(&self) -> Vec<&Part> {
        let mut found = Vec::new();
        let mut waiting = vec![&self.root];
        while let Some(part) = waiting.pop() {
            found.push(part);
            waiting.extend(part.message());
            waiting.extend(part.children().iter().rev());
        }
        found
    }
}
