//! Bytes from the peer, cut into lines.

use memchr::memchr;

/// Why no line could be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineError {
    /// The line is longer than allowed. Its octets up to its end are dropped by later calls.
    TooLong,
}

/// A buffer of unread bytes. Takes what comes, gives out whole lines or counted octets, and keeps
/// no more memory than it has unread bytes once it has been emptied.
#[derive(Debug, Default)]
pub struct LineBuffer {
    bytes: Vec<u8>,
    /// Octets before this are used up.
    start: usize,
    /// Octets from `start` known to hold no LF, so that a slow peer does not make us search twice.
    searched: usize,
    /// Are we inside a line that was too long?
    skipping: bool,
}

impl LineBuffer {
    /// Empty, without memory of its own.
    pub const fn new() -> LineBuffer {
        LineBuffer { bytes: Vec::new(), start: 0, searched: 0, skipping: false }
    }

    /// Adds bytes from the peer.
    pub fn extend(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Everything unread.
    pub fn unread(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Marks `count` unread octets as used.
    pub fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.bytes.len());
        self.searched = 0;
        if self.start == self.bytes.len() {
            self.clear();
        }
    }

    /// Drops everything unread, as before TLS.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.start = 0;
        self.searched = 0;
        if self.bytes.capacity() > 4096 {
            self.bytes = Vec::new();
        }
    }

    /// The next line without its CRLF or LF, if one is whole. `len_max` counts octets without the
    /// line end. A longer line gives [`LineError::TooLong`] once, and is skipped to its end
    /// without being kept.
    pub fn line(&mut self, len_max: usize) -> Option<Result<Vec<u8>, LineError>> {
        loop {
            let unread = &self.bytes[self.start..];
            let found = memchr(b'\n', &unread[self.searched..]).map(|at| self.searched + at);
            if self.skipping {
                match found {
                    Some(at) => {
                        self.skipping = false;
                        self.consume(at + 1);
                        continue;
                    }
                    None => {
                        self.clear();
                        return None;
                    }
                }
            }
            let Some(at) = found else {
                self.searched = unread.len();
                // One more for the CR that may be the last octet here.
                if unread.len() > len_max + 1 {
                    self.skipping = true;
                    self.clear();
                    return Some(Err(LineError::TooLong));
                }
                return None;
            };
            let line = &unread[..at];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let result =
                if line.len() > len_max { Err(LineError::TooLong) } else { Ok(line.to_vec()) };
            self.consume(at + 1);
            return Some(result);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_split_anywhere_give_the_same_lines() {
        let text = b"one\r\n\r\ntwo\nfar too long a line\r\nthree\r\n";
        let want = vec![
            Ok(b"one".to_vec()),
            Ok(vec![]),
            Ok(b"two".to_vec()),
            Err(LineError::TooLong),
            Ok(b"three".to_vec()),
        ];
        for size in 1..text.len() {
            let mut buffer = LineBuffer::new();
            let mut got = Vec::new();
            for piece in text.chunks(size) {
                buffer.extend(piece);
                while let Some(line) = buffer.line(8) {
                    got.push(line);
                }
            }
            assert_eq!(got, want, "pieces of {size}");
        }
    }

    #[test]
    fn a_line_without_end_is_not_kept() {
        let mut buffer = LineBuffer::new();
        for _ in 0..1000 {
            buffer.extend(&[b'x'; 4096]);
            buffer.line(512);
            assert!(buffer.bytes.len() <= 8192);
        }
    }
}
