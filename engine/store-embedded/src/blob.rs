//! Where bodies are, and reading them back.

use crate::disk::DiskFile;
use crate::files::{Files, Name};
use crate::frame::{self, BLOCK, HEADER_SIZE, Header};
use crate::thread::off_thread;
use bytes::Bytes;
use core_store::{BlobId, StoreError};
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::sync::Arc;

/// Where a body's frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Locator {
    /// The segment's number.
    pub segment: u64,
    /// Octets before the frame in it.
    pub offset: u64,
    /// Octets of the body.
    pub len: u64,
    /// Are the octets in a file of their own, and only their checksums in the frame?
    pub large: bool,
}

/// A blob as the engine keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it is.
    pub locator: Locator,
    /// How many hold it. With 0 it is given up, but can be read until the next checkpoint.
    pub holders: u32,
}

impl Locator {
    /// Octets that its frame takes in the segment.
    pub fn frame_len(&self) -> u64 {
        let inline = if self.large { 0 } else { self.len };
        frame::frame_len(frame::table_size(self.len) + inline)
    }

    fn name(&self) -> Name {
        Name::Segment(self.segment)
    }
}

/// Reads the part `range` of the body at `locator`, verified.
pub async fn read(
    files: &Files,
    blob: BlobId,
    locator: Locator,
    range: Range<u64>,
) -> io::Result<Bytes> {
    let range = range.start.min(locator.len)..range.end.min(locator.len);
    if range.is_empty() {
        return Ok(Bytes::new());
    }
    let segment = files.get(locator.name())?;
    match frame::table_size(locator.len) {
        0 => read_small(segment, blob, locator, range).await,
        table => read_blocks(files, segment, blob, locator, table as usize, range).await,
    }
}

/// One read for header and octets.
async fn read_small(
    segment: Arc<dyn DiskFile>,
    blob: BlobId,
    locator: Locator,
    range: Range<u64>,
) -> io::Result<Bytes> {
    let frame = read_range(segment, locator.offset, HEADER_SIZE + locator.len as usize).await?;
    let (header, octets) = frame.split_at(HEADER_SIZE);
    verify(header, octets, blob, locator)?;
    let (start, end) = (HEADER_SIZE + range.start as usize, HEADER_SIZE + range.end as usize);
    Ok(Bytes::from(frame).slice(start..end))
}

/// One read for header and checksums, another for the blocks that hold the range.
async fn read_blocks(
    files: &Files,
    segment: Arc<dyn DiskFile>,
    blob: BlobId,
    locator: Locator,
    table_len: usize,
    range: Range<u64>,
) -> io::Result<Bytes> {
    let front = read_range(segment.clone(), locator.offset, HEADER_SIZE + table_len).await?;
    let (header, table) = front.split_at(HEADER_SIZE);
    verify(header, table, blob, locator)?;
    let (file, octets_at) = match locator.large {
        true => (files.get(Name::Large(blob))?, 0),
        false => (segment, locator.offset + (HEADER_SIZE + table_len) as u64),
    };
    let first = range.start / BLOCK as u64;
    let start = first * BLOCK as u64;
    let end = range.end.next_multiple_of(BLOCK as u64).min(locator.len);
    let blocks = read_range(file, octets_at + start, (end - start) as usize).await?;
    if !frame::blocks_match(table, first as usize, &blocks) {
        return Err(damaged(blob, locator, "the checksum of a block does not match"));
    }
    Ok(Bytes::from(blocks).slice((range.start - start) as usize..(range.end - start) as usize))
}

/// Is this the frame that the locator means, and is what its header's checksum covers intact?
pub fn verify(header: &[u8], checked: &[u8], blob: BlobId, locator: Locator) -> io::Result<Header> {
    let header = Header::decode(header).map_err(|what| damaged(blob, locator, what))?;
    let kind = if locator.large { frame::Kind::Large } else { frame::Kind::Body };
    let expected = (kind, blob.0, locator.segment, locator.len);
    if (header.kind, header.blob, header.segment, header.body_len) != expected {
        return Err(damaged(blob, locator, "another frame is in its place"));
    }
    match crc32c::crc32c(checked) == header.payload_crc {
        true => Ok(header),
        false => Err(damaged(blob, locator, "the checksum of the frame does not match")),
    }
}

fn damaged(blob: BlobId, locator: Locator, what: &str) -> io::Error {
    let (path, offset) = (locator.name().path(), locator.offset);
    frame::corrupt(format!("blob {} in {path} at {offset}: {what}", blob.0))
}

/// Reads without a detour if the octets are in memory, else on a thread that may wait.
pub async fn read_range(file: Arc<dyn DiskFile>, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; len];
    let cached = match file.read_cached(&mut buffer, offset) {
        Ok(count) => count,
        Err(error) if is_a_miss(&error) => 0,
        Err(error) => return Err(error),
    };
    if cached == len {
        return Ok(buffer);
    }
    off_thread(move || {
        let count = file.read_at(&mut buffer[cached..], offset + cached as u64)?;
        match cached + count == len {
            true => Ok(buffer),
            false => Err(ErrorKind::UnexpectedEof.into()),
        }
    })
    .await
}

fn is_a_miss(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted | ErrorKind::Unsupported)
}

/// What a failed read is for the core.
pub fn read_error(error: io::Error) -> StoreError {
    match error.kind() {
        ErrorKind::InvalidData => StoreError::Corrupt(error.to_string()),
        ErrorKind::UnexpectedEof => StoreError::Corrupt(format!("a file is too short: {error}")),
        _ => StoreError::Unavailable(format!("reading a body: {error}")),
    }
}
