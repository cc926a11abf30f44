//! Bodies: octets that are written once.

use crate::{Later, StoreError};
use bytes::{Bytes, BytesMut};
use std::any::Any;
use std::fmt;
use std::ops::Range;

/// Names a body in its store. Never given twice, never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId(pub u64);

/// Where bodies are kept.
pub trait Blobs: Send + Sync {
    /// Begins a body. It is kept only if [`BlobWriter::finish`]ed and then named in a committed
    /// batch; otherwise whatever was written for it goes away by itself.
    fn begin(&self) -> Box<dyn BlobWriter>;

    /// Is there room for a body of `len` octets (0: not known), as far as is known beforehand? A
    /// commit has the last word.
    fn has_room(&self, len: u64) -> bool {
        let _ = len;
        true
    }

    /// The octets of a committed body in `range`, cut to the body's length. What comes back has
    /// passed its checksum.
    fn read(&self, blob: BlobId, range: Range<u64>) -> Later<'_, Bytes>;

    /// The octets in `range` of a finished body that no batch has kept yet, cut to its length: for
    /// one who passes it on elsewhere. An engine that spills bodies reads those itself.
    fn read_unkept(&self, body: &Body, range: Range<u64>) -> Later<'_, Bytes> {
        Box::pin(std::future::ready(body.read_inline(range).ok_or(StoreError::NoSuchBlob)))
    }
}

/// A body on its way in. Holds no more than a bounded part of it in memory.
pub trait BlobWriter: Send {
    /// Adds octets.
    fn write<'a>(&'a mut self, chunk: &'a [u8]) -> Later<'a, ()>;

    /// Octets written so far.
    fn len(&self) -> u64;

    /// Has nothing been written?
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// No more octets come. The body is ready to be named in a batch; not durable before that.
    fn finish(self: Box<Self>) -> Later<'static, Body>;
}

/// A finished body that no batch has kept yet.
#[derive(Debug)]
pub struct Body {
    /// What it will be called.
    pub id: BlobId,
    /// Octets.
    pub len: u64,
    /// Where the octets are, for the engine that made it.
    pub bytes: BodyBytes,
}

impl Body {
    /// Some octets in memory, cut to the body's length. `None`: they are the engine's own.
    pub fn read_inline(&self, range: Range<u64>) -> Option<Bytes> {
        let BodyBytes::Inline(parts) = &self.bytes else { return None };
        let mut octets = BytesMut::new();
        let mut begin = 0;
        for part in parts {
            let len = part.len() as u64;
            let cut = |at: u64| at.saturating_sub(begin).min(len) as usize;
            let wanted = &part[cut(range.start).min(cut(range.end))..cut(range.end)];
            octets.extend_from_slice(wanted);
            begin += len;
        }
        Some(octets.freeze())
    }
}

/// Where a finished body's octets are.
pub enum BodyBytes {
    /// In memory: small ones.
    Inline(Vec<Bytes>),
    /// Somewhere of the engine's own.
    Spilled(Spilled),
}

/// The engine's own; goes away when dropped without a commit.
pub type Spilled = Box<dyn Any + Send + Sync>;

impl fmt::Debug for BodyBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BodyBytes::Inline(_) => f.write_str("Inline"),
            BodyBytes::Spilled(_) => f.write_str("Spilled"),
        }
    }
}
