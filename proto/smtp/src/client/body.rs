//! From the octets of a message to what goes over the wire.
//!
//! What is sent as lines has CR LF at every line's end, whatever came in: a server that takes a bare
//! CR or LF for the end of a line could be made to see a message inside of ours. So line ends that are
//! not CR LF are made CR LF here, and in DATA a dot at the beginning of any line is doubled.

use memchr::memchr2;

/// What is done with a dot at the beginning of a line (RFC 5321 §4.5.2), and with line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// DATA: lines, dots doubled.
    Stuffed,
    /// BDAT: lines as they are.
    Lines,
    /// BDAT of BINARYMIME: octets as they are (RFC 3030 §3).
    Octets,
}

/// Where in a line the next octet stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Start,
    Inside,
    /// After a CR that was not put out yet.
    Cr,
}

/// Writes a message, however it is cut into pieces.
#[derive(Debug)]
pub(super) struct Encoder {
    form: Form,
    place: Place,
}

impl Encoder {
    pub fn new(form: Form) -> Encoder {
        Encoder { form, place: Place::Start }
    }

    /// Appends to `out` what `input` is on the wire.
    pub fn encode(&mut self, input: &[u8], out: &mut Vec<u8>) {
        if self.form == Form::Octets {
            return out.extend_from_slice(input);
        }
        let mut at = 0;
        while let Some(&octet) = input.get(at) {
            match (self.place, octet) {
                (Place::Cr, b'\n') => {
                    out.extend_from_slice(b"\r\n");
                    self.place = Place::Start;
                    at += 1;
                }
                (Place::Cr, _) => {
                    out.extend_from_slice(b"\r\n");
                    self.place = Place::Start;
                }
                (Place::Start, b'.') => {
                    out.extend_from_slice(if self.form == Form::Stuffed { b".." } else { b"." });
                    self.place = Place::Inside;
                    at += 1;
                }
                (Place::Start | Place::Inside, _) => at = self.run(input, at, out),
            }
        }
    }

    /// Copies as much as possible in one piece: across the CRLF of many lines, up to a dot at the
    /// beginning of one or a bare line end. Gives the offset from which to go on.
    fn run(&mut self, input: &[u8], start: usize, out: &mut Vec<u8>) -> usize {
        let mut at = start;
        loop {
            let rest = input.get(at..).unwrap_or_default();
            let Some(found) = memchr2(b'\r', b'\n', rest) else {
                out.extend_from_slice(&input[start..]);
                self.place = if rest.is_empty() { Place::Start } else { Place::Inside };
                return input.len();
            };
            let end = at + found;
            match input[end..] {
                [b'\r', b'\n', b'.', ..] => {
                    out.extend_from_slice(&input[start..end + 2]);
                    self.place = Place::Start;
                    return end + 2;
                }
                [b'\r', b'\n', ..] => at = end + 2,
                [b'\r'] => {
                    out.extend_from_slice(&input[start..end]);
                    self.place = Place::Cr;
                    return end + 1;
                }
                _ => {
                    out.extend_from_slice(&input[start..end]);
                    out.extend_from_slice(b"\r\n");
                    self.place = Place::Start;
                    return end + 1;
                }
            }
        }
    }

    /// The message ends here: so does its last line, and in DATA the lone dot follows.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if self.form != Form::Octets && self.place != Place::Start {
            out.extend_from_slice(b"\r\n");
        }
        if self.form == Form::Stuffed {
            out.extend_from_slice(b".\r\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decoder::{Decoder, Dots};
    use proptest::prelude::*;

    fn encoded(form: Form, pieces: &[&[u8]]) -> Vec<u8> {
        let mut encoder = Encoder::new(form);
        let mut out = Vec::new();
        pieces.iter().for_each(|piece| encoder.encode(piece, &mut out));
        encoder.finish(&mut out);
        out
    }

    #[test]
    fn lines_end_and_dots_are_doubled() {
        for (text, stuffed, lines) in [
            ("", ".\r\n", ""),
            ("a", "a\r\n.\r\n", "a\r\n"),
            ("a\r\n", "a\r\n.\r\n", "a\r\n"),
            (".", "..\r\n.\r\n", ".\r\n"),
            (".\r\n", "..\r\n.\r\n", ".\r\n"),
            ("a\r\n.\r\nb", "a\r\n..\r\nb\r\n.\r\n", "a\r\n.\r\nb\r\n"),
            ("a\n.\nb", "a\r\n..\r\nb\r\n.\r\n", "a\r\n.\r\nb\r\n"),
            ("a\r.\rb", "a\r\n..\r\nb\r\n.\r\n", "a\r\n.\r\nb\r\n"),
            ("a\n.\r\nQUIT", "a\r\n..\r\nQUIT\r\n.\r\n", "a\r\n.\r\nQUIT\r\n"),
            ("a\r", "a\r\n.\r\n", "a\r\n"),
            ("a\r\r\n", "a\r\n\r\n.\r\n", "a\r\n\r\n"),
            ("\r\n\r\n", "\r\n\r\n.\r\n", "\r\n\r\n"),
            ("a.b\r\n..c", "a.b\r\n...c\r\n.\r\n", "a.b\r\n..c\r\n"),
        ] {
            assert_eq!(encoded(Form::Stuffed, &[text.as_bytes()]), stuffed.as_bytes(), "{text:?}");
            assert_eq!(encoded(Form::Lines, &[text.as_bytes()]), lines.as_bytes(), "{text:?}");
            assert_eq!(encoded(Form::Octets, &[text.as_bytes()]), text.as_bytes());
        }
    }

    proptest! {
        #[test]
        fn nothing_in_a_message_ends_it_for_any_server(text in "[a.\r\n]{0,40}", size in 1usize..9) {
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            let wire = encoded(Form::Stuffed, &pieces);
            prop_assert_eq!(&wire, &encoded(Form::Stuffed, &[text.as_bytes()]));
            // Every CR has its LF and every LF its CR.
            let wire = String::from_utf8(wire).unwrap();
            prop_assert!(!wire.replace("\r\n", "").contains(['\r', '\n']));
            // A lone dot stands at the end and nowhere else.
            prop_assert_eq!(wire.split("\r\n").position(|line| line == "."),
                Some(wire.matches("\r\n").count() - 1));
            // What our own server makes of it is what goes by BDAT.
            let mut back = Vec::new();
            let decoded = Decoder::new(Dots::Stuffed).decode(wire.as_bytes(), &mut back);
            prop_assert!(decoded.ended && decoded.used == wire.len());
            prop_assert_eq!(back, encoded(Form::Lines, &pieces));
        }
    }
}
