//! A message on its way to the client.

use memchr::{memchr, memmem};

/// Cuts, stuffs and ends the octets of one RETR or TOP (RFC 1939 §3, §7). Fed the message in pieces
/// of any size, it holds none of it.
#[derive(Debug)]
pub(crate) struct Retrieval {
    pub(crate) number: u32,
    /// Octets of the message that were fed.
    pub(crate) offset: u64,
    /// Octets of the message, once the core has told.
    pub(crate) size: Option<u64>,
    /// Lines of the body still to be sent; `None` in RETR, which sends all.
    body_lines: Option<u64>,
    in_header: bool,
    /// Does the next octet begin a line?
    at_line_start: bool,
    /// Is the line that is being sent still without octets, other than a CR?
    line_is_empty: bool,
    last: u8,
}

impl Retrieval {
    pub(crate) fn new(number: u32, body_lines: Option<u64>) -> Retrieval {
        Retrieval {
            number,
            offset: 0,
            size: None,
            body_lines,
            in_header: true,
            at_line_start: true,
            line_is_empty: true,
            last: b'\n',
        }
    }

    /// Takes a piece and writes what the client gets of it. `true` when no more is wanted.
    pub(crate) fn feed(&mut self, piece: &[u8], out: &mut Vec<u8>) -> bool {
        self.offset += piece.len() as u64;
        out.reserve(piece.len() + piece.len() / 64);
        let mut rest = piece;
        while !rest.is_empty() {
            if !self.in_header && self.body_lines.is_none() {
                self.body(rest, out);
                return false;
            }
            if self.is_enough() {
                return true;
            }
            let end = memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            let (line, after) = rest.split_at(end);
            self.line(line, out);
            rest = after;
        }
        self.is_enough()
    }

    fn is_enough(&self) -> bool {
        self.body_lines == Some(0) && !self.in_header
    }

    /// A piece of a body of which all is wanted: only dots behind line ends need a look.
    fn body(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        if self.at_line_start && piece.first() == Some(&b'.') {
            out.push(b'.');
        }
        let mut copied = 0;
        for at in memmem::find_iter(piece, b"\n.") {
            copy_without_nul(&piece[copied..=at], out);
            out.push(b'.');
            copied = at + 1;
        }
        copy_without_nul(&piece[copied..], out);
        self.last = piece.last().copied().unwrap_or(self.last);
        self.at_line_start = self.last == b'\n';
    }

    /// A line, or a part of one.
    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) {
        // Stuffed after every LF, not only after CRLF: many clients take a bare LF for a line end,
        // and would take a dot behind it for the end of the message.
        if self.at_line_start && line.first() == Some(&b'.') {
            out.push(b'.');
        }
        copy_without_nul(line, out);
        let ended = line.last() == Some(&b'\n');
        self.line_is_empty &= line.iter().all(|b| *b == b'\r' || *b == b'\n');
        self.last = line.last().copied().unwrap_or(self.last);
        self.at_line_start = ended;
        if !ended {
            return;
        }
        if self.in_header {
            self.in_header = !self.line_is_empty;
        } else if let Some(lines) = &mut self.body_lines {
            *lines = lines.saturating_sub(1);
        }
        self.line_is_empty = true;
    }

    /// The message is over, or enough of it was sent: the line with the dot.
    pub(crate) fn end(&self, out: &mut Vec<u8>) {
        if self.last != b'\n' {
            out.extend_from_slice(b"\r\n");
        }
        // A header without a body gets the empty line that divides them: without it old clients
        // wait for ever.
        if self.in_header && self.offset > 0 {
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b".\r\n");
    }
}

/// A NUL hangs some clients; it goes out as 0x80, one octet like it, so that sizes stay true.
fn copy_without_nul(line: &[u8], out: &mut Vec<u8>) {
    if memchr(0, line).is_none() {
        return out.extend_from_slice(line);
    }
    out.extend(line.iter().map(|b| if *b == 0 { 0x80 } else { *b }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(message: &[u8], lines: Option<u64>, size: usize) -> String {
        let mut retrieval = Retrieval::new(1, lines);
        let mut out = Vec::new();
        for piece in message.chunks(size) {
            if retrieval.feed(piece, &mut out) {
                break;
            }
        }
        retrieval.end(&mut out);
        out.iter().map(|b| *b as char).collect()
    }

    #[test]
    fn pieces_of_any_size_give_the_same() {
        let table: &[(&[u8], Option<u64>, &str)] = &[
            (b"A: b\r\n\r\none\r\n.two\r\n", None, "A: b\r\n\r\none\r\n..two\r\n.\r\n"),
            (b"A: b\r\n\r\none\r\ntwo\r\n", Some(0), "A: b\r\n\r\n.\r\n"),
            (b"A: b\r\n\r\none\r\ntwo\r\n", Some(1), "A: b\r\n\r\none\r\n.\r\n"),
            (b"A: b\r\n\r\none", Some(9), "A: b\r\n\r\none\r\n.\r\n"),
            (b"A: b\r\n", None, "A: b\r\n\r\n.\r\n"),
            (b"", None, ".\r\n"),
            (b"\r\n..\n.\n\0", None, "\r\n...\n..\n\u{80}\r\n.\r\n"),
        ];
        for (message, lines, want) in table {
            for size in 1..=message.len().max(1) {
                assert_eq!(sent(message, *lines, size), *want, "{message:?} in pieces of {size}");
            }
        }
    }
}
