//! From the lines of DATA to the octets of the message: the hot path of everything that comes in.
//!
//! Only CR LF `.` CR LF ends a message (RFC 5321 §4.1.1.4). Servers that also ended it at a dot
//! between other line ends have let strangers smuggle whole messages past their peers. So line ends
//! that are not CR LF are noted, and made CR LF in what is put out; they never end anything.

use memchr::memchr2;

/// Does a dot at the beginning of a line mean something (RFC 5321 §4.5.2)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dots {
    /// In DATA it does.
    Stuffed,
    /// In BDAT it does not.
    Plain,
}

/// How a line ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    CrLf,
    Bare,
}

/// Where in a line the next octet stands. The octets that a place holds back (CR, dot) are not put
/// out yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// At its beginning; the line before ended so.
    Start(End),
    /// After its first octet.
    Inside,
    /// After a CR.
    Cr,
    /// After a dot at its beginning.
    Dot(End),
    /// After a dot at its beginning and a CR.
    DotCr(End),
}

/// Decodes a message, however it is cut into pieces.
#[derive(Clone, Debug)]
pub(crate) struct Decoder {
    place: Place,
    dots: Dots,
    bare: bool,
}

/// How far [`Decoder::decode`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// Octets used; all, unless the message ended.
    pub used: usize,
    /// Has the message ended?
    pub ended: bool,
}

impl Decoder {
    pub fn new(dots: Dots) -> Decoder {
        Decoder { place: Place::Start(End::CrLf), dots, bare: false }
    }

    /// Was there a CR without LF, or an LF without CR?
    pub fn has_bare_line_ends(&self) -> bool {
        self.bare
    }

    /// Appends to `out` what `input` holds of the message.
    pub fn decode(&mut self, input: &[u8], out: &mut Vec<u8>) -> Decoded {
        let mut at = 0;
        while at < input.len() {
            if self.place == Place::Inside {
                at = self.run(input, at, out);
                continue;
            }
            let (place, used) = self.single(input[at], out);
            at += usize::from(used);
            match place {
                Some(place) => self.place = place,
                None => return Decoded { used: at, ended: true },
            }
        }
        Decoded { used: at, ended: false }
    }

    /// The message ends here by count: a CR held back was a bare one.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if self.place == Place::Cr {
            self.place = self.bare_end(b"\r\n", out);
        }
    }

    /// Copies as much as possible in one piece, from inside a line across the CRLF of many lines, up
    /// to the first octet that needs thought. Gives the offset from which to go on.
    fn run(&mut self, input: &[u8], start: usize, out: &mut Vec<u8>) -> usize {
        let mut at = start;
        loop {
            let Some(found) = memchr2(b'\r', b'\n', &input[at..]) else {
                out.extend_from_slice(&input[start..]);
                return input.len();
            };
            let end = at + found;
            if input[end..].starts_with(b"\r\n") {
                at = end + 2;
                let plain = |first: &u8| *first != b'.' || self.dots == Dots::Plain;
                if input.get(at).is_some_and(plain) {
                    continue;
                }
                self.place = Place::Start(End::CrLf);
                out.extend_from_slice(&input[start..at]);
                return at;
            }
            out.extend_from_slice(&input[start..end]);
            self.place = match input[end] {
                b'\n' => self.bare_end(b"\r\n", out),
                _ => Place::Cr,
            };
            return end + 1;
        }
    }

    /// One octet anywhere but inside a line: the next place, `None` at the end of the message, and
    /// whether the octet was used.
    fn single(&mut self, octet: u8, out: &mut Vec<u8>) -> (Option<Place>, bool) {
        let (place, used) = match (self.place, octet) {
            (Place::Start(end), b'.') if self.dots == Dots::Stuffed => (Place::Dot(end), true),
            (Place::Start(_) | Place::Inside, _) => (Place::Inside, false),
            (Place::Cr, b'\n') => {
                out.extend_from_slice(b"\r\n");
                (Place::Start(End::CrLf), true)
            }
            (Place::Cr, _) => (self.bare_end(b"\r\n", out), false),
            (Place::Dot(end), b'\r') => (Place::DotCr(end), true),
            // A lone dot that does not end the message is kept: only a dot with other characters
            // behind it was stuffed.
            (Place::Dot(_), b'\n') => (self.bare_end(b".\r\n", out), true),
            (Place::Dot(_), _) => (Place::Inside, false),
            (Place::DotCr(End::CrLf), b'\n') => return (None, true),
            (Place::DotCr(End::Bare), b'\n') => {
                out.extend_from_slice(b".\r\n");
                (Place::Start(End::CrLf), true)
            }
            (Place::DotCr(_), _) => (self.bare_end(b".\r\n", out), false),
        };
        (Some(place), used)
    }

    fn bare_end(&mut self, octets: &[u8], out: &mut Vec<u8>) -> Place {
        self.bare = true;
        out.extend_from_slice(octets);
        Place::Start(End::Bare)
    }
}

#[cfg(test)]
mod tests;
