//! The octets of a message on their way to the desk, from DATA or BDAT.

use crate::command::bdat::CHUNKS_MAX;
use crate::command::mail::too_large;
use crate::decoder::{Decoder, Dots};
use crate::reply::{Reply, reply};
use bytes::Bytes;
use proto_line::LineBuffer;
use std::time::Instant;
use words_mail::EnhancedStatus;

/// Octets gathered before they go to the desk.
pub(crate) const CHUNK_MAX: usize = 64 * 1024;

/// Where the octets come from, and whether there will be more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Lines up to a lone dot.
    Data { ended: bool },
    /// A counted number.
    Chunk { size: u64, remaining: u64, last: bool },
}

impl Source {
    pub fn data() -> Source {
        Source::Data { ended: false }
    }

    /// Has everything come that this command brings?
    pub fn is_over(&self) -> bool {
        match self {
            Source::Data { ended } => *ended,
            Source::Chunk { remaining, .. } => *remaining == 0,
        }
    }

    /// Does the message end with it?
    pub fn is_last(&self) -> bool {
        match self {
            Source::Data { .. } => true,
            Source::Chunk { last, .. } => *last,
        }
    }
}

/// May lines end otherwise than in CR LF?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineEnds {
    /// No: refused at the end of the message.
    Strict,
    /// They are made CR LF.
    Normalised,
    /// There are no lines (BINARYMIME).
    Binary,
}

/// What becomes of the octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// They go to the desk.
    Writing,
    /// They are read and dropped, and this is said in the end.
    Dropping(Reply),
}

/// What has come of a message.
#[derive(Debug)]
pub(crate) struct Incoming {
    decoder: Decoder,
    line_ends: LineEnds,
    /// Decoded, not with the desk yet.
    chunk: Vec<u8>,
    /// Octets of the message, decoded.
    octets: u64,
    chunks: u32,
    pub fate: Fate,
    /// When the whole message must be here.
    pub until: Option<Instant>,
}

impl Incoming {
    pub fn new(line_ends: LineEnds, source: Source) -> Incoming {
        let dots = match source {
            Source::Data { .. } => Dots::Stuffed,
            Source::Chunk { .. } => Dots::Plain,
        };
        Incoming {
            decoder: Decoder::new(dots),
            line_ends,
            chunk: Vec::new(),
            octets: 0,
            chunks: 1,
            fate: Fate::Writing,
            until: None,
        }
    }

    /// A message that is refused before its first octet.
    pub fn dropping(reply: Reply) -> Incoming {
        let chunk = Source::Chunk { size: 0, remaining: 0, last: false };
        let incoming = Incoming::new(LineEnds::Binary, chunk);
        Incoming { fate: Fate::Dropping(reply), ..incoming }
    }

    /// One more BDAT begins.
    pub fn count_chunk(&mut self) {
        self.chunks = self.chunks.saturating_add(1);
    }

    /// Octets of the message so far.
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// Takes what has come. Gives the number of octets used.
    pub fn pull(&mut self, input: &mut LineBuffer, source: &mut Source) -> usize {
        let unread = input.unread();
        let room = CHUNK_MAX.saturating_sub(self.chunk.len()).max(1);
        let unread = &unread[..unread.len().min(room)];
        self.make_room(unread.len());
        let len_before = self.chunk.len();
        let used = match source {
            Source::Data { ended } => {
                let decoded = self.decoder.decode(unread, &mut self.chunk);
                *ended = decoded.ended;
                decoded.used
            }
            Source::Chunk { remaining, .. } => {
                let used = unread.len().min(usize::try_from(*remaining).unwrap_or(usize::MAX));
                self.take_chunk(&unread[..used]);
                *remaining -= used as u64;
                used
            }
        };
        self.octets += (self.chunk.len() - len_before) as u64;
        input.consume(used);
        used
    }

    fn take_chunk(&mut self, octets: &[u8]) {
        match self.line_ends {
            LineEnds::Binary => self.chunk.extend_from_slice(octets),
            LineEnds::Strict | LineEnds::Normalised => {
                self.decoder.decode(octets, &mut self.chunk);
            }
        }
    }

    /// Everything has come: what the decoder held back belongs to the message.
    pub fn end(&mut self) {
        let len_before = self.chunk.len();
        self.decoder.finish(&mut self.chunk);
        self.octets += (self.chunk.len() - len_before) as u64;
    }

    /// A message that has filled one chunk is likely to fill another.
    fn make_room(&mut self, len: usize) {
        if self.chunk.capacity() == 0 && self.fate == Fate::Writing {
            let full = self.octets >= CHUNK_MAX as u64;
            self.chunk.reserve(if full { CHUNK_MAX } else { len });
        }
    }

    /// Does what has come break a limit? Then why.
    pub fn check(&self, size_max: u64) -> Result<(), Reply> {
        if self.octets > size_max {
            return Err(too_large(size_max));
        }
        if self.line_ends == LineEnds::Strict && self.decoder.has_bare_line_ends() {
            let text = "bare CR or LF in message; lines must end in CR LF (RFC 5321 section 2.3.8)";
            return Err(reply(550, EnhancedStatus(5, 6, 11), text));
        }
        if self.chunks > CHUNKS_MAX {
            let text = format!("more than {CHUNKS_MAX} chunks in one message");
            return Err(reply(552, EnhancedStatus(5, 3, 4), text));
        }
        Ok(())
    }

    /// From now on nothing is kept.
    pub fn drop_with(&mut self, reply: Reply) {
        self.chunk = Vec::new();
        self.fate = Fate::Dropping(reply);
    }

    /// Forgets what has been decoded of a message that is dropped.
    pub fn forget(&mut self) {
        self.chunk.clear();
    }

    /// What should go to the desk now: a full chunk, or the rest of a message that is `whole`.
    pub fn take_full(&mut self, whole: bool) -> Option<Bytes> {
        let due = self.chunk.len() >= CHUNK_MAX || (whole && !self.chunk.is_empty());
        due.then(|| Bytes::from(std::mem::take(&mut self.chunk)))
    }
}
